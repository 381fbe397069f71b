"""Which stages to run, in which run and with which parameters. Nothing is run here.

Without `resume`, a selection that begins at crawl makes a new run; a later one works in the newest
run, as notebooks opened by hand do. Stages named by `first` or `only` are run whether finished or
not; a run that is resumed otherwise keeps its finished stages, as long as neither their parameters
nor a stage before them change.
"""

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from gamerec.errors import UsageError
from gamerec.parameters import Declared, Values, check_stage, find, merge
from gamerec.reports.record import RunRecord
from gamerec.runs import STAGES, Run, new_run_id, run_ids
from gamerec.storage import Store


@dataclass(frozen=True)
class Request:
    """What the user asked for; empty fields stand for everything from a new crawl on."""

    first: str = ""
    last: str = ""
    only: tuple[str, ...] = ()
    resume: str = ""
    parameters: Values = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """`stages` are those selected; `todo` of them will run, the others are kept as they are."""

    run: Run
    new: bool
    stages: tuple[str, ...]
    todo: tuple[str, ...]
    stale: tuple[str, ...]  # finished stages, not selected, that a stage of `todo` outdates
    parameters: Values
    kept: Mapping[str, dict[str, Any]]  # selected stage -> its completion mark


def select(request: Request) -> tuple[str, ...]:
    """The stages asked for, in their order; raises UsageError for a contradiction."""
    for stage in (request.first, request.last, *request.only):
        if stage:
            check_stage(stage)
    if request.only:
        if request.first or request.last:
            raise UsageError("--only goes with neither --from nor --until")
        return tuple(stage for stage in STAGES if stage in request.only)
    start = STAGES.index(request.first or STAGES[0])
    end = STAGES.index(request.last or STAGES[-1])
    if start > end:
        raise UsageError(f"--from {request.first} comes after --until {request.last}")
    return STAGES[start : end + 1]


def find_run(
    request: Request, stages: tuple[str, ...], store: Store, reported: Collection[str] = ()
) -> tuple[Run, bool]:
    """The run to work in, and whether it is new; raises UsageError where there is none.

    reported: ids of runs that have a report: one cut short in crawl may have nothing in the store.
    """
    known = run_ids(store)
    if not request.resume and stages[0] == STAGES[0]:
        return Run(new_run_id(known=[*known, *reported]), store), True
    if not known and not request.resume:
        raise UsageError(f"there is no run yet that {stages[0]} could go on from: `gamerec run`")
    if not request.resume:
        return Run(known[-1], store), False
    known = sorted({*known, *reported})
    if request.resume in known:
        return Run(request.resume, store), False
    near = difflib.get_close_matches(request.resume, known, n=1) or known[-1:]
    hint = f"; did you mean {near[0]}?" if near else " to go on with"
    raise UsageError(f"there is no run {request.resume!r}{hint}")


def make_plan(
    request: Request, run: Run, new: bool, before: RunRecord | None, known: Declared
) -> Plan:
    """What to do in `run`; `before` is its record, if it has one.

    Raises UsageError for a parameter of a stage that is not selected: it would have no effect, and
    for a recorded one that its notebook has no more.
    """
    stages = select(request)
    for stage in request.parameters:
        if stage not in stages:
            raise UsageError(f"{stage} has parameters, but is not among the stages to run")
    recorded = before.parameters if before else {}
    marks = {} if new else {s: mark for s in STAGES if (mark := run.mark(s))}
    named = request.only or (stages if request.first or not request.resume else ())
    todo: list[str] = []
    for stage in stages:
        again = stage in named or stage not in marks
        again = again or _changed(stage, request.parameters, recorded, known)
        if again or any(depends(stage, earlier) for earlier in todo):
            todo.append(stage)
    parameters = merge(recorded, request.parameters)
    for stage in todo:
        for name, value in parameters.get(stage, {}).items():
            find(f"{stage}.{name}", known).check(value)
    stale = (s for s in marks if s not in todo and any(depends(s, earlier) for earlier in todo))
    return Plan(
        run=run,
        new=new,
        stages=stages,
        todo=tuple(todo),
        stale=tuple(stale),
        parameters=parameters,
        kept={s: marks[s] for s in stages if s not in todo},
    )


def depends(stage: str, earlier: str) -> bool:
    """Whether `stage` uses what `earlier` makes, itself or through others. EDA only looks."""
    if stage == "eda":
        return earlier == "crawl"
    return earlier != "eda" and STAGES.index(earlier) < STAGES.index(stage)


def _changed(stage: str, given: Values, recorded: Values, known: Declared) -> bool:
    """Whether a parameter is given that the finished stage did not have."""
    old = {name: p.default for name, p in known[stage].items()} | recorded.get(stage, {})
    return any(old[name] != value for name, value in given.get(stage, {}).items())
