import numpy as np
import pytest

from pooled_bert.base.sound import RATE, Sound
from pooled_bert.inputs.augmentation import Augmentation, at_speed
from pooled_bert.inputs.frames import Frames

NONE = Augmentation(0, 0, 0, 0, 0, 0)
FRAMES = Frames(np.arange(60 * 70, dtype=np.float32).reshape(60, 70) % 97 + 1, np.array([0, 20, 60]))
LABELS = np.eye(3, dtype=np.float32)[:2]


def changed(augmentation, seed=0):
    return augmentation.rows(FRAMES, np.random.default_rng(seed))


def test_nothing_changes_without_augmentation():
    assert (changed(NONE).flat == FRAMES.flat).all()
    inputs = FRAMES.padded(np.arange(2))
    same, labels = NONE.batch(inputs, LABELS, np.random.default_rng(0))
    assert same is inputs
    assert (labels == LABELS).all()


def test_changes_are_a_function_of_the_random_numbers_and_leave_the_source_alone():
    before = FRAMES.flat.copy()
    full = Augmentation(0.2, 0.1, 1, 0.1, 0, 0)
    assert (changed(full, 1).flat == changed(full, 1).flat).all()
    assert changed(full, 1).flat.shape != changed(full, 2).flat.shape
    assert (FRAMES.flat == before).all()


def test_cropped_rows_are_spans_of_their_sources():
    for seed in range(10):
        rows = changed(Augmentation(0.5, 0, 0, 0, 0, 0), seed)
        for number in range(2):
            row, source = rows.row(number), FRAMES.row(number)
            assert len(row) >= len(source) / 2 - 1
            assert any((source[start : start + len(row)] == row).all() for start in range(len(source)))


def test_stretched_rows_keep_their_ends():
    rows = changed(Augmentation(0, 0.3, 0, 0, 0, 0), 3)
    assert rows.lengths.tolist() != FRAMES.lengths.tolist()
    assert rows.row(1)[[0, -1]] == pytest.approx(FRAMES.row(1)[[0, -1]], abs=1e-3)


def test_masks_are_short_and_narrow():
    shares = []
    for seed in range(20):
        rows = changed(Augmentation(0, 0, 1, 0, 0, 0), seed)
        masked = rows.row(1) == 0
        assert masked.all(axis=1).sum() <= 0.12 * 40
        assert masked.all(axis=0).sum() <= 16
        shares.append(masked.mean())
    assert 0 < np.mean(shares) < 0.4


def test_smoothed_and_mixed_labels_add_up_to_one_and_unlabelled_rows_stay_so():
    labels = np.vstack([LABELS, np.full((1, 3), np.nan, np.float32)])
    frames = Frames(np.ones((30, 70), np.float32), np.array([0, 10, 20, 30]))
    smooth = Augmentation(0, 0, 0, 0, 0, 0.3)
    _, smoothed = smooth.batch(frames.padded(np.arange(3)), labels, np.random.default_rng(0))
    assert smoothed[0] == pytest.approx([0.8, 0.1, 0.1])
    assert np.isnan(smoothed[2]).all()
    mixing = Augmentation(0, 0, 0, 0, 0.4, 0)
    inputs, mixed = mixing.batch(FRAMES.padded(np.arange(2)), LABELS, np.random.default_rng(5))
    assert mixed.sum(axis=1) == pytest.approx(1)
    assert mixed.dtype == np.float32
    assert inputs["frames"].dtype == np.float32


def test_faster_sound_is_shorter_and_higher():
    time = np.arange(RATE) / RATE
    one = Sound(np.sin(2 * np.pi * 200 * time).astype(np.float32), "a")
    faster = at_speed(one, 1.25)
    assert faster.seconds == pytest.approx(0.8, abs=1e-3)
    assert faster.speaker == "a"
    spectrum = np.abs(np.fft.rfft(faster.samples))
    assert spectrum.argmax() / faster.seconds == pytest.approx(250, abs=2)
