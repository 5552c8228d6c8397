"""Texts to predict, read one by one from a CSV, JSONL or plain text file, in constant memory."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

from ..base.errors import InputError
from ..base.pairs import joined
from ..data.csv_files import (
    clear_reading,
    csv_records,
    file_lines,
    file_size,
    listed,
    misspelt,
    require_columns,
    text_lines,
)
from ..data.table_files import is_writable, json_value

STDIN = "-"
ID = "id"


class Text(NamedTuple):
    """A text, or a joined pair of texts, and its id."""

    id: str
    text: str

    @property
    def medium(self) -> str:
        """What it is."""
        return "text"

    @property
    def item(self) -> str:
        """What is predicted."""
        return self.text

    @property
    def shown(self) -> str:
        """What a table shows of it."""
        return self.text

    @property
    def fingerprint(self) -> tuple[str, str]:
        """What tells it apart from others."""
        return self.id, self.text


class Lines:
    """The lines of a file, or of standard input (``-``), as bytes.

    size : total bytes, None if unknown.  read : bytes read so far.
    """

    def __init__(self, path: str):
        """Find the file's size; raises InputError if the file does not exist."""
        self.path = path
        self.name = "standard input" if path == STDIN else path
        self.size = None if path == STDIN else file_size(Path(path)) or None  # 0: a pipe
        self.read = 0

    def __iter__(self) -> Iterator[bytes]:
        with clear_reading(self.name):
            for line in sys.stdin.buffer if self.path == STDIN else file_lines(Path(self.path)):
                self.read += len(line)
                yield line


class TextColumns:
    """The choice of the column (in JSON: the name in an object) that holds the texts, or of the two columns of pairs.

    It is ``wanted`` if that is given; else ``usual``. Without either, texts are in ``text``, or in the only column
    besides that of the ids.
    """

    def __init__(self, wanted: Sequence[str] | None, usual: Sequence[str], ids: str = ID):
        """Raise InputError for another number of columns than of usual ones."""
        if wanted is not None and len(wanted) != len(usual):
            expected = "one name" if len(usual) == 1 else "two names, one for each text of a pair"
            raise InputError(f"--column {' '.join(wanted)}: expected {expected}")
        self.wanted, self.usual, self.ids = wanted, usual, ids

    @property
    def hold_pairs(self) -> bool:
        """Whether pairs are read."""
        return len(self.usual) == 2

    def among(self, columns: list[str], place: str) -> list[str]:
        """Return those of ``columns`` that hold the texts; raises InputError with ``place`` (file, line)."""
        if self.wanted is not None or self.hold_pairs:
            names = list(self.wanted or self.usual)
            require_columns(place, names, columns)
            return names
        usual = [column for column in (*self.usual, "text") if column in columns]
        others = [column for column in columns if column != self.ids]
        if not usual and len(others) != 1:
            raise InputError(
                f"{place}: which column holds the texts? Name it with --column; available:"
                f" {listed(columns) or 'none'}"
            )
        return (usual or others)[:1]

    def item(self, texts: list[str], place: str) -> str:
        """Return a text, or the two texts of a pair joined; raises InputError with ``place`` (file, line)."""
        return joined(texts, f"{place}: ") if self.hold_pairs else texts[0]

    def is_guess(self, chosen: list[str]) -> bool:
        """Return whether a column was chosen only because there is no other."""
        return self.wanted is None and not {*chosen} & {*self.usual, "text"}

    def check_ids(self, columns: list[str], chosen: list[str], place: str) -> None:
        """Raise InputError for ids that would be lost, because their column is spelt in another way."""
        other = None if self.ids in columns else misspelt(self.ids, columns)
        if other not in (None, *chosen):
            raise InputError(
                f"{place}: column {other!r} holds no ids; rename it to {self.ids!r}, or to another name"
            )


