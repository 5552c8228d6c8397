import numpy as np
import pytest

from pooled_bert.base.sound import RATE, Sound
from pooled_bert.inputs.frames import FrameReader, frame_reader, sound_frames


def sound(seconds, speaker="a", frequency=200.0, seed=0):
    time = np.arange(round(seconds * RATE)) / RATE
    noise = np.random.default_rng(seed).normal(0, 0.01, len(time))
    return Sound((0.3 * np.sin(2 * np.pi * frequency * time) + noise).astype(np.float32), speaker)


SOUNDS = [sound(0.4), sound(0.9, "a", 150, 1), sound(0.6, "b", 300, 2), sound(1.3, "b", 250, 3)]


def test_rows_are_as_long_as_their_sounds():
    frames = sound_frames(SOUNDS, 10.0, cache=None)
    order = np.argsort([one.seconds for one in SOUNDS])
    assert (np.argsort(frames.lengths) == order).all()
    shorter = sound_frames(SOUNDS, 0.5, cache=None)
    assert shorter.lengths.max() < frames.lengths.max()
    assert (shorter.row(0) == frames.row(0)).all()


def test_batch_is_padded_at_the_end_and_masked():
    frames = sound_frames(SOUNDS, 10.0, cache=None)
    batch = frames.padded(np.array([3, 0]), multiple=32)
    assert batch["frames"].shape[1] % 32 == 0
    assert batch["attention_mask"].sum(axis=1).tolist() == frames.lengths[[3, 0]].tolist()
    assert (batch["frames"][1, : frames.lengths[0]] == frames.row(0)).all()
    assert not batch["frames"][batch["attention_mask"] == 0].any()


def test_frames_are_computed_once(tmp_path, monkeypatch):
    first = sound_frames(SOUNDS, 10.0, cache=tmp_path)
    monkeypatch.setattr("pooled_bert.inputs.frames.speech_features", None)
    again = sound_frames(SOUNDS, 10.0, cache=tmp_path)
    assert (first.flat == again.flat).all()
    assert (first.offsets == again.offsets).all()


def test_damaged_cache_is_made_again(tmp_path):
    first = sound_frames(SOUNDS, 10.0, cache=tmp_path)
    (path,) = tmp_path.iterdir()
    path.write_bytes(b"damaged")
    assert (sound_frames(SOUNDS, 10.0, cache=tmp_path).flat == first.flat).all()


def test_training_rows_alone_decide_the_normalisation():
    reader = FrameReader(10.0, by_speaker=False)
    rows = np.array([0, 1])
    fitted = reader.fitted(SOUNDS, rows, cache=None)
    others = [*SOUNDS[:2], sound(0.7, "b", 400, 9), sound(2.0, "c", 90, 8)]
    assert fitted.key == reader.fitted(others, rows, cache=None).key
    flat = fitted.encode(SOUNDS[:2], cache=None).flat
    varying = flat.std(axis=0) > 0.5
    assert varying.mean() > 0.8
    assert flat.mean(axis=0) == pytest.approx(0, abs=1e-4)


def test_normalisation_by_speaker_uses_the_speakers_own_sounds():
    reader = FrameReader(10.0, by_speaker=True)
    together = reader.encode(SOUNDS, cache=None)
    alone = reader.encode(SOUNDS[2:], cache=None)
    assert together.take(np.array([2, 3])).flat == pytest.approx(alone.flat, abs=1e-5)
    assert together.take(np.array([0, 1])).flat.mean(axis=0) == pytest.approx(0, abs=1e-3)


def test_saved_settings_make_the_same_reader():
    reader = FrameReader(3.0, by_speaker=True).fitted(SOUNDS, np.arange(3), cache=None)
    again = frame_reader(reader.settings())
    assert again.key == reader.key
    assert (again.encode(SOUNDS, cache=None).flat == reader.encode(SOUNDS, cache=None).flat).all()


def test_no_sounds_have_no_frames():
    frames = (
        FrameReader(10.0, by_speaker=False).fitted(SOUNDS, np.arange(4), cache=None).encode([], cache=None)
    )
    assert len(frames) == 0
