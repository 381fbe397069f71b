"""Bad catalogues and play logs, each through the whole command."""

import json

from fault_bench import SMALL, Bench, Row, refused, row, say
from fault_compare import served
from fault_home import Ended, Home
from fault_inputs import CATALOGUES, LOGS, Input
from part_disk import begun


def inputs(bench: Bench) -> list[Row]:
    """Every file; what was there before has to be there after a refusal."""
    rows = []
    for kind, option, files in (
        ("play log", "--interactions", LOGS),
        ("catalogue", "--catalogue", CATALOGUES),
    ):
        faults: dict[int, list[str]] = {0: [], 3: []}
        for file in files:
            found = one(bench.base, option, file)
            say(f"  {kind}, {file.name}: {found or 'as it should'}")
            faults[file.code] += [f"{file.name}: {fault}" for fault in found]
        for code, outcome in (
            (3, "exit 3 with the reason and the line or row; store and database byte for byte"),
            (0, "repaired or left out, counted and listed in the report"),
        ):
            names = [file.name for file in files if file.code == code]
            text = outcome if code else f"{outcome}; the run ends with 0"
            rows.append(row(f"{kind}: {', '.join(names)}", len(names), text, faults[code]))
    return rows


def one(home: Home, option: str, file: Input) -> list[str]:
    """What is wrong with how `gamerec run OPTION FILE` ends."""
    path = home.folder.parent / "input.csv"
    path.write_bytes(file.content)
    before, kept = served(home.folder), tree(home, "")
    until = () if file.whole else ("--until", "simulate")
    done = home.gamerec("run", option, str(path), *until, *(SMALL if file.whole else ()))
    if file.code:
        faults = refused(done, (3,))
        faults += [] if file.is_said_in(done.err) else [f"not told: {done.err}"]
        faults += [] if served(home.folder) == before else ["what is served has changed"]
        return faults + ([] if tree(home, begun(done)) == kept else ["the store has changed"])
    if done.code not in ((0, 4) if file.whole else (0,)):
        return [done.text]
    told = _told(home, begun(done), option, done)
    return [] if file.is_said_in(told) else [f"not told: {told[-400:]}"]


def _told(home: Home, run_id: str, option: str, done: Ended) -> str:
    """What the run keeps of the repairs, and the CSV that it made for people."""
    folder = home.folder / "store" / "runs" / run_id
    name = "play_log.json" if option == "--interactions" else "source.json"
    about = json.loads((folder / name).read_text())
    sheet = home.folder / "store" / "batches" / run_id / "recommendations.csv"
    return json.dumps(about, ensure_ascii=False) + (sheet.read_text() if sheet.exists() else "")


def tree(home: Home, without: str) -> dict[str, bytes]:
    """Every file of the store but those of one run, as bytes."""
    store = home.folder / "store"
    paths = (path for path in sorted(store.rglob("*")) if path.is_file())
    return {
        name: path.read_bytes()
        for path in paths
        if not (name := path.relative_to(store).as_posix()).startswith(f"runs/{without or '-'}/")
        and not name.endswith(("-shm", "-wal"))
    }
