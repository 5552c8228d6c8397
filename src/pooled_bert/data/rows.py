"""A benchmark's files -> checked tables of rows.

Every table has ``id`` (str) and either ``text`` (str) or ``sound`` (Sound). It can have ``group`` (str): rows of one
group share a fold. Where labels are known, there is one float64 column per label or class: 0, 1, or NaN for *not
labelled* (empty or -1 in the file).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from ..base.errors import InputError
from ..base.files import checksum
from ..base.places import usual_data_folders
from ..benchmarks.benchmark import Benchmark
from .csv_files import CsvFile, read_csv
from .review_folders import find_review_folders, read_review_folders
from .sound_folders import find_sounds, read_sounds

# medium, which is the name of its column -> what stands for an item in checksums
MEDIA: dict[str, Callable] = {"text": str, "sound": lambda sound: sound.checksum}
GROUP = "group"
MADE_UP_MARKER = "MADE_UP.txt"  # marks a folder whose rows were generated: scores on them mean nothing


@dataclass(frozen=True)
class Rows:
    """The rows of one benchmark. ``template`` holds the ids of a submission, in the order of the submission."""

    train: pd.DataFrame
    test: pd.DataFrame | None
    template: pd.Series | None
    test_labels: pd.DataFrame | None  # id + labels; NaN where the organisers left a row unscored
    made_up: bool

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


def find_data(benchmark: Benchmark, data: str | None) -> Path:
    """Return the folder of the benchmark's files: ``data`` if given, otherwise the first usual folder that has them.

    Sounds may be in a zip, which ``data`` may name.

    Raises InputError that says how to get them if no folder has them.
    """
    folders = [Path(data)] if data else usual_data_folders(benchmark.name)
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
    if benchmark.test_file is None:
        return Rows(train, None, None, None, made_up)
    train_path = _find(data, benchmark.train_file)
    if train_path is None:
        test = _read_folders(benchmark, data, "test")
        labels = test.drop(columns="text")
        return Rows(train, test[["id", "text"]], test["id"], labels, made_up)
    test_path = _find(data, benchmark.test_file)
    if test_path is None:
        for name in filter(None, (benchmark.sample_submission, benchmark.test_labels)):
            if _find(data, name):
                raise InputError(
                    f"{data / benchmark.test_file}: is missing, but {name} exists; download all files again"
                )
        return Rows(train, None, None, None, made_up)
    test = _rows_table(read_csv(test_path), benchmark, ())
    if benchmark.sample_submission is None:
        template = test["id"]
    else:
        template = _template(benchmark, data / benchmark.sample_submission, test, test_path)
        _require_other_ids(train["id"], train_path, test["id"], test_path)
    labels_path = _find(data, benchmark.test_labels) if benchmark.test_labels else None
    test_labels = _labels_table(labels_path, benchmark, test, test_path) if labels_path else None
    return Rows(train, test, template, test_labels, made_up)


def read_train(benchmark: Benchmark, data: Path) -> pd.DataFrame:
    """Read only the labelled training rows; raises InputError."""
    if benchmark.medium == "sound":
        return _read_sounds(benchmark, data)
    path = _find(data, benchmark.train_file)
    if path is None:
        return _read_folders(benchmark, data, "train")
    return _rows_table(read_csv(path), benchmark, benchmark.labels)


def _read_sounds(benchmark: Benchmark, data: Path) -> pd.DataFrame:
    source = find_sounds(benchmark, data)
    if source is None:
        raise InputError(f"{data}: holds no sound files")
    return read_sounds(benchmark, source)


def read_extra(path: Path, benchmark: Benchmark) -> pd.DataFrame:
    """Read training-only rows: texts, and any of the labels; missing columns and cells count as not labelled."""
    file = read_csv(path)
    known = [label for label in benchmark.labels if benchmark.column(label) in file.table]
    if not known:
        raise InputError(f"{path}: has none of the label columns {', '.join(benchmark.labels)}")
    return _rows_table(file, benchmark, tuple(known)).reindex(columns=["id", "text", *benchmark.labels])


def _find(folder: Path, name: str) -> Path | None:
    candidates = (folder / name, folder / f"{name}.zip")
    return next((path for path in candidates if path.exists()), None)


def _rows_table(file: CsvFile, benchmark: Benchmark, labels: tuple[str, ...]) -> pd.DataFrame:
    """Return id, text and ``labels`` of one file, checked."""
    columns = [benchmark.text_column, *map(benchmark.column, labels)]
    file.require_columns(columns)
    texts = file.table[benchmark.text_column]
    ids = file.table["id"] if "id" in file.table else stable_ids(texts)
    table = pd.DataFrame({"id": ids, "text": texts})
    _check_ids(table["id"], file)
    for label in labels:
        table[label] = _label_values(file, label, benchmark)
    return table


def _read_folders(benchmark: Benchmark, data: Path, part: str) -> pd.DataFrame:
    folder = find_review_folders(benchmark, data)
    if folder is None:
        raise InputError(f"{data}: holds neither {benchmark.train_file} nor {benchmark.archive}/")
    return read_review_folders(folder / part, benchmark)


def stable_ids(texts: pd.Series) -> pd.Series:
    """Return ids for rows without an id: a hash of the text, and a counter if the text occurs again."""
    hashes = texts.map(lambda text: checksum([text])[:16])
    repeats = hashes.groupby(hashes).cumcount()
    return hashes.where(repeats == 0, hashes + "-" + (repeats + 1).astype(str))


def _template(benchmark: Benchmark, sample: Path, test: pd.DataFrame, test_path: Path) -> pd.Series:
    path = _find(sample.parent, sample.name)
    if path is None:
        raise InputError(f"{sample}: is missing; it lists a submission's ids in order. Download it again")
    file = read_csv(path)
    file.require_columns(["id", *benchmark.labels])
    if list(file.table.columns) != ["id", *benchmark.labels]:
        columns = ", ".join(map(repr, file.table.columns))
        raise InputError(f"{path}: columns are {columns}, expected id, {', '.join(benchmark.labels)}")
    _check_ids(file.table["id"], file)
    _require_same_ids(file.table["id"], path, test["id"], test_path)
    return file.table["id"]


def _labels_table(path: Path, benchmark: Benchmark, test: pd.DataFrame, test_path: Path) -> pd.DataFrame:
    file = read_csv(path)
    file.require_columns(["id", *benchmark.labels])
    _check_ids(file.table["id"], file)
    _require_same_ids(file.table["id"], path, test["id"], test_path)
    values = {label: _label_values(file, label, benchmark) for label in benchmark.labels}
    return pd.DataFrame({"id": file.table["id"], **values})


def _check_ids(ids: pd.Series, file: CsvFile) -> None:
    for bad, reason in (
        (ids == "", "the id is empty"),
        (~ids.map(str.isprintable), "id {!r} holds a line break or another control character"),
        (ids.duplicated(), "id {!r} is repeated"),
    ):
        if bad.any():
            row = int(np.argmax(bad))
            raise InputError(f"{file.where(row)}: {reason.format(ids.iloc[row])}")


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


def _label_values(file: CsvFile, label: str, benchmark: Benchmark) -> np.ndarray:
    """Return the values of a label, float64 [n_rows]: 0, 1 or NaN."""
    column, words = benchmark.column(label), benchmark.label_words.get(label)
    texts = file.table[column]
    values = texts.map(words) if words else pd.to_numeric(texts.replace({"": "-1"}), errors="coerce")
    bad = ~values.isin([0.0, 1.0] if words else [0.0, 1.0, -1.0])
    if bad.any():
        row = int(np.argmax(bad))
        expected = " or ".join(words) if words else "0, 1, or -1 (not labelled)"
        raise InputError(f"{file.where(row)}: column {column!r} is {texts.iloc[row]!r}, expected {expected}")
    return values.astype(np.float64).replace(-1.0, np.nan).to_numpy()
