"""Bad catalogues and play logs, each through the whole command."""

import json

from fault_bench import SMALL, Bench, Row, refused, row, say, succeeded
from fault_compare import served
from fault_home import Home
from fault_inputs import CATALOGUES, LOGS, Input
from part_disk import begun


def inputs(bench: Bench) -> list[Row]:
    """Every file; what was there before has to be there after a refusal."""
    rows = []
    home = bench.home(KEEP_RUNS="100")
    succeeded(home.gamerec("run", "--until", "preprocess"))
    for kind, option, files in (
        ("play log", "--interactions", LOGS),
        ("catalogue", "--catalogue", CATALOGUES),
    ):
        faults: dict[int, list[str]] = {0: [], 3: []}
        for file in files:
            found = one(home, option, file)
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
    # A name of its own: a resumed run keeps a stage whose parameters are the same.
    path = home.folder.parent / f"{file.name.replace(' ', '-')}.csv"
    path.write_bytes(file.content)
    before, kept = served(home.folder), tree(home)
    done = home.gamerec("run", option, str(path), *_rest(home, option, file))
    if file.code:
        faults = refused(done, (3,))
        faults += [] if file.is_said_in(done.err) else [f"not told: {done.err}"]
        faults += [] if served(home.folder) == before else ["what is served has changed"]
        same = _without(kept, begun(done)) == _without(tree(home), begun(done))
        return faults + ([] if same else ["the store has changed"])
    if done.code not in ((0, 4) if file.whole else (0,)):
        return [done.text]
    told = _told(home, begun(done), option)
    return [] if file.is_said_in(told) else [f"not told: {told[-400:]}"]


def _rest(home: Home, option: str, file: Input) -> tuple[str, ...]:
    """Go as far as the file is read, from what is ready; files marked as `whole` to the end."""
    if file.whole:
        return SMALL
    if option == "--catalogue":
        return ("--until", "crawl")
    ready = [r.run_id for r in home.records() if r.stages["preprocess"].status == "done"]
    return ("--until", "simulate", "--resume", ready[-1])


def _told(home: Home, run_id: str, option: str) -> str:
    """What the run keeps of the repairs, and the CSV that it made for people."""
    folder = home.folder / "store" / "runs" / run_id
    name = "play_log.json" if option == "--interactions" else "source.json"
    about = json.loads((folder / name).read_text())
    sheet = home.folder / "store" / "batches" / run_id / "recommendations.csv"
    return json.dumps(about, ensure_ascii=False) + (sheet.read_text() if sheet.exists() else "")


def tree(home: Home) -> dict[str, bytes]:
    """Every file of the store, as bytes."""
    store = home.folder / "store"
    paths = [path for path in store.rglob("*") if path.is_file()]
    return {
        path.relative_to(store).as_posix(): path.read_bytes()
        for path in paths
        if not path.name.endswith(("-shm", "-wal"))  # SQLite's, of whoever reads
    }


def _without(files: dict[str, bytes], run_id: str) -> dict[str, bytes]:
    """Leave the run's own artifacts aside."""
    return {name: data for name, data in files.items() if not name.startswith(f"runs/{run_id}/")}
