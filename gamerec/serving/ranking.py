"""From a question to the items of its answer, on one snapshot. Pure arithmetic, no I/O."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from gamerec.calibration import Calibration
from gamerec.compiling import njit
from gamerec.models.kernels.explaining import contributions
from gamerec.models.kernels.scoring import ALL_ONES, Scorer
from gamerec.models.reranking import rerank
from gamerec.serving.answers import Because, Game, Id, Item, Question
from gamerec.serving.overlay import Said
from gamerec.serving.snapshot import Snapshot

REASONS = 3  # shown where not all are asked for
_POOL = 10  # candidates per place that the sliders choose from
_LEAST_POOL = 100


class Known(NamedTuple):
    """What a list is made from.

    columns: (n,) int64 ascending, games played that the model knows. weights: (n,) float32.
    hidden: columns that are not to be shown, beside those played. ignored: ids of the question
    that the model does not know.
    """

    columns: np.ndarray
    weights: np.ndarray
    hidden: list[int]
    ignored: tuple[Id, ...]


def known_of(snapshot: Snapshot, row: int, question: Question, said: dict[str, Said]) -> Known:
    """The user's history, the question's games and the user's events, put together."""
    games, n_games = snapshot.games, snapshot.n_games
    columns, weights = _NO_COLUMNS, ALL_ONES
    if row >= 0:
        columns, weights = snapshot.history(row)
    added: list[int] = []
    hidden: list[int] = []
    ignored: list[Id] = []
    for game_id in question.games:
        column = games.find(game_id)
        if 0 <= column < n_games:
            added.append(column)
        else:
            ignored.append(game_id)
    for text, word in said.items():
        column = games.find(text)
        if 0 <= column < n_games:
            (added if word.joins_history else hidden).append(column)
    out = [c for c in map(games.find, question.exclude) if 0 <= c < n_games]
    if added or hidden or len(games) > n_games:
        columns, weights = _merged(columns, weights, added, hidden, n_games)
    return Known(columns.astype(np.int64), weights, hidden + out, tuple(ignored))


def items_for(
    snapshot: Snapshot, question: Question, known: Known, calibration: Calibration | None
) -> tuple[Item, ...]:
    """The k best games with scores, confidence and reasons; fewer where fewer are eligible."""
    allowed = snapshot.mask(question.filters)
    if known.hidden:
        allowed = allowed.copy()
        allowed[known.hidden] = False
    k = question.k
    turned = question.diversity or question.popularity
    pool = min(max(_POOL * k, _LEAST_POOL), snapshot.n_games) if turned else k
    columns, scores = snapshot.best(known.columns, known.weights, max(pool, k), allowed)
    filled = int((columns >= 0).sum())
    columns, scores = columns[:filled], scores[:filled]
    places = np.arange(min(k, filled))
    if turned and filled:
        places = _chosen(snapshot, question, columns, scores)
    columns, scores = columns[places], scores[places]
    chances = None
    if calibration is not None:
        chances = calibration.chances(scores, places + 1, len(known.columns)).tolist()
    reasons = _reasons(snapshot, known, columns, question.explain)
    rows = snapshot.games.games
    return tuple(
        Item(rows[column], score, None if chances is None else chances[at], reasons[at])
        for at, (column, score) in enumerate(zip(columns.tolist(), scores.tolist(), strict=True))
    )


def _merged(
    columns: np.ndarray, weights: np.ndarray, added: list[int], gone: Iterable[int], n_games: int
) -> tuple[np.ndarray, np.ndarray]:
    """The history with some games more and others less; a game added weighs 1."""
    by_column = dict.fromkeys(added, 1.0)
    by_column |= dict(zip(columns.tolist(), weights.tolist(), strict=True))
    for column in gone:
        by_column.pop(column, None)
    kept = sorted(c for c in by_column if c < n_games)
    return np.array(kept, np.int64), np.array([by_column[c] for c in kept], np.float32)


def _chosen(
    snapshot: Snapshot, question: Question, columns: np.ndarray, scores: np.ndarray
) -> np.ndarray:
    """(min(k, n),) places of the pool that the sliders choose, in their order."""
    near = {
        "features": snapshot.features[columns] if question.diversity else None,
        "popularity": snapshot.games.popularity[columns],
    }
    sliders = {"diversity": question.diversity, "mainstream": question.popularity}
    numbered = np.arange(len(columns), dtype=np.int32)  # rows of `near`, so that both are short
    places, _ = rerank(numbered, scores, question.k, **sliders, **near)  # type: ignore[arg-type]
    return places[places >= 0]


def _reasons(
    snapshot: Snapshot, known: Known, columns: np.ndarray, every: bool
) -> list[tuple[Because, ...]]:
    """For each game the played games that gave its score, the largest part first."""
    if not len(known.columns) or not len(columns):
        return [()] * len(columns)
    values = snapshot.values(known.weights)
    if not len(values):
        values = np.ones(len(known.columns), np.float32)
    parts = _contributions(snapshot.scorer, known.columns, values, columns)  # (n_items, n_played)
    order = np.argsort(-parts, axis=1, kind="stable")
    if not every:
        order = order[:, :REASONS]
    sources = known.columns[order].tolist()
    amounts = np.take_along_axis(parts, order, axis=1).tolist()
    rows: list[Game] = snapshot.games.games
    return [
        tuple(
            Because(rows[column].game_id, rows[column].name, amount)
            for column, amount in zip(*pair, strict=True)
            if amount > 0 or (every and amount)
        )
        for pair in zip(sources, amounts, strict=True)
    ]


@njit(cache=True, nogil=True)
def _contributions(
    scorer: Scorer, played: np.ndarray, values: np.ndarray, games: np.ndarray
) -> np.ndarray:
    """(n_items, n_played) float32: values[b] W[played[b], games[a]]."""
    out = np.empty((len(games), len(played)), np.float32)
    for a in range(len(games)):
        out[a] = contributions(scorer, played, values, games[a])
    return out


_NO_COLUMNS = np.empty(0, np.int64)
