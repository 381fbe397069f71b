"""The gate: may a candidate go live? A verdict from per-user values, with the reason in words.

The rule, on one metric (higher is better) of the same users for every model:

1. No user with test games: refuse, for nothing has been measured.
2. Candidate's mean <= popularity's mean: refuse. A personal list that is no better than the same
   list for everyone is not worth its cost. Here the point estimate decides, without asking for
   significance: on a few dozen users hardly any model would ever pass, and the first version must
   be able to go live. Whether the lead is clear of chance is told beside it.
3. Where there is a production version: refuse if the candidate is worse **beyond the tolerance**
   and **beyond chance**: the mean of (candidate - production) lies below
   -tolerance * production's mean, and the upper end of its paired bootstrap interval lies below 0.
   The first part lets a small loss pass (a fresh model on fresh data is worth it); the second keeps
   the noise of a small test part from refusing every other retrain. On many users the interval is
   narrow, and the first part alone decides.
4. Else promote. An equal candidate is promoted: it has seen the newer data.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from gamerec import bootstrap
from gamerec.errors import UsageError


@dataclass(frozen=True)
class Lead:
    """How far the candidate is ahead of one other model: mean difference, 95 % interval."""

    over: str
    value: float  # the other model's mean
    difference: float
    low: float
    high: float

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low > 0 or self.high < 0

    def __str__(self) -> str:
        chance = "clear of chance" if self.clear else "within chance"
        return (
            f"{self.over} {self.value:.4f} by {self.difference:+.4f} "
            f"({self.low:+.4f} to {self.high:+.4f}, {chance})"
        )


@dataclass(frozen=True)
class Verdict:
    """Promote or refuse, why, and the figures it rests on."""

    promote: bool
    reason: str
    metric: str  # 'ndcg@10'
    candidate: float | None
    n_users: int
    tolerance: float
    leads: tuple[Lead, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values for verdict.json."""
        plain = asdict(self) | {"verdict": "promote" if self.promote else "refuse"}
        return plain | {"leads": [asdict(lead) | {"clear": lead.clear} for lead in self.leads]}


def decide(
    candidate: np.ndarray,
    popularity: np.ndarray,
    production: np.ndarray | None = None,
    *,
    metric: str = "ndcg@10",
    tolerance: float = 0.02,
    resamples: int = 1_000,
    seed: int = 42,
) -> Verdict:
    """The verdict by the rule above.

    candidate, popularity, production: (n_users,) values of one metric, position = user.
    tolerance: share of production's mean that may be lost, at least 0.
    Raises UsageError for arrays that do not speak of the same users.
    """
    others = {"popularity": popularity} | ({} if production is None else {"production": production})
    if any(np.shape(other) != np.shape(candidate) for other in others.values()) or tolerance < 0:
        raise UsageError("the gate compares the same users for every model, with a tolerance >= 0")
    n_users = len(candidate)
    if not n_users:
        reason = "no user has test games, so nothing could be measured"
        return Verdict(False, reason, metric, None, 0, tolerance)
    leads = _leads(candidate, others, resamples, seed)
    fault = _fault(leads, tolerance)
    mean = float(np.mean(candidate))
    reason = f"{metric} is {mean:.4f} on {n_users:,} users"
    reason = f"{fault}; {reason}" if fault else reason
    reason += "; against " + ", against ".join(str(lead) for lead in leads.values())
    if production is None:
        reason += "; there is no production version to compare with"
    return Verdict(not fault, reason, metric, mean, n_users, tolerance, tuple(leads.values()))


def _leads(
    candidate: np.ndarray, others: dict[str, np.ndarray], resamples: int, seed: int
) -> dict[str, Lead]:
    differences = np.column_stack([candidate - other for other in others.values()])
    low, high = bootstrap.interval(bootstrap.resampled_means(differences, resamples, seed))
    means = differences.mean(axis=0)
    rows = zip(others, means, low, high, strict=True)
    return {
        name: Lead(name, float(np.mean(others[name])), float(mean), float(a), float(b))
        for name, mean, a, b in rows
    }


def _fault(leads: dict[str, Lead], tolerance: float) -> str:
    """Why to refuse, or nothing."""
    if leads["popularity"].difference <= 0:
        return "not better than popularity"
    production = leads.get("production")
    if production is None:
        return ""
    beyond_tolerance = production.difference < -tolerance * production.value
    if beyond_tolerance and production.high < 0:
        return f"worse than production beyond the tolerance of {tolerance:.1%}"
    return ""
