"""How often each sample of a bootstrap holds each row.

Rows of one group, e.g. of one speaker, resemble each other. Where rows have groups, whole groups are drawn, so that an
interval says how much the score would vary with other groups (Field & Welsh 2007, "Bootstrapping clustered data").
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd


def draw(n: int, *, samples: int, seed: int) -> np.ndarray:
    """Draw samples of ``n`` units with replacement; return how often each sample holds each unit.

    float32 [1 + samples, n], in Fortran's order; the first sample holds every unit once.
    """
    counts = np.ones((1 + samples, n), np.float32, order="F")
    counts[1:] = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=samples)
    return counts


def row_groups(train: pd.DataFrame, rows: Sequence[int] | np.ndarray) -> np.ndarray | None:
    """Return the group of some rows of the training table, or None if its rows have no groups."""
    return train["group"].to_numpy(str)[rows] if "group" in train else None
