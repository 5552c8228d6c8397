"""The files of a fold: the only writer and the only reader.

``fold_<k>/`` holds config.json (written first), oof.csv, test.csv, history.csv, model/ and metrics.json.
A fold is finished when metrics.json exists: it is written last, with the checksums of all other files, and every file
is written atomically.
"""

import contextlib
import hashlib
import io
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from ..base.errors import InputError
from ..base.files import (
    atomic_path,
    file_checksums,
    json_checksum,
    read_json,
    read_record,
    write_record,
)
from ..base.places import fold_folder, fold_numbers
from ..benchmarks.targets import Target
from ..data.rows import labels_of
from ..training.problem import Outcome
from .fold_records import Config, Metrics
from .identity import PER_FOLD, first_difference

PREDICTIONS = ("oof.csv", "test.csv")
TABLES = (*PREDICTIONS, "history.csv")
MODEL = "model"  # the folder of the model in that of a fold


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
    def made_up(self) -> bool:
        """Whether the run learnt from made-up rows."""
        return any(fold.metrics["made_up"] for fold in self.folds)

    @property
    def recorded_auc(self) -> float:
        """Mean over the folds of the mean AUC that each training recorded; folds without one are left out."""
        recorded = [fold.metrics["mean_auc"] for fold in self.folds]
        return float(np.mean([auc for auc in recorded if auc is not None]))

    @property
    def oof(self) -> dict[int, pd.DataFrame]:
        """The out-of-fold predictions of each fold, by its number."""
        return {fold.fold: fold.oof for fold in self.folds}


def note_missing_folds(run: Run) -> None:
    """Print a note if not every fold of a run is finished."""
    if not run.is_complete:
        numbers = " ".join(str(fold.fold) for fold in run.folds)
        print(
            f"note: not all folds of run {run.name!r} are finished; only fold {numbers} is used",
            file=sys.stderr,
        )


def is_done(folder: Path) -> bool:
    """Return whether the fold in ``folder`` is finished."""
    return (folder / "metrics.json").exists()


def finished_folds(run_folder: Path) -> list[int]:
    """Return the numbers of a run's finished folds."""
    return [fold for fold in fold_numbers(run_folder) if is_done(fold_folder(run_folder, fold))]


def write_config(folder: Path, identity: dict, information: dict) -> None:
    """Write config.json: ``identity`` decides the result, ``information`` is only recorded."""
    write_record(folder / "config.json", {"identity": identity, "information": information})


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
        with atomic_path(folder / MODEL) as temporary:
            temporary.mkdir()
            outcome.save_model(temporary)
    # the predictions as they are written, rounded: readers of the file must find the same scores
    oof = _parse_table(
        (folder / "oof.csv").read_bytes(), folder / "oof.csv", list(labels.columns), facts["fold"]
    )[labels.columns].to_numpy(np.float64)
    from ..benchmarks.metrics import column_auc  # with scikit-learn, which readers do not need

    aucs = column_auc(labels.to_numpy(), oof)
    metrics = {
        **facts,
        "rows": len(valid),
        "auc": dict(zip(labels.columns, map(_number, aucs), strict=True)),
        **{name: _number(score) for name, score in target.scores(labels.to_numpy(), oof).items()},
        "optimistic": outcome.optimistic,
        "files": {
            str(path.relative_to(folder)): digest for path, digest in file_checksums(_files(folder)).items()
        },
        "identity": json_checksum(read_json(folder / "config.json")["identity"]),
    }
    write_record(folder / "metrics.json", metrics)


def _files(folder: Path) -> list[Path]:
    """Return the files of a fold that have checksums, those of its model included."""
    tables = [folder / name for name in TABLES if (folder / name).exists()]
    return [*tables, *sorted(path for path in (folder / MODEL).rglob("*") if path.is_file())]


