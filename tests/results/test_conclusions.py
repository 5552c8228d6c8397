"""The lines that say first what came out."""

import pandas as pd
import pytest

from pooled_bert.benchmarks.jigsaw import JIGSAW
from pooled_bert.results import score_tables
from pooled_bert.results.run_comparison import verdicts
from pooled_bert.results.score_tables import as_text, headline

SCORES = pd.DataFrame(
    {
        "mean AUC": [0.9, 0.8, 0.85, 0.0707],
        "accuracy": [0.95, 0.93, 0.94, 0.0141],
        "toxic": [0.9, 0.8, 0.85, 0.07],
    },
    index=["fold 0", "fold 1", "mean", "sd"],
)


def test_headline_has_the_mean_its_spread_and_what_must_be_known():
    assert headline("jigsaw bert", SCORES, JIGSAW, ["a note"]).splitlines() == [
        "jigsaw bert: mean AUC 0.8500 ± 0.0707 over 2 folds, accuracy 0.9400",
        "  (a note)",
    ]


def test_headline_of_one_fold_claims_no_spread():
    assert headline("x", SCORES.head(1), JIGSAW, []) == "x: mean AUC 0.9000 on fold 0, accuracy 0.9500"


def test_headline_of_ranks_has_the_auc_alone():
    assert headline("x", SCORES[["mean AUC"]], JIGSAW, []) == "x: mean AUC 0.8500 ± 0.0707 over 2 folds"


@pytest.mark.parametrize("width", [10, 20, 30, 40, 200])
def test_table_is_cut_into_parts_that_fit_the_terminal(monkeypatch, width):
    whole = as_text(SCORES)
    monkeypatch.setattr(score_tables, "terminal_width", lambda _: width)
    parts = as_text(SCORES)
    assert max(map(len, parts.splitlines())) <= max(width, len("fold 0") + 2 + len("accuracy"))
    assert sorted(set(parts.split())) == sorted(set(whole.split()))
    assert (parts == whole) == (width >= 40)


def test_comparison_says_what_is_better_worse_or_not_clear():
    table = pd.DataFrame(
        {
            "difference": [None, 0.02, -0.03, 0.001],
            "low": [None, 0.01, -0.04, -0.002],
            "high": [None, 0.03, -0.02, 0.004],
        },
        index=["bert", "more", "less", "same"],
        dtype=float,
    )
    assert verdicts(table) == [
        "more is better than bert: +0.0200 mean AUC (95 % interval +0.0100 to +0.0300)\n"
        "less is worse than bert: -0.0300 mean AUC (95 % interval -0.0400 to -0.0200)\n"
        "same and bert: no clear difference, +0.0010 mean AUC (95 % interval -0.0020 to +0.0040)"
    ]
    assert verdicts(table.head(1)) == []
