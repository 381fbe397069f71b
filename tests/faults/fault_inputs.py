"""Bad catalogues and play logs: what is in the file, and how the command has to end."""

import re
from dataclasses import dataclass

GAMES = range(1, 21)


@dataclass(frozen=True)
class Input:
    """A file; `code` is the exit code of the run.

    says: a pattern for the error, or for what the run keeps of its repairs and its lists. whole:
    run all stages, not only those that read.
    """

    name: str
    content: bytes
    code: int
    says: str
    whole: bool = False

    def is_said_in(self, text: str) -> bool:
        """Whether the text tells what it has to."""
        return re.search(self.says, text) is not None


def plays(*more: str, header: str = "user_id,game_id,hours") -> bytes:
    """A log of 30 players with five games each, and these lines after it."""
    lines = [f"u{u},{1 + (u * 7 + g * g) % 20},{1 + g}" for u in range(30) for g in range(5)]
    return "\n".join([header, *lines, *more, ""]).encode()


def catalogue(*more: str, header: str = "id,name,rating,added") -> bytes:
    """Twenty games, and these lines after them."""
    lines = [f"{n},Game {n},{1 + n % 5},{100 * n}" for n in GAMES]
    return "\n".join([header, *lines, *more, ""]).encode()


LATIN = "Pokémon".encode("cp1252")
BOM = b"\xef\xbb\xbf"
LINE = b"x" * 10_000_000

LOGS = [
    Input("empty", b"", 3, "the file is empty"),
    Input("only a header", b"user_id,game_id\n", 3, "no row below the first line"),
    Input("wrong columns", plays(header="who,what,hours"), 3, "no column holds the user_id"),
    Input("no header", plays(header="u0,1,1"), 3, "no column holds the user_id"),
    Input("a column twice", plays(header="user_id,user_id,game_id"), 3, "named twice"),
    Input("one line of 10 MB", LINE, 3, "the first line is longer than 1 MB"),
    Input("a spreadsheet", b"PK\x03\x04" + bytes(500), 3, "spreadsheet"),
    Input("cut gzip", b"\x1f\x8b\x08" + bytes(30), 3, "cannot be read"),
    Input("cut Parquet", b"PAR1" + bytes(100), 3, "the file is broken"),
    Input("half of it negative", plays(*["u1,2,-5"] * 150), 3, r"negative \(150\).*row 152"),
    Input("hours NaN", plays().replace(b",1\n", b",nan\n"), 3, r"empty \(30\).*row 2"),
    Input("a cell of 10 MB", plays(f"u1,{'9' * 10_000_000},1"), 0, "longer than 200"),
    Input("NUL bytes", plays().replace(b"u3,", b"u3\0,"), 0, "control character"),
    Input("an open quotation mark", plays('u1,"2,5', "u2,3,1"), 0, "quotation mark took 2 lines"),
    Input("a row too wide", plays("u1,2,5,7,9"), 0, "5 cells, not 3"),
    Input("mixed encodings", plays() + LATIN + b",3,1\nPok\xc3\xa9,3,1\n", 0, "Windows-1252"),
    Input("UTF-16", plays().decode().encode("utf-16"), 0, '"bad": 0'),
    Input("BOM", BOM + plays(), 0, '"bad": 0'),
    Input("some NaN, negative, infinite", plays("u1,2,nan", "u1,3,-4", "u2,4,inf"), 0, '"bad": 3'),
    Input("duplicates", plays("u1,8,2", "u1,8,2", "u1,8,2"), 0, '"repeated": 3'),
    Input("huge ids", plays(f"u1,{2**70},1", f"{10**30},2,1"), 0, str(10**30), whole=True),
    Input("formulas", plays("=1+2,4,5", "u1,@SUM(A1),1"), 0, "a spreadsheet formula", whole=True),
]
CATALOGUES = [
    Input("empty", b"", 3, "the file is empty"),
    Input("only a header", b"id,name\n", 3, "there is no row with an id"),
    Input("wrong columns", catalogue(header="a,b,c,d"), 3, "no column game_id"),
    Input("mixed encodings", catalogue() + b"21," + LATIN + b",3,1\n", 3, "line 22 is not UTF-8"),
    Input("one line of 10 MB", LINE, 3, "the first line is longer than"),
    Input("a row too wide", catalogue("21,Wide,1,2,3,4"), 3, "line 22 with 6"),
    Input("an open quotation mark", catalogue('21,"Open,1,2', "22,B,1,2"), 3, "line 22"),
    Input("a cell of 10 MB", catalogue(f"21,{'N' * 10_000_000},1,2"), 0, "cut to"),
    Input("duplicates", catalogue("3,Game 3,5,5"), 0, '"repeated_ids": 1'),
    Input("a row without id", catalogue(",No id,5,5"), 0, "rows without an id left out"),
    Input("NaN, negative, infinite", catalogue("21,N,nan,-5", "22,M,inf,1e400"), 0, "out of range"),
    Input("huge ids", catalogue(f"{2**70},Huge,1,1"), 0, "beyond 64 bits", whole=True),
    Input("formulas in names", catalogue('21,"=1+2",5,9999999'), 0, "'=1[+]2", whole=True),
    Input("BOM", BOM + catalogue(), 0, '"games": 20'),
]
