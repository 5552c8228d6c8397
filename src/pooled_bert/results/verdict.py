"""What matters in ten seconds: which run or blend is best and by how much, where it is weak, and what to mind."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..benchmarks.benchmark import Benchmark
from ..benchmarks.targets import LOWER_IS_BETTER, gain, mean_of_known
from ..data.rows import labels_of
from ..runs.comparable_runs import in_one_order
from ..runs.finished_runs import Run
from .blend import blend_oof
from .resampling import CONFIDENCE, Estimate, Resampled, estimate, resample
from .score_tables import runs_by_note

VISIBLE = 1e-3  # a smaller difference between folds is not worth a word
FEW = 10  # rows of a class per fold; with fewer, the fold's AUC depends on chance


@dataclass(frozen=True)
class Contender:
    """A run, or the blend of several. ``runs``: the names; ``oof``: predictions by fold."""

    runs: tuple[str, ...]
    oof: dict[int, pd.DataFrame]
    is_honest: bool
    resampled: Resampled

    @property
    def name(self) -> str:
        """The run's name, or those of the blended runs."""
        return " + ".join(self.runs)

    @property
    def is_blend(self) -> bool:
        """Whether several runs are blended."""
        return len(self.runs) > 1

    @property
    def score(self) -> Estimate:
        """The score that counts, mean over the folds."""
        return self.resampled.mean


@dataclass(frozen=True)
class WeakLabel:
    """The label with the lowest AUC, and how many rows have it."""

    name: str
    auc: Estimate
    positives: int


@dataclass(frozen=True)
class Folds:
    """The folds' scores, and the fold that falls out, if one does: its score and the mean of the others."""

    scores: dict[int, float]
    outlier: int | None
    others: float


@dataclass(frozen=True)
class Caution:
    """A sentence to mind, with the names of the runs that it is about; none if it is about the data."""

    text: str
    runs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """The best contender; all contenders, the best first; and what to know about the best."""

    best: Contender
    contenders: list[Contender]
    weakest: WeakLabel | None
    folds: Folds | None
    warnings: list[Caution]
    lower_is_better: bool

    def lead(self, other: Contender) -> Estimate:
        """Return by how much the best is better than another contender, on the same rows: above 0 where it is."""
        found = self.best.resampled.minus(other.resampled)
        return found.negative if self.lower_is_better else found


def find_verdict(
    runs: Sequence[Run], shown: Sequence[Run], train: pd.DataFrame, benchmark: Benchmark
) -> Verdict:
    """Compare runs on the same folds, and the equal blend of the runs that are shown, if these have the same folds.

    An optimistic run is never the best while there is another. Of honest contenders with the most folds, the one with
    the best mean score is the best.
    """
    runs = in_one_order(runs)
    shown = [run for run in runs if run.name in {one.name for one in shown}]
    blends = [shown] if len(shown) > 1 and len({tuple(run.oof) for run in shown}) == 1 else []
    competing = [*([run] for run in runs), *blends]
    tables = [*(run.oof for run in runs), *(blend_oof(blend, benchmark.target, "logit") for blend in blends)]
    contenders = [
        Contender(tuple(run.name for run in parts), oof, not any(map(_is_optimistic, parts)), resampled)
        for parts, oof, resampled in zip(competing, tables, resample(tables, train, benchmark), strict=True)
    ]

    def rank(one: Contender) -> tuple:
        better = gain(benchmark.score, one.score.value)
        return not one.is_honest, -len(one.oof), np.inf if np.isnan(better) else -better

    contenders = sorted(contenders, key=rank)
    best = contenders[0]
    return Verdict(
        best,
        contenders,
        _weakest(best, train, benchmark),
        _folds(best),
        [*_of_runs(runs, best, benchmark), *_of_rows(best, train, benchmark)],
        benchmark.score in LOWER_IS_BETTER,
    )


def _is_optimistic(run: Run) -> bool:
    return run.folds[0].metrics["optimistic"]


def _weakest(best: Contender, train: pd.DataFrame, benchmark: Benchmark) -> WeakLabel | None:
    if len(benchmark.labels) == 1:
        return None
    aucs = [best.resampled.auc(column) for column in range(len(benchmark.labels))]
    values = [auc.value for auc in aucs]
    if np.isnan(values).all():
        return None
    weakest = int(np.nanargmin(values))
    positives = int((labels_of(train).iloc[:, weakest] == 1).sum())
    return WeakLabel(benchmark.labels[weakest], aucs[weakest], positives)


def _folds(best: Contender) -> Folds | None:
    """Find the fold whose score differs from the mean of the others by more than chance, if there is one.

    The interval of the difference is as wide as it must be for all folds together to have CONFIDENCE (Bonferroni).
    """
    draws = best.resampled.score
    scores = {fold: float(values[0]) for fold, values in draws.items()}
    if len(scores) < 3:
        return None
    differences = {}
    for fold, values in draws.items():
        others = mean_of_known(np.array([drawn for other, drawn in draws.items() if other != fold]))
        differences[fold] = estimate(values - others, 1 - (1 - CONFIDENCE) / len(scores))
    clear = {fold: found.value for fold, found in differences.items() if found.is_clear}
    outlier = max(clear, key=lambda fold: abs(clear[fold]), default=None)
    if outlier is None or abs(clear[outlier]) < VISIBLE:
        return Folds(scores, None, np.nan)
    return Folds(scores, outlier, scores[outlier] - clear[outlier])


def _of_runs(runs: Sequence[Run], best: Contender, benchmark: Benchmark) -> list[Caution]:
    warnings = [Caution(note, tuple(names)) for note, names in runs_by_note(runs, benchmark).items()]
    unequal = [run.name for run in runs if set(run.oof) != set(best.oof)]
    if unequal:
        text = f"not the folds of {best.name}: differences are over the folds that both have"
        warnings.append(Caution(text, tuple(unequal)))
    return warnings


def _of_rows(best: Contender, train: pd.DataFrame, benchmark: Benchmark) -> list[Caution]:
    """Warn of labels with few positives, or few negatives, per fold."""
    truth = train.set_index("id")[list(benchmark.labels)]
    warnings = []
    for word, value in (("positives", 1), ("negatives", 0)):
        fewest = pd.DataFrame(
            {fold: (truth.loc[table["id"]] == value).sum() for fold, table in best.oof.items()}
        )
        few = fewest.min(axis=1)
        few = few[few < FEW]
        if len(few):
            named = ", ".join(f"{label} ({number})" for label, number in few.items())
            warnings.append(
                Caution(f"fewer than {FEW} {word} in a fold, so scores depend on chance: {named}")
            )
    return warnings
