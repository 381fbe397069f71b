"""A team's own play log, CSV or Parquet, as interactions; and the games that go with it.

    user_id, game_id         any ids; whole numbers throughout become int64, all else stays text
    weight or hours          optional, above 0; without it every row counts 1
    at or time               optional, ISO 8601 or seconds since 1970

NAMES lists what else the columns may be called. Rows of one user and game are summed. Rows that
cannot be used are left out, counted, and the first ones listed; if they are too many, the file
means something else and is refused. Rows with 0 hours are owned games, not played ones: they are
left out too, but are no fault. The file is read once, in batches.
"""

import difflib
import re
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import pandas as pd

from gamerec.columns import AT, GAME, USER, WEIGHT
from gamerec.errors import DataError, UsageError
from gamerec.interactions import Interactions
from gamerec.players.playlog_file import open_log
from gamerec.players.playlog_rows import RowSieve
from gamerec.settings import Settings

MAX_BAD_SHARE = 0.05

# Names a column may have, best first; capitals and anything but letters and digits do not count.
_SAME = {
    USER: "user_id, user, player_id, player, steam_id, uid, account_id, customer_id, member_id",
    GAME: "game_id, game, item_id, item, app_id, product_id, title_id",
    WEIGHT: "weight, hours, hours_played, playtime_hours, play_hours, playtime, plays, play_count",
    AT: "at, time, timestamp, datetime, date, played_at, last_played, created_at, event_time",
}
NAMES = {ours: tuple(names.split(", ")) for ours, names in _SAME.items()}


@dataclass(frozen=True)
class PlayLog:
    """What a play log holds, and what became of each row.

    plays: columns.INTERACTIONS, one row per user and game, sorted by both; with `at`, the latest
        time, where the log has times.
    columns: our name -> the name in the file. sha256: of the file.
    rows: rows of the file with anything in them. bad: those that cannot be used. unplayed: those
        with 0 hours. repeated: those that were added to another of the same user and game.
    reasons: why rows are bad -> how many. bad_rows: the first, with row (as a spreadsheet counts,
        the header is row 1), reason, text. repairs: what was mended -> how many cells.
    """

    plays: pd.DataFrame
    columns: dict[str, str]
    sha256: str
    rows: int
    bad: int
    unplayed: int
    repeated: int
    reasons: dict[str, int] = field(default_factory=dict)
    repairs: dict[str, int] = field(default_factory=dict)
    bad_rows: pd.DataFrame = field(default_factory=pd.DataFrame)

    def about(self) -> dict[str, Any]:
        """Everything but the plays, as plain JSON."""
        found = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "plays"}
        return found | {"bad_rows": self.bad_rows.to_dict("records")}

    def summary(self) -> pd.DataFrame:
        """Columns what and rows: from the rows of the file to the interactions."""
        lines = [("rows in the file", self.rows)]
        lines += [(f"left out: {reason}", -count) for reason, count in self.reasons.items()]
        lines += [("left out: 0 hours, owned but not played", -self.unplayed)]
        lines += [("added to an earlier row of the same user and game", -self.repeated)]
        lines += [("interactions", len(self.plays))]
        return pd.DataFrame([line for line in lines if line[1]], columns=["what", "rows"])


def find(path: str, settings: Settings) -> Path:
    """The log's file: absolute, or relative to the working or the project folder."""
    for place in (Path(path).expanduser(), settings.gamerec_home / path):
        if place.is_file():
            return place.resolve()
    raise DataError(
        f"there is no play log {path!r}, neither from here nor from {settings.gamerec_home}"
    )


def read_play_log(
    path: str | Path, columns: str = "", max_bad_share: float = MAX_BAD_SHARE
) -> PlayLog:
    """Read a log. `columns` maps names of your own: 'user_id=who, game_id=what, weight='; nothing
    after '=' leaves that column aside.

    Raises UsageError for wrong `columns`, DataError for a file that is no play log or has more than
    `max_bad_share` bad rows.
    """
    if not 0 <= max_bad_share <= 1:
        raise UsageError(f"max_bad_share is {max_bad_share}; it must lie between 0 and 1")
    own = parse_columns(columns)
    try:
        with open_log(Path(path)) as file:
            named = match_columns(file.names, own)
            rows = RowSieve(named, file.decimal_comma)
            for batch in file.batches(list(named.values())):
                rows.take(batch)
            rows.account_for_lines(file.misshapen, file.lines)
            rows.refuse_if_bad(max_bad_share)
            return _play_log(rows, named, file.sha256)
    except DataError as error:
        raise DataError(f"play log {Path(path).name}: {error}") from None


def _play_log(rows: RowSieve, named: dict[str, str], sha256: str) -> PlayLog:
    kept = rows.kept()
    plays = Interactions.from_frame(kept).to_frame()
    return PlayLog(
        plays=plays,
        columns=named,
        sha256=sha256,
        rows=rows.rows,
        bad=rows.bad,
        unplayed=rows.unplayed,
        repeated=len(kept) - len(plays),
        reasons=dict(rows.reasons.most_common()),
        repairs=dict(rows.repairs),
        bad_rows=rows.listed(),
    )


def parse_columns(text: str) -> dict[str, str]:
    """'user_id=who, game_id=what' as a dict; UsageError for a word that is not ours."""
    pairs = [pair.partition("=") for pair in text.split(",") if pair.strip()]
    own = {ours.strip(): theirs.strip() for ours, _, theirs in pairs}
    for ours, (_, sign, _) in zip(own, pairs, strict=False):
        if ours not in NAMES or not sign:
            near = difflib.get_close_matches(ours, NAMES, n=1)
            hint = f"; did you mean {near[0]}?" if near else f": use {', '.join(NAMES)}"
            raise UsageError(f"columns: {ours!r} is not 'name=column of the file'{hint}")
    return own


def match_columns(names: list[str], own: dict[str, str]) -> dict[str, str]:
    """Our name -> the file's, for every column that is there; DataError if ids are missing."""
    found: dict[str, str] = {}
    plain = {_plain(name): name for name in reversed(names)}
    for ours, known in NAMES.items():
        wanted = (own[ours],) if ours in own else known
        theirs = next((plain[_plain(name)] for name in wanted if _plain(name) in plain), "")
        if theirs:
            found[ours] = theirs
        elif own.get(ours) or ours in (USER, GAME):
            raise DataError(_missing_column(ours, own.get(ours, ""), names))
    twice = [name for name in set(found.values()) if names.count(name) > 1]
    if twice or len(set(found.values())) < len(found):
        raise DataError(f"columns are named twice: {twice or sorted(found.values())}")
    return found


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold())


def _missing_column(ours: str, own: str, names: list[str]) -> str:
    shown = ", ".join(repr(name[:30]) for name in names[:12]) + (", ..." if len(names) > 12 else "")
    if own:
        near = difflib.get_close_matches(own, names, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        return f"there is no column {own!r} for {ours}; the first line has {shown}{hint}"
    return (
        f"no column holds the {ours}; the first line must name the columns and has {shown}; "
        f"set COLUMNS to '{ours}=name' if it is called otherwise"
    )
