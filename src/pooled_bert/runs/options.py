"""Command-line options made from the dataclasses of settings, and the settings made from parsed options."""

import argparse
import dataclasses
import shlex
from collections.abc import Iterable
from dataclasses import replace

from ..base.command_line import Parser
from ..base.errors import InputError, require
from ..base.pairs import NO_WINDOWS
from ..base.places import Workspace
from ..base.rules import COUNT, FOLD, MINUTES, NAME, PLACE, Place
from ..benchmarks.benchmark import NO_GROUP, Benchmark
from ..benchmarks.registry import BENCHMARKS, DEFAULT, find_benchmark
from ..training.settings import MODEL_SETTINGS, ModelSettings, RunSettings


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add an option for every setting; an option that is not given is absent from the parsed namespace.

    Only --benchmark is always there, as in ``add_benchmark``.
    """
    group = parser.add_argument_group("every model")
    add_benchmark(group, "benchmark to learn")
    for setting in dataclasses.fields(RunSettings):
        if setting.name != "benchmark":
            _add_option(group, setting)
    groups = {}
    for name, owners in _owners().items():
        title = _title(owners)
        if title not in groups:
            groups[title] = parser.add_argument_group(title)
        first, *_ = owners.values()
        (setting,) = (setting for setting in dataclasses.fields(first) if setting.name == name)
        _add_option(groups[title], setting, _other_defaults(setting, owners))


def _owners() -> dict[str, dict[tuple[str, str], type]]:
    """Return, for the name of each setting of a model, the records that have it, by medium and model."""
    owners: dict[str, dict[tuple[str, str], type]] = {}
    for medium, models in MODEL_SETTINGS.items():
        for model, record in models.items():
            for setting in dataclasses.fields(record):
                owners.setdefault(setting.name, {})[medium, model] = record
    return owners


def _title(owners: Iterable[tuple[str, str]]) -> str:
    """Return the title of the options that belong to some models; names the medium if other media have them too."""
    media = dict.fromkeys(medium for medium, _ in owners)
    models = dict.fromkeys(model for _, model in owners)
    elsewhere = {model for medium in MODEL_SETTINGS.keys() - media for model in MODEL_SETTINGS[medium]}
    title = f"--model {' and '.join(models)}"
    return f"{title} of {' and '.join(media)}s" if elsewhere & models.keys() else title


def add_benchmark(parser, help_text: str = "benchmark of the run") -> None:
    """Add --benchmark to a parser or group, parsed into a Benchmark."""
    parser.add_argument(
        "--benchmark",
        type=_Benchmark(),
        default=BENCHMARKS[DEFAULT],
        metavar="NAME|FILE.toml",
        help=f"{help_text}: {', '.join(BENCHMARKS)}, or a TOML file that describes a table of your own (default:"
        f" {DEFAULT})",
    )


class _Benchmark(Place):
    """The rule of --benchmark: the name of a benchmark, or the path of a file, which becomes a Benchmark."""

    def read(self, name: str, text: str) -> Benchmark:
        """Return the benchmark."""
        return find_benchmark(str(super().read(name, text)))


def default_run(benchmark: Benchmark) -> str:
    """Return the name of a run that was given none: that of the usual model of the benchmark's medium."""
    return next(iter(MODEL_SETTINGS[benchmark.medium]))


def add_folds(parser: argparse.ArgumentParser) -> None:
    """Add --folds."""
    help_text = "use these folds only (default: all that are finished)"
    parser.add_argument("--folds", type=FOLD, nargs="+", metavar="FOLD", help=help_text)


def add_reading(parser: argparse.ArgumentParser) -> None:
    """Add --windows and --precision of the commands that predict."""
    parser.add_argument(
        "--windows",
        choices=("mean", "max", "none"),
        help="read long texts whole, in windows, and take the mean of the windows' log-odds or the largest"
        " probability; none: cut long texts as in training (default: the run's own --windows, or mean if it has none)",
    )
    parser.add_argument(
        "--precision",
        choices=("auto", "float32", "bfloat16", "float16", "int8"),
        help="precision of matrix products (default: that of the run; of BERT, auto is float32 on a CPU); int8 is"
        " twice as fast on processors made for it, once src/measure.py int8 has found that it costs nothing",
    )


