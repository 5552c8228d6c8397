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

import numpy as np
import pandas as pd

from .errors import InputError


@dataclass(frozen=True)
class CsvFile:
    """What was read. ``table``: strings only; ``lines``: int64 [n_rows], where each row starts (texts span lines)."""

    path: Path
    table: pd.DataFrame
    lines: np.ndarray

    def where(self, row: int) -> str:
        """The place of a row in the file, for messages."""
        return f"{self.path}, line {self.lines[row]}"

    def require_columns(self, columns: Iterable[str]) -> None:
        """Raise InputError for the first of ``columns`` that is missing, with the likeliest misspelling of it."""
        found = list(self.table.columns)
        for column in columns:
            if column not in found:
                near = get_close_matches(column, found, n=1)
                hint = f" (is {near[0]!r} meant to be it?)" if near else ""
                listed = ", ".join(map(repr, found))
                raise InputError(
                    f"{self.path}: column {column!r} is missing{hint}; the columns there are {listed}"
                )


def read_csv(path: Path) -> CsvFile:
    """Read ``path``, or the CSV file of that name in the zip ``path``; raises InputError naming file and line.

    UTF-8, with or without a byte order mark; lines end with LF or CRLF; blank lines are skipped.
    """
    try:
        with _open_binary(path) as stream:
            return _parse(path, io.TextIOWrapper(stream, encoding="utf-8-sig", newline=""))
    except UnicodeDecodeError as error:
        raise InputError(f"{path}{_undecodable_line(path)}: is not UTF-8; save it as UTF-8") from error
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise InputError(f"{path}: is a damaged zip file ({error}); download it again") from error
    except RuntimeError as error:  # encrypted, or packed in a way that Python does not know
        raise InputError(f"{path}: cannot be unpacked ({error}); unpack it and give the CSV file") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error


@contextmanager
def _open_binary(path: Path) -> Iterator[io.IOBase]:
    if path.suffix != ".zip":
        with path.open("rb") as stream:
            yield stream
        return
    with zipfile.ZipFile(path) as archive:
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
        try:
            stream = archive.open(members[0])
        except UnicodeDecodeError as error:
            raise zipfile.BadZipFile("the name of its member is not as listed") from error
        with stream:
            yield stream


def _parse(path: Path, stream: Iterable[str]) -> CsvFile:
    csv.field_size_limit(sys.maxsize)  # a text may be long
    reader = csv.reader(_without_nul(path, stream), strict=True)
    rows, lines, line = [], [], 1
    header = None
    try:
        for row in reader:
            if header is None:
                header = _checked_header(path, row)
            elif row:
                if len(row) != len(header):
                    raise InputError(
                        f"{path}, line {line}: has {len(row)} fields where the header has {len(header)};"
                        " a text with a comma, quote or line break must stand in quotes"
                    )
                rows.append(row)
                lines.append(line)
            line = reader.line_num + 1
    except csv.Error as error:
        raise InputError(
            f"{path}, line {line}: a quote is not closed, or not doubled within a text ({error})"
        ) from error
    if header is None:
        raise InputError(f"{path}: is empty")
    if not rows:
        raise InputError(f"{path}: has a header but no rows")
    return CsvFile(path, pd.DataFrame(rows, columns=header, dtype=object), np.array(lines))


def _checked_header(path: Path, header: list[str]) -> list[str]:
    for column in header:
        if header.count(column) > 1:
            raise InputError(f"{path}: column {column!r} stands there twice")
    return header


def _without_nul(path: Path, stream: Iterable[str]) -> Iterator[str]:
    for number, line in enumerate(stream, start=1):
        if "\0" in line:
            raise InputError(
                f"{path}, line {number}: holds a NUL byte; is it UTF-16, or damaged? Save it as UTF-8"
            )
        yield line


def _undecodable_line(path: Path) -> str:
    with _open_binary(path) as stream:
        for number, line in enumerate(stream, start=1):
            try:
                line.decode("utf-8-sig")
            except UnicodeDecodeError:
                return f", line {number}"
    return ""
