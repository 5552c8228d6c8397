"""The sections of a report, as tables and figures; here the section about the data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ..base.numbers import percent
from ..benchmarks.benchmark import Benchmark
from ..data.rows import items_of
from ..runs.finished_runs import Run
from .drawings import (
    draw_balance,
    draw_class_confusion,
    draw_correlation,
    draw_counts,
    draw_lengths,
    draw_seconds,
)
from .figures import Figure, Panel
from .findings import balance_finding, classes_finding, correlation_finding, lengths_finding
from .mistakes import LabelMistakes
from .tables import Table, as_table


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
    """A part of the page, which can be folded. ``thresholds``: of a run, by label.

    gist : what a reader learns of the section while it is folded.
    """

    name: str
    title: str
    gist: str = ""
    is_open: bool = False
    notes: Sequence[str] = ()
    tables: Sequence[Table] = ()
    figures: Sequence[Figure] = ()
    mistakes: Sequence[LabelMistakes] = ()
    recordings: Sequence[Recording] = ()
    more: Mapping[str, Sequence[Table]] = field(
        default_factory=dict
    )  # tables that are folded, by their heading
    facts: Sequence[Table] = ()  # settings and checksums, hidden until the reader opens them
    thresholds: dict[str, float] = field(default_factory=dict)


def data_section(train: pd.DataFrame, run: Run, benchmark: Benchmark) -> Section:
    """Make the section about rows, labels and folds, independent of any model; the folds are those of ``run``."""
    labels = train[list(benchmark.labels)]
    known, positives = labels.notna().sum(), (labels == 1).sum()
    shares = [percent(float(share)) for share in positives / known]
    counts = pd.DataFrame({"labelled": known, "positive": positives, "share": shares})
    figures = [_lengths(items_of(train), benchmark.noun), *_balance(train, run, benchmark)]
    if benchmark.target.is_exclusive:
        by_class = {str(name): int(count) for name, count in positives.items()}
        panel = Panel("classes", draw_counts(by_class))
        caption = "Number of training rows per class."
        figures.insert(0, Figure("classes", classes_finding(by_class), caption, [panel]))
    if len(benchmark.labels) > 1 and not benchmark.target.is_exclusive:
        matrix = labels.corr()
        caption = f"Correlation of the labels (φ coefficient): how often two labels apply to the same {benchmark.noun}."
        panel = Panel("labels", draw_correlation(matrix), width=4.2, height=3.6)
        figures.append(Figure("labels", correlation_finding(matrix), caption, [panel]))
    rarest = positives.idxmin()
    gist = f"{len(train):,} {benchmark.noun}s; rarest: {rarest}, {positives[rarest]:,}"
    note = f"{len(train):,} training rows. Cells that are not labelled are left out everywhere."
    return Section("data", "Data and folds", gist, tables=[as_table(counts, note, "label")], figures=figures)


def _lengths(items: pd.Series, noun: str) -> Figure:
    """Draw how long the texts or pairs are, in words, or the sounds, in seconds."""
    if items.name == "sound":
        seconds = np.array([sound.seconds for sound in items])
        title = lengths_finding(seconds, "seconds", noun, places=1)
        return Figure(
            "lengths", title, "How long the training sounds last.", [Panel("seconds", draw_seconds(seconds))]
        )
    words = items.str.split().str.len().to_numpy()
    panel = Panel("words", draw_lengths(words, unit="words", noun=noun))
    title = lengths_finding(words, "words", noun)
    return Figure("lengths", title, f"Number of words per training {noun}.", [panel])


def _balance(train: pd.DataFrame, run: Run, benchmark: Benchmark) -> list[Figure]:
    truth = train.set_index("id")[list(benchmark.labels)]
    rates = pd.DataFrame({fold.fold: truth.loc[fold.oof["id"]].mean() for fold in run.folds}).T
    if len(rates) < 2:
        return []
    caption = (
        "Rate of each label in each fold, relative to its rate over all folds: the imbalance that stratification left."
        " One dot per fold."
    )
    panel = Panel("fold balance", draw_balance(rates))
    return [Figure("balance", balance_finding(rates), caption, [panel])]


def confusion_panel(name: str, counts: pd.DataFrame) -> Panel:
    """Return the panel of a confusion matrix of classes."""
    size = 2.0 + 0.55 * len(counts)
    return Panel(name, draw_class_confusion(counts), width=size + 0.6, height=size)
