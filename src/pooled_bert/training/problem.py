"""What an architecture is given to learn one fold, and what it gives back."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..base.deadline import Deadline
from ..benchmarks.targets import Target
from .checkpoints import Checkpoints


@dataclass(frozen=True)
class Problem:
    """One fold of a benchmark.

    items : what is classified, a text say: all labelled ones of the run, the same for all folds (so that they are
    read once).
    labels : float64 [n_items, n_labels]; 0, 1, or NaN for not labelled.
    train, valid : rows of ``items`` to learn from and to predict out of fold.  test : items to predict.
    """

    target: Target
    label_names: tuple[str, ...]
    items: list[str]
    labels: np.ndarray
    train: np.ndarray
    valid: np.ndarray
    test: list[str]
    title: str  # what the progress bar says
    seed: int
    cache: Path  # folder of token ids
    checkpoints: Checkpoints
    deadline: Deadline = field(default_factory=Deadline)
    events: Path | None = None  # folder of the curves, where they may be written


@dataclass(frozen=True)
class Outcome:
    """What was learnt: probabilities, float [n_rows, n_labels], and a way to keep the model."""

    oof: np.ndarray
    test: np.ndarray
    save_model: Callable[[Path], None] | None = None  # writes the model into an empty folder
    history: list[dict] = field(default_factory=list)  # one record an epoch
    information: dict = field(default_factory=dict)  # e.g. the precision that `auto` chose
    earlier_seconds: float = 0.0  # spent by processes that were killed, on what was resumed
    optimistic: bool = False  # whether the validation rows had a say in what was kept
