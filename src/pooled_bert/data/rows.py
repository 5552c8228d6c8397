"""A benchmark's files -> checked tables of rows.

Every table has ``id`` (str) and either ``text`` (str; two texts are joined as in ``base/pairs.py``) or ``sound``
(Sound). It can have ``group`` (str): rows of one group share a fold. Where labels are known, there is one float64
column per label or class: 0, 1, or NaN for *not labelled* (empty or -1 in the file).
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from ..base.errors import InputError, suggestion
from ..base.files import checksum
from ..base.places import usual_data_folders
from ..benchmarks.benchmark import Benchmark
from .csv_files import TableFile, listed
from .review_folders import find_review_folders, read_review_folders
from .sound_folders import find_sounds, read_sounds
from .table_columns import (
    check_ids,
    classes_of,
    groups_of,
    label_columns,
    require_named_columns,
    rows_table,
)
from .table_files import read_table

# medium, which is the name of its column -> what stands for an item in checksums
MEDIA: dict[str, Callable] = {"text": str, "sound": lambda sound: sound.checksum}
GROUP = "group"
MADE_UP_MARKER = "MADE_UP.txt"  # marks a folder whose rows were generated: scores on them mean nothing


@dataclass(frozen=True)
class Rows:
    """The rows of one benchmark.

    template : the ids of a submission, in the order and with the column name of the submission.
    answers : the other columns of a submission: labels, or one column of the class or of the only label.
    """

    benchmark: Benchmark  # with its labels or classes
    train: pd.DataFrame
    test: pd.DataFrame | None
    template: pd.Series | None
    test_labels: pd.DataFrame | None  # id + labels; NaN where the organisers left a row unscored
    made_up: bool
    answers: tuple[str, ...] = ()

    @cached_property
    def checksum(self) -> str:
        """SHA-256 of the training rows, independent of how their file was packed."""
        return table_checksum(self.train)

    def checksums(self) -> dict[str, str | None]:
        """Return the SHA-256 of the training rows and of the test rows, independent of how the files were packed."""
        return {
            "train": self.checksum,
            "test": None if self.test is None else table_checksum(self.test),
        }


def items_of(table: pd.DataFrame) -> pd.Series:
    """Return the column of the things that are classified, whose name is their medium."""
    return table[next(name for name in MEDIA if name in table)]


def labels_of(table: pd.DataFrame) -> pd.DataFrame:
    """Return the label columns of a table of rows."""
    return table.drop(columns=["id", *MEDIA, GROUP], errors="ignore")


def table_checksum(table: pd.DataFrame) -> str:
    """Return the SHA-256 of a table's columns, ids, items, groups and labels, in row order."""
    items, labels = items_of(table), labels_of(table).to_numpy(np.float64)
    groups = table.get(GROUP, ())
    fingerprints = map(MEDIA[str(items.name)], items)
    parts = (",".join(table.columns), *table["id"], *fingerprints, *groups)
    return checksum([*parts, np.nan_to_num(labels, nan=-1.0).tobytes()])


def find_data(benchmark: Benchmark, data: Path | str | None) -> Path:
    """Return the folder of the benchmark's files: ``data`` if given, otherwise the first usual folder that has them.

    Sounds may be in a zip, which ``data`` may name.

    Raises InputError that says how to get them if no folder has them.
    """
    usual = [benchmark.file.parent] if benchmark.file else usual_data_folders(benchmark.name)
    folders = [Path(data)] if data else usual
    for folder in folders:
        if benchmark.medium == "sound":
            if find_sounds(benchmark, folder):
                return folder
        elif _find(folder, benchmark.train_file) or find_review_folders(benchmark, folder):
            return folder
    wanted = f"{benchmark.train_file} (or {benchmark.train_file}.zip)"
    if benchmark.medium == "sound":
        wanted = f"sound files ({benchmark.train_file}/, or a zip of them)"
    if benchmark.archive:
        wanted += f" or {benchmark.archive}/"
    searched = ", ".join(map(str, folders))
    if benchmark.file:
        raise _missing(benchmark, benchmark.train_file, folders[0])
    rules = f"accept the rules on https://www.kaggle.com/c/{benchmark.competition}/rules, "
    raise InputError(
        f"no {wanted} in {searched}. Name its folder with --data, or download it:"
        f" {rules if benchmark.competition else ''}log in with kaggle auth login, then {benchmark.download}. To try"
        " everything out without data: make demo"
    )


