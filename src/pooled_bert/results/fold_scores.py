"""The out-of-fold scores of a run beside the true labels."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..runs.finished_runs import Run


@dataclass(frozen=True)
class FoldScores:
    """The validation rows of one fold.

    rows : their indices in the training table, int64 [n_rows].  labels, scores : float64 [n_rows, n_labels].
    """

    fold: int
    rows: np.ndarray
    labels: np.ndarray
    scores: np.ndarray


def fold_scores(run: Run, train: pd.DataFrame, labels: Sequence[str]) -> list[FoldScores]:
    """Return the scores of each fold of a run, with the labels in ``train``."""
    row_of = pd.Series(np.arange(len(train)), index=train["id"])
    truth = train[list(labels)].to_numpy(np.float64)
    scores = []
    for fold, table in run.oof.items():
        rows = row_of.loc[table["id"]].to_numpy()
        scores.append(FoldScores(fold, rows, truth[rows], table[list(labels)].to_numpy(np.float64)))
    return scores


def pooled(folds: Sequence[FoldScores]) -> FoldScores:
    """Return all folds as one, with the number -1."""
    parts = [np.concatenate([getattr(fold, name) for fold in folds]) for name in ("rows", "labels", "scores")]
    return FoldScores(-1, *parts)


def known_columns(folds: Sequence[FoldScores], label: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return truth (bool) and scores of one label, per fold; leaves out unlabelled rows, and folds with one class."""
    columns = []
    for fold in folds:
        known = ~np.isnan(fold.labels[:, label])
        truth = fold.labels[known, label] == 1
        if truth.any() and not truth.all():
            columns.append((truth, fold.scores[known, label]))
    return columns
