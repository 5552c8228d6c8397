"""Kernels ready to push: a folder with its metadata and one script that carries all sources."""

import dataclasses
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

from slugify import slugify

from ..base.errors import InputError
from ..base.files import atomic_path, check_name, read_json, write_json
from ..base.places import CHECKOUT, KERNELS, REQUIREMENTS, SOURCE
from ..benchmarks.registry import BENCHMARKS

BOOTSTRAP, METADATA, SCRIPT = "bootstrap.py", "kernel-metadata.json", "script.py"
LARGEST = 900_000  # bytes; Kaggle refuses a script of 1 MB
LONGEST_TITLE = 50  # characters, by Kaggle's rule
NOTICE = "# Made by src/kaggle_kernels.py from revision {revision}: change that or kernels/bootstrap.py, build anew."


@dataclass(frozen=True)
class Plan:
    """What the kernels of one run share."""

    owner: str
    benchmark: str
    run: str
    n_folds: int
    gpu: bool
    revision: str  # of the sources that travel
    options: tuple[str, ...] = ()  # of train_folds.py
    encoder_dataset: str | None = None  # owner/slug, where the encoder is not from the hub
    environment_dataset: str | None = None  # owner/slug of one with Python and wheels: then internet is off

    def slug(self, fold: int | None, part: int = 1) -> str:
        """The kernel's name; a fold that takes longer than a kernel may run goes on in its next part."""
        name = "ensemble" if fold is None else f"fold {fold}"
        return slugify(
            f"pooled bert {self.benchmark} {self.run} {name}" + (f" part {part}" if part > 1 else "")
        )


def find_owner(given: str | None) -> str:
    """Whose kernels they are: ``given``, KAGGLE_USERNAME, or the user of the client's kaggle.json."""
    owner = given or os.environ.get("KAGGLE_USERNAME")
    places = [
        os.environ.get("KAGGLE_CONFIG_DIR"),
        Path.home() / ".kaggle",
        Path.home() / ".config" / "kaggle",
    ]
    for place in filter(None, places):
        path = Path(place) / "kaggle.json"
        if not owner and path.is_file():
            owner = read_json(path).get("username")
    if not owner:
        raise InputError("whose kernels shall they be? Give --owner, or set KAGGLE_USERNAME")
    return owner


def write_plan(plan: Plan, kernels: Path) -> None:
    """Note the plan beside the kernels, for the commands that push and watch them."""
    write_json(_plan_path(kernels, plan.benchmark, plan.run), dataclasses.asdict(plan))


def read_plan(kernels: Path, benchmark: str, run: str) -> Plan:
    """The plan of a run whose kernels were built."""
    path = _plan_path(kernels, benchmark, run)
    if not path.exists():
        raise InputError(f"{path}: is missing; make the kernels first: python src/kaggle_kernels.py build")
    fields = read_json(path)
    return Plan(
        **{name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
    )


def _plan_path(kernels: Path, benchmark: str, run: str) -> Path:
    return kernels / f"{benchmark}-{check_name('--run', run)}.json"


def build_fold(plan: Plan, kernels: Path, fold: int, part: int = 1) -> Path:
    """The kernel that trains a fold, or goes on from where its part before was stopped; returns its folder."""
    sources = [f"{plan.owner}/{plan.slug(fold, part - 1)}"] if part > 1 else []
    task = {"fold": fold, "run": plan.run, "options": plan.options, "encoder_dataset": plan.encoder_dataset}
    return _build(plan, kernels / plan.slug(fold, part), task, gpu=plan.gpu, kernel_sources=sources)


def build_ensemble(plan: Plan, kernels: Path, parts: dict[int, int] | None = None) -> Path:
    """The kernel that averages the output of all folds; ``parts``: the last part of a fold that has several."""
    parts = parts or {}
    sources = [f"{plan.owner}/{plan.slug(fold, parts.get(fold, 1))}" for fold in range(plan.n_folds)]
    task = {"fold": None, "run": plan.run, "options": ("--run", plan.run), "encoder_dataset": None}
    return _build(plan, kernels / plan.slug(None), task, gpu=False, kernel_sources=sources)


def _build(plan: Plan, folder: Path, task: dict, *, gpu: bool, kernel_sources: list[str]) -> Path:
    title = folder.name.replace("-", " ")
    if len(title) > LONGEST_TITLE:
        raise InputError(
            f"--run {plan.run}: makes the title {title!r}, Kaggle takes {LONGEST_TITLE} characters at most"
        )
    benchmark = BENCHMARKS[plan.benchmark]
    sources = read_sources(plan.revision)
    task = {**task, "benchmark": plan.benchmark, "gpu": gpu, "checksum": _checksum(sources)}
    script = script_text(task, sources, plan.revision)
    if len(script.encode()) > LARGEST:
        raise InputError(
            f"{folder}: the script would be {len(script.encode())} bytes, Kaggle takes less than 1 MB"
        )
    datasets = (benchmark.dataset, plan.encoder_dataset, plan.environment_dataset)
    metadata = read_json(KERNELS / METADATA) | {
        "id": f"{plan.owner}/{folder.name}",
        "title": title,
        "enable_gpu": gpu,
        "enable_internet": plan.environment_dataset is None,
        "dataset_sources": [dataset for dataset in datasets if dataset],
        "competition_sources": [benchmark.competition] if benchmark.competition else [],
        "kernel_sources": kernel_sources,
    }
    if not gpu:
        del metadata["machine_shape"]
    with atomic_path(folder) as temporary:
        temporary.mkdir()
        (temporary / SCRIPT).write_text(script, encoding="utf-8")
        (temporary / METADATA).write_text(json.dumps(metadata, indent=2) + "\n", encoding="utf-8")
    return folder


def read_sources(revision: str) -> dict[str, str]:
    """The project's sources by path, and the revision, which cannot be asked of git inside a kernel."""
    paths = [*SOURCE.rglob("*.py"), REQUIREMENTS]
    sources = {path.relative_to(CHECKOUT).as_posix(): path.read_text(encoding="utf-8") for path in paths}
    return {**sources, "REVISION": revision + "\n"}


def script_text(task: dict, sources: dict[str, str], revision: str) -> str:
    """The whole script: the bootstrap, then the task and a line for each source; a function of its arguments."""
    bootstrap = (KERNELS / BOOTSTRAP).read_text(encoding="utf-8")
    files = ",\n".join(f"    {name!r}: {text!r}" for name, text in sorted(sources.items()))
    call = f"main(\n    json.loads({json.dumps(task, sort_keys=True)!r}),\n    {{\n{files},\n    }},\n)\n"
    return f"{NOTICE.format(revision=revision)}\n{bootstrap}\n\n{call}"


def _checksum(sources: dict[str, str]) -> str:
    return hashlib.sha256(json.dumps(sources, sort_keys=True).encode()).hexdigest()