def csv_texts(lines: Lines, columns: TextColumns, delimiter: str = ",") -> Iterator[Text]:
    """Return an iterator over the texts of a CSV file with a header.

    Raises InputError: for the header at once, for a row when the iterator reaches it.
    """
    header, records = csv_records(lines.name, lines, delimiter)
    names = columns.among(header, lines.name)
    if columns.is_guess(names):
        print(
            f"note: {lines.name}: its first line names the columns, and the texts are in {names[0]!r}; if that is a"
            " text, put a line with the name of the column above it",
            file=sys.stderr,
        )
    columns.check_ids(header, names, lines.name)
    text_indices = [header.index(name) for name in names]
    id_index = header.index(columns.ids) if columns.ids in header and columns.ids not in names else None

    def texts() -> Iterator[Text]:
        for number, (line, row) in enumerate(records, start=1):
            place = f"{lines.name}, line {line}"
            text_id = str(number) if id_index is None else _checked_id(row[id_index], place)
            yield Text(text_id, columns.item([row[index] for index in text_indices], place))

    return texts()


def plain_texts(lines: Lines, columns: TextColumns) -> Iterator[Text]:
    """Yield one text per line; an empty line is an empty text. Raises InputError for pairs, which have no columns."""
    if columns.hold_pairs:
        raise InputError(f"{lines.name}: a line of plain text is no pair; give a CSV, TSV or JSONL file")
    for number, line in text_lines(lines.name, lines):
        yield Text(str(number), line.removesuffix("\n").removesuffix("\r"))


def jsonl_texts(lines: Lines, columns: TextColumns) -> Iterator[Text]:
    """Yield one text per line, which holds a JSON object or a JSON string; blank lines are skipped."""
    number = 0
    for line_number, line in text_lines(lines.name, lines):
        if not line.isspace():
            number += 1
            yield _json_text(line, number, columns, f"{lines.name}, line {line_number}")


READERS: dict[str, Callable[[Lines, TextColumns], Iterator[Text]]] = {
    "csv": csv_texts,
    "tsv": partial(csv_texts, delimiter="\t"),
    "txt": plain_texts,
    "jsonl": jsonl_texts,
}


def read_texts(lines: Lines, form: str | None, columns: TextColumns) -> Iterator[Text]:
    """Return an iterator over the texts in ``lines``; ``form`` is the format, None: known by the file's name.

    Raises InputError: for format, header and first text at once, for another text when the iterator reaches it.
    """
    if form is None:
        name = "x.txt" if lines.path == STDIN else lines.path
        form = Path(name.removesuffix(".zip")).suffix[1:]
    if form not in READERS:
        raise InputError(f"{lines.path}: unknown file format; give --format csv, tsv, txt or jsonl")
    texts = READERS[form](lines, columns)
    first = next(texts, None)
    if first is None:
        raise InputError(f"{lines.name}: is empty")
    return chain([first], texts)


def chunks(texts: Iterable, size: int) -> Iterator[list]:
    """Yield the texts in lists of ``size``; the last list can be shorter."""
    texts = iter(texts)
    while chunk := list(islice(texts, size)):
        yield chunk


def _json_text(line: str, number: int, columns: TextColumns, place: str) -> Text:
    value, text_id = json_value(line, place), str(number)
    texts = [value]
    if isinstance(value, dict):
        names = columns.among(list(value), place)
        columns.check_ids(list(value), names, place)
        text_id = value.get(columns.ids, text_id) if columns.ids not in names else text_id
        texts = [value[name] for name in names]
    elif columns.hold_pairs:
        raise InputError(f"{place}: is {value!r:.60}, expected an object with both texts of a pair")
    for text in texts:
        if not isinstance(text, str) or not is_writable(text):
            raise InputError(
                f"{place}: the text is {text!r:.60}, expected a string without NUL characters and without lone"
                " surrogates (half characters)"
            )
    return Text(_checked_id(text_id, place), columns.item(texts, place))


def _checked_id(value, place: str) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value.isprintable():
        raise InputError(
            f"{place}: id {value!r:.60} must be a string or an integer, without line breaks and other control"
            " characters"
        )
    if not value:
        raise InputError(f"{place}: the id is empty")
    return value
