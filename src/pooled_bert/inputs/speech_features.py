"""Samples of speech -> one row of numbers every 10 ms: cepstrum, shape of the spectrum, pitch and loudness.

The choice follows the sets that are usual for emotions in speech (Eyben et al. 2016, "The Geneva Minimalistic Acoustic
Parameter Set").
"""

import numpy as np
from numpy.fft import irfft, rfft, rfftfreq

from ..base.sound import RATE

WINDOW, HOP, POINTS = 400, 160, 512  # samples: 25 ms every 10 ms, and the size of the Fourier transform
HOP_SECONDS = HOP / RATE
VERSION = "2"  # goes into the key of the cache; change it with the features
N_MELS, N_CEPSTRA = 40, 20
SHAPE = (  # logarithms, except for crossings, and the slopes in 1/kHz
    "centroid", "bandwidth", "85 % below", "25 % below", "flux", "zero crossings", "below to above 1 kHz",
    "peaks below and above 2 kHz", "slope to 500 Hz", "slope to 1500 Hz", "slope to 5 kHz", "peakiness",
)  # fmt: skip
PROSODY = ("pitch", "harmonicity", "loudness", "energy")  # pitch: log2 of Hz; energy: logarithm
N_FEATURES = N_CEPSTRA + len(SHAPE) + len(PROSODY)

LOUDNESS = (
    0.3  # loudness grows with about this power of the intensity (Stevens 1957, "On the psychophysical law")
)
LOUD_ENOUGH = 45  # dB below the loudest frame; quieter ends are silence
LOWEST_PITCH, HIGHEST_PITCH, PITCH_STEP = 65.0, 500.0, 1 / 36  # Hz, Hz, octaves
PITCH_WINDOW = 800  # samples: three periods of the lowest pitch
HIGHER, JUMP, LONGEST_JUMP = 0.02, 0.6, 0.35  # how a track of pitch is chosen, see ``_pitch``


def speech_features(samples: np.ndarray) -> np.ndarray:
    """Return the features of each frame of the spoken part, float32 [n_frames, N_FEATURES].

    The columns are N_CEPSTRA cepstra, then SHAPE, then PROSODY.  samples : float32 [n_samples] at RATE.
    """
    start, stop = spoken_part(samples)
    spoken = samples[start:stop].astype(np.float64)
    spoken /= np.abs(spoken).max()
    frames = _windows(spoken, WINDOW)
    power = np.abs(rfft(frames * np.hamming(WINDOW), POINTS, axis=1)) ** 2 + 1e-8
    mel = power @ mel_filters()
    columns = [
        np.log(mel + 1e-6) @ cosines(),
        _shape(power, frames),
        _pitch(spoken, len(frames)),
        (mel**LOUDNESS).sum(axis=1, keepdims=True),
        np.log(power.sum(axis=1, keepdims=True)),
    ]
    return np.concatenate(columns, axis=1).astype(np.float32)


def spoken_part(samples: np.ndarray) -> tuple[int, int]:
    """Return the first and the last sample (exclusive) of what is not silence at the ends."""
    energy = 10 * np.log10((_windows(samples.astype(np.float64), WINDOW) ** 2).mean(axis=1) + 1e-12)
    loud = np.flatnonzero(energy > energy.max() - LOUD_ENOUGH)
    return int(loud[0]) * HOP, min(int(loud[-1]) * HOP + WINDOW, len(samples))


def slopes(values: np.ndarray, reach: int = 2) -> np.ndarray:
    """Return the slope of each column at each frame, by regression over ``reach`` frames to both sides."""
    padded = np.pad(values, ((reach, reach), (0, 0)), mode="edge")
    n = len(values)
    steps = range(1, reach + 1)
    differences = [step * (padded[reach + step :][:n] - padded[reach - step :][:n]) for step in steps]
    return np.sum(differences, axis=0) / (2 * sum(step * step for step in steps))


def mel_filters() -> np.ndarray:
    """Return triangular filters that are equally wide on the mel scale, float64 [POINTS // 2 + 1, N_MELS].

    mel = 2595 log10(1 + f / 700) (O'Shaughnessy 1987, "Speech Communication").
    """
    bounds = 2595 * np.log10(1 + np.array([20, RATE / 2]) / 700)
    edges = 700 * (10 ** (np.linspace(bounds[0], bounds[1], N_MELS + 2) / 2595) - 1)
    frequencies = rfftfreq(POINTS, 1 / RATE)[:, np.newaxis]
    rising = (frequencies - edges[:-2]) / np.diff(edges)[:-1]
    falling = (edges[2:] - frequencies) / np.diff(edges)[1:]
    return np.maximum(0, np.minimum(rising, falling))


