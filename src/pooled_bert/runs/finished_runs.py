"""Finished folds that belong together: those of one run, and runs that are to be compared."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ..base.errors import InputError
from ..base.places import fold_folder
from ..benchmarks.targets import mean_of_known
from .fold_files import PREDICTIONS, FoldResult, finished_folds, no_finished_fold, read_fold, redo
from .identity import PER_FOLD, first_difference


@dataclass(frozen=True)
class Run:
    """Finished folds of one run, made with the same settings, data and fold assignment."""

    name: str
    folds: tuple[FoldResult, ...]

    @property
    def identity(self) -> dict:
        """The identity that all folds share (fields in PER_FOLD: those of the first fold)."""
        return self.folds[0].config["identity"]

    @property
    def is_complete(self) -> bool:
        """Whether every fold of the run is present."""
        return len(self.folds) == self.identity["settings"]["n_folds"]

    @property
    def made_up(self) -> bool:
        """Whether the run learnt from made-up rows."""
        return any(fold.metrics["made_up"] for fold in self.folds)

    @property
    def recorded_auc(self) -> float:
        """Mean over the folds of the mean AUC that each training recorded; NaN if none recorded one."""
        recorded = [fold.metrics["mean_auc"] for fold in self.folds]
        return float(mean_of_known(np.array(recorded, np.float64)))

    @property
    def oof(self) -> dict[int, pd.DataFrame]:
        """The out-of-fold predictions of each fold, by its number."""
        return {fold.fold: fold.oof for fold in self.folds}


def read_run(run_folder: Path, folds: list[int] | None = None, *, tables: Sequence[str] = PREDICTIONS) -> Run:
    """Read the finished folds of a run, or the folds given, and check that they belong to one run.

    All files of these folds but those of their models (see ``check_models``) are compared with their checksums;
    ``tables`` says which predictions are read. Raises InputError if no fold is finished, a given fold is not, a file is
    damaged, or settings, data, assignment or labels differ.
    """
    numbers = finished_folds(run_folder) if folds is None else sorted(set(folds))
    if not numbers:
        raise no_finished_fold(run_folder)
    results = tuple(read_fold(fold_folder(run_folder, fold), fold, tables) for fold in numbers)
    for result in results[1:]:
        difference = first_difference(
            results[0].config["identity"], result.config["identity"], ignore=PER_FOLD
        )
        if difference:
            raise InputError(
                f"{run_folder}: folds {results[0].fold} (there) and {result.fold} (here) have different settings or"
                f" data: {difference}. Train one of the two again, with --fold and --overwrite"
            )
        if result.metrics["auc"].keys() != results[0].metrics["auc"].keys():
            raise InputError(
                f"{run_folder}: folds {results[0].fold} and {result.fold} have different labels; {redo(result.fold)}"
            )
    return Run(run_folder.name, results)


def read_runs(runs_folder: Path, *, tables: Sequence[str] = ()) -> list[Run]:
    """Read every run in the folder that has a finished fold: metrics and settings, and the predictions ``tables``.

    A run that cannot be read is reported on stderr and left out.
    """
    runs = []
    for folder in sorted(runs_folder.glob("*")):
        if not finished_folds(folder):
            continue
        try:
            runs.append(read_run(folder, tables=tables))
        except InputError as error:
            print(f"note: this run is left out: {error}", file=sys.stderr)
    return runs


def note_missing_folds(run: Run) -> None:
    """Print a note if not every fold of a run is finished."""
    if not run.is_complete:
        numbers = " ".join(str(fold.fold) for fold in run.folds)
        print(
            f"note: not all folds of run {run.name!r} are finished; only fold {numbers} is used",
            file=sys.stderr,
        )
