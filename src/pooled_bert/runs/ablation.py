"""Ablation: the techniques that are tried, and the trainings, each of the plain model plus one technique."""

import itertools
import os
import subprocess
import sys
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from ..base.children import Children
from ..base.deadline import Deadline
from ..base.errors import TIME_LIMIT_STATUS, InputError
from ..base.files import held
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
    "adversarial": ("--adversarial", "0.1"),
    "positive_weight": ("--positive-weight", "0.5"),
    "pseudo": ("--pseudo", PLAIN, "--pseudo-rows", "5000"),
}


@dataclass(frozen=True)
class Job:
    """One fold of one recipe, trained by train_folds.py as part of the run ``<prefix>-<recipe>``."""

    recipe: str
    fold: int
    options: tuple[str, ...]
    log: Path  # output of the training

    def train(self, cores: set[int], children: Children, deadline: Deadline) -> int:
        """Train the fold on these cores (none: on any), from its last checkpoint; returns the exit status."""
        if not deadline.leaves(0):
            return TIME_LIMIT_STATUS
        self.log.parent.mkdir(parents=True, exist_ok=True)
        options = (*self.options, "--fold", str(self.fold), *deadline.words())
        words = [sys.executable, str(command("train_folds.py")), *options]
        with self.log.open("w", encoding="utf-8") as log:
            return children.run(words, cores=cores, stdout=log, stderr=subprocess.STDOUT)

    def last_line(self) -> str:
        """Return the last line of the log."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").replace("\r", "\n").split("\n")
        return next((line for line in reversed(lines) if line.strip()), "no output")


def alone(logs: Path, prefix: str) -> AbstractContextManager[None]:
    """Keep other processes from trainings of the same prefix, whose logs have the same names; raises InputError."""
    message = f"--prefix {prefix}: another process trains with this prefix; wait for it, or give another one"
    return held(logs / f".{prefix}.lock", message, is_kept=False)


def plan(
    recipes: dict[str, Sequence[str]],
    folds: Sequence[int],
    options: Sequence[str],
    *,
    prefix: str,
    logs: Path,
) -> list[Job]:
    """Return the jobs fold by fold, so that the finished jobs compare the recipes on the same folds.

    recipes : name -> options; PLAIN is one of them. Recipes with pseudo-labels come last, because they need the test
    predictions of the plain model. No other job predicts test rows.
    """
    pseudo_recipes = [name for name, recipe_options in recipes.items() if "--pseudo" in recipe_options]
    first = [name for name in recipes if name not in pseudo_recipes]
    jobs = []
    for fold, name in (*itertools.product(folds, first), *itertools.product(folds, pseudo_recipes)):
        named = [f"{prefix}-{word}" if word == PLAIN else word for word in recipes[name]]
        test_options = () if name == PLAIN and pseudo_recipes else ("--no-test",)
        words = (*options, *named, "--run", f"{prefix}-{name}", *test_options)
        jobs.append(Job(name, fold, words, logs / f"{prefix}-{name}-fold-{fold}.log"))
    return jobs


def train(jobs: Sequence[Job], at_a_time: int, deadline: Deadline) -> Generator[tuple[Job, int]]:
    """Train ``at_a_time`` jobs at once, each on its share of the cores; yields each job with its exit status.

    Jobs with pseudo-labels begin after all others have ended. A job saves and stops at the deadline. When the generator
    is closed, or this process ends, so do the trainings. A small model alone leaves cores idle while it starts, and
    while single operations wait for each other.
    """
    shares = _shares(at_a_time)
    first = [job for job in jobs if "--pseudo" not in job.options]
    for stage in (first, [job for job in jobs if job not in first]):
        with ThreadPoolExecutor(at_a_time) as pool, Children() as children:

            def run(job: Job) -> int:
                cores = shares.pop()
                try:
                    return job.train(cores, children, deadline)
                finally:
                    shares.append(cores)

            futures = {pool.submit(run, job): job for job in stage}
            try:
                for future in as_completed(futures):
                    yield futures[future], future.result()
            finally:
                pool.shutdown(wait=False, cancel_futures=True)


def _shares(at_a_time: int) -> list[set[int]]:
    if at_a_time == 1 or not hasattr(os, "sched_setaffinity"):
        return [set() for _ in range(at_a_time)]
    cores = sorted(os.sched_getaffinity(0))
    if at_a_time > len(cores):
        raise InputError(f"--jobs {at_a_time}: this machine has {len(cores)} cores; lower --jobs")
    return [set(cores[index::at_a_time]) for index in range(at_a_time)]
