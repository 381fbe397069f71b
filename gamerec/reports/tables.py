"""The tables of pandas made readable: text to the left, numbers to the right, no needless breaks.

pandas writes every cell alike; here the columns get a class, and `report.css` does the rest.
"""

import re
from html import unescape
from itertools import zip_longest

_TABLE = re.compile(r'<table class="dataframe">.*?</table>', re.DOTALL)
_ROW = re.compile(r"<tr\b[^>]*>(.*?)</tr>", re.DOTALL)
_CELL = re.compile(r"<(t[hd])>(.*?)</\1>", re.DOTALL)
_TAG = re.compile(r"<[^>]+>")
_NUMBER = re.compile(r"[-+−]?[\d.,]+(e[-+]?\d+)?\s?%?|[-+]?inf")
_EMPTY = {"", "nan", "none", "nat", "<na>", "...", "…"}
_ON_ONE_LINE = 32  # characters; a column of longer texts may break its lines


def with_column_classes(html: str) -> str:
    """The HTML with classes `text` and `line` on the cells of pandas' tables.

    text: the column holds words; line: all of its cells are short. Tables with cells over several
    rows or columns stay as they are.
    """
    return _TABLE.sub(lambda table: _classify(table[0]), html)


def _classify(table: str) -> str:
    if "rowspan=" in table or "colspan=" in table:
        return table
    body = table.partition("<tbody>")[2]
    rows = [[cell[1] for cell in _CELL.findall(row)] for row in _ROW.findall(body)]
    classes = [_class_of(list(column)) for column in zip_longest(*rows, fillvalue="")]

    def mark(row: re.Match[str]) -> str:
        kinds = iter(classes)
        return _CELL.sub(lambda cell: _with_class(cell, next(kinds, "")), row[0])

    return _ROW.sub(mark, table)


def _class_of(cells: list[str]) -> str:
    texts = [unescape(_TAG.sub("", cell)).strip() for cell in cells]
    words = any(t.lower() not in _EMPTY and not _NUMBER.fullmatch(t) for t in texts)
    short = max(map(len, texts), default=0) <= _ON_ONE_LINE
    return " ".join(name for name, is_so in (("text", words), ("line", short)) if is_so)


def _with_class(cell: re.Match[str], names: str) -> str:
    opening = f'<{cell[1]} class="{names}">' if names else f"<{cell[1]}>"
    return f"{opening}{cell[2]}</{cell[1]}>"
