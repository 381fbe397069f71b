"""Raw games from RAWG's answers, from the sample and from a file, as one table.

The words and units are RAWG's (`columns.RAW_GAMES`). A value that cannot be what its column says is
emptied and counted; nothing is imputed, merged or cleaned here: that is `catalogue`.
"""

import difflib
import hashlib
import html
import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from gamerec import catalogue_file
from gamerec.columns import GAME, NAME, RAW_GAMES, check
from gamerec.errors import DataError, UsageError
from gamerec.query import Query
from gamerec.raw_games import RANGES, frame
from gamerec.settings import Settings
from gamerec.storage import open_store

Kind = Literal["rawg", "sample", "file"]

RAWG = {"attribution": "RAWG", "attribution_url": "https://rawg.io"}
_LARGEST_ID = 2**63 - 1


@dataclass(frozen=True)
class Source:
    """Raw games (columns.RAW_GAMES), and what is known of where they come from (plain JSON)."""

    games: pd.DataFrame
    about: dict[str, Any]

    @classmethod
    def of(
        cls, kind: Kind, games: pd.DataFrame, repairs: Mapping[str, int], **about: Any
    ) -> "Source":
        """With the checked table, its number of games and the hash of its content."""
        games = check(games, RAW_GAMES).reset_index(drop=True)
        content = games.to_json(orient="records", double_precision=15)
        found = {
            "source": kind,
            "games": len(games),
            "repeated_ids": int(games[GAME].duplicated().sum()),
            "repairs": dict(repairs),
            "sha256": hashlib.sha256(content.encode()).hexdigest(),
        }
        return cls(games, {**found, **about})


def choose(catalogue: str, settings: Settings) -> Kind:
    """Where the games come from: 'rawg' and 'sample' by name, a file by path, '' by the key.

    Raises UsageError for 'rawg' without a key, DataError for a file that is not there.
    """
    has_key = bool(settings.rawg_api_key.get_secret_value())
    if catalogue == "":
        return "rawg" if has_key else "sample"
    if catalogue == "sample":
        return "sample"
    if catalogue == "rawg":
        if not has_key:
            raise UsageError(
                "CATALOGUE is 'rawg' but there is no key: set RAWG_API_KEY in .env, "
                "free from https://rawg.io/apidocs"
            )
        return "rawg"
    find(catalogue, settings)
    return "file"


