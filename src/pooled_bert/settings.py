"""Every setting of a run, as one record an architecture; the command line is made from them."""

import argparse
import dataclasses
import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from .benchmarks import BENCHMARKS
from .errors import InputError


def option(default, help_text: str, *, decides: bool = True, **argparse_options):
    """A dataclass field that is also a command-line option of the same name.

    ``decides``: whether it decides the result. One that does not (but for rounding) may change while a run is under
    way.
    """
    return field(default=default, metadata={"help": help_text, "decides": decides, **argparse_options})


def _as_in(record: type, name: str, **change):
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

    benchmark: str = option("jigsaw", "what to learn", choices=tuple(BENCHMARKS))
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

    def __post_init__(self):
        """Refuse values that cannot be trained with."""
        _check_training(self)
        _require(0 <= self.dropout < 1, "--dropout", self.dropout, "from 0 to below 1")
        _require_within(self.positive_weight, "--positive-weight", "above 0, at most 1", 0, 1)
        _require_within(self.adversarial, "--adversarial", "above 0", 0)
        _require(self.ema is None or 0 < self.ema < 1, "--ema", self.ema, "between 0 and 1")


@dataclass(frozen=True)
class BertSettings(NeuralSettings):
    """Pooled BERT. The defaults are the article's, but for the schedule and the weights kept."""

    layer_decay: float | None = option(
        None, "each layer learns at this share of the rate of the one above it", type=float
    )

    def __post_init__(self):
        """Refuse values that cannot be trained with."""
        super().__post_init__()
        _require(self.pooling != "last", "--pooling", "last", "another; it is of --model blstm")
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
        _require(self.pooling != "cls", "--pooling", "cls", "another; it is of --model bert")
        _require(self.units >= 1, "--units", self.units, "at least 1")


@dataclass(frozen=True)
class LinearSettings:
    """Word and character TF-IDF with one logistic regression a label."""

    ngrams: str = option("word_char", "what is counted", choices=("word_char", "word"))
    c: float = option(4.0, "inverse strength of the L2 penalty")

    def __post_init__(self):
        """Refuse a penalty that is none."""
        _require(self.c > 0, "--c", self.c, "above 0")


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
        _require(0 < self.masked < 1, "--masked", self.masked, "between 0 and 1")


ModelSettings = BertSettings | BlstmSettings | LinearSettings
MODEL_SETTINGS = {"bert": BertSettings, "blstm": BlstmSettings, "linear": LinearSettings}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add an option for every setting. Those not given are absent from the parsed namespace."""
    shared = [setting.name for setting in dataclasses.fields(NeuralSettings)]
    for title, record, left_out in (
        ("every model", RunSettings, ()),
        ("--model bert and blstm", NeuralSettings, ()),
        ("--model bert", BertSettings, shared),
        ("--model blstm", BlstmSettings, shared),
        ("--model linear", LinearSettings, ()),
    ):
        group = parser.add_argument_group(title)
        for setting in dataclasses.fields(record):
            if setting.name not in left_out:
                _add_option(group, setting, _other_defaults(setting))


def add_record(parser: argparse.ArgumentParser, record: type) -> None:
    """Add an option for every setting of one record that stands alone."""
    for setting in dataclasses.fields(record):
        _add_option(parser, setting)


def record_from(given: dict, record: type):
    """The record from what was given, of all that was parsed."""
    return record(**_part(given, record))


def _add_option(group, setting: dataclasses.Field, other_defaults: str = "") -> None:
    options = dict(setting.metadata)
    help_text = options.pop("help")
    options.pop("decides")
    if setting.default is not None:
        help_text += f" (default: {setting.default}{other_defaults})"
    if "action" not in options:
        options.setdefault("type", setting.type)
    group.add_argument(_flag(setting.name), default=argparse.SUPPRESS, help=help_text, **options)


def _other_defaults(setting: dataclasses.Field) -> str:
    """What a model sets an option to that the others set otherwise."""
    others = {model: getattr(record, setting.name, None) for model, record in MODEL_SETTINGS.items()}
    return "".join(
        f"; {model}: {value}" for model, value in others.items() if value not in (None, setting.default)
    )


def settings_from(given: dict) -> tuple[RunSettings, ModelSettings]:
    """The two records from what was given; raises InputError for an option of another architecture."""
    run = RunSettings(**_part(given, RunSettings))
    _require(run.n_folds >= 2, "--n-folds", run.n_folds, "at least 2")
    _require(run.limit is None or run.limit >= 1, "--limit", run.limit, "at least 1")
    record = MODEL_SETTINGS[run.model]
    for other in MODEL_SETTINGS.values():
        stray = set(_part(given, other)) - set(_part(given, record))
        if stray:
            owners = [name for name, owner in MODEL_SETTINGS.items() if hasattr(owner, min(stray))]
            raise InputError(
                f"{_flag(min(stray))} is an option of --model {' and '.join(owners)}, not of --model {run.model}"
            )
    return run, record(**_part(given, record))


def check_folds(folds: Iterable[int], n_folds: int) -> None:
    """Raise InputError for a fold that there is not."""
    for fold in folds:
        if not 0 <= fold < n_folds:
            raise InputError(f"--fold {fold}: the folds are 0 to {n_folds - 1}")


def parse_options(words: Iterable[str], benchmark: str) -> tuple[RunSettings, ModelSettings]:
    """The two records that options of train_folds.py stand for; others among the words are passed over."""
    parser = argparse.ArgumentParser()
    add_options(parser)
    given, _ = parser.parse_known_args([*words, "--benchmark", benchmark])
    return settings_from(vars(given))


def given_options(given: dict, record: type) -> list[str]:
    """The options of a record that were given, as they stand on a command line."""
    words = []
    for setting in dataclasses.fields(record):
        if setting.name in given:
            value = given[setting.name]
            words += [_flag(setting.name)] if setting.type is bool else [_flag(setting.name), str(value)]
    return words


def _part(given: dict, record: type) -> dict:
    names = {setting.name for setting in dataclasses.fields(record)}
    return {name: value for name, value in given.items() if name in names}


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _check_training(settings) -> None:
    """What every training by gradients asks of its settings."""
    _require(settings.epochs >= 1, "--epochs", settings.epochs, "at least 1")
    _require(settings.batch_size >= 1, "--batch-size", settings.batch_size, "at least 1")
    _require(settings.learning_rate > 0, "--learning-rate", settings.learning_rate, "above 0")
    _require(0 <= settings.warmup < 1, "--warmup", settings.warmup, "a share from 0 to below 1")
    _require(3 <= settings.max_length <= 512, "--max-length", settings.max_length, "from 3 to 512")


def _require_within(
    value: float | None, flag: str, expected: str, above: float, most: float = math.inf
) -> None:
    _require(value is None or above < value <= most, flag, value, expected)


def _require(condition: bool, flag: str, value, expected: str) -> None:
    if not condition:
        raise InputError(f"{flag} is {value}, expected {expected}")
