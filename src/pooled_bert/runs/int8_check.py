"""What int8 costs a run: measured on its out-of-fold rows, kept beside the folds, and asked before int8 is used."""

from pathlib import Path
from typing import Annotated, TypedDict

import numpy as np

from ..base.errors import InputError
from ..base.files import file_checksum, read_record, write_record
from ..base.places import fold_folder
from ..base.processor import VNNI, processor_flags
from ..base.rules import PROBABILITY
from .fold_files import FoldResult

FILE = "int8.json"
MOST = 0.0005  # mean AUC that may be lost


class FoldCheck(TypedDict):
    """The mean AUC of a fold in both precisions, and the checksum of its metrics.json, by which it is known."""

    metrics: str
    float32: Annotated[float, PROBABILITY]
    int8: Annotated[float, PROBABILITY]


class Record(TypedDict):
    """What the file holds, by the number of the fold."""

    folds: dict[str, FoldCheck]
    checksum: str


def write_check(run_folder: Path, aucs: dict[int, tuple[float, float]]) -> None:
    """Keep the mean AUC of folds in float32 and in int8."""
    folds = {
        str(fold): {"metrics": _known_by(run_folder, fold), "float32": exact, "int8": quantised}
        for fold, (exact, quantised) in aucs.items()
    }
    write_record(run_folder / FILE, {"folds": folds})


def check_int8(run_folder: Path, folds: tuple[FoldResult, ...]) -> None:
    """Raise InputError unless int8 was measured on these folds, and lost at most MOST of their mean AUC."""
    if not VNNI & processor_flags():
        raise InputError(
            "precision int8: this processor has no instructions for it, so that it would be slower; leave it out"
        )
    path, measure = run_folder / FILE, f"src/measure.py int8 --run {run_folder.name}"
    found = (
        read_record(path, Record, remedy=f"measure again with {measure}")["folds"] if path.exists() else {}
    )
    checks = [found.get(str(fold.fold)) for fold in folds]
    known = [_known_by(run_folder, fold.fold) for fold in folds]
    if any(check is None or check["metrics"] != own for check, own in zip(checks, known, strict=True)):
        raise InputError(f"precision int8: what it costs these folds was not measured; do so with {measure}")
    loss = float(np.mean([check["float32"] - check["int8"] for check in checks if check]))
    if loss > MOST:
        raise InputError(
            f"precision int8: costs these folds {loss:.4f} of their mean AUC, more than {MOST}; leave it out"
        )


def _known_by(run_folder: Path, fold: int) -> str:
    return file_checksum(fold_folder(run_folder, fold) / "metrics.json")
