"""Changes of sounds to learn from: copies at another speed, and frames that differ each time they are read."""

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TypeVar

import numpy as np

from ..base.sound import Sound
from .batches import Sequences

Rows = TypeVar("Rows", bound=Sequences)
LONGEST_MASK = 0.12  # of a sound's frames
WIDEST_MASK = 8  # features


def at_speed(sound: Sound, speed: float) -> Sound:
    """Return the sound played faster (``speed`` > 1: shorter and higher) or slower.

    Source: Ko et al. 2015, "Audio Augmentation for Speech Recognition".
    """
    from scipy.signal import resample_poly  # takes a second to import, and every command reads this module

    ratio = Fraction(speed).limit_denominator(100)
    samples = resample_poly(sound.samples, ratio.denominator, ratio.numerator).astype(np.float32)
    return replace(sound, samples=samples)


@dataclass(frozen=True)
class Augmentation:
    """How the frames of a batch are changed; 0 leaves each kind of change out.

    crop : largest share of a sound that is left out, at its ends.  stretch : largest share by which it gets longer or
    shorter.  masks : number of spans of time, and twice as many of features, that are set to 0, the mean (Park et al.
    2019, "SpecAugment").  noise : deviation of the noise that is added.  mixup : A of the Beta(A, A) distribution of
    the shares with which rows of a batch, and their labels, are mixed (Zhang et al. 2018, "mixup").  smoothing : share
    of a label that is spread evenly over all classes (Szegedy et al. 2016, "Rethinking the Inception Architecture").
    """

    crop: float
    stretch: float
    masks: int
    noise: float
    mixup: float
    smoothing: float

    def rows(self, frames: Rows, random: np.random.Generator) -> Rows:
        """Return changed rows; a function of the frames and of the state of ``random``."""
        changed = [self._row(frames.row(number), random) for number in range(len(frames))]
        return type(frames)(np.concatenate(changed), np.cumsum([0, *map(len, changed)], dtype=np.int64))

    def batch(self, inputs: dict[str, np.ndarray], labels: np.ndarray, random: np.random.Generator) -> tuple:
        """Return the padded inputs of a batch, and its labels, float32 [batch, n_labels], smoothed and mixed."""
        labels = labels * (1 - self.smoothing) + self.smoothing / labels.shape[1]
        if self.mixup:
            share = random.beta(self.mixup, self.mixup, len(labels)).astype(np.float32)
            share = np.maximum(share, 1 - share)
            others = random.permutation(len(labels))
            frames, mask = inputs["frames"], inputs["attention_mask"]
            mixed = share[:, None, None] * frames + (1 - share[:, None, None]) * frames[others]
            inputs = {"frames": mixed, "attention_mask": np.maximum(mask, mask[others])}
            labels = share[:, None] * labels + (1 - share[:, None]) * labels[others]
        return inputs, labels.astype(np.float32)

    def _row(self, row: np.ndarray, random: np.random.Generator) -> np.ndarray:
        kept = max(1, round(len(row) * random.uniform(1 - self.crop, 1)))
        start = random.integers(len(row) - kept + 1)
        row = row[start : start + kept]
        length = max(1, round(kept * random.uniform(1 - self.stretch, 1 + self.stretch)))
        places = np.linspace(0, kept - 1, length)
        before = np.minimum(places.astype(int), max(0, kept - 2))
        after = np.minimum(before + 1, kept - 1)
        share = (places - before)[:, None].astype(np.float32)
        row = row[before] * (1 - share) + row[after] * share
        row += random.normal(0, self.noise, row.shape).astype(np.float32)
        for _ in range(self.masks):
            _mask(row, random, LONGEST_MASK * length)
        for _ in range(2 * self.masks):
            _mask(row.T, random, WIDEST_MASK)
        return row


def _mask(values: np.ndarray, random: np.random.Generator, longest: float) -> None:
    """Set a span of the first axis to 0."""
    size = int(random.integers(min(int(longest), len(values)) + 1))
    start = random.integers(len(values) - size + 1)
    values[start : start + size] = 0
