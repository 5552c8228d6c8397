"""The settings of models that read sounds."""

from dataclasses import dataclass
from typing import ClassVar

from ..base.errors import require
from .neural_settings import NeuralSettings, as_in, option


@dataclass(frozen=True)
class FrameSettings:
    """How sounds become frames."""

    max_seconds: float = option(10.0, "largest number of seconds of a sound that is read")
    normalise: str = option(
        "training",
        "what the frames are normalised by: means and deviations of the training rows (training), or those of each"
        " speaker (speaker), which uses the unlabelled recordings of the speakers that are predicted, too",
        choices=("training", "speaker"),
    )


@dataclass(frozen=True)
class SoundBlstmSettings(FrameSettings, NeuralSettings):
    """Bidirectional LSTM on frames: the article's third pair of models."""

    architecture: ClassVar[str] = "blstm"
    medium: ClassVar[str] = "sound"
    epochs: int = as_in(NeuralSettings, "epochs", default=40)
    learning_rate: float = as_in(NeuralSettings, "learning_rate", default=2e-3)
    pooling: str = as_in(NeuralSettings, "pooling", default="last")
    dropout: float = as_in(NeuralSettings, "dropout", default=0.3)
    positive_weight: float | None = as_in(NeuralSettings, "positive_weight", default=1.0)
    units: int = option(128, "units of the LSTM, in each direction")

    def __post_init__(self):
        """Raise InputError for values that cannot be trained with."""
        super().__post_init__()
        _check_frames(self)
        require(self.pooling != "cls", "--pooling", "cls", "another value; cls belongs to --model bert")
        require(self.units >= 1, "--units", self.units, "at least 1")


@dataclass(frozen=True)
class SoundLinearSettings(FrameSettings):
    """Statistics of the frames with one multinomial logistic regression."""

    learner: ClassVar[str] = "frame_statistics"
    c: float = option(0.01, "inverse strength of the L2 penalty")

    def __post_init__(self):
        """Raise InputError for values that cannot be used."""
        _check_frames(self)
        require(self.c > 0, "--c", self.c, "above 0")


def _check_frames(settings: FrameSettings) -> None:
    require(0 < settings.max_seconds <= 600, "--max-seconds", settings.max_seconds, "above 0, at most 600")
