"""Weights of the runs in a blend, found on out-of-fold rows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression

from ..benchmarks.targets import mean_of_known
from .blend_values import FoldValues

GREEDY_ROUNDS = 40
STACK_C = 0.1  # inverse strength of the stack's L2 penalty


@dataclass(frozen=True)
class Weights:
    """A blend: for row n and label l, the sum over runs r of runs[r, l] · values[r, n, l], plus intercept[l].

    runs : float64 [n_runs, n_labels].  intercept : float64 [n_labels].
    """

    runs: np.ndarray
    intercept: np.ndarray

    def combine(self, values: np.ndarray, facts: np.ndarray | None = None) -> np.ndarray:
        """Blend values, [n_runs, n_rows, n_labels] -> [n_rows, n_labels]; ``facts`` about the rows do not count."""
        return np.einsum("rl,rnl->nl", self.runs, values) + self.intercept

    def shares(self, labels: Sequence[str]) -> dict[str, np.ndarray]:
        """Return the runs' weights, a column per label if the labels' weights differ."""
        if (self.runs == self.runs[:, :1]).all():
            return {"weight": self.runs[:, 0]}
        return dict(zip(labels, self.runs.T, strict=True))

    def described(self, names: Sequence[str]) -> dict:
        """Return what a submission's record says of the blend of the runs ``names``: their weights."""
        return {
            "runs": dict(zip(names, self.runs.tolist(), strict=True)),
            "intercept": self.intercept.tolist(),
        }


def equal_weights(n_runs: int, n_labels: int) -> Weights:
    """Return the same weight, 1 / n_runs, for every run."""
    return Weights(np.full((n_runs, n_labels), 1 / n_runs), np.zeros(n_labels))


def find_equal(folds: Sequence[FoldValues]) -> Weights:
    """Return equal weights; only their shape depends on ``folds``."""
    n_runs, _, n_labels = folds[0].values.shape
    return equal_weights(n_runs, n_labels)


def find_greedy(folds: Sequence[FoldValues]) -> Weights:
    """Repeatedly add the run that improves the score most; a run can be added several times.

    Ensemble selection with replacement (Caruana et al. 2004), from an empty ensemble. The best of GREEDY_ROUNDS rounds
    is returned. All labels share one weight per run: weights found for a rare label alone would depend on chance.
    Without a fold that has a score, all weights are equal.
    """
    n_runs, _, n_labels = folds[0].values.shape
    counts, best_score, best_counts = np.zeros(n_runs), -np.inf, np.zeros(n_runs)
    for chosen in range(1, 1 + GREEDY_ROUNDS):
        scores = [_score(folds, (counts + added_run) / chosen) for added_run in np.eye(n_runs)]
        if np.isnan(scores).all():
            return find_equal(folds)
        counts[int(np.argmax(scores))] += 1
        if max(scores) > best_score:
            best_score, best_counts = max(scores), counts.copy()
    shares = best_counts / best_counts.sum()
    return Weights(np.repeat(shares[:, np.newaxis], n_labels, axis=1), np.zeros(n_labels))


def _score(folds: Sequence[FoldValues], shares: np.ndarray) -> float:
    """Compute the mean over the folds that have a score; NaN if none has one."""
    scores = [fold.score(fold.labels, np.tensordot(shares, fold.values, axes=1)) for fold in folds]
    return float(mean_of_known(np.array(scores)))


def find_stack(folds: Sequence[FoldValues]) -> Weights:
    """Fit one logistic regression per label on the runs' log-odds, with an L2 penalty (Wolpert 1992).

    A label with one class only keeps equal weights.
    """
    values = np.concatenate([fold.values for fold in folds], axis=1)
    labels = np.concatenate([fold.labels for fold in folds])
    n_runs, _, n_labels = values.shape
    weights = equal_weights(n_runs, n_labels)
    for label in range(n_labels):
        known = ~np.isnan(labels[:, label])
        if len(np.unique(labels[known, label])) == 2:
            model = LogisticRegression(C=STACK_C).fit(values[:, known, label].T, labels[known, label])
            weights.runs[:, label], weights.intercept[label] = model.coef_[0], model.intercept_[0]
    return weights
