"""Features of each step of a sound -> one row of numbers for the whole sound, for models that read no sequences."""

import numpy as np

from .frames import VOICED
from .speech_features import HOP_SECONDS, PROSODY, slopes

SYLLABLE = 0.3  # share of the greatest loudness that a peak must reach to count as a syllable
PAUSE = -3.5  # energy relative to the loudest step, below which a step counts as a pause


def sound_statistics(features: np.ndarray) -> np.ndarray:
    """Return the statistics of one sound, float64 [137], from its features [n_steps, N_FEATURES].

    They are means, deviations and deviations of the changes of cepstra and SHAPE, 96 numbers; 22 of the pitch; and 19
    of loudness, energy and duration.
    """
    values = features.astype(np.float64)
    spectrum, (pitch, harmonicity, loudness, energy) = (
        values[:, : -len(PROSODY)],
        values[:, -len(PROSODY) :].T,
    )
    parts = [
        spectrum.mean(axis=0),
        spectrum.std(axis=0),
        slopes(spectrum).std(axis=0),
        _of_pitch(pitch, harmonicity),
        _of_loudness(loudness / loudness.max(), energy - energy.max()),
    ]
    return np.nan_to_num(np.concatenate(parts))


def _of_pitch(pitch: np.ndarray, harmonicity: np.ndarray) -> np.ndarray:
    """Return level and spread of the pitch (octaves), its changes, how long it is there, and how periodic the sound is.

    Where there is too little pitch to say something, the numbers are 0.
    """
    voiced = harmonicity > VOICED
    enough = voiced.sum() > 3
    heights = pitch[voiced] if enough else np.zeros(4)
    seconds = np.flatnonzero(voiced) * HOP_SECONDS
    changes = np.diff(pitch)[voiced[1:] & voiced[:-1]]
    changes = changes if len(changes) > 3 else np.zeros(4)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], voiced.astype(int), [0]])))
    spans = (edges[1::2] - edges[::2]) * HOP_SECONDS if len(edges) else np.zeros(1)
    heard = harmonicity[voiced] if voiced.any() else np.zeros(1)
    low, high = np.percentile(heights, (5, 95))
    return np.array(
        [
            heights.mean(), heights.std(), *np.percentile(heights, (5, 25, 50, 75, 95)), high - low,
            np.abs(changes).mean(), changes.std(), changes.mean(), *np.percentile(changes, (10, 90)),
            np.polyfit(seconds, heights, 1)[0] if enough else 0,
            voiced.mean(), spans.mean(), spans.std(), spans.max(), len(spans) / (len(voiced) * HOP_SECONDS),
            heard.mean(), harmonicity.mean(), harmonicity.std(),
        ]
    )  # fmt: skip


def _of_loudness(loudness: np.ndarray, energy: np.ndarray) -> np.ndarray:
    """Return level, spread, rise and fall of the loudness, syllables per second, energy, pauses, and the duration."""
    changes = np.diff(loudness) / HOP_SECONDS if len(loudness) > 1 else np.zeros(1)
    middle = loudness[1:-1]
    peaks = (middle > loudness[:-2]) & (middle >= loudness[2:]) & (middle > SYLLABLE)
    rising, falling = changes[changes > 0], changes[changes < 0]
    return np.array(
        [
            loudness.mean(), loudness.std(), *np.percentile(loudness, (10, 25, 50, 75, 90)),
            np.abs(changes).mean(), rising.mean() if len(rising) else 0, falling.mean() if len(falling) else 0,
            peaks.mean() / HOP_SECONDS if len(peaks) else 0,
            energy.mean(), energy.std(), *np.percentile(energy, (10, 25, 50, 75)), (energy < PAUSE).mean(),
            len(loudness) * HOP_SECONDS,
        ]
    )  # fmt: skip
