"""CSV files, zipped or not, read strictly: what other readers repair or guess is refused here, with its line."""

import csv
import io
import sys
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import numpy as np
import pandas as pd

from ..base.errors import InputError

Record = tuple[int, list[str]]  # a row, and before it the line where it starts (texts span lines)


@dataclass(frozen=True)
class CsvFile:
    """What was read. ``table``: strings only; ``lines``: int64 [n_rows], where each row starts."""

    path: Path
    table: pd.DataFrame
    lines: np.ndarray

    def where(self, row: int) -> str:
        """The place of a row in the file, for messages."""
        return f"{self.path}, line {self.lines[row]}"

    def require_columns(self, columns: Iterable[str]) -> None:
        """Raise InputError for the first of ``columns`` that is missing, with the likeliest misspelling of it."""
        require_columns(self.path, columns, list(self.table.columns))


def require_columns(path: Path | str, columns: Iterable[str], found: list[str]) -> None:
    """Raise InputError for the first of ``columns`` that is not ``found``, with the likeliest misspelling of it."""
    for column in columns:
        if column not in found:
            near = get_close_matches(column, found, n=1)
            hint = f" (is {near[0]!r} meant to be it?)" if near else ""
            listed = ", ".join(map(repr, found))
            raise InputError(f"{path}: column {column!r} is missing{hint}; the columns there are {listed}")


def read_csv(path: Path) -> CsvFile:
    """Read ``path``, or the CSV file of that name in the zip ``path``; raises InputError naming file and line.

    UTF-8, with or without a byte order mark; lines end with LF or CRLF; blank lines are skipped.
    """
    header, records = csv_records(path, file_lines(path))
    lines, rows = zip(*records, strict=True)
    return CsvFile(path, pd.DataFrame(rows, columns=header, dtype=object), np.array(lines))


def csv_records(path: Path | str, stream: Iterable[bytes]) -> tuple[list[str], Iterator[Record]]:
    """The header, and the rows one by one, of a file given line by line; ``path`` names it in messages.

    Raises InputError: of the header now, of a row when its turn comes.
    """
    csv.field_size_limit(sys.maxsize)  # a text may be long
    records = _records(path, stream)
    _, header = next(records, (0, None))
    if header is None:
        raise InputError(f"{path}: is empty")
    for column in header:
        if header.count(column) > 1:
            raise InputError(f"{path}: column {column!r} stands there twice")
    return header, _rows(path, header, records)


def _records(path: Path | str, stream: Iterable[bytes]) -> Iterator[Record]:
    reader, line = csv.reader(_csv_lines(path, stream), strict=True), 1
    try:
        for row in reader:
            yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        raise InputError(
            f"{path}, line {line}: a quote is not closed, or not doubled within a text ({error})"
        ) from error


def _rows(path: Path | str, header: list[str], records: Iterator[Record]) -> Iterator[Record]:
    is_empty = True
    for line, row in records:
        if row and len(row) != len(header):
            raise InputError(
                f"{path}, line {line}: has {len(row)} fields where the header has {len(header)};"
                " a text with a comma, quote or line break must stand in quotes"
            )
        if row:
            is_empty = False
            yield line, row
    if is_empty:
        raise InputError(f"{path}: has a header but no rows")


def _csv_lines(path: Path | str, stream: Iterable[bytes]) -> Iterator[str]:
    for _, line in text_lines(path, stream):
        if "\r" in line:
            yield from io.StringIO(line, newline="")  # csv wants a lone carriage return to end a line, too
        else:
            yield line


def text_lines(path: Path | str, stream: Iterable[bytes]) -> Iterator[tuple[int, str]]:
    """The lines of a UTF-8 file, with their ends, numbered from 1; raises InputError for one that is not text."""
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
    """The lines of ``path``, or of the CSV file of that name in the zip ``path``; raises InputError naming it."""
    with clear_reading(path), _open_binary(path) as stream:
        yield from stream


def file_size(path: Path) -> int:
    """How many bytes ``file_lines`` will give; raises InputError naming the file. A pipe is not opened for it."""
    with clear_reading(path):
        if path.suffix != ".zip":
            return path.stat().st_size
        with zipfile.ZipFile(path) as archive:
            return _csv_member(path, archive).file_size


@contextmanager
def clear_reading(path: Path | str) -> Iterator[None]:
    """Raise InputError that names ``path`` for what opening and reading it meets."""
    try:
        yield
    # a UnicodeDecodeError comes from the names of a zip's members: lines are decoded elsewhere
    except (zipfile.BadZipFile, zlib.error, EOFError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: is a damaged zip file ({error}); download it again") from error
    except RuntimeError as error:  # encrypted, or packed in a way that Python does not know
        raise InputError(f"{path}: cannot be unpacked ({error}); unpack it and give the CSV file") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error


@contextmanager
def _open_binary(path: Path) -> Iterator[BinaryIO]:
    if path.suffix != ".zip":
        with path.open("rb") as stream:
            yield stream
        return
    with zipfile.ZipFile(path) as archive, archive.open(_csv_member(path, archive)) as stream:
        yield stream


def _csv_member(path: Path, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    names = [
        name for name in archive.namelist() if name.endswith(".csv") and not name.startswith("__MACOSX/")
    ]
    if path.stem.endswith(".csv"):  # train.csv.zip holds train.csv
        members = [name for name in names if PurePosixPath(name).name == path.stem]
        wanted = path.stem
    else:
        members, wanted = names, "one CSV file"
    if len(members) != 1:
        listed = ", ".join(map(repr, archive.namelist()[:5])) or "nothing"
        raise InputError(f"{path}: should hold {wanted}, but holds {listed}")
    return archive.getinfo(members[0])
