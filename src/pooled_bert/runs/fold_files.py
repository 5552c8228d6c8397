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
from dataclasses import dataclass
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


def redo(fold: int) -> str:
    """Return the words that tell how to train a fold again."""
    return f"train it again with --fold {fold} --overwrite"


def is_done(folder: Path) -> bool:
    """Return whether the fold in ``folder`` is finished."""
    return (folder / "metrics.json").exists()


def finished_folds(run_folder: Path) -> list[int]:
    """Return the numbers of a run's finished folds."""
    return [fold for fold in fold_numbers(run_folder) if is_done(fold_folder(run_folder, fold))]


def no_finished_fold(run_folder: Path) -> InputError:
    """Return the error for a run without a finished fold; it names the runs beside it, for the name may be misspelt."""
    others = [folder.name for folder in sorted(run_folder.parent.glob("*")) if finished_folds(folder)]
    choice = f", or name another run: {', '.join(others)}" if others else ""
    return InputError(f"{run_folder}: has no finished fold; train it with python src/train_folds.py{choice}")


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


def read_fold(folder: Path, fold: int, tables: Sequence[str] = PREDICTIONS) -> FoldResult:
    """Read one finished fold; raises InputError that names the damaged file and how to train the fold again."""
    if not is_done(folder):
        if not folder.parent.is_dir():
            raise no_finished_fold(folder.parent)
        raise InputError(f"{folder}: fold {fold} is not finished; train it with --fold {fold}")
    config = read_config(folder, fold)
    metrics = read_record(folder / "metrics.json", Metrics, remedy=redo(fold))
    if metrics["fold"] != fold or config["identity"]["fold"] != fold:
        raise InputError(f"{folder}: holds fold {metrics['fold']}, not {fold}; {redo(fold)}")
    if metrics["identity"] != json_checksum(config["identity"]):
        raise InputError(f"{folder / 'config.json'}: does not belong to metrics.json beside it; {redo(fold)}")
    if "oof.csv" not in metrics["files"]:
        raise InputError(f"{folder / 'metrics.json'}: names no oof.csv; {redo(fold)}")
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
        raise InputError(f"{path}: is missing or was changed after it was written; {redo(fold)}")


def read_config(folder: Path, fold: int) -> dict:
    """Read config.json of a started fold; raises InputError that names the file and how to train the fold again."""
    return read_record(folder / "config.json", Config, remedy=redo(fold))


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
            f"{path}: is not a table of ids, each once, and of a probability per label; {redo(fold)}"
        )
    return table


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
