"""The baseline for sounds: statistics of the frames, and one multinomial logistic regression."""

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ..inputs.frames import Frames, sound_frames
from .problem import Outcome, Problem
from .sound_settings import SoundLinearSettings


def fit(problem: Problem, settings: SoundLinearSettings) -> Outcome:
    """Learn from the fold's training rows alone; predict validation and test rows."""
    print(f"{problem.title}: statistics of {len(problem.train)} sounds", flush=True)
    frames = sound_frames(problem.items, settings.max_seconds, cache=problem.cache)
    features = statistics(frames)
    if settings.normalise == "speaker":
        features = by_speaker(features, np.array([sound.speaker for sound in problem.items]))
    model = make_pipeline(
        StandardScaler(),
        LogisticRegression(C=settings.c, class_weight="balanced", max_iter=1000, random_state=problem.seed),
    )
    labels = problem.labels[problem.train]
    known = ~np.isnan(labels).any(axis=1)
    model.fit(features[problem.train][known], labels[known].argmax(axis=1))
    oof = np.zeros((len(problem.valid), labels.shape[1]))
    oof[:, model.classes_] = model.predict_proba(features[problem.valid])
    return Outcome(oof, np.zeros((0, labels.shape[1])))


def statistics(frames: Frames) -> np.ndarray:
    """Return mean, deviation, and the 10th, 50th and 90th percentile of each feature, float64 [n_sounds, 5 · width]."""
    return np.stack([_statistics(frames.row(number).astype(np.float64)) for number in range(len(frames))])


def _statistics(row: np.ndarray) -> np.ndarray:
    return np.concatenate([row.mean(axis=0), row.std(axis=0), *np.percentile(row, (10, 50, 90), axis=0)])


def by_speaker(features: np.ndarray, speakers: np.ndarray) -> np.ndarray:
    """Return features brought to mean 0 and deviation 1 over the sounds of each speaker."""
    normalised = np.empty_like(features)
    for speaker in np.unique(speakers):
        own = features[speakers == speaker]
        normalised[speakers == speaker] = (own - own.mean(axis=0)) / np.maximum(own.std(axis=0), 1e-6)
    return normalised
