"""One family in the search: its Optuna study, its trials, and the rungs of its size.

It knows nothing of the other families, nor of the budget.
"""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gamerec.models import spaces
from gamerec.models.validation import Score, Validation

if TYPE_CHECKING:
    import optuna

Row = dict[str, Any]

COLUMNS = ["trial", "family", "params", "ndcg", "recall", "fit_seconds", "seconds"]
STEP = 1e-4  # NDCG that counts as better
PATIENCE = 40  # trials without a better one, after which a family rests
TRIALS = 20  # the search is on a rung on which its time is enough for as many
CLIMB = 0.3  # share of its time that one trial on the top rung may take
FINALISTS = 3  # the best found that climb to the top rung


class Family:
    """One family's study and its trials.

    rungs: values of the space's `size`, quick to slow, up to the first that takes in all games;
    none for a family without. The search is on `rung`, its best climb to `top`.
    """

    def __init__(self, name: str, study: "optuna.Study", n_games: int) -> None:
        self.name = name
        self.study = study
        self.space = spaces.SPACES[name]
        rungs = self.space.rungs
        self.rungs = [r for low, r in zip((0, *rungs), rungs, strict=False) if low < n_games]
        self.rung = self.top = self.rungs[0] if rungs else 0
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

    @property
    def climbs(self) -> bool:
        """Whether there is a rung above the one that is searched on."""
        return self.top > self.rung

    def first_seconds(self, unit: float) -> float:
        """Seconds of a start; unit: those of the quickest trial of any family."""
        return self.expected(self.rung) if self.rows else unit * self.space.dearer

    def expected(self, rung: int) -> float:
        """Seconds of a trial on a rung (0 for a family without), from those so far."""
        power = self.space.exponent if rung else 0
        seconds = [
            row["seconds"] * (max(rung, 1) / max(row["rung"], 1)) ** power for row in self.rows
        ]
        return float(np.median(seconds))

    def best_on(self, rung: int) -> Row:
        """The best trial on a rung."""
        return max((row for row in self.rows if row["rung"] == rung), key=lambda row: row["ndcg"])

    def to_probe(self) -> int | None:
        """The next rung for the best start, while each is better than the one before."""
        useful = self._useful()
        higher = [rung for rung in self.rungs if useful and rung > useful[-1]]
        if self.settled or not higher or self._on(self.best_on(self.rungs[0]), higher[0]):
            return None
        return higher[0]

    def settle(self, seconds: float) -> None:
        """Once, after the probes: the rung to search on and the top one to climb to, in this time.

        Rungs that the probes found no better than the one below are left out.
        """
        if self.rungs and not self.settled:
            useful = self._useful()
            if self.to_probe():  # there was no time for it
                useful += [rung for rung in self.rungs if rung > useful[-1]]
            self.rung = max(
                [r for r in useful if self.expected(r) <= seconds / TRIALS], default=useful[0]
            )
            self.top = max([r for r in useful if self.expected(r) <= CLIMB * seconds] + [self.rung])
        self.settled = True

    def to_climb(self) -> Row | None:
        """The next of the best on the searched rung that has not been tried on the top one."""
        found = [row for row in self.rows if row["rung"] == self.rung] if self.climbs else []
        finalists = sorted(found, key=lambda row: -row["ndcg"])[:FINALISTS]
        return next((row for row in finalists if not self._on(row, self.top)), None)

    def attempt(self, ruler: Validation, number: int) -> Row | None:
        """One trial of the search; None where it is known already."""
        return self._tried(ruler, number, self.rung)

    def again(self, ruler: Validation, number: int, *, row: Row, rung: int) -> Row | None:
        """The parameters of a trial once more, on another rung."""
        self.study.enqueue_trial(json.loads(row["base"]))
        return self._tried(ruler, number, rung)

    def _useful(self) -> list[int]:
        """The rungs, from the first, on each of which the best start is better than on the last."""
        if not any(row["rung"] for row in self.rows):
            return []
        start, useful = self.best_on(self.rungs[0]), self.rungs[:1]
        before = start["ndcg"]
        for rung in self.rungs[1:]:
            row = self._on(start, rung)
            if row is None or row["ndcg"] <= before + STEP:
                break
            before, useful = row["ndcg"], [*useful, rung]
        return useful

    def _on(self, row: Row, rung: int) -> Row | None:
        """The trial of the same parameters on a rung."""
        same = (r for r in self.rows if r["base"] == row["base"] and r["rung"] == rung)
        return next(same, None)

    def _tried(self, ruler: Validation, number: int, rung: int) -> Row | None:
        trial = self.study.ask()
        params = spaces.suggest(trial, self.space)
        about = {"base": json.dumps(params, sort_keys=True), "rung": rung}
        known = self._on(about, rung)
        row = known or self._scored(ruler, params, rung) | about | {"trial": number}
        self.asked += 1
        self.stale = 0 if row["ndcg"] > self.best + STEP else self.stale + 1
        if known is None:
            trial.set_user_attr("row", row)
            self.rows.append(row)
        self.study.tell(trial, row["ndcg"])
        return row if known is None else None

    def _scored(self, ruler: Validation, params: Mapping[str, Any], rung: int) -> Row:
        whole = {**params, self.space.size: rung} if rung else params
        return as_row(self.name, ruler.score(self.name, whole))

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
