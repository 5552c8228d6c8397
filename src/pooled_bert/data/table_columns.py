"""One table file -> checked columns: ids, texts, groups, labels or classes."""

import sys
from collections.abc import Iterable

import numpy as np
import pandas as pd

from ..base.errors import InputError
from ..base.files import checksum
from ..base.pairs import joined
from ..benchmarks.benchmark import Benchmark
from ..benchmarks.benchmark_file import check_label
from .csv_files import TableFile, misspelt, require_columns


def rows_table(file: TableFile, benchmark: Benchmark, labels: tuple[str, ...]) -> pd.DataFrame:
    """Return id, text and ``labels`` of one file, checked."""
    ids = [benchmark.id_column] if benchmark.id_column else []
    require_named_columns(file, benchmark, [*ids, *benchmark.text_columns, *map(benchmark.column, labels)])
    texts, id_column = _texts(file, benchmark), benchmark.id_column or "id"
    other = None if id_column in file.table else misspelt(id_column, map(str, file.table.columns))
    if other is not None:
        remedy = (
            f'name it in {benchmark.file}: id = "{other}"'
            if benchmark.file
            else f"rename it to {id_column!r}"
        )
        print(f"note: {file.path}: column {other!r} is not read as ids; {remedy}", file=sys.stderr)
    table = pd.DataFrame(
        {"id": file.table[id_column] if id_column in file.table else stable_ids(texts), "text": texts}
    )
    check_ids(table["id"], file, benchmark.place(id_column))
    return pd.concat([table, pd.DataFrame(label_columns(file, benchmark, labels), index=table.index)], axis=1)


def _texts(file: TableFile, benchmark: Benchmark) -> pd.Series:
    """Return the text of each row, or its joined pair; raises InputError for a text that cannot be in a pair."""
    if not benchmark.is_pairs:
        return file.table[benchmark.text_column]
    pairs = file.table[list(benchmark.text_columns)].itertuples(index=False, name=None)
    return pd.Series(
        [joined(pair, f"{file.where(row)}: ") for row, pair in enumerate(pairs)],
        file.table.index,
        dtype=object,
    )


def stable_ids(texts: pd.Series) -> pd.Series:
    """Return ids for rows without an id: a hash of the text, and a counter if the text occurs again."""
    hashes = texts.map(lambda text: checksum([text])[:16])
    repeats = hashes.groupby(hashes).cumcount()
    return hashes.where(repeats == 0, hashes + "-" + (repeats + 1).astype(str))


def groups_of(file: TableFile, column: str, ids: pd.Series) -> pd.Series:
    """Return each row's group; a row without one is a group of its own."""
    groups = file.table[column]
    return groups.where(groups != "", "row " + ids)


def classes_of(file: TableFile, benchmark: Benchmark) -> list[str]:
    """Return the different words of the column of classes, in the order of their numbers or of the alphabet."""
    column = str(benchmark.class_column)
    require_named_columns(file, benchmark, [column])
    words = file.table[column]
    words = words[words != ""]
    classes = sorted(words.unique())
    place = f"{benchmark.place(column)}column {column!r} of {file.path}"
    if len(classes) < 2:
        found = f"only the class {classes[0]!r}" if classes else "no class"
        raise InputError(f"{place} holds {found}; two classes are needed at least")
    if 2 * len(classes) > len(words) + 2:
        raise InputError(
            f"{place} holds {len(classes)} different values in {len(words)} rows; name a column of few classes, each"
            " in many rows"
        )
    for name in classes:
        check_label(name, place)
    numbers = pd.to_numeric(pd.Series(classes), errors="coerce")
    return (
        classes if numbers.isna().any() else [classes[index] for index in np.argsort(numbers, kind="stable")]
    )


def require_named_columns(file: TableFile, benchmark: Benchmark, columns: Iterable[str]) -> None:
    """Raise InputError for a missing column, with the place in the benchmark's file that names it."""
    missing = next((column for column in columns if column not in file.table), None)
    if missing is not None:
        require_columns(f"{benchmark.place(missing)}{file.path}", [missing], list(file.table.columns))


def check_ids(ids: pd.Series, file: TableFile, place: str = "") -> None:
    """Raise InputError, after ``place``, for an id that is empty, repeated or not printable."""
    for bad, reason in (
        (ids == "", "the id is empty"),
        (~ids.map(str.isprintable), "id {!r} holds a line break or another control character"),
        (ids.duplicated(), "id {!r} is repeated"),
    ):
        if bad.any():
            row = int(np.argmax(bad))
            raise InputError(f"{place}{file.where(row)}: {reason.format(ids.iloc[row])}")


def label_columns(file: TableFile, benchmark: Benchmark, labels: Iterable[str]) -> dict[str, np.ndarray]:
    """Return the values of labels, float64 [n_rows] each; raises InputError for a cell that is none."""
    return {label: _label_values(file, label, benchmark) for label in labels}


def _label_values(file: TableFile, label: str, benchmark: Benchmark) -> np.ndarray:
    """Return the values of a label, float64 [n_rows]: 0, 1 or NaN."""
    column, words = benchmark.column(label), benchmark.label_words.get(label)
    texts = file.table[column]
    values = texts.map(words) if words else pd.to_numeric(texts.replace({"": "-1"}), errors="coerce")
    bad = ~(texts.isin(list(words)) if words else values.isin([0.0, 1.0, -1.0]))
    if bad.any():
        row = int(np.argmax(bad))
        expected = " or ".join(filter(None, words)) if words else "0, 1, or -1 (not labelled)"
        if benchmark.class_column:
            expected += ", the classes of the training rows"
        elif benchmark.file:
            expected += f'; a column of other numbers, or of words, is a class: class = "{column}"'
        raise InputError(f"{file.where(row)}: column {column!r} is {texts.iloc[row]!r}, expected {expected}")
    return values.astype(np.float64).replace(-1.0, np.nan).to_numpy()
