"""Out-of-fold scores as tables."""

import numpy as np
import pandas as pd

from .benchmarks import Benchmark
from .metrics import accuracy, column_auc, mean_auc
from .predictions import Run

MADE_UP_NOTE = "made-up sample: these scores mean nothing"
OPTIMISTIC_NOTE = "optimistic: each fold's best epoch was chosen on the fold itself (--keep best)"


def score_table(run: Run, train: pd.DataFrame, benchmark: Benchmark) -> pd.DataFrame:
    """ROC AUC per label, their mean and the binary accuracy; a row a fold, mean, sd, and all rows pooled.

    NaN where the fold holds one class of a label only.
    """
    rows = {f"fold {fold.fold}": _metrics_row(fold.metrics, benchmark) for fold in run.folds}
    table = pd.DataFrame.from_dict(rows, orient="index")
    if len(run.folds) > 1:
        spread = pd.DataFrame({"mean": table.mean(), "sd": table.std(ddof=1)}).T
        table = pd.concat([table, spread, score_row(run.oof, train, benchmark, "pooled")])
    return table


def score_row(
    predictions: pd.DataFrame, truth: pd.DataFrame, benchmark: Benchmark, name: str
) -> pd.DataFrame:
    """The same figures, as one row called ``name``, for predictions of (some of) the rows of ``truth``."""
    columns = list(benchmark.labels)
    labels = truth.set_index("id").loc[predictions["id"], columns].to_numpy(np.float64)
    scores = predictions[columns].to_numpy(np.float64)
    aucs = column_auc(labels, scores)
    row = {
        **dict(zip(columns, aucs, strict=True)),
        "mean AUC": mean_auc(aucs),
        "accuracy": accuracy(labels, scores),
    }
    return pd.DataFrame([row], index=[name])


def _metrics_row(metrics: dict, benchmark: Benchmark) -> dict:
    row = {label: metrics["auc"][label] for label in benchmark.labels}
    row |= {"mean AUC": metrics["mean_auc"], "accuracy": metrics["accuracy"]}
    return {name: np.nan if value is None else value for name, value in row.items()}


def comparison(runs: list[Run], benchmark: Benchmark) -> pd.DataFrame:
    """Runs on the same folds beside each other, a row a run: mean over its folds, and its spread."""
    rows = {}
    for run in runs:
        folds = pd.DataFrame([_metrics_row(fold.metrics, benchmark) for fold in run.folds])
        rows[run.name] = {**folds.mean(), "sd": folds["mean AUC"].std(ddof=1), "folds": len(run.folds)}
    return pd.DataFrame.from_dict(rows, orient="index").astype({"folds": int})


def run_notes(run: Run) -> list[str]:
    """What must be said wherever a run's scores are shown."""
    notes = []
    if run.folds[0].metrics["made_up"]:
        notes.append(MADE_UP_NOTE)
    if run.folds[0].metrics["optimistic"]:
        notes.append(OPTIMISTIC_NOTE)
    if not run.is_complete:
        notes.append(f"{len(run.folds)} of {run.identity['settings']['n_folds']} folds")
    for fold in run.folds:
        single = [label for label, auc in fold.metrics["auc"].items() if auc is None]
        if single:
            notes.append(
                f"fold {fold.fold} holds one class only of {', '.join(single)}: no AUC there, not counted"
            )
    return notes


def format_scores(title: str, table: pd.DataFrame, notes: list[str] = (), of: str = "out-of-fold") -> str:
    """The table as text, with its notes under the title."""
    head = f"{title}: {of} ROC AUC" + "".join(f"\n  ({note})" for note in notes)
    return f"{head}\n{table.to_string(float_format='{:.4f}'.format, na_rep='-')}"
