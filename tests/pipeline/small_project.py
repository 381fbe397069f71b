"""Seven small notebooks, whose cells a test may replace, and ways to run the pipeline on them."""

import io
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import nbformat

from gamerec.pipeline.plan import Request
from gamerec.pipeline.run import run_pipeline
from gamerec.reports.record import RunRecord, read_record
from gamerec.runs import STAGES, Run, notebook_name
from gamerec.settings import load_settings
from gamerec.storage import open_store

PARAMETERS = {
    "crawl": 'N_GAMES: int = 40  # games to fetch\nCATALOGUE: str = ""  # a file of games',
    "simulate": 'INTERACTIONS: str = ""  # a play log\nMODE: Literal["taste", "luck"] = "taste"',
    "train": "EPOCHS: int = 10  # passes over the games\nRATE: float = 0.5",
}
WORK = {
    "crawl": 'run.write_json("raw_games", {"n": N_GAMES})',
    "train": 'run.write_json("candidate", {"version": "model_v1"})',
    "evaluate": 'run.write_json("verdict", {"promote": True, "reason": "better"})',
}


class Project:
    """A project folder with small notebooks."""

    def __init__(self, home: Path) -> None:
        self.home = home
        (home / "notebooks").mkdir(exist_ok=True)
        for stage in STAGES:
            self.notebook(stage, WORK.get(stage, "pass"))

    def notebook(self, stage: str, work: str, *, done: bool = True) -> None:
        """Write a stage's notebook: `work` is the cell between the start and the mark."""
        head = f'RUN_ID: str = ""  # the run to work in\n{PARAMETERS.get(stage, "")}'
        imports = "from typing import Literal\nfrom gamerec import runs"
        start = f'run = runs.open_run(RUN_ID, new={stage == "crawl"})\nrun.reset("{stage}")'
        cells = [
            nbformat.v4.new_markdown_cell(f"# The {stage} stage"),
            nbformat.v4.new_code_cell(imports),
            nbformat.v4.new_code_cell(head, metadata={"tags": ["parameters"]}),
            nbformat.v4.new_code_cell(start),
            nbformat.v4.new_code_cell(work),
        ]
        if done:
            cells.append(nbformat.v4.new_code_cell(f'run.done("{stage}", made="{stage} made it")'))
        notebook = nbformat.v4.new_notebook(cells=cells)
        notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
        nbformat.write(notebook, self.home / "notebooks" / f"{notebook_name(stage)}.ipynb")

    def run(self, dry_run: bool = False, **request: object) -> RunRecord | None:
        """Run the pipeline in this process; what it printed is in `printed`."""
        out = io.StringIO()
        try:
            return run_pipeline(Request(**request), dry_run=dry_run, out=out)  # type: ignore[arg-type]
        finally:
            self.printed = out.getvalue()

    def start(self, *arguments: str, **env: str) -> "subprocess.Popen[str]":
        """Begin `gamerec run` in a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-c", "from gamerec.cli import app; app()", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | env,
        )

    def records(self) -> list[RunRecord]:
        """The records of all runs, oldest first."""
        folders = sorted(p.parent for p in (self.home / "reports").glob("*/run.json"))
        return [read_record(folder) for folder in folders]

    def artifacts(self, run_id: str) -> Run:
        """A run's artifacts."""
        return Run(run_id, open_store(load_settings().store_uri))

    def executions(self, stage: str) -> int:
        """How often the notebook of a stage wrote into `log.txt` (see `logging_notebook`)."""
        log = self.home / "log.txt"
        return log.read_text().split().count(stage) if log.exists() else 0

    def log_executions(self) -> None:
        """Have every notebook write its stage into log.txt."""
        for stage in STAGES:
            work = WORK.get(stage, "pass")
            path = str(self.home / "log.txt")
            self.notebook(stage, f'{work}\nopen({path!r}, "a").write("{stage} ")')


def wait_until(condition: Callable[[], object], seconds: float = 120) -> None:
    """Wait for something that another process does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
