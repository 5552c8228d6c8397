"""A recording in memory."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .files import checksum

RATE = 16_000  # samples per second; speech needs no more, and most corpora of speech have this rate


@dataclass(frozen=True, eq=False, repr=False)
class Sound:
    """A recording: float32 samples [n_samples] from -1 to 1 at RATE, and who speaks ("" if unknown)."""

    samples: np.ndarray
    speaker: str = ""

    @property
    def seconds(self) -> float:
        """How long the recording lasts."""
        return len(self.samples) / RATE

    @cached_property
    def checksum(self) -> str:
        """SHA-256 of the samples."""
        return checksum([self.samples.tobytes()])

    def __repr__(self) -> str:
        return f"Sound({self.seconds:.2f} s, speaker {self.speaker or 'unknown'})"
