"""Labels that are likely wrong, from out-of-fold probabilities, by confident learning.

Northcutt et al. 2021, "Confident Learning: Estimating Uncertainty in Dataset Labels": a row is suspicious if the model
gives another class at least the mean probability that it gives that class where it is labelled.
"""

import numpy as np
import pandas as pd

from ..benchmarks.targets import Target


def label_errors(labels: np.ndarray, probabilities: np.ndarray, target: Target) -> pd.DataFrame:
    """Return suspicious cells, the most suspicious first: columns row, column, given and probability.

    labels : float [n_rows, n_labels], 0, 1 or NaN (never suspicious).  probabilities : out of fold, [n_rows, n_labels].
    ``given`` is the label's value in the cell, and ``probability`` that of the opposite. Of several labels, each cell
    is judged by itself. Of one class out of several, a suspicious row has one cell: that of the class that it more
    likely has.
    """
    found = _of_class(labels, probabilities) if target.is_exclusive else _of_labels(labels, probabilities)
    kinds = {"row": int, "column": int, "given": int, "probability": float}
    table = pd.DataFrame(found, columns=list(kinds)).astype(kinds)
    return table.sort_values(["probability", "row"], ascending=[False, True]).reset_index(drop=True)


def _of_labels(labels: np.ndarray, probabilities: np.ndarray) -> list[tuple[int, int, int, float]]:
    found = []
    for column in range(labels.shape[1]):
        for given, opposite in ((0, probabilities[:, column]), (1, 1 - probabilities[:, column])):
            has, has_not = labels[:, column] == given, labels[:, column] == 1 - given
            if not has_not.any():
                continue
            rows = np.flatnonzero(has & (opposite >= opposite[has_not].mean()))
            found += [(int(row), column, given, float(opposite[row])) for row in rows]
    return found


def _of_class(labels: np.ndarray, probabilities: np.ndarray) -> list[tuple[int, int, int, float]]:
    known = np.flatnonzero(~np.isnan(labels).any(axis=1))
    true = labels[known].argmax(axis=1)
    bars = np.array(
        [
            probabilities[known[true == column], column].mean() if (true == column).any() else np.inf
            for column in range(labels.shape[1])
        ]
    )
    reached = np.where(probabilities[known] >= bars, probabilities[known], -1)
    likeliest = reached.argmax(axis=1)
    suspicious = (reached.max(axis=1) >= 0) & (likeliest != true)
    return [
        (int(known[place]), int(likeliest[place]), 0, float(reached[place, likeliest[place]]))
        for place in np.flatnonzero(suspicious)
    ]
