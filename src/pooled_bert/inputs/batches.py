"""The protocol of a model's inputs, rows of any length; batches of rows of similar length."""

from collections.abc import Iterator
from typing import Protocol, Self

import numpy as np

Signature = dict[
    str, tuple[tuple[int | None, ...], type]
]  # input -> its shape (None for a size that varies) and dtype

WINDOW = (
    50  # batches; sorting by length within windows of this size leaves 3 % padding and keeps the order random
)


class Inputs(Protocol):
    """Rows as a model reads them: one sequence of vectors or numbers per row, padded when a batch is made."""

    def __len__(self) -> int:
        """Return the number of rows."""
        ...

    @property
    def lengths(self) -> np.ndarray:
        """The length of each row, int64 [n_rows]."""
        ...

    @property
    def signature(self) -> Signature:
        """The arrays of a batch; shapes begin with [batch, length]. ``attention_mask`` is among them, 0 for padding."""
        ...

    def take(self, rows: np.ndarray) -> Self:
        """Return some rows, in the order given."""
        ...

    def padded(self, rows: np.ndarray, multiple: int = 1) -> dict[str, np.ndarray]:
        """Return a batch of some rows, as wide as the longest of them, rounded up to a multiple."""
        ...


def width_multiple(xla: bool) -> int:
    """Return the number that a batch's width is rounded up to a multiple of; XLA compiles again for each new width."""
    return 32 if xla else 1


def shuffled_batches(lengths: np.ndarray, batch_size: int, *, seed: int, epoch: int) -> list[np.ndarray]:
    """Return every row once, as index arrays of up to ``batch_size`` rows of similar length.

    A pure function of its arguments: the rows are shuffled, cut into windows of ``WINDOW`` batches and sorted by length
    within each window; then the batches are shuffled.
    """
    random = np.random.default_rng([seed, epoch])
    order = random.permutation(len(lengths))
    batches = []
    for start in range(0, len(order), WINDOW * batch_size):
        window = order[start : start + WINDOW * batch_size]
        window = window[np.argsort(lengths[window], kind="stable")]
        batches += [window[i : i + batch_size] for i in range(0, len(window), batch_size)]
    return [batches[i] for i in random.permutation(len(batches))]


def prediction_batches(lengths: np.ndarray, tokens_per_batch: int) -> Iterator[np.ndarray]:
    """Yield every row once, longest first, in batches of about ``tokens_per_batch`` tokens, padding included.

    The longest rows come first, so that a batch too large for memory fails at once and no later batch takes longer.
    """
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        size = max(1, tokens_per_batch // int(lengths[order[start]]))
        yield order[start : start + size]
        start += size
