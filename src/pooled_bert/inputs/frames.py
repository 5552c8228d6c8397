"""Sound -> frames of features, computed once and cached, normalised."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from weakref import WeakKeyDictionary

import numpy as np

from ..base.errors import InputError
from ..base.progress import progress_bar
from ..base.sound import RATE, Sound
from .augmentation import at_speed
from .batches import Sequences, Signature
from .cache import cached
from .speech_features import (
    HOP,
    N_CEPSTRA,
    N_FEATURES,
    PROSODY,
    SHAPE,
    VERSION,
    WINDOW,
    slopes,
    speech_features,
    spoken_part,
)

MANY = 200  # sounds; for fewer, a progress bar would only flicker
BLOCK = 3  # steps of 10 ms; about the article's hop of 32 ms
N_BLOCK = 2 * (N_CEPSTRA + len(SHAPE)) + len(PROSODY) + 2
VOICED = 0.5  # harmonicity above which a step has a pitch
USUAL_PITCH = 7.3  # log2 of Hz, between the pitches of men and women
FARTHEST = 5.0  # deviations; a frame farther from the mean is taken to be this far
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
    brought to mean 0 and deviation 1, over all sounds of the speaker that are read together.  speeds : of the copies
    that are learnt from, beside the sounds themselves.
    """

    max_seconds: float
    by_speaker: bool
    speeds: tuple[float, ...] = ()
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
        return replace(self, mean=flat.mean(axis=0), deviation=deviation)

    def encode(self, items: list[Sound], *, cache: Path | None) -> Frames:
        """Return the normalised frames of all sounds."""
        frames = self._by_speaker(items, cache)
        normalised = (frames.flat - self.mean) / self.deviation
        return Frames(np.clip(normalised, -FARTHEST, FARTHEST).astype(np.float32), frames.offsets)

    def encode_to_learn(
        self, items: list[Sound], rows: np.ndarray, *, cache: Path | None
    ) -> tuple[Frames, np.ndarray]:
        """Return the frames of some rows and of their copies at other speeds, and the row that each belongs to."""
        parts = [self.encode(items, cache=cache).take(rows)]
        for speed in self.speeds:
            copies = [at_speed(items[row], speed) for row in rows.tolist()]
            parts.append(self.encode(copies, cache=cache))
        lengths = np.concatenate([part.lengths for part in parts])
        frames = Frames(np.concatenate([part.flat for part in parts]), np.cumsum([0, *lengths]))
        return frames, np.tile(rows, len(parts))

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
        features = sound_features(sounds, self.max_seconds, cache=cache)
        rows = [blocks(features.row(number)) for number in range(len(features))]
        frames = Frames(*_joined(rows, N_BLOCK))
        if not self.by_speaker:
            return frames
        speakers = np.repeat([sound.speaker for sound in sounds], frames.lengths)
        return Frames(by_speaker(frames.flat, speakers, SMALLEST), frames.offsets)


def by_speaker(values: np.ndarray, speakers: np.ndarray, smallest: float) -> np.ndarray:
    """Return rows [n_rows, n] brought to mean 0 and deviation 1 over the rows of each speaker, in their dtype.

    A deviation is not taken to be below ``smallest``.
    """
    normalised = np.empty_like(values)
    for speaker in np.unique(speakers):
        own = speakers == speaker
        part = values[own].astype(np.float64)
        normalised[own] = (part - part.mean(axis=0)) / np.maximum(part.std(axis=0), smallest)
    return normalised


def frame_reader(settings: dict) -> FrameReader:
    """Return the reader whose ``settings()`` were saved."""
    mean, deviation = (np.array(settings[name], np.float64) for name in ("mean", "deviation"))
    return FrameReader(settings["max_seconds"], settings["by_speaker"], mean=mean, deviation=deviation)


