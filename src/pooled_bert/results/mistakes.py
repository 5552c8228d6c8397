"""The worst mistakes of a run."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .fold_scores import FoldScores


@dataclass(frozen=True)
class Mistake:
    """One mistake: ``row`` of the training table, its ``score`` for the label in question, the labels it ``has``."""

    row: int
    score: float
    has: tuple[str, ...]


def worst_mistakes(
    scores: FoldScores, labels: Sequence[str], *, n: int
) -> dict[str, tuple[list[Mistake], list[Mistake]]]:
    """Find, per label, the ``n`` highest-scoring rows without the label and the ``n`` lowest-scoring rows with it.

    Returns label -> (rows without the label, rows with it), each with the worst row first.
    """
    mistakes = {}
    for column, label in enumerate(labels):
        truth, values = scores.labels[:, column], scores.scores[:, column]
        negatives, positives = np.flatnonzero(truth == 0), np.flatnonzero(truth == 1)
        highest_negatives = negatives[np.argsort(-values[negatives], kind="stable")[:n]]
        lowest_positives = positives[np.argsort(values[positives], kind="stable")[:n]]
        mistakes[label] = tuple(
            [_mistake(scores, row, column, labels) for row in rows]
            for rows in (highest_negatives, lowest_positives)
        )
    return mistakes


def _mistake(scores: FoldScores, row: int, column: int, labels: Sequence[str]) -> Mistake:
    has = tuple(label for label, value in zip(labels, scores.labels[row], strict=True) if value == 1)
    return Mistake(int(scores.rows[row]), float(scores.scores[row, column]), has)
