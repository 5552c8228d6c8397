"""What a setting is, and the settings that all neural models share."""

import dataclasses
import math
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ..base.errors import require
from ..inputs.augmentation import Augmentation


def option(default, help_text: str, *, decides: bool = True, **argparse_options) -> Any:
    """Return a dataclass field that is also a command-line option of the same name.

    ``decides``: whether the setting changes the result. A setting that changes it only by rounding may differ when a
    run is resumed.
    """
    return field(default=default, metadata={"help": help_text, "decides": decides, **argparse_options})


def as_in(record: type, name: str, **change) -> Any:
    """Return the option ``name`` of ``record``, with another ``default`` if one is given."""
    (original,) = (setting for setting in dataclasses.fields(record) if setting.name == name)
    return field(default=change.get("default", original.default), metadata=original.metadata)


def decisive(record) -> dict:
    """Return the settings of a record that change the result, by name."""
    return {
        setting.name: getattr(record, setting.name)
        for setting in dataclasses.fields(record)
        if setting.metadata["decides"]
    }


@dataclass(frozen=True)
class NeuralSettings:
    """Settings shared by the neural models. Defaults are the article's unless noted."""

    learner: ClassVar[str] = "neural"  # the module of this package that trains the model
    architecture: ClassVar[str]  # the encoder, as in ``--model``
    medium: ClassVar[str] = "text"
    epochs: int = option(4, "passes over the training rows")
    batch_size: int = option(32, "rows per optimizer step, on all devices together")
    learning_rate: float = option(3e-5, "peak learning rate of RectifiedAdam")
    warmup: float = option(
        0.0,
        "share of all steps over which the learning rate rises; RectifiedAdam already has a built-in warm-up",
    )
    decay: str = option(
        "linear",
        "learning rate after the warm-up: falls linearly to 0 at the last step, or stays (none)",
        choices=("linear", "none"),
    )
    pooling: str = option(
        "mean",
        "how hidden states become one vector; cls only with --model bert, last only with --model blstm",
        choices=("mean", "max", "mean_max", "attention", "cls", "last"),
    )
    dropout: float = option(0.1, "share of values that dropout drops before the last layer")
    positive_weight: float | None = option(
        None,
        "power P: a positive of a label weighs (negatives / positives) ** P in the loss; 1 balances the two",
        type=float,
    )
    adversarial: float | None = option(
        None,
        "size of FGM's perturbation of a text's word embeddings, or of a sound's frames; each step learns from the"
        " batch with and without it, and takes twice as long",
        type=float,
    )
    ema: float | None = option(
        None,
        "predict with an exponential moving average of the weights that has this decay per step",
        type=float,
    )
    precision: str = option(
        "auto",
        "precision of matrix products; auto: the fastest that the device supports in hardware",
        choices=("auto", "float32", "bfloat16", "float16"),
    )
    keep: str = option(
        "last",
        "which epoch's weights to keep; best selects by validation AUC, which makes the score optimistic",
        choices=("last", "best"),
    )
    strategy: str = option(
        "auto",
        "devices that train together: one, all GPUs of this machine (mirrored), or those of all machines in TF_CONFIG"
        " (multiworker); auto: as many of these as there are",
        decides=False,
        choices=("auto", "one", "mirrored", "multiworker"),
    )
    xla: bool = option(
        False,
        "compile the model with XLA, which takes some seconds per batch width; widths are multiples of 32 then",
        decides=False,
        action="store_true",
    )
    tensorboard: bool = option(
        False,
        "write curves of loss, learning rate and validation scores for TensorBoard into the fold's folder",
        decides=False,
        action="store_true",
    )

    def augmentation(self) -> Augmentation | None:
        """Return how training rows are changed each time they are read; None: not at all."""
        return None

    def __post_init__(self):
        """Raise InputError for values that cannot be trained with."""
        check_training(self)
        require(0 <= self.dropout < 1, "--dropout", self.dropout, "from 0 to below 1")
        require_within(self.positive_weight, "--positive-weight", "above 0, at most 1", 0, 1)
        require_within(self.adversarial, "--adversarial", "above 0", 0)
        require(self.ema is None or 0 < self.ema < 1, "--ema", self.ema, "between 0 and 1")


def check_training(settings) -> None:
    """Raise InputError for settings that no training by gradients can use."""
    require(settings.epochs >= 1, "--epochs", settings.epochs, "at least 1")
    require(settings.batch_size >= 1, "--batch-size", settings.batch_size, "at least 1")
    require(settings.learning_rate > 0, "--learning-rate", settings.learning_rate, "above 0")
    require(0 <= settings.warmup < 1, "--warmup", settings.warmup, "a share from 0 to below 1")


def require_within(
    value: float | None, flag: str, expected: str, above: float, most: float = math.inf
) -> None:
    """Raise InputError unless ``value`` is None, or above ``above`` and at most ``most``."""
    require(value is None or above < value <= most, flag, value, expected)
