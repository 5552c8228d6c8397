"""The fairness table: AUCs by what texts name, none where there are too few of them."""

import numpy as np
import pandas as pd
import pytest

from pooled_bert.benchmarks.metrics import column_auc
from pooled_bert.results.fairness import ENOUGH, fairness_table, names_group
from pooled_bert.results.fold_scores import FoldScores

TERMS = {"cats": ("cat", "cats"), "dogs": ("dog",)}


def scores_of(truth, values):
    truth = np.asarray(truth, float)
    return FoldScores(-1, np.arange(len(truth)), truth[:, None], np.asarray(values, float)[:, None])


def figure(cell):
    return float(cell.split(" ± ")[0])


def test_a_term_is_a_word_of_its_own():
    texts = ["a cat sat", "concatenate", "cats, dogs", "category", "my-cat's"]
    assert names_group(texts, TERMS["cats"]).tolist() == [True, False, True, False, True]


def test_a_mere_mention_that_raises_scores_lowers_background_positive_alone():
    random = np.random.default_rng(0)
    truth = np.arange(2000) % 2
    named = np.arange(2000) % 20 < 4
    values = truth + random.normal(size=2000) + 2 * named
    texts = pd.Series(np.where(named, "a CAT", "nothing"))
    row = fairness_table(scores_of(truth, values), texts, TERMS).loc["cats"]
    fair = fairness_table(scores_of(truth, values - 2 * named), texts, TERMS).loc["cats"]
    assert figure(row["background positive"]) < 0.5 < figure(fair["background positive"])
    assert figure(row["background negative"]) > figure(fair["background negative"])
    assert row["subgroup"] == fair["subgroup"]


def test_the_three_are_aucs_of_the_rows_they_name():
    random = np.random.default_rng(1)
    truth, named = random.integers(0, 2, 400), random.random(400) < 0.3
    values = random.random(400)
    table = fairness_table(scores_of(truth, values), pd.Series(np.where(named, "cat", "x")), TERMS)
    positive = truth == 1
    for name, chosen in {
        "subgroup": named,
        "background positive": (named & ~positive) | (~named & positive),
        "background negative": (named & positive) | (~named & ~positive),
    }.items():
        expected = column_auc(truth[chosen, None].astype(float), values[chosen, None])[0]
        shown, error = table.loc["cats", name].split(" ± ")
        assert float(shown) == pytest.approx(expected, abs=0.5001 * 10 ** -len(shown.partition(".")[2]))
        assert len(shown) == len(error)  # no more digits than the error has
    assert table.loc["all texts", "with"] == positive.sum()


def test_no_figure_for_few_rows_or_unlabelled_ones():
    n = 4 * ENOUGH
    truth = np.where(np.arange(n) % 2, 1.0, 0.0)
    texts = pd.Series(["dog" if row < 2 * ENOUGH else "x" for row in range(n)])
    values = np.linspace(0, 1, n)
    assert figure(fairness_table(scores_of(truth, values), texts, TERMS).loc["dogs", "subgroup"]) >= 0
    truth[0] = np.nan
    row = fairness_table(scores_of(truth, values), texts, TERMS).loc["dogs"]
    assert (row["with"], row["without"], row["subgroup"]) == (ENOUGH, ENOUGH - 1, "–")
