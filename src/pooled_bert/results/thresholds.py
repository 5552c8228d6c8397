"""Decision thresholds, the probability above which a label is assigned: found out of fold, with nested scores."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NotRequired, TypedDict

import numpy as np

from ..base.errors import InputError
from ..base.files import read_record, write_record
from ..base.rules import PROBABILITY
from ..benchmarks.targets import SEVERAL_LABELS, Target
from ..runs.finished_runs import Run
from .fold_scores import FoldScores, pooled

ARTICLE = SEVERAL_LABELS.threshold
FILE = "thresholds.json"


class Record(TypedDict):
    """What the file holds: a threshold per label, and the checksum of each fold's predictions that it was found on."""

    thresholds: dict[str, Annotated[float, PROBABILITY]]
    found_on: dict[str, str]
    checksum: NotRequired[str]  # earlier revisions wrote none


def best_threshold(labels: np.ndarray, scores: np.ndarray) -> float:
    """Return the threshold with the highest F1; ARTICLE if no row is positive.

    labels : float [n_rows], 0, 1, or NaN for not labelled.  scores : float [n_rows].
    The threshold is half-way between the lowest score above it and the next lower score (0 if there is none).
    """
    known = ~np.isnan(labels)
    order = np.argsort(-scores[known], kind="stable")
    truth, ranked = labels[known][order], scores[known][order]
    if not truth.any():
        return ARTICLE
    last_rows = np.flatnonzero(np.diff(ranked, append=-np.inf))  # the last row of each run of equal scores
    hits = np.cumsum(truth)[last_rows]
    best = last_rows[np.argmax(2 * hits / (last_rows + 1 + truth.sum()))]
    below = ranked[best + 1] if best + 1 < len(ranked) else 0.0
    return float((ranked[best] + below) / 2)


def find_thresholds(labels: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return the best threshold of each column, float64 [n_labels]; both arguments are float [n_rows, n_labels]."""
    return np.array([best_threshold(*column) for column in zip(labels.T, scores.T, strict=True)])


def nested_thresholds(folds: Sequence[tuple[np.ndarray, np.ndarray]]) -> list[np.ndarray]:
    """Return each fold's thresholds, found on the other folds only; ``folds``: (labels, scores) of each fold.

    A single fold gets ARTICLE, because there are no other folds.
    """
    if len(folds) == 1:
        return [np.full(folds[0][0].shape[1], ARTICLE)]
    thresholds = []
    for number in range(len(folds)):
        others = [fold for index, fold in enumerate(folds) if index != number]
        thresholds.append(find_thresholds(*(np.concatenate(parts) for parts in zip(*others, strict=True))))
    return thresholds


def decision_figures(labels: np.ndarray, assigned: np.ndarray) -> dict[str, float]:
    """Return TP, FP, FN and TN of one column, and its precision, recall and F1 (0 if no row is assigned the label).

    labels : float [n_rows], 0, 1 or NaN (which never counts).  assigned : bool [n_rows].
    """
    known = ~np.isnan(labels)
    truth, assigned = labels[known] == 1, assigned[known]
    tp, fp, fn = (int(cell.sum()) for cell in (truth & assigned, ~truth & assigned, truth & ~assigned))
    return {
        "TP": tp,
        "FP": fp,
        "FN": fn,
        "TN": len(truth) - tp - fp - fn,
        "precision": tp / max(tp + fp, 1),
        "recall": tp / max(tp + fn, 1),
        "F1": 2 * tp / max(2 * tp + fp + fn, 1),
    }


def decide(folds: Sequence[FoldScores], target: Target) -> tuple[np.ndarray | None, np.ndarray]:
    """Return thresholds found on all rows, float64 [n_labels], and honest decisions, bool [n_rows, n_labels].

    Each fold is decided by thresholds found on the other folds; the decisions are in the order of the folds. For one
    class out of several there are no thresholds (None).
    """
    everything = pooled(folds)
    if target.is_exclusive:
        return None, target.decide(everything.scores)
    nested = nested_thresholds([(fold.labels, fold.scores) for fold in folds])
    assigned = [fold.scores > thresholds for fold, thresholds in zip(folds, nested, strict=True)]
    return find_thresholds(everything.labels, everything.scores), np.concatenate(assigned)


def keep_thresholds(run_folder: Path, run: Run, thresholds: dict[str, float]) -> None:
    """Write the thresholds that were found on the run's out-of-fold rows, by label, into the run's folder."""
    write_record(run_folder / FILE, {"thresholds": thresholds, "found_on": _found_on(run)})


def read_thresholds(run_folder: Path, run: Run, labels: Sequence[str]) -> np.ndarray:
    """Read the thresholds in the run's folder, float64 [n_labels].

    Raises InputError if they are missing, damaged, or of other folds or labels.
    """
    remedy = f"make it with python src/report.py --run {run.name}, and the same --benchmark and --workspace"
    if not (run_folder / FILE).exists():
        raise InputError(f"{run_folder / FILE}: is missing; {remedy}")
    content = read_record(run_folder / FILE, Record, remedy=remedy)
    if content["found_on"] != _found_on(run) or content["thresholds"].keys() != set(labels):
        raise InputError(
            f"{run_folder / FILE}: was made from other folds or labels than the run's present ones; {remedy}"
        )
    return np.array([content["thresholds"][label] for label in labels], np.float64)


def chosen_thresholds(choice: str, run_folder: Path, run: Run, labels: Sequence[str]) -> np.ndarray:
    """Return thresholds, float64 [n_labels]: one number for all labels, or ``tuned``, those in the run's folder."""
    if choice == "tuned":
        return read_thresholds(run_folder, run, labels)
    try:
        number = float(choice)
    except ValueError:
        number = np.nan
    if not 0 <= number <= 1:
        raise InputError(f"--thresholds is {choice}, expected a number from 0 to 1, or tuned")
    return np.full(len(labels), number)


def _found_on(run: Run) -> dict[str, str]:
    """Return the checksum of each fold's out-of-fold predictions."""
    return {str(fold.fold): fold.metrics["files"]["oof.csv"] for fold in run.folds}
