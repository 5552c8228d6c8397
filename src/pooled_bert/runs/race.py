"""Run the stages of a successive halving: announce, train, compare, go on with the best."""

import contextlib
import math
import time
from collections.abc import Sequence
from dataclasses import replace

from ..base.deadline import Deadline
from ..base.errors import INTERRUPTED_STATUS, TIME_LIMIT_STATUS, InputError, TimeLimitReached
from ..base.places import Workspace
from ..benchmarks.targets import SCORE_TITLES, gain
from ..data.rows import Rows
from .ablation import train
from .finished_runs import Run, read_run
from .halving import Candidate, Clock, Stage, best, jobs_of, run_name, stages


class Race:
    """The candidates, what they learn from, and the time that is left.

    common : options of train_folds.py of every candidate.  prefix : start of the runs' names.
    """

    def __init__(
        self,
        candidates: Sequence[Candidate],
        rows: Rows,
        folds: Sequence[int],
        common: Sequence[str],
        *,
        n_folds: int,
        prefix: str,
        workspace: Workspace,
        deadline: Deadline,
    ):
        self.rows, self.common, self.prefix = rows, common, prefix
        self.workspace, self.deadline = workspace, deadline
        self.candidates = list(candidates)
        n_valid = len(rows.train) // n_folds
        n_rows = len(rows.train) - n_valid
        self.plan = stages(len(candidates), n_rows, folds)
        self.clock = Clock(n_rows, n_valid, 0 if rows.test is None else len(rows.test))

    def run(self, at_a_time: int = 1) -> Run:
        """Run all stages, ``at_a_time`` trainings at once; returns the winner's run.

        Trainings that are finished are not repeated. Raises InputError if a training fails, and TimeLimitReached.
        """
        for number in range(len(self.plan)):
            self._announce(number)
            gains = self._train(self.plan[number], number, at_a_time)
            if number + 1 < len(self.plan):
                kept = best(gains, self._affordable(number + 1))
                self.candidates = [candidate for candidate in self.candidates if candidate.name in kept]
                self.plan[number + 1] = replace(self.plan[number + 1], count=len(kept))
        return self._read(self.candidates[0], self.plan[-1])

    def _announce(self, number: int) -> None:
        total = 0.0
        for later, stage in enumerate(self.plan[number:], start=number):
            seconds = self.clock.seconds(self.candidates, stage)
            total += seconds
            known = "" if math.isnan(seconds) else f": about {seconds / 60:.0f} min"
            print(f"stage {later + 1} of {len(self.plan)}: {stage}{known}", flush=True)
        if not math.isnan(total) and not self.deadline.leaves(total):
            print("the time limit ends before this plan does; to go on, repeat the command", flush=True)

    def _affordable(self, number: int) -> int:
        """Return how many candidates the stage ``number`` can have, so that the stages after it fit into the time."""
        count = self.plan[number].count
        while count > 1:
            plan = [replace(self.plan[number], count=count), *self.plan[number + 1 :]]
            if self.deadline.leaves(sum(self.clock.seconds(self.candidates, stage) for stage in plan)):
                break
            count -= 1
        if count < self.plan[number].count:
            print(f"the time limit allows {count} instead of {self.plan[number].count} in stage {number + 1}")
        return count

    def _train(self, stage: Stage, number: int, at_a_time: int) -> dict[str, float]:
        """Train a stage; returns the gain of each candidate, higher is better."""
        candidates = {candidate.name: candidate for candidate in self.candidates}
        logs = self.workspace.ablation_logs
        jobs = jobs_of(stage, self.candidates, self.common, prefix=self.prefix, logs=logs)
        started, gains = time.monotonic(), {}
        score = self.rows.benchmark.score
        with contextlib.closing(train(jobs, at_a_time, self.deadline)) as results:
            for count, (job, status) in enumerate(results, start=1):
                if status == INTERRUPTED_STATUS:
                    raise KeyboardInterrupt
                if status == TIME_LIMIT_STATUS:
                    raise TimeLimitReached(f"the time limit is reached in stage {number + 1}")
                if status:
                    raise InputError(f"{job.recipe}: not trained; {job.log} says why ({job.last_line()})")
                fold = self._read(candidates[job.recipe], stage, [job.fold]).folds[0]
                self.clock.add(candidates[job.recipe], stage, fold.config["information"].get("seconds", 0.0))
                value = fold.metrics[score]
                gains[job.recipe] = gain(score, value) if value is not None else float("-inf")
                left = (time.monotonic() - started) / count * (len(jobs) - count) / 60
                shown = "-" if value is None else f"{value:.4f}"
                print(
                    f"{job.recipe}, fold {job.fold}: {SCORE_TITLES[score]} {shown}"
                    f" ({count} of {len(jobs)} of stage {number + 1}, {left:.0f} min left in it)",
                    flush=True,
                )
        return gains

    def _read(self, candidate: Candidate, stage: Stage, folds: list[int] | None = None) -> Run:
        folder = self.workspace.runs(self.rows.benchmark.name)
        return read_run(folder / run_name(candidate, stage, self.prefix), folds)
