import io

import numpy as np
import pytest
import soundfile

from pooled_bert.base.errors import InputError
from pooled_bert.base.sound import RATE
from pooled_bert.data.audio_files import read_sound, read_sound_file


def tone(rate, seconds=0.5, frequency=440.0):
    return 0.5 * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate)


def wav(samples, rate, subtype="PCM_16", form="WAV"):
    stream = io.BytesIO()
    soundfile.write(stream, samples, rate, format=form, subtype=subtype)
    return stream.getvalue()


def loudest_frequency(samples):
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return spectrum.argmax() * RATE / len(samples)


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 44_100, 48_000, 96_000])
def test_sound_of_any_rate_keeps_its_pitch_and_length(rate):
    sound = read_sound(wav(tone(rate), rate), "x.wav")
    assert sound.samples.dtype == np.float32
    assert sound.seconds == pytest.approx(0.5, abs=0.001)
    assert loudest_frequency(sound.samples) == pytest.approx(440, abs=3)


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW"])
def test_sound_of_any_width_has_the_same_samples(subtype):
    sound = read_sound(wav(tone(RATE), RATE, subtype), "x.wav")
    assert sound.samples == pytest.approx(tone(RATE), abs=0.02)


def test_channels_are_averaged():
    left, right = tone(RATE), 0.2 * tone(RATE, frequency=880)
    sound = read_sound(wav(np.stack([left, right], axis=1), RATE), "x.wav")
    assert sound.samples == pytest.approx((left + right) / 2, abs=1e-4)


def test_what_a_lower_rate_cannot_hold_is_filtered_out():
    high = read_sound(wav(tone(96_000, frequency=11_000), 96_000), "x.wav")
    assert np.abs(high.samples[100:-100]).max() < 0.005


def test_other_formats_are_read():
    assert read_sound(wav(tone(RATE), RATE, "PCM_16", "FLAC"), "x.flac").seconds == 0.5
    assert read_sound(wav(tone(RATE), RATE, "VORBIS", "OGG"), "x.ogg").seconds == pytest.approx(0.5, abs=0.01)


def not_a_number():
    samples = tone(RATE)
    samples[7] = np.nan
    return wav(samples, RATE, "FLOAT")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is no sound file"),
        (b"id,text\n1,hello\n", "is no sound file"),
        (wav(tone(RATE), RATE)[:30], "is no sound file, or is damaged"),
        (b"RIFF" + b"\0" * 200, "is no sound file"),
        (wav(np.zeros(0), RATE), "lasts 0.00 s"),
        (wav(tone(RATE, 0.01), RATE), "lasts 0.01 s"),
        (wav(np.full(70_000, 0.1), 100), "lasts 700.00 s"),
        (wav(np.zeros(RATE), RATE), "is silent"),
        (not_a_number(), "not a number"),
    ],
    ids=["empty", "text", "cut header", "damaged header", "no frames", "short", "long", "silent", "nan"],
)
def test_what_cannot_be_used_is_refused_with_its_name(content, said):
    with pytest.raises(InputError, match=r"^x\.wav: ") as caught:
        read_sound(content, "x.wav")
    assert said in str(caught.value)


def test_compressed_file_that_is_cut_off_is_refused():
    content = wav(np.random.default_rng(0).normal(0, 0.1, 5 * RATE), RATE, "PCM_16", "FLAC")
    with pytest.raises(InputError, match="damaged"):
        read_sound(content[: len(content) // 2], "x.flac")


def test_wav_file_that_is_cut_off_is_refused_unless_its_header_says_no_length():
    content = wav(tone(RATE), RATE)
    with pytest.raises(InputError, match="ends early"):
        read_sound(content[:-1000], "x.wav")
    streamed = content[:4] + b"\xff\xff\xff\xff" + content[8:]
    assert read_sound(streamed, "x.wav").seconds == 0.5


def test_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_sound_file(tmp_path / "missing.wav")
