"""Boosted trees as the second level of a blend: all labels of all runs at once, and how a text is written."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from .blend_values import FoldValues

SETTINGS = {
    "early_stopping": False,  # a chosen share of the rows would be lost
    "max_iter": 150,
    "learning_rate": 0.05,
    "max_leaf_nodes": 8,
    "min_samples_leaf": 20,
    "l2_regularization": 10.0,
}


@dataclass(frozen=True)
class Trees:
    """A blend by one model per label, whose log-odds are averaged with the mean of the runs' own.

    Trees alone lose rank within their leaves, and learn from chance where a label has few positives.
    ``models``: None for a label with one class only, which keeps the runs' mean.
    """

    models: Sequence[HistGradientBoostingClassifier | None]

    def combine(self, values: np.ndarray, facts: np.ndarray) -> np.ndarray:
        """Blend log-odds, float64 [n_runs, n_rows, n_labels] and [n_rows, n_facts] -> log-odds [n_rows, n_labels]."""
        features, combined = _features(values, facts), values.mean(axis=0)
        for label, model in enumerate(self.models):
            if model is not None:
                combined[:, label] = (combined[:, label] + model.decision_function(features)) / 2
        return combined

    def shares(self, labels: Sequence[str]) -> dict[str, np.ndarray]:
        """Return nothing: trees have no weights."""
        return {}

    def described(self, names: Sequence[str]) -> dict:
        """Return what a submission's record says of the blend of the runs ``names``."""
        return {"runs": list(names), "trees": SETTINGS}


def find_trees(folds: Sequence[FoldValues]) -> Trees:
    """Fit one model per label on the log-odds of all labels by all runs, and on the rows' facts.

    A row gets no lower log-odds when a run gives the label a higher one.
    """
    values = np.concatenate([fold.values for fold in folds], axis=1)
    labels = np.concatenate([fold.labels for fold in folds])
    n_runs, _, n_labels = values.shape
    features = _features(values, np.concatenate([fold.facts for fold in folds]))
    models = []
    for label in range(n_labels):
        rises = np.zeros(features.shape[1], int)
        rises[[run * n_labels + label for run in range(n_runs)]] = 1
        models.append(_fitted(features, labels[:, label], rises))
    return Trees(models)


def _features(values: np.ndarray, facts: np.ndarray) -> np.ndarray:
    """Return what the trees see: the labels of the first run, those of the next runs, the facts."""
    return np.concatenate([*values, facts], axis=1)


def _fitted(
    features: np.ndarray, labels: np.ndarray, rises: np.ndarray
) -> HistGradientBoostingClassifier | None:
    known = ~np.isnan(labels)
    if len(np.unique(labels[known])) < 2:
        return None
    model = HistGradientBoostingClassifier(**SETTINGS, monotonic_cst=rises, random_state=0)
    with threadpool_limits(
        1
    ):  # beside other work, threads that wait for each other take several times as long
        return model.fit(features[known], labels[known])
