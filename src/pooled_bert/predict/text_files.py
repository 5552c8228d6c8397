"""Texts to be predicted, one by one from a CSV, JSONL or plain text file, in constant memory."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

from ..base.errors import InputError
from ..data.csv_files import clear_reading, csv_records, file_lines, file_size, require_columns, text_lines

STDIN = "-"
ID = "id"


class Text(NamedTuple):
    """A text and its name."""

    id: str
    text: str


class Lines:
    """The lines of a file, or of standard input (``-``), as bytes.

    size : bytes in all, None where that is not known.  read : bytes so far.
    """

    def __init__(self, path: str):
        """Raises InputError when there is no such file."""
        self.path = path
        self.name = "standard input" if path == STDIN else path
        self.size = None if path == STDIN else file_size(Path(path)) or None  # 0: a pipe
        self.read = 0

    def __iter__(self) -> Iterator[bytes]:
        with clear_reading(self.name):
            for line in sys.stdin.buffer if self.path == STDIN else file_lines(Path(self.path)):
                self.read += len(line)
                yield line


class TextColumn:
    """Which column, or name in an object, holds the texts.

    It is ``wanted``, or without that ``usual`` or ``text``, or else the only one beside ``id``.
    """

    def __init__(self, wanted: str | None, usual: str):
        self.wanted, self.usual = wanted, (usual, "text")

    def among(self, found: list[str], place: str) -> str:
        """The one of ``found`` that it is; raises InputError."""
        if self.wanted is not None:
            require_columns(place, [self.wanted], found)
            return self.wanted
        known = [column for column in self.usual if column in found]
        others = [column for column in found if column != ID]
        if not known and len(others) != 1:
            listed = ", ".join(map(repr, found)) or "none"
            raise InputError(
                f"{place}: which column holds the texts? Name it with --column; they are {listed}"
            )
        return (known or others)[0]


def csv_texts(lines: Lines, column: TextColumn) -> Iterator[Text]:
    """The texts of a CSV file with a header; raises InputError, of the header now, of a row when its turn comes."""
    header, records = csv_records(lines.name, lines)
    text = header.index(column.among(header, lines.name))
    own = header.index(ID) if ID in header and header[text] != ID else None

    def texts() -> Iterator[Text]:
        for number, (line, row) in enumerate(records, start=1):
            name = str(number) if own is None else _checked_id(row[own], f"{lines.name}, line {line}")
            yield Text(name, row[text])

    return texts()


def plain_texts(lines: Lines, _: TextColumn) -> Iterator[Text]:
    """One text a line, an empty one too."""
    for number, line in text_lines(lines.name, lines):
        yield Text(str(number), line.removesuffix("\n").removesuffix("\r"))


def jsonl_texts(lines: Lines, column: TextColumn) -> Iterator[Text]:
    """One JSON value a line, an object or just a string; blank lines are skipped."""
    number = 0
    for line_number, line in text_lines(lines.name, lines):
        if not line.isspace():
            number += 1
            yield _json_text(line, number, column, f"{lines.name}, line {line_number}")


READERS: dict[str, Callable[[Lines, TextColumn], Iterator[Text]]] = {
    "csv": csv_texts,
    "txt": plain_texts,
    "jsonl": jsonl_texts,
}


def read_texts(lines: Lines, form: str | None, column: TextColumn) -> Iterator[Text]:
    """The texts in ``lines``, of the format ``form``, or without that of the one which the name of the file tells.

    Raises InputError: of the format, a header and the first text now, of others when their turn comes.
    """
    if form is None:
        name = "x.txt" if lines.path == STDIN else lines.path
        form = "csv" if name.endswith(".csv.zip") else Path(name).suffix[1:]
    if form not in READERS:
        raise InputError(f"{lines.path}: is it csv, txt or jsonl? Say it with --format")
    texts = READERS[form](lines, column)
    first = next(texts, None)
    if first is None:
        raise InputError(f"{lines.name}: is empty")
    return chain([first], texts)


def chunks(texts: Iterable[Text], size: int) -> Iterator[list[Text]]:
    """The texts, ``size`` at a time."""
    texts = iter(texts)
    while chunk := list(islice(texts, size)):
        yield chunk


def _json_text(line: str, number: int, column: TextColumn, place: str) -> Text:
    try:
        value = json.loads(line, object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{place}: is not JSON ({error})") from error
    name = str(number)
    if isinstance(value, dict):
        text = column.among(list(value), place)
        name, value = value.get(ID, name) if text != ID else name, value[text]
    if not isinstance(value, str) or not is_writable(value):
        raise InputError(
            f"{place}: the text is {value!r:.60}, expected a string of whole characters without NUL"
        )
    return Text(_checked_id(name, place), value)


def _object(pairs: list[tuple]) -> dict:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands there twice")
    return found


def _checked_id(name, place: str) -> str:
    if isinstance(name, int) and not isinstance(name, bool):
        name = str(name)
    if not isinstance(name, str) or not name.isprintable():
        raise InputError(
            f"{place}: id {name!r:.60} is no text, or holds a line break or another control character"
        )
    if not name:
        raise InputError(f"{place}: the id is empty")
    return name


def is_writable(text: str) -> bool:
    """Whether UTF-8 can write ``text``, NUL aside: strings from JSON and command lines may hold half a character."""
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False
