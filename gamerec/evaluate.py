"""Models against a hold-out: lists, per-user values, and one tidy table with intervals.

Whatever has `recommend(X, k)` is measured the same way: a model, the references, production. This
module decides nothing; the verdict is the gate's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
import pandas as pd
from scipy import sparse

from gamerec import bootstrap, metrics, references
from gamerec.models.base import ItemModel

KS = (5, 10, 20)
COLUMNS = ["model", "metric", "k", "value", "low", "high", "n_users"]


class Recommender(Protocol):
    """What can be measured."""

    def recommend(self, X: sparse.csr_matrix, k: int = 10) -> tuple[np.ndarray, np.ndarray]:
        """(n_users, k) games best first, -1 = empty place, without played ones; and scores."""
        ...


@dataclass(frozen=True)
class Measured:
    """One model on one hold-out.

    lists: (n_users, max K) int32, a row for every user, whether or not there is a test part.
    per_user: (metric, k) -> (n,) values; of accuracy metrics, of the users with test games (equal
        positions are equal users for every model), of the others of all users, NaN where a
        user's list has no value.
    overall: (metric, k) -> one number of all lists together, such as the coverage.
    """

    lists: np.ndarray
    per_user: dict[tuple[str, int], np.ndarray]
    overall: dict[tuple[str, int], float] = field(default_factory=dict)


def evaluate(
    models: Mapping[str, Recommender],
    X: sparse.csr_matrix,
    test: sparse.csr_matrix,
    ks: Sequence[int] = KS,
    *,
    resamples: int = 1_000,
    seed: int = 42,
) -> pd.DataFrame:
    """Accuracy of every model by name on one hold-out, as the tidy table of `table`.

    X: (n_users, n_games) CSR, the histories the lists are made from. test: same shape, what was
    held out of them.
    """
    measured = {name: measure(model, X, test, ks) for name, model in models.items()}
    return table(measured, resamples=resamples, seed=seed)


def measure(
    model: Recommender, X: sparse.csr_matrix, test: sparse.csr_matrix, ks: Sequence[int] = KS
) -> Measured:
    """Lists for every user, and their accuracy at every K.

    Memory: the lists and 5 metrics x len(ks) doubles per test user.
    """
    lists, _ = model.recommend(X, k=max(ks))
    return Measured(lists, metrics.per_user(lists, test, ks))


def beyond_accuracy(
    measured: Measured,
    X: sparse.csr_matrix,
    popularity: np.ndarray,
    features: sparse.csr_matrix | None = None,
    k: int = 10,
) -> Measured:
    """The same with what accuracy does not see, of the first k places of the lists.

    coverage: share of the catalogue in at least one list.
    gini: how unequally the lists share out the catalogue; 0 all games alike, 1 always the same.
    popularity: mean popularity percentile of the list, 0 the least played game, 1 the most.
    popularity_lift: that, less the same of the user's own games; above 0 the model pulls towards
        the mainstream.
    diversity: 1 - mean cosine of the contents of two games of a list; needs `features`, the
        (n_games, n_features) content matrix, and is left out where no game has any.
    """
    lists, n_games = measured.lists[:, :k], X.shape[1]
    percentile = metrics.popularity_percentile(popularity)
    mainstream = metrics.list_mean(lists, percentile)
    lift = mainstream - metrics.profile_mean(X, percentile)
    per_user = {("popularity", k): mainstream, ("popularity_lift", k): lift}
    if features is not None and features.nnz:
        per_user["diversity", k] = metrics.intra_list_diversity(lists, features)
    counts = metrics.recommended_counts(lists, n_games)
    overall = {
        ("coverage", k): metrics.coverage(lists, n_games),
        ("gini", k): metrics.gini(counts),
    }
    return Measured(measured.lists, measured.per_user | per_user, measured.overall | overall)


def against_truth(
    measured: Mapping[str, Measured],
    truth: references.Utilities,
    users: np.ndarray,
    X: sparse.csr_matrix,
    test: sparse.csr_matrix,
    ks: Sequence[int] = KS,
    k: int = 10,
) -> dict[str, Measured]:
    """The same with the 'oracle' in front, which ranks by true utility, and everybody's regret.

    regret(u): mean utility of the oracle's first k games - mean utility of the model's, the true
    utility lost per game of the list.
    users: (n_users,) the truth's user of each row, -1 for rows to leave out: a pass over all true
    utilities takes users x games, so on a large log a sample is asked for. The oracle's row then
    speaks of the sample.
    """
    rows = np.flatnonzero(users >= 0)
    sampled, n_games = users[rows], X.shape[1]
    oracle = measure(references.Oracle(truth, sampled), X[rows], test[rows], ks)
    lists = [oracle.lists, *(m.lists[rows] for m in measured.values())]
    best, *others = references.mean_utilities(truth, sampled, [x[:, :k] for x in lists], n_games)
    result = {"oracle": _with(oracle, ("regret", k), np.zeros(len(rows)))}
    for (name, m), own in zip(measured.items(), others, strict=True):
        result[name] = _with(m, ("regret", k), best - own)
    return result


def sampled(users: np.ndarray, most: int, seed: int = 42) -> np.ndarray:
    """`users` with all but `most` of them, drawn by seed, set to -1: for `against_truth`."""
    users = np.array(users, np.int64)
    if len(users) > most:
        rng = np.random.default_rng(seed)
        users[rng.permutation(len(users))[most:]] = -1
    return users


def _with(measured: Measured, key: tuple[str, int], values: np.ndarray) -> Measured:
    return replace(measured, per_user=measured.per_user | {key: values})


def table(
    measured: Mapping[str, Measured], *, resamples: int = 1_000, seed: int = 42
) -> pd.DataFrame:
    """Tidy: model, metric, k, value, low, high, n_users, in the order of the models.

    value is the mean over n_users users, low and high its 95 % bootstrap interval. Numbers of all
    lists together have no interval (NaN): a resample of users holds fewer different lists.
    """
    rows: list[tuple[Any, ...]] = []
    for name, result in measured.items():
        rows += _mean_rows(name, result, resamples, seed)
        n_users = len(result.lists)
        rows += [(name, *key, v, np.nan, np.nan, n_users) for key, v in result.overall.items()]
    return pd.DataFrame(rows, columns=COLUMNS)


def _mean_rows(name: str, result: Measured, resamples: int, seed: int) -> list[tuple[Any, ...]]:
    defined = {key: values[~np.isnan(values)] for key, values in result.per_user.items()}
    rows = {}
    for n in {len(values) for values in defined.values()}:
        keys = [key for key, values in defined.items() if len(values) == n]
        columns = np.column_stack([defined[key] for key in keys])
        low, high = bootstrap.interval(bootstrap.resampled_means(columns, resamples, seed))
        value = columns.mean(axis=0) if n else np.full(len(keys), np.nan)
        for at, key in enumerate(keys):
            rows[key] = (name, *key, float(value[at]), float(low[at]), float(high[at]), n)
    return [rows[key] for key in defined]


def summary(table: pd.DataFrame, k: int, metrics: Sequence[str]) -> pd.DataFrame:
    """For people: a row per model, a column per metric at K, "0.370 (0.310 to 0.431)"."""
    cells = {(row["model"], row["metric"]): _cell(row) for row in plain(table[table["k"] == k])}
    names = dict.fromkeys(table["model"])
    return pd.DataFrame({m: {name: cells.get((name, m), "") for name in names} for m in metrics})


def _cell(row: Mapping[str, Any]) -> str:
    if row["low"] is None:
        return "" if row["value"] is None else f"{row['value']:.3f}"
    return f"{row['value']:.3f} ({row['low']:.3f} to {row['high']:.3f})"


def users_counted(measured: Mapping[str, Measured], k: int = 10) -> pd.DataFrame:
    """How many users each figure speaks of; nobody is dropped in silence.

    One row per model: users; with and without test games (the latter have no accuracy);
    no_recommendation (an empty list, which counts as 0 where there are test games);
    fewer_than_k (some games, but not k).
    """
    rows = []
    for name, result in measured.items():
        games = metrics.filled(result.lists[:, :k])
        tested = len(result.per_user["recall", k])
        rows.append(
            {
                "model": name,
                "users": len(games),
                "with_test_games": tested,
                "without_test_games": len(games) - tested,
                "no_recommendation": int((games == 0).sum()),
                "fewer_than_k": int(((games > 0) & (games < k)).sum()),
            }
        )
    return pd.DataFrame(rows)


def read_aloud(
    model: ItemModel,
    history: sparse.csr_matrix,
    held_out: Sequence[int] | np.ndarray,
    names: np.ndarray,
    k: int = 10,
) -> pd.DataFrame:
    """One user's list for people: game, score, because of, held out; indexed by rank from 1.

    history: (1, n_games) CSR row. 'because of' names the three played games that give most, each
    with its share of the score; 'popular' where none gives any. held_out: columns to tick.
    """
    games, scores = model.recommend_one(history, k)
    rows = []
    for game, score in zip(games[games >= 0], scores[games >= 0], strict=True):
        causes, given = model.explain(history, game)
        parts = [
            f"{names[c]} ({g / score:.0%})" for c, g in zip(causes, given, strict=True) if g > 0
        ]
        found = "✓" if game in held_out else ""
        rows.append((names[game], float(score), ", ".join(parts[:3]) or "popular", found))
    ranks = pd.RangeIndex(1, len(rows) + 1)
    return pd.DataFrame(rows, columns=["game", "score", "because of", "held out"], index=ranks)


def plain(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows for JSON, None where there is no number."""
    records = table.astype(object).where(table.notna(), None).to_dict("records")
    return [{str(name): value for name, value in row.items()} for row in records]
