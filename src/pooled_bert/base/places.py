"""Where things are: this checkout, and the folders of a workspace. No other module spells these paths.

An installed package has no checkout around it: ``TEMPLATES`` and the pages' folders exist, the other places do not.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .errors import InputError

PACKAGE = Path(__file__).resolve().parent.parent
SOURCE = PACKAGE.parent  # the commands, and the package
CHECKOUT = SOURCE.parent
REQUIREMENTS = CHECKOUT / "requirements.txt"
LOCKS = {
    gpu: CHECKOUT / f"requirements{'-cuda' if gpu else ''}.lock" for gpu in (False, True)
}  # every package
REVISION = CHECKOUT / "REVISION"  # in copies without git, the revision that they are of
KERNELS = CHECKOUT / "kernels"
PEERS = CHECKOUT / "tests" / "peers"
BUILD = CHECKOUT / "build"
TEMPLATES = PACKAGE / "base" / "templates"
PAGE_FOLDER = PACKAGE / "predict" / "play"  # the page of texts, and what it shares with the page of sounds
SOUND_PAGE_FOLDER = PACKAGE / "predict" / "play_sound"  # the page of sounds


def checkout() -> Path:
    """Return the folder of this checkout (or copy of it); raises InputError in an installed package."""
    if not REQUIREMENTS.is_file():
        raise InputError(
            f"{PACKAGE}: the installed package only predicts (load_predictor); the commands, and the folders that they"
            " use, are in a checkout of the project"
        )
    return CHECKOUT


def command(name: str) -> Path:
    """Return the path of one of this project's commands, such as ``train_folds.py``; raises InputError as above."""
    return checkout() / "src" / name


def module_environment() -> dict[str, str]:
    """Return the environment in which ``python -m pooled_bert…`` finds this package."""
    return {**os.environ, "PYTHONPATH": str(SOURCE)}


def usual_data_folders(benchmark: str) -> list[Path]:
    """Return where a benchmark's files are looked for when no folder is named."""
    root = checkout()
    return [root / "data" / benchmark, root / "data", root.parent / "data" / benchmark]


def fold_folder(run_folder: Path, fold: int) -> Path:
    """Return the folder of one fold's files."""
    return run_folder / f"fold_{fold}"


def model_folder(run_folder: Path, fold: int) -> Path:
    """Return the folder of one fold's model."""
    return fold_folder(run_folder, fold) / "model"


def fold_numbers(run_folder: Path) -> list[int]:
    """Return the numbers of a run's folds by the exact names of their folders: fold_00 and fold_0.bak are none."""
    return sorted(int(path.name[5:]) for path in run_folder.glob("fold_*") if is_fold_folder(path))


def is_fold_folder(path: Path) -> bool:
    """Return whether a path has the exact name of a fold's folder."""
    return re.fullmatch("fold_(0|[1-9][0-9]{0,8})", path.name) is not None


def find_folds(root: Path, benchmark: str) -> Iterator[tuple[Path, Path]]:
    """Yield the folder of each started fold anywhere below ``root``, and where it belongs in a workspace."""
    for config in sorted(root.rglob(f"folds/{benchmark}/runs/*/fold_*/config.json")):
        folder = config.parent
        if is_fold_folder(folder):
            yield folder, Path(*folder.parts[-5:])


@dataclass(frozen=True)
class Workspace:
    """The folders that results go to, below ``root`` (by default this checkout)."""

    root: Path = field(default_factory=checkout)

    def folds(self, benchmark: str) -> Path:
        """Return the folder of a benchmark's fold manifests, runs and report."""
        return self.root / "folds" / benchmark

    def runs(self, benchmark: str) -> Path:
        """Return the folder that holds one folder per run."""
        return self.folds(benchmark) / "runs"

    def run(self, benchmark: str, name: str) -> Path:
        """Return the folder of one run."""
        return self.runs(benchmark) / name

    def report(self, benchmark: str) -> Path:
        """Return the folder of a benchmark's report."""
        return self.folds(benchmark) / "report"

    @property
    def tokens(self) -> Path:
        """The cache of token ids, shared by all benchmarks."""
        return self.root / "folds" / "tokens"

    @property
    def submissions(self) -> Path:
        """The folder of submissions."""
        return self.root / "submissions"

    def pretrained(self, benchmark: str) -> Path:
        """Return the folder of an encoder that was pre-trained further on a benchmark's texts."""
        return self.root / "build" / "pretrained" / benchmark

    @property
    def ablation_logs(self) -> Path:
        """The folder of what the trainings of an ablation print."""
        return self.root / "build" / "ablation"
