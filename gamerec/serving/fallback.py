"""While there is no model: the last batch of the database, and its games."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from gamerec.database import Database
from gamerec.errors import GamerecError
from gamerec.serving.answers import Answer, Because, Id, Item, NoModel, Played, Question
from gamerec.serving.build import line_of
from gamerec.serving.catalogue import Games, game_of
from gamerec.serving.identity import as_whole
from gamerec.serving.overlay import Said

logger = logging.getLogger(__name__)

_SECONDS = 5.0  # between two looks at which batch is live
ADVICE = "run `make pipeline` (or promote a version: `gamerec models promote VERSION`)"


class BatchLists:
    """Answers from the live batch. Scores and reasons are the batch's."""

    def __init__(self, database: Callable[[], Database]) -> None:
        self._database = database
        self._batch: dict[str, Any] | None = None
        self._games = Games([], np.empty(0, np.float32))
        self._looked = -_SECONDS
        self._lock = threading.Lock()

    @property
    def is_there(self) -> bool:
        """Whether there is a batch to answer from."""
        self._look()
        return self._batch is not None

    @property
    def version(self) -> str:
        """The model version that made the batch."""
        return str(self._batch["model_version"]) if self._batch else ""

    @property
    def games(self) -> Games:
        """The games of the database; NoModel where it holds no batch."""
        self._look()
        if self._batch is None:
            raise NoModel(f"there is no model in production and no batch in the database: {ADVICE}")
        return self._games

    def answer(self, question: Question, said: dict[str, Said]) -> Answer:
        """The user's list of the batch, filled up by popularity; raises NoModel without a batch."""
        games = self.games
        passing = games.passing(question.filters)
        rows = self._rows(question.user_id)
        left_out = {games.find(i) for i in (*question.exclude, *question.games, *said)}
        if question.user_id is not None:
            left_out |= {games.find(p.game.game_id) for p in self.history(question.user_id)}
        items: list[Item] = []
        for game_id, score, because in rows:
            column = games.find(game_id)
            if column >= 0 and passing[column] and column not in left_out:
                items.append(Item(games.games[column], score, None, self._because(because)))
                left_out.add(column)
        own = len(items)
        for column in games.order.tolist():
            if len(items) >= question.k:
                break
            if passing[column] and column not in left_out:
                items.append(Item(games.games[column], 0.0))
        why = f"there is no model in production; this is the batch of {self.version}"
        if not own:
            why = "there is no model in production and the batch has no list for this player"
        source = "batch" if own else "popular"
        return Answer(tuple(items[: question.k]), self.version, source, why)  # type: ignore[arg-type]

    def history(self, user_id: Id) -> list[Played]:
        """What the database knows that the user played."""
        for spelling in _spellings(user_id):
            found = self._database().history(spelling)
            columns = [self._games.find(game) for game in found["game_id"].tolist()]
            pairs = zip(columns, found["weight"].tolist(), strict=True)
            if len(found):
                return [Played(self._games.games[c], w, "log") for c, w in pairs if c >= 0]
        return []

    def _look(self) -> None:
        """Notice a new batch, some seconds after it went live."""
        if time.monotonic() - self._looked < _SECONDS:
            return
        with self._lock:
            self._looked = time.monotonic()
            try:
                batch = self._database().live_batch()
                if batch is not None and batch != self._batch:
                    self._games = _games(self._database())
                self._batch = batch
            except GamerecError as error:
                logger.warning("no batch to fall back to: %s", error)

    def _rows(self, user_id: Id | None) -> list[tuple[Id, float, Id | None]]:
        for spelling in _spellings(user_id):
            found = self._database().recommendations(spelling)
            if len(found):
                because = found["because_game_id"].astype(object)
                because = because.where(because.notna(), None)
                scores = [float(score) for score in found["score"]]
                return list(zip(found["game_id"].tolist(), scores, because, strict=True))
        return []

    def _because(self, game_id: Id | None) -> tuple[Because, ...]:
        """The reason without its part, which the batch does not hold."""
        column = -1 if game_id is None else self._games.find(game_id)
        if column < 0:
            return ()
        game = self._games.games[column]
        return (Because(game.game_id, game.name, None),)


def _spellings(user_id: Id | None) -> list[Id]:
    """The id as it came, and in the other kind: paths of URLs can only hold text."""
    if user_id is None:
        return []
    other = str(user_id) if isinstance(user_id, int) else as_whole(user_id)
    return [user_id] if other is None else [user_id, other]


def _games(database: Database) -> Games:
    """The games of the database, the most played first among equals of none."""
    table, players = database.games(), database.players()
    lines = [line_of(row) for row in table.to_dict("records")]
    counts = np.array([players.get(line["game_id"], 0) for line in lines], np.float32)
    return Games(list(map(game_of, lines, counts.tolist())), counts)
