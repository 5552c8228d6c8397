import numpy as np
import pytest

from pooled_bert.benchmarks.targets import ONE_CLASS, SEVERAL_LABELS
from pooled_bert.results.label_errors import label_errors


def scored(true, noise, seed=0):
    random = np.random.default_rng(seed)
    return np.clip(true * 0.9 + 0.05 + random.normal(0, noise, true.shape), 0, 1)


def test_flipped_labels_are_found_and_ranked_first():
    random = np.random.default_rng(1)
    true = (random.random((400, 2)) < 0.3).astype(float)
    given = true.copy()
    flipped = [(5, 0), (17, 1), (200, 0)]
    for cell in flipped:
        given[cell] = 1 - given[cell]
    scores = scored(true, 0.02)
    for cell in flipped:
        scores[cell] = true[cell]  # the model is sure
    found = label_errors(given, scores, SEVERAL_LABELS)
    assert set(zip(found["row"][:3], found["column"][:3], strict=True)) == set(flipped)
    assert found["probability"].is_monotonic_decreasing
    assert (found["given"] == given[found["row"], found["column"]]).all()


def test_wrong_classes_are_found_with_the_likelier_class():
    true = np.eye(3)[np.arange(90) % 3]
    given = true.copy()
    given[[4, 8]] = np.roll(given[[4, 8]], 1, axis=1)
    found = label_errors(given, scored(true, 0.0), ONE_CLASS)
    assert set(found["row"][:2]) == {4, 8}
    assert true[found["row"][:2], found["column"][:2]].tolist() == [1, 1]


def test_cells_without_a_label_are_never_suspicious():
    labels = np.array([[1, np.nan], [0, 1], [1, 0], [0, np.nan]])
    found = label_errors(labels, np.array([[0.9, 0.9], [0.1, 0.1], [0.8, 0.9], [0.2, 0.2]]), SEVERAL_LABELS)
    assert (1, 1) in set(zip(found["row"], found["column"], strict=True))
    assert not {(0, 1), (3, 1)} & set(zip(found["row"], found["column"], strict=True))


@pytest.mark.parametrize("target", [SEVERAL_LABELS, ONE_CLASS])
def test_rows_that_are_scored_as_labelled_have_no_errors(target):
    true = np.eye(3)[np.arange(60) % 3]
    assert len(label_errors(true, true, target)) == 0
