"""The protocols of a model's inputs, rows of any length, and of their reader; batches of rows of similar length."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self

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


class Reader(Protocol):
    """Turns items, e.g. texts, into a model's inputs, with the settings that the model was trained with."""

    @property
    def signature(self) -> Signature:
        """The arrays of a batch, see Inputs."""
        ...

    @property
    def key(self) -> tuple:
        """Everything that decides the inputs; readers with the same key make the same inputs of the same items."""
        ...

    def encode(self, items: list, *, cache: Path | None) -> Any:
        """Return the Inputs of all items; ``cache`` is a folder that keeps them."""
        ...

    def encode_to_learn(self, items: list, rows: np.ndarray, *, cache: Path | None) -> tuple[Any, np.ndarray]:
        """Return the Inputs to learn from, of some rows of ``items`` and of changed copies; and the row of each."""
        ...

    def encode_to_predict(self, items: list, *, cache: Path | None) -> Any:
        """Return the inputs to predict from: Inputs, or Windows."""
        ...

    def settings(self) -> dict:
        """Return what a saved model keeps of the reader, for JSON."""
        ...

    def save(self, folder: Path) -> None:
        """Write what does not fit into JSON, e.g. a vocabulary, into the folder of a saved model."""
        ...


@dataclass(frozen=True)
class Sequences:
    """Rows of any length, end to end: row i is ``flat[offsets[i]:offsets[i + 1]]``.

    flat : [n_steps, ...].  offsets : int64 [n_rows + 1].
    """

    flat: np.ndarray
    offsets: np.ndarray

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> np.ndarray:
        """The length of each row, int64 [n_rows]."""
        return np.diff(self.offsets)

    def row(self, number: int) -> np.ndarray:
        """Return one row, [length, ...]."""
        return self.flat[self.offsets[number] : self.offsets[number + 1]]

    def take(self, rows: np.ndarray) -> Self:
        """Return some rows, in the order given."""
        offsets = np.concatenate([[0], np.cumsum(self.lengths[rows])])
        return type(self)(np.concatenate([self.flat[:0], *map(self.row, rows)]), offsets)

    def filled(self, rows: np.ndarray, multiple: int) -> tuple[np.ndarray, np.ndarray]:
        """Return some rows, padded with 0 at the end, [n_rows, width, ...], and their mask, bool [n_rows, width].

        The width is the length of the longest of these rows, rounded up to a multiple of ``multiple``.
        """
        lengths = self.lengths[rows]
        mask = np.arange(-(-lengths.max() // multiple) * multiple) < lengths[:, None]
        filled = np.zeros((*mask.shape, *self.flat.shape[1:]), self.flat.dtype)
        filled[mask] = np.concatenate([self.row(row) for row in rows])
        return filled, mask


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
