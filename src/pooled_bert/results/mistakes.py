"""The rows that a run got most wrong."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .fold_scores import FoldScores


@dataclass(frozen=True)
class Mistake:
    """A row of the training table, what it scored for a label that it has or has not, and the labels it has."""

    row: int
    score: float
    has: tuple[str, ...]


def worst_mistakes(
    scores: FoldScores, labels: Sequence[str], *, n: int
) -> dict[str, tuple[list[Mistake], list[Mistake]]]:
    """For each label the ``n`` rows without it that score highest, and the ``n`` with it that score lowest."""
    found = {}
    for column, label in enumerate(labels):
        truth, values = scores.labels[:, column], scores.scores[:, column]
        without, having = np.flatnonzero(truth == 0), np.flatnonzero(truth == 1)
        falsely = without[np.argsort(-values[without], kind="stable")[:n]]
        missed = having[np.argsort(values[having], kind="stable")[:n]]
        found[label] = tuple(
            [_mistake(scores, row, column, labels) for row in rows] for rows in (falsely, missed)
        )
    return found


def _mistake(scores: FoldScores, row: int, column: int, labels: Sequence[str]) -> Mistake:
    has = tuple(label for label, value in zip(labels, scores.labels[row], strict=True) if value == 1)
    return Mistake(int(scores.rows[row]), float(scores.scores[row, column]), has)
