import dataclasses

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from pooled_bert.base.errors import InputError
from pooled_bert.benchmarks.metrics import column_auc
from pooled_bert.benchmarks.targets import SEVERAL_LABELS
from pooled_bert.training.checkpoints import Checkpoints
from pooled_bert.training.linear import fit, log_count_ratios
from pooled_bert.training.linear_features import passages
from pooled_bert.training.problem import Problem
from pooled_bert.training.settings import LinearSettings


def problem_of(labels, tmp_path, test=("good film",)):
    texts = ["a good film", "a bad film", "good good", "bad bad"] * 20
    return Problem(
        target=SEVERAL_LABELS,
        label_names=("a", "b")[: labels.shape[1]],
        items=texts,
        labels=labels,
        train=np.arange(60),
        valid=np.arange(60, 80),
        test=list(test),
        title="fold 0",
        seed=0,
        cache=tmp_path,
        checkpoints=Checkpoints(tmp_path / "checkpoints", minutes=5),
    )


def test_separable_texts_are_told_apart(tmp_path):
    labels = np.tile([[1.0], [0.0]], (40, 1))
    outcome = fit(problem_of(labels, tmp_path), LinearSettings())
    assert column_auc(labels[60:], outcome.oof)[0] == 1.0
    assert outcome.test[0, 0] > 0.5


def test_label_of_one_class_gets_its_rate_and_unlabelled_rows_are_left_out(tmp_path):
    labels = np.tile([[1.0, 0.0], [0.0, np.nan]], (40, 1))
    outcome = fit(problem_of(labels, tmp_path, test=()), LinearSettings())
    assert (outcome.oof[:, 1] == 0.0).all()
    assert outcome.test.shape == (0, 2)


def test_empty_and_very_long_texts_are_learnt_from(tmp_path):
    problem = problem_of(np.tile([[1.0], [0.0], [1.0], [0.0]], (20, 1)), tmp_path)
    texts = [*problem.items[:-2], "", "good film " * 100_000]
    outcome = fit(dataclasses.replace(problem, items=texts, test=["", "bad"]), LinearSettings())
    assert np.isfinite(outcome.oof).all()
    assert np.isfinite(outcome.test).all()


def test_texts_that_share_nothing_are_refused(tmp_path):
    problem = problem_of(np.tile([[1.0], [0.0], [1.0], [0.0]], (20, 1)), tmp_path)
    with pytest.raises(InputError, match="fold 0: its 60 training texts share too few words"):
        fit(dataclasses.replace(problem, items=[""] * 80), LinearSettings())


def test_words_of_one_class_get_large_weights_and_words_of_both_get_none():
    features = csr_matrix([[1.0, 0.0, 0.5], [2.0, 0.0, 0.5], [0.0, 3.0, 0.5], [0.0, 1.0, 0.5]])
    good, bad, film = log_count_ratios(features, np.array([1, 1, 0, 0]), smoothing=0.5)
    assert good == pytest.approx(np.log(5))  # (2 + .5) rows against .5; both classes have 5.5 in all
    assert bad == pytest.approx(-np.log(5))
    assert film == pytest.approx(0)


def test_sequences_of_three_words_tell_apart_what_pairs_cannot(tmp_path):
    labels = np.tile([[1.0], [0.0], [0.0], [1.0]], (20, 1))
    texts = [
        "not a bad film",
        "a bad film",
        "not a good film",
        "a good film",
    ] * 20  # pairs know no interaction
    texts = [f"{text} by {index}" for index, text in enumerate(texts)]
    problem = dataclasses.replace(problem_of(labels, tmp_path), items=texts)
    pairs, threes = (fit(problem, LinearSettings(ngrams="word", words=words)).oof for words in (2, 3))
    assert column_auc(labels[60:], pairs)[0] < column_auc(labels[60:], threes)[0] == 1.0


def test_document_vectors_tell_what_no_training_text_shares(tmp_path):
    # rows to learn from know "fine" and "poor" alone; unlabelled texts say what they go with
    known = [f"fine {number}" for number in range(30)] + [f"poor {number}" for number in range(30)]
    asked = ["splendid evening"] * 10 + ["dreadful evening"] * 10
    told = ["fine splendid evening out", "poor dreadful evening out"] * 100
    labels = np.array([[1.0]] * 30 + [[0.0]] * 30 + [[1.0]] * 10 + [[0.0]] * 10)
    problem = dataclasses.replace(problem_of(labels, tmp_path, test=told), items=known + asked)
    words, vectors = (fit(problem, LinearSettings(ngrams="word", vectors=size)).oof for size in (None, 2))
    assert column_auc(labels[60:], words)[0] == 0.5
    assert column_auc(labels[60:], vectors)[0] > 0.9


def test_words_in_long_texts_are_recognised_by_their_passage(tmp_path):
    # one bad word makes a text bad; in the validation rows it stands among many good ones
    good, bad = "good kind fine", "good awful fine"
    long = " ".join(["good kind fine nice"] * 50)
    texts = (
        [good, bad] * 30 + [f"{long} {end}" for end in ("good", "awful")] * 5 + ["kind bad fine", "awful"] * 5
    )
    labels = np.array([[0.0], [1.0]] * 40)
    problem = dataclasses.replace(problem_of(labels, tmp_path), items=texts)
    whole, passages = (fit(problem, LinearSettings(ngrams="word", passage=size)).oof for size in (None, 4))
    assert (passages[61:70:2] > whole[61:70:2] + 0.05).all()  # long texts with the bad word
    assert column_auc(labels[60:], passages)[0] == 1.0


def test_passages_overlap_by_half_and_leave_out_no_word():
    assert passages("a b c d e f g", 4) == ["a b c d", "c d e f", "e f g"]
    assert passages("a b", 4) == ["a b"]
    assert passages("", 4) == [""]
    assert passages("a b c", 1) == ["a", "b", "c"]


@pytest.mark.parametrize(
    "extra", [{}, {"naive_bayes": 0.1}, {"naive_bayes": 0.1, "vectors": 2, "passage": 2}]
)
@pytest.mark.parametrize("ngrams", ["averaged", "word_char"])
def test_all_kinds_of_features_go_together(tmp_path, ngrams, extra):
    labels = np.tile([[1.0, 1.0], [0.0, np.nan], [1.0, 0.0], [0.0, 0.0]], (20, 1))
    outcome = fit(problem_of(labels, tmp_path), LinearSettings(ngrams=ngrams, **extra))
    assert column_auc(labels[60:, :1], outcome.oof[:, :1])[0] == 1.0
    assert outcome.test[0, 0] > 0.5
    without_test = fit(problem_of(labels, tmp_path, test=()), LinearSettings(ngrams=ngrams, **extra))
    assert without_test.test.shape == (0, 2)