def read_rows(benchmark: Benchmark, data: Path) -> Rows:
    """Read and check all files of the benchmark in the folder ``data``; raises InputError."""
    made_up = (data / MADE_UP_MARKER).exists()
    train = read_train(benchmark, data)
    benchmark = with_classes(benchmark, train)
    if benchmark.test_file is None:
        return Rows(benchmark, train, None, None, None, made_up)
    train_path = _find(data, benchmark.train_file)
    if train_path is None:
        test = _read_folders(benchmark, data, "test")
        labels = test.drop(columns="text")
        return Rows(benchmark, train, test[["id", "text"]], test["id"], labels, made_up, benchmark.labels)
    test_path = _find(data, benchmark.test_file)
    if test_path is None:
        for name in filter(None, (benchmark.sample_submission, benchmark.test_labels)):
            if _find(data, name):
                raise InputError(
                    f"{data / benchmark.test_file}: is missing, but {name} exists; download all files again"
                )
        if benchmark.file:
            raise _missing(benchmark, benchmark.test_file, data)
        return Rows(benchmark, train, None, None, None, made_up)
    test_file = read_table(test_path)
    test = rows_table(test_file, benchmark, ())
    template, answers = test["id"].rename(benchmark.id_column or "id"), benchmark.labels
    if benchmark.sample_submission is not None:
        template, answers = _template(benchmark, data / benchmark.sample_submission, test, test_path)
        _require_other_ids(train["id"], train_path, test["id"], test_path)
    labels_path = _find(data, benchmark.test_labels) if benchmark.test_labels else None
    test_labels = _labels_table(read_table(labels_path), benchmark, test, test_path) if labels_path else None
    if benchmark.file and set(map(benchmark.column, benchmark.labels)) <= set(test_file.table):
        test_labels = test[["id"]].assign(**label_columns(test_file, benchmark, benchmark.labels))
    return Rows(benchmark, train, test, template, test_labels, made_up, answers)


def read_answers(path: Path, rows: Rows) -> pd.DataFrame:
    """Read the labels of the test rows (id, labels; -1 in a row that is not scored); raises InputError."""
    if rows.test is None:
        raise InputError(f"{path}: {rows.benchmark.title} has no test rows that these labels could belong to")
    return _labels_table(read_table(path), rows.benchmark, rows.test, Path(str(rows.benchmark.test_file)))


def read_train(benchmark: Benchmark, data: Path) -> pd.DataFrame:
    """Read only the labelled training rows; raises InputError."""
    if benchmark.medium == "sound":
        return _read_sounds(benchmark, data)
    path = _find(data, benchmark.train_file)
    if path is None:
        return _read_folders(benchmark, data, "train")
    file = read_table(path)
    if benchmark.class_column:
        benchmark = benchmark.with_classes(classes_of(file, benchmark))
    table = rows_table(file, benchmark, benchmark.labels)
    if benchmark.group:
        require_named_columns(file, benchmark, [benchmark.group])
        table.insert(2, GROUP, groups_of(file, benchmark.group, table["id"]))
    if labels_of(table).isna().all(axis=None):
        raise InputError(
            f"{path}: no row has a label of {', '.join(benchmark.labels)}; nothing can be learnt"
        )
    return table


def with_classes(benchmark: Benchmark, train: pd.DataFrame) -> Benchmark:
    """Return the record with the classes that were found in its training table."""
    return (
        benchmark.with_classes([str(name) for name in labels_of(train)])
        if benchmark.class_column
        else benchmark
    )


def _missing(benchmark: Benchmark, name: str, folder: Path) -> InputError:
    path = folder / name
    others = [other.name for other in path.parent.iterdir()] if path.parent.is_dir() else []
    return InputError(
        f"{benchmark.place(name)}there is no file {path}{suggestion(path.name, others)}; file names are relative to"
        " the TOML file, or to the folder that --data names"
    )


def _read_sounds(benchmark: Benchmark, data: Path) -> pd.DataFrame:
    source = find_sounds(benchmark, data)
    if source is None:
        raise InputError(f"{data}: holds no sound files")
    return read_sounds(benchmark, source)


def read_texts(path: Path, benchmark: Benchmark) -> pd.DataFrame:
    """Read rows without their labels, if there are any: id and text."""
    return rows_table(read_table(path), benchmark, ())