def add_run(parser: argparse.ArgumentParser, help_text: str) -> None:
    """Add --run of a command that needs one run."""
    parser.add_argument(
        "--run", type=NAME, default="bert", metavar="NAME", help=f"{help_text} (default: bert)"
    )


def place_words(args: argparse.Namespace) -> list[str]:
    """Return the words that give another command the same benchmark and workspace."""
    return ["--benchmark", args.benchmark.argument, "--workspace", str(args.workspace.root)]


def add_data(parser: argparse.ArgumentParser) -> None:
    """Add --data."""
    parser.add_argument(
        "--data",
        type=PLACE,
        metavar="FOLDER",
        help="folder that holds the benchmark's files (default: data/<benchmark>, data, or ../data/<benchmark>; of a"
        " TOML file, its own folder)",
    )


def add_workspace(parser: argparse.ArgumentParser) -> None:
    """Add --workspace, parsed into a Workspace."""
    parser.add_argument(
        "--workspace",
        type=_Workspace(),
        default=Workspace(),
        metavar="FOLDER",
        help="folder for results: folds/, submissions/ and build/ are made in it (default: this checkout)",
    )


class _Workspace(Place):
    """The rule of --workspace: a path, which becomes a Workspace."""

    def read(self, name: str, text: str) -> Workspace:
        """Return the workspace."""
        return Workspace(super().read(name, text))


def add_record(parser: argparse.ArgumentParser, record: type) -> None:
    """Add an option for every setting of one dataclass."""
    for setting in dataclasses.fields(record):
        _add_option(parser, setting)


def add_times(parser: argparse.ArgumentParser) -> None:
    """Add the options of long trainings: how often to save, and when to stop."""
    parser.add_argument(
        "--checkpoint-minutes",
        type=MINUTES,
        default=5,
        metavar="MINUTES",
        help="save a checkpoint this often, and at each epoch; the same command again resumes from it (default: 5)",
    )
    parser.add_argument(
        "--time-limit",
        type=MINUTES,
        metavar="MINUTES",
        help="save and stop, with exit status 75, before the command has run this long (default: no limit)",
    )


def record_from(given: dict, record: type):
    """Return a dataclass of settings from the parsed options; options that it does not have are ignored."""
    return record(**_part(given, record))


def _add_option(group, setting: dataclasses.Field, other_defaults: str = "") -> None:
    options = dict(setting.metadata)
    help_text = options.pop("help")
    options.pop("decides")
    options.pop("rule", None)
    if setting.default is not None:
        help_text += f" (default: {setting.default}{other_defaults})"
    if "action" not in options:
        options.setdefault("type", setting.type)
    group.add_argument(_flag(setting.name), default=argparse.SUPPRESS, help=help_text, **options)


def _other_defaults(setting: dataclasses.Field, owners: dict[tuple[str, str], type]) -> str:
    """Return, for the help text, the defaults of models that have a different default than ``setting``."""
    others = {owner: getattr(record, setting.name) for owner, record in owners.items()}
    return "".join(
        f"; {_title([owner]).removeprefix('--model ')}: {value}"
        for owner, value in others.items()
        if value not in (None, setting.default)
    )


def settings_from(given: dict) -> tuple[RunSettings, ModelSettings]:
    """Return the settings of run and model from the parsed options.

    Raises InputError for invalid values, and for an option of another architecture.
    """
    benchmark: Benchmark = given["benchmark"]
    models = MODEL_SETTINGS[benchmark.medium]
    run = RunSettings(
        **{"model": next(iter(models)), **_part(given, RunSettings), "benchmark": benchmark.name}
    )
    if run.near_duplicates is not None:
        benchmark.require_texts("--near-duplicates")
    if run.model not in models:
        raise InputError(
            f"--model {run.model}: reads no {benchmark.medium}s; for --benchmark {benchmark.name}, give --model"
            f" {' or '.join(models)}"
        )
    record = models[run.model]
    for name, owners in _owners().items():
        if name in given and not hasattr(record, name):
            raise InputError(
                f"{_flag(name)} is an option of {_title(owners)}, not of --model {run.model} of {benchmark.medium}s"
            )
    if benchmark.is_pairs and given.get("windows"):
        raise InputError(f"--windows: {NO_WINDOWS}; leave it out")
    return replace(run, group_by=_group_by(run, benchmark)), record(**_part(given, record))


