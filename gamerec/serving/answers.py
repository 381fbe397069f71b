"""What the serving core is asked and what it answers: plain values, without HTTP or widgets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

from gamerec.errors import DataError, ServiceError, UsageError

Id = int | str
Source = Literal["model", "batch", "popular"]
EventKind = Literal["played", "liked", "disliked", "hidden"]
EVENT_KINDS: tuple[EventKind, ...] = ("played", "liked", "disliked", "hidden")


class NoModel(ServiceError):
    """There is neither a model nor a batch to answer from."""


class NotFound(DataError):
    """There is no such game or user."""


class BadFilter(UsageError):
    """A filter names a genre or tag that no game has; `field` is the filter's name."""

    def __init__(self, field_name: str, message: str) -> None:
        super().__init__(message)
        self.field = field_name


@dataclass(frozen=True)
class Filters:
    """Which games may be recommended; names of genres and tags without regard to case.

    `any` wants one of the names, `all` every one, `none` not one. Years include both ends; a game
    of unknown date passes no year filter.
    """

    genres_any: tuple[str, ...] = ()
    genres_all: tuple[str, ...] = ()
    genres_none: tuple[str, ...] = ()
    tags_any: tuple[str, ...] = ()
    tags_all: tuple[str, ...] = ()
    tags_none: tuple[str, ...] = ()
    year_from: int | None = None
    year_to: int | None = None


NO_FILTER = Filters()


@dataclass(frozen=True)
class Question:
    """What to recommend to whom.

    user_id: a player of the log, or of events; None for a session without one.
    games: ids of games that count as played, beside the user's history.
    exclude: ids of games that are not to be recommended.
    diversity: 0 (by score alone) to 1. popularity: -1 (deep cuts) to 1 (the most played).
    explain: all reasons of every game, which add up to its score; else the three strongest.
    """

    user_id: Id | None = None
    games: Sequence[Id] = ()
    k: int = 10
    exclude: Sequence[Id] = ()
    filters: Filters = NO_FILTER
    diversity: float = 0.0
    popularity: float = 0.0
    explain: bool = False


class Because(NamedTuple):
    """A played game and its exact part in the score; None where only the batch knows it."""

    game_id: Id
    name: str
    contribution: float | None


class Game(NamedTuple):
    """A game of the catalogue; None where nothing is known."""

    game_id: Id
    name: str
    genres: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    released: str | None = None  # YYYY-MM-DD
    rating: float | None = None  # 0-5
    metacritic: float | None = None  # 0-100
    playtime: float | None = None  # hours
    image_url: str | None = None
    players: int = 0  # in the data that the model was fitted on

    @property
    def year(self) -> int | None:
        """The year of release."""
        return int(self.released[:4]) if self.released else None


class Item(NamedTuple):
    """One place of a list.

    score: the sum of all contributions; 0 where the place is filled by popularity.
    confidence: calibrated chance that the player plays this game next, None where the version has
        not been calibrated.
    because: the played games that gave the score, the largest part first.
    """

    game: Game
    score: float
    confidence: float | None = None
    because: tuple[Because, ...] = ()

    @property
    def game_id(self) -> Id:
        """The game's id, as it came in."""
        return self.game.game_id

    @property
    def name(self) -> str:
        """The game's name."""
        return self.game.name

    @property
    def image_url(self) -> str | None:
        """Where the source has a picture, or None."""
        return self.game.image_url

    @property
    def genres(self) -> tuple[str, ...]:
        """The game's genres."""
        return self.game.genres

    @property
    def released(self) -> str | None:
        """YYYY-MM-DD, or None."""
        return self.game.released

    @property
    def rating(self) -> float | None:
        """0-5, or None where nobody has rated the game."""
        return self.game.rating


@dataclass(frozen=True)
class Answer:
    """A list of games, best first.

    version: the model version that made it. source: 'model'; 'batch', the last batch of the
    database, while there is no model; 'popular', where nothing is known of the player. reason: why
    the source is not the model, '' where it is. ignored: ids of `games` that the model does not
    know.
    """

    items: tuple[Item, ...]
    version: str
    source: Source
    reason: str = ""
    ignored: tuple[Id, ...] = ()


class Played(NamedTuple):
    """One game of a user's history, from the play log (weight: 1, or hours) or from an event."""

    game: Game
    weight: float
    origin: Literal["log", "event"]
    kind: EventKind = "played"
    at: datetime | None = None


@dataclass(frozen=True)
class Event:
    """Something that a player said of a game; an event_id is kept once, however often it comes."""

    event_id: str
    kind: EventKind
    user_id: Id
    game_id: Id
    at: datetime | None = None  # UTC; None: now


@dataclass(frozen=True)
class Version:
    """A version of the registry: what it is, and which channels point to it."""

    version: str
    channels: tuple[str, ...] = ()
    model: str = ""
    created_at: str = ""
    run_id: str = ""


@dataclass(frozen=True)
class Info:
    """What is live now.

    metrics: headline test metrics of the live version ('ndcg@10'). refused: versions that were
    promoted and could not be loaded, with the reason. events: False while the database of events
    is out of reach.
    """

    version: str | None
    source: Literal["model", "batch", "none"]
    channel: str
    model: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    created_at: str = ""
    loaded_at: str = ""
    run_id: str = ""
    data_run: str = ""
    games: int = 0
    users: int = 0
    interactions: int = 0
    metrics: Mapping[str, float] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    events: bool = True
