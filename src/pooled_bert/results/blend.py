"""Folds and runs -> one prediction: a weighted sum on one scale."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from ..base.errors import InputError
from ..benchmarks.targets import Target
from ..runs.fold_files import Run
from .blend_weights import FINDERS, FoldValues, Weights, contributions, equal_weights, nested_weights


def blend(
    tables: Sequence[pd.DataFrame], target: Target, how: str, weights: Weights | None = None
) -> pd.DataFrame:
    """Blend tables of probabilities (id + labels, the same ids in the same order); without ``weights`` evenly."""
    first = tables[0]
    for table in tables[1:]:
        if not table["id"].equals(first["id"]) or list(table.columns) != list(first.columns):
            raise InputError("the predictions to be blended are not of the same rows and labels")
    labels = first.columns[1:]
    values = np.stack([target.to_scale(table[labels].to_numpy(np.float64), how) for table in tables])
    weights = weights or equal_weights(len(tables), len(labels))
    result = pd.DataFrame(target.from_scale(weights.combine(values), how), columns=labels)
    result.insert(0, "id", first["id"].to_numpy())
    return result


def blend_test(runs: Sequence[Run], target: Target, how: str, weights: Weights | None = None) -> pd.DataFrame:
    """Test predictions: the folds of each run evenly, then the runs by their weights."""
    return blend([blend(_test_tables(run), target, how) for run in runs], target, how, weights)


def _test_tables(run: Run) -> list[pd.DataFrame]:
    tables = [fold.test for fold in run.folds if fold.test is not None]
    if len(tables) < len(run.folds):
        raise InputError(
            f"run {run.name!r} has no test predictions: it was trained with --no-test, or on data without test rows"
        )
    return tables


def blend_oof(
    runs: Sequence[Run], target: Target, how: str, weights: Sequence[Weights] | None = None
) -> dict[int, pd.DataFrame]:
    """Out-of-fold predictions of several runs, a table a fold, each by weights of its own; without them evenly."""
    folds = list(zip(*(run.folds for run in runs), strict=True))
    return {
        parts[0].fold: blend([part.oof for part in parts], target, how, weights[index] if weights else None)
        for index, parts in enumerate(folds)
    }


@dataclass(frozen=True)
class Blend:
    """Runs, and how much each counts. ``found`` on all out-of-fold rows; ``nested``: for each fold, on the others."""

    runs: Sequence[Run]
    target: Target
    how: str
    find: str
    folds: Sequence[FoldValues]
    found: Weights
    nested: Sequence[Weights]

    @property
    def is_chosen(self) -> bool:
        """Whether the labels had a say in the weights."""
        return self.find != "equal"

    def oof(self) -> dict[int, pd.DataFrame]:
        """Out-of-fold predictions by the nested weights: the honest ones."""
        return blend_oof(self.runs, self.target, self.how, self.nested)

    def optimistic_oof(self) -> dict[int, pd.DataFrame]:
        """Out-of-fold predictions by the weights that were found on the same rows."""
        return blend_oof(self.runs, self.target, self.how, [self.found] * len(self.nested))

    def test(self) -> pd.DataFrame:
        """Test predictions."""
        return blend_test(self.runs, self.target, self.how, self.found)

    def shares(self) -> pd.DataFrame:
        """A row a run: its weight, for each label where they differ, and what the nested mean AUC loses without it."""
        names, labels = [run.name for run in self.runs], self.runs[0].folds[0].oof.columns[1:]
        table = pd.DataFrame(self.found.runs, index=names, columns=labels)
        if (self.found.runs == self.found.runs[:, :1]).all():
            table = table.iloc[:, :1].set_axis(["weight"], axis=1)
        return table.assign(contribution=contributions(self.folds, FINDERS[self.find]))


def make_blend(runs: Sequence[Run], target: Target, how: str, find: str, train: pd.DataFrame) -> Blend:
    """Find the weights; raises InputError where they cannot be found honestly."""
    if find != "equal" and len(runs[0].folds) < 2:
        raise InputError(
            f"--weights {find}: one fold alone leaves no other to find them on; train a second, or use equal"
        )
    if find == "stack" and how != "logit":
        raise InputError("--weights stack: adds log-odds; use --blend logit")
    folds = fold_values(runs, target, how, train)
    finder = FINDERS[find]
    return Blend(runs, target, how, find, folds, finder(folds), nested_weights(folds, finder))


def fold_values(runs: Sequence[Run], target: Target, how: str, train: pd.DataFrame) -> list[FoldValues]:
    """What weights are found on: each fold's predictions by all runs, on their scale, and the true labels."""
    found = []
    truth = train.set_index("id")
    for parts in zip(*(run.folds for run in runs), strict=True):
        names = list(parts[0].oof.columns[1:])
        values = [target.to_scale(part.oof[names].to_numpy(np.float64), how) for part in parts]
        labels = truth.loc[parts[0].oof["id"], names].to_numpy(np.float64)
        found.append(FoldValues(np.stack(values), labels))
    return found


def correlation(runs: Sequence[Run]) -> pd.DataFrame:
    """Rank correlation (Spearman) of each two runs' out-of-fold predictions, averaged over folds and labels."""
    matrices = []
    for parts in zip(*(run.folds for run in runs), strict=True):
        ranks = np.stack([rankdata(part.oof.drop(columns="id").to_numpy(), axis=0) for part in parts])
        matrices += [np.corrcoef(ranks[:, :, label]) for label in range(ranks.shape[2])]
    names = [run.name for run in runs]
    return pd.DataFrame(np.mean(np.nan_to_num(matrices), axis=0), index=names, columns=names)


def check_blendable(runs: Sequence[Run], data: dict[str, str | None]) -> None:
    """Refuse runs of other data than ``data`` (checksums), of different assignments or of different folds.

    How the runs were trained may differ.
    """
    check_same_rows(runs, data)
    for run in runs:
        if [fold.fold for fold in run.folds] != [fold.fold for fold in runs[0].folds]:
            raise InputError(
                f"runs {runs[0].name!r} and {run.name!r} have other finished folds; train the missing ones"
                " or name common ones with --folds"
            )


def check_same_rows(runs: Sequence[Run], data: dict[str, str | None]) -> None:
    """Refuse runs of other data than ``data`` (checksums) or of different fold assignments."""
    first = runs[0]
    for run in runs:
        for name, expected in data.items():
            if run.identity["data"][name] != expected:
                raise InputError(f"run {run.name!r} was trained with other {name} rows than those in --data")
        if run.identity["assignment"] != first.identity["assignment"]:
            raise InputError(
                f"runs {first.name!r} and {run.name!r} have different fold assignments (--n-folds, --fold-seed):"
                " rows out of fold in one were learnt from in the other"
            )
