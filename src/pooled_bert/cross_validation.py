"""Folds of a run: split, learn, predict, write. The same for every architecture and benchmark."""

import dataclasses
import platform
import shutil
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

from .benchmarks import BENCHMARKS
from .errors import InputError
from .files import checksum, file_checksum, read_json
from .folds import assign_folds, check_manifest, label_rates, without_near_duplicates
from .predictions import first_difference, fold_folder, is_done, write_config, write_fold
from .problem import Problem
from .rows import Rows, table_checksum
from .runtime import start_tensorflow
from .settings import BertSettings, LinearSettings, RunSettings

PACKAGES = (
    "tensorflow",
    "tensorflow-addons",
    "transformers",
    "numpy",
    "scikit-learn",
    "iterative-stratification",
)


class CrossValidation:
    """One run: its rows, fold assignment and settings, and the folder that its folds go to.

    folds_folder : ``folds/<benchmark>``, with the manifests, and ``runs/<run>/fold_<k>`` below.
    extra : training-only rows (id, text, labels) or None.
    """

    def __init__(
        self,
        rows: Rows,
        run: RunSettings,
        model: BertSettings | LinearSettings,
        *,
        name: str,
        folds_folder: Path,
        extra: pd.DataFrame | None = None,
    ):
        self.rows, self.run, self.model, self.extra = rows, run, model, extra
        self.labels = BENCHMARKS[run.benchmark].labels
        self.folder = folds_folder / "runs" / name
        self.cache = folds_folder.parent / "tokens"
        self.assignment = assign_folds(rows.train, run.n_folds, run.fold_seed)
        checksums = rows.checksums()
        self.identity = {
            "settings": _identity_settings(run, model),
            "data": {**checksums, "extra": None if extra is None else table_checksum(extra)},
            "assignment": check_manifest(
                folds_folder,
                rows.train,
                self.assignment,
                data_checksum=checksums["train"],
                fold_seed=run.fold_seed,
            ),
        }

    def rates(self) -> pd.DataFrame:
        """Label rates a fold."""
        return label_rates(self.rows.train, self.assignment)

    def unfinished(self, folds: list[int], overwrite: bool) -> list[int]:
        """Those of ``folds`` that are still to be trained."""
        return [fold for fold in folds if overwrite or not is_done(fold_folder(self.folder, fold))]

    def check_started(self, folds: list[int], overwrite: bool) -> None:
        """Refuse to go on with a run that was started with other settings, data or assignment."""
        replaced = set(folds) if overwrite else set()
        for fold in set(range(self.run.n_folds)) - replaced:
            path = fold_folder(self.folder, fold) / "config.json"
            if path.exists():
                difference = first_difference(read_json(path)["identity"], self.identity, ignore=("fold",))
                if difference:
                    raise InputError(
                        f"{path.parent}: was started otherwise: {difference}. Give this run another name with --run,"
                        " or replace every fold with --overwrite"
                    )

    def train_fold(self, fold: int) -> None:
        """Train one fold and write its files."""
        folder = fold_folder(self.folder, fold)
        identity = {**self.identity, "fold": fold}
        replaced = folder.with_name(f".{folder.name}.replaced")
        if is_done(folder):
            shutil.rmtree(replaced, ignore_errors=True)
            folder.rename(replaced)  # kept until the new one is done
        elif folder.exists():
            shutil.rmtree(folder)
        started = time.monotonic()
        information = _information()
        write_config(folder, identity, information)
        problem, valid = self._problem(fold)
        try:
            outcome = load_learner(self.run.model)(problem, self.model)
        except InputError:
            shutil.rmtree(folder)  # a fold that could not be learnt holds no later one to its settings
            raise
        information |= {**outcome.information, "seconds": round(time.monotonic() - started, 1)}
        write_config(folder, identity, information)
        test_ids = None if self.rows.test is None else self.rows.test["id"]
        facts = {"fold": fold, "made_up": self.rows.made_up, "training_rows": len(problem.train)}
        write_fold(folder, outcome, valid=valid, test_ids=test_ids, facts=facts)
        shutil.rmtree(replaced, ignore_errors=True)

    def _problem(self, fold: int) -> tuple[Problem, pd.DataFrame]:
        """What to learn in this fold, and its validation rows."""
        table = self.rows.train
        in_fold = self.assignment == fold
        valid = table[in_fold]
        train = np.flatnonzero(~in_fold)
        if self.run.limit is not None and self.run.limit < len(train):
            random = np.random.default_rng([self.run.seed, fold])
            train = np.sort(random.choice(train, self.run.limit, replace=False))
        if self.extra is not None:
            kept = without_near_duplicates(self.extra, valid).index.to_numpy()
            left_out = len(self.extra) - len(kept)
            print(
                f"fold {fold}: {len(kept)} extra rows ({left_out} left out: nearly identical to validation rows)"
            )
            train = np.concatenate([train, len(table) + kept])
            table = pd.concat([table, self.extra], ignore_index=True)
        problem = Problem(
            label_names=self.labels,
            texts=table["text"].tolist(),
            labels=table[list(self.labels)].to_numpy(np.float64),
            train=train,
            valid=np.flatnonzero(in_fold),
            test=[] if self.rows.test is None else self.rows.test["text"].tolist(),
            title=f"fold {fold}",
            seed=self.run.seed * 1000 + fold,
            cache=self.cache,
        )
        return problem, valid


def load_learner(model: str) -> Callable:
    """The function fit(problem, settings) -> outcome of an architecture; TensorFlow starts only if it is needed."""
    if model == "linear":
        from .linear import fit
    else:
        start_tensorflow()
        from .training import fit
    return fit


def _identity_settings(run: RunSettings, model: BertSettings | LinearSettings) -> dict:
    settings = {**dataclasses.asdict(run), **dataclasses.asdict(model)}
    if "encoder" in settings:
        settings["encoder"] = _encoder_identity(settings["encoder"])
    return settings


def _encoder_identity(encoder: str) -> str:
    """What tells encoders apart: the name, or for a directory the checksum of what it holds (not its path)."""
    folder = Path(encoder)
    if not folder.is_dir():
        return encoder
    names = (
        "config.json",
        "model.safetensors",
        "tf_model.h5",
        "vocab.txt",
        "tokenizer.json",
        "tokenizer_config.json",
    )
    found = [folder / name for name in names if (folder / name).is_file()]
    return "sha256:" + checksum(part for path in found for part in (path.name, file_checksum(path)))[:16]


def _information() -> dict:
    return {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "revision": _revision(),
        "packages": {name: version(name) for name in PACKAGES},
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
    }


def _revision() -> str:
    """The git revision of this code, with ``-dirty`` where files differ from it; ``unknown`` outside git."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
