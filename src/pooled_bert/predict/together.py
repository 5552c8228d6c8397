"""Predict the rows of several requests together, in the order in which the requests came.

A model takes little longer for a few short texts than for one. So while batches are computed, the requests that come
are collected, and they become the next batches.
"""

import math
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

import numpy as np

from ..models.prediction import NotWanted, while_wanted

PATIENCE = 0.2  # seconds between looks at whether an answer is wanted still


@dataclass(frozen=True)
class _Job:
    items: Sequence
    is_wanted: Callable[[], bool]
    future: Future = field(default_factory=Future)


class Together:
    """Threads that predict, and the jobs that wait for them.

    predict : items -> probabilities, float32 [n_items, n_labels].  most_rows : items in one call, unless one job alone
    has more.  at_once : number of threads.
    """

    def __init__(self, predict: Callable[[list], np.ndarray], most_rows: int, at_once: int):
        self._predict, self._most_rows, self._at_once = predict, most_rows, at_once
        self._jobs: deque[_Job] = deque()
        self._has_jobs = threading.Condition()
        for _ in range(at_once):
            threading.Thread(target=self._work, daemon=True).start()

    def predict(self, items: Sequence, is_wanted: Callable[[], bool]) -> np.ndarray:
        """Return the probabilities of the items; raises NotWanted once ``is_wanted`` answers no."""
        job = _Job(items, is_wanted)
        with self._has_jobs:
            self._jobs.append(job)
            self._has_jobs.notify()
        while True:
            try:
                return job.future.result(PATIENCE)
            except TimeoutError:
                if not is_wanted():
                    raise NotWanted from None

    def _work(self) -> None:
        while True:
            jobs = self._next_jobs()
            try:
                self._answer(jobs)
            except Exception as error:  # it belongs to the requests, and must not end this thread
                for job in jobs:
                    job.future.set_exception(error)

    def _next_jobs(self) -> list[_Job]:
        """Wait for jobs; return the first ones that are wanted: this thread's share, but no more than fit together."""
        with self._has_jobs:
            jobs: list[_Job] = []
            while not jobs:
                self._has_jobs.wait_for(lambda: self._jobs)
                n_rows, share = 0, math.ceil(len(self._jobs) / self._at_once)
                while self._jobs and len(jobs) < share:
                    if jobs and n_rows + len(self._jobs[0].items) > self._most_rows:
                        break
                    job = self._jobs.popleft()
                    if job.is_wanted():
                        jobs.append(job)
                        n_rows += len(job.items)
            return jobs

    def _answer(self, jobs: list[_Job]) -> None:
        with while_wanted(lambda: any(job.is_wanted() for job in jobs)):
            probabilities = self._predict([item for job in jobs for item in job.items])
        start = 0
        for job in jobs:
            job.future.set_result(probabilities[start : start + len(job.items)])
            start += len(job.items)
