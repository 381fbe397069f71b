"""One open page: the browser's questions turned into the serving core's, and its answers into JSON.

What comes from a browser may be anything; it is checked here and again in the core. Widgets and
Jupyter are unknown here.
"""

import re
import secrets
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from gamerec.errors import ServiceError, UsageError
from gamerec.serving.answers import (
    EVENT_KINDS,
    Because,
    Event,
    Filters,
    Game,
    Id,
    Item,
    NotFound,
    Question,
)
from gamerec.serving.engine import Engine
from gamerec.ui.shelf import CoverShelf

LIVE = "production"
_MOST_LISTS = 2
_WRITE_SECONDS = 4.0
_MOST = 60  # games in one list
_MOST_GAMES = 100_000  # looked through for the controls
_MOST_IDS = 2_000  # ids in one question
_LONGEST = 200  # letters of a search or an id
_REASONS = 5  # shown by name; the rest as one
_NAMED = 12  # games of a history that are named
_TAGS = 60
_SHORT = 24  # letters of a name that stands in the search field as an example
_TILES = ("ndcg", "recall", "coverage")

Json = dict[str, Any]


class Session:
    """Answers to the questions of one page.

    open_engine: a channel to its engine; called when the channel is first looked at.
    """

    def __init__(self, open_engine: Callable[[str], Engine], shelf: CoverShelf) -> None:
        self._open = open_engine
        self._engines: dict[str, Engine] = {}
        self._shelf = shelf
        self._writer = ThreadPoolExecutor(1)  # events in the order they were said
        self._guest = f"guest-{secrets.token_hex(6)}"  # who says what, where nobody has an id

    def answer(self, what: str, question: Mapping[str, Any]) -> Json:
        """The answer, as JSON. Raises UsageError for a question that makes no sense."""
        handlers: dict[str, Callable[[Mapping[str, Any]], Json]] = {
            "recommend": self.recommend,
            "similar": self.similar,
            "search": self.search,
            "player": self.player,
            "feedback": self.feedback,
            "status": self.status,
            "versions": self.versions,
            "catalogue": self.catalogue,
            "covers": self.covers,
        }
        if what not in handlers or not isinstance(question, Mapping):
            raise UsageError(f"unknown question {str(what)[:40]!r}")
        return handlers[what](question)

    def close(self) -> None:
        """Let files, threads and connections go."""
        self._shelf.close()
        self._writer.shutdown(wait=False, cancel_futures=True)
        while self._engines:
            self._engines.popitem()[1].close()

    # Questions

    def recommend(self, asked: Mapping[str, Any]) -> Json:
        """A list for each wanted channel."""
        question = Question(
            user_id=_id(asked.get("user_id")),
            games=_ids(asked.get("games", ())),
            k=_whole(asked.get("k", 12), 1, _MOST),
            exclude=_ids(asked.get("exclude", ())),
            filters=_filters(asked.get("filters", {})),
            diversity=_number(asked.get("diversity", 0), 0, 1),
            popularity=_number(asked.get("popularity", 0), -1, 1),
            explain=True,
        )
        return {"lists": [self._list(name, question) for name in _channels(asked)]}

    def similar(self, asked: Mapping[str, Any]) -> Json:
        """The games most like one."""
        engine = self._engine(_channels(asked)[0])
        game_id, k = _known_id(asked.get("game_id")), _whole(asked.get("k", 12), 1, _MOST)
        name = engine.game(game_id).name
        items = [
            _item(item._replace(because=(Because(game_id, name, item.score),)))
            for item in engine.similar(game_id, k)
        ]
        version = engine.info().version
        return {"lists": [{"channel": LIVE, "version": version, "source": "model", "items": items}]}

    def search(self, asked: Mapping[str, Any]) -> Json:
        """Games by a part of their name."""
        text = str(asked.get("text", ""))[:_LONGEST]
        found = self._engine(LIVE).search(text, 8)
        return {"games": [_game(game) for game in found]}

    def player(self, asked: Mapping[str, Any]) -> Json:
        """What a user has played, the most telling first; 'known' is False for a stranger."""
        user_id = _known_id(asked.get("user_id"))
        try:
            played = self._engine(LIVE).history(user_id)
        except NotFound:
            played = ()
        games = [_game(one.game) for one in played if one.kind in ("played", "liked")]
        known = bool(played)
        return {"user_id": user_id, "known": known, "n": len(games), "history": games[:_NAMED]}

    def feedback(self, asked: Mapping[str, Any]) -> Json:
        """Keep what was said of a game; 'durable' is False where only the page remembers it.

        A database that neither takes it nor refuses is left to it after some seconds.
        """
        kind = asked.get("kind")
        if kind not in EVENT_KINDS:
            raise UsageError(f"feedback is one of {', '.join(EVENT_KINDS)}")
        user_id = _id(asked.get("user_id"))
        event = Event(
            event_id=secrets.token_hex(16),
            kind=kind,
            user_id=self._guest if user_id is None else user_id,
            game_id=_known_id(asked.get("game_id")),
        )
        kept = self._writer.submit(self._engine(LIVE).record, event)
        try:
            kept.result(timeout=_WRITE_SECONDS)
        except (ServiceError, TimeoutError):
            return {"durable": False}
        return {"durable": True}

    def covers(self, asked: Mapping[str, Any]) -> Json:
        """Pictures of games: those that are there, in base64, and those that may come.

        Not as binary parts: Voilà's web socket chokes on them where a browser asks for it in the
        older of its two protocols.
        """
        engine, urls = self._engine(LIVE), {}
        for game_id in _ids(asked.get("games", ()))[:_MOST]:
            game = _or_none(engine, game_id)
            if game is not None and game.image_url:
                urls[game_id] = game.image_url
        there, coming = self._shelf.take(urls.values())
        games = [game_id for game_id, url in urls.items() if url in there]
        pictures = [b64encode(there[urls[game_id]]).decode() for game_id in games]
        late = [game_id for game_id, url in urls.items() if url in coming]
        return {"games": games, "pictures": pictures, "coming": late}

    def status(self, asked: Mapping[str, Any] | None = None) -> Json:
        """What is live: for the tiles, and to notice a promotion."""
        info = self._engine(LIVE).info()
        metrics = [
            {"name": name, "value": info.metrics[f"{name}@10"]}
            for name in _TILES
            if f"{name}@10" in info.metrics
        ]
        return {
            "version": info.version,
            "model": info.model,
            "trained_at": info.created_at,
            "n_games": info.games,
            "n_users": info.users,
            "durable": info.events,
            "metrics": metrics,
        }

    def versions(self, asked: Mapping[str, Any] | None = None) -> Json:
        """What can be looked at beside production, newest first."""
        found = self._engine(LIVE).versions()
        return {"versions": [{"name": v.version, "channels": list(v.channels)} for v in found]}

    def catalogue(self, asked: Mapping[str, Any] | None = None) -> Json:
        """What the controls offer: genres and tags, the most frequent first, and the years."""
        games, total = self._engine(LIVE).found("", limit=_MOST_GAMES)
        genres, tags = Counter[str](), Counter[str]()
        for game in games:
            genres.update(game.genres)
            tags.update(game.tags)
        years = [game.year for game in games if game.year]
        return {
            "genres": [genre for genre, _ in genres.most_common()],
            "tags": [tag for tag, _ in tags.most_common(_TAGS)],
            "years": [min(years), max(years)] if years else [None, None],
            "example": next((game.name for game in games if len(game.name) < _SHORT), ""),
            "n": total,
        }

    def games(self, game_ids: Sequence[Id]) -> list[Json]:
        """Those of the games that the catalogue knows."""
        found = (_or_none(self._engine(LIVE), game_id) for game_id in game_ids)
        return [_game(game) for game in found if game is not None]

    def _list(self, channel: str, question: Question) -> Json:
        engine = self._engine(channel)
        if channel != LIVE and not engine.is_ready:  # an empty column beside production
            return {"channel": channel, "version": "", "source": "model", "items": []}
        answer = engine.recommend(question)
        return {
            "channel": channel,
            "version": answer.version,
            "source": answer.source,
            "items": [_item(item) for item in answer.items],
        }

    def _engine(self, channel: str) -> Engine:
        if channel not in self._engines:
            self._engines[channel] = self._open(channel)
        return self._engines[channel]


