"""The baseline for sounds: statistics over the whole sound, and one linear classifier."""

import functools
from collections.abc import Callable

import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ..base.errors import InputError
from ..inputs.frames import by_speaker, sound_features
from ..inputs.sound_statistics import sound_statistics
from .problem import Outcome, Problem
from .sound_settings import SoundLinearSettings

SMALLEST = 1e-6  # a deviation is not taken to be smaller


def make_learner(settings: SoundLinearSettings) -> Callable[[Problem], Outcome]:
    """Return the function that trains one fold."""
    return functools.partial(fit, settings=settings)


def fit(problem: Problem, settings: SoundLinearSettings) -> Outcome:
    """Learn from the fold's training rows alone; predict the validation rows."""
    print(f"{problem.title}: statistics of {len(problem.items)} sounds", flush=True)
    features = sound_features(problem.items, settings.max_seconds, cache=problem.cache)
    statistics = np.stack([sound_statistics(features.row(number)) for number in range(len(features))])
    if settings.normalise == "speaker":
        speakers = np.array([sound.speaker for sound in problem.items])
        statistics = by_speaker(statistics, speakers, SMALLEST)
    labels = problem.labels[problem.train]
    known = ~np.isnan(labels).any(axis=1)
    classes = labels[known].argmax(axis=1)
    # every class counts the same, as in the average recall
    priors = np.full(len(np.unique(classes)), 1 / len(np.unique(classes)))
    shrinkage = "auto" if settings.shrinkage is None else settings.shrinkage
    model = make_pipeline(
        StandardScaler(), LinearDiscriminantAnalysis(solver="lsqr", shrinkage=shrinkage, priors=priors)
    )
    try:
        model.fit(statistics[problem.train][known], classes)
    except ValueError as error:  # scikit-learn's, of too few rows
        raise InputError(
            f"{problem.title}: its {len(classes)} training sounds are too few ({error})"
        ) from error
    oof = np.zeros((len(problem.valid), labels.shape[1]))
    oof[:, model.classes_] = model.predict_proba(statistics[problem.valid])
    return Outcome(oof, np.zeros((0, labels.shape[1])))
