"""What is suspicious in a benchmark's rows: repeated texts, labels that contradict each other, likely wrong labels."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..base.pairs import separated
from ..base.shown_text import for_spreadsheet
from ..benchmarks.benchmark import Benchmark
from ..data.groups import item_groups
from ..data.rows import Rows
from .fold_scores import FoldScores
from .label_errors import label_errors


@dataclass(frozen=True)
class Repeats:
    """Training rows whose texts are the same in some sense, which makes groups of them.

    n_repeated : how many repeat an earlier row.  contradicting : rows of groups in which a label is 1 in one row and 0
    in another.  in_test : rows whose group holds a test row.
    """

    n_repeated: int
    contradicting: np.ndarray
    in_test: np.ndarray


def find_repeats(rows: Rows, benchmark: Benchmark, threshold: float | None) -> Repeats:
    """Group all rows by the key that folds use, or, with a threshold, by near-duplicates of that Jaccard similarity."""
    tables = [rows.train, *([] if rows.test is None else [rows.test])]
    groups = item_groups(pd.concat(tables, ignore_index=True), threshold)
    n_train = len(rows.train)
    train, test = groups[:n_train], groups[n_train:]
    labels = rows.train[list(benchmark.labels)].to_numpy(np.float64)
    contradicts = np.zeros(int(groups.max()) + 1, bool)
    for column in labels.T:
        has, has_not = (np.isin(np.arange(len(contradicts)), train[column == value]) for value in (1, 0))
        contradicts |= has & has_not
    return Repeats(
        n_repeated=int(pd.Series(train).duplicated().sum()),
        contradicting=np.flatnonzero(contradicts[train]),
        in_test=np.flatnonzero(np.isin(train, test)),
    )


def repeats_table(found: dict[str, Repeats]) -> pd.DataFrame:
    """Return one row per kind of repeat: how many training rows repeat others, contradict others, are test rows too."""
    return pd.DataFrame.from_dict(
        {
            name: {
                "repeat another row": repeats.n_repeated,
                "in contradicting groups": len(repeats.contradicting),
                "also in the test table": len(repeats.in_test),
            }
            for name, repeats in found.items()
        },
        orient="index",
    )


def suspicious_labels(everything: FoldScores, train: pd.DataFrame, benchmark: Benchmark) -> pd.DataFrame:
    """Return the likely wrong labels of a run's rows, the likeliest first, with ids and texts, for a spreadsheet."""
    found = label_errors(everything.labels, everything.scores, benchmark.target)
    rows = everything.rows[found["row"].to_numpy(int)]
    names = np.array(benchmark.labels)[found["column"].to_numpy(int)]
    return pd.DataFrame(
        {
            "id": train["id"].iloc[rows].map(for_spreadsheet).to_numpy(),
            "label": names,
            "given": found["given"],
            "probability of the opposite": found["probability"].round(4),
            **(_texts(train["text"].iloc[rows], benchmark) if "text" in train else {}),
        }
    )


def _texts(texts: pd.Series, benchmark: Benchmark) -> dict[str, list[str]]:
    """Return the columns of the texts; the two texts of pairs have a column each."""
    if not benchmark.is_pairs:
        return {"text": texts.map(for_spreadsheet).tolist()}
    pairs = [tuple(map(for_spreadsheet, separated(text))) for text in texts]
    return {"text": [first for first, _ in pairs], "second text": [second for _, second in pairs]}
