"""Folds and runs -> one prediction."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from scipy.stats import rankdata

from .errors import InputError
from .predictions import Run


def blend(tables: Sequence[pd.DataFrame], how: str) -> pd.DataFrame:
    """Average tables of probabilities (id + labels, the same ids in the same order).

    ``mean`` of probabilities; ``rank``: of ranks within each column, ties averaged, scaled to (0, 1], which
    puts models of different calibration on one scale and leaves each AUC as it was; ``logit``: of log-odds.
    """
    first = tables[0]
    for table in tables[1:]:
        if not table["id"].equals(first["id"]) or list(table.columns) != list(first.columns):
            raise InputError("the predictions to be blended are not of the same rows and labels")
    values = np.stack([table.drop(columns="id").to_numpy(np.float64) for table in tables])
    if how == "mean":
        blended = values.mean(axis=0)
    elif how == "logit":
        blended = expit(logit(np.clip(values, 1e-7, 1 - 1e-7)).mean(axis=0))
    else:
        blended = (rankdata(values, axis=1) / values.shape[1]).mean(axis=0)
    result = pd.DataFrame(blended, columns=first.columns[1:])
    result.insert(0, "id", first["id"].to_numpy())
    return result


def blend_test(runs: Sequence[Run], how: str) -> pd.DataFrame:
    """Test predictions: the folds of each run averaged, then the runs, every run weighing the same."""
    for run in runs:
        if run.folds[0].test is None:
            raise InputError(f"run {run.name!r} has no test predictions: its data had no test rows")
    return blend([blend([fold.test for fold in run.folds], how) for run in runs], how)


def blend_oof(runs: Sequence[Run], how: str) -> pd.DataFrame:
    """Out-of-fold predictions of several runs, averaged fold by fold as the test predictions are."""
    folds = [blend([run.folds[index].oof for run in runs], how) for index in range(len(runs[0].folds))]
    return pd.concat(folds, ignore_index=True)


def check_blendable(runs: Sequence[Run], data: dict[str, str | None]) -> None:
    """Refuse runs of other data than ``data`` (checksums), of different assignments or of different folds.

    How the runs were trained may differ.
    """
    first = runs[0]
    for run in runs:
        if [fold.fold for fold in run.folds] != [fold.fold for fold in first.folds]:
            raise InputError(
                f"runs {first.name!r} and {run.name!r} have other finished folds; train the missing ones"
                " or name common ones with --folds"
            )
        for name, expected in data.items():
            if run.identity["data"][name] != expected:
                raise InputError(f"run {run.name!r} was trained with other {name} rows than those in --data")
        if run.identity["assignment"] != first.identity["assignment"]:
            raise InputError(
                f"runs {first.name!r} and {run.name!r} have different fold assignments (--n-folds, --fold-seed):"
                " rows out of fold in one were learnt from in the other"
            )
