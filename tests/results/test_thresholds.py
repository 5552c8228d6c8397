"""Thresholds: the best F1 there is, found on other rows than it is scored on, kept with the folds they are of."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from pooled_bert.base.errors import InputError
from pooled_bert.base.files import write_json
from pooled_bert.results.thresholds import (
    ARTICLE,
    best_threshold,
    chosen_thresholds,
    decision_figures,
    keep_thresholds,
    nested_thresholds,
)


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


@pytest.fixture
def run():
    """A run of one fold, whose predictions have the checksum abc."""
    fold = SimpleNamespace(fold=0, metrics={"files": {"oof.csv": "abc"}})
    return SimpleNamespace(name="bert", identity={"settings": {"benchmark": "jigsaw"}}, folds=[fold])


def test_thresholds_are_read_as_they_were_kept(tmp_path, run):
    keep_thresholds(tmp_path, run, {"toxic": 0.25, "threat": 1.0})
    assert chosen_thresholds("tuned", tmp_path, run, ["threat", "toxic"]).tolist() == [1.0, 0.25]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("0.25", "NaN", "is damaged .NaN is not a finite number"),
        ("0.25", "5", "is damaged .thresholds.toxic is 5, expected a number from 0 to 1"),
        ("0.25", '"0.5"', "is damaged .thresholds.toxic is '0.5', expected a number"),
        ("0.25", "0.26", "was changed after it was written"),
        ("abc", "abd", "was changed after it was written"),
        ('"toxic"', '"rude"', "was changed after it was written"),
        ("{", "[" * 100_000, "is damaged .it is nested too deeply"),
    ],
)
def test_thresholds_that_were_changed_are_refused_with_the_way_to_make_them(
    tmp_path, run, old, new, expected
):
    keep_thresholds(tmp_path, run, {"toxic": 0.25, "threat": 1.0})
    path = tmp_path / "thresholds.json"
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(
        InputError, match=rf"thresholds\.json: {expected}.*make it with python src/report\.py"
    ):
        chosen_thresholds("tuned", tmp_path, run, ["toxic", "threat"])


def test_thresholds_of_an_earlier_revision_have_no_checksum_and_are_read_with_a_word(tmp_path, run, capsys):
    write_json(tmp_path / "thresholds.json", {"thresholds": {"toxic": 0.25}, "found_on": {"0": "abc"}})
    assert chosen_thresholds("tuned", tmp_path, run, ["toxic"]).tolist() == [0.25]
    assert "by an earlier revision, without a checksum" in capsys.readouterr().err
    with pytest.raises(InputError, match="was made from other folds or labels"):
        chosen_thresholds("tuned", tmp_path, run, ["toxic", "threat"])


def test_one_fold_alone_is_decided_by_the_articles_rule():
    assert nested_thresholds([(np.ones((3, 2)), np.ones((3, 2)))])[0].tolist() == [ARTICLE, ARTICLE]


def test_figures_are_those_of_a_confusion_matrix():
    labels = np.array([1, 1, 1, 0, 0, np.nan])
    figures = decision_figures(labels, np.array([True, True, False, True, False, True]))
    assert figures == {"TP": 2, "FP": 1, "FN": 1, "TN": 1, "precision": 2 / 3, "recall": 2 / 3, "F1": 2 / 3}
    assert decision_figures(np.zeros(2), np.zeros(2, bool))["F1"] == 0
