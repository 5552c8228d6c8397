"""The section of curves: ROC, precision and recall, calibration, with all shown runs in one picture per label."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ..benchmarks.benchmark import Benchmark
from ..results.curves import calibration, precision_recall_curves, roc_curves
from ..results.fold_scores import FoldScores, known_columns
from ..results.verdict import Contender
from .comparison import CURVES
from .drawings import draw_calibration, draw_curves
from .figures import Figure, Panel
from .findings import area_finding, calibration_finding
from .sections import Section
from .tables import Table

BAND = (
    "Mean of the folds; the band reaches from the lowest fold to the highest, and the dotted line is chance. Numbers"
    " are areas, ± the standard deviation over the folds."
)
CALIBRATION = (
    "Predicted probability, and the share of these rows that have the label, all folds. On the dotted line the two"
    " agree. Bars are 95 % intervals; larger dots stand for more rows. The error is the mean distance from the line,"
    " weighted by rows."
)


def curves_section(
    folds_by_run: Mapping[str, Sequence[FoldScores]],
    contenders: Sequence[Contender],
    train: pd.DataFrame,
    benchmark: Benchmark,
) -> Section:
    """Draw the curves of all shown runs, one panel per label that has both classes.

    contenders : the same runs, whose AUCs by label the table shows.
    """
    roc, precision, calibrated, shares = {}, {}, {}, {}
    for column, label in enumerate(benchmark.labels):
        columns = {run: known_columns(folds, column) for run, folds in folds_by_run.items()}
        if not all(columns.values()):
            continue
        pooled = {
            run: [np.concatenate(part) for part in zip(*parts, strict=True)] for run, parts in columns.items()
        }
        roc[label] = {run: roc_curves(parts) for run, parts in columns.items()}
        precision[label] = {run: precision_recall_curves(parts) for run, parts in columns.items()}
        calibrated[label] = {run: calibration(*parts) for run, parts in pooled.items()}
        shares[label] = float(next(iter(pooled.values()))[0].mean())
    if not roc:
        return Section(CURVES, "Curves", "no label has both classes in a fold")
    words = {"x": "false-positive rate", "y": "true-positive rate"}
    figures = [
        Figure(
            "roc",
            area_finding("ROC AUC", roc),
            f"ROC. {BAND}",
            [Panel(label, draw_curves(runs, **words, chance=None)) for label, runs in roc.items()],
        ),
        Figure(
            "precision-recall",
            area_finding("average precision", precision),
            f"Precision and recall. {BAND}",
            [
                Panel(label, draw_curves(runs, x="recall", y="precision", chance=shares[label]))
                for label, runs in precision.items()
            ],
        ),
        Figure(
            "calibration",
            calibration_finding(calibrated),
            f"Calibration. {CALIBRATION}",
            [Panel(label, draw_calibration(runs)) for label, runs in calibrated.items()],
        ),
    ]
    tables = [_label_table(contenders, train, benchmark)] if len(benchmark.labels) > 1 else []
    return Section(CURVES, "Curves", figures[0].title, True, tables=tables, figures=figures)


def _label_table(contenders: Sequence[Contender], train: pd.DataFrame, benchmark: Benchmark) -> Table:
    """Make the table of AUCs by label, one column per run."""
    positives = (train[list(benchmark.labels)] == 1).sum()
    rows = [
        [
            f"{label} ({positives[label]:,})",
            *(one.resampled.auc(column).as_text() for one in contenders),
        ]
        for column, label in enumerate(benchmark.labels)
    ]
    note = "ROC AUC by label, mean over the folds, with 95 % intervals. In brackets: rows with the label."
    return Table(["label", *(one.name for one in contenders)], rows, note)
