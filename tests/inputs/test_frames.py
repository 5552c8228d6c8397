import numpy as np
import pytest

from pooled_bert.base.errors import InputError
from pooled_bert.base.sound import RATE, Sound
from pooled_bert.inputs.frames import FrameReader, block_seconds, by_speaker, frame_reader, sound_features
from pooled_bert.inputs.sound_statistics import sound_statistics
from pooled_bert.inputs.speech_features import PROSODY, speech_features, spoken_part


def sound(seconds, speaker="a", frequency=200.0, seed=0):
    time = np.arange(round(seconds * RATE)) / RATE
    noise = np.random.default_rng(seed).normal(0, 0.01, len(time))
    return Sound((0.3 * np.sin(2 * np.pi * frequency * time) + noise).astype(np.float32), speaker)


SOUNDS = [sound(0.4), sound(0.9, "a", 150, 1), sound(0.6, "b", 300, 2), sound(1.3, "b", 250, 3)]


def frames_of(sounds, seconds=10.0):
    return FrameReader(seconds, by_speaker=False).encode(sounds, cache=None)


def test_rows_are_as_long_as_their_sounds():
    frames = frames_of(SOUNDS)
    seconds = [one.seconds for one in SOUNDS]
    assert (np.argsort(frames.lengths) == np.argsort(seconds)).all()
    assert frames.lengths == pytest.approx(np.array(seconds) / 0.03, abs=2)
    shorter = frames_of(SOUNDS, 0.5)
    assert shorter.lengths.max() < frames.lengths.max()
    assert (shorter.row(0) == frames.row(0)).all()


def test_batch_is_padded_at_the_end_and_masked():
    frames = frames_of(SOUNDS)
    batch = frames.padded(np.array([3, 0]), multiple=32)
    assert batch["frames"].shape[1] % 32 == 0
    assert batch["attention_mask"].sum(axis=1).tolist() == frames.lengths[[3, 0]].tolist()
    assert (batch["frames"][1, : frames.lengths[0]] == frames.row(0)).all()
    assert not batch["frames"][batch["attention_mask"] == 0].any()


def test_features_are_computed_once(tmp_path, monkeypatch):
    first = sound_features(SOUNDS, 10.0, cache=tmp_path)
    monkeypatch.setattr("pooled_bert.inputs.frames.speech_features", None)
    again = sound_features(SOUNDS, 10.0, cache=tmp_path)
    assert (first.flat == again.flat).all()
    assert (first.offsets == again.offsets).all()


def test_damaged_cache_is_made_again(tmp_path):
    first = sound_features(SOUNDS, 10.0, cache=tmp_path)
    (path,) = tmp_path.iterdir()
    path.write_bytes(b"damaged")
    assert (sound_features(SOUNDS, 10.0, cache=tmp_path).flat == first.flat).all()


@pytest.mark.parametrize("frequency", [90.0, 150.0, 220.0, 330.0])
def test_pitch_of_a_voice_is_found(frequency):
    time = np.arange(RATE // 2) / RATE
    voice = sum(np.sin(2 * np.pi * frequency * k * time) / k for k in range(1, 8))
    pitch, harmonicity, *_ = speech_features((0.1 * voice).astype(np.float32))[5:-5, -len(PROSODY) :].T
    assert 2**pitch == pytest.approx(frequency, rel=0.02)
    assert (harmonicity > 0.9).all()


def test_noise_has_no_pitch():
    noise = np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32)
    harmonicity = speech_features(noise)[:, -len(PROSODY) + 1]
    assert (harmonicity < 0.5).mean() > 0.9


def test_loudness_of_the_recording_does_not_matter():
    quiet = Sound(SOUNDS[1].samples * 0.1)
    assert frames_of([quiet]).flat == pytest.approx(frames_of([SOUNDS[1]]).flat, abs=1e-2)