def read_run(run_folder: Path, folds: list[int] | None = None, *, tables: Sequence[str] = PREDICTIONS) -> Run:
    """Read the finished folds of a run, or the folds given, and check that they belong to one run.

    All files of these folds but those of their models (see ``check_models``) are compared with their checksums;
    ``tables`` says which predictions are read. Raises InputError if no fold is finished, a given fold is not, a file is
    damaged, or settings, data, assignment or labels differ.
    """
    numbers = finished_folds(run_folder) if folds is None else sorted(set(folds))
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
        if result.metrics["auc"].keys() != results[0].metrics["auc"].keys():
            raise InputError(
                f"{run_folder}: folds {results[0].fold} and {result.fold} have different labels; {_redo(result.fold)}"
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
    matching = [other for other in others if other.identity["assignment"] == run.identity["assignment"]]
    return [run, *(other for other in matching if other.name != run.name)]


def read_fold(folder: Path, fold: int, tables: Sequence[str] = PREDICTIONS) -> FoldResult:
    """Read one finished fold; raises InputError that names the damaged file and how to train the fold again."""
    if not is_done(folder):
        raise InputError(f"{folder}: fold {fold} is not finished; train it with --fold {fold}")
    config = read_config(folder, fold)
    metrics = read_record(folder / "metrics.json", Metrics, remedy=_redo(fold))
    if metrics["fold"] != fold or config["identity"]["fold"] != fold:
        raise InputError(f"{folder}: holds fold {metrics['fold']}, not {fold}; {_redo(fold)}")
    if metrics["identity"] != json_checksum(config["identity"]):
        raise InputError(
            f"{folder / 'config.json'}: does not belong to metrics.json beside it; {_redo(fold)}"
        )
    if "oof.csv" not in metrics["files"]:
        raise InputError(f"{folder / 'metrics.json'}: names no oof.csv; {_redo(fold)}")
    labels, read = list(metrics["auc"]), {}
    for name, expected in metrics["files"].items():
        if not _is_of_model(name):
            content = _checked_content(folder / name, expected, fold)
            if name in tables:
                read[name] = _parse_table(content, folder / name, labels, fold)
    return FoldResult(fold, read.get("oof.csv", pd.DataFrame()), read.get("test.csv"), metrics, config)


def _checked_content(path: Path, expected: str, fold: int) -> bytes:
    """Return what is in a file, read once, so that a process that replaces the fold cannot change it in between."""
    try:
        content = path.read_bytes()
    except OSError:
        content = None
    _require(content is not None and hashlib.sha256(content).hexdigest() == expected, path, fold)
    return content or b""


def check_models(folds: Mapping[Path, FoldResult]) -> None:
    """Compare the files of the models of folds, by their folders, with their checksums.

    Raises InputError that names the file. A fold that was finished by an earlier revision has no such checksums, which
    is reported on stderr.
    """
    expected: dict[Path, tuple[int, str]] = {}
    unknown = []
    for folder, fold in folds.items():
        files = {name: digest for name, digest in fold.metrics["files"].items() if _is_of_model(name)}
        expected |= {folder / name: (fold.fold, digest) for name, digest in files.items()}
        unknown += [] if files else [str(fold.fold)]
    if unknown:
        run_folder = next(iter(folds)).parent
        print(
            f"note: {run_folder}: fold {' '.join(unknown)} was finished by an earlier revision, without checksums of"
            " its model, which is therefore not checked",
            file=sys.stderr,
        )
    for path, (fold, _) in expected.items():
        _require(path.is_file(), path, fold)
    try:
        digests = file_checksums(expected)
    except OSError as error:  # e.g. a process is replacing the fold
        raise InputError(f"{error.filename}: cannot be read ({error.strerror})") from error
    for path, digest in digests.items():
        fold, recorded = expected[path]
        _require(digest == recorded, path, fold)


def check_unchanged(folder: Path, fold: FoldResult) -> None:
    """Raise InputError if a process has trained the fold again since it was read."""
    with contextlib.suppress(InputError):
        metrics = read_json(folder / "metrics.json")
        metrics.pop("checksum", None)
        if metrics == fold.metrics:
            return
    raise InputError(
        f"{folder}: was trained again while it was read; run the command again when it is finished"
    )


def _is_of_model(name: str) -> bool:
    return name.startswith(f"{MODEL}/")


def _require(is_unchanged: bool, path: Path, fold: int) -> None:
    if not is_unchanged:
        raise InputError(f"{path}: is missing or was changed after it was written; {_redo(fold)}")


def read_config(folder: Path, fold: int) -> dict:
    """Read config.json of a started fold; raises InputError that names the file and how to train the fold again."""
    return read_record(folder / "config.json", Config, remedy=_redo(fold))


def _redo(fold: int) -> str:
    return f"train it again with --fold {fold} --overwrite"


def _probabilities(ids: pd.Series, values: np.ndarray, labels: pd.Index) -> pd.DataFrame:
    table = pd.DataFrame(values, columns=labels)
    table.insert(0, "id", ids.to_numpy())
    return table


def _write_table(path: Path, table: pd.DataFrame) -> None:
    with atomic_path(path) as temporary:
        table.to_csv(temporary, index=False, float_format="%.9g", lineterminator="\n")


def _parse_table(content: bytes, path: Path, labels: list[str], fold: int) -> pd.DataFrame:
    """Read predictions; raises InputError unless they are ids, each once, and a probability per label."""
    try:
        table = pd.read_csv(io.BytesIO(content), dtype={"id": str}, keep_default_na=False)
        values = table[labels].to_numpy(np.float64)
        is_right = list(table.columns[:1]) == ["id"] and len(table.columns) == len(labels) + 1
        is_right &= bool(((values >= 0) & (values <= 1)).all()) and not table["id"].duplicated().any()
    except (ValueError, KeyError):  # of a file that is no such table
        is_right, table = False, pd.DataFrame()
    if not is_right:
        raise InputError(
            f"{path}: is not a table of ids, each once, and of a probability per label; {_redo(fold)}"
        )
    return table


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
