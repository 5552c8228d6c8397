"""The plan of a run on Kaggle: what all of its kernels share, their names, and the file that keeps it."""

import dataclasses
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from slugify import slugify

from ..base.errors import InputError, require
from ..base.files import checksum, read_json, write_json
from ..base.rules import N_FOLDS, NAME
from ..benchmarks.benchmark import Benchmark
from ..benchmarks.registry import find_benchmark
from ..runs.identity import identity_settings
from ..runs.options import parse_options
from ..training.settings import ModelSettings, RunSettings

LONGEST_TITLE = 50  # characters; Kaggle's limit
LAST_PART = 99  # of a fold that takes longer than one kernel may run
KAGGLE_MINUTES = 720  # Kaggle ends a kernel after this time
LONGEST_TRAINING = 700  # minutes; the rest is for the environment, the checkpoint and the output
OWNER = re.compile(r"[A-Za-z0-9_-]+")
DATASET = re.compile(r"[A-Za-z0-9_-]+/[A-Za-z0-9_-]+(/[0-9]+)?")
PLAN_FILES = "*.plan.json"


@dataclass(frozen=True)
class Plan:
    """The settings shared by all kernels of one run; raises InputError for what Kaggle would refuse later."""

    owner: str
    benchmark: str
    run: str
    n_folds: Annotated[int, N_FOLDS]
    gpu: bool
    revision: str  # of the sources in the kernels
    options: tuple[str, ...] = ()  # of train_folds.py
    time_limit: float = 660.0  # minutes after which a kernel saves a checkpoint and stops
    encoder_dataset: str | None = None  # owner/slug, if the encoder is not from the hub
    environment_dataset: str | None = None  # owner/slug, with Python and wheels; switches the internet off
    extra_dataset: str | None = None  # owner/slug, with the training-only rows of --extra
    pseudo_dataset: str | None = None  # owner/slug, with the folds of the run of --pseudo
    pseudo: str | None = None  # name of that run
    pseudo_rows: int | None = None  # how many of its rows; None: all
    benchmark_file: str | None = None  # the TOML file of a table of the user's own
    notebook: bool = False  # notebooks in place of scripts

    def __post_init__(self):
        """Raise InputError for names, datasets and times that Kaggle would refuse."""
        NAME.check("--run", self.run)
        require(bool(OWNER.fullmatch(self.owner)), "--owner", repr(self.owner), "a Kaggle user name")
        for option, dataset in self.named_datasets.items():
            require(bool(DATASET.fullmatch(dataset)), option, repr(dataset), "OWNER/SLUG of a Kaggle dataset")
        limits = f"from 1 to {LONGEST_TRAINING} minutes; Kaggle ends a kernel after {KAGGLE_MINUTES}"
        require(1 <= self.time_limit <= LONGEST_TRAINING, "--time-limit", self.time_limit, limits)
        longest = self.title(self.n_folds - 1, LAST_PART)
        if len(longest) > LONGEST_TITLE:
            raise InputError(
                f"--run {self.run}: choose a name that is {len(longest) - LONGEST_TITLE} characters shorter; a"
                f" kernel's title would be {longest!r}, and Kaggle allows {LONGEST_TITLE} characters at most"
            )

    @property
    def record(self) -> Benchmark:
        """The benchmark."""
        return find_benchmark(self.benchmark_file or self.benchmark)

    @property
    def named_datasets(self) -> dict[str, str]:
        """The datasets that the user named, by the option that names them."""
        names = {
            "--encoder-dataset": self.encoder_dataset,
            "--offline": self.environment_dataset,
            "--extra-dataset": self.extra_dataset,
            "--pseudo-dataset": self.pseudo_dataset,
        }
        return {option: name for option, name in names.items() if name}

    @property
    def settings(self) -> tuple[RunSettings, ModelSettings]:
        """The settings of run and model."""
        return parse_options(self.options, self.record)

    @property
    def digest(self) -> str:
        """What decides the results, in 12 hex digits; each kernel's first line has it."""
        datasets = {name: value for name, value in self.named_datasets.items() if name != "--offline"}
        pseudo = [self.pseudo, self.pseudo_rows]
        decisive = [self.revision, identity_settings(*self.settings), datasets, pseudo]
        return checksum([json.dumps(decisive, sort_keys=True)])[:12]

    @property
    def session_seconds(self) -> int:
        """After this time Kaggle ends a session that hangs."""
        return int(60 * min(KAGGLE_MINUTES, self.time_limit + 60))

    def title(self, fold: int | None, part: int = 1) -> str:
        """Return a kernel's title; a fold that takes longer than one kernel may run resumes in its next part."""
        return self.slug(fold, part).replace("-", " ")

    def slug(self, fold: int | None, part: int = 1) -> str:
        """Return the name that Kaggle makes of a kernel's title; ``fold`` is None for the average of the folds."""
        name = "ensemble" if fold is None else f"fold {fold}"
        return slugify(
            f"pooled bert {self.benchmark} {self.run} {name}" + (f" part {part}" if part > 1 else "")
        )

    def kernel(self, fold: int | None, part: int = 1) -> str:
        """Return ``owner/slug`` of a kernel."""
        return f"{self.owner}/{self.slug(fold, part)}"


def require_own_names(plan: Plan, kernels: Path) -> None:
    """Raise InputError if the kernels of another run that was built in the folder have the same names."""
    for other in read_plans(kernels):
        same_run = (other.benchmark, other.run) == (plan.benchmark, plan.run)
        if not same_run and other.slug(None) == plan.slug(None):
            raise InputError(
                f"--run {plan.run}: Kaggle would give its kernels the names of the kernels of run {other.run!r} of"
                f" {other.benchmark}, which are in {kernels}; choose another name"
            )


def write_plan(plan: Plan, kernels: Path) -> None:
    """Write the plan beside the kernels, for the commands that push and watch them."""
    write_json(_plan_path(kernels, plan.benchmark, plan.run), dataclasses.asdict(plan))


def read_plans(kernels: Path) -> Iterator[Plan]:
    """Yield the plan of each run that was built in the folder."""
    for path in sorted(kernels.glob(PLAN_FILES)):
        yield _read(path)


def read_plan(kernels: Path, benchmark: str, run: str) -> Plan:
    """Read the plan of a run whose kernels were built; raises InputError if there is none."""
    path = _plan_path(kernels, benchmark, NAME.read("--run", run))
    if not path.exists():
        raise InputError(f"{path}: is missing; build the kernels first: python src/kaggle_kernels.py build")
    return _read(path)


def _read(path: Path) -> Plan:
    fields = read_json(path, Plan, remedy="build the kernels again")
    try:
        return Plan(**{**fields, "options": tuple(fields.get("options", ()))})
    except TypeError as error:  # a field that is not known here
        raise InputError(f"{path}: is of another version of this project; build the kernels again") from error


def _plan_path(kernels: Path, benchmark: str, run: str) -> Path:
    return kernels / f"{benchmark}-{run}.plan.json"
