"""What is known of rows besides their predictions, for blends that can use it."""

import numpy as np
import pandas as pd

from ..inputs.text_statistics import STATISTICS, text_statistics


def row_facts(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the text statistics of rows (id, text), float64, indexed by id; without a column for other items."""
    if "text" not in rows:
        return pd.DataFrame(index=rows["id"])
    return pd.DataFrame(text_statistics(rows["text"].tolist()), index=rows["id"], columns=list(STATISTICS))


def facts_of(facts: pd.DataFrame | None, ids: pd.Series) -> np.ndarray:
    """Return the facts about the rows ``ids``, float64 [n_rows, n_facts]; None: there are no facts."""
    return np.empty((len(ids), 0)) if facts is None else facts.loc[ids].to_numpy(np.float64)