def find(catalogue: str, settings: Settings) -> Path:
    """The file of a catalogue: absolute, or relative to the working or the project folder."""
    path = Path(catalogue).expanduser()
    places = [path, settings.gamerec_home / path]
    for place in places:
        if place.is_file():
            return place.resolve()
    near = difflib.get_close_matches(catalogue, ["sample", "rawg"], n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise DataError(
        f"there is no catalogue file {catalogue!r}, neither from here nor from "
        f"{settings.gamerec_home}{hint}"
    )


def announcement(catalogue: str, settings: Settings) -> str:
    """One paragraph of Markdown for the reader: where the games of this run come from, and why."""
    kind = choose(catalogue, settings)
    if kind == "rawg":
        return "**Source: RAWG.** There is a key, so the games are asked for at rawg.io."
    if kind == "file":
        name = html.escape(find(catalogue, settings).name)
        return f"**Source: a catalogue of your own**, <code>{name}</code>, read whole."
    why = "as `CATALOGUE` asks" if catalogue else "because there is no RAWG key"
    return (
        f"**Source: the sample.** This run works with the 40 games shipped in the package, {why}. "
        "For a crawl of your own set `RAWG_API_KEY` in `.env`; a key is free at "
        "[rawg.io/apidocs](https://rawg.io/apidocs)."
    )


def load(
    catalogue: str,
    settings: Settings,
    query: Query | None = None,
    *,
    max_games: int = 40,
    budget: int = 1_000,
    max_age_days: float = 7,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> Source:
    """The games of the source that `choose` names; the other arguments matter to RAWG only.

    Raises UsageError, DataError or, from RAWG, ServiceError.
    """
    kind = choose(catalogue, settings)
    if kind == "sample":
        return sample()
    if kind == "file":
        return from_file(find(catalogue, settings))
    from gamerec import crawl, rawg  # 0.4 s of imports that only a crawl needs

    query = query or Query()
    client = rawg.RawgClient(
        settings.rawg_api_key,
        settings.rawg_url,
        clock=clock,
        sleep=sleep,
        budget=budget,
        timeout=settings.rawg_timeout,
        attempts=settings.rawg_attempts,
    )
    store = open_store(settings.store_uri)
    found = crawl.crawl(client, store, query, max_games, max_age_days, clock)
    return from_rawg(
        found.games,
        query=query.parameters(),
        max_games=max_games,
        total=found.total,
        complete=found.complete,
        counts=dict(found.counts),
    )


def sample() -> Source:
    """The 40 free-to-play games in the package: name, playtime, rating, genre and owned ratio are
    complete, the rest is filled where it is known."""
    file = resources.files("gamerec") / "data" / "sample_games.csv"
    games, repairs = catalogue_file.parse(file.read_bytes(), "the sample")
    return Source.of("sample", games, repairs, **RAWG)


def from_file(path: Path) -> Source:
    """The games of a CSV or Parquet file; see `catalogue_file` for what it may look like."""
    games, repairs = catalogue_file.parse(path.read_bytes(), path.name)
    about = {"path": str(path), "attribution": path.name, "attribution_url": ""}
    return Source.of("file", games, repairs, **about)


def from_rawg(games: Iterable[Mapping[str, Any]], **about: Any) -> Source:
    """The games of RAWG's list or detail answers, in their order.

    `about` is added to what is known of the source. A game without a whole-number id is left out
    and counted.
    """
    repairs: Counter = Counter()
    rows = [_row(game, repairs) for game in games if _has_id(game, repairs)]
    return Source.of("rawg", frame(rows), repairs, **RAWG, **about)


def _has_id(game: Mapping[str, Any], repairs: Counter) -> bool:
    identity = game.get("id")
    fine = type(identity) is int and abs(identity) <= _LARGEST_ID
    if not fine:
        repairs["games without an id left out"] += 1
    return fine


def _row(game: Mapping[str, Any], repairs: Counter) -> dict[str, Any]:
    """One game of RAWG as a row of RAW_GAMES."""
    added, owned = game.get("added"), None
    statuses = game.get("added_by_status")
    if isinstance(statuses, Mapping):
        owned = statuses.get("owned", 0)  # a status that nobody chose is absent
    elif statuses is None and added == 0:
        owned = 0
    numbers = {
        name: game.get(name) for name in ("playtime", "rating", "ratings_count", "metacritic")
    }
    numbers |= {"added": added, "owned": owned}
    texts = {name: game.get(name) for name in ("slug", NAME, "released")}
    return {
        GAME: game["id"],
        **{name: _text(value) for name, value in texts.items()},
        "image_url": _text(game.get("background_image")),
        "genres": _names(game.get("genres")),
        "tags": _names(game.get("tags")),
        **{name: _number(name, value, repairs) for name, value in numbers.items()},
    }


def _text(value: Any) -> str | None:
    if not isinstance(value, str) or not value.strip():
        return None
    return value.encode("utf-8", "replace").decode()  # JSON can carry half a surrogate pair


def _number(name: str, value: Any, repairs: Counter) -> float | None:
    if value is None:
        return None
    low, high = RANGES[name]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or not low <= value <= high:
        repairs[f"{name}: cells out of range emptied"] += 1
        return None
    return float(value)


def _names(value: Any) -> list[str] | None:
    """The names of RAWG's genres or tags as a sorted set; None where RAWG says null.

    RAWG's order is not stable between calls. Until 2023 tags had Russian twins.
    """
    if not isinstance(value, list):
        return None
    entries = [e for e in value if isinstance(e, Mapping) and e.get("language") != "rus"]
    names = (_text(entry.get("name")) for entry in entries)
    return sorted({name.strip() for name in names if name})
