"""The bytes of a CSV or Parquet file as a frame of what stands in it, or a plain DataError.

CSV is UTF-8 (or UTF-16 with its mark), separated by ',', ';' or tab, plain or gzipped; its cells
stay text. This module knows nothing of games.
"""

import codecs
import csv
import gzip
import io
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from gamerec.errors import DataError

_SPREADSHEETS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_MOST_COLUMNS = 1_000
_LONGEST_HEADER = 1_000_000  # bytes
_SHOWN = 200  # characters of a foreign message or line


def read_table(data: bytes) -> pd.DataFrame:
    """Every column and row; raises DataError that says what is wrong, and in which line."""
    if data[:2] == b"\x1f\x8b":
        data = _unzipped(data)
    if data[:4] == b"PAR1":
        return _parquet(data)
    if data[:4] in _SPREADSHEETS:
        raise DataError("this is a spreadsheet or an archive: save it as CSV UTF-8")
    return _csv(_utf8(data))


def _unzipped(data: bytes) -> bytes:
    try:
        return gzip.decompress(data)
    except (OSError, EOFError) as error:
        raise DataError(f"the gzip file is broken: {error}") from None


def _parquet(data: bytes) -> pd.DataFrame:
    try:
        table = pa.parquet.read_table(io.BytesIO(data))
        return table.to_pandas(ignore_metadata=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DataError(f"the Parquet file is broken: {str(error)[:_SHOWN]}") from None


def _utf8(data: bytes) -> bytes:
    """The text as UTF-8 without a mark; an error names the first line that is not."""
    if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return data.decode("utf-16", "replace").encode()
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"line {line} is not UTF-8: save the file as UTF-8 (Excel: 'CSV UTF-8')"
        ) from None
    return data


def _csv(data: bytes) -> pd.DataFrame:
    if not data.strip():
        raise DataError("the file is empty")
    header = data.lstrip(b"\r\n").split(b"\n", 1)[0]
    if len(header) > _LONGEST_HEADER:
        raise DataError("the first line is longer than 1 MB: this is no CSV with a header")
    separator = max(",;\t", key=lambda mark: header.count(mark.encode()))
    bad: list[Any] = []
    try:
        table = _parse(data, separator, bad)
    except (pa.ArrowException, csv.Error, OSError) as error:
        raise DataError(f"this is no readable CSV: {str(error)[:_SHOWN]}") from None
    if bad:
        first = bad[0]
        raise DataError(
            f"{len(bad)} lines do not have {first.expected_columns} cells, the first is line "
            f"{first.number} with {first.actual_columns}: {first.text[:_SHOWN]!r}"
        )
    found = table.to_pandas()
    _check_quotes(data, found)
    return found


def _parse(data: bytes, separator: str, bad: list[Any]) -> pa.Table:
    """All cells as text; rows of another width than the header go to `bad`."""

    def set_aside(row: Any) -> str:
        bad.append(row)
        return "skip"

    text = io.TextIOWrapper(io.BytesIO(data.lstrip(b"\r\n")), "utf-8", newline="")
    names = next(csv.reader(text, delimiter=separator))
    if len(names) > _MOST_COLUMNS:
        raise DataError(f"the first line has {len(names):,} cells: it is no header")
    return pa.csv.read_csv(
        io.BytesIO(data),
        # one block, so that a line may be as long as the file; one thread, for line numbers
        read_options=pa.csv.ReadOptions(use_threads=False, block_size=len(data) + 1),
        parse_options=pa.csv.ParseOptions(
            delimiter=separator, newlines_in_values=True, invalid_row_handler=set_aside
        ),
        convert_options=pa.csv.ConvertOptions(
            strings_can_be_null=False, column_types=dict.fromkeys(names, pa.string())
        ),
    )


def _check_quotes(data: bytes, found: pd.DataFrame) -> None:
    """A quotation mark that is never closed swallows all rows after it; say so."""
    if data.count(b'"') % 2 == 0 or found.empty:
        return
    if any("\n" in str(cell) for cell in found.iloc[-1]):
        raise DataError(f"a quotation mark in row {len(found)} is never closed")