def read_extra(path: Path, benchmark: Benchmark) -> pd.DataFrame:
    """Read training-only rows: texts, any of the labels, and groups if there are any.

    Missing columns and cells of labels count as not labelled. The cells of a class are read only if ``benchmark`` has
    its classes, see ``with_classes``.
    """
    file = read_table(path)
    _check_extra_columns(file, benchmark)
    known = [label for label in benchmark.labels if benchmark.column(label) in file.table]
    table = rows_table(file, benchmark, tuple(known)).reindex(columns=["id", "text", *benchmark.labels])
    if benchmark.group and benchmark.group in file.table:
        table[GROUP] = groups_of(file, benchmark.group, table["id"])
    return table


def _check_extra_columns(file: TableFile, benchmark: Benchmark) -> None:
    """Raise InputError for a column that seems to be a misspelt label, or if there is no label; report what is missing.

    A column that belongs to no label is not read.
    """
    columns = list(map(str, file.table.columns))
    columns_of_labels = (
        [benchmark.class_column] if benchmark.class_column else map(benchmark.column, benchmark.labels)
    )
    labels = dict.fromkeys(columns_of_labels)
    missing = [label for label in labels if label not in file.table]
    if len(missing) == len(labels):
        raise InputError(f"{file.path}: has none of the label columns {', '.join(labels)}")
    known = {*labels, "id", benchmark.id_column, *benchmark.text_columns, benchmark.group}
    for column in columns:
        if column not in known:
            hint = suggestion(column, missing)
            if hint:
                raise InputError(
                    f"{file.path}: column {column!r} is no label{hint}; rename it, or leave the column out"
                )
    if missing:
        print(f"note: {file.path}: has no {', '.join(missing)}; these are not labelled", file=sys.stderr)


def _find(folder: Path, name: str) -> Path | None:
    candidates = (folder / name, folder / f"{name}.zip")
    return next((path for path in candidates if path.exists()), None)


def _read_folders(benchmark: Benchmark, data: Path, part: str) -> pd.DataFrame:
    folder = find_review_folders(benchmark, data)
    if folder is None:
        raise InputError(f"{data}: holds neither {benchmark.train_file} nor {benchmark.archive}/")
    return read_review_folders(folder / part, benchmark)


def _template(
    benchmark: Benchmark, sample: Path, test: pd.DataFrame, test_path: Path
) -> tuple[pd.Series, tuple[str, ...]]:
    """Return the ids of the sample submission, and its other columns: all labels, or a single column."""
    path = _find(sample.parent, sample.name)
    if path is None and benchmark.file:
        raise _missing(benchmark, str(benchmark.sample_submission), sample.parent)
    if path is None:
        raise InputError(f"{sample}: is missing; it lists a submission's ids in order. Download it again")
    file, id_column = read_table(path), benchmark.id_column or "id"
    first, *answers = file.table.columns
    is_one_column = len(answers) == 1 and (benchmark.target.is_exclusive or len(benchmark.labels) == 1)
    if first != id_column or not (set(answers) == set(benchmark.labels) or is_one_column):
        one = ", or one column of the class" if benchmark.target.is_exclusive else ""
        raise InputError(
            f"{path}: columns are {listed([first, *answers])}, expected {id_column}, then"
            f" {', '.join(benchmark.labels)}{one}"
        )
    ids = file.table[id_column]
    check_ids(ids, file)
    _require_same_ids(ids, path, test["id"], test_path)
    return ids, tuple(answers)


def _labels_table(file: TableFile, benchmark: Benchmark, test: pd.DataFrame, test_path: Path) -> pd.DataFrame:
    id_column = benchmark.id_column or "id"
    require_named_columns(
        file, benchmark, dict.fromkeys([id_column, *map(benchmark.column, benchmark.labels)])
    )
    ids = file.table[id_column].rename("id")
    check_ids(ids, file)
    _require_same_ids(ids, file.path, test["id"], test_path)
    return ids.to_frame().assign(**label_columns(file, benchmark, benchmark.labels))


def _require_other_ids(ids: pd.Series, path: Path, others: pd.Series, other_path: Path) -> None:
    shared = ids[ids.isin(others)]
    if len(shared):
        raise InputError(
            f"{path}: id {shared.iloc[0]!r} is in {other_path} too ({len(shared)} such ids);"
            " training rows and test rows must have different ids"
        )


def _require_same_ids(ids: pd.Series, path: Path, others: pd.Series, other_path: Path) -> None:
    for present, present_path, expected, expected_path in (
        (ids, path, others, other_path),
        (others, other_path, ids, path),
    ):
        missing = present[~present.isin(expected)]
        if len(missing):
            raise InputError(
                f"{present_path}: id {missing.iloc[0]!r} is not in {expected_path} ({len(missing)} such ids);"
                " the two files must come from the same download"
            )
