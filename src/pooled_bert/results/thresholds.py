"""From which probability on a label counts as given: found out of fold, and scored by nested cross-validation."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ..base.errors import InputError
from ..base.files import read_json, write_json
from ..benchmarks.targets import SEVERAL_LABELS, Target
from ..runs.fold_files import Run
from .fold_scores import FoldScores, pooled

ARTICLE = SEVERAL_LABELS.threshold
FILE = "thresholds.json"


def best_threshold(labels: np.ndarray, scores: np.ndarray) -> float:
    """The threshold above which calling rows positive has the highest F1; ARTICLE where no row is positive.

    labels : float [n_rows], 0, 1, or NaN for not labelled.  scores : float [n_rows].
    It is half-way between the lowest score that is called positive and the next one below (0 where there is none).
    """
    known = ~np.isnan(labels)
    order = np.argsort(-scores[known], kind="stable")
    truth, ranked = labels[known][order], scores[known][order]
    if not truth.any():
        return ARTICLE
    called = np.flatnonzero(np.diff(ranked, append=-np.inf))  # the last row of each run of equal scores
    hits = np.cumsum(truth)[called]
    best = called[np.argmax(2 * hits / (called + 1 + truth.sum()))]
    below = ranked[best + 1] if best + 1 < len(ranked) else 0.0
    return float((ranked[best] + below) / 2)


def find_thresholds(labels: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """The best threshold of each column, float64 [n_labels]; both arguments float [n_rows, n_labels]."""
    return np.array([best_threshold(*column) for column in zip(labels.T, scores.T, strict=True)])


def nested_thresholds(folds: Sequence[tuple[np.ndarray, np.ndarray]]) -> list[np.ndarray]:
    """For each fold (labels, scores) the thresholds that its rows had no say in: those found on the other folds.

    Of one fold alone there are no others; it gets ARTICLE.
    """
    if len(folds) == 1:
        return [np.full(folds[0][0].shape[1], ARTICLE)]
    found = []
    for own in range(len(folds)):
        others = [fold for index, fold in enumerate(folds) if index != own]
        found.append(find_thresholds(*(np.concatenate(parts) for parts in zip(*others, strict=True))))
    return found


def decision_figures(labels: np.ndarray, called: np.ndarray) -> dict[str, float]:
    """Counts TP, FP, FN, TN of one column, and its precision, recall and F1 (0 where nothing is called positive).

    labels : float [n_rows], 0, 1 or NaN (which never counts).  called : bool [n_rows].
    """
    known = ~np.isnan(labels)
    truth, called = labels[known] == 1, called[known]
    tp, fp, fn = (int(cell.sum()) for cell in (truth & called, ~truth & called, truth & ~called))
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

    The decisions are those of fold after fold, each by thresholds found on the other folds. For one class out of
    several there are no thresholds (None).
    """
    everything = pooled(folds)
    if target.is_exclusive:
        return None, target.decide(everything.scores)
    nested = nested_thresholds([(fold.labels, fold.scores) for fold in folds])
    called = [fold.scores > thresholds for fold, thresholds in zip(folds, nested, strict=True)]
    return find_thresholds(everything.labels, everything.scores), np.concatenate(called)


def keep_thresholds(run_folder: Path, run: Run, thresholds: dict[str, float]) -> None:
    """Keep with ``run`` what was found on its out-of-fold rows, by label."""
    write_json(run_folder / FILE, {"thresholds": thresholds, "found_on": _found_on(run)})


def read_thresholds(run_folder: Path, run: Run) -> pd.Series:
    """The thresholds kept with ``run``, by label; raises InputError where there are none, or of other folds."""
    again = f"python src/report.py --benchmark {run.identity['settings']['benchmark']} --run {run.name} finds them"
    if not (run_folder / FILE).exists():
        raise InputError(f"{run_folder / FILE}: is not there; {again}")
    content = read_json(run_folder / FILE)
    if content.get("found_on") != _found_on(run):
        raise InputError(f"{run_folder / FILE}: is of other folds than those here; {again} anew")
    return pd.Series(content["thresholds"], dtype=np.float64)


def chosen_thresholds(choice: str, run_folder: Path, run: Run, labels: Sequence[str]) -> np.ndarray:
    """float64 [n_labels] from what was asked for: one number for all, or ``tuned``, those kept with ``run``."""
    if choice == "tuned":
        return read_thresholds(run_folder, run)[list(labels)].to_numpy()
    try:
        number = float(choice)
    except ValueError:
        number = np.nan
    if not 0 <= number <= 1:
        raise InputError(f"--thresholds is {choice}, expected a number from 0 to 1, or tuned")
    return np.full(len(labels), number)


def _found_on(run: Run) -> dict[str, str]:
    """The checksum of each fold's out-of-fold predictions."""
    return {str(fold.fold): fold.metrics["files"]["oof.csv"] for fold in run.folds}
