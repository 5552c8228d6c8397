"""Rows -> folds: stratified, near-identical items (or whole groups) in one fold, the same folds on every machine."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from iterstrat.ml_stratifiers import MultilabelStratifiedKFold
from sklearn.model_selection import StratifiedGroupKFold
from slugify import slugify

from ..base.errors import InputError
from ..base.files import checksum, read_json, write_json
from ..benchmarks.benchmark import NO_GROUP
from ..benchmarks.targets import Target
from .groups import row_groups
from .rows import GROUP, labels_of


def assign_folds(
    table: pd.DataFrame,
    target: Target,
    n_folds: int,
    fold_seed: int,
    group_by: str | None = None,
    near_duplicates: float | None = None,
) -> np.ndarray:
    """Return the validation fold of each row, int64 [n_rows], values 0 … n_folds − 1.

    A pure function of ids, items, labels, groups and the other arguments; the order of the rows does not matter. The
    folds balance the strata of the target. Near-identical items share a fold. ``group_by`` names what else shares one,
    e.g. ``speaker``: the rows of one ``group``. None or NO_GROUP: nothing.  near_duplicates : the similarity of texts
    that share a fold too, as in ``groups.item_groups``.
    """
    order = np.argsort(table["id"].to_numpy(str), kind="stable")
    by_group = group_by not in (None, NO_GROUP)
    groups = np.empty(len(table), np.int64)
    groups[order] = row_groups(table.iloc[order], by_group=by_group, similarity=near_duplicates)
    n_groups = int(groups.max()) + 1
    if n_groups < n_folds:
        kind = f"{group_by}s" if by_group else "different items"
        raise InputError(f"{n_groups} {kind} cannot be cut into {n_folds} folds; lower --n-folds")
    indicators = target.strata(labels_of(table).to_numpy(np.float64))
    if by_group:
        return _group_folds(indicators, groups, order, n_folds, fold_seed)
    group_indicators = np.zeros((n_groups, indicators.shape[1]), bool)
    np.logical_or.at(group_indicators, groups, indicators)
    splitter = MultilabelStratifiedKFold(n_splits=n_folds, shuffle=True, random_state=fold_seed)
    fold_of_group = np.empty(n_groups, np.int64)
    for fold, (_, validation) in enumerate(splitter.split(np.zeros(n_groups), group_indicators)):
        fold_of_group[validation] = fold
    return fold_of_group[groups]


def _group_folds(
    indicators: np.ndarray, groups: np.ndarray, order: np.ndarray, n_folds: int, fold_seed: int
) -> np.ndarray:
    """Cut groups of many rows each into folds; rows with the same indicators count as one class.

    If every class is too rare for a row in each fold, the folds balance the number of rows alone.
    """
    classes = np.unique(indicators, axis=0, return_inverse=True)[1].reshape(-1)
    if np.bincount(classes).max() < n_folds:
        classes[:] = 0
    splitter = StratifiedGroupKFold(n_folds, shuffle=True, random_state=fold_seed)
    assignment = np.empty(len(groups), np.int64)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class")  # ``rare_labels`` are told
        splits = list(splitter.split(order, classes[order], groups[order]))
    for fold, (_, validation) in enumerate(splits):
        if len(validation) == 0:
            raise InputError(f"the groups are too unequal to be cut into {n_folds} folds; lower --n-folds")
        assignment[order[validation]] = fold
    return assignment


def rare_labels(table: pd.DataFrame, n_folds: int) -> dict[str, int]:
    """Return the number of positives of each label that has fewer than ``n_folds``, so that a fold cannot score it."""
    positives = (labels_of(table) == 1).sum()
    return {str(name): int(count) for name, count in positives.items() if count < n_folds}


def assignment_checksum(table: pd.DataFrame, assignment: np.ndarray) -> str:
    """Return the SHA-256 of each id with its fold, independent of the order of the rows."""
    return checksum(
        f"{row_id}\t{fold}" for row_id, fold in sorted(zip(table["id"], assignment.tolist(), strict=True))
    )


def check_manifest(
    folder: Path,
    table: pd.DataFrame,
    assignment: np.ndarray,
    *,
    data_checksum: str,
    fold_seed: int,
    group_by: str | None = None,
    near_duplicates: float | None = None,
) -> str:
    """Compare the assignment with the manifest of this data, or write the manifest if there is none yet.

    Returns the assignment's checksum. Raises InputError if assignment and manifest differ (another version of the
    stratifier, an edited manifest).
    """
    labels = labels_of(table)
    n_folds = int(assignment.max()) + 1
    kind = f"-by-{slugify(group_by, max_length=50)}" if group_by else ""
    kind += f"-near-{near_duplicates}" if near_duplicates else ""
    path = folder / f"{data_checksum[:12]}-{n_folds}folds-seed{fold_seed}{kind}.json"
    manifest = {
        "data": data_checksum,
        "assignment": assignment_checksum(table, assignment),
        "n_folds": n_folds,
        "fold_seed": fold_seed,
        "rows": np.bincount(assignment).tolist(),
        "positives": {name: (labels[name] == 1).groupby(assignment).sum().tolist() for name in labels},
        "unlabelled": {name: labels[name].isna().groupby(assignment).sum().tolist() for name in labels},
    }
    if group_by:
        manifest["group_by"] = group_by
    if near_duplicates:
        manifest["near_duplicates"] = near_duplicates
    if group_by and GROUP in table:
        manifest["groups"] = table[GROUP].groupby(assignment).unique().map(sorted).tolist()
    if not path.exists():
        write_json(path, manifest)
    elif read_json(path) != manifest:
        raise InputError(
            f"{path}: is damaged, or was written for another assignment of these rows to folds;"
            " install the pinned requirements, or delete the file and train every fold again"
        )
    return manifest["assignment"]
