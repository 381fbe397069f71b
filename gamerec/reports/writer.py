"""Pages written while the run goes on: a notebook is rendered as the next one is executed."""

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from copy import deepcopy
from pathlib import Path

from gamerec.parameters import Declared
from gamerec.redaction import Redactor
from gamerec.reports.record import RunRecord, read_records
from gamerec.runs import STAGES, notebook_name
from gamerec.storage import FolderStore

logger = logging.getLogger(__name__)


class ReportWriter:
    """Writes the report of one run into `reports/<run_id>`, and the list of all runs.

    Work is done in one thread, in order. A page that cannot be made is no reason to fail a run: it
    is logged, and what was there stays.
    """

    def __init__(self, reports: Path, declared: Declared, redact: Redactor) -> None:
        self.reports = reports
        self._declared = declared
        self._redact = redact
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="reports")

    def stage(self, run: RunRecord, stage: str) -> None:
        """Render a stage's notebook, and bring the run's overview and the list up to date."""
        self._soon(self._write_stage, deepcopy(run), stage)

    def overview(self, run: RunRecord) -> None:
        """Bring the run's overview and the list of runs up to date."""
        self._soon(self._write_overview, deepcopy(run))

    def call(self, task: Callable[[], None]) -> None:
        """Do something else in the background."""
        self._soon(task)

    def finish(self, run: RunRecord) -> None:
        """Write all pages of the run as it ended, and wait until everything is written."""
        self._soon(self._write_all, deepcopy(run))
        self._thread.shutdown(wait=True)

    def _soon(self, task: Callable[..., None], *arguments: object) -> None:
        self._thread.submit(task, *arguments).add_done_callback(_log_fault)

    def _write_stage(self, run: RunRecord, stage: str) -> None:
        from gamerec.reports.body import render  # imports nbconvert, while a kernel works

        notebook = self.reports / run.run_id / f"{notebook_name(stage)}.ipynb"
        if notebook.exists():
            self._write_page(run, stage, render(notebook))
        self._write_overview(run)

    def _write_page(self, run: RunRecord, stage: str, body: str) -> None:
        from gamerec.reports import pages  # imports Jinja, when the kernels are getting ready

        made = self._pages(run)
        made[stage] = page_name(stage)
        page = pages.stage_page(run, stage, body, made, self._declared.get(stage, {}))
        write(self.reports / run.run_id / page_name(stage), self._redact(page))

    def _write_overview(self, run: RunRecord) -> None:
        from gamerec.reports import pages

        overview = pages.run_page(run, self._pages(run))
        write(self.reports / run.run_id / "index.html", self._redact(overview))
        write_index(self.reports, self._redact)

    def _write_all(self, run: RunRecord) -> None:
        from gamerec.reports import pages

        for stage, page in self._pages(run).items():
            if page:
                text = (self.reports / run.run_id / page).read_text(encoding="utf-8")
                self._write_page(run, stage, pages.body_of(text))
        self._write_overview(run)

    def _pages(self, run: RunRecord) -> dict[str, str | None]:
        return made_pages(self.reports / run.run_id)


def page_name(stage: str) -> str:
    """'train' -> '05_train.html'."""
    return f"{notebook_name(stage)}.html"


def made_pages(folder: Path) -> dict[str, str | None]:
    """Stage -> file name of its page in the folder, None where there is none."""
    names = {stage: page_name(stage) for stage in STAGES}
    return {stage: name if (folder / name).exists() else None for stage, name in names.items()}


def write_index(reports: Path, redact: Redactor) -> None:
    """Write the list of all runs that have a record."""
    from gamerec.reports import pages

    runs = [(run, made_pages(reports / run.run_id)) for run in read_records(reports)]
    write(reports / "index.html", redact(pages.index_page(runs)))


def write(path: Path, text: str) -> None:
    """Replace a file as a whole."""
    FolderStore(path.parent).write(path.name, text.encode())


def _log_fault(done: "Future[None]") -> None:
    if error := done.exception():
        logger.error("a page of the report could not be written: %s", error)
