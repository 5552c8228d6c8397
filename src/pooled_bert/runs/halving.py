"""Successive halving: many candidates on few rows, the best of them on all rows, the winner on all folds.

From Jamieson & Talwalkar 2016, "Non-stochastic Best Arm Identification". What is losing is stopped early, so most of
the time goes to what is winning.
"""

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..base.errors import InputError
from ..base.rules import NAME
from ..training.settings import RunSettings
from .ablation import Job

FIRST_SHARE = 0.1  # of a fold's training rows, in the first stage
KEPT = 1 / 3  # of the candidates, from one stage to the next
FINALISTS = 2  # at least: few rows mean few steps, which favours high rates, so all rows have the last word
PREDICTING = 1 / 3  # what predicting a row costs, as a share of learning from it once


@dataclass(frozen=True)
class Candidate:
    """One setting that is tried: its name, the options that it adds to train_folds.py, and its passes over the rows."""

    name: str
    options: tuple[str, ...]
    epochs: int


@dataclass(frozen=True)
class Stage:
    """One round: ``count`` candidates learn from ``rows`` rows of each of the folds; None: from all rows.

    ``n_trained`` of the folds were trained by the stage before.
    """

    count: int
    rows: int | None
    folds: tuple[int, ...]
    n_trained: int = 0

    @property
    def predicts_test(self) -> bool:
        """Whether the test rows are predicted: the winner's folds are then ready to be submitted."""
        return self.rows is None

    def __str__(self) -> str:
        rows = "all rows" if self.rows is None else f"{self.rows:,} rows"
        settings = "1 setting" if self.count == 1 else f"{self.count} settings"
        return f"{settings}, {rows}, fold {' '.join(map(str, self.folds))}"


def grid(values: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Return name -> options of every combination of the options' values."""
    combinations = [
        [(option, value) for value in dict.fromkeys(choices)] for option, choices in values.items()
    ]
    return {
        "-".join(f"{option}-{value}" for option, value in chosen): tuple(
            word for option, value in chosen for word in (f"--{option}", value)
        )
        for chosen in itertools.product(*combinations)
    }


def stages(n_candidates: int, n_rows: int, folds: Sequence[int]) -> list[Stage]:
    """Return the plan: all candidates on a tenth of the first fold's rows, a third of them on all, one on all folds.

    n_rows : training rows of a fold.  At least two candidates learn from all rows of the first fold, where there are
    two; a single one goes to all folds at once.
    """
    first = (folds[0],)
    finalists = min(n_candidates, max(FINALISTS, round(n_candidates * KEPT)))
    plan = []
    if n_candidates > finalists:
        plan.append(Stage(n_candidates, math.ceil(n_rows * FIRST_SHARE), first))
    if finalists > 1:
        plan.append(Stage(finalists, None, first))
    return [*plan, Stage(1, None, tuple(folds), n_trained=1 if plan else 0)]


class Clock:
    """Estimates how long trainings take, from those that are finished.

    A training takes time in proportion to its rows times its epochs, and to the rows that it predicts.
    """

    def __init__(self, n_rows: int, n_valid: int, n_test: int):
        self.n_rows, self.n_valid, self.n_test = n_rows, n_valid, n_test
        self._work, self._seconds = 0.0, 0.0

    def work(self, candidate: Candidate, stage: Stage) -> float:
        """Return the work of one fold, in rows that are learnt from once."""
        learnt = (stage.rows or self.n_rows) * candidate.epochs
        predicted = self.n_valid + (self.n_test if stage.predicts_test else 0)
        return learnt + PREDICTING * predicted

    def add(self, candidate: Candidate, stage: Stage, seconds: float) -> None:
        """Take a finished training into account."""
        self._work += self.work(candidate, stage)
        self._seconds += seconds

    def seconds(self, candidates: Iterable[Candidate], stage: Stage) -> float:
        """Estimate the seconds of a stage with these candidates; NaN before any training is finished.

        Where a stage will have fewer candidates than are still tried, their mean stands for those to come.
        """
        works = [self.work(candidate, stage) for candidate in candidates]
        per_work = self._seconds / self._work if self._work else math.nan
        n_trainings = stage.count * (len(stage.folds) - stage.n_trained)
        return per_work * n_trainings * sum(works) / len(works)


def jobs_of(
    stage: Stage, candidates: Sequence[Candidate], common: Sequence[str], *, prefix: str, logs: Path
) -> list[Job]:
    """Return the trainings of a stage; the runs of a share of the rows have the number of rows in their names."""
    jobs = []
    for candidate, fold in itertools.product(candidates, stage.folds):
        run = run_name(candidate, stage, prefix)
        limit = () if stage.rows is None else ("--limit", str(stage.rows))
        test = () if stage.predicts_test else ("--no-test",)
        words = (*common, *candidate.options, *limit, *test, "--run", run)
        jobs.append(Job(candidate.name, fold, words, logs / f"{run}-fold-{fold}.log"))
    return jobs


def run_name(candidate: Candidate, stage: Stage, prefix: str) -> str:
    """Return the name of a candidate's run in a stage."""
    ending = "" if stage.rows is None else f"-{stage.rows}"
    return f"{prefix}-{candidate.name}{ending}"


def best(gains: dict[str, float], count: int) -> list[str]:
    """Return the names of the ``count`` candidates with the highest gains, the best first."""
    return sorted(gains, key=lambda name: -gains[name])[:count]


def check_values(values: Mapping[str, Sequence[str]]) -> None:
    """Raise InputError for an option that stages set, or whose values cannot be part of a run's name."""
    for option in values:
        if option in ("fold", "run"):
            raise InputError(f"--tune {option}: is set by the stages; tune options of the model")
    for name in grid(values):
        if not NAME.allows(name):
            raise InputError(
                f"--tune {name!r:.120}: a run cannot have this name; give each value as --try 'NAME: OPTIONS'"
            )


def check_settings(option: str, settings: RunSettings, common: RunSettings) -> None:
    """Raise InputError if the settings of a candidate, from ``option``, change which rows it learns from."""
    if common.limit is not None:
        raise InputError("--limit: does not go with --tune, whose stages say how many rows are learnt from")
    for name in ("limit", "n_folds", "fold_seed", "group_by", "near_duplicates"):
        if getattr(settings, name) != getattr(common, name):
            flag = "--" + name.replace("_", "-")
            raise InputError(f"{option}: {flag} must be the same for all settings; leave it out")
