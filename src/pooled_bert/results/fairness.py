"""How a label's ranking fares among texts that name a group of people: the AUCs of Borkan et al. 2019.

"Nuanced Metrics for Measuring Unintended Bias with Real Data for Text Classification", with groups found by words, as
no annotations are in this data: a word tells that a group is named, not that anyone is attacked.
"""

import re
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ..benchmarks.metrics import resampled_auc
from .fold_scores import FoldScores

ENOUGH = 10  # rows of either class, below which an AUC says nothing
FAIRNESS_NOTE = (
    "Fairness, {label}: AUC among the texts that name a group (subgroup), of texts without {label} that name it against"
    " texts with {label} that do not (background positive: low where the mere mention raises scores), and the other way"
    f" round (background negative: low where {{label}} is missed in texts that name it); ± standard error. All folds"
    f" together; no figure for fewer than {ENOUGH} rows of either class. A group is named by a short list of words"
    " (benchmarks.py)."
)


def fairness_table(
    scores: FoldScores, texts: pd.Series, terms: Mapping[str, Sequence[str]], label: int = 0
) -> pd.DataFrame:
    """A row a group: rows with and without the label, and the three AUCs, as text; the last row is of all texts.

    texts : those of the training table, which ``scores.rows`` index.  terms : words, in lower case, by group.
    """
    known = ~np.isnan(scores.labels[:, label])
    truth, values = scores.labels[known, label], scores.scores[known, label]
    some = [text.lower() for text in texts.iloc[scores.rows[known]]]
    rows = {group: _row(truth, values, names_group(some, words)) for group, words in terms.items()}
    everything = np.ones(len(truth), bool)
    rows["all texts"] = {
        **_row(truth, values, everything),
        "background positive": "",
        "background negative": "",
    }
    return pd.DataFrame.from_dict(rows, orient="index")


def names_group(texts: Sequence[str], words: Sequence[str]) -> np.ndarray:
    """Which texts hold one of ``words`` as a word of its own, all in lower case; bool [n_texts]."""
    pattern = re.compile(rf"\b(?:{'|'.join(map(re.escape, words))})\b")
    # most texts hold none even within other words, which is seen at a tenth of the time
    return np.array([any(word in text for word in words) and bool(pattern.search(text)) for text in texts])


def _row(truth: np.ndarray, values: np.ndarray, named: np.ndarray) -> dict:
    positive = truth == 1
    return {
        "with": int((named & positive).sum()),
        "without": int((named & ~positive).sum()),
        "subgroup": _auc(truth, values, named),
        "background positive": _auc(truth, values, named != positive),
        "background negative": _auc(truth, values, named == positive),
    }


def _auc(truth: np.ndarray, values: np.ndarray, chosen: np.ndarray) -> str:
    """AUC of the chosen rows ± its standard error by Hanley & McNeil 1982, or a dash."""
    truth, values = truth[chosen], values[chosen]
    n_positive = int(truth.sum())
    n_negative = len(truth) - n_positive
    if min(n_positive, n_negative) < ENOUGH:
        return "–"
    auc = float(resampled_auc(truth, values)[0])
    both = auc / (2 - auc) - auc**2, 2 * auc**2 / (1 + auc) - auc**2
    variance = auc * (1 - auc) + (n_positive - 1) * both[0] + (n_negative - 1) * both[1]
    return f"{auc:.4f} ± {np.sqrt(variance / (n_positive * n_negative)):.4f}"
