"""Where in a sound the attention lies, as the article draws it: over time, and added up over parts of half a second."""

from dataclasses import dataclass

import numpy as np

from ..base.errors import InputError
from ..base.sound import Sound
from ..benchmarks.targets import Target
from ..inputs.frames import block_seconds
from .explanation_view import bars
from .predictor import Predictor

SECONDS = 0.5  # of a bin


@dataclass(frozen=True)
class SoundExplanation:
    """A sound's probabilities [n_labels], and the share of the attention of each frame, float64 [n_frames].

    bounds : when each frame begins, and the last one ends, in seconds, float64 [n_frames + 1]. Silence at the ends of a
    sound has no frames.
    """

    target: Target
    labels: tuple[str, ...]
    probabilities: np.ndarray
    weights: np.ndarray
    bounds: np.ndarray

    def bins(self) -> np.ndarray:
        """Return the attention in each half second, float64 [n_bins]."""
        return attention_bins(self.weights, self.bounds)


def attention_bins(weights: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Add the frames' weights up over parts of SECONDS, from the start of the sound; a frame counts by its middle."""
    bin_of_frame = ((bounds[:-1] + bounds[1:]) / 2 / SECONDS).astype(int)
    return np.bincount(bin_of_frame, weights)


def explain_sounds(predictor: Predictor, sounds: list[Sound]) -> list[SoundExplanation]:
    """Return the attention of a run that pools by attention, as the mean over its folds.

    The sounds are read together: a run that normalises by speaker uses all sounds of a speaker. Raises InputError for a
    run without attention.
    """
    if not predictor.has_attention:
        raise InputError(
            f"run {predictor.run.name!r} has no attention weights; give a run trained with --pooling attention"
        )
    weights = [model.attention(model.reader.encode(sounds, cache=None)) for model in predictor.models]
    means = [np.mean(parts, axis=0, dtype=np.float64) for parts in zip(*weights, strict=True)]
    longest = predictor.models[0].head["max_seconds"]
    bounds = [block_seconds(sound, longest) for sound in sounds]
    return [
        SoundExplanation(predictor.target, predictor.labels, *parts)
        for parts in zip(predictor.predict_proba(sounds), means, bounds, strict=True)
    ]


def sound_view(explanation: SoundExplanation) -> str:
    """Return the probabilities, and the attention over time as bars, one per frame, for a terminal."""
    scores = zip(explanation.labels, explanation.probabilities, strict=True)
    parts = "  ".join(
        f"{number * SECONDS:.1f} s {share:.2f}" for number, share in enumerate(explanation.bins())
    )
    return "\n".join(
        [
            "  ".join(f"{label} {value:.3f}" for label, value in scores),
            f"|{bars(explanation.weights)}|",
            f"from {parts}",
            "",
        ]
    )
