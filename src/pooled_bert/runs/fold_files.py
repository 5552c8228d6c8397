"""The files of a fold: the only writer and the only reader.

``fold_<k>/`` holds config.json (written first), oof.csv, test.csv, history.csv, model/ and metrics.json.
A fold is finished when metrics.json exists: it is written last, and every file is written atomically.
"""

import json
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ..base.errors import InputError
from ..base.files import atomic_path, checksum, file_checksum, read_json, write_json
from ..base.places import fold_folder
from ..benchmarks.metrics import column_auc
from ..benchmarks.targets import Target
from ..data.rows import labels_of
from ..training.problem import Outcome
from .identity import PER_FOLD, first_difference

PREDICTIONS = ("oof.csv", "test.csv")
TABLES = (*PREDICTIONS, "history.csv")


@dataclass(frozen=True)
class FoldResult:
    """A finished fold. ``oof`` and ``test``: id + one column of probabilities per label.

    ``oof`` is an empty table if it was not read; ``test`` is None if it was not read or never made.
    """

    fold: int
    oof: pd.DataFrame
    test: pd.DataFrame | None
    metrics: dict
    config: dict


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
    def recorded_auc(self) -> float:
        """Mean over the folds of the mean AUC that each training recorded; folds without one are left out."""
        recorded = [fold.metrics["mean_auc"] for fold in self.folds]
        return float(np.mean([auc for auc in recorded if auc is not None]))

    @property
    def oof(self) -> dict[int, pd.DataFrame]:
        """The out-of-fold predictions of each fold, by its number."""
        return {fold.fold: fold.oof for fold in self.folds}


def is_done(folder: Path) -> bool:
    """Return whether the fold in ``folder`` is finished."""
    return (folder / "metrics.json").exists()


def write_config(folder: Path, identity: dict, information: dict) -> None:
    """Write config.json: ``identity`` decides the result, ``information`` is only recorded."""
    content = {"identity": identity, "information": information}
    write_json(folder / "config.json", {**content, "checksum": _json_checksum(content)})


def write_fold(
    folder: Path,
    outcome: Outcome,
    target: Target,
    *,
    valid: pd.DataFrame,
    test_ids: pd.Series | None,
    facts: dict,
) -> None:
    """Write all files of a trained fold, metrics.json last.

    ``valid``: the validation rows (id, text, labels), in the order of ``outcome.oof``.  ``facts``: further fields of
    metrics.json.
    """
    labels = labels_of(valid)
    _write_table(folder / "oof.csv", _probabilities(valid["id"], outcome.oof, labels.columns))
    if test_ids is not None:
        _write_table(folder / "test.csv", _probabilities(test_ids, outcome.test, labels.columns))
    if outcome.history:
        _write_table(folder / "history.csv", pd.DataFrame(outcome.history))
    if outcome.save_model:
        with atomic_path(folder / "model") as temporary:
            temporary.mkdir()
            outcome.save_model(temporary)
    # the predictions as they are written, rounded: readers of the file must find the same scores
    oof = _read_table(folder / "oof.csv")[labels.columns].to_numpy(np.float64)
    aucs = column_auc(labels.to_numpy(), oof)
    metrics = {
        **facts,
        "rows": len(valid),
        "auc": dict(zip(labels.columns, map(_number, aucs), strict=True)),
        **{name: _number(score) for name, score in target.scores(labels.to_numpy(), oof).items()},
        "optimistic": outcome.optimistic,
        "files": {name: file_checksum(folder / name) for name in TABLES if (folder / name).exists()},
        "identity": _json_checksum(read_json(folder / "config.json")["identity"]),
    }
    write_json(folder / "metrics.json", {**metrics, "checksum": _json_checksum(metrics)})


