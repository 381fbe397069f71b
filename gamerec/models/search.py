"""The search of `tuning`: which family is to try what next, until the seconds are spent.

    starts    every family's starting points in turn, quick families first
    probes    the best start in larger and larger sizes (neighbours, dimensions), while that helps
    search    Optuna's TPE in the families within 3 % of the best, which share the time alike, in
              the largest size that leaves time for some twenty trials
    climb     the best found, in a larger size where the probes say that it pays
    blend     of the best of families that differ

What would take too large a share of the time left, going by the trials so far, is not begun.
"""

import json
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gamerec.models import spaces
from gamerec.models.family import COLUMNS, Family, Row, as_row
from gamerec.models.validation import Validation

if TYPE_CHECKING:
    import optuna

Attempt = Callable[[Validation, int], Row | None]

CONTENDER = 0.97  # after the probes, a family below this share of the best is dropped
CAUTION = 1.25  # seconds to expect over those seen
ONE_STEP = 1 / 6  # share of the time left that a start or a probe may take
BLEND_SHARE = 1 / 3  # share of the budget that the blend may take
PARTS = 3  # of the blend
BLENDING = 3.5  # seconds of a blend over those of its parts: their shares take many scorings


class Search:
    """The trials of all families so far, and the next ones."""

    def __init__(self, ruler: Validation, known: Mapping[str, "optuna.Study"]) -> None:
        self.ruler = ruler
        self.families = [Family(name, study, ruler.n_games) for name, study in known.items()]
        self.share = 1.0
        rows = [row for family in self.families for row in family.rows]
        self.rows = sorted(rows, key=lambda row: row["trial"])

    def run(
        self,
        seconds: float,
        *,
        max_trials: int | None = None,
        share: float = 1.0,
        blended: bool = True,
        on_trial: Callable[[Row], None] | None = None,
    ) -> None:
        """Try until the budget, the trials or all families are used up; one trial in any case.

        share: of the log that the trials are fitted on; the last fit, on all of it, is paid for
            by the same budget.
        blended: the last trial is a blend of the best of families that differ.
        """
        begun = time.perf_counter() - sum(row["seconds"] for row in self.rows)
        most = np.inf if max_trials is None else max_trials
        self.share = share
        while len(self.rows) + blended < most or not self.rows:
            blend = self._blend_seconds(seconds) if blended else 0.0
            attempt = self._next(seconds - blend - (time.perf_counter() - begun))
            if attempt is None:
                break
            self._keep(attempt(self.ruler, len(self.rows)), on_trial)
        left = seconds - (time.perf_counter() - begun)
        if blended and len(self.rows) < most and 0 < self._blend_seconds(seconds) <= left:
            self._keep(self._blend(), on_trial)

    def table(self) -> pd.DataFrame:
        """All trials in the order tried, COLUMNS."""
        return pd.DataFrame(self.rows, columns=COLUMNS)

    def _keep(self, row: Row | None, on_trial: Callable[[Row], None] | None) -> None:
        if row is not None:
            self.rows.append(row)
            if on_trial:
                on_trial({name: row[name] for name in COLUMNS})

    def _next(self, left: float) -> Attempt | None:
        if not self.rows:
            return self.families[0].attempt
        return self._start(left) or self._probe(left) or self._search(left)

    def _start(self, left: float) -> Attempt | None:
        unit = min(row["seconds"] for row in self.rows)
        starting = [
            family
            for family in self.families
            if family.starting and CAUTION * family.first_seconds(unit) <= ONE_STEP * left
        ]
        return min(starting, key=lambda family: family.asked).attempt if starting else None

    def _probe(self, left: float) -> Attempt | None:
        for family in self._contenders():
            rung = family.to_probe()
            if rung and CAUTION * family.expected(rung) <= ONE_STEP * left:
                return partial(family.again, row=family.best_on(family.rungs[0]), rung=rung)
        return None

    def _search(self, left: float) -> Attempt | None:
        contenders = self._contenders()
        for family in contenders:
            family.settle(left / len(contenders) / CAUTION)
        climb = sum(
            self._cost(family.expected(family.top)) for family in contenders if family.climbs
        )
        searching = [
            family
            for family in contenders
            if not family.resting and self._cost(family.expected(family.rung)) <= left - climb
        ]
        if searching:
            return min(searching, key=lambda family: family.spent).attempt
        for family in sorted(contenders, key=lambda family: -family.best):
            row = family.to_climb()
            if row and self._cost(family.expected(family.top)) <= left:
                return partial(family.again, row=row, rung=family.top)
        return None

    def _cost(self, seconds: float) -> float:
        """Seconds to expect of a trial and of the last fit, which may be of what it finds."""
        best = max(self.rows, key=lambda row: row["ndcg"])
        return CAUTION * (seconds + max(seconds, best["fit_seconds"]) / self.share)

    def _contenders(self) -> list[Family]:
        best = max(row["ndcg"] for row in self.rows)
        return [f for f in self.families if f.rows and f.best >= CONTENDER * best]

    def _parts(self) -> list[Row]:
        """What to blend: the best trials of the best families, no two of them akin."""
        parts: dict[str, Row] = {}
        for row in sorted(self.rows, key=lambda row: -row["ndcg"]):
            family = row["family"]
            parts.setdefault(spaces.SPACES[family].akin or family, row)
        return list(parts.values())[:PARTS]

    def _blend_seconds(self, seconds: float) -> float:
        """Expected seconds of the blend and the last fit after it.

        0 where there is nothing to blend, or the blend would take too large a share of `seconds`.
        """
        parts = self._parts()
        expected = BLENDING * sum(row["seconds"] for row in parts)
        last = sum(row["fit_seconds"] for row in parts) / self.share
        return expected + last if len(parts) > 1 and expected <= BLEND_SHARE * seconds else 0.0

    def _blend(self) -> Row:
        """The parts together, with the shares that are best on the held-out games."""
        parts = [{"name": row["family"]} | json.loads(row["params"]) for row in self._parts()]
        score = self.ruler.score(spaces.BLEND, {"parts": parts})
        return as_row(spaces.BLEND, score) | {"trial": len(self.rows)}


def studies(
    names: Sequence[str], storage: str | Path | None, identity: str, seed: int
) -> dict[str, "optuna.Study"]:
    """A study per family, taken up again where the storage has it.

    storage: None, a file (Optuna's journal), or a database URL. identity: what the trials are
    comparable within.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its progress bar, not used here, misses a widget
        import optuna

    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        return {
            name: optuna.create_study(
                study_name=f"{identity}-{name}",
                direction="maximize",
                storage=_opened(storage),
                load_if_exists=True,
                sampler=_sampler(seed + at),
            )
            for at, name in enumerate(names)
        }
    finally:
        optuna.logging.set_verbosity(level)


def _sampler(seed: int) -> Any:
    """TPE over all parameters together; `group` lets some be asked for only at times."""
    import optuna

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.samplers.TPESampler(
            seed=seed, multivariate=True, group=True, n_startup_trials=8
        )


def _opened(storage: str | Path | None) -> Any:
    if storage is None or "://" in str(storage):
        return storage if storage is None else str(storage)
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    Path(storage).parent.mkdir(parents=True, exist_ok=True)
    return JournalStorage(JournalFileBackend(str(storage)))
