"""The settings of models that read sounds."""

from dataclasses import dataclass
from typing import ClassVar

from ..base.errors import require
from ..base.rules import PROBABILITY, SHARE, Number
from ..inputs.augmentation import Augmentation
from .neural_settings import NeuralSettings, as_in, check_settings, option

UNITS = Number(int, 1, 100_000)
AMOUNT = Number(float, 0, 1000)


@dataclass(frozen=True)
class FrameSettings:
    """How sounds become frames."""

    max_seconds: float = option(
        10.0,
        "largest number of seconds of a sound that is read, at most 60",
        Number(float, 0.05, 60),
    )
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
    epochs: int = as_in(NeuralSettings, "epochs", default=12)
    learning_rate: float = as_in(NeuralSettings, "learning_rate", default=1e-2)
    pooling: str = as_in(NeuralSettings, "pooling", default="attention")
    dropout: float = as_in(NeuralSettings, "dropout", default=0.4)
    positive_weight: float | None = as_in(NeuralSettings, "positive_weight", default=1.0)
    units: int = option(64, "units of the LSTM, in each direction", UNITS)
    input_dropout: float = option(0.2, "share of values that dropout drops from the frames", SHARE)
    speed_change: float = option(
        0.1,
        "learn also from copies that are slower and faster by this share, and so lower and higher; 0: no copies",
        Number(float, 0, 0.5),
    )
    crop: float = option(
        0.15, "largest share of a sound's frames that is left out, drawn again each time it is read", SHARE
    )
    stretch: float = option(
        0.1,
        "largest share by which a sound is stretched or squeezed, drawn again each time it is read",
        SHARE,
    )
    masks: int = option(
        1,
        "number of spans of time, and twice as many of features, that are masked each time",
        Number(int, 0, 1000),
    )
    noise: float = option(0.1, "deviation of the noise that is added to the frames each time", AMOUNT)
    mixup: float = option(
        0.0, "mix pairs of sounds with shares of a Beta(A, A) distribution; 0: do not", AMOUNT
    )
    label_smoothing: float = option(0.1, "share of a label that is spread over all classes", SHARE)

    def augmentation(self) -> Augmentation:
        """Return how sounds are changed each time they are read."""
        return Augmentation(self.crop, self.stretch, self.masks, self.noise, self.mixup, self.label_smoothing)

    def __post_init__(self):
        """Raise InputError for values that cannot be trained with."""
        super().__post_init__()
        require(self.pooling != "cls", "--pooling", "cls", "another value; cls belongs to --model bert")


@dataclass(frozen=True)
class SoundLinearSettings(FrameSettings):
    """Statistics of the whole sound with a linear discriminant analysis."""

    learner: ClassVar[str] = "sound_linear"
    shrinkage: float | None = option(
        None,
        "how much the covariance is shrunk towards equal variances, from 0 to 1 (default: by Ledoit and Wolf 2004)",
        PROBABILITY,
    )

    def __post_init__(self):
        """Raise InputError for values that cannot be used."""
        check_settings(self)
