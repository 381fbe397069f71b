"""Records and rendered notebooks to whole pages. Knows the look; runs and writes nothing."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

import gamerec
from gamerec.parameters import RUN_ID, Parameter
from gamerec.reports.record import RunRecord, StageRecord
from gamerec.runs import STAGES, notebook_name

# Around the notebook in a stage's page, so that the page can be made anew without the notebook.
BODY_BEGIN = "<!-- notebook -->"
BODY_END = "<!-- end of notebook -->"

_WORDS = {"eda": "EDA", "refused": "gate refused", "batch_score": "batch score"}
_KEY_STAGES = ("evaluate", "train")  # whose figures the list of runs shows
_KEY_FIGURES = 4
_FIRST = ("ndcg", "recall", "hit_rate", "coverage", "map", "precision")

Pages = Mapping[str, str | None]  # stage -> file name of its page, if there is one


def stage_page(
    run: RunRecord, stage: str, body: str, pages: Pages, declared: Mapping[str, Parameter]
) -> str:
    """The page of one stage around its rendered notebook."""
    given = run.parameters.get(stage, {})
    parameters = [
        {
            "name": p.name,
            "value": repr(given.get(p.name, p.default)),
            "given": p.name in given,
            "help": p.help,
        }
        for p in declared.values()
        if p.name != RUN_ID
    ]
    return (
        _environment()
        .get_template("stage.html.j2")
        .render(
            run=run,
            stage=stage,
            pages=pages,
            parameters=parameters,
            notebook=f"{notebook_name(stage)}.ipynb",
            body=Markup(body),
            body_begin=Markup(BODY_BEGIN),
            body_end=Markup(BODY_END),
        )
    )


def body_of(page: str) -> str:
    """The rendered notebook in a stage's page."""
    return page.partition(BODY_BEGIN)[2].rpartition(BODY_END)[0].strip("\n")


def run_page(run: RunRecord, pages: Pages) -> str:
    """The overview of one run."""
    figures = [(stage, figures) for stage, r in run.stages.items() if (figures := _figures(r))]
    longest = max((record.seconds or 0 for record in run.stages.values()), default=0)
    template = _environment().get_template("run.html.j2")
    return template.render(run=run, pages=pages, figures=figures, longest=longest)


def index_page(runs: Sequence[tuple[RunRecord, Pages]]) -> str:
    """The list of all runs, in the order given."""
    return _environment().get_template("index.html.j2").render(runs=runs)


@cache
def _environment() -> Environment:
    templates = Path(str(files(gamerec) / "templates"))
    environment = Environment(
        loader=FileSystemLoader(templates),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    css = (templates / "report.css").read_text(encoding="utf-8")
    environment.globals.update(
        stages=STAGES, css=Markup(css), version=gamerec.__version__, words=_WORDS
    )
    environment.filters.update(
        words=_words,
        duration=_duration,
        moment=_moment,
        number=_number,
        share=_share,
        key_figures=_key_figures,
    )
    return environment


def _words(stage: str) -> str:
    return _WORDS.get(stage, stage)


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _moment(iso: str) -> str:
    try:
        return datetime.fromisoformat(iso).strftime("%Y-%m-%d %H:%M UTC")
    except ValueError:
        return iso


def _number(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"


def _share(seconds: float | None, longest: float) -> int:
    return round(100 * (seconds or 0) / longest) if longest else 0


def _figures(record: StageRecord) -> list[tuple[str, Any]]:
    """A stage's figures, those of the accuracy first, as `_FIRST` has them."""

    def rank(name: str) -> int:
        return next((i for i, start in enumerate(_FIRST) if name.startswith(start)), len(_FIRST))

    return sorted(record.metrics.items(), key=lambda figure: (rank(figure[0]), figure[0]))


def _key_figures(run: RunRecord) -> list[tuple[str, Any]]:
    """The first few figures of the stage that measured the model, else of the last one done."""
    stages = [*_KEY_STAGES, *reversed(run.stages)]
    found = (_figures(run.stages[stage]) for stage in stages if stage in run.stages)
    return next((figures for figures in found if figures), [])[:_KEY_FIGURES]
