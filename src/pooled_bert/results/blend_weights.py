"""How much each run counts in a blend, found on out-of-fold rows; and what a blend so found really scores."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression

from ..benchmarks.metrics import mean_auc, resampled_auc

GREEDY_ROUNDS = 40
STACK_C = 0.1  # inverse strength of the stack's L2 penalty


@dataclass(frozen=True)
class FoldValues:
    """One fold's rows as the runs predict them.

    values : float64 [n_runs, n_rows, n_labels], on the blend's scale.
    labels : float64 [n_rows, n_labels], 0, 1 or NaN.
    """

    values: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class Weights:
    """A blend: the sum over runs of runs[r, l] · value[r, :, l], plus intercept[l].

    runs : float64 [n_runs, n_labels].  intercept : float64 [n_labels].
    """

    runs: np.ndarray
    intercept: np.ndarray

    def combine(self, values: np.ndarray) -> np.ndarray:
        """Values [n_runs, n_rows, n_labels] -> [n_rows, n_labels]."""
        return np.einsum("rl,rnl->nl", self.runs, values) + self.intercept


Finder = Callable[[Sequence[FoldValues]], Weights]


def equal_weights(n_runs: int, n_labels: int) -> Weights:
    """Every run the same."""
    return Weights(np.full((n_runs, n_labels), 1 / n_runs), np.zeros(n_labels))


def find_equal(folds: Sequence[FoldValues]) -> Weights:
    """Every run the same, whatever the rows say."""
    n_runs, _, n_labels = folds[0].values.shape
    return equal_weights(n_runs, n_labels)


def find_greedy(folds: Sequence[FoldValues]) -> Weights:
    """Add, again and again, the run that helps the mean AUC most; the same run may come many times.

    Ensemble selection with replacement (Caruana et al. 2004), from nothing, over GREEDY_ROUNDS rounds, of which the
    best is kept. The weights are shared by all labels: rare ones would choose theirs by chance.
    """
    n_runs, _, n_labels = folds[0].values.shape
    counts, best = np.zeros(n_runs), (-np.inf, np.zeros(n_runs))
    for _ in range(GREEDY_ROUNDS):
        scores = [_score(folds, counts + one) for one in np.eye(n_runs)]
        counts[int(np.argmax(scores))] += 1
        if max(scores) > best[0]:
            best = (max(scores), counts.copy())
    shares = best[1] / best[1].sum()
    return Weights(np.repeat(shares[:, np.newaxis], n_labels, axis=1), np.zeros(n_labels))


def _score(folds: Sequence[FoldValues], shares: np.ndarray) -> float:
    """Mean over the folds of the mean column-wise AUC."""
    return float(
        np.mean([fold_score(fold.labels, np.tensordot(shares, fold.values, axes=1)) for fold in folds])
    )


def fold_score(labels: np.ndarray, values: np.ndarray) -> float:
    """Mean column-wise AUC of one fold, as metrics.column_auc would have it, but fast."""
    return mean_auc(np.array([resampled_auc(*pair)[0] for pair in zip(labels.T, values.T, strict=True)]))


def find_stack(folds: Sequence[FoldValues]) -> Weights:
    """A logistic regression for each label on the runs' log-odds, with an L2 penalty (Wolpert 1992)."""
    values = np.concatenate([fold.values for fold in folds], axis=1)
    labels = np.concatenate([fold.labels for fold in folds])
    n_runs, _, n_labels = values.shape
    found = equal_weights(n_runs, n_labels)
    for label in range(n_labels):
        known = ~np.isnan(labels[:, label])
        if len(np.unique(labels[known, label])) == 2:
            model = LogisticRegression(C=STACK_C).fit(values[:, known, label].T, labels[known, label])
            found.runs[:, label], found.intercept[label] = model.coef_[0], model.intercept_[0]
    return found


FINDERS: dict[str, Finder] = {"equal": find_equal, "greedy": find_greedy, "stack": find_stack}


def nested_weights(folds: Sequence[FoldValues], find: Finder) -> list[Weights]:
    """For each fold the weights found without it: what they score on it is no choice of its own rows."""
    if len(folds) == 1:  # with equal weights, which no rows choose
        return [find(folds)]
    return [find([*folds[:index], *folds[index + 1 :]]) for index in range(len(folds))]


def nested_score(folds: Sequence[FoldValues], find: Finder) -> float:
    """Mean over the folds of the mean AUC of each by weights found on the others."""
    weights = nested_weights(folds, find)
    pairs = zip(folds, weights, strict=True)
    return float(np.mean([fold_score(fold.labels, own.combine(fold.values)) for fold, own in pairs]))


def contributions(folds: Sequence[FoldValues], find: Finder) -> np.ndarray:
    """What the nested mean AUC loses without each run, float64 [n_runs]; below 0 where the blend is better off."""
    whole = nested_score(folds, find)
    runs = range(len(folds[0].values))
    without = [
        nested_score([FoldValues(np.delete(fold.values, run, axis=0), fold.labels) for fold in folds], find)
        for run in runs
    ]
    return whole - np.array(without)
