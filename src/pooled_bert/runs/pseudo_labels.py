"""Test rows as training rows, labelled by a model that never saw the fold's validation rows."""

from dataclasses import dataclass
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
    """The test predictions of another run, fold by fold: for fold k those of its fold k alone.

    That model learnt from the other folds only, given that both runs have one fold assignment. A mean over folds, or
    a run with other folds, would have learnt from the rows that fold k is scored on.
    """

    run_folder: Path
    rows: Rows
    assignment: str  # checksum
    n_rows: int | None  # that many test rows, drawn at random; None: all
    seed: int

    def table(self, fold: int) -> pd.DataFrame:
        """Id, text and probabilities in place of labels; raises InputError for a run that cannot give them."""
        result = self._result(fold)
        assert self.rows.test is not None  # or there would be no predictions of the test rows
        assert result.test is not None  # _result has checked it
        table = self.rows.test.merge(result.test, on="id", validate="one_to_one")
        if self.n_rows is not None and self.n_rows < len(table):
            chosen = np.random.default_rng(self.seed).choice(len(table), self.n_rows, replace=False)
            table = table.iloc[np.sort(chosen)]
        return table.reset_index(drop=True)

    def identity(self, fold: int) -> dict:
        """What decides them, by fold and for all folds."""
        result = self._result(fold)
        made_by = {name: value for name, value in result.config["identity"].items() if name not in PER_FOLD}
        return {
            "pseudo": {"run": checksum([repr(sorted(made_by.items()))])[:16], "rows": self.n_rows},
            "pseudo_labels": result.metrics["files"]["test.csv"],
        }

    def _result(self, fold: int) -> FoldResult:
        folder = fold_folder(self.run_folder, fold)
        result = read_fold(folder, fold)
        identity = result.config["identity"]
        expected = {**self.rows.checksums(), "assignment": self.assignment}
        found = {**identity["data"], "assignment": identity["assignment"]}
        difference = first_difference({name: found[name] for name in expected}, expected)
        if difference:
            raise InputError(
                f"--pseudo: {folder} is of other rows or other folds ({difference}): it learnt from rows that"
                f" fold {fold} is scored on. Train it on these with the same --n-folds and --fold-seed"
            )
        if result.metrics["optimistic"]:
            raise InputError(
                f"--pseudo: {folder} was trained with --keep best: the rows that fold {fold} is scored on chose its"
                " epoch. Train it with --keep last"
            )
        if result.test is None:
            raise InputError(f"--pseudo: {folder} has no test predictions; train it without --no-test")
        return result
