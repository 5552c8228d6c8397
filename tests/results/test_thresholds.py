"""Thresholds: the best F1 there is, found on other rows than it is scored on, kept with the folds they are of."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from pooled_bert.results.thresholds import ARTICLE, best_threshold, decision_figures, nested_thresholds


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 7)), min_size=1, max_size=30))
def test_no_other_threshold_has_a_higher_f1(rows):
    labels, scores = np.array(rows, np.float64).T
    scores /= 8
    if not labels.any():
        assert best_threshold(labels, scores) == ARTICLE
        return
    found = f1_score(labels, scores > best_threshold(labels, scores))
    others = [f1_score(labels, scores > value) for value in np.arange(17) / 16]
    assert found == pytest.approx(max(others))


def test_unlabelled_rows_have_no_say():
    labels, scores = np.array([0, 0, 1, 1.0]), np.array([0.1, 0.2, 0.3, 0.4])
    more = np.append(labels, [np.nan] * 3), np.append(scores, [0.21, 0.26, 0.9])
    assert best_threshold(*more) == best_threshold(labels, scores) == pytest.approx(0.25)
    assert decision_figures(more[0], more[1] > 0.25) == decision_figures(labels, scores > 0.25)


def test_a_fold_has_no_say_in_its_own_thresholds():
    random = np.random.default_rng(0)
    folds = [(random.integers(0, 2, (40, 2)).astype(float), random.random((40, 2))) for _ in range(3)]
    before = nested_thresholds(folds)
    folds[1] = (1 - folds[1][0], folds[1][1])
    after = nested_thresholds(folds)
    assert np.array_equal(before[1], after[1])
    assert not np.array_equal(before[0], after[0])


def test_one_fold_alone_is_decided_by_the_articles_rule():
    assert nested_thresholds([(np.ones((3, 2)), np.ones((3, 2)))])[0].tolist() == [ARTICLE, ARTICLE]


def test_figures_are_those_of_a_confusion_matrix():
    labels = np.array([1, 1, 1, 0, 0, np.nan])
    figures = decision_figures(labels, np.array([True, True, False, True, False, True]))
    assert figures == {"TP": 2, "FP": 1, "FN": 1, "TN": 1, "precision": 2 / 3, "recall": 2 / 3, "F1": 2 / 3}
    assert decision_figures(np.zeros(2), np.zeros(2, bool))["F1"] == 0
