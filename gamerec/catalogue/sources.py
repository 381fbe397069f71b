"""Where the games of a run come from: RAWG, a file of one's own, or the sample.

Each gives one table in RAWG's words and units (`columns.RAW_GAMES`) and says what is known of it. A
value that cannot be what its column says is emptied and counted; nothing is imputed, merged or
cleaned here: that is `catalogue`.
"""

import difflib
import hashlib
import html
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

import pandas as pd

from gamerec.catalogue import own_file as catalogue_file
from gamerec.catalogue import raw_games
from gamerec.columns import GAME, RAW_GAMES, check
from gamerec.errors import DataError, UsageError
from gamerec.rawg.query import Query
from gamerec.settings import Settings
from gamerec.storage import open_store

if TYPE_CHECKING:
    from gamerec.rawg.client import RawgClient

Kind = Literal["rawg", "sample", "file"]

_WORDS = {  # crawl.Crawled.counts, for a reader
    "requests": "requests made, retries included",
    "fetched": "pages fetched",
    "kept": "pages that were in the store",
    "stale": "old pages used, as the budget was spent",
    "repeated": "games met on two pages, taken once",
    "undated": "games without a release date, in no slice",
}
_COVERS = {  # covers.keep_covers, for a reader
    "fetched": "covers fetched",
    "kept": "covers that were in the store",
    "failed": "covers that could not be had",
    "skipped": "covers not asked for, as the host failed",
}
RAWG = {"attribution": "RAWG", "attribution_url": "https://rawg.io"}


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

    @property
    def made(self) -> str:
        """One line: how many games, and from where."""
        n, about = f"{len(self.games):,}", self.about
        if about["source"] == "sample":
            return f"{n} games from the sample"
        if about["source"] == "file":
            return f"{n} games from {Path(about['path']).name}"
        cut = "" if about["complete"] else "; the budget ended the crawl, run it again to go on"
        requests = about["counts"]["requests"]
        return f"{n} of {about['total']:,} games from RAWG, {requests:,} requests{cut}"

    def report(self) -> pd.DataFrame:
        """How it went, one count a row."""
        about = self.about
        rows = {"games": len(self.games), "ids that occur again": about["repeated_ids"]}
        if about["source"] == "rawg":
            rows["games in RAWG's whole list"] = about["total"]
            rows |= {_WORDS[n]: about["counts"][n] for n in _WORDS if n in about["counts"]}
        rows |= about["repairs"]
        rows |= {_COVERS[how]: count for how, count in about.get("covers", {}).items()}
        return pd.DataFrame({"number": list(rows.values())}, index=list(rows))


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
    covers: bool = False,
    sleep: Callable[[float], None] = time.sleep,
) -> Source:
    """The games of the source that `choose` names; the other arguments matter to RAWG only.

    Raises UsageError, DataError or, from RAWG, ServiceError.
    """
    kind = choose(catalogue, settings)
    if kind == "rawg":
        client = _client(settings, budget, sleep)
        source = _crawled(client, settings, query or Query(), max_games, max_age_days)
    else:
        source = sample() if kind == "sample" else from_file(find(catalogue, settings))
    return _with_covers(source, settings) if covers else source


def _client(settings: Settings, budget: int, sleep: Callable[[float], None]) -> "RawgClient":
    from gamerec.rawg.client import RawgClient  # 0.4 s of imports that only a crawl needs

    return RawgClient(
        settings.rawg_api_key,
        settings.rawg_url,
        sleep=sleep,
        budget=budget,
        timeout=settings.rawg_timeout,
        attempts=settings.rawg_attempts,
    )


def _crawled(
    client: "RawgClient", settings: Settings, query: Query, max_games: int, max_age_days: float
) -> Source:
    from gamerec.rawg.crawl import crawl

    repairs: Counter = Counter()
    found = crawl(
        client,
        open_store(settings.store_uri, settings),
        query,
        max_games,
        max_age_days,
        take=lambda game: raw_games.row(game, repairs),
    )
    games = raw_games.frame(row for row in found.games if row is not None)
    return Source.of(
        "rawg",
        games,
        repairs,
        **RAWG,
        query=query.parameters(),
        max_games=max_games,
        total=found.total,
        complete=found.complete,
        counts=dict(found.counts),
    )


def _with_covers(source: Source, settings: Settings) -> Source:
    from gamerec.rawg.covers import keep_covers  # Pillow and requests, for those who want pictures

    counts = keep_covers(
        source.games["image_url"].dropna(),
        open_store(settings.store_uri, settings),
        own_host=urlsplit(settings.rawg_url).netloc,
    )
    return replace(source, about={**source.about, "covers": dict(counts)})


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