def _group_by(run: RunSettings, benchmark: Benchmark) -> str | None:
    """Return what shares a fold; None for a benchmark whose rows have no groups."""
    if benchmark.group is None:
        require(run.group_by in (None, NO_GROUP), "--group-by", run.group_by, NO_GROUP)
        return None
    expected = f"{benchmark.group} or {NO_GROUP}"
    require(run.group_by in (None, benchmark.group, NO_GROUP), "--group-by", run.group_by, expected)
    return run.group_by or benchmark.group


def named_options(option: str, text: str) -> tuple[str, list[str]]:
    """Return name and words of ``NAME: OPTIONS``, the value of ``option``; raises InputError if it is none."""
    name, colon, words = text.partition(":")
    if not colon or not words.strip():
        raise InputError(f"{option} {text!r}: expected NAME: OPTIONS, as in 'large: --batch-size 64'")
    try:
        return NAME.read(option, name.strip()), shlex.split(words)
    except ValueError as error:
        raise InputError(
            f"{option} {text!r}: a quote is not closed ({error}); close it, or leave it out"
        ) from error


def all_named_options(option: str, texts: Iterable[str]) -> dict[str, list[str]]:
    """Return name -> words of each value of ``option``; raises InputError if a name occurs twice."""
    words_by_name = {}
    for text in texts:
        name, words = named_options(option, text)
        if name in words_by_name:
            raise InputError(f"{option} {name}: is given twice; give one of them another name")
        words_by_name[name] = words
    return words_by_name


def parse_options(words: Iterable[str], benchmark: Benchmark) -> tuple[RunSettings, ModelSettings]:
    """Return the settings of run and model from words of train_folds.py's command line.

    What else is learnt from, and times, may be among the words; raises InputError for any other word.
    """
    parser = Parser()
    add_options(parser)
    add_learnt_rows(parser)
    add_times(parser)
    given, others = parser.parse_known_args(list(words))
    if others:
        raise InputError(f"{others[0]}: is no setting of a training; see train_folds.py --help")
    return settings_from({**vars(given), "benchmark": benchmark})


def add_learnt_rows(parser: argparse.ArgumentParser) -> None:
    """Add --extra, and --pseudo with --pseudo-rows: what a training learns from, besides the training rows."""
    add_extra(parser)
    add_pseudo(parser)


def add_pseudo(parser: argparse.ArgumentParser) -> None:
    """Add --pseudo, the run whose predictions of test rows are learnt from, and --pseudo-rows."""
    parser.add_argument(
        "--pseudo",
        type=NAME,
        metavar="RUN",
        help="learn from the test rows too, with the predictions of the same fold of this finished run as labels",
    )
    parser.add_argument(
        "--pseudo-rows",
        type=COUNT,
        metavar="N",
        help="number of test rows for --pseudo, drawn at random (default: all)",
    )


def add_extra(parser: argparse.ArgumentParser) -> None:
    """Add --extra, the table of further rows to learn from."""
    parser.add_argument(
        "--extra",
        type=PLACE,
        metavar="FILE",
        help="CSV of additional training rows; some label columns may be missing",
    )


def parsed_with_options(parser: argparse.ArgumentParser) -> tuple[argparse.Namespace, list[str]]:
    """Add the settings of train_folds.py and --extra, and parse; return also the words that are theirs."""
    _, words = parser.parse_known_args()
    add_extra(parser)
    add_options(parser)
    return parser.parse_args(), words


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
