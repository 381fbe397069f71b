"""The search of `tuning`: one Optuna study per family, and which family is to try next.

It spends a budget of seconds. It knows nothing of what wins in the end.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gamerec.models import spaces
from gamerec.models.validation import Score, Validation

if TYPE_CHECKING:
    import optuna

Row = dict[str, Any]

COLUMNS = ["trial", "family", "params", "ndcg", "recall", "fit_seconds", "seconds"]
CONTENDER = 0.97  # after the starts, a family below this share of the best is dropped
STEP = 1e-4  # NDCG that counts as better
PATIENCE = 40  # trials of a family without a better one, after which it rests
SKIPS = 5  # suggestions in a row that would outlast the budget, after which it rests


class Search:
    """The trials of all families so far, and the next ones."""

    def __init__(self, ruler: Validation, families: Mapping[str, "optuna.Study"]) -> None:
        self.ruler = ruler
        self.families = [Family(name, study) for name, study in families.items()]
        rows = [row for family in self.families for row in family.rows]
        self.rows = sorted(rows, key=lambda row: row["trial"])

    def run(
        self,
        seconds: float,
        max_trials: int | None,
        share: float,
        on_trial: Callable[[Row], None] | None,
    ) -> None:
        """Try until the budget, the trials or all families are used up; one trial in any case.

        share: of the log that the trials are fitted on; the last fit, on all of it, is paid for
            by the same budget.
        """
        begun = time.perf_counter() - sum(row["seconds"] for row in self.rows)
        while max_trials is None or len(self.rows) < max_trials:
            left = seconds - (time.perf_counter() - begun) - self._refit_seconds(share)
            family = self._next(left)
            if family is None:
                return
            row = family.attempt(self.ruler, len(self.rows), left if self.rows else np.inf)
            if row is not None:
                self.rows.append(row)
                if on_trial:
                    on_trial({name: row[name] for name in COLUMNS})

    def table(self) -> pd.DataFrame:
        """All trials in the order tried, COLUMNS."""
        return pd.DataFrame(self.rows, columns=COLUMNS)

    def _next(self, left: float) -> "Family | None":
        """Starting points in turn, the families' first ones first; then the contenders in turn."""
        if not self.rows:
            return self.families[0]
        unit = min(row["seconds"] for row in self.rows)
        starting = [family for family in self.families if family.may_start(unit, left)]
        if starting:
            return min(starting, key=lambda family: family.asked)
        best = max(row["ndcg"] for row in self.rows)
        contenders = [f for f in self.families if f.best >= CONTENDER * best and not f.resting]
        return min(contenders, key=lambda f: f.asked, default=None) if left > 0 else None

    def _refit_seconds(self, share: float) -> float:
        best = max(self.rows, key=lambda row: row["ndcg"], default=None)
        return 0.0 if best is None else best["fit_seconds"] / share


class Family:
    """One family's study and its trials."""

    def __init__(self, name: str, study: "optuna.Study") -> None:
        self.name = name
        self.study = study
        self.space = spaces.SPACES[name]
        trials = study.get_trials(deepcopy=False)
        self.rows: list[Row] = [t.user_attrs["row"] for t in trials if "row" in t.user_attrs]
        self.asked = len(self.rows)
        self.stale = self.skipped = 0
        self._enqueue(trials)

    @property
    def best(self) -> float:
        """Best NDCG so far."""
        return max((row["ndcg"] for row in self.rows), default=-np.inf)

    @property
    def resting(self) -> bool:
        """No better trial for long, or none that fits into the time left."""
        return self.stale >= PATIENCE or self.skipped >= SKIPS

    def may_start(self, unit: float, left: float) -> bool:
        """Whether a starting point is untried and fits into the time left.

        unit: seconds of the quickest trial of any family, to judge a family without trials by.
        """
        if self.asked >= len(self.space.starts) or self.skipped:
            return False
        start = self.space.starts[self.asked]
        expected = self._expected(start) if self.rows else unit * self.space.dearer
        return expected <= left

    def attempt(self, ruler: Validation, number: int, left: float) -> Row | None:
        """One trial; None where it would outlast the time left or is known already."""
        trial = self.study.ask()
        params = spaces.suggest(trial, self.space)
        if self.rows and self._expected(params) > left:
            self._give_up(trial.number)
            self.skipped += 1
            return None
        self.asked += 1
        self.skipped = 0
        before, asked = self.best, json.dumps(params, sort_keys=True)
        known = next((row for row in self.rows if row["asked"] == asked), None)
        row = known or as_row(self.name, ruler.score(self.name, params))
        if known is None:
            row |= {"trial": number, "asked": asked}
            trial.set_user_attr("row", row)
            self.rows.append(row)
        self.study.tell(trial, row["ndcg"])
        self.stale = 0 if row["ndcg"] > before + STEP else self.stale + 1
        return row if known is None else None

    def _expected(self, params: Mapping[str, Any]) -> float:
        """Seconds of a trial, from those so far and the space's relative cost."""
        slowest = max(
            row["seconds"] / self.space.cost(json.loads(row["asked"])) for row in self.rows
        )
        return slowest * self.space.cost(params)

    def _enqueue(self, trials: Sequence["optuna.trial.FrozenTrial"]) -> None:
        """The starting points, in a new study; in one cut short, what it was at."""
        from optuna.trial import TrialState

        for start in () if trials else self.space.starts:
            self.study.enqueue_trial(dict(start))
        for trial in trials:
            if trial.state == TrialState.RUNNING:
                self._give_up(trial.number)
                self.study.enqueue_trial(trial.params)

    def _give_up(self, number: int) -> None:
        from optuna.trial import TrialState

        self.study.tell(number, state=TrialState.FAIL)


def as_row(family: str, score: Score) -> Row:
    """A score as a row of the table of trials."""
    return {
        "family": family,
        "params": json.dumps(score.params, sort_keys=True),
        "ndcg": score.ndcg,
        "recall": score.recall,
        "fit_seconds": score.fit_seconds,
        "seconds": score.seconds,
    }


def studies(
    names: Sequence[str], storage: str | Path | None, identity: str, seed: int
) -> dict[str, "optuna.Study"]:
    """A study per family, taken up again where the storage has it.

    storage: None, a file (Optuna's journal), or a database URL. identity: what the trials are
    comparable within.
    """
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
                sampler=optuna.samplers.TPESampler(seed=seed + at, multivariate=True, group=True),
            )
            for at, name in enumerate(names)
        }
    finally:
        optuna.logging.set_verbosity(level)


def _opened(storage: str | Path | None) -> Any:
    if storage is None or "://" in str(storage):
        return storage if storage is None else str(storage)
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    Path(storage).parent.mkdir(parents=True, exist_ok=True)
    return JournalStorage(JournalFileBackend(str(storage)))
