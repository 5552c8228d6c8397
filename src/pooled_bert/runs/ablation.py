"""The same training with one technique more: which are tried, and how the trainings are run."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from ..base.errors import InputError
from ..base.places import command

PLAIN = "plain"
RECIPES = {
    PLAIN: (),
    "cls": ("--pooling", "cls"),
    "mean_max": ("--pooling", "mean_max"),
    "attention": ("--pooling", "attention"),
    "head_tail": ("--truncation", "head_tail"),
    "windows": ("--windows", "mean"),
    "layer_decay": ("--layer-decay", "0.9"),
    "ema": ("--ema", "0.99"),
    "adversarial": ("--adversarial", "0.5"),
    "positive_weight": ("--positive-weight", "0.5"),
    "pseudo": ("--pseudo", PLAIN, "--pseudo-rows", "5000"),
}


@dataclass(frozen=True)
class Job:
    """One fold by one recipe, trained by train_folds.py as run ``<prefix>-<recipe>``."""

    recipe: str
    fold: int
    options: tuple[str, ...]
    log: Path  # what the training says

    def train(self, cores: set[int]) -> int:
        """Train it, or what is left of it, on these cores; returns the exit status."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        words = [sys.executable, str(command("train_folds.py")), *self.options, "--fold", str(self.fold)]
        with self.log.open("w", encoding="utf-8") as log:
            confine = (lambda: os.sched_setaffinity(0, cores)) if cores else None
            return subprocess.run(words, stdout=log, stderr=subprocess.STDOUT, preexec_fn=confine).returncode

    def last_words(self) -> str:
        """The last line it said."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").replace("\r", "\n").split("\n")
        return next((line for line in reversed(lines) if line.strip()), "nothing")


def plan(
    recipes: dict[str, Sequence[str]],
    folds: Sequence[int],
    options: Sequence[str],
    *,
    prefix: str,
    logs: Path,
) -> list[Job]:
    """Fold by fold, so that a table of what is done so far compares like with like; pseudo-labels after their source.

    Test rows are predicted where pseudo-labels are made of them alone.
    """
    learners = [name for name, own in recipes.items() if "--pseudo" in own]
    if learners and PLAIN not in recipes:
        raise InputError(f"recipe {learners[0]} learns from the test predictions of {PLAIN}; try that too")
    jobs = []
    for fold in folds:
        for name, own in sorted(recipes.items(), key=lambda item: item[0] in learners):
            named = [f"{prefix}-{word}" if word == PLAIN else word for word in own]
            rest = () if name == PLAIN and learners else ("--no-test",)
            words = (*options, *named, "--run", f"{prefix}-{name}", *rest)
            jobs.append(Job(name, fold, words, logs / f"{prefix}-{name}-fold-{fold}.log"))
    return jobs


def train(jobs: Sequence[Job], at_a_time: int) -> Iterator[tuple[Job, int]]:
    """Train ``at_a_time`` of them at once, each on its share of the cores; yields each with its exit status.

    A small model leaves cores idle while it starts, and while single operations of it wait for each other.
    """
    shares = _shares(at_a_time)
    first = [job for job in jobs if "--pseudo" not in job.options]
    for stage in (first, [job for job in jobs if job not in first]):
        with ThreadPoolExecutor(at_a_time) as pool:

            def run(job: Job) -> int:
                cores = shares.pop()
                try:
                    return job.train(cores)
                finally:
                    shares.append(cores)

            futures = {pool.submit(run, job): job for job in stage}
            try:
                for future in as_completed(futures):
                    yield futures[future], future.result()
            finally:
                pool.shutdown(wait=True, cancel_futures=True)


def _shares(at_a_time: int) -> list[set[int]]:
    if at_a_time == 1 or not hasattr(os, "sched_setaffinity"):
        return [set() for _ in range(at_a_time)]
    cores = sorted(os.sched_getaffinity(0))
    if at_a_time > len(cores):
        raise InputError(f"--jobs {at_a_time}: this machine has {len(cores)} cores")
    return [set(cores[index::at_a_time]) for index in range(at_a_time)]
