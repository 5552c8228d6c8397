"""Out-of-fold scores in many resamples of the rows: intervals, and paired differences of runs.

Validation rows are drawn within folds, with replacement, and the same rows for all runs (a paired bootstrap). Where
rows have groups, e.g. speakers, whole groups are drawn, over all folds. Seed-to-seed variance is not included.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..base.numbers import decimals, number
from ..benchmarks.benchmark import Benchmark
from ..benchmarks.metrics import resampled_auc
from ..benchmarks.targets import mean_of_known
from .draws import draw, row_groups

RESAMPLES = 1000
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimate:
    """A value, and the bounds of its interval; the bounds are NaN if it has none."""

    value: float
    low: float
    high: float

    @property
    def half_width(self) -> float:
        """Half of the interval's width."""
        return (self.high - self.low) / 2

    def as_text(self, *, sign: bool = False) -> str:
        """Return "0.957 [0.947, 0.966]"; of a difference, with ``sign``, "+0.004 [−0.001, +0.009]"."""
        places = decimals(self.half_width)
        value, low, high = (number(part, places, sign=sign) for part in (self.value, self.low, self.high))
        return value if np.isnan(self.low) else f"{value} [{low}, {high}]"

    @property
    def negative(self) -> "Estimate":
        """The same with the other sign."""
        return Estimate(-self.value, -self.high, -self.low)

    @property
    def is_clear(self) -> bool:
        """Whether the interval excludes 0: of a difference, whether its sign is clear."""
        return bool(self.low > 0 or self.high < 0)


def estimate(values: np.ndarray, confidence: float = CONFIDENCE) -> Estimate:
    """Return the first value, which is of the rows themselves, and the interval of the others, which are of draws."""
    drawn = values[1:][~np.isnan(values[1:])]
    if not len(drawn):
        return Estimate(float(values[0]), np.nan, np.nan)
    low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Estimate(float(values[0]), float(low), float(high))


@dataclass(frozen=True)
class Resampled:
    """One score of a run in many resamples. ``score`` and ``aucs``: by fold.

    score : float64 [1 + RESAMPLES], of the rows themselves, then of each draw.
    aucs : float64 [n_labels, 1 + RESAMPLES].
    """

    score: dict[int, np.ndarray]
    aucs: dict[int, np.ndarray]

    @property
    def mean(self) -> Estimate:
        """The mean score over the folds."""
        return estimate(mean_of_known(np.array(list(self.score.values()))))

    def minus(self, other: "Resampled") -> Estimate:
        """Return the difference of the mean scores over the folds that both have, drawn in pairs."""
        common = sorted(self.score.keys() & other.score.keys())
        return estimate(mean_of_known(np.array([self.score[fold] - other.score[fold] for fold in common])))

    def auc(self, label: int) -> Estimate:
        """Return the AUC of a label, mean over the folds."""
        return estimate(mean_of_known(np.array([aucs[label] for aucs in self.aucs.values()])))


def resample(
    predictions: Sequence[Mapping[int, pd.DataFrame]],
    train: pd.DataFrame,
    benchmark: Benchmark,
    *,
    seed: int = 0,
) -> list[Resampled]:
    """Resample the score that counts, and each label's AUC, of several runs or blends.

    predictions : of each, by fold; the rows of a fold are in the same order in all of them.
    """
    target, name = benchmark.target, benchmark.score
    found: list[Resampled] = [Resampled({}, {}) for _ in predictions]
    truth, draw = train.set_index("id")[list(benchmark.labels)], _drawer(train, seed)
    for fold in sorted({fold for oof in predictions for fold in oof}):
        tables = [(one, oof[fold]) for one, oof in zip(found, predictions, strict=True) if fold in oof]
        ids = tables[0][1]["id"]
        labels, counts = truth.loc[ids].to_numpy(np.float64), draw(fold, ids)
        for one, table in tables:
            values = table[list(benchmark.labels)].to_numpy(np.float64)
            one.aucs[fold] = _aucs(labels, values, counts)
            one.score[fold] = (
                mean_of_known(one.aucs[fold])
                if name == "mean_auc"
                else target.resampled(name, labels, values, counts)
            )
    return found


def resampled_aucs(
    oof: Mapping[int, pd.DataFrame], train: pd.DataFrame, labels: Sequence[str], seed: int = 0
) -> dict[int, np.ndarray]:
    """Return by fold each label's AUC, float64 [n_labels, 1 + RESAMPLES]: of the rows themselves, then of each draw."""
    truth, draw = train.set_index("id")[list(labels)], _drawer(train, seed)
    return {
        fold: _aucs(
            truth.loc[table["id"]].to_numpy(np.float64),
            table[list(labels)].to_numpy(np.float64),
            draw(fold, table["id"]),
        )
        for fold, table in oof.items()
    }


def _aucs(labels: np.ndarray, scores: np.ndarray, counts: np.ndarray) -> np.ndarray:
    return np.stack([resampled_auc(*column, counts) for column in zip(labels.T, scores.T, strict=True)])


def _drawer(train: pd.DataFrame, seed: int) -> Callable[[int, pd.Series], np.ndarray]:
    """Return the function: fold and ids of its rows -> counts, float32 [1 + RESAMPLES, n_rows] in Fortran's order."""
    groups = row_groups(train, np.arange(len(train)))
    if groups is None:
        return lambda fold, ids: draw(len(ids), samples=RESAMPLES, seed=seed + fold)
    names, group_of_row = np.unique(groups, return_inverse=True)
    drawn = draw(len(names), samples=RESAMPLES, seed=seed)
    row_of = pd.Series(np.arange(len(train)), index=train["id"])
    return lambda _, ids: np.asfortranarray(drawn[:, group_of_row[row_of.loc[ids].to_numpy()]])
