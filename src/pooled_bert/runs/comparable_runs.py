"""Runs side by side: the same training rows, the same folds, the same order of rows."""

from collections.abc import Sequence
from dataclasses import replace

from ..base.errors import InputError
from .finished_runs import Run
from .fold_files import FoldResult


def in_one_order(runs: Sequence[Run]) -> list[Run]:
    """Return the runs with each fold's rows in the order in which the first run has them, so that they are compared.

    Raises InputError if the same fold has other rows.
    """
    orders = {fold.fold: fold.oof["id"] for run in reversed(runs) for fold in run.folds}

    def ordered(run: Run, fold: FoldResult) -> FoldResult:
        order = orders[fold.fold]
        if fold.oof["id"].equals(order):
            return fold
        table = fold.oof.set_index("id")
        if len(table) != len(order) or not table.index.isin(order).all():
            raise InputError(
                f"runs {runs[0].name!r} and {run.name!r} have different rows in fold {fold.fold}; train both on the"
                " same data"
            )
        return replace(fold, oof=table.loc[order].reset_index())

    return [replace(run, folds=tuple(ordered(run, fold) for fold in run.folds)) for run in runs]


def on_same_folds(run: Run, others: Sequence[Run]) -> list[Run]:
    """Return ``run``, and those of the other runs that have the same rows and fold assignment."""

    def facts(one: Run) -> tuple:
        return one.identity["data"]["train"], one.identity["assignment"]

    return [run, *(other for other in others if other.name != run.name and facts(other) == facts(run))]


def with_folds_of(run: Run, others: Sequence[Run]) -> list[Run]:
    """Return ``run``, and those of the other runs that have finished all its folds, with these folds alone."""
    wanted = {fold.fold for fold in run.folds}
    together = [run]
    for other in others:
        folds = tuple(fold for fold in other.folds if fold.fold in wanted)
        if other.name != run.name and len(folds) == len(wanted):
            together.append(replace(other, folds=folds))
    return together


def with_common_folds(runs: Sequence[Run]) -> list[Run]:
    """Return the runs with those folds only that all of them have; raises InputError if there is none."""
    common = set.intersection(*({fold.fold for fold in run.folds} for run in runs))
    if not common:
        raise InputError(
            f"runs {', '.join(run.name for run in runs)} have no finished fold in common; train one fold of all of"
            " them, e.g. with --fold 0"
        )
    return [replace(run, folds=tuple(fold for fold in run.folds if fold.fold in common)) for run in runs]


def check_same_rows(runs: Sequence[Run], data: dict[str, str | None]) -> None:
    """Raise InputError for runs on other data than ``data`` (checksums), or with different fold assignments."""
    first = runs[0]
    for run in runs:
        for name, expected in data.items():
            if run.identity.get("data", {}).get(name) != expected:
                raise InputError(
                    f"run {run.name!r} was trained with different {name} rows than --data holds; give that run's data"
                )
        if run.identity["assignment"] != first.identity["assignment"]:
            raise InputError(
                f"runs {first.name!r} and {run.name!r} have different fold assignments (--n-folds, --fold-seed): one"
                " run learnt from rows that the other is scored on. Train them with the same assignment"
            )
