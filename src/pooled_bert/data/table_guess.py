"""A table of texts -> the lines of a TOML file that describes it, each with the reason for the guess."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ..base.errors import InputError
from ..benchmarks.benchmark_file import NO_LABELS, NO_NAMES
from ..benchmarks.registry import BENCHMARKS
from .csv_files import TableFile, listed
from .table_files import READERS, read_table

LABEL_CELLS = {"", "-1", "-1.0", "0", "0.0", "1", "1.0"}
MOST_CLASSES = 50
LABELLED = 0.5  # share of the rows that must have a class
FEWEST_GROUPS = 10
LONGEST_NAME = 60  # characters; a longer name of the column of texts seems to be a text


@dataclass(frozen=True)
class _Guess:
    """A line of the file and why it was guessed."""

    key: str
    value: str | list[str]
    reason: str

    def __str__(self) -> str:
        reason = "".join(letter if letter.isprintable() else " " for letter in self.reason)
        return f"# {reason}\n{_line(self.key, self.value)}"


def _line(key: str, value: str | list[str]) -> str:
    text = json.dumps(value, ensure_ascii=False)
    text = text.replace("\x7f", "\\u007f")  # JSON allows this character, TOML does not
    return f"{key} = {text}"


def guess_benchmark(path: Path) -> str:
    """Return the text of a TOML file that describes a table, with reasons as comments.

    Raises InputError if the table cannot be read, or if no column looks like labels or classes.
    """
    file = read_table(path)
    if not len(file.table.columns):
        raise InputError(f"{path}: has no columns")
    text = _text_column(file.table)
    _check_names(file, str(text.value))
    id_column = _id_column(file.table.drop(columns=text.value))
    test = _test_file(path, str(text.value))
    test_columns = list(map(str, read_table(path.with_name(str(test.value))).table)) if test else []
    rest = file.table.drop(columns=[str(guess.value) for guess in (text, id_column) if guess])
    learnt, others = _learnt(file, rest, test_columns)
    train = _Guess("train", path.name, f"{len(file.table)} rows; file names are relative to this file")
    stem = stem_of(path)
    name = None
    if stem in {*BENCHMARKS, *NO_NAMES}:
        name = _Guess("name", f"my-{stem}", f"{stem} is taken")
    guesses = [guess for guess in (train, text, learnt, id_column, test, name) if guess]
    return "\n".join([*map(str, guesses), *others, *_groups(rest.drop(columns=learnt.value))]) + "\n"


def stem_of(path: Path) -> str:
    """Return the name of a table without endings, and without a leading dot."""
    return path.name.lstrip(".").split(".")[0]


def _check_names(file: TableFile, text: str) -> None:
    """Raise InputError if the first line seems to be a row: it would be lost as the names of the columns."""
    numbers = [name for name in file.table if str(name) in LABEL_CELLS - {""}]
    if numbers or len(text) > LONGEST_NAME:
        raise InputError(
            f"{file.path}: its first line seems to be a row, because a column would be called"
            f" {(numbers or [text])[0]!r:.80}; put a line with the names of the columns above it, such as text,label"
        )


def _text_column(table: pd.DataFrame) -> _Guess:
    lengths = table.apply(lambda column: column.str.len().mean())
    return _Guess("text", str(lengths.idxmax()), f"longest cells: {lengths.max():.0f} characters on average")


def _id_column(table: pd.DataFrame) -> _Guess | None:
    for name, cells in table.items():
        if str(name).lower().endswith(("id", "key")) and cells.is_unique and (cells != "").all():
            return _Guess("id", str(name), "by its name, and by a different value in every row")
    return None


def _test_file(path: Path, text: str) -> _Guess | None:
    """Guess the test table: called test, beside the table, with the same column of texts."""
    for ending in READERS:
        other = path.with_name(f"test{ending}")
        if other != path and other.is_file() and text in read_table(other).table:
            return _Guess("test", other.name, f"lies beside {path.name} and has the column {text!r} too")
    return None


def _learnt(file: TableFile, table: pd.DataFrame, test_columns: list[str]) -> tuple[_Guess, list[str]]:
    """Guess the columns of labels, or the column of classes; return also comments on other candidates.

    A column that the test rows lack is preferred.
    """
    names = [str(name) for name in table]
    labels = _preferred(
        [name for name in names if name not in NO_LABELS and _is_label(table[name])], test_columns
    )
    set_of_labels = set(labels)
    classes = _preferred(
        [name for name in names if name not in set_of_labels and _is_class(table[name])], test_columns
    )
    classes.sort(key=lambda name: table[name].nunique())
    if labels:
        learnt, rest = _Guess("labels", labels, "cells of 0, 1, -1 and nothing only"), classes
    elif classes:
        words = sorted(set(table[classes[0]]) - {""})
        shown = ", ".join(words[:5]) + (", …" if len(words) > 5 else "")
        learnt, rest = _Guess("class", classes[0], f"{len(words)} different values: {shown}"), classes[1:]
    else:
        raise InputError(
            f"{file.path}: no column looks like labels (0 and 1) or like classes (2 to {MOST_CLASSES} different"
            f" values); the columns are {listed([*map(str, file.table)])}"
        )
    return learnt, [f"# or learn another column: {_line('class', name)}" for name in rest]


def _preferred(names: list[str], test_columns: list[str]) -> list[str]:
    of_test = set(test_columns)
    return [name for name in names if name not in of_test] or names


def _is_label(cells: pd.Series) -> bool:
    return set(cells) <= LABEL_CELLS and {"0", "1"} <= set(cells.str.removesuffix(".0"))


def _is_class(cells: pd.Series) -> bool:
    known = cells[cells != ""]
    return 2 <= known.nunique() <= min(MOST_CLASSES, len(known) / 2) and len(known) >= LABELLED * len(cells)


def _groups(table: pd.DataFrame) -> Iterator[str]:
    """Yield comments on columns whose values are shared by some rows each, e.g. users."""
    for name, cells in table.items():
        if FEWEST_GROUPS <= cells.nunique() <= 0.9 * len(cells):
            yield f"# to put rows with the same {name!r} into the same fold: {_line('group', str(name))}"
