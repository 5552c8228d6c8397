"""Scores over tables with unlabelled cells (NaN), which never count."""

import numpy as np
from sklearn.metrics import roc_auc_score


def column_auc(labels: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """ROC AUC of each column, float64 [n_labels]; NaN where the labelled rows hold one class only.

    labels : float [n_rows, n_labels], 0, 1 or NaN.  scores : float [n_rows, n_labels].
    """
    return np.array([_auc(labels[:, column], scores[:, column]) for column in range(labels.shape[1])])


def _auc(labels: np.ndarray, scores: np.ndarray) -> float:
    known = ~np.isnan(labels)
    if len(np.unique(labels[known])) < 2:
        return float("nan")
    return float(roc_auc_score(labels[known], scores[known]))


def mean_auc(aucs: np.ndarray) -> float:
    """Mean over the labels that have an AUC (Jigsaw's metric); NaN when none has."""
    known = aucs[~np.isnan(aucs)]
    return float(known.mean()) if known.size else float("nan")


def accuracy(labels: np.ndarray, scores: np.ndarray) -> float:
    """Binary accuracy at 0.5 over all labelled cells, as in the article; NaN when there are none."""
    known = ~np.isnan(labels)
    return float(((scores > 0.5) == (labels == 1))[known].mean()) if known.any() else float("nan")


def log_loss(labels: np.ndarray, scores: np.ndarray) -> float:
    """Mean binary cross-entropy (nats) over all labelled cells; NaN when there are none."""
    known = ~np.isnan(labels)
    if not known.any():
        return float("nan")
    chosen = np.clip(np.where(labels == 1, scores, 1 - scores)[known], 1e-7, 1)
    return float(-np.log(chosen).mean())
