"""Tables of a report, as text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..base.numbers import MOST, decimals, number


@dataclass(frozen=True)
class Table:
    """A table as text; the first column holds the row names. ``note``: what a reader must know about it."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


def as_table(
    frame: pd.DataFrame, note: str = "", corner: str = "", places: Mapping[str, int] | None = None
) -> Table:
    """Format a table of numbers: fractions, whole numbers with commas, NaN as a dash; texts stay.

    corner : the heading of the column of row names.  places : decimal places of fractions, by row or column; a row's
    count more. Others have MOST.
    """
    places = places or {}
    rows = [
        [
            str(name),
            *(
                _cell(value, places.get(str(name), places.get(str(column), MOST)))
                for column, value in zip(frame.columns, row, strict=True)
            ),
        ]
        for name, row in zip(frame.index, frame.astype(object).to_numpy(), strict=True)
    ]
    return Table([corner, *map(str, frame.columns)], rows, note)


def _cell(value, places: int) -> str:
    if isinstance(value, str):
        return value
    if value is None or np.isnan(value):
        return "–"
    return f"{value:,}" if isinstance(value, int) else number(value, places)


def places_by_spread(frame: pd.DataFrame) -> dict[str, int]:
    """Return the decimal places of each column that the row ``sd`` warrants: the standard deviation over the folds."""
    if "sd" not in frame.index:
        return {}
    return dict(zip(map(str, frame.columns), map(decimals, frame.loc["sd"].to_numpy(float)), strict=True))


def places_by_count(counts: Mapping[str, int]) -> dict[str, int]:
    """Return the decimal places of shares of so many rows, by row name.

    Half of the 95 % interval of a share of n rows is at most 1 / √n.
    """
    return {name: decimals(1 / np.sqrt(max(count, 1))) for name, count in counts.items()}
