"""Rows that must share a fold: near-duplicates, and rows of one group, e.g. of one speaker."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from .near_duplicates import near_duplicates
from .rows import GROUP, MEDIA, items_of
from .text_keys import text_key

KEYS: dict[str, Callable] = {**MEDIA, "text": text_key}  # medium -> what near-identical items have in common


def item_keys(table: pd.DataFrame) -> pd.Series:
    """Return the key of each row's item."""
    items = items_of(table)
    return items.map(KEYS[str(items.name)])


def item_groups(table: pd.DataFrame, similarity: float | None = None) -> np.ndarray:
    """Return the number of each row's group of near-identical items, int64 [n_rows], counted in the order of the rows.

    Items with the same key are near-identical; with ``similarity``, so are texts whose shingles are that similar.
    """
    if similarity is None:
        return pd.factorize(item_keys(table))[0]
    return near_duplicates(items_of(table).tolist(), similarity)


def row_groups(table: pd.DataFrame, *, by_group: bool, similarity: float | None = None) -> np.ndarray:
    """Return the number of each row's group, int64 [n_rows], counted in the order of the rows.

    Rows of near-identical items are in one group, as in ``item_groups``; with ``by_group``, rows with the same
    ``group`` too.
    """
    numbers = item_groups(table, similarity)
    if not by_group:
        return numbers
    # rows and both kinds of groups are points, and belonging is an edge: groups are the connected parts
    others = pd.factorize(table[GROUP])[0]
    size = int(numbers.max()) + int(others.max()) + 2
    edges = coo_array((np.ones(len(table)), (numbers, numbers.max() + 1 + others)), shape=(size, size))
    parts = connected_components(edges, directed=False)[1]
    return pd.factorize(parts[numbers])[0]


def without_groups_of(
    others: pd.DataFrame, table: pd.DataFrame, *, by_group: bool = False, similarity: float | None = None
) -> pd.DataFrame:
    """Return ``table`` without the rows that are in one group, as in ``row_groups``, with a row of ``others``."""
    groups = row_groups(
        pd.concat([others, table], ignore_index=True), by_group=by_group, similarity=similarity
    )
    return table[~np.isin(groups[len(others) :], groups[: len(others)])]
