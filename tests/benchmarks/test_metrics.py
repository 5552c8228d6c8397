import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from pooled_bert.benchmarks.metrics import accuracy, column_auc, log_loss, mean_auc, resampled_auc

RANDOM = np.random.default_rng(0)
LABELS = (RANDOM.random((200, 3)) < 0.3).astype(float)
SCORES = RANDOM.random((200, 3))


def test_auc_is_scikit_learns():
    assert mean_auc(column_auc(LABELS, SCORES)) == pytest.approx(
        roc_auc_score(LABELS, SCORES, average="macro")
    )


def test_unlabelled_cells_change_no_score():
    more_labels = np.vstack([LABELS, np.full((50, 3), np.nan)])
    more_scores = np.vstack([SCORES, RANDOM.random((50, 3))])
    for metric in (column_auc, log_loss):
        assert np.allclose(metric(LABELS, SCORES), metric(more_labels, more_scores))
    assert accuracy(LABELS, SCORES > 0.5) == pytest.approx(accuracy(more_labels, more_scores > 0.5))


def test_label_of_one_class_has_no_auc_and_is_not_counted():
    labels = LABELS.copy()
    labels[:, 1] = 0
    aucs = column_auc(labels, SCORES)
    assert np.isnan(aucs[1])
    assert mean_auc(aucs) == pytest.approx((aucs[0] + aucs[2]) / 2)


def test_nothing_labelled_gives_nan_everywhere():
    labels = np.full((4, 1), np.nan)
    scores = np.full((4, 1), 0.5)
    assert np.isnan(mean_auc(column_auc(labels, scores)))
    assert np.isnan(accuracy(labels, scores > 0.5))
    assert np.isnan(log_loss(labels, scores))


def test_auc_of_a_resample_is_that_of_its_rows():
    scores = np.round(SCORES[:, 0], 1)  # with ties
    labels = np.where(np.arange(200) % 9 == 0, np.nan, LABELS[:, 0])
    draws = [RANDOM.integers(200, size=200) for _ in range(5)]
    counts = np.stack([np.bincount(draw, minlength=200) for draw in draws])
    expected = [column_auc(labels[draw, None], scores[draw, None])[0] for draw in draws]
    assert resampled_auc(labels, scores, counts) == pytest.approx(expected)
    assert resampled_auc(labels, scores) == pytest.approx(column_auc(labels[:, None], scores[:, None]))


def test_resample_of_one_class_has_no_auc():
    counts = np.array([[1, 1, 0, 0], [1, 0, 1, 0]])
    aucs = resampled_auc(np.array([0.0, 0.0, 1.0, 1.0]), np.array([0.1, 0.2, 0.3, 0.4]), counts)
    assert np.isnan(aucs[0])
    assert aucs[1] == 1.0
