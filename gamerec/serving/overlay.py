"""What players said after the data of a version was made, by user: the newest word on each game.

`liked` and `played` add a game to the history, `disliked` and `hidden` take it out of the history
and keep it off every list. Keys are the texts of ids, as everywhere in serving. Knows nothing of
where events come from.
"""

import threading
from datetime import datetime
from typing import NamedTuple

from gamerec.database.events import StoredEvent
from gamerec.serving.answers import Id


class Said(NamedTuple):
    """The newest event of one user on one game."""

    number: int
    kind: str
    game_id: Id
    at: datetime

    @property
    def joins_history(self) -> bool:
        """Whether the game counts as played."""
        return self.kind in ("played", "liked")


class Overlay:
    """Events by user; added to from any thread, read without a lock."""

    def __init__(self) -> None:
        self._users: dict[str, dict[str, Said]] = {}
        self._lock = threading.Lock()
        self.events = 0

    def add(self, event: StoredEvent) -> None:
        """Take in an event; one that is known, or older than what is known, changes nothing.

        A user's entries are replaced and never changed, so a reader sees them whole.
        """
        user, game = str(event.user_id), str(event.game_id)
        with self._lock:
            before = self._users.get(user, {})
            if game in before and before[game].number >= event.number:
                return
            said = Said(event.number, event.kind, event.game_id, event.at)
            self._users[user] = before | {game: said}
            self.events += 1

    def of(self, user_id: Id) -> dict[str, Said]:
        """By the text of the game's id; empty for a user who said nothing."""
        return self._users.get(str(user_id), _NOTHING)


_NOTHING: dict[str, Said] = {}
