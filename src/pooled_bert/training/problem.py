"""The interface of every architecture: the Problem of one fold in, its Outcome out."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..base.deadline import Deadline
from ..benchmarks.targets import Target
from .checkpoints import Checkpoints

SEEDS_PER_RUN = 1000  # the seed of fold k is this times the run's, plus k


@dataclass(frozen=True)
class Problem:
    """One fold of a benchmark.

    items : the things that are classified, texts or sounds: all labelled items of the run, the same for all folds, so
    that they are encoded only once.
    labels : float64 [n_items, n_labels]; 0 or 1, of pseudo-labels a number between them, NaN for not labelled.
    train, valid : rows of ``items`` to learn from and to predict out of fold.  test : items to predict.
    """

    target: Target
    label_names: tuple[str, ...]
    items: list
    labels: np.ndarray
    train: np.ndarray
    valid: np.ndarray
    test: list
    title: str  # names the fold in progress bars and messages
    seed: int
    cache: Path  # folder of token ids
    checkpoints: Checkpoints
    deadline: Deadline = field(default_factory=Deadline)
    events: Path | None = None  # folder for TensorBoard's curves; None: write none
    pairs: bool = False  # whether each item is a joined pair of texts
    score: str = "mean_auc"  # chooses the epoch of ``--keep best``

    @property
    def run_seed(self) -> int:
        """The seed of the run: what its folds share is decided by this one."""
        return self.seed // SEEDS_PER_RUN


@dataclass(frozen=True)
class Outcome:
    """The result of a training: probabilities, float [n_rows, n_labels], and a function that saves the model."""

    oof: np.ndarray
    test: np.ndarray
    save_model: Callable[[Path], None] | None = None  # writes the model into an empty folder
    history: list[dict] = field(default_factory=list)  # one record per epoch
    information: dict = field(default_factory=dict)  # e.g. the precision that `auto` picked
    earlier_seconds: float = 0.0  # training time before the last resume, by processes that were stopped
    optimistic: bool = False  # whether the validation rows decided which weights were kept
