"""What a report looks at: the out-of-fold rows of a run beside their true labels, and curves through them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..runs.fold_files import Run


@dataclass(frozen=True)
class FoldScores:
    """The validation rows of one fold: rows of the training table, and labels and scores float64 [n_rows, n_labels]."""

    fold: int
    rows: np.ndarray
    labels: np.ndarray
    scores: np.ndarray


def fold_scores(run: Run, train: pd.DataFrame, labels: Sequence[str]) -> list[FoldScores]:
    """The folds of a run, put beside the labels of ``train``."""
    row_of = pd.Series(np.arange(len(train)), index=train["id"])
    truth = train[list(labels)].to_numpy(np.float64)
    found = []
    for fold, table in run.oof.items():
        rows = row_of.loc[table["id"]].to_numpy()
        found.append(FoldScores(fold, rows, truth[rows], table[list(labels)].to_numpy(np.float64)))
    return found


def pooled(folds: Sequence[FoldScores]) -> FoldScores:
    """All folds as one, called fold -1."""
    parts = [np.concatenate([getattr(fold, name) for fold in folds]) for name in ("rows", "labels", "scores")]
    return FoldScores(-1, *parts)


def known_columns(folds: Sequence[FoldScores], label: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Truth (bool) and scores of one label, fold by fold, without rows that do not know it or folds of one class."""
    columns = []
    for fold in folds:
        known = ~np.isnan(fold.labels[:, label])
        truth = fold.labels[known, label] == 1
        if truth.any() and not truth.all():
            columns.append((truth, fold.scores[known, label]))
    return columns
