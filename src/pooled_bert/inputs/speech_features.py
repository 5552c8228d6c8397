"""Samples of speech -> one row of numbers per frame: cepstrum, spectrum, loudness, pitch, and their changes."""

import numpy as np
from numpy.fft import irfft, rfft

from ..base.sound import RATE

WINDOW, HOP = 1024, 512  # samples; the hop is the article's
SECONDS_PER_FRAME = HOP / RATE
VERSION = "1"  # goes into the key of the cache; change it with the features
N_MELS, N_CEPSTRA = 40, 20
LOWEST_PITCH, HIGHEST_PITCH = 60, 500  # Hz


def speech_features(samples: np.ndarray) -> np.ndarray:
    """Return the features of each frame, float32 [n_frames, n_features]; a short last frame is left out.

    samples : float32 [n_samples] at RATE.
    """
    frames = _frames(samples)
    window = np.hanning(WINDOW)
    power = np.abs(rfft(frames * window, axis=1)) ** 2
    cepstra = np.log(power @ mel_filters() + 1e-8) @ cosines()
    features = np.concatenate([cepstra, _spectral_shape(power, frames), _pitch(frames, window)], axis=1)
    return np.concatenate([features, changes(features)], axis=1).astype(np.float32)


def changes(values: np.ndarray, reach: int = 2) -> np.ndarray:
    """Return the slope of each column at each frame, by regression over ``reach`` frames to both sides."""
    padded = np.pad(values, ((reach, reach), (0, 0)), mode="edge")
    n = len(values)
    steps = range(1, reach + 1)
    differences = [step * (padded[reach + step :][:n] - padded[reach - step :][:n]) for step in steps]
    return np.sum(differences, axis=0) / (2 * sum(step * step for step in steps))


def mel_filters() -> np.ndarray:
    """Return triangular filters that are equally wide on the mel scale, float64 [WINDOW // 2 + 1, N_MELS].

    mel = 2595 log10(1 + f / 700) (O'Shaughnessy 1987, Speech Communication).
    """
    top = 2595 * np.log10(1 + RATE / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, top, N_MELS + 2) / 2595) - 1)
    frequencies = np.fft.rfftfreq(WINDOW, 1 / RATE)[:, np.newaxis]
    rising = (frequencies - edges[:-2]) / np.diff(edges)[:-1]
    falling = (edges[2:] - frequencies) / np.diff(edges)[1:]
    return np.maximum(0, np.minimum(rising, falling))


def cosines() -> np.ndarray:
    """Return the first N_CEPSTRA columns of the orthonormal discrete cosine transform, float64 [N_MELS, N_CEPSTRA]."""
    angles = np.outer(np.arange(N_MELS) + 0.5, np.arange(N_CEPSTRA)) * np.pi / N_MELS
    return np.cos(angles) * np.where(np.arange(N_CEPSTRA) == 0, np.sqrt(1 / N_MELS), np.sqrt(2 / N_MELS))


def _frames(samples: np.ndarray) -> np.ndarray:
    padded = np.pad(samples.astype(np.float64), (0, max(0, WINDOW - len(samples))))
    return np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]


def _spectral_shape(power: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """Return logarithms of centroid, bandwidth, 85 % roll-off and energy, and the rate of zero crossings."""
    frequencies = np.fft.rfftfreq(WINDOW, 1 / RATE)
    total = power.sum(axis=1) + 1e-9
    centroid = power @ frequencies / total
    bandwidth = np.sqrt(((frequencies - centroid[:, np.newaxis]) ** 2 * power).sum(axis=1) / total)
    below = (power.cumsum(axis=1) < 0.85 * total[:, np.newaxis]).sum(axis=1)
    roll_off = frequencies[np.minimum(below, len(frequencies) - 1)]
    crossings = (np.diff(np.sign(frames), axis=1) != 0).mean(axis=1)
    return np.stack(
        [np.log1p(centroid), np.log1p(bandwidth), np.log1p(roll_off), np.log(total), crossings], axis=1
    )


def _pitch(frames: np.ndarray, window: np.ndarray) -> np.ndarray:
    """Return the logarithm of the pitch and how periodic the frame is, by autocorrelation (Boersma 1993)."""
    centred = (frames - frames.mean(axis=1, keepdims=True)) * window
    correlation = irfft(np.abs(rfft(centred, 2 * WINDOW, axis=1)) ** 2, axis=1)
    of_window = irfft(np.abs(rfft(window, 2 * WINDOW)) ** 2)
    first, last = RATE // HIGHEST_PITCH, RATE // LOWEST_PITCH
    relative = correlation[:, first:last] / np.maximum(correlation[:, :1], 1e-9)
    relative /= of_window[first:last] / of_window[0]
    lag = relative.argmax(axis=1)
    return np.stack([np.log(RATE / (lag + first)), relative[np.arange(len(lag)), lag]], axis=1)
