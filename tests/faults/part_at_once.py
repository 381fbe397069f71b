"""Several runs at once: in one project, and in two that share a store and a database."""

from fault_bench import OTHER, Bench, Row, row, say
from fault_home import Home, ended
from fault_kills import reading
from part_clock import in_order

from gamerec.registry import Registry
from gamerec.storage import FolderStore

TIMES = 2


def at_once(bench: Bench) -> list[Row]:
    """Two commands begun in the same moment."""
    rows = []
    for wait, expected in (("0", [0, 6]), ("300", [0, 0])):
        faults, home = [], bench.home(LOCK_TIMEOUT=wait)
        for _ in range(TIMES if wait == "0" else 1):
            known = {record.run_id for record in home.records()}
            both = [ended(p, 600) for p in [home.start("run", *OTHER), home.start("run", *OTHER)]]
            codes = sorted(done.code for done in both)
            new = [record for record in home.records() if record.run_id not in known]
            if codes != expected or len(new) != codes.count(0):
                faults.append(f"{codes}, {len(new)} runs: {both[0].text} {both[1].text}")
            faults += [r.status for r in new if r.status != "done"]
        say(f"  LOCK_TIMEOUT={wait}: {faults}")
        what = f"two runs at once in a project, LOCK_TIMEOUT={wait}"
        outcome = (
            "one runs, the other leaves with exit 6" if wait == "0" else "one waits for the other"
        )
        rows.append(row(what, TIMES if wait == "0" else 1, outcome, faults))
    return [*rows, _shared(bench)]


def _shared(bench: Bench) -> Row:
    """Two projects, as on two machines, with one store and one database."""
    first = bench.home()
    store = str(first.folder / "store")
    url = f"sqlite:///{store}/gamerec.db"
    homes = [Home(bench.folder / f"machine{n}", STORE_URL=store, DATABASE_URL=url) for n in (1, 2)]
    with reading(first) as read:
        both = [ended(p, 600) for p in [home.start("run", *OTHER) for home in homes]]
    faults = [done.text for done in both if done.code] + read["faults"]
    registry = Registry(FolderStore(store))
    versions = registry.versions()
    if versions != ["model_v1", "model_v2", "model_v3"]:
        faults.append(f"versions {versions}")
    for version in versions:
        registry.verify(version)
    faults += [f for f in in_order(first) if "gap" in f]
    say(f"  shared store: {faults}")
    outcome = (
        f"two versions, two batches, one after the other; {sum(read['reads'].values()):,} reads"
    )
    return row("two machines at once on one store and database", 1, f"{outcome} whole", faults)
