"""`Engine`: recommendations from memory, for the service, the page and notebooks alike.

    engine = Engine.open(load_settings())
    engine.recommend(Question(user_id=7, k=5)).items

It follows promotions by itself, answers from the last batch while there is no model, and knows
what users said a moment ago. All methods may be called from any thread. It knows no HTTP.
"""

import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from gamerec.database import Database, open_database
from gamerec.errors import UsageError
from gamerec.serving.answers import (
    EVENT_KINDS,
    NO_FILTER,
    Answer,
    Event,
    Filters,
    Game,
    Id,
    Info,
    Item,
    NotFound,
    Played,
    Question,
    Version,
)
from gamerec.serving.cache import SnapshotCache
from gamerec.serving.catalogue import Games
from gamerec.serving.fallback import BatchLists
from gamerec.serving.feed import EventFeed
from gamerec.serving.follow import Follower
from gamerec.serving.overlay import Said
from gamerec.serving.ranking import items_for, known_of
from gamerec.serving.versions import Loaded, Versions
from gamerec.settings import Settings
from gamerec.storage import open_store


class Engine:
    """Answers from the version that a channel points to; a context manager."""

    def __init__(self, settings: Settings, channel: str = "production") -> None:
        self._settings, self.channel = settings, channel
        self._opened: Database | None = None
        self._opening = threading.Lock()
        self._live: Loaded | None = None
        address = settings.database_url.get_secret_value() or settings.store_uri
        self._feed = EventFeed(self._database, address, settings.cache)
        cache = SnapshotCache(settings.cache / "versions")
        self._versions = Versions(open_store(settings.store_uri, settings), cache)
        self._batch = BatchLists(self._database)
        self._follower = Follower(self._versions, channel, self._feed, self._show)

    @classmethod
    def open(cls, settings: Settings, channel: str = "production") -> "Engine":
        """An engine with its model loaded and warm, where there is one.

        channel: production, candidate or previous; or a version such as 'model_v3', which stays.
        """
        engine = cls(settings, channel)
        engine._follower.look()
        engine._feed.read_database()
        engine._follower.start()
        return engine

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop following and close connections."""
        self._follower.stop()
        self._feed.close()
        if self._opened is not None:
            self._opened.close()

    # Asking

    def recommend(self, question: Question) -> Answer:
        """The best k games for a user, a session, or both.

        Always k items where k are eligible; a user of whom nothing is known gets the popular
        games. Raises NoModel where there is neither model nor batch, BadFilter for a genre or tag
        that no game has, UsageError for a slider or k out of range.
        """
        return self.recommend_many([question])[0]

    def recommend_many(self, questions: Sequence[Question]) -> list[Answer]:
        """As `recommend` for each question, all answered by the same version."""
        for question in questions:
            _check(question)
        self._feed.refresh()
        live = self._live
        if live is None:
            return [self._batch.answer(q, self._said(q)) for q in questions]
        return [_answer(live, question, self._said(question)) for question in questions]

    def similar(self, game_id: Id, k: int = 10) -> tuple[Item, ...]:
        """The at most k games that having played this one raises most; scores are the weights.

        Raises NotFound for a game that is not in the catalogue.
        """
        live = self._live
        if live is None:
            self._column(self._batch.games, game_id)
            return ()
        snapshot = live.snapshot
        column = self._column(snapshot.games, game_id)
        if column >= snapshot.n_games:
            return ()
        games, weights = snapshot.model.similar(column, k)
        rows = snapshot.games.games
        pairs = zip(games.tolist(), weights.tolist(), strict=True)
        return tuple(Item(rows[game], weight) for game, weight in pairs)

    def popular(
        self, k: int = 10, filters: Filters = NO_FILTER, exclude: Sequence[Id] = ()
    ) -> tuple[Item, ...]:
        """The k most played games; scores are the numbers of players."""
        games = self._games()
        passing = games.passing(filters)
        out = {games.find(game) for game in exclude}
        best = [c for c in games.order.tolist() if passing[c] and c not in out][:k]
        return tuple(Item(games.games[c], float(games.popularity[c])) for c in best)

    def game(self, game_id: Id) -> Game:
        """One game; raises NotFound."""
        games = self._games()
        return games.games[self._column(games, game_id)]

    def search(self, text: str, limit: int = 20, offset: int = 0) -> tuple[Game, ...]:
        """Games by name, the best match first; an empty text gives all, the most played first."""
        return self.found(text, limit, offset)[0]

    def found(
        self, text: str, limit: int = 20, offset: int = 0, filters: Filters = NO_FILTER
    ) -> tuple[tuple[Game, ...], int]:
        """A page of `search` among the games that pass the filters, and how many there are."""
        games = self._games()
        columns = games.search(text) if text else games.order.tolist()
        if filters != NO_FILTER:
            passing = games.passing(filters)
            columns = [column for column in columns if passing[column]]
        page = columns[offset : offset + limit]
        return tuple(games.games[column] for column in page), len(columns)

    def genres(self) -> list[str]:
        """All genres of the catalogue, sorted."""
        return self._games().genres()

    def tags(self) -> list[str]:
        """All tags of the catalogue, sorted."""
        return self._games().tags()

    def history(self, user_id: Id) -> tuple[Played, ...]:
        """What a user played, the heaviest first, then what they said; raises NotFound.

        Games of the log that an event has taken out are shown with the event's kind.
        """
        self._feed.refresh()
        said = self._feed.overlay.of(user_id)
        live = self._live
        games = self._games()
        played: list[Played] = []
        row = -1 if live is None else live.snapshot.users.find(user_id)
        if live is not None and row >= 0:
            columns, weights = live.snapshot.history(row)
            pairs = zip(columns.tolist(), weights.tolist(), strict=True)
            played = [Played(games.games[c], w, "log") for c, w in pairs]
            played = [p for p in played if str(p.game.game_id) not in said]
        elif live is None:
            played = self._batch.history(user_id)
        played.sort(key=lambda p: -p.weight)
        if not played and row < 0 and not said:
            raise NotFound(f"there is no user {user_id!r} in the data of this version")
        return tuple(played) + tuple(_said(games, said))

    # Telling

    def record(self, event: Event) -> bool:
        """Keep what a user said; on the disk when this returns, and seen by the next answer.

        False where an event of this id was kept before: that one counts. Raises UsageError for an
        unknown kind, NotFound for a game that is not in the catalogue, ServiceError where the
        database is out of reach.
        """
        if event.kind not in EVENT_KINDS:
            raise UsageError(f"an event is {', '.join(EVENT_KINDS)}; not {event.kind!r}")
        live = self._live
        game_id, user_id = event.game_id, event.user_id
        if live is not None:
            games = live.snapshot.games
            game_id = games.games[self._column(games, game_id)].game_id
            user_id = live.snapshot.users.canonical(user_id)
        return self._feed.record(Event(event.event_id, event.kind, user_id, game_id, event.at))

    # What there is

    @property
    def is_ready(self) -> bool:
        """Whether a model is loaded and warm."""
        return self._live is not None

    def versions(self) -> list[Version]:
        """All versions of the registry, newest first."""
        return self._versions.table()

    def info(self) -> Info:
        """What is live now."""
        live = self._live
        state: dict[str, Any] = {
            "channel": self.channel,
            "refused": self._follower.refused,
            "events": not self._feed.is_behind,
        }
        if live is None:
            there = self._batch.is_there
            return Info(self._batch.version or None, "batch" if there else "none", **state)
        snapshot, about = live.snapshot, live.info
        return Info(
            version=snapshot.version,
            source="model",
            model=about["model"],
            params=about["params"],
            created_at=about["created_at"],
            loaded_at=live.loaded_at,
            run_id=about["run_id"],
            data_run=snapshot.about["data_run"],
            games=len(snapshot.games),
            users=snapshot.users.n_users,
            interactions=len(snapshot.indices),
            metrics=_headline(about),
            **state,
        )

    # Within

    def _show(self, loaded: Loaded) -> None:
        self._live = loaded  # one assignment: a request that has begun keeps the one it took

    def _games(self) -> Games:
        live = self._live
        return self._batch.games if live is None else live.snapshot.games

    def _said(self, question: Question) -> dict[str, Said]:
        return {} if question.user_id is None else self._feed.overlay.of(question.user_id)

    def _column(self, games: Games, game_id: Id) -> int:
        column = games.find(game_id)
        if column < 0:
            raise NotFound(f"there is no game {game_id!r} in the catalogue")
        return column

    def _database(self) -> Database:
        with self._opening:
            if self._opened is None:
                self._opened = open_database(self._settings, patience=2)
            return self._opened


def _answer(live: Loaded, question: Question, said: dict[str, Said]) -> Answer:
    snapshot = live.snapshot
    row = -1 if question.user_id is None else snapshot.users.find(question.user_id)
    known = known_of(snapshot, row, question, said)
    items = items_for(snapshot, question, known, live.calibration)
    if len(known.columns):
        return Answer(items, snapshot.version, "model", "", known.ignored)
    why = _why_popular(question, row, said)
    return Answer(items, snapshot.version, "popular", why, known.ignored)


def _check(question: Question) -> None:
    if question.k < 1:
        raise UsageError(f"k is {question.k}; a list holds at least 1 game")
    if not 0 <= question.diversity <= 1:
        raise UsageError(f"diversity is {question.diversity}; it goes from 0 to 1")
    if not -1 <= question.popularity <= 1:
        raise UsageError(f"popularity is {question.popularity}; it goes from -1 to 1")


def _why_popular(question: Question, row: int, said: dict[str, Said]) -> str:
    if question.games:
        return "the model knows none of these games"
    if question.user_id is None:
        return "neither a user nor games were given"
    if row < 0 and not said:
        return "the user is unknown"
    return "the model knows none of the games that this user played"


def _said(games: Games, said: dict[str, Said]) -> list[Played]:
    told = sorted(said.values(), key=lambda word: word.number)
    found = ((games.find(word.game_id), word) for word in told)
    return [
        Played(games.games[column], 1.0, "event", word.kind, word.at)  # type: ignore[arg-type]
        for column, word in found
        if column >= 0
    ]


def _headline(info: dict[str, Any]) -> dict[str, float]:
    """Metrics of the version itself: its rows are the first of the table."""
    rows = (info.get("evaluation") or {}).get("metrics") or []
    own = [row for row in rows if str(row["model"]).endswith("(candidate)")]
    return {f"{row['metric']}@{row['k']}": row["value"] for row in own if row["value"] is not None}
