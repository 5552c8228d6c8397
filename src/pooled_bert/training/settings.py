"""Dataclasses that define all settings, one per architecture; ``runs/options.py`` makes the command line from them."""

import dataclasses
import math
from dataclasses import dataclass, field
from typing import Any

from ..base.errors import require
from ..benchmarks.registry import BENCHMARKS, DEFAULT


def option(default, help_text: str, *, decides: bool = True, **argparse_options) -> Any:
    """Return a dataclass field that is also a command-line option of the same name.

    ``decides``: whether the setting changes the result. A setting that changes it only by rounding may differ when a
    run is resumed.
    """
    return field(default=default, metadata={"help": help_text, "decides": decides, **argparse_options})


def _as_in(record: type, name: str, **change) -> Any:
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

    encoder: str = option(
        "bert-base-uncased",
        "pretrained weights: a Hugging Face name, a directory, or 'tiny' (random, for trying things out)",
    )
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
    max_length: int = option(128, "largest number of tokens per text, [CLS] and [SEP] included")
    truncation: str = option(
        "head",
        "part of a longer text that is kept: its start (head), or its start and its end (head_tail)",
        choices=("head", "head_tail"),
    )
    windows: str | None = option(
        None,
        "predict a longer text whole, in windows of --max-length tokens that overlap by half: by the mean of the"
        " windows' log-odds, or by the largest probability",
        type=str,
        choices=("mean", "max"),
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
        "size of FGM's perturbation of a text's word embeddings; each step learns from the batch with and without it,"
        " and takes twice as long",
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

    def __post_init__(self):
        """Raise InputError for values that cannot be trained with."""
        _check_training(self)
        require(0 <= self.dropout < 1, "--dropout", self.dropout, "from 0 to below 1")
        _require_within(self.positive_weight, "--positive-weight", "above 0, at most 1", 0, 1)
        _require_within(self.adversarial, "--adversarial", "above 0", 0)
        require(self.ema is None or 0 < self.ema < 1, "--ema", self.ema, "between 0 and 1")


@dataclass(frozen=True)
class BertSettings(NeuralSettings):
    """Pooled BERT. The defaults are the article's, except for the schedule and the weights that are kept."""

    layer_decay: float | None = option(
        None, "learning rate of each layer as a share of the rate of the layer above", type=float
    )

    def __post_init__(self):
        """Raise InputError for values that cannot be trained with."""
        super().__post_init__()
        require(self.pooling != "last", "--pooling", "last", "another value; last belongs to --model blstm")
        _require_within(self.layer_decay, "--layer-decay", "above 0, at most 1", 0, 1)


@dataclass(frozen=True)
class BlstmSettings(NeuralSettings):
    """Bidirectional LSTM on the encoder's word embeddings: the article's second pair of models."""

    epochs: int = _as_in(NeuralSettings, "epochs", default=5)
    learning_rate: float = _as_in(NeuralSettings, "learning_rate", default=2e-3)
    pooling: str = _as_in(NeuralSettings, "pooling", default="last")
    dropout: float = _as_in(NeuralSettings, "dropout", default=0.3)
    units: int = option(128, "units of the LSTM, in each direction")

    def __post_init__(self):
        """Raise InputError for values that cannot be trained with."""
        super().__post_init__()
        require(self.pooling != "cls", "--pooling", "cls", "another value; cls belongs to --model bert")
        require(self.units >= 1, "--units", self.units, "at least 1")


@dataclass(frozen=True)
class LinearSettings:
    """Word and character TF-IDF with one logistic regression per label."""

    ngrams: str = option(
        "word_char",
        "features: words and pairs of words (word), or these and pieces of words (word_char)",
        choices=("word_char", "word"),
    )
    c: float = option(4.0, "inverse strength of the L2 penalty")

    def __post_init__(self):
        """Require c > 0."""
        require(self.c > 0, "--c", self.c, "above 0")


ModelSettings = BertSettings | BlstmSettings | LinearSettings
MODEL_SETTINGS = {"bert": BertSettings, "blstm": BlstmSettings, "linear": LinearSettings}


@dataclass(frozen=True)
class RunSettings:
    """Settings shared by all architectures."""

    benchmark: str = option(DEFAULT, "benchmark to learn", choices=tuple(BENCHMARKS))
    model: str = option("bert", "the architecture", choices=tuple(MODEL_SETTINGS))
    n_folds: int = option(5, "number of folds")
    fold_seed: int = option(
        0, "seed of the fold assignment, separate from --seed; runs that are to be blended need the same one"
    )
    seed: int = option(0, "seed of the training")
    limit: int | None = option(
        None, "use only this many of each fold's training rows, drawn at random", type=int
    )


@dataclass(frozen=True)
class PretrainingSettings:
    """Masked-LM pre-training. Batches and rate fit a small corpus and a small encoder."""

    encoder: str = _as_in(NeuralSettings, "encoder")
    epochs: int = option(3, "passes over the texts")
    batch_size: int = _as_in(NeuralSettings, "batch_size")
    learning_rate: float = option(1e-4, "peak learning rate of RectifiedAdam")
    warmup: float = _as_in(NeuralSettings, "warmup")
    max_length: int = option(128, "tokens per row; a longer text is cut into several rows")
    masked: float = option(0.15, "share of the tokens that are masked")
    seed: int = _as_in(RunSettings, "seed")
    precision: str = _as_in(NeuralSettings, "precision")

    def __post_init__(self):
        """Raise InputError for values that cannot be trained with."""
        _check_training(self)
        require(0 < self.masked < 1, "--masked", self.masked, "between 0 and 1")


def _check_training(settings) -> None:
    """Raise InputError for settings that no training by gradients can use."""
    require(settings.epochs >= 1, "--epochs", settings.epochs, "at least 1")
    require(settings.batch_size >= 1, "--batch-size", settings.batch_size, "at least 1")
    require(settings.learning_rate > 0, "--learning-rate", settings.learning_rate, "above 0")
    require(0 <= settings.warmup < 1, "--warmup", settings.warmup, "a share from 0 to below 1")
    require(3 <= settings.max_length <= 512, "--max-length", settings.max_length, "from 3 to 512")


def _require_within(
    value: float | None, flag: str, expected: str, above: float, most: float = math.inf
) -> None:
    require(value is None or above < value <= most, flag, value, expected)
