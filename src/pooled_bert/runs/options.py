"""The command line of a run, made from the records of its settings; and the records, from what was given."""

import argparse
import dataclasses
from collections.abc import Iterable
from pathlib import Path

from ..base.errors import InputError, require
from ..base.places import Workspace
from ..benchmarks.registry import BENCHMARKS, DEFAULT
from ..training.settings import (
    MODEL_SETTINGS,
    BertSettings,
    BlstmSettings,
    LinearSettings,
    ModelSettings,
    NeuralSettings,
    RunSettings,
)


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


def add_benchmark(parser: argparse.ArgumentParser, help_text: str = "what was learnt") -> None:
    """Add --benchmark."""
    parser.add_argument(
        "--benchmark", choices=tuple(BENCHMARKS), default=DEFAULT, help=f"{help_text} (default: {DEFAULT})"
    )


def add_runs(parser: argparse.ArgumentParser, help_text: str, **options) -> None:
    """Add --run, which takes one or several names, and --folds."""
    parser.add_argument("--run", nargs="+", metavar="NAME", help=help_text, **options)
    add_folds(parser)


def add_folds(
    parser: argparse.ArgumentParser, help_text: str = "use these folds only (default: all that are finished)"
) -> None:
    """Add --folds."""
    parser.add_argument("--folds", type=int, nargs="+", metavar="FOLD", help=help_text)


def add_data(parser: argparse.ArgumentParser) -> None:
    """Add --data."""
    parser.add_argument(
        "--data",
        metavar="FOLDER",
        help="folder of the benchmark's files (default: data/<benchmark>, data, or ../data/<benchmark>)",
    )


def add_workspace(parser: argparse.ArgumentParser) -> None:
    """Add --workspace, parsed into a Workspace."""
    parser.add_argument(
        "--workspace",
        type=lambda text: Workspace(Path(text)),
        default=Workspace(),
        metavar="FOLDER",
        help="where results go: folds/, submissions/ and build/ (default: this checkout)",
    )


def add_record(parser: argparse.ArgumentParser, record: type) -> None:
    """Add an option for every setting of one record that stands alone."""
    for setting in dataclasses.fields(record):
        _add_option(parser, setting)


def add_times(parser: argparse.ArgumentParser) -> None:
    """Add the options of everything that trains for long: when it is saved, and when it must stop."""
    parser.add_argument(
        "--checkpoint-minutes",
        type=float,
        default=5,
        help="save the training this often, and at each epoch, for the same command to go on from (default: 5)",
    )
    parser.add_argument(
        "--time-limit",
        type=float,
        metavar="MINUTES",
        help="save and stop, with exit status 75, before the command has run this long",
    )


def check_times(args: argparse.Namespace) -> None:
    """Raise InputError for minutes that are none."""
    for name in ("checkpoint_minutes", "time_limit"):
        minutes = getattr(args, name)
        if minutes is not None and not minutes >= 0:  # true for NaN too
            raise InputError(f"{_flag(name)} is {minutes}, expected minutes from 0")


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
    require(run.n_folds >= 2, "--n-folds", run.n_folds, "at least 2")
    require(run.limit is None or run.limit >= 1, "--limit", run.limit, "at least 1")
    record = MODEL_SETTINGS[run.model]
    for other in MODEL_SETTINGS.values():
        stray = set(_part(given, other)) - set(_part(given, record))
        if stray:
            owners = [name for name, owner in MODEL_SETTINGS.items() if hasattr(owner, min(stray))]
            raise InputError(
                f"{_flag(min(stray))} is an option of --model {' and '.join(owners)}, not of --model {run.model}"
            )
    return run, record(**_part(given, record))


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


def check_folds(folds: Iterable[int], n_folds: int) -> None:
    """Raise InputError for a fold that there is not."""
    for fold in folds:
        if not 0 <= fold < n_folds:
            raise InputError(f"--fold {fold}: the folds are 0 to {n_folds - 1}")