def sound_features(sounds: list[Sound], max_seconds: float, *, cache: Path | None) -> Sequences:
    """Compute the features of the first ``max_seconds`` of each sound, or read them from ``cache`` (a folder)."""

    def computed() -> tuple[np.ndarray, np.ndarray]:
        features = _computed(sounds, max_seconds)
        return features.flat, features.offsets

    key = [VERSION, str(max_seconds), *(sound.checksum for sound in sounds)]
    return Sequences(*cached(cache, key, ("flat", "offsets"), computed))


def _computed(sounds: list[Sound], max_seconds: float) -> Sequences:
    bar = progress_bar(
        iterable=sounds, desc="features", unit=" sounds", leave=False, disable=len(sounds) < MANY
    )
    return Sequences(*_joined([_features(sound, max_seconds) for sound in bar], N_FEATURES))


# Each fold's reader, and each page and report, asks for the same features again.
_kept: WeakKeyDictionary[Sound, dict[float, np.ndarray]] = WeakKeyDictionary()


def _features(sound: Sound, max_seconds: float) -> np.ndarray:
    """Return a sound's features, computed once as long as the sound is in memory; raises InputError for silence."""
    kept = _kept.setdefault(sound, {})
    if max_seconds not in kept:
        samples = first_seconds(sound, max_seconds)
        if not samples.any():
            raise InputError(
                f"a recording of {sound.seconds:.1f} seconds is silent in the first {max_seconds:g}, which are read;"
                " cut the silence off"
            )
        kept[max_seconds] = speech_features(samples)
    return kept[max_seconds]


def first_seconds(sound: Sound, seconds: float) -> np.ndarray:
    """Return the samples of the first ``seconds``."""
    return sound.samples[: round(seconds * RATE)]


def _joined(rows: list[np.ndarray], width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return rows end to end, and their offsets, see Sequences."""
    flat = np.concatenate([np.zeros((0, width), np.float32), *rows])
    return flat, np.cumsum([0, *map(len, rows)], dtype=np.int64)


def blocks(features: np.ndarray) -> np.ndarray:
    """Return frames for a network, float32 [n_blocks, N_BLOCK], from features [n_steps, N_FEATURES].

    A block is BLOCK steps or a little more or less, so that all blocks of a sound are alike. Its columns are means of
    the cepstra and of SHAPE; the pitch where there is one, harmonicity, loudness and energy relative to the loudest
    step, and the share of steps that have a pitch; the logarithm of the mean change of each cepstrum and of SHAPE; and
    the mean change of the pitch.
    """
    spectrum, (pitch, harmonicity, loudness, energy) = (
        features[:, : -len(PROSODY)],
        features[:, -len(PROSODY) :].T,
    )
    voiced = harmonicity > VOICED
    prosody = [
        np.where(voiced, pitch - USUAL_PITCH, 0),
        harmonicity,
        energy - energy.max(),
        loudness / loudness.max(),
        voiced,
    ]
    pitch_changes = np.abs(np.diff(pitch, prepend=pitch[:1])) * voiced
    bounds = np.linspace(0, len(features), n_blocks(len(features)) + 1).astype(int)

    def means(values: np.ndarray) -> np.ndarray:
        return np.add.reduceat(values, bounds[:-1], axis=0) / np.diff(bounds)[:, np.newaxis]

    parts = [
        means(spectrum),
        means(np.stack(prosody, axis=1)),
        np.log(means(np.abs(slopes(spectrum))) + 1e-3),
        means(pitch_changes[:, np.newaxis]),
    ]
    return np.concatenate(parts, axis=1).astype(np.float32)


def n_blocks(n_steps: int) -> int:
    """Return how many blocks some steps make."""
    return max(1, round(n_steps / BLOCK))


def block_seconds(sound: Sound, max_seconds: float) -> np.ndarray:
    """Return when each frame of a sound begins, and when the last one ends, in seconds, float64 [n_blocks + 1]."""
    start, stop = spoken_part(first_seconds(sound, max_seconds))
    n_steps = 1 + max(0, stop - start - WINDOW) // HOP
    return np.linspace(start, stop, n_blocks(n_steps) + 1) / RATE
