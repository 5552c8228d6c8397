import numpy as np
import pytest

from pooled_bert.benchmarks.targets import ONE_CLASS, SCALES, SEVERAL_LABELS, TARGETS

RANDOM = np.random.default_rng(0)
CELLS = RANDOM.random((40, 3))
SHARES = CELLS / CELLS.sum(axis=1, keepdims=True)
LABELS = np.eye(3)[RANDOM.integers(3, size=40)]


def probabilities_of(target):
    return SHARES if target.is_exclusive else CELLS


@pytest.mark.parametrize("target", TARGETS.values())
@pytest.mark.parametrize("how", ["mean", "logit"])
def test_way_to_a_scale_and_back_changes_nothing(target, how):
    probabilities = probabilities_of(target)
    again = target.from_scale(target.to_scale(probabilities, how), how)
    assert again == pytest.approx(probabilities, abs=1e-9)


@pytest.mark.parametrize("how", SCALES)
def test_classes_add_up_to_one_after_any_blend(how):
    other = SHARES[::-1]
    blended = ONE_CLASS.from_scale(
        (ONE_CLASS.to_scale(SHARES, how) + ONE_CLASS.to_scale(other, how)) / 2, how
    )
    assert blended.sum(axis=1) == pytest.approx(1)
    assert ONE_CLASS.invalid_cell(blended) is None


def test_one_class_is_assigned_per_row_and_any_number_of_labels():
    assert (ONE_CLASS.decide(SHARES).sum(axis=1) == 1).all()
    assert (SHARES[ONE_CLASS.decide(SHARES)] == SHARES.max(axis=1)).all()
    assert (SEVERAL_LABELS.decide(CELLS) == (CELLS > 0.5)).all()
    thresholds = np.array([0.0, 0.5, 1.0])
    assert SEVERAL_LABELS.decide(CELLS, thresholds).mean(axis=0)[[0, 2]].tolist() == [1, 0]


@pytest.mark.parametrize("target", TARGETS.values())
def test_unlabelled_rows_change_no_score(target):
    probabilities = probabilities_of(target)
    more = np.vstack([LABELS, np.full((9, 3), np.nan)]), np.vstack([probabilities, probabilities[:9]])
    assert target.scores(*more) == pytest.approx(target.scores(LABELS, probabilities))
    assert all(np.isnan(score) for score in target.scores(more[0][-9:], more[1][-9:]).values())


@pytest.mark.parametrize("target", TARGETS.values())
def test_right_answers_have_the_best_scores(target):
    scores = target.scores(LABELS, LABELS)
    assert scores.pop("log_loss") == pytest.approx(0, abs=1e-6)
    assert set(scores.values()) == {1.0}


def test_recall_and_f1_count_the_classes_that_occur_the_same():
    labels = np.eye(3)[[0] * 8 + [1] * 2]
    scores = ONE_CLASS.scores(labels, np.tile([0.6, 0.3, 0.1], (10, 1)))
    assert scores["accuracy"] == 0.8
    assert scores["average_recall"] == 0.5
    assert scores["macro_f1"] == pytest.approx((2 * 0.8 / 1.8) / 2)


def test_unknown_rows_are_a_stratum_of_their_own():
    labels = np.vstack([np.eye(3), np.full((1, 3), np.nan)])
    assert ONE_CLASS.strata(labels).astype(int).tolist() == np.eye(4, dtype=int).tolist()
    assert ONE_CLASS.strata(labels[:3]).shape == (3, 3)
    assert not SEVERAL_LABELS.strata(labels)[3, :3].any()


@pytest.mark.parametrize(
    ("target", "bad", "expected"),
    [
        (SEVERAL_LABELS, [0.2, 1.5, 0.1], (1, 1, "a number from 0 to 1")),
        (ONE_CLASS, [0.2, np.nan, 0.1], (1, 1, "a number from 0 to 1")),
        (ONE_CLASS, [0.2, 0.2, 0.2], (1, 0, "classes that add up to 1 (they add up to 0.6)")),
    ],
)
def test_first_cell_that_is_no_probability_is_named(target, bad, expected):
    assert target.invalid_cell(np.array([[0.2, 0.3, 0.5], bad])) == expected


def test_pieces_of_a_text_are_pooled_and_still_add_up():
    pieces, first = SHARES[:5].astype(np.float32), np.array([0, 1, 5])
    for pooling in ("mean", "max"):
        pooled = ONE_CLASS.pool(pieces, first, pooling)
        assert pooled[0] == pytest.approx(pieces[0], abs=1e-6)
        assert pooled.sum(axis=1) == pytest.approx(1, abs=1e-6)


def test_rare_classes_weigh_more_and_balanced_ones_the_same():
    labels = np.eye(2)[[0] * 9 + [1]]
    assert ONE_CLASS.positive_weights(labels, 1.0) == pytest.approx([10 / 18, 5])
    assert ONE_CLASS.positive_weights(np.eye(3), 0.5) == pytest.approx([1, 1, 1])
