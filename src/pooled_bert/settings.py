"""Every setting of a run, as one record an architecture; the command line is made from them."""

import argparse
import dataclasses
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
    model: str = option("bert", "the architecture", choices=("bert", "linear"))
    n_folds: int = option(5, "number of folds")
    fold_seed: int = option(0, "seed of the fold assignment; runs that are to be blended share it")
    seed: int = option(0, "seed of everything else")
    limit: int | None = option(
        None, "use this many rows of each fold's training part, drawn at random", type=int
    )


@dataclass(frozen=True)
class BertSettings:
    """Pooled BERT. The defaults are the article's, but for the schedule and the weights kept."""

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
    pooling: str = option(
        "mean", "hidden states -> one vector", choices=("mean", "max", "cls", "mean_max", "attention")
    )
    dropout: float = option(0.1, "dropout before the last layer")
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
        _require(self.epochs >= 1, "--epochs", self.epochs, "at least 1")
        _require(self.batch_size >= 1, "--batch-size", self.batch_size, "at least 1")
        _require(self.learning_rate > 0, "--learning-rate", self.learning_rate, "above 0")
        _require(0 <= self.warmup < 1, "--warmup", self.warmup, "a share from 0 to below 1")
        _require(3 <= self.max_length <= 512, "--max-length", self.max_length, "from 3 to 512")
        _require(0 <= self.dropout < 1, "--dropout", self.dropout, "from 0 to below 1")


@dataclass(frozen=True)
class LinearSettings:
    """Word and character TF-IDF with one logistic regression a label."""

    ngrams: str = option("word_char", "what is counted", choices=("word_char", "word"))
    c: float = option(4.0, "inverse strength of the L2 penalty")

    def __post_init__(self):
        """Refuse a penalty that is none."""
        _require(self.c > 0, "--c", self.c, "above 0")


MODEL_SETTINGS = {"bert": BertSettings, "linear": LinearSettings}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add an option for every setting. Those not given are absent from the parsed namespace."""
    for title, record in (
        ("every model", RunSettings),
        ("--model bert", BertSettings),
        ("--model linear", LinearSettings),
    ):
        group = parser.add_argument_group(title)
        for setting in dataclasses.fields(record):
            options = dict(setting.metadata)
            help_text = options.pop("help") + (
                "" if setting.default is None else f" (default: {setting.default})"
            )
            options.pop("decides")
            if "action" not in options:
                options.setdefault("type", setting.type)
            group.add_argument(_flag(setting.name), default=argparse.SUPPRESS, help=help_text, **options)


def settings_from(given: dict) -> tuple[RunSettings, BertSettings | LinearSettings]:
    """The two records from what was given; raises InputError for an option of another architecture."""
    run = RunSettings(**_part(given, RunSettings))
    _require(run.n_folds >= 2, "--n-folds", run.n_folds, "at least 2")
    _require(run.limit is None or run.limit >= 1, "--limit", run.limit, "at least 1")
    record = MODEL_SETTINGS[run.model]
    for name, other in MODEL_SETTINGS.items():
        stray = set(_part(given, other)) - set(_part(given, record))
        if stray:
            raise InputError(
                f"{_flag(min(stray))} is an option of --model {name}, not of --model {run.model}"
            )
    return run, record(**_part(given, record))


def check_folds(folds: Iterable[int], n_folds: int) -> None:
    """Raise InputError for a fold that there is not."""
    for fold in folds:
        if not 0 <= fold < n_folds:
            raise InputError(f"--fold {fold}: the folds are 0 to {n_folds - 1}")


def parse_options(words: Iterable[str], benchmark: str) -> tuple[RunSettings, BertSettings | LinearSettings]:
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


def _require(condition: bool, flag: str, value, expected: str) -> None:
    if not condition:
        raise InputError(f"{flag} is {value}, expected {expected}")
