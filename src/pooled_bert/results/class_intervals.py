"""Scores of one class per row with 95 % intervals, and paired differences of runs, by a bootstrap of rows or groups."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..benchmarks.targets import Target
from .draws import draw
from .resampling import estimate

RESAMPLES = 2000


@dataclass(frozen=True)
class Decisions:
    """True classes of labelled rows, and those that a run assigns, int64 [n_rows]; the group of each row, or None."""

    true: np.ndarray
    assigned: np.ndarray
    n_classes: int
    groups: np.ndarray | None = None

    def counts(self, seed: int = 0) -> np.ndarray:
        """Return how often each draw holds each row, float32 [1 + RESAMPLES, n_rows]; the first holds each once."""
        names = np.arange(len(self.true)) if self.groups is None else self.groups
        units, unit_of_row = np.unique(names, return_inverse=True)
        return draw(len(units), samples=RESAMPLES, seed=seed)[:, unit_of_row]

    def scores(self, counts: np.ndarray) -> dict[str, np.ndarray]:
        """Return each score by its title, float64 [n_draws]; means are over the classes that occur in the draw."""
        cells = np.eye(self.n_classes**2)[self.true * self.n_classes + self.assigned]
        matrix = (counts @ cells).reshape(len(counts), self.n_classes, self.n_classes)
        hits = np.diagonal(matrix, axis1=1, axis2=2)
        of_class, as_class = matrix.sum(axis=2), matrix.sum(axis=1)
        occurs = of_class > 0

        def macro(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
            values = np.divide(numerator, denominator, out=np.zeros_like(hits), where=denominator > 0)
            return (values * occurs).sum(axis=1) / occurs.sum(axis=1)

        return {
            "accuracy": hits.sum(axis=1) / of_class.sum(axis=1),
            "average recall": macro(hits, of_class),
            "macro precision": macro(hits, as_class),
            "macro F1": macro(2 * hits, of_class + as_class),
        }


def decisions(
    labels: np.ndarray, probabilities: np.ndarray, target: Target, groups: np.ndarray | None = None
) -> Decisions:
    """Return the decisions on the labelled rows; both arrays are float [n_rows, n_classes]."""
    known = ~np.isnan(labels).any(axis=1)
    assigned = target.decide(probabilities[known]).argmax(axis=1)
    return Decisions(
        labels[known].argmax(axis=1),
        assigned,
        labels.shape[1],
        None if groups is None else groups[known],
    )


def interval_table(run: Decisions) -> pd.DataFrame:
    """Return one row per score: its value on all rows, and the bounds of its 95 % interval."""
    estimates = {name: estimate(values) for name, values in run.scores(run.counts()).items()}
    rows = {name: [found.value, found.low, found.high] for name, found in estimates.items()}
    return pd.DataFrame.from_dict(rows, orient="index", columns=["pooled", "low", "high"])


def difference_table(runs: dict[str, Decisions]) -> pd.DataFrame:
    """Return one row per run and score: its value on all rows, its difference from the first run, and their bounds.

    All runs have the same rows in the same order, and the draws are the same for all.
    """
    first = next(iter(runs.values()))
    counts = first.counts()
    base = first.scores(counts)
    rows = {}
    for name, run in runs.items():
        for score, values in run.scores(counts).items():
            rows[f"{name}: {score}"] = {"pooled": values[0]}
            if run is not first:
                found = estimate(values - base[score])
                rows[f"{name}: {score}"] |= {"difference": found.value, "low": found.low, "high": found.high}
    return pd.DataFrame.from_dict(rows, orient="index")


def group_table(run: Decisions) -> pd.DataFrame:
    """Return one row per group: its rows, how many classes occur in it, and its scores over these classes."""
    assert run.groups is not None
    rows = {}
    for group in np.unique(run.groups):
        own = (run.groups == group).astype(int)
        facts = {"rows": int(own.sum()), "classes": len(np.unique(run.true[own == 1]))}
        rows[group] = facts | {name: values[0] for name, values in run.scores(own[np.newaxis]).items()}
    return pd.DataFrame.from_dict(rows, orient="index").astype({"rows": object, "classes": object})
