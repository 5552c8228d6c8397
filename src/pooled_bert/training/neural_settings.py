"""What a setting is, and the settings that all neural models share."""

import dataclasses
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ..base.rules import COUNT, SHARE, Number, Rule
from ..inputs.augmentation import Augmentation


def option(
    default, help_text: str, rule: Rule | None = None, *, decides: bool = True, **argparse_options
) -> Any:
    """Return a dataclass field that is also a command-line option of the same name.

    ``rule``: what its values may be; every option has one, except those with choices and those that are on or off.
    ``decides``: whether the setting changes what is learnt. A setting that changes only rounding, or which random
    numbers dropout draws, may differ when a run is resumed.
    """
    assert rule or argparse_options.keys() & {"choices", "action"}, "an option without a rule"
    rules = {"rule": rule, "type": rule} if rule else {}
    return field(
        default=default, metadata={"help": help_text, "decides": decides, **rules, **argparse_options}
    )


def as_in(record: type, name: str, **change) -> Any:
    """Return the option ``name`` of ``record``, with another ``default`` if one is given."""
    (original,) = (setting for setting in dataclasses.fields(record) if setting.name == name)
    return field(default=change.get("default", original.default), metadata=original.metadata)


def check_settings(record) -> None:
    """Raise InputError for a setting whose value its rule does not allow; None stands for an option that is off."""
    for setting in dataclasses.fields(record):
        rule, value = setting.metadata.get("rule"), getattr(record, setting.name)
        if rule and value is not None:
            rule.check(f"--{setting.name.replace('_', '-')}", value)


def decisive(record) -> dict:
    """Return the settings of a record that change the result, by name."""
    return {
        setting.name: getattr(record, setting.name)
        for setting in dataclasses.fields(record)
        if setting.metadata["decides"]
    }


EPOCHS = Number(int, 1, 100_000)
RATE = Number(float, 0, 1000, above=True)  # a learning rate


@dataclass(frozen=True)
class NeuralSettings:
    """Settings shared by the neural models. Defaults are the article's unless noted."""

    learner: ClassVar[str] = "neural"  # the module of this package that trains the model
    architecture: ClassVar[str]  # the encoder, as in ``--model``
    medium: ClassVar[str] = "text"
    epochs: int = option(4, "passes over the training rows", EPOCHS)
    batch_size: int = option(32, "rows per optimizer step, on all devices together", COUNT)
    learning_rate: float = option(3e-5, "peak learning rate of RectifiedAdam", RATE)
    warmup: float = option(
        0.0,
        "share of all steps over which the learning rate rises; RectifiedAdam already has a built-in warm-up",
        SHARE,
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
    dropout: float = option(
        0.1,
        "share of values that dropout drops before the last layer, and from the word embeddings of --model blstm",
        SHARE,
    )
    positive_weight: float | None = option(
        None,
        "power P: a positive of a label weighs (negatives / positives) ** P in the loss; 1 balances the two",
        Number(float, 0, 1, above=True),
    )
    adversarial: float | None = option(
        None,
        "size of FGM's perturbation of a text's word embeddings, or of a sound's frames; each step learns from the"
        " batch with and without it, and takes twice as long",
        Number(float, 0, 1000, above=True),
    )
    ema: float | None = option(
        None,
        "predict with an exponential moving average of the weights that has this decay per step",
        Number(float, 0, 1, above=True, below=True),
    )
    precision: str = option(
        "auto",
        "precision of matrix products; auto: the fastest that the device supports in hardware",
        choices=("auto", "float32", "bfloat16", "float16"),
    )
    keep: str = option(
        "last",
        "which epoch's weights to keep; best selects by the validation score that counts, which makes it optimistic",
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
        check_settings(self)
