"""The sections of a report, as tables and figures; here those about the data and about all runs together."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ..benchmarks.benchmark import Benchmark
from ..benchmarks.targets import LOWER_IS_BETTER, SCORE_TITLES
from ..data.rows import items_of
from ..results.mistakes import Mistake
from ..results.score_tables import comparison, run_notes
from ..runs.fold_files import FoldResult, Run
from .figures import (
    Figure,
    Panel,
    draw_balance,
    draw_class_confusion,
    draw_correlation,
    draw_counts,
    draw_lengths,
    draw_runs,
    draw_seconds,
)


@dataclass(frozen=True)
class Table:
    """A table as text; the first column holds the row names. ``note``: what a reader must know about it."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


@dataclass(frozen=True)
class Recording:
    """A sound to listen to: its class, its id, the class that was detected and its probability, and a data: URI."""

    label: str
    id: str
    detected: str
    confidence: float
    uri: str


@dataclass(frozen=True)
class Section:
    """A part of the page. ``mistakes``: (falsely assigned, missed) by label; ``thresholds``: of a run, by label."""

    name: str
    title: str
    notes: Sequence[str] = ()
    tables: Sequence[Table] = ()
    figures: Sequence[Figure] = ()
    mistakes: dict[str, tuple[list[Mistake], list[Mistake]]] = field(default_factory=dict)
    recordings: Sequence[Recording] = ()
    facts: Sequence[Table] = ()  # settings and checksums, hidden until the reader opens them
    thresholds: dict[str, float] = field(default_factory=dict)


def as_table(frame: pd.DataFrame, note: str = "", corner: str = "") -> Table:
    """Format a table of numbers: fractions with four decimal places, whole numbers with commas, NaN as a dash.

    ``corner`` is the heading of the column of row names.
    """
    rows = [
        [str(name), *(_cell(value) for value in row)]
        for name, row in zip(frame.index, frame.astype(object).to_numpy(), strict=True)
    ]
    return Table([corner, *map(str, frame.columns)], rows, note)


def _cell(value) -> str:
    if isinstance(value, str):
        return value
    if value is None or np.isnan(value):
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:.4f}"


def data_section(train: pd.DataFrame, run: Run, benchmark: Benchmark) -> Section:
    """Make the section about rows, labels and folds, independent of any model; the folds are those of ``run``."""
    labels = train[list(benchmark.labels)]
    known, positives = labels.notna().sum(), (labels == 1).sum()
    counts = pd.DataFrame({"labelled": known, "positive": positives, "share": positives / known})
    figures = [_lengths(items_of(train), benchmark.noun), *_balance(train, run, benchmark)]
    if benchmark.target.is_exclusive:
        panel = Panel("classes", draw_counts({str(name): int(count) for name, count in positives.items()}))
        figures.insert(0, Figure("classes", "Number of training rows per class.", [panel]))
    if len(benchmark.labels) > 1 and not benchmark.target.is_exclusive:
        matrix = labels.corr()
        figures.append(
            Figure(
                "labels",
                f"Correlation of the labels (φ coefficient): how often two labels apply to the same {benchmark.noun}.",
                [Panel("labels", draw_correlation(matrix), width=4.2, height=3.6)],
            )
        )
    note = f"{len(train):,} training rows. Cells that are not labelled are left out everywhere."
    return Section("data", "Data and folds", tables=[as_table(counts, note, "label")], figures=figures)


def _lengths(items: pd.Series, noun: str) -> Figure:
    """Draw how long the texts or pairs are, in words, or the sounds, in seconds."""
    if items.name == "sound":
        seconds = np.array([sound.seconds for sound in items])
        return Figure(
            "lengths", "How long the training sounds last.", [Panel("seconds", draw_seconds(seconds))]
        )
    words = items.str.split().str.len().to_numpy()
    return Figure(
        "lengths",
        f"Number of words per training {noun}.",
        [Panel("words", draw_lengths(words, unit="words"))],
    )


def _balance(train: pd.DataFrame, run: Run, benchmark: Benchmark) -> list[Figure]:
    truth = train.set_index("id")[list(benchmark.labels)]
    rates = pd.DataFrame({fold.fold: truth.loc[fold.oof["id"]].mean() for fold in run.folds}).T
    caption = (
        "Rate of each label in each fold, relative to its rate over all folds: the imbalance that stratification left."
        " One dot per fold."
    )
    return (
        [Figure("balance", caption, [Panel("fold balance", draw_balance(rates))])] if len(rates) > 1 else []
    )


def runs_section(
    runs: Sequence[Run], benchmark: Benchmark, confusions: dict[str, pd.DataFrame] | None = None
) -> Section:
    """Make the section that compares all runs on the same rows and folds, the best first.

    confusions : for one class out of several, the confusion matrix of each run that is shown in full.
    """
    scores = comparison(list(runs), benchmark)
    title, *others = (SCORE_TITLES[name] for name in benchmark.shown_scores)
    columns = [title, "sd", "folds", *others, *benchmark.labels]
    facts = {
        "model": [run.identity["settings"]["model"] for run in runs],
        "seconds per fold": [_seconds(run) for run in runs],
        "notes": ["; ".join(run_notes(run, benchmark)) for run in runs],
    }
    table = scores[columns].assign(**facts).sort_values(title, ascending=benchmark.score in LOWER_IS_BETTER)
    points = {run.name: np.array([_score(fold, benchmark.score) for fold in run.folds]) for run in runs}
    figure = Figure(
        "runs",
        f"{title[0].upper()}{title[1:]} out of fold: one dot per fold, and a bar at the mean of the folds.",
        [
            Panel(
                "runs",
                draw_runs({name: points[name] for name in table.index}, title),
                5.2,
                1.2 + 0.28 * len(runs),
            )
        ],
    )
    note = (
        "Means over the finished folds of each run. Runs with different finished folds compare only roughly;"
        " compare_runs.py compares them on the folds that both have."
    )
    figures = [figure, *_side_by_side(confusions or {})]
    return Section("runs", "All runs", tables=[as_table(table, note, "run")], figures=figures)


def _side_by_side(confusions: dict[str, pd.DataFrame]) -> list[Figure]:
    """Draw the confusion matrices of several runs beside each other."""
    if len(confusions) < 2:
        return []
    panels = [confusion_panel(name, counts) for name, counts in confusions.items()]
    caption = (
        "Confusion matrices, all folds: rows of each true class by the likeliest class, shaded by recall."
    )
    return [Figure("confusions", caption, panels)]


def confusion_panel(name: str, counts: pd.DataFrame) -> Panel:
    """Return the panel of a confusion matrix of classes."""
    size = 2.0 + 0.55 * len(counts)
    return Panel(name, draw_class_confusion(counts), width=size + 0.6, height=size)


def _seconds(run: Run) -> int | None:
    seconds = [fold.config["information"].get("seconds") for fold in run.folds]
    return None if None in seconds else round(float(np.median(seconds)))


def _score(fold: FoldResult, name: str) -> float:
    return np.nan if fold.metrics[name] is None else fold.metrics[name]