def test_silence_at_the_ends_has_no_frames():
    padding = np.zeros(RATE // 2, np.float32)
    padded = Sound(np.concatenate([padding, SOUNDS[0].samples, padding]))
    start, stop = spoken_part(padded.samples)
    assert start == pytest.approx(RATE * 0.5, abs=500)
    assert stop == pytest.approx(RATE * 0.9, abs=500)
    times = block_seconds(padded, 10.0)
    assert times[0] == pytest.approx(0.5, abs=0.03)
    assert times[-1] == pytest.approx(0.9, abs=0.03)
    assert len(times) == frames_of([padded]).lengths[0] + 1


@pytest.mark.parametrize("seconds", [0.05, 0.06, 0.1, 10.0])
def test_very_short_and_long_sounds_have_finite_numbers(seconds):
    one = sound(seconds)
    features = speech_features(one.samples)
    assert np.isfinite(features).all()
    assert np.isfinite(frames_of([one]).flat).all()
    assert sound_statistics(features).shape == (137,)
    assert np.isfinite(sound_statistics(features)).all()


def test_statistics_by_speaker_have_mean_0_and_deviation_1():
    values = np.random.default_rng(0).normal(3, 2, (20, 4))
    speakers = np.repeat(["a", "b"], 10)
    normalised = by_speaker(values, speakers, 1e-6)
    for speaker in "ab":
        assert normalised[speakers == speaker].mean(axis=0) == pytest.approx(0, abs=1e-9)
        assert normalised[speakers == speaker].std(axis=0) == pytest.approx(1)


def test_copies_at_other_speeds_belong_to_training_rows_only():
    reader = FrameReader(10.0, by_speaker=False, speeds=(0.9, 1.1))
    frames, rows = reader.encode_to_learn(SOUNDS, np.array([3, 1]), cache=None)
    assert rows.tolist() == [3, 1, 3, 1, 3, 1]
    assert frames.lengths[:2].tolist() == frames_of(SOUNDS).lengths[[3, 1]].tolist()
    assert frames.lengths[2] == pytest.approx(frames.lengths[0] / 0.9, abs=1.5)
    assert frames.lengths[4] == pytest.approx(frames.lengths[0] / 1.1, abs=1.5)


def test_training_rows_alone_decide_the_normalisation():
    reader = FrameReader(10.0, by_speaker=False)
    rows = np.array([0, 1])
    fitted = reader.fitted(SOUNDS, rows, cache=None)
    others = [*SOUNDS[:2], sound(0.7, "b", 400, 9), sound(2.0, "c", 90, 8)]
    assert fitted.key == reader.fitted(others, rows, cache=None).key
    flat = fitted.encode(SOUNDS[:2], cache=None).flat
    assert (flat.std(axis=0) > 0.5).mean() > 0.8
    assert flat.mean(axis=0) == pytest.approx(0, abs=0.05)  # frames far off are cut


def test_normalisation_by_speaker_uses_the_speakers_own_sounds():
    reader = FrameReader(10.0, by_speaker=True)
    together = reader.encode(SOUNDS, cache=None)
    alone = reader.encode(SOUNDS[2:], cache=None)
    assert together.take(np.array([2, 3])).flat == pytest.approx(alone.flat, abs=1e-4)
    assert together.take(np.array([0, 1])).flat.mean(axis=0) == pytest.approx(0, abs=0.05)


def test_saved_settings_make_the_same_reader():
    reader = FrameReader(3.0, by_speaker=True).fitted(SOUNDS, np.arange(3), cache=None)
    again = frame_reader(reader.settings())
    assert again.key == reader.key
    assert (again.encode(SOUNDS, cache=None).flat == reader.encode(SOUNDS, cache=None).flat).all()


def test_sound_that_is_silent_where_it_is_read_is_refused():
    late = Sound(np.concatenate([np.zeros(RATE, np.float32), SOUNDS[0].samples]))
    assert np.isfinite(frames_of([late], seconds=2.0).flat).all()
    with pytest.raises(InputError, match=r"1\.4 seconds is silent in the first 1, which are read"):
        frames_of([late], seconds=1.0)


def test_no_sounds_have_no_frames():
    frames = (
        FrameReader(10.0, by_speaker=False).fitted(SOUNDS, np.arange(4), cache=None).encode([], cache=None)
    )
    assert len(frames) == 0
