"""What to ask RAWG for, checked before anything is asked."""

import difflib
import re
from dataclasses import dataclass
from datetime import date

from gamerec.errors import UsageError

PAGE_SIZE = 40  # games a page at most; RAWG cuts a larger number silently
ORDERINGS = ("name", "released", "added", "created", "updated", "rating", "metacritic")


@dataclass(frozen=True)
class Query:
    """A filtered, ordered list of games.

    tags, genres: slugs or ids, comma-separated; several tags mean any of them, and tags and genres
        narrow each other. Empty: all.
    ordering: one of ORDERINGS; a leading '-' reverses it.
    dates: released between, 'YYYY-MM-DD,YYYY-MM-DD', several ranges joined by '.'. Empty: any time.
    page_size: games a page, 1 or more; RAWG gives at most 40.
    """

    tags: str = "free-to-play"
    genres: str = "action"
    ordering: str = "-rating"
    dates: str = ""
    page_size: int = PAGE_SIZE

    def __post_init__(self) -> None:
        if self.ordering.removeprefix("-") not in ORDERINGS:
            near = difflib.get_close_matches(self.ordering.removeprefix("-"), ORDERINGS, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise UsageError(
                f"ORDERING is {self.ordering!r}: one of {', '.join(ORDERINGS)}, with '-' before it "
                f"for the reverse{hint}"
            )
        if self.page_size < 1:
            raise UsageError(f"PAGE_SIZE is {self.page_size}; it must be at least 1")
        self.ranges()

    def ranges(self) -> list[tuple[date, date]]:
        """The date ranges asked for; none for any time. Raises UsageError for anything else."""
        parts = self.dates.split(".") if self.dates.strip() else []
        return [_range(part.strip()) for part in parts]

    def parameters(self, dates: str = "") -> dict[str, str | int]:
        """RAWG's parameters, without page and key; `dates` in the place of the query's own."""
        named = {
            "tags": _slugs(self.tags),
            "genres": _slugs(self.genres),
            "ordering": self.ordering,
            "dates": dates or self.dates.replace(" ", ""),
        }
        filters: dict[str, str | int] = {name: value for name, value in named.items() if value}
        return {**filters, "page_size": min(self.page_size, PAGE_SIZE)}


def _slugs(text: str) -> str:
    return ",".join(part.strip().lower() for part in text.split(",") if part.strip())


def _range(text: str) -> tuple[date, date]:
    match = re.fullmatch(r"(\d{4}-\d{2}-\d{2})\s*,\s*(\d{4}-\d{2}-\d{2})", text)
    try:
        first, last = (date.fromisoformat(day) for day in match.groups()) if match else (None, None)
    except ValueError:
        first = last = None
    if first is None or last is None or first > last:
        raise UsageError(f"DATES has {text!r}: give two days in order, like 2015-01-01,2024-12-31")
    return first, last
