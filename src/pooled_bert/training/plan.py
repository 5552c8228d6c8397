"""What a training is about to do: its steps, and how much of its learning rate RectifiedAdam will use."""

import sys

import numpy as np

from .neural_settings import NeuralSettings
from .optimizer import rate_share

LEAST_MOVE = 1e-3  # MiniLM, 1,500 comments: a mean AUC of .70 after 0.7e-3, of .91 after 2.9e-3


def announce(title: str, settings: NeuralSettings, *, rows: int, steps: int, valid: int, test: int) -> None:
    """Print the plan of a training; warn on stderr if it can hardly learn. ``steps``: of all epochs."""
    shares = rate_shares(steps, settings)
    epochs = f"{settings.epochs} epoch" + "s" * (settings.epochs > 1)
    rows_later = f"{valid:,} validation rows" + (f" and {test:,} test rows" if test else "")
    print(
        f"{title}: {rows:,} training rows, {steps:,} steps in {epochs}; RectifiedAdam uses up to {shares.max():.0%} of"
        f" --learning-rate {settings.learning_rate:g}; then predicts {rows_later}",
        flush=True,
    )
    if settings.learning_rate * shares.sum() < LEAST_MOVE:
        quick = ", or give --quick" if settings.architecture == "bert" else ""
        print(
            f"warning: {title} can hardly learn: RectifiedAdam warms up over some thousand steps, and here are"
            f" {steps:,}. Raise --learning-rate or --epochs, or lower --batch-size{quick}",
            file=sys.stderr,
            flush=True,
        )


def rate_shares(steps: int, settings: NeuralSettings) -> np.ndarray:
    """Return the share of the peak learning rate that each step uses, float64 [steps].

    It is the schedule's share (optimizer.rate_share) times RectifiedAdam's rectification (Liu et al. 2020, β₂ = .999).
    The first five steps count as 0: they are not scaled by the gradients' size, and so move the weights very little.
    """
    done = np.arange(1, steps + 1)
    schedule = rate_share(
        np.float32(done), float(steps), warmup=settings.warmup, decay=settings.decay
    ).numpy()
    most = 2 / (1 - 0.999) - 1
    length = most - 2 * done * 0.999**done / (1 - 0.999**done)
    ratio = (length - 4) * (length - 2) * most / ((most - 4) * (most - 2) * length)
    return schedule * np.sqrt(np.where(length >= 5, ratio, 0.0))
