"""Every setting of a run, as one record an architecture; options.py makes the command line from them."""

import dataclasses
import math
from dataclasses import dataclass, field
from typing import Any

from ..base.errors import require
from ..benchmarks.registry import BENCHMARKS, DEFAULT


def option(default, help_text: str, *, decides: bool = True, **argparse_options) -> Any:
    """A dataclass field that is also a command-line option of the same name.

    ``decides``: whether it decides the result. One that does not (but for rounding) may change while a run is under
    way.
    """
    return field(default=default, metadata={"help": help_text, "decides": decides, **argparse_options})


def _as_in(record: type, name: str, **change) -> Any:
    """The option ``name`` of ``record``, with another ``default`` if one is given."""
    (same,) = (setting for setting in dataclasses.fields(record) if setting.name == name)
    return field(default=change.get("default", same.default), metadata=same.metadata)


def decisive(record) -> dict:
    """The settings of a record that decide its result, by name."""
    return {
        setting.name: getattr(record, setting.name)
        for setting in dataclasses.fields(record)
        if setting.metadata["decides"]
    }


@dataclass(frozen=True)
class RunSettings:
    """What every architecture shares."""

    benchmark: str = option(DEFAULT, "what to learn", choices=tuple(BENCHMARKS))
    model: str = option("bert", "the architecture", choices=("bert", "blstm", "linear"))
    n_folds: int = option(5, "number of folds")
    fold_seed: int = option(0, "seed of the fold assignment; runs that are to be blended share it")
    seed: int = option(0, "seed of everything else")
    limit: int | None = option(
        None, "use this many rows of each fold's training part, drawn at random", type=int
    )


@dataclass(frozen=True)
class NeuralSettings:
    """What the architectures that are trained step by step share. Where nothing else is said: the article's values."""

    encoder: str = option(
        "bert-base-uncased", "a Hugging Face name, a directory, or 'tiny' (random, for trying out)"
    )
    epochs: int = option(4, "passes over the training part")
    batch_size: int = option(32, "rows an optimizer step")
    learning_rate: float = option(3e-5, "peak learning rate of RectifiedAdam")
    warmup: float = option(
        0.0, "share of all steps over which the rate rises; RectifiedAdam has a warm-up of its own"
    )
    decay: str = option("linear", "what the learning rate does after that", choices=("linear", "none"))
    max_length: int = option(128, "tokens a text, [CLS] and [SEP] included")
    truncation: str = option("head", "what is kept of a longer text", choices=("head", "head_tail"))
    windows: str | None = option(
        None,
        "predict a longer text in windows of --max-length that overlap by half: mean of their log-odds, or largest",
        type=str,
        choices=("mean", "max"),
    )
    pooling: str = option(
        "mean",
        "hidden states -> one vector; cls: of bert, last: of blstm",
        choices=("mean", "max", "mean_max", "attention", "cls", "last"),
    )
    dropout: float = option(0.1, "dropout before the last layer")
    positive_weight: float | None = option(
        None,
        "power P: a positive of a label weighs (negatives / positives) ** P; 1 balances them",
        type=float,
    )
    adversarial: float | None = option(
        None,
        "size of FGM's perturbation of a text's word embeddings; each step learns from both, and takes twice as long",
        type=float,
    )
    ema: float | None = option(
        None, "predict by an exponential moving average of the weights, with this decay a step", type=float
    )
    precision: str = option(
        "auto",
        "of matrix products; auto: what the device computes fast",
        choices=("auto", "float32", "bfloat16", "float16"),
    )
    keep: str = option(
        "last",
        "whose epoch's weights; best: by AUC on the fold itself, so its score is optimistic",
        choices=("last", "best"),
    )
    strategy: str = option(
        "auto",
        "devices: one, those of this machine (mirrored), or the machines of TF_CONFIG; --batch-size is that of all",
        decides=False,
        choices=("auto", "one", "mirrored", "multiworker"),
    )
    xla: bool = option(
        False,
        "compile the model with XLA, in some seconds for each of the batch widths, multiples of 32 then",
        decides=False,
        action="store_true",
    )
    tensorboard: bool = option(
        False,
        "write the curves of loss, learning rate and validation scores for TensorBoard, beside the fold's files",
        decides=False,
        action="store_true",
    )

    def __post_init__(self):
        """Refuse values that cannot be trained with."""
        _check_training(self)
        require(0 <= self.dropout < 1, "--dropout", self.dropout, "from 0 to below 1")
        _require_within(self.positive_weight, "--positive-weight", "above 0, at most 1", 0, 1)
        _require_within(self.adversarial, "--adversarial", "above 0", 0)
        require(self.ema is None or 0 < self.ema < 1, "--ema", self.ema, "between 0 and 1")


@dataclass(frozen=True)
class BertSettings(NeuralSettings):
    """Pooled BERT. The defaults are the article's, but for the schedule and the weights kept."""

    layer_decay: float | None = option(
        None, "each layer learns at this share of the rate of the one above it", type=float
    )

    def __post_init__(self):
        """Refuse values that cannot be trained with."""
        super().__post_init__()
        require(self.pooling != "last", "--pooling", "last", "another; it is of --model blstm")
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
        """Refuse values that cannot be trained with."""
        super().__post_init__()
        require(self.pooling != "cls", "--pooling", "cls", "another; it is of --model bert")
        require(self.units >= 1, "--units", self.units, "at least 1")


@dataclass(frozen=True)
class LinearSettings:
    """Word and character TF-IDF with one logistic regression a label."""

    ngrams: str = option("word_char", "what is counted", choices=("word_char", "word"))
    c: float = option(4.0, "inverse strength of the L2 penalty")

    def __post_init__(self):
        """Refuse a penalty that is none."""
        require(self.c > 0, "--c", self.c, "above 0")


@dataclass(frozen=True)
class PretrainingSettings:
    """Masked-LM pre-training. Batches and rate fit a small corpus and a small encoder."""

    encoder: str = _as_in(NeuralSettings, "encoder")
    epochs: int = option(3, "passes over the texts")
    batch_size: int = _as_in(NeuralSettings, "batch_size")
    learning_rate: float = option(1e-4, "peak learning rate of RectifiedAdam")
    warmup: float = _as_in(NeuralSettings, "warmup")
    max_length: int = option(128, "tokens a row; a longer text is cut into several")
    masked: float = option(0.15, "share of the tokens that are hidden")
    seed: int = _as_in(RunSettings, "seed")
    precision: str = _as_in(NeuralSettings, "precision")

    def __post_init__(self):
        """Refuse values that cannot be trained with."""
        _check_training(self)
        require(0 < self.masked < 1, "--masked", self.masked, "between 0 and 1")


ModelSettings = BertSettings | BlstmSettings | LinearSettings
MODEL_SETTINGS = {"bert": BertSettings, "blstm": BlstmSettings, "linear": LinearSettings}


def _check_training(settings) -> None:
    """What every training by gradients asks of its settings."""
    require(settings.epochs >= 1, "--epochs", settings.epochs, "at least 1")
    require(settings.batch_size >= 1, "--batch-size", settings.batch_size, "at least 1")
    require(settings.learning_rate > 0, "--learning-rate", settings.learning_rate, "above 0")
    require(0 <= settings.warmup < 1, "--warmup", settings.warmup, "a share from 0 to below 1")
    require(3 <= settings.max_length <= 512, "--max-length", settings.max_length, "from 3 to 512")


def _require_within(
    value: float | None, flag: str, expected: str, above: float, most: float = math.inf
) -> None:
    require(value is None or above < value <= most, flag, value, expected)
