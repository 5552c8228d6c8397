"""The one prediction loop, whatever computes: validation rows, test rows, any text, by one model or by all folds'."""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import dataclass

import numpy as np

from ..base.deadline import Deadline
from ..base.progress import progress_bar
from ..benchmarks.targets import Target
from ..inputs.batches import Inputs, prediction_batches
from ..inputs.tokens import Windows

# inputs, numbers of some of their rows -> probabilities, float32 [n_rows, n_labels]
Forward = Callable[[Inputs, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Device:
    """How batches suit a device: tokens per batch, and how many batches are computed at the same time."""

    tokens: int
    at_once: int = 1

    def map(self, compute: Callable, jobs: Sequence) -> Iterator:
        """Yield the result of each job, in their order; the others are dropped once one raises an exception."""
        if self.at_once == 1 or len(jobs) == 1:  # in this thread, which may have a strategy's scope
            yield from map(compute, jobs)
            return
        with ThreadPoolExecutor(self.at_once) as pool:
            yield from pool.map(compute, jobs)


def predict_all(
    forwards: Sequence[Forward],
    inputs: Inputs | Windows,
    target: Target,
    n_labels: int,
    device: Device,
    *,
    progress: str | None = None,
    deadline: Deadline | None = None,
) -> np.ndarray:
    """Return the probabilities of each model, float32 [n_models, n_items, n_labels], in the order of the items.

    ``progress`` is the title of a progress bar; None: no bar. Raises TimeLimitReached when ``deadline`` is near, and
    NotWanted (see ``while_wanted``).
    """
    if isinstance(inputs, Windows):
        pieces = predict_all(
            forwards, inputs.tokens, target, n_labels, device, progress=progress, deadline=deadline
        )
        return np.array([inputs.pooled(each, target) for each in pieces], np.float32)
    predicted = np.empty((len(forwards), len(inputs), n_labels), np.float32)
    jobs = [
        (rows, number)
        for rows in prediction_batches(inputs.lengths, device.tokens)
        for number in range(len(forwards))
    ]
    is_wanted = _is_wanted.get()

    def compute(job: tuple[np.ndarray, int]) -> tuple[int, float]:
        """Fill in the probabilities of a batch by one model; returns how many items they complete, and the seconds."""
        if not is_wanted():
            raise NotWanted
        rows, number = job
        started = time.monotonic()
        predicted[number, rows] = forwards[number](inputs, rows)
        is_last = number == len(forwards) - 1
        return len(rows) if is_last else 0, time.monotonic() - started

    with progress_bar(
        total=len(inputs),
        desc=progress,
        unit=" rows",
        leave=False,
        disable=progress is None or len(inputs) == 0,
    ) as bar:
        slowest = 0.0
        for n_rows, seconds in device.map(compute, jobs):
            bar.update(n_rows)
            slowest = max(slowest, seconds)
            if deadline:
                deadline.check(2 * slowest)
    return predicted


def attention_of(forward: Forward, inputs: Inputs, device: Device) -> list[np.ndarray]:
    """Return each step's weight in the attention pooling: one float32 [length] array per row, summing to 1.

    ``forward`` returns the weights of a batch, float32 [n_rows, width].
    """
    weights = [np.zeros(0, np.float32)] * len(inputs)
    for rows in prediction_batches(inputs.lengths, device.tokens):
        for row, row_weights in zip(rows, forward(inputs, rows), strict=True):
            weights[row] = row_weights[: inputs.lengths[row]]
    return weights


class NotWanted(Exception):
    """Nobody waits for the results any more."""


_is_wanted: ContextVar[Callable[[], bool]] = ContextVar("is_wanted", default=lambda: True)


@contextlib.contextmanager
def while_wanted(is_wanted: Callable[[], bool]) -> Iterator[None]:
    """Raise NotWanted in the block, before the next batch is computed, once ``is_wanted`` answers no."""
    token = _is_wanted.set(is_wanted)
    try:
        yield
    finally:
        _is_wanted.reset(token)
