"""A play log's file, opened once: its column names, its rows in batches, and its SHA-256.

CSV (separated by ',', ';', tab or '|'; plain or gzipped; UTF-8 or UTF-16) or Parquet. Cells come as
they stand in the file; what they mean is the business of `playlog_cells`.
"""

import codecs
import csv
import gzip
import hashlib
import io
import re
import zlib
from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from gamerec.errors import DataError

LONGEST_LINE = 8 << 20  # bytes; a line of a play log has some dozens
LONGEST_HEADER = 1 << 20
BATCH_ROWS = 1 << 18
LISTED = 20  # bad rows kept to be shown
_SEPARATORS = ",;\t|"
_GZIP = b"\x1f\x8b"
_PARQUET = b"PAR1"
_FOREIGN = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"BZh", b"\xfd7zX", b"(\xb5/\xfd", _PARQUET)
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SHOWN = 80  # characters of a foreign text in a message


@dataclass
class Misshapen:
    """Rows that have more or fewer cells than the header; there may be millions of them.

    rows: which, counted as a spreadsheet does (the header is row 1). lines: how many lines they
    took; more than there are rows where a quotation mark is not closed. reasons: reason -> lines.
    first: of the first ones row, reason, text.
    """

    rows: array = field(default_factory=lambda: array("q"))
    lines: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    first: list[tuple[int, str, str]] = field(default_factory=list)

    def add(self, row: pa.csv.InvalidRow) -> str:
        """Take one from pyarrow, and have it skipped."""
        lines = row.text.count("\n") + 1
        reason = f"{row.actual_columns} cells, not {row.expected_columns}"
        if lines > 1:
            reason += f"; a quotation mark took {lines} lines"
        self.rows.append(row.number + 1)
        self.lines += lines
        self.reasons[reason] += lines
        if len(self.first) < LISTED:
            self.first.append((self.rows[-1], reason, row.text[:_SHOWN]))
        return "skip"

    def row_number(self, position: int) -> int:
        """The row, counted in the same way, of the row at a position in the batches."""
        row, before = position + 2, 0
        while (found := bisect_right(self.rows, row)) != before:
            row, before = position + 2 + found, found
        return row


class LogFile(Protocol):
    """An open play log.

    names: column names, as they stand there. decimal_comma: whether '1,5' can be a number.
    misshapen: rows that are in no batch. lines: of the text below the header, as far as it is read;
    None where there are no lines. sha256: of the bytes on the disk, once all is read.
    """

    names: list[str]
    decimal_comma: bool
    misshapen: Misshapen

    @property
    def lines(self) -> int | None:
        """Lines read."""
        ...

    @property
    def sha256(self) -> str:
        """Hash of the file."""
        ...

    def batches(self, names: list[str]) -> Iterator[list[pa.Array]]:
        """The cells of these columns, some rows at a time."""
        ...


