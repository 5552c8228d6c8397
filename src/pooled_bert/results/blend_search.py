"""The ways of finding a blend, and the honest score of each: every fold by what was found on the other folds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..benchmarks.targets import mean_of_known
from .blend_trees import find_trees
from .blend_values import Combination, FoldValues
from .blend_weights import find_equal, find_greedy, find_stack

Find = Callable[[Sequence[FoldValues]], Combination]


@dataclass(frozen=True)
class Finder:
    """A way of finding a blend. ``of_log_odds``: on no other scale. ``reads_facts``: needs facts about the rows."""

    find: Find
    of_log_odds: bool = False
    reads_facts: bool = False


FINDERS = {
    "equal": Finder(find_equal),
    "greedy": Finder(find_greedy),
    "stack": Finder(find_stack, of_log_odds=True),
    "trees": Finder(find_trees, of_log_odds=True, reads_facts=True),
}


def find_nested(folds: Sequence[FoldValues], find: Find) -> list[Combination]:
    """Return, for each fold, the blend found on the other folds, so that the fold's own score is honest."""
    if len(folds) == 1:  # only with equal weights, which do not depend on rows
        return [find(folds)]
    return [find([*folds[:index], *folds[index + 1 :]]) for index in range(len(folds))]


def nested_score(folds: Sequence[FoldValues], nested: Sequence[Combination]) -> float:
    """Compute the mean of the folds' scores, each by its own blend of ``nested``; NaN: no fold has a score."""
    pairs = zip(folds, nested, strict=True)
    scores = [fold.score(fold.labels, found.combine(fold.values, fold.facts)) for fold, found in pairs]
    return float(mean_of_known(np.array(scores)))


def contributions(folds: Sequence[FoldValues], find: Find, nested: Sequence[Combination]) -> np.ndarray:
    """Compute how much nested score the blend loses without each run, float64 [n_runs]; negative: it gains.

    nested : of ``find_nested`` with all runs.
    """

    def score_without(run: int) -> float:
        others = [replace(fold, values=np.delete(fold.values, run, axis=0)) for fold in folds]
        return nested_score(others, find_nested(others, find))

    scores = [score_without(run) for run in range(len(folds[0].values))]
    return nested_score(folds, nested) - np.array(scores)
