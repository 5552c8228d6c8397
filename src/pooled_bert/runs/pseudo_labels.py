"""Test rows as training rows, labelled by a model that never saw the fold's validation rows."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from ..base.errors import InputError
from ..base.files import checksum
from ..base.places import fold_folder
from ..data.rows import Rows
from .fold_files import FoldResult, read_fold
from .identity import PER_FOLD, first_difference


@dataclass(frozen=True)
class PseudoLabels:
    """The test predictions of another run as labels: fold k gets the predictions of that run's fold k alone.

    Both runs have the same fold assignment, so the model of fold k never saw the rows that fold k is scored on. The
    mean over folds, or a run with a different assignment, would have learnt from these rows. Each fold is read once, so
    that a fold's identity and its labels stay those of one training.
    """

    run_folder: Path
    rows: Rows
    assignment: str  # checksum of the fold assignment
    n_rows: int | None  # number of test rows, drawn at random; None: all
    seed: int
    _read: dict[int, FoldResult] = field(default_factory=dict, repr=False)

    def table(self, fold: int) -> pd.DataFrame:
        """Return test rows with id, text, and probabilities as labels; raises InputError if the run has none to use."""
        result = self._result(fold)
        assert self.rows.test is not None  # or there would be no predictions of the test rows
        assert result.test is not None  # _result has checked it
        table = self.rows.test.merge(result.test, on="id", validate="one_to_one")
        if self.n_rows is not None and self.n_rows < len(table):
            chosen = np.random.default_rng(self.seed).choice(len(table), self.n_rows, replace=False)
            table = table.iloc[np.sort(chosen)]
        return table.reset_index(drop=True)

    def identity(self, fold: int) -> dict:
        """Return what decides the pseudo-labels: ``pseudo`` for all folds, ``pseudo_labels`` for this fold."""
        result = self._result(fold)
        made_by = {name: value for name, value in result.config["identity"].items() if name not in PER_FOLD}
        return {
            "pseudo": {"run": checksum([repr(sorted(made_by.items()))])[:16], "rows": self.n_rows},
            "pseudo_labels": result.metrics["files"]["test.csv"],
        }

    def _result(self, fold: int) -> FoldResult:
        if fold not in self._read:
            self._read[fold] = self._checked(fold)
        return self._read[fold]

    def _checked(self, fold: int) -> FoldResult:
        folder = fold_folder(self.run_folder, fold)
        result = read_fold(folder, fold)
        identity = result.config["identity"]
        expected = {**self.rows.checksums(), "assignment": self.assignment}
        recorded = {**identity["data"], "assignment": identity["assignment"]}
        difference = first_difference({name: recorded[name] for name in expected}, expected)
        if difference:
            raise InputError(
                f"--pseudo: {folder} was trained on different rows or folds ({difference}): it learnt from rows that"
                f" fold {fold} is scored on. Train that run on the same data, with the same --n-folds and --fold-seed"
            )
        if result.metrics["optimistic"]:
            raise InputError(
                f"--pseudo: {folder} was trained with --keep best: its epoch was selected on the rows that fold {fold}"
                " is scored on. Train that run with --keep last"
            )
        if result.test is None:
            raise InputError(f"--pseudo: {folder} has no test predictions; train that run without --no-test")
        return result