# The core's answers as JSON


def _game(game: Game) -> Json:
    return {
        "game_id": game.game_id,
        "name": game.name,
        "genres": list(game.genres),
        "year": game.year,
    }


def _item(item: Item) -> Json:
    parts: list[Json] = [because._asdict() for because in item.because[:_REASONS]]
    rest = sum(because.contribution or 0 for because in item.because[_REASONS:])
    if rest:
        parts.append({"game_id": None, "name": None, "contribution": rest})
    return _game(item.game) | {
        "rating": item.rating,
        "image_url": item.image_url,
        "score": item.score,
        "confidence": item.confidence,
        "because": parts,
    }


def _or_none(engine: Engine, game_id: Id) -> Game | None:
    try:
        return engine.game(game_id)
    except NotFound:
        return None


# The browser's questions, checked


def _channels(asked: Mapping[str, Any]) -> list[str]:
    """Channels or versions, production where none is named."""
    wanted = asked.get("channels") or [LIVE]
    if not isinstance(wanted, list) or len(wanted) > _MOST_LISTS:
        raise UsageError(f"channels are a list of at most {_MOST_LISTS}")
    for name in wanted:
        if not isinstance(name, str) or not re.fullmatch(r"[a-z]+|model_v\d{1,9}", name):
            raise UsageError("a channel is production, candidate, previous or a version")
    return wanted


def _id(value: Any) -> Id | None:
    if value is None:
        return None
    return _known_id(value)


def _known_id(value: Any) -> Id:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise UsageError("an id is a number or a text")
    if isinstance(value, str) and not 0 < len(value) <= _LONGEST:
        raise UsageError(f"an id has 1 to {_LONGEST} letters")
    return value


def _ids(values: Any) -> list[Id]:
    if not isinstance(values, Sequence) or isinstance(values, str) or len(values) > _MOST_IDS:
        raise UsageError(f"games are a list of at most {_MOST_IDS:,} ids")
    return [_known_id(value) for value in values]


def _number(value: Any, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise UsageError(f"{str(value)[:20]!r} is not between {low} and {high}")
    return float(value)


def _whole(value: Any, low: int, high: int) -> int:
    return int(_number(value, low, high))


def _filters(asked: Any) -> Filters:
    if not isinstance(asked, Mapping):
        raise UsageError("filters are a mapping")
    return Filters(
        genres_any=_labels(asked.get("genres_any", [])),
        genres_none=_labels(asked.get("genres_none", [])),
        tags_any=_labels(asked.get("tags_any", [])),
        tags_none=_labels(asked.get("tags_none", [])),
        year_from=_year(asked.get("year_from")),
        year_to=_year(asked.get("year_to")),
    )


def _year(value: Any) -> int | None:
    return None if value is None else _whole(value, 0, 9999)


def _labels(values: Any) -> tuple[str, ...]:
    if not isinstance(values, list) or len(values) > _MOST_IDS:
        raise UsageError(f"genres and tags are lists of at most {_MOST_IDS:,} names")
    return tuple(str(value)[:_LONGEST] for value in values)
