"""Sound -> frames of features, computed once and cached, normalised."""

import contextlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..base.errors import InputError
from ..base.files import checksum, read_arrays, write_arrays
from ..base.progress import progress_bar
from ..base.sound import RATE, Sound
from .batches import Sequences, Signature
from .speech_features import VERSION, speech_features

MANY = 200  # sounds; for fewer, a progress bar would only flicker
SMALLEST = 1e-3  # a deviation is not taken to be smaller, so that a constant feature is not blown up


class Frames(Sequences):
    """Frames of many sounds, float32 [n_frames, n_features]."""

    @property
    def signature(self) -> Signature:
        """The frames, float32 [batch, length, n_features], and their mask, int32 [batch, length]."""
        return signature(self.flat.shape[1])

    def padded(self, rows: np.ndarray, multiple: int = 1) -> dict[str, np.ndarray]:
        """Return the frames of some sounds, padded with 0 at the end, and their mask."""
        frames, mask = self.filled(rows, multiple)
        return {"frames": frames, "attention_mask": mask.astype(np.int32)}


def signature(n_features: int) -> Signature:
    """Return the signature of frames with this number of features."""
    return {
        "frames": ((None, None, n_features), np.float32),
        "attention_mask": ((None, None), np.int32),
    }


@dataclass(frozen=True)
class FrameReader:
    """Turns sounds into frames, with the settings that the model was trained with.

    mean, deviation : float64 [n_features], of the training rows.  by_speaker : whether each speaker's frames are first
    brought to mean 0 and deviation 1, over all sounds of the speaker that are read together.
    """

    max_seconds: float
    by_speaker: bool
    mean: np.ndarray = field(default_factory=lambda: np.zeros(1))
    deviation: np.ndarray = field(default_factory=lambda: np.ones(1))

    @property
    def key(self) -> tuple:
        """Everything that decides the frames."""
        return self.max_seconds, self.by_speaker, self.mean.tobytes(), self.deviation.tobytes()

    @property
    def signature(self) -> Signature:
        """The arrays of a batch; known once the reader is fitted."""
        return signature(len(self.mean))

    def fitted(self, sounds: list[Sound], rows: np.ndarray, *, cache: Path | None) -> "FrameReader":
        """Return this reader with the mean and the deviation of some rows of ``sounds``."""
        flat = self._by_speaker(sounds, cache).take(rows).flat.astype(np.float64)
        deviation = np.maximum(flat.std(axis=0), SMALLEST)
        return FrameReader(self.max_seconds, self.by_speaker, flat.mean(axis=0), deviation)

    def encode(self, items: list[Sound], *, cache: Path | None) -> Frames:
        """Return the normalised frames of all sounds."""
        frames = self._by_speaker(items, cache)
        return Frames(((frames.flat - self.mean) / self.deviation).astype(np.float32), frames.offsets)

    def encode_to_predict(self, items: list[Sound], *, cache: Path | None) -> Frames:
        """Return the normalised frames of all sounds."""
        return self.encode(items, cache=cache)

    def settings(self) -> dict:
        """Return all settings."""
        return {
            "max_seconds": self.max_seconds,
            "by_speaker": self.by_speaker,
            "mean": self.mean.tolist(),
            "deviation": self.deviation.tolist(),
        }

    def save(self, folder: Path) -> None:
        """Write nothing: all settings fit into JSON."""

    def _by_speaker(self, sounds: list[Sound], cache: Path | None) -> Frames:
        frames = sound_frames(sounds, self.max_seconds, cache=cache)
        if not self.by_speaker:
            return frames
        flat = np.empty_like(frames.flat)
        speakers = np.repeat([sound.speaker for sound in sounds], frames.lengths)
        for speaker in np.unique(speakers):
            own = speakers == speaker
            part = frames.flat[own].astype(np.float64)
            flat[own] = (part - part.mean(axis=0)) / np.maximum(part.std(axis=0), SMALLEST)
        return Frames(flat, frames.offsets)


def frame_reader(settings: dict) -> FrameReader:
    """Return the reader whose ``settings()`` were saved."""
    mean, deviation = (np.array(settings[name], np.float64) for name in ("mean", "deviation"))
    return FrameReader(settings["max_seconds"], settings["by_speaker"], mean, deviation)


def sound_frames(sounds: list[Sound], max_seconds: float, *, cache: Path | None) -> Frames:
    """Compute the features of the first ``max_seconds`` of each sound, or read them from ``cache`` (a folder)."""
    if cache is None:
        return _computed(sounds, max_seconds)
    key = checksum([VERSION, str(max_seconds), *(sound.checksum for sound in sounds)])
    path = cache / f"{key[:32]}.npz"
    with contextlib.suppress(FileNotFoundError, InputError, KeyError):  # a damaged file is made again
        arrays = read_arrays(path)
        return Frames(arrays["flat"], arrays["offsets"])
    frames = _computed(sounds, max_seconds)
    write_arrays(path, {"flat": frames.flat, "offsets": frames.offsets})
    return frames


def _computed(sounds: list[Sound], max_seconds: float) -> Frames:
    bar = progress_bar(
        iterable=sounds, desc="features", unit=" sounds", leave=False, disable=len(sounds) < MANY
    )
    rows = [speech_features(sound.samples[: round(max_seconds * RATE)]) for sound in bar]
    if not rows:
        rows = [speech_features(np.zeros(1, np.float32))[:0]]
        return Frames(rows[0], np.zeros(1, np.int64))
    return Frames(np.concatenate(rows), np.cumsum([0, *map(len, rows)], dtype=np.int64))
