"""The crawl: from a query to distinct games, best first, over pages that are kept and resumed.

RAWG ends every list at 10,000 rows. A longer one is cut into slices by release date, each halved
until it fits, and the slices are merged by the query's ordering, so that the first n games are the
same that one long list would give. Nothing is asked for twice while the page in the store is young.
"""

import heapq
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice
from typing import Any

from gamerec.errors import DataError, ServiceError, UsageError
from gamerec.rawg.client import BudgetUsedUp, RawgClient
from gamerec.rawg.pages import RawPages
from gamerec.rawg.query import Query
from gamerec.storage import Store

LIST_END = 10_000  # rows that RAWG lets one page through
FIRST_DAY, LAST_DAY = date(1950, 1, 1), date(2049, 12, 31)  # fixed: slices are found again

Game = dict[str, Any]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Crawled:
    """What a crawl gave.

    games: distinct, in the query's order: what `take` made of each.
    total: how many RAWG counts in the whole list.
    complete: False where the budget ended the crawl before `max_games`.
    counts: pages fetched, kept (read from the store) and stale (kept, old, no budget to renew);
        requests; games repeated on a later page; games undated, which no date slice holds.
    """

    games: list[Any]
    total: int
    complete: bool
    counts: Counter


def crawl(
    client: RawgClient,
    store: Store,
    query: Query,
    max_games: int = 40,
    max_age_days: float = 7,
    *,
    take: Callable[[Game], Any] = lambda game: game,
    clock: Callable[[], float] = time.time,
) -> Crawled:
    """Up to `max_games` games of `query`; pages younger than `max_age_days` come from the store.

    Of each game, as RAWG sent it, only what `take` returns is held in memory. A crawl cut at any
    point, by an error, the budget or a kill, goes on where it stopped when it is called again.
    Raises ServiceError (with what was kept) and, for an empty list, DataError.
    """
    if max_games < 1:
        raise UsageError(f"MAX_GAMES is {max_games}; it must be at least 1")
    if not max_age_days >= 0:
        raise UsageError(f"MAX_AGE_DAYS is {max_age_days}; it must be 0 or more")
    pages = RawPages(store, query.parameters(), client.url)
    walk = _Walk(client, pages, query, max_age_days, clock)
    games: list[Any] = []
    stop = None
    try:
        for game in islice(walk.games(max_games), max_games):
            games.append(take(game))
    except ServiceError as error:
        stop = error
    if stop and not (games and isinstance(stop, BudgetUsedUp)):
        raise type(stop)(f"{stop} {walk.kept_note()}".strip())
    if not games:
        raise DataError(f"RAWG has no game for {query.parameters()}: ask for less narrow a list")
    walk.counts["requests"] = client.requests
    return Crawled(games, walk.total, not walk.short_of_budget, walk.counts)


class _Walk:
    """One pass over the pages of a query."""

    def __init__(
        self,
        client: RawgClient,
        pages: RawPages,
        query: Query,
        max_age_days: float,
        clock: Callable[[], float],
    ) -> None:
        self.client, self.pages, self.query = client, pages, query
        self.clock, self.now, self.max_age = clock, clock(), max_age_days
        self.counts: Counter = Counter(fetched=0, kept=0, stale=0, repeated=0)
        self.total = 0
        self.short_of_budget = False
        self._seen_pages: set[tuple[str, int]] = set()

    def games(self, max_games: int) -> Iterator[Game]:
        """Distinct games in the query's order."""
        self.total = self.page("", 1).get("count", 0)
        if min(self.total, max_games) > LIST_END:
            slices = dict(self.slices())
            self.counts["undated"] = max(self.total - sum(slices.values()), 0)
            games = _merge([self.listed(dates) for dates in slices], self.query.ordering)
        else:
            games = self.listed("")
        known = set()
        for game in games:
            identity = str(game.get("id"))
            if identity in known:  # a list that moves between two pages shows a game twice
                self.counts["repeated"] += 1
                continue
            known.add(identity)
            yield game

    def listed(self, dates: str) -> Iterator[Game]:
        """The games of one list, page by page as they are needed, up to its end."""
        size = int(self.query.parameters()["page_size"])
        for number in range(1, -(-LIST_END // size) + 1):
            page = self.page(dates, number)
            yield from page.get("results", [])
            if not page.get("next"):
                return

    def slices(self) -> Iterator[tuple[str, int]]:
        """Date ranges that hold at most LIST_END games each, or one day, and their counts."""
        for first, last in self.query.ranges() or [(FIRST_DAY, LAST_DAY)]:
            yield from self._halved(first, last)

    def _halved(self, first: date, last: date) -> Iterator[tuple[str, int]]:
        dates = f"{first},{last}"
        count = self.page(dates, 1).get("count", 0)
        if count > LIST_END and first < last:
            middle = first + (last - first) // 2
            yield from self._halved(first, middle)
            yield from self._halved(middle + timedelta(days=1), last)
        elif count:
            if count > LIST_END:
                _log.warning("RAWG: %s has %d games, %d can be reached", first, count, LIST_END)
            yield dates, count

    def page(self, dates: str, number: int) -> dict[str, Any]:
        """A page from the store while it is young, else from RAWG."""
        part = dates.replace(",", "_") or "all"
        first_look = (part, number) not in self._seen_pages
        age = self.pages.age(part, number, self.now)
        young = age is not None and (not first_look or age < self.max_age)
        if young and (page := self.pages.read(part, number)) is not None:
            self._look(part, number, "kept")
            return page
        try:
            page = self.client.games(self.query.parameters(dates), number)
        except BudgetUsedUp:
            self.short_of_budget = True
            if (page := self.pages.read(part, number)) is None:
                raise
            self._look(part, number, "stale")
            return page
        self.pages.write(part, number, page, self.clock())
        self._look(part, number, "fetched")
        _log.info("RAWG: %s page %d, %d games", part, number, len(page.get("results", [])))
        return page

    def _look(self, part: str, number: int, how: str) -> None:
        if (part, number) not in self._seen_pages:
            self._seen_pages.add((part, number))
            self.counts[how] += 1

    def kept_note(self) -> str:
        """What to do after a stop; nothing where no page has come yet."""
        had = self.counts["fetched"] + self.counts["kept"]
        return f"Pages kept: {had}; run 01_crawl again to go on after them." if had else ""


def _merge(lists: list[Iterator[Game]], ordering: str) -> Iterator[Game]:
    """Lists that are each in `ordering`, as one in that order; empty values come last."""
    field, reverse = ordering.removeprefix("-"), ordering.startswith("-")
    kind: Any = str if field in ("name", "released", "updated") else (int, float)
    if field == "created":  # RAWG orders by it but does not send it
        for games in lists:
            yield from games
        return

    def position(game: Game) -> tuple[bool, Any]:
        value = game.get(field)
        return (reverse, value) if isinstance(value, kind) else (not reverse, 0)

    yield from heapq.merge(*lists, key=position, reverse=reverse)