@contextmanager
def open_log(path: Path) -> Iterator[LogFile]:
    """The log in this file, known by its first bytes and not by its name.

    Raises DataError, here or while batches are taken, where the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            yield ParquetLog(file.read()) if file.peek(4)[:4] == _PARQUET else CsvLog(file)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"the file cannot be read: {error}") from None
    except pa.ArrowException as error:
        raise DataError(f"the file is broken: {str(error)[:200]}") from None


class ParquetLog:
    """A Parquet file: its bytes are held, its columns are decoded in batches."""

    decimal_comma = False
    lines = None

    def __init__(self, data: bytes) -> None:
        self.sha256 = hashlib.sha256(data).hexdigest()
        self.misshapen = Misshapen()
        self._file = pa.parquet.ParquetFile(pa.BufferReader(data))
        self.names = list(self._file.schema_arrow.names)

    def batches(self, names: list[str]) -> Iterator[list[pa.Array]]:
        """As LogFile says."""
        for batch in self._file.iter_batches(BATCH_ROWS, columns=names):
            yield [batch.column(name) for name in names]


class CsvLog:
    """Delimited text: read in blocks, each cell as bytes."""

    def __init__(self, file: BinaryIO) -> None:
        self._tap = _HashingReader(file)
        text = _decoded(io.BufferedReader(self._tap, 1 << 20))
        head = text.read(LONGEST_HEADER).removeprefix(codecs.BOM_UTF8)
        line = re.match(rb"(?:[ \t]*[\r\n]+)*([^\r\n]*\S[^\r\n]*)(\r\n|\n|\r|$)", head)
        if line is None:
            raise DataError("the file is empty")
        if len(line[1]) > LONGEST_HEADER - 1_000:
            raise DataError("the first line is longer than 1 MB: this is no CSV with a header")
        header = _text(line[1])
        self._separator = max(_SEPARATORS, key=header.count)
        self.decimal_comma = self._separator in ";\t"
        self.names = [
            name.strip() for name in next(csv.reader([header], delimiter=self._separator))
        ]
        self.misshapen = Misshapen()
        self._rows = _Chain(head[line.end() :], text)

    @property
    def lines(self) -> int:
        """As LogFile says."""
        return self._rows.lines

    @property
    def sha256(self) -> str:
        """As LogFile says."""
        return self._tap.hexdigest()

    def batches(self, names: list[str]) -> Iterator[list[pa.Array]]:
        """As LogFile says."""
        if not self._rows.peek():
            return
        places = [str(self.names.index(name)) for name in names]
        taken = 0
        try:
            for batch in self._reader(places):
                taken += batch.num_rows
                yield [batch.column(place) for place in places]
        except pa.ArrowInvalid as error:
            if "straddl" not in str(error):
                raise
            where = f"after row {taken + len(self.misshapen.rows) + 1}"
            raise DataError(f"a line {where} is longer than {LONGEST_LINE >> 20} MB") from None

    def _reader(self, places: list[str]) -> pa.csv.CSVStreamingReader:
        """Columns are known by their number here, as names may be the same or not be UTF-8."""
        numbers = [str(number) for number in range(len(self.names))]
        return pa.csv.open_csv(
            self._rows,
            # one thread, for row numbers
            read_options=pa.csv.ReadOptions(
                use_threads=False, block_size=LONGEST_LINE, column_names=numbers
            ),
            parse_options=pa.csv.ParseOptions(
                delimiter=self._separator,
                ignore_empty_lines=False,
                invalid_row_handler=self.misshapen.add,
            ),
            convert_options=pa.csv.ConvertOptions(
                column_types=dict.fromkeys(places, pa.binary()),
                include_columns=places,
                strings_can_be_null=False,
            ),
        )


class _HashingReader(io.RawIOBase):
    """Passes bytes on and hashes them on the way."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._hash = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._file.read(len(buffer))
        self._hash.update(data)
        buffer[: len(data)] = data
        return len(data)

    def hexdigest(self) -> str:
        """Of the whole file: what nobody wanted to read is read now."""
        while data := self._file.read(1 << 20):
            self._hash.update(data)
        return self._hash.hexdigest()


class _Chain(io.RawIOBase):
    """Some bytes that were read already, then the rest of the file; counts its lines."""

    def __init__(self, first: bytes, rest: BinaryIO) -> None:
        self._first = first
        self._rest = rest
        self._breaks = 0
        self._last = b"\n"

    def readable(self) -> bool:
        return True

    def peek(self) -> bytes:
        """Empty only at the end of the file."""
        self._first = self._first or self._rest.read(1 << 16)
        return self._first

    def read(self, size: int = -1) -> bytes:
        end = size if size >= 0 else len(self._first)
        data, self._first = self._first[:end], self._first[end:]
        if size < 0 or len(data) < size:
            data += self._rest.read(size - len(data) if size >= 0 else -1)
        self._breaks += data.count(b"\n")
        self._last = data[-1:] or self._last
        return data

    @property
    def lines(self) -> int:
        """Lines so far; the last one may have no line break."""
        return self._breaks + (self._last != b"\n")


def _decoded(stream: io.BufferedReader) -> BinaryIO:
    """The text inside: unzipped, and as UTF-8 where it is marked as UTF-16."""
    if stream.peek(2)[:2] == _GZIP:
        stream = io.BufferedReader(gzip.GzipFile(fileobj=stream), 1 << 20)
    start = stream.peek(4)[:4]
    if start.startswith(_FOREIGN):
        raise DataError(
            "this is a spreadsheet or an archive, not a play log: unpack it, or save it as CSV"
        )
    if start.startswith(_UTF16):
        return io.BytesIO(stream.read().decode("utf-16", "replace").encode())
    return stream


def _text(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("cp1252", "replace")
