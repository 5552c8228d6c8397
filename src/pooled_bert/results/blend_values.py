"""What a blend is found on and what it is: predictions of several runs -> one prediction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ..benchmarks.metrics import mean_auc, resampled_auc


def fold_score(labels: np.ndarray, values: np.ndarray) -> float:
    """Compute the mean column-wise AUC of one fold: the same as by metrics.column_auc, but faster."""
    return mean_auc(np.array([resampled_auc(*pair)[0] for pair in zip(labels.T, values.T, strict=True)]))


@dataclass(frozen=True)
class FoldValues:
    """The runs' predictions for one fold's rows, and the true labels.

    values : float64 [n_runs, n_rows, n_labels], on the blend's scale.
    labels : float64 [n_rows, n_labels], 0, 1 or NaN.
    facts : float64 [n_rows, n_facts], what else is known of the rows; there may be none.
    score : labels and blended values -> the score that the blend is for; a higher one is better.
    """

    values: np.ndarray
    labels: np.ndarray
    facts: np.ndarray
    score: Callable[[np.ndarray, np.ndarray], float] = fold_score


class Combination(Protocol):
    """How the values of several runs become one."""

    def combine(self, values: np.ndarray, facts: np.ndarray) -> np.ndarray:
        """Blend values, float64 [n_runs, n_rows, n_labels] and [n_rows, n_facts] -> [n_rows, n_labels]."""
        ...

    def shares(self, labels: Sequence[str]) -> dict[str, np.ndarray]:
        """Return how much each run counts, float64 [n_runs] by the title of a column; empty if no number says it."""
        ...

    def described(self, names: Sequence[str]) -> dict:
        """Return what a submission's record says of the blend of the runs ``names``."""
        ...
