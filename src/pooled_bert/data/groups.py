"""Rows that must share a fold: near-duplicates, and rows of one group, e.g. of one speaker."""

import re
from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from .rows import GROUP, MEDIA, items_of

_NOT_WORD = re.compile(r"[\W_]+")

_ASCII_NOT_WORD = bytes(code for code in range(128) if not chr(code).isalnum())


def text_key(text: str) -> str:
    """Return the text without case, white space and punctuation; near-identical texts have the same key.

    A text of punctuation alone keeps its punctuation; otherwise all such texts would have the same key.
    """
    if text.isascii():  # most texts are, and this branch is eight times as fast as the pattern
        return text.lower().encode().translate(None, _ASCII_NOT_WORD).decode() or text.strip()
    return _NOT_WORD.sub("", text.casefold()) or text.strip()


KEYS: dict[str, Callable] = {**MEDIA, "text": text_key}  # medium -> what near-identical items have in common


def item_keys(table: pd.DataFrame) -> pd.Series:
    """Return the key of each row's item."""
    items = items_of(table)
    return items.map(KEYS[str(items.name)])


def without_near_duplicates(table: pd.DataFrame, of: pd.DataFrame) -> pd.DataFrame:
    """Return ``table`` without the rows whose item is nearly identical to an item in ``of``."""
    return table[~item_keys(table).isin(set(item_keys(of)))]


def row_groups(table: pd.DataFrame, *, by_group: bool) -> np.ndarray:
    """Return the number of each row's group, int64 [n_rows], counted in the order of the rows.

    Rows with the same key are in one group; with ``by_group``, rows with the same ``group`` too.
    """
    numbers = pd.factorize(item_keys(table))[0]
    if not by_group:
        return numbers
    # rows and both kinds of groups are points, and belonging is an edge: groups are the connected parts
    others = pd.factorize(table[GROUP])[0]
    size = int(numbers.max()) + int(others.max()) + 2
    edges = coo_array((np.ones(len(table)), (numbers, numbers.max() + 1 + others)), shape=(size, size))
    parts = connected_components(edges, directed=False)[1]
    return pd.factorize(parts[numbers])[0]
