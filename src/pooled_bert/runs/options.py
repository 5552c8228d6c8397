"""Command-line options made from the dataclasses of settings, and the settings made from parsed options."""

import argparse
import dataclasses
from collections.abc import Iterable
from pathlib import Path

from ..base.errors import InputError, require
from ..base.places import Workspace
from ..benchmarks.registry import BENCHMARKS, DEFAULT
from ..training.settings import (
    MODEL_SETTINGS,
    ModelSettings,
    NeuralSettings,
    RunSettings,
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add an option for every setting; an option that is not given is absent from the parsed namespace."""
    neural = [name for name, record in MODEL_SETTINGS.items() if issubclass(record, NeuralSettings)]
    _add_group(parser, "every model", RunSettings)
    _add_group(parser, f"--model {' and '.join(neural)}", NeuralSettings)
    for name, record in MODEL_SETTINGS.items():
        _add_group(parser, f"--model {name}", record, left_out=NeuralSettings if name in neural else None)


def _add_group(
    parser: argparse.ArgumentParser, title: str, record: type, left_out: type | None = None
) -> None:
    """Add an option for every setting of ``record`` that ``left_out`` does not have."""
    group = parser.add_argument_group(title)
    names = {setting.name for setting in dataclasses.fields(left_out)} if left_out else set()
    for setting in dataclasses.fields(record):
        if setting.name not in names:
            _add_option(group, setting, _other_defaults(setting))


def add_benchmark(parser: argparse.ArgumentParser, help_text: str = "benchmark of the run") -> None:
    """Add --benchmark."""
    parser.add_argument(
        "--benchmark", choices=tuple(BENCHMARKS), default=DEFAULT, help=f"{help_text} (default: {DEFAULT})"
    )


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
        help="folder that holds the benchmark's files (default: data/<benchmark>, data, or ../data/<benchmark>)",
    )


def add_workspace(parser: argparse.ArgumentParser) -> None:
    """Add --workspace, parsed into a Workspace."""
    parser.add_argument(
        "--workspace",
        type=lambda text: Workspace(Path(text)),
        default=Workspace(),
        metavar="FOLDER",
        help="folder for results: folds/, submissions/ and build/ are made in it (default: this checkout)",
    )


def add_record(parser: argparse.ArgumentParser, record: type) -> None:
    """Add an option for every setting of one dataclass."""
    for setting in dataclasses.fields(record):
        _add_option(parser, setting)


def add_times(parser: argparse.ArgumentParser) -> None:
    """Add the options of long trainings: how often to save, and when to stop."""
    parser.add_argument(
        "--checkpoint-minutes",
        type=float,
        default=5,
        metavar="MINUTES",
        help="save a checkpoint this often, and at each epoch; the same command again resumes from it (default: 5)",
    )
    parser.add_argument(
        "--time-limit",
        type=float,
        metavar="MINUTES",
        help="save and stop, with exit status 75, before the command has run this long (default: no limit)",
    )


def check_times(args: argparse.Namespace) -> None:
    """Raise InputError for negative or NaN minutes."""
    for name in ("checkpoint_minutes", "time_limit"):
        minutes = getattr(args, name)
        if minutes is not None and not minutes >= 0:  # true for NaN too
            raise InputError(f"{_flag(name)} is {minutes}, expected a number of minutes, 0 or more")


def record_from(given: dict, record: type):
    """Return a dataclass of settings from the parsed options; options that it does not have are ignored."""
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
    """Return, for the help text, the defaults of models that have a different default than ``setting``."""
    others = {model: getattr(record, setting.name, None) for model, record in MODEL_SETTINGS.items()}
    return "".join(
        f"; {model}: {value}" for model, value in others.items() if value not in (None, setting.default)
    )


def settings_from(given: dict) -> tuple[RunSettings, ModelSettings]:
    """Return the settings of run and model from the parsed options.

    Raises InputError for invalid values, and for an option of another architecture.
    """
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
    """Return the settings of run and model from words of train_folds.py's command line; ignores other words."""
    parser = argparse.ArgumentParser()
    add_options(parser)
    given, _ = parser.parse_known_args([*words, "--benchmark", benchmark])
    return settings_from(vars(given))


def given_options(given: dict, record: type) -> list[str]:
    """Return the given options of a dataclass of settings as words of a command line."""
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
    """Raise InputError if a fold number is out of range."""
    for fold in folds:
        if not 0 <= fold < n_folds:
            raise InputError(f"--fold {fold}: the folds are 0 to {n_folds - 1}")
