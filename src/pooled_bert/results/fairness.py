"""How well a label is ranked in texts that name a group of people: the AUCs of Borkan et al. 2019.

"Nuanced Metrics for Measuring Unintended Bias with Real Data for Text Classification". The data has no annotation of
groups, so groups are found by words: a word shows that a text names a group, not that it attacks anyone.
"""

import re
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ..base.numbers import decimals, number
from ..benchmarks.metrics import resampled_auc
from .fold_scores import FoldScores

ENOUGH = 10  # rows per class; with fewer, an AUC is too uncertain to show
AUCS = ("subgroup", "background positive", "background negative")
NO_SCORE = "–"
FAIRNESS_NOTE = (
    "Fairness, {label}. Subgroup: AUC of the texts that name the group. Background positive: AUC of texts that name"
    " the group, without {label}, against other texts with {label}; it is low if the mere mention raises scores."
    " Background negative: AUC of texts that name the group, with {label}, against other texts without {label}; it is"
    " low if {label} is missed in texts that name the group. ± standard error; all folds together; no value if either"
    f" class has fewer than {ENOUGH} rows. A text names a group if it has a word of the group's list (identity_terms)."
)


def fairness_table(
    scores: FoldScores, texts: pd.Series, terms: Mapping[str, Sequence[str]], label: int = 0
) -> pd.DataFrame:
    """Return a table with one row per group: rows with and without the label, and the three AUCs, as text.

    The last row is for all texts. ``groups_without_scores`` finds the groups that have too few rows for any AUC.

    texts : of the training table, indexed by ``scores.rows``.  terms : group -> words, in lower case.
    """
    known = ~np.isnan(scores.labels[:, label])
    truth, values = scores.labels[known, label], scores.scores[known, label]
    known_texts = [text.lower() for text in texts.iloc[scores.rows[known]]]
    rows = {group: _row(truth, values, names_group(known_texts, words)) for group, words in terms.items()}
    all_texts = np.ones(len(truth), bool)
    rows["all texts"] = {
        **_row(truth, values, all_texts),
        "background positive": "",
        "background negative": "",
    }
    return pd.DataFrame.from_dict(rows, orient="index")


def groups_without_scores(table: pd.DataFrame) -> list[str]:
    """Return the groups of a ``fairness_table`` that have no AUC."""
    return table.index[(table[list(AUCS)] == NO_SCORE).all(axis=1)].tolist()


def names_group(texts: Sequence[str], words: Sequence[str]) -> np.ndarray:
    """Find the texts that have one of ``words`` as a whole word (both in lower case); returns bool [n_texts]."""
    pattern = re.compile(rf"\b(?:{'|'.join(map(re.escape, words))})\b")
    # ``in`` takes a tenth of the time of the pattern, and excludes most texts
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
    """Return "<AUC> ± <standard error>" of the chosen rows (Hanley & McNeil 1982), or a dash for too few rows."""
    truth, values = truth[chosen], values[chosen]
    n_positive = int(truth.sum())
    n_negative = len(truth) - n_positive
    if min(n_positive, n_negative) < ENOUGH:
        return NO_SCORE
    auc = float(resampled_auc(truth, values)[0])
    q1, q2 = auc / (2 - auc), 2 * auc**2 / (1 + auc)  # as named in the article
    variance = auc * (1 - auc) + (n_positive - 1) * (q1 - auc**2) + (n_negative - 1) * (q2 - auc**2)
    error = float(np.sqrt(variance / (n_positive * n_negative)))
    places = decimals(error)
    return f"{number(auc, places)} ± {number(error, places)}"
