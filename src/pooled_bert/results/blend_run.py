"""A blend kept as a run, so that it is compared and reported like one, and that ``--pseudo`` can learn from it."""

from pathlib import Path

from ..base.errors import InputError
from ..base.files import checksum
from ..base.places import fold_folder
from ..data.rows import Rows
from ..runs.finished_runs import Run
from ..runs.fold_files import write_config, write_fold
from ..runs.identity import PER_FOLD
from ..training.problem import Outcome
from .blend import Blend


def check_is_new(folder: Path) -> None:
    """Raise InputError if there is a run of this name."""
    if folder.exists():
        raise InputError(f"--as-run {folder.name}: {folder} exists; choose another name, or delete it")


def write_blend_run(folder: Path, blend: Blend, rows: Rows) -> None:
    """Write the folds of a blend as those of a run, without models.

    Fold k has the members' predictions by their models of fold k, which never saw the rows of fold k, with the weights
    that were found on the other folds. So another model can learn from the test predictions of fold k and be scored on
    the rows of fold k. Raises InputError if a member has no test predictions.
    """
    target, members = blend.target, {run.name: _made_by(run) for run in blend.runs}
    oof = blend.oof()
    for index, fold in enumerate(oof):
        test = None if rows.test is None else blend.test_of_fold(index)
        valid = rows.train.set_index("id").loc[oof[fold]["id"]].reset_index()
        first = blend.runs[0].identity
        settings = {
            name: first["settings"].get(name) for name in ("benchmark", "n_folds", "fold_seed", "group_by")
        }
        identity = {
            "settings": {**settings, "model": "blend", "blend": blend.how, "weights": blend.find},
            "members": members,
            "data": rows.checksums(),
            "assignment": first["assignment"],
            "fold": fold,
        }
        labels = list(rows.benchmark.labels)
        outcome = Outcome(
            oof=oof[fold][labels].to_numpy(),
            test=test[labels].to_numpy() if test is not None else oof[fold][labels].to_numpy()[:0],
            optimistic=any(run.folds[index].metrics["optimistic"] for run in blend.runs),
        )
        place = fold_folder(folder, fold)
        write_config(place, identity, {})
        write_fold(
            place,
            outcome,
            target,
            valid=valid[["id", *labels]],
            test_ids=None if test is None else test["id"],
            facts={"fold": fold, "made_up": rows.made_up},
        )


def _made_by(run: Run) -> str:
    """Return a checksum of what decided a member's predictions."""
    shared = {name: value for name, value in run.identity.items() if name not in PER_FOLD}
    files = [fold.metrics["files"] for fold in run.folds]
    return checksum([repr(sorted(shared.items())), repr(files)])[:16]