def read_run(run_folder: Path, folds: list[int] | None = None, *, tables: Sequence[str] = PREDICTIONS) -> Run:
    """Read the finished folds of a run, or the folds given, and check that they belong to one run.

    All files of these folds are compared with their checksums; ``tables`` says which predictions are read. Raises
    InputError if no fold is finished, a given fold is not, a file is damaged, or settings, data or assignment differ.
    """
    if folds is None:
        numbers = sorted(int(path.parent.name[5:]) for path in run_folder.glob("fold_*/metrics.json"))
    else:
        numbers = sorted(set(folds))
    if not numbers:
        raise InputError(f"{run_folder}: has no finished fold; train it with python src/train_folds.py")
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
    return Run(run_folder.name, results)


def read_runs(runs_folder: Path) -> list[Run]:
    """Read every run in the folder that has a finished fold: metrics and settings, without predictions.

    A run that cannot be read is reported on stderr and left out.
    """
    runs = []
    for folder in sorted({path.parent.parent for path in runs_folder.glob("*/fold_*/metrics.json")}):
        try:
            runs.append(read_run(folder, tables=()))
        except InputError as error:
            print(f"note: this run is left out: {error}", file=sys.stderr)
    return runs


def on_same_folds(run: Run, others: Sequence[Run]) -> list[Run]:
    """Return ``run``, and those of the other runs that have the same rows and fold assignment."""
    matching = [other for other in others if other.identity["assignment"] == run.identity["assignment"]]
    return [run, *(other for other in matching if other.name != run.name)]


def read_fold(folder: Path, fold: int, tables: Sequence[str] = PREDICTIONS) -> FoldResult:
    """Read one finished fold; raises InputError that names the damaged file and how to train the fold again."""
    if not is_done(folder):
        raise InputError(f"{folder}: fold {fold} is not finished; train it with --fold {fold}")
    config = read_config(folder, fold)
    metrics = _read_record(folder / "metrics.json", fold)
    if metrics["fold"] != fold or config["identity"]["fold"] != fold:
        raise InputError(f"{folder}: holds fold {metrics['fold']}, not {fold}; {_redo(fold)}")
    if metrics["identity"] != _json_checksum(config["identity"]):
        raise InputError(
            f"{folder / 'config.json'}: does not belong to metrics.json beside it; {_redo(fold)}"
        )
    for name, expected in metrics["files"].items():
        path = folder / name
        if not path.is_file() or file_checksum(path) != expected:
            raise InputError(f"{path}: is missing or was changed after it was written; {_redo(fold)}")
    oof = _read_table(folder / "oof.csv") if "oof.csv" in tables else pd.DataFrame()
    has_test = "test.csv" in tables and "test.csv" in metrics["files"]
    return FoldResult(fold, oof, _read_table(folder / "test.csv") if has_test else None, metrics, config)


def read_config(folder: Path, fold: int) -> dict:
    """Read config.json of a started fold; raises InputError that names the file and how to train the fold again."""
    return _read_record(folder / "config.json", fold)


def _read_record(path: Path, fold: int) -> dict:
    """Read a JSON file that holds its own checksum."""
    try:
        content = read_json(path)
    except InputError as error:
        raise InputError(f"{error}; {_redo(fold)}") from error
    if content.pop("checksum", None) != _json_checksum(content):
        raise InputError(f"{path}: was changed after it was written; {_redo(fold)}")
    return content


def _redo(fold: int) -> str:
    return f"train it again with --fold {fold} --overwrite"


def _json_checksum(content: dict) -> str:
    return checksum([json.dumps(content, sort_keys=True)])


def _probabilities(ids: pd.Series, values: np.ndarray, labels: pd.Index) -> pd.DataFrame:
    table = pd.DataFrame(values, columns=labels)
    table.insert(0, "id", ids.to_numpy())
    return table


def _write_table(path: Path, table: pd.DataFrame) -> None:
    with atomic_path(path) as temporary:
        table.to_csv(temporary, index=False, float_format="%.9g", lineterminator="\n")


def _read_table(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype={"id": str}, keep_default_na=False)


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
