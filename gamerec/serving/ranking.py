"""From a question to the items of its answer, on one snapshot. Pure arithmetic, no I/O."""

from collections.abc import Callable, Iterable
from functools import partial
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np

from gamerec.calibration import Calibration
from gamerec.compiling import njit
from gamerec.models.kernels.explaining import contributions
from gamerec.models.kernels.scoring import ALL_ONES, Scorer
from gamerec.models.reranking import rerank
from gamerec.serving.answers import Because, Id, Item, Question
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
    if added or hidden:
        columns, weights = _merged(columns, weights, added, hidden)
    if len(columns) and columns[-1] >= n_games:  # games of the log that the model does not know
        columns, weights = columns[columns < n_games], weights[columns < n_games]
    return Known(columns.astype(np.int64), weights, hidden + out, tuple(ignored))


def items_for(
    snapshot: Snapshot, question: Question, known: Known, calibration: Calibration | None
) -> tuple[Item, ...]:
    """The k best games with scores, confidence and reasons; fewer where fewer are eligible."""
    allowed = snapshot.mask(question.filters)
    if known.hidden:
        allowed = allowed.copy()
        allowed[known.hidden] = False
    turned = question.diversity or question.popularity
    pool = max(question.k, min(max(_POOL * question.k, _LEAST_POOL), snapshot.n_games))
    wanted = pool if turned else question.k
    columns, scores = snapshot.best(known.columns, known.weights, wanted, allowed)
    if columns[-1] < 0:
        columns, scores = columns[columns >= 0], scores[columns >= 0]
    ranks = _RANKS[: len(columns)] if len(columns) <= len(_RANKS) else _ranks(len(columns))
    if turned and len(columns):
        places = _chosen(snapshot, question, columns, scores)
        columns, scores, ranks = columns[places], scores[places], ranks[places]
    chances: Iterable[float | None] = repeat(None)
    if calibration is not None:
        chances = calibration.chances(scores, ranks, len(known.columns)).tolist()
    rows = snapshot.games.games
    games = [rows[column] for column in columns.tolist()]
    reasons = _reasons(snapshot, known, columns, question.explain)
    return tuple(map(_new_item, zip(games, scores.tolist(), chances, reasons, strict=False)))


def _merged(
    columns: np.ndarray, weights: np.ndarray, added: list[int], gone: Iterable[int]
) -> tuple[np.ndarray, np.ndarray]:
    """The history with some games more and others less; a game added weighs 1."""
    by_column = dict.fromkeys(added, 1.0)
    by_column |= dict(zip(columns.tolist(), weights.tolist(), strict=True))
    for column in gone:
        by_column.pop(column, None)
    kept = sorted(by_column)
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
    n_played = len(known.columns)
    if not n_played or not len(columns):
        return [()] * len(columns)
    values = snapshot.values(known.weights)
    if not len(values):
        values = _ONES[:n_played] if n_played <= len(_ONES) else np.ones(n_played, np.float32)
    most = n_played if every else min(REASONS, n_played)
    sources, parts, counts = _strongest(
        snapshot.scorer, known.columns, values, columns, most, every
    )
    ids, names = snapshot.games.ids, snapshot.games.names
    found = sources.tolist()
    told = list(
        map(
            _new_because,
            zip([ids[c] for c in found], [names[c] for c in found], parts.tolist(), strict=True),
        )
    )
    return [
        tuple(told[start : start + count])
        for start, count in zip(range(0, len(told), most), counts.tolist(), strict=True)
    ]


@njit(cache=True, nogil=True)
def _strongest(
    scorer: Scorer,
    played: np.ndarray,
    values: np.ndarray,
    games: np.ndarray,
    most: int,
    every: bool,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The `most` largest parts of each game's score, games after one another.

    Played columns and parts, (n_games * most,) each, and how many of each game's count: those
    above 0, or with `every` those that are not 0. Of equal parts the lower column is first.
    """
    sources = np.zeros(len(games) * most, np.int64)
    parts = np.zeros(len(games) * most, np.float32)
    counts = np.zeros(len(games), np.int64)
    for a in range(len(games)):
        own = contributions(scorer, played, values, games[a])
        first = a * most
        for b in range(len(own)):
            if own[b] > 0 or (every and own[b] != 0):
                n = counts[a]
                if n < most:
                    counts[a] = n + 1
                elif own[b] <= parts[first + n - 1]:
                    continue
                else:
                    n -= 1
                while n > 0 and own[b] > parts[first + n - 1]:
                    parts[first + n] = parts[first + n - 1]
                    sources[first + n] = sources[first + n - 1]
                    n -= 1
                parts[first + n] = own[b]
                sources[first + n] = played[b]
    return sources, parts, counts


def _ranks(n: int) -> np.ndarray:
    return np.arange(1, n + 1)


_NO_COLUMNS = np.empty(0, np.int64)
_ONES = np.ones(1_000, np.float32)
_RANKS = _ranks(1_000)
# A named tuple's own constructor is a Python function; this is what it calls, from C.
_new_item: Callable[[tuple[Any, ...]], Item] = partial(tuple.__new__, Item)
_new_because: Callable[[tuple[Any, ...]], Because] = partial(tuple.__new__, Because)
