"""Strict reading of CSV and TSV files, zipped or not: what other readers repair or guess is refused with its line."""

import csv
import io
import sys
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

import numpy as np
import pandas as pd

from ..base.errors import InputError, suggestion

PACKED = (".csv", ".tsv", ".jsonl")  # endings of the tables that a zip file may hold
SEPARATORS = (";", "\t", "|", ",")  # of tables that are not what their name says
MOST_LISTED = 30  # columns in a message
Record = tuple[int, list[str]]  # (the line where the row starts, its fields); a text can span several lines


@dataclass(frozen=True)
class TableFile:
    """The content of a file. ``table``: strings only; ``lines``: int64 [n_rows], the line where each row starts."""

    path: Path
    table: pd.DataFrame
    lines: np.ndarray
    unit: str = "line"  # what ``lines`` counts: Parquet has rows only

    def where(self, row: int) -> str:
        """Return file and line of a row, for messages."""
        return f"{self.path}, {self.unit} {self.lines[row]}"

    def require_columns(self, columns: Iterable[str]) -> None:
        """Raise InputError for the first of ``columns`` that is missing, and suggest the most similar column."""
        require_columns(self.path, columns, list(self.table.columns))


def require_columns(path: Path | str, columns: Iterable[str], header: list[str]) -> None:
    """Raise InputError for the first of ``columns`` that ``header`` lacks, and suggest the most similar column."""
    present = set(header)
    for column in columns:
        if column not in present:
            raise InputError(
                f"{path}: column {column!r} is missing{suggestion(column, header)}; the columns are {listed(header)}"
            )


def listed(columns: Sequence[str]) -> str:
    """Return the names of columns for a message, of many only the first ones."""
    more = f" and {len(columns) - MOST_LISTED:,} more" if len(columns) > MOST_LISTED else ""
    return ", ".join(map(repr, columns[:MOST_LISTED])) + more


def misspelt(column: str, header: Iterable[str]) -> str | None:
    """Return the column that is called like ``column`` but for capitals and spaces, if there is one."""
    return next(
        (name for name in header if name != column and name.strip().casefold() == column.casefold()), None
    )


def read_csv(path: Path, delimiter: str = ",") -> TableFile:
    """Read the CSV file ``path``, or the one inside the zip file ``path``; raises InputError with file and line.

    The file is UTF-8, with or without a byte order mark. Lines end with LF or CRLF; blank lines are skipped.
    """
    header, records = csv_records(path, file_lines(path), delimiter)
    lines, rows = zip(*records, strict=True)
    return TableFile(path, pd.DataFrame(rows, columns=header, dtype=object), np.array(lines))


def csv_records(
    path: Path | str, stream: Iterable[bytes], delimiter: str = ","
) -> tuple[list[str], Iterator[Record]]:
    """Return the header, and an iterator over the rows, of a file given line by line; ``path`` is for messages.

    Raises InputError: for the header at once, for a row when the iterator reaches it.
    """
    csv.field_size_limit(sys.maxsize)  # a text may be long
    records = _records(path, stream, delimiter)
    _, header = next(records, (0, None))
    if header is None:
        raise InputError(f"{path}: is empty")
    for column, count in Counter(header).items():
        if count > 1:
            raise InputError(f"{path}: duplicate column {column!r}")
    other = next((mark for mark in SEPARATORS if mark != delimiter and mark in header[0]), None)
    if len(header) == 1 and other:
        raise InputError(
            f"{path}: seems to be separated by {other!r}, because its only column is {header[0]!r:.60}; save it as CSV"
            f" with {delimiter!r} between the columns"
        )
    return header, _rows(path, header, records)


def _records(path: Path | str, stream: Iterable[bytes], delimiter: str) -> Iterator[Record]:
    reader, line = csv.reader(_csv_lines(path, stream), delimiter=delimiter, strict=True), 1
    try:
        for row in reader:
            yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        raise InputError(
            f"{path}, line {line}: a quote is not closed, or a quote within a text is not doubled ({error})"
        ) from error


def _rows(path: Path | str, header: list[str], records: Iterator[Record]) -> Iterator[Record]:
    is_empty = True
    for line, row in records:
        if row and len(row) != len(header):
            raise InputError(
                f"{path}, line {line}: has {len(row)} fields where the header has {len(header)};"
                " a text with a separator, quote or line break must be in quotes"
            )
        if row:
            is_empty = False
            yield line, row
    if is_empty:
        raise InputError(f"{path}: has a header but no rows")


def _csv_lines(path: Path | str, stream: Iterable[bytes]) -> Iterator[str]:
    for _, line in text_lines(path, stream):
        if "\r" in line:
            yield from io.StringIO(line, newline="")  # the csv module expects a lone \r to end a line, too
        else:
            yield line


def text_lines(path: Path | str, stream: Iterable[bytes]) -> Iterator[tuple[int, str]]:
    """Yield number (from 1) and text, with its line end, of each line of a UTF-8 file; raises InputError if damaged."""
    for number, data in enumerate(stream, start=1):
        try:
            line = data.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise InputError(f"{path}, line {number}: is not UTF-8; save it as UTF-8") from error
        if "\0" in line:
            raise InputError(
                f"{path}, line {number}: holds a NUL byte; is it UTF-16, or damaged? Save it as UTF-8"
            )
        yield number, line


def file_lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of ``path``, or of the CSV file inside the zip file ``path``; raises InputError with its name."""
    with clear_reading(path), _open_binary(path) as stream:
        yield from stream


def file_size(path: Path) -> int:
    """Return how many bytes ``file_lines`` will yield, 0 for a pipe; raises InputError with the file's name."""
    with clear_reading(path):
        if path.suffix != ".zip":
            return path.stat().st_size
        with zipfile.ZipFile(path) as archive:
            return _csv_member(path, archive).file_size


@contextmanager
def clear_reading(path: Path | str) -> Iterator[None]:
    """Raise InputError with the name ``path`` for all errors of opening and reading it."""
    try:
        yield
    # a UnicodeDecodeError can only come from the member names of a zip file: lines are decoded elsewhere
    except (zipfile.BadZipFile, zlib.error, EOFError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: is a damaged zip file ({error}); download it again") from error
    except RuntimeError as error:  # encrypted, or compressed by a method that Python does not support
        raise InputError(f"{path}: cannot be unpacked ({error}); unpack it yourself") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error


@contextmanager
def _open_binary(path: Path) -> Iterator[IO[bytes]]:
    if path.suffix != ".zip":
        with path.open("rb") as stream:
            yield stream
        return
    with zipfile.ZipFile(path) as archive, archive.open(_csv_member(path, archive)) as stream:
        yield stream


def _csv_member(path: Path, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    names = [
        name for name in archive.namelist() if name.endswith(PACKED) and not name.startswith("__MACOSX/")
    ]
    if path.stem.endswith(PACKED):  # train.csv.zip holds train.csv
        members = [name for name in names if PurePosixPath(name).name == path.stem]
        wanted = path.stem
    else:
        members, wanted = names, "one CSV file"
    if len(members) != 1:
        listed = ", ".join(map(repr, archive.namelist()[:5])) or "nothing"
        raise InputError(f"{path}: should hold {wanted}, but holds {listed}")
    return archive.getinfo(members[0])
