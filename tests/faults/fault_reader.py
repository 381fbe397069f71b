"""A reader that never rests: `python fault_reader.py HOME [DATABASE_URL]` until SIGTERM.

Reads what a project serves again and again, each time whole, and checks that it is: the models in
the channels by their checksums, the batch in force by its own, the live batch of the database by
its number of rows and by what it held before, run.json and the list of runs. Ends by printing how
often it read, and everything that was not whole.
"""

import hashlib
import json
import signal
import sys
import time
from collections import Counter
from pathlib import Path

from gamerec.database import Database
from gamerec.errors import DataError
from gamerec.registry import Registry
from gamerec.storage import FolderStore

PAUSE = 0.02  # seconds between two rounds: the two cores are for the run


class Reader:
    """Rounds of reading, and what was seen."""

    def __init__(self, home: Path, url: str) -> None:
        self.home = home
        self.store = FolderStore(home / "store")
        self.database = Database(url, patience=10)
        self.reads: Counter[str] = Counter()
        self.faults: list[str] = []
        self.seen: dict[str, str] = {}  # batch -> sum of its rows
        self.versions: dict[str, set[str]] = {}  # what was served, by kind

    def round(self) -> None:
        """Read everything once."""
        for read in (self.models, self.batch, self.rows, self.pages):
            try:
                read()
                self.reads[read.__name__] += 1
            except Exception as error:
                self.faults.append(f"{read.__name__}: {type(error).__name__}: {error}"[:400])

    def models(self) -> None:
        """Every version that a channel points to is whole."""
        registry = Registry(self.store)
        for channel, version in registry.channels().items():
            registry.verify(version)
            self._note(channel, version)

    def batch(self) -> None:
        """The files of the batch in force are those that were meant."""
        current = self.store.read_json("batches/current.json")
        for name, digest in current["files"].items():
            data = self.store.read(f"batches/{current['batch_id']}/{name}")
            if hashlib.sha256(data).hexdigest() != digest:
                raise DataError(f"{name} of {current['batch_id']} is not what is in force")
        self._note("batch", current["batch_id"])

    def rows(self) -> None:
        """The live batch of the database has all of its rows, the same ones at every time."""
        before = self.database.live_batch()
        frame = self.database.all_recommendations()
        if before != self.database.live_batch():  # it changed in between: look again
            return
        assert before is not None, "there is no live batch"
        if set(frame["batch_id"]) != {before["batch_id"]} or len(frame) != before["n_rows"]:
            raise DataError(f"{len(frame)} of {before['n_rows']} rows of {before['batch_id']}")
        lists = frame.groupby("user_id")["rank"].agg(["size", "min", "max"])
        if not ((lists["min"] == 1) & (lists["max"] == lists["size"])).all():
            raise DataError(f"lists of {before['batch_id']} have gaps")
        digest = hashlib.sha256(frame.to_csv(index=False).encode()).hexdigest()
        if self.seen.setdefault(before["batch_id"], digest) != digest:
            raise DataError(f"the rows of {before['batch_id']} have changed")
        self._note("live batch", before["batch_id"])

    def pages(self) -> None:
        """Records and the list of runs are whole files."""
        for path in (self.home / "reports").glob("*/run.json"):
            json.loads(path.read_text())
        if not (self.home / "reports" / "index.html").read_text().rstrip().endswith("</html>"):
            raise DataError("reports/index.html is cut off")

    def report(self) -> str:
        """What was seen, as JSON."""
        served = {kind: sorted(names) for kind, names in self.versions.items()}
        return json.dumps({"reads": self.reads, "faults": self.faults, "served": served})

    def _note(self, kind: str, name: str) -> None:
        self.versions.setdefault(kind, set()).add(name)


def main(home: str, url: str = "") -> None:
    """Read until SIGTERM."""
    reader = Reader(Path(home), url or f"sqlite:///{home}/store/gamerec.db")
    going = True

    def stop(*_: object) -> None:
        nonlocal going
        going = False

    signal.signal(signal.SIGTERM, stop)
    while going:
        reader.round()
        time.sleep(PAUSE)
    print(reader.report())


if __name__ == "__main__":
    main(*sys.argv[1:])