def cosines() -> np.ndarray:
    """Return the first N_CEPSTRA columns of the orthonormal discrete cosine transform, float64 [N_MELS, N_CEPSTRA]."""
    angles = np.outer(np.arange(N_MELS) + 0.5, np.arange(N_CEPSTRA)) * np.pi / N_MELS
    return np.cos(angles) * np.sqrt(np.where(np.arange(N_CEPSTRA) == 0, 1, 2) / N_MELS)


def _windows(samples: np.ndarray, size: int) -> np.ndarray:
    padded = np.pad(samples, (0, max(0, size - len(samples))))
    return np.lib.stride_tricks.sliding_window_view(padded, size)[::HOP]


def _shape(power: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """Return the columns SHAPE of each frame."""
    frequencies, total, logarithm = rfftfreq(POINTS, 1 / RATE), power.sum(axis=1), np.log(power)
    below = power.cumsum(axis=1) / total[:, np.newaxis]
    amplitude = np.sqrt(power)
    amplitude /= amplitude.sum(axis=1, keepdims=True)
    centroid = power @ frequencies / total
    spread = ((frequencies - centroid[:, np.newaxis]) ** 2 * power).sum(axis=1) / total

    def band(low: float, high: float) -> np.ndarray:
        return (frequencies >= low) & (frequencies < high)

    def level(low: float, high: float) -> np.ndarray:
        return np.log(power[:, band(low, high)].sum(axis=1))

    def peak(low: float, high: float) -> np.ndarray:
        return logarithm[:, band(low, high)].max(axis=1)

    def share_below(share: float) -> np.ndarray:
        return np.log(frequencies[np.minimum((below < share).sum(axis=1), len(frequencies) - 1)] + 50)

    def slope(low: float, high: float) -> np.ndarray:
        inside = band(low, high)
        return np.polyfit(frequencies[inside] / 1000, logarithm[:, inside].T, 1)[0]

    flux = np.sqrt((np.diff(amplitude, axis=0, prepend=amplitude[:1]) ** 2).sum(axis=1))
    return np.stack(
        [
            np.log(centroid),
            np.log(np.sqrt(spread)),
            share_below(0.85),
            share_below(0.25),
            np.log(flux + 1e-3),
            (np.diff(np.sign(frames), axis=1) != 0).mean(axis=1),
            level(50, 1000) - level(1000, 5000),  # "alpha ratio"
            peak(0, 2000) - peak(2000, 5000),  # "Hammarberg index"
            slope(50, 500),
            slope(500, 1500),
            slope(1500, 5000),
            np.log(power.mean(axis=1)) - logarithm.mean(axis=1),
        ],
        axis=1,
    )


def _pitch(samples: np.ndarray, n_frames: int) -> np.ndarray:
    """Return log2 of the pitch in Hz, and how periodic the frame is (0 to 1), float64 [n_frames, 2].

    The autocorrelation of a frame, divided by that of the window, is high at the period (Boersma 1993, "Accurate
    short-term analysis"). Of all tracks through the frames, the one with the highest sum is taken (Viterbi 1967). A
    higher pitch counts a little more (HIGHER), because each period is also one of half the pitch; a jump costs JUMP per
    octave, at most LONGEST_JUMP.
    """
    frames = _windows(np.pad(samples, (PITCH_WINDOW // 2, 3 * PITCH_WINDOW // 2)), PITCH_WINDOW)[:n_frames]
    window = np.hanning(PITCH_WINDOW)
    centred = (frames - frames.mean(axis=1, keepdims=True)) * window
    correlation, of_window = (
        irfft(np.abs(rfft(values, 2 * PITCH_WINDOW)) ** 2)[:, : PITCH_WINDOW // 2]
        for values in (centred, window[np.newaxis])
    )
    relative = correlation / (correlation[:, :1] + 1e-6) / (of_window / of_window[:, :1])
    pitches = np.arange(np.log2(LOWEST_PITCH), np.log2(HIGHEST_PITCH), PITCH_STEP)
    lags = RATE / 2**pitches
    whole = lags.astype(int)
    strength = relative[:, whole] * (1 - (lags - whole)) + relative[:, whole + 1] * (lags - whole)
    track = _best_track(
        strength + HIGHER * (pitches - pitches[0]),
        np.minimum(JUMP * np.abs(pitches[:, np.newaxis] - pitches), LONGEST_JUMP),
    )
    harmonicity = np.clip(strength[np.arange(len(track)), track], 0, 0.999)
    return np.stack([pitches[track], harmonicity], axis=1)


def _best_track(scores: np.ndarray, costs: np.ndarray) -> np.ndarray:
    """Return the state of each step on the best path, int64 [n_steps]: highest sum of scores minus costs of changes."""
    best, came_from = scores[0], []
    states = np.arange(scores.shape[1])
    for step in scores[1:]:
        reached = best[:, np.newaxis] - costs
        came_from.append(reached.argmax(axis=0))
        best = reached[came_from[-1], states] + step
    track = [int(best.argmax())]
    for previous in reversed(came_from):
        track.append(int(previous[track[-1]]))
    return np.array(track[::-1])
