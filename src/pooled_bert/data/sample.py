"""A made-up sample in the format of a benchmark's files: English sentences, and labels that follow from them."""

from pathlib import Path

import numpy as np
import pandas as pd

from ..base.errors import InputError
from ..base.files import atomic_path, output
from ..benchmarks.benchmark import Benchmark
from .rows import MADE_UP_MARKER
from .sample_sentences import write_text
from .sound_sample import write_sounds

N_GROUPS = 40


def write_sample(folder: Path, benchmark: Benchmark, *, rows: int, test_rows: int, seed: int) -> None:
    """Write the benchmark's training, test and template files with ``rows`` + ``test_rows`` made-up texts, or sounds.

    Raises InputError for files that are not made up and would be replaced or hidden, and for files it cannot write.

    A pure function of its arguments. Texts hold quotes, line breaks, commas and Unicode. Some texts occur twice and
    differ only in case and punctuation. A marker file says that all rows are made up.
    """
    random, marker = np.random.default_rng(seed), folder / MADE_UP_MARKER
    _check_files(folder, benchmark)
    with output(marker, overwrite=True):
        with atomic_path(marker) as temporary:  # first, so that no made-up row is ever without it
            temporary.write_text(
                "Every row in this folder is generated; scores on it mean nothing.\n", encoding="utf-8"
            )
        if benchmark.medium == "sound":
            write_sounds(folder, benchmark, rows=rows, random=random)
        else:
            _write_texts(folder, benchmark, rows, test_rows, random)


def _check_files(folder: Path, benchmark: Benchmark) -> None:
    """Raise InputError for files that would be replaced or hidden and are not made up, or cannot be made up."""
    files = (benchmark.train_file, benchmark.test_file, benchmark.sample_submission)
    for name in filter(None, files if benchmark.file else ()):
        if Path(name).name != name or not name.endswith(".csv"):
            raise InputError(f"{benchmark.place(name)}only CSV files beside the TOML file can be made up")
    for name in filter(None, (*files, benchmark.test_labels, benchmark.archive)):
        for path in (folder / name, folder / f"{name}.zip"):
            if path.exists() and not (folder / MADE_UP_MARKER).exists():
                raise InputError(f"{path}: exists, and is not replaced by made-up rows; name another folder")


def _write_texts(
    folder: Path, benchmark: Benchmark, rows: int, test_rows: int, random: np.random.Generator
) -> None:
    table = _table(benchmark, rows + test_rows, random)
    if benchmark.group and benchmark.group not in table:
        table[benchmark.group] = [f"g{number % N_GROUPS}" for number in range(len(table))]
    train, test = table.iloc[:rows], table.iloc[rows:]
    label_columns = list(dict.fromkeys(map(benchmark.column, benchmark.labels)))
    columns = ["id", *benchmark.text_columns]
    groups = [benchmark.group] if benchmark.group else []
    ids = columns[:1] if benchmark.id_column or not benchmark.label_words else []
    columns_of_train = dict.fromkeys([*ids, *benchmark.text_columns, *groups, *label_columns])
    _write(folder / benchmark.train_file, train[list(columns_of_train)], benchmark.id_column)
    if benchmark.test_file:
        _write(folder / benchmark.test_file, test[columns], benchmark.id_column)
    if benchmark.sample_submission:
        template = test[["id"]].assign(**dict.fromkeys(benchmark.labels, 0.5))
        _write(folder / benchmark.sample_submission, template.iloc[::-1], benchmark.id_column)
    if benchmark.test_labels:
        scored = random.random(len(test)) < 0.8
        labels = test[label_columns].where(pd.Series(scored, index=test.index), -1)
        _write(folder / benchmark.test_labels, pd.concat([test[["id"]], labels], axis=1))


def _table(benchmark: Benchmark, n_rows: int, random: np.random.Generator) -> pd.DataFrame:
    """Make up ids, texts and labels; of a pair of texts, the first says nothing of the labels."""
    labels = _draw_labels(benchmark, n_rows, random)
    table = pd.DataFrame({"id": [f"{number:016x}" for number in range(n_rows)]})
    *plain_columns, text_column = benchmark.text_columns
    for column in plain_columns:
        table[column] = [write_text({}, random) for _ in range(n_rows)]
    table[text_column] = [
        write_text(dict(zip(benchmark.labels, map(bool, row), strict=True)), random)
        for row in labels[list(benchmark.labels)].to_numpy()
    ]
    for label in benchmark.labels:
        words = benchmark.label_words.get(label)
        if words is None:
            table[benchmark.column(label)] = labels[label].astype(int)
        else:
            _write_words(table, benchmark.column(label), labels[label], words)
    return _with_duplicates(table, benchmark, random)


def _write_words(table: pd.DataFrame, column: str, applies: pd.Series, words: dict[str, float]) -> None:
    """Write the word for 1 where a label applies; in a new column, write the word for 0 in all other rows."""
    positive = next(word for word, value in words.items() if value == 1.0)
    if column not in table:
        table[column] = next(word for word, value in words.items() if value == 0.0)
    table.loc[applies, column] = positive


def _draw_labels(benchmark: Benchmark, n_rows: int, random: np.random.Generator) -> pd.DataFrame:
    """Draw made-up labels, bool, in the order of the benchmark's rates."""
    rates = benchmark.sample_rates or dict.fromkeys(benchmark.labels, (0.5, None))
    names = list(rates)
    numbered = [(rate, None if parent is None else names.index(parent)) for rate, parent in rates.values()]
    return pd.DataFrame(benchmark.target.draw(numbered, n_rows, random), columns=names)


def _with_duplicates(table: pd.DataFrame, benchmark: Benchmark, random: np.random.Generator) -> pd.DataFrame:
    """Make about one row in fifty repeat an earlier row, in capitals and with different punctuation."""
    for row in np.flatnonzero(random.random(len(table)) < 0.02):
        source = table.iloc[int(random.integers(row + 1))]
        for column in table.columns.drop("id"):
            table.loc[row, column] = source[column]
        for column in benchmark.text_columns:
            table.loc[row, column] = source[column].upper() + " ..."
    return table


def _write(path: Path, table: pd.DataFrame, id_column: str | None = None) -> None:
    with atomic_path(path) as temporary:
        table.rename(columns={"id": id_column or "id"}).to_csv(temporary, index=False, lineterminator="\n")
