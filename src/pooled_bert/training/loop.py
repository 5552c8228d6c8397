"""The training loop: epochs of shuffled batches, a progress bar, and checkpoints that resume to the same result."""

import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import tensorflow as tf

from ..base.deadline import Deadline
from ..base.errors import InputError
from ..base.progress import progress_bar
from ..inputs.batches import shuffled_batches
from .checkpoints import Checkpoints


@dataclass
class State:
    """The progress of a training; a State and the values of the variables are the complete checkpoint.

    All random numbers are functions of seed, epoch and step (inputs/batches.py, models/dropout.py).
    """

    epoch: int = 1  # the epoch in progress, from 1
    batches: int = 0  # completed batches of this epoch
    rows: int = 0  # rows in these batches
    loss: float = 0.0  # sum over these rows
    history: list[dict] = field(default_factory=list)  # one record per completed epoch


@dataclass(frozen=True)
class Feed:
    """The rows of a training, and the function that makes a batch of some of them.

    lengths : int64 [n_rows], tokens per row.  batch : (rows, random) -> arguments of the step, as in ``signature``;
    ``random`` is a generator that depends only on seed, epoch and batch number.
    """

    lengths: np.ndarray
    batch: Callable[[np.ndarray, np.random.Generator], tuple]
    signature: tuple
    batch_size: int
    epochs: int
    seed: int

    @property
    def steps(self) -> int:
        """The number of steps per epoch."""
        return math.ceil(len(self.lengths) / self.batch_size)

    def order(self, epoch: int) -> list[np.ndarray]:
        """Return the rows of each batch of an epoch."""
        return shuffled_batches(self.lengths, self.batch_size, seed=self.seed, epoch=epoch)

    def dataset(self, order: list[np.ndarray], epoch: int, start: int) -> tf.data.Dataset:
        """Return the batches from number ``start`` on, each prepared while an earlier step runs."""

        def batches() -> Iterator:
            for index, rows in enumerate(order[start:], start):
                yield self.batch(rows, np.random.default_rng([self.seed, epoch, index]))

        return tf.data.Dataset.from_generator(batches, output_signature=self.signature).prefetch(2)


class Loop:
    """A training that changes ``variables`` by calls of ``step``; they and a State are the complete checkpoint.

    ``kept`` : further arrays to save in checkpoints, for example the weights of the best epoch.  ``on_step`` is called
    after each step with the step's number, from 0, and loss.
    """

    def __init__(
        self,
        step: Callable,
        variables: Sequence[tf.Variable],
        feed: Feed,
        *,
        title: str,
        checkpoints: Checkpoints,
        deadline: Deadline,
        on_step: Callable[[int, float], None] = lambda *_: None,
    ):
        self.step, self.variables, self.feed, self.on_step = step, variables, feed, on_step
        self.title, self.checkpoints, self.deadline = title, checkpoints, deadline
        self.state, self.kept = State(), []
        self.earlier_seconds, self._started = 0.0, time.monotonic()
        self._slowest_step, self._saved_step = 0.0, None
        self._n_bytes = sum(math.prod(tuple(variable.shape)) * variable.dtype.size for variable in variables)

    def run(self, end_epoch: Callable[[int, float], tuple[dict, str]]) -> list[dict]:
        """Train to the end; returns the history, one record per epoch.

        ``end_epoch``: (epoch, mean loss) -> the epoch's record, and a line to print. If the process is killed during
        ``end_epoch``, the resumed process calls it again.
        """
        self._resume()
        total = self.feed.steps * self.feed.epochs
        with progress_bar(total=total, initial=self._steps_done, unit=" steps", desc=self.title) as bar:
            while self.state.epoch <= self.feed.epochs:
                state = self.state
                bar.set_description(f"{self.title}, epoch {state.epoch}/{self.feed.epochs}")
                self._finish_epoch(bar)
                self._save()
                record, line = end_epoch(state.epoch, state.loss / state.rows)
                self.state = State(epoch=state.epoch + 1, history=[*state.history, record])
                bar.write(line)
                sys.stdout.flush()
        return self.state.history

    def _finish_epoch(self, bar) -> None:
        """Run the remaining steps of the epoch in progress."""
        state = self.state
        order = self.feed.order(state.epoch)
        dataset = self.feed.dataset(order, state.epoch, state.batches)
        started = time.monotonic()
        for rows, batch in zip(order[state.batches :], dataset, strict=True):
            loss = float(self.step(*batch))
            if not math.isfinite(loss):
                raise InputError(
                    "the loss is infinite or not a number; lower --learning-rate, or use --precision float32"
                )
            self.on_step(self._steps_done, loss)
            state.batches += 1
            state.rows += len(rows)
            state.loss += loss * len(rows)
            bar.set_postfix(loss=f"{state.loss / state.rows:.4f}", refresh=False)
            bar.update()
            self._slowest_step = max(self._slowest_step, time.monotonic() - started)
            self._save_if_due()
            started = time.monotonic()

    def _save_if_due(self) -> None:
        """Save if the checkpoint interval has passed, or if the next step might end after the deadline.

        Raises TimeLimitReached, after saving, in the second case.
        """
        needed_seconds = 2 * self._slowest_step + self.checkpoints.saving_seconds(self._n_bytes)
        must_stop = not self.deadline.leaves(needed_seconds)
        if must_stop or self.checkpoints.is_due:
            self._save()
        if must_stop:
            self.deadline.check(needed_seconds)

    @property
    def _steps_done(self) -> int:
        return (self.state.epoch - 1) * self.feed.steps + self.state.batches

    def _save(self) -> None:
        if self._steps_done == self._saved_step:
            return
        self._saved_step = self._steps_done
        arrays = {f"variable_{index}": variable.numpy() for index, variable in enumerate(self.variables)}
        arrays |= {f"best_{index}": array for index, array in enumerate(self.kept)}
        seconds = self.earlier_seconds + time.monotonic() - self._started
        self.checkpoints.save(self._saved_step, arrays, {"state": vars(self.state), "seconds": seconds})

    def _resume(self) -> None:
        """Restore the newest checkpoint, if there is one."""
        checkpoint = self.checkpoints.load()
        if checkpoint is None:
            return
        arrays, record = checkpoint
        values = [arrays.get(f"variable_{index}") for index in range(len(self.variables))]
        if [None if value is None else value.shape for value in values] != [
            tuple(variable.shape) for variable in self.variables
        ]:
            raise InputError(
                f"{self.checkpoints.folder}: was saved by another version of this code; delete it to train from"
                " the start"
            )
        for variable, value in zip(self.variables, values, strict=True):
            variable.assign(value)
        self.kept = [arrays[f"best_{index}"] for index in range(len(arrays) - len(self.variables))]
        self.state, self.earlier_seconds = State(**record["state"]), record["seconds"]
        self._saved_step = self._steps_done
        position = f"step {self.state.batches} of {self.feed.steps} in epoch {self.state.epoch}"
        print(f"{self.title}: resumes after {position}", flush=True)
