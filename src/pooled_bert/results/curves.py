"""Curves and calibration of one label's out-of-fold scores."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

GRID = np.linspace(0, 1, 101) ** 2  # x values of ROC curves: closer together near 0, where the curves bend

CALIBRATION_BINS = 10


@dataclass(frozen=True)
class Curves:
    """One curve per fold, on a common grid, and the area under each curve.

    x : float64 [n_points].  y : float64 [n_folds, n_points].  areas : float64 [n_folds].
    """

    x: np.ndarray
    y: np.ndarray
    areas: np.ndarray


def roc_curves(columns: Sequence[tuple[np.ndarray, np.ndarray]]) -> Curves:
    """Return true-positive rate over false-positive rate, and ROC AUC; ``columns``: (truth, scores) of each fold."""
    curves = [np.interp(GRID, *roc_curve(truth, scores)[:2]) for truth, scores in columns]
    return Curves(GRID, np.array(curves), np.array([roc_auc_score(*column) for column in columns]))


def precision_recall_curves(columns: Sequence[tuple[np.ndarray, np.ndarray]]) -> Curves:
    """Return precision over recall, and average precision; ``columns``: (truth, scores) of each fold."""
    grid, curves = np.linspace(0, 1, 101), []
    for truth, scores in columns:
        precision, recall, _ = precision_recall_curve(truth, scores)
        # no interpolation: no threshold gives a point between two neighbouring points
        reached = np.searchsorted(recall[::-1], grid)
        curves.append(precision[::-1][reached])
    areas = [average_precision_score(*column) for column in columns]
    return Curves(grid, np.array(curves), np.array(areas))


def calibration(truth: np.ndarray, scores: np.ndarray) -> pd.DataFrame:
    """Return one row per tenth of the probability range that holds rows: ``n``, mean ``predicted``, share ``observed``.

    ``low`` and ``high`` are the bounds of the share's 95 % interval (Wilson 1927). A model is calibrated if
    ``predicted`` is near ``observed`` in every row.
    """
    bins = np.minimum((scores * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    rows = pd.DataFrame({"bin": bins, "predicted": scores, "observed": truth.astype(float)})
    table = rows.groupby("bin").agg(
        n=("bin", "size"), predicted=("predicted", "mean"), observed=("observed", "mean")
    )
    z = 1.96
    n, share = table["n"], table["observed"]
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return table.assign(low=centre - half, high=centre + half)


def calibration_error(table: pd.DataFrame) -> float:
    """Return the expected calibration error: mean distance of predicted from observed, weighted by rows.

    Naeini et al. 2015, "Obtaining Well Calibrated Probabilities Using Bayesian Binning".
    """
    return float((table["n"] * (table["predicted"] - table["observed"]).abs()).sum() / table["n"].sum())
