"""The search of `tuning`: one Optuna study per family, and which family is to try next.

It spends a budget of seconds. It knows nothing of what wins in the end.
"""

import json
import time
import warnings
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
CAUTION = 1.25  # expected seconds over the median of those seen
TRIALS = 20  # a family searches on a rung on which the time left is enough for as many


class Search:
    """The trials of all families so far, and the next ones."""

    def __init__(self, ruler: Validation, known: Mapping[str, "optuna.Study"]) -> None:
        self.ruler = ruler
        self.families = [Family(name, study, ruler.n_games) for name, study in known.items()]
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
        blended: the last trial is a blend of the best of each family.
        """
        begun = time.perf_counter() - sum(row["seconds"] for row in self.rows)
        most = np.inf if max_trials is None else max_trials
        while len(self.rows) + blended < most or not self.rows:
            last = self._last_seconds(share, blended)
            attempt = self._next(seconds - last - (time.perf_counter() - begun))
            if attempt is None:
                break
            self._keep(attempt(self.ruler, len(self.rows)), on_trial)
        left = seconds - (time.perf_counter() - begun)
        if (
            blended
            and len(self.rows) < most
            and left >= self._last_seconds(share, blended) / CAUTION
        ):
            self._keep(self._blend(), on_trial)

    def _keep(self, row: Row | None, on_trial: Callable[[Row], None] | None) -> None:
        if row is not None:
            self.rows.append(row)
            if on_trial:
                on_trial({name: row[name] for name in COLUMNS})

    def table(self) -> pd.DataFrame:
        """All trials in the order tried, COLUMNS."""
        return pd.DataFrame(self.rows, columns=COLUMNS)

    def _next(self, left: float) -> Callable[[Validation, int], Row | None] | None:
        """Starting points in turn; then search among the contenders; last, the climb."""
        if not self.rows:
            return self.families[0].attempt
        unit = min(row["seconds"] for row in self.rows)
        starting = [f for f in self.families if f.starting and f.first_seconds(unit) <= left]
        if starting:
            return min(starting, key=lambda family: family.asked).attempt
        best = max(row["ndcg"] for row in self.rows)
        contenders = [f for f in self.families if f.rows and f.best >= CONTENDER * best]
        for family in contenders:
            family.settle(left / (TRIALS * len(contenders)))
        climb = sum(family.climb_seconds() for family in contenders)
        searching = [f for f in contenders if not f.resting and f.expected() <= left - climb]
        if searching:
            return min(searching, key=lambda family: family.spent).attempt
        climbing = [f for f in contenders if f.above() and f.expected(f.above()[0]) <= left]
        return max(climbing, key=lambda family: family.best).climb if climbing else None

    def _bests(self) -> list[Row]:
        """The best trial of every family that has any, best first."""
        bests = [max(f.rows, key=lambda row: row["ndcg"]) for f in self.families if f.rows]
        return sorted(bests, key=lambda row: -row["ndcg"])

    def _blend(self) -> Row | None:
        """The best of each family, with the shares that are best on the held-out games."""
        bests = self._bests()
        if len(bests) < 2:
            return None
        parts = [{"name": row["family"]} | json.loads(row["params"]) for row in bests]
        score = self.ruler.score(spaces.BLEND, {"parts": parts})
        return as_row(spaces.BLEND, score) | {"trial": len(self.rows)}

    def _last_seconds(self, share: float, blended: bool) -> float:
        """Expected seconds of the last fit, and of the blend before it."""
        bests = self._bests()
        if not bests:
            return 0.0
        if not blended:
            return CAUTION * bests[0]["fit_seconds"] / share
        return CAUTION * sum(row["fit_seconds"] / share + row["seconds"] for row in bests)


class Family:
    """One family's study and its trials."""

    def __init__(self, name: str, study: "optuna.Study", n_games: int) -> None:
        self.name = name
        self.study = study
        self.space = spaces.SPACES[name]
        rungs = self.space.rungs
        self.rungs = [r for low, r in zip((0, *rungs), rungs, strict=False) if low < n_games]
        self.rung = self.rungs[0] if rungs else None
        trials = study.get_trials(deepcopy=False)
        self.rows: list[Row] = [t.user_attrs["row"] for t in trials if "row" in t.user_attrs]
        self.asked = len(self.rows)
        self.stale = 0
        self.settled = False
        self._enqueue(trials)

    @property
    def best(self) -> float:
        """Best NDCG so far."""
        return max((row["ndcg"] for row in self.rows), default=-np.inf)

    @property
    def spent(self) -> float:
        """Seconds of all trials."""
        return sum(row["seconds"] for row in self.rows)

    @property
    def starting(self) -> bool:
        """Whether a starting point is untried."""
        return self.asked < len(self.space.starts)

    @property
    def resting(self) -> bool:
        """No better trial for long."""
        return self.stale >= PATIENCE

    def first_seconds(self, unit: float) -> float:
        """Expected seconds of a start; unit: those of the quickest trial of any family."""
        return self.expected() if self.rows else unit * self.space.dearer

    def expected(self, rung: int | None = None) -> float:
        """Seconds of a trial on a rung (None: the present one), from those so far."""
        rung = rung or self.rung
        power = self.space.exponent if rung else 0
        seconds = [
            row["seconds"] * ((rung or 1) / (row["rung"] or 1)) ** power for row in self.rows
        ]
        return CAUTION * float(np.median(seconds))

    def settle(self, seconds: float) -> None:
        """Once, after the starts: search on the highest rung that takes no more than these."""
        if not self.settled and self.rungs:
            affordable = [rung for rung in self.rungs if self.expected(rung) <= seconds]
            self.rung = max(affordable, default=self.rungs[0])
        self.settled = True

    def above(self) -> list[int]:
        """Rungs that the best parameters have not been tried on yet, next first."""
        top = max(self.rows, key=lambda row: row["ndcg"])["rung"]
        known = {row["rung"] for row in self.rows}
        return [rung for rung in self.rungs if rung > top and rung not in known]

    def climb_seconds(self) -> float:
        """Expected seconds of all rungs above."""
        return sum(self.expected(rung) for rung in self.above())

    def attempt(self, ruler: Validation, number: int) -> Row | None:
        """One trial on the present rung; None where it is known already."""
        trial = self.study.ask()
        row = self._scored(ruler, number, spaces.suggest(trial, self.space), self.rung)
        return self._told(trial, row)

    def climb(self, ruler: Validation, number: int) -> Row | None:
        """The best parameters on the next rung above."""
        best = max(self.rows, key=lambda row: row["ndcg"])
        params = {n: v for n, v in json.loads(best["asked"]).items() if n != "neighbours"}
        self.study.enqueue_trial(params)
        trial = self.study.ask()
        row = self._scored(ruler, number, spaces.suggest(trial, self.space), self.above()[0])
        return self._told(trial, row)

    def _scored(
        self, ruler: Validation, number: int, params: dict[str, Any], rung: int | None
    ) -> Row:
        """The row of these parameters: the known one, else a new one."""
        if rung is not None:
            params = params | {"neighbours": rung}
        asked = json.dumps(params, sort_keys=True)
        for row in self.rows:
            if row["asked"] == asked:
                return row
        about = {"trial": number, "asked": asked, "rung": rung}
        return as_row(self.name, ruler.score(self.name, params)) | about

    def _told(self, trial: "optuna.Trial", row: Row) -> Row | None:
        self.asked += 1
        self.stale = 0 if row["ndcg"] > self.best + STEP else self.stale + 1
        known = row in self.rows
        if not known:
            trial.set_user_attr("row", row)
            self.rows.append(row)
        self.study.tell(trial, row["ndcg"])
        return None if known else row

    def _enqueue(self, trials: Sequence["optuna.trial.FrozenTrial"]) -> None:
        """The starting points, in a new study; in one cut short, what it was at."""
        from optuna.trial import TrialState

        for start in () if trials else self.space.starts:
            self.study.enqueue_trial(dict(start))
        for trial in trials:
            if trial.state == TrialState.RUNNING:
                self.study.tell(trial.number, state=TrialState.FAIL)
                self.study.enqueue_trial(trial.params)


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
        return optuna.samplers.TPESampler(seed=seed, multivariate=True, group=True)


def _opened(storage: str | Path | None) -> Any:
    if storage is None or "://" in str(storage):
        return storage if storage is None else str(storage)
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    Path(storage).parent.mkdir(parents=True, exist_ok=True)
    return JournalStorage(JournalFileBackend(str(storage)))
