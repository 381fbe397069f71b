"""What comes in and goes out over HTTP, with its bounds: the contract that OpenAPI shows."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from gamerec.serving.answers import NO_FILTER, Filters, Question

MOST_ITEMS = 100  # per list
MOST_GAMES = 500  # of a session
MOST_EXCLUDED = 1_000
MOST_USERS = 1_000  # of a batch
MOST_LABELS = 20

Whole = Annotated[int, Field(strict=True, ge=-(2**63), le=2**63 - 1)]
Text = Annotated[str, Field(strict=True, min_length=1, max_length=255)]
Id = Whole | Text
Label = Annotated[str, Field(min_length=1, max_length=100)]
Labels = Annotated[list[Label], Field(max_length=MOST_LABELS)]
Year = Annotated[int, Field(ge=1950, le=2100)]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class LabelFilter(_In):
    """Names without regard to case: one of `any`, every one of `all`, not one of `none`."""

    any: Labels = []
    all: Labels = []
    none: Labels = []


class GameFilters(_In):
    """Which games may be recommended; a game of unknown date passes no year filter."""

    genres: LabelFilter = LabelFilter()
    tags: LabelFilter = LabelFilter()
    year_from: Year | None = None
    year_to: Year | None = None

    def plain(self) -> Filters:
        """As the serving core takes them."""
        return Filters(
            genres_any=tuple(self.genres.any),
            genres_all=tuple(self.genres.all),
            genres_none=tuple(self.genres.none),
            tags_any=tuple(self.tags.any),
            tags_all=tuple(self.tags.all),
            tags_none=tuple(self.tags.none),
            year_from=self.year_from,
            year_to=self.year_to,
        )


class _Wish(_In):
    k: Annotated[int, Field(ge=1, le=MOST_ITEMS, description="games per list")] = 10
    exclude: Annotated[
        list[Id], Field(max_length=MOST_EXCLUDED, description="games not to recommend")
    ] = []
    filters: GameFilters | None = None
    diversity: Annotated[
        float, Field(ge=0, le=1, description="0: by score alone; 1: as varied as can be")
    ] = 0.0
    popularity: Annotated[
        float, Field(ge=-1, le=1, description="-1: deep cuts; 1: the most played")
    ] = 0.0
    explain: Annotated[
        bool, Field(description="all contributions, which add up to the score; else the top 3")
    ] = False

    def _question(self, user_id: int | str | None, games: list[int | str]) -> Question:
        filters = NO_FILTER if self.filters is None else self.filters.plain()
        return Question(
            user_id,
            games,
            self.k,
            self.exclude,
            filters,
            self.diversity,
            self.popularity,
            self.explain,
        )


class PredictRequest(_Wish):
    """Recommendations for a user, for a session of games, or for both together."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"user_id": 7, "k": 5}, {"games": [37194], "k": 5}]}
    )
    user_id: Annotated[Id | None, Field(description="a player of the log, or of events")] = None
    games: Annotated[
        list[Id], Field(max_length=MOST_GAMES, description="games that count as played")
    ] = []

    def question(self) -> Question:
        """As the serving core takes it."""
        return self._question(self.user_id, self.games)


class BatchRequest(_Wish):
    """Recommendations for many users at once, all by the same version."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"users": [7, 8, 9], "k": 5}]})
    users: Annotated[list[Id], Field(min_length=1, max_length=MOST_USERS)]

    def questions(self) -> list[Question]:
        """One per user."""
        return [self._question(user, []) for user in self.users]


class EventRequest(_In):
    """What a user said of a game."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"event_id": "a-1", "kind": "liked", "user_id": 7, "game_id": 37194}]
        }
    )
    kind: Literal["played", "liked", "disliked", "hidden"]
    user_id: Id
    game_id: Id
    event_id: Annotated[
        str | None,
        Field(min_length=1, max_length=100, description="sent twice counts once; else made up"),
    ] = None


class BecauseOut(BaseModel):
    """A played game and its exact part in the score; null where only the batch is known."""

    game_id: int | str
    name: str
    contribution: float | None


class GameOut(BaseModel):
    """A game of the catalogue."""

    game_id: int | str
    name: str
    genres: list[str]
    tags: list[str]
    released: str | None
    rating: float | None
    metacritic: float | None
    playtime: float | None
    image: str | None
    players: int


class ItemOut(BaseModel):
    """One place of a list; score 0: filled by popularity, confidence null: not calibrated."""

    game_id: int | str
    name: str
    score: float
    confidence: float | None
    because: list[BecauseOut]
    image: str | None
    genres: list[str]
    released: str | None
    rating: float | None


class ListOut(BaseModel):
    """A list of games, best first, and where it comes from."""

    items: list[ItemOut]
    source: Annotated[
        Literal["model", "batch", "popular"], Field(description="what the list was made by")
    ]
    reason: Annotated[str, Field(description="why it is not the model; empty where it is")]
    ignored: Annotated[list[int | str], Field(description="games the model does not know")]


class PredictResponse(ListOut):
    """A list for one question."""

    model_version: str
    request_id: str


class UserListOut(ListOut):
    """The list of one user of a batch."""

    user_id: int | str


class BatchResponse(BaseModel):
    """Lists in the order of the users asked for."""

    results: list[UserListOut]
    model_version: str
    request_id: str


class ItemsResponse(BaseModel):
    """Games with a number each: players of popular ones, weights of similar ones."""

    items: list[ItemOut]
    request_id: str


class GamesResponse(BaseModel):
    """A page of the catalogue."""

    games: list[GameOut]
    total: int
    request_id: str


class GameResponse(GameOut):
    """One game."""

    request_id: str


class PlayedOut(BaseModel):
    """A game of a history, from the play log (weight 1, or hours) or from an event."""

    game_id: int | str
    name: str
    weight: float
    origin: Literal["log", "event"]
    kind: Literal["played", "liked", "disliked", "hidden"]
    at: datetime | None


class HistoryResponse(BaseModel):
    """A page of what a user played and said."""

    user_id: int | str
    history: list[PlayedOut]
    total: int
    request_id: str


class EventResponse(BaseModel):
    """recorded: false where an event of this id was kept before; that one counts."""

    event_id: str
    recorded: bool
    request_id: str


class HealthResponse(BaseModel):
    """alive, or ready."""

    status: str


class VersionResponse(BaseModel):
    """What is live in this process, and what was refused."""

    model_version: str | None
    source: Literal["model", "batch", "none"]
    channel: str
    model: str
    params: dict[str, Any]
    created_at: str
    loaded_at: str
    run_id: str
    data_run: str
    games: int
    users: int
    interactions: int
    metrics: dict[str, float]
    refused: dict[str, str]
    events: bool
    request_id: str


class Problem(BaseModel):
    """Every error: what is wrong, which field, and how to find it in the log."""

    error: str
    field: str | None = None
    request_id: str = ""
    error_id: str | None = None
