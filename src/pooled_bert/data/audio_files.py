"""A sound file of any rate, width and number of channels -> checked mono samples at one rate."""

import io
import math
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile

from ..base.errors import InputError
from ..base.sound import RATE, Sound

LONGEST = 600  # seconds
HIGHEST_RATE = 768_000  # samples per second
SHORTEST = 0.05  # seconds
SILENCE = 1e-5  # a recording whose largest sample is below this (-100 dB) holds nothing


def read_sound(content: bytes, place: str, speaker: str = "", *, longest: float = LONGEST) -> Sound:
    """Return the sound in the bytes of a file, see ``_read``; raises InputError."""
    return _read(io.BytesIO(content), len(content), place, speaker, longest)


def read_sound_file(path: Path, speaker: str = "") -> Sound:
    """Read one sound file, see ``_read``; raises InputError."""
    try:
        with path.open("rb") as stream:
            return _read(stream, path.stat().st_size, str(path), speaker, LONGEST)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error


def _read(stream: BinaryIO, size: int, place: str, speaker: str, longest: float) -> Sound:
    """Return the sound in a stream of ``size`` bytes.

    Channels are averaged, and other rates are resampled with a low-pass filter.
    Raises InputError that names ``place`` for bytes that are no sound, and for sounds that are damaged, silent, too
    short, or longer than ``longest`` seconds.
    """
    is_cut = _is_cut(stream.read(8), size)
    stream.seek(0)
    try:
        with soundfile.SoundFile(stream) as file:
            rate, expected = file.samplerate, file.frames
            if not SHORTEST <= expected / rate <= longest:
                raise InputError(
                    f"{place}: lasts {expected / rate:,.2f} s; expected a recording of {SHORTEST} to {longest} s"
                )
            if rate > HIGHEST_RATE:  # to resample these would take a lot of memory
                raise InputError(
                    f"{place}: has {rate:,} samples per second; expected at most {HIGHEST_RATE:,}"
                )
            samples = file.read(dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise InputError(
            f"{place}: is no sound file, or is damaged ({str(error).split(': ')[-1].strip()}); convert it to WAV"
        ) from error
    if len(samples) < expected or is_cut:
        raise InputError(f"{place}: is damaged: it ends early, after {len(samples):,} samples")
    if not np.isfinite(samples).all():
        raise InputError(f"{place}: holds samples that are infinite or not a number; convert it again")
    if np.abs(samples).max() < SILENCE:
        raise InputError(f"{place}: is silent; is it the right file?")
    return Sound(_resampled(samples.mean(axis=1), rate), speaker)


def wav_bytes(sound: Sound) -> bytes:
    """Return the sound as the bytes of a WAV file of 16 bits."""
    file = io.BytesIO()
    soundfile.write(file, sound.samples, RATE, format="WAV", subtype="PCM_16")
    return file.getvalue()


def _is_cut(start: bytes, size: int) -> bool:
    """Return whether a WAV file is shorter than its header says; libsndfile would read what is there.

    start : the first 8 bytes. A header that was written before the end was known says 0, or the largest number.
    """
    said = int.from_bytes(start[4:], "little")
    return start[:4] == b"RIFF" and size < 8 + said < 2**32 - 1024


def _resampled(samples: np.ndarray, rate: int) -> np.ndarray:
    if rate == RATE:
        return samples
    from scipy.signal import resample_poly  # slow; whoever reads texts need not wait for it

    divisor = math.gcd(rate, RATE)
    return resample_poly(samples, RATE // divisor, rate // divisor).astype(np.float32)
