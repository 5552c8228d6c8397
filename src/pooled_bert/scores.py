"""Out-of-fold scores as tables."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from .benchmarks import Benchmark
from .ensemble import Blend, correlation
from .errors import InputError
from .metrics import accuracy, column_auc, mean_auc
from .predictions import Run

MADE_UP_NOTE = "made-up sample: these scores mean nothing"
OPTIMISTIC_NOTE = "optimistic: each fold's best epoch was chosen on the fold itself (--keep best)"


def score_table(oof: dict[int, pd.DataFrame], train: pd.DataFrame, benchmark: Benchmark) -> pd.DataFrame:
    """ROC AUC per label, their mean and the binary accuracy; a row a fold, mean, sd, and all rows pooled.

    oof : id + probabilities of each fold's rows, by its number.  NaN where a fold holds one class of a label only.
    """
    rows = [score_row(table, train, benchmark, f"fold {fold}") for fold, table in oof.items()]
    table = pd.concat(rows)
    if len(rows) > 1:
        spread = pd.DataFrame({"mean": table.mean(), "sd": table.std(ddof=1)}).T
        table = pd.concat([table, spread, score_row(pd.concat(oof.values()), train, benchmark, "pooled")])
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


def best_run(runs: Sequence[Run], folder: Path) -> Run:
    """The run with the most finished folds, and of those the one with the highest mean AUC; InputError without any."""
    if not runs:
        raise InputError(f"{folder}: has no finished fold of this data; train one with python src/train_folds.py")
    return max(runs, key=lambda run: (len(run.folds), _mean([fold.metrics["mean_auc"] for fold in run.folds])))


def _mean(values: Sequence[float | None]) -> float:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else 0.0


def blend_scores(
    blend: Blend, train: pd.DataFrame, benchmark: Benchmark
) -> tuple[dict[str, float], pd.DataFrame]:
    """What a blend scores out of fold: by name, for its provenance, and as a table.

    Weights that were found on out-of-fold rows are scored by nested cross-validation: each fold by those found on
    the others. What the final ones score on the rows that chose them stands beside it, as optimistic.
    """
    table = score_table(blend.oof(), train, benchmark)
    whole = ["mean", "pooled"] if len(blend.folds) > 1 else [table.index[0]]
    scores = {
        "oof_mean_auc": table["mean AUC"][whole[0]],
        "pooled_oof_mean_auc": table["mean AUC"][whole[-1]],
    }
    if blend.is_chosen:
        optimistic = score_table(blend.optimistic_oof(), train, benchmark).loc[whole]
        scores["optimistic_oof_mean_auc"] = optimistic["mean AUC"][whole[0]]
        table = pd.concat([table, optimistic.rename(index="{}, optimistic".format)])
    if blend.how == "rank":
        table = table.drop(columns="accuracy")  # 0.5 is no threshold among ranks
    return {name: float(score) for name, score in scores.items()}, table


def blend_report(blend: Blend, table: pd.DataFrame, benchmark: Benchmark, notes: list[str]) -> str:
    """The table of ``blend_scores``, how alike its runs are, and their shares in it, as text."""
    title = (
        f"{benchmark.name}, {blend.find} weights, {blend.how} of {', '.join(run.name for run in blend.runs)}"
    )
    if blend.is_chosen:
        title += ", each fold by weights found on the others"
    alike, shares = as_text(correlation(blend.runs)), as_text(blend.shares())
    return (
        f"{format_scores(title, table, notes)}\n\nrank correlation of the runs' out-of-fold predictions\n{alike}"
        f"\n\nweights, and what the mean AUC over folds loses without the run\n{shares}"
    )


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


def notes_on(runs: Sequence[Run]) -> list[str]:
    """What must be said of several runs: once where it holds for all, else with their names."""
    notes: dict[str, list[str]] = {}
    for run in runs:
        for note in run_notes(run):
            notes.setdefault(note, []).append(run.name)
    return [
        note if len(names) == len(runs) else f"{', '.join(names)}: {note}" for note, names in notes.items()
    ]


def format_scores(title: str, table: pd.DataFrame, notes: list[str] = (), of: str = "out-of-fold") -> str:
    """The table as text, with its notes under the title."""
    head = f"{title}: {of} ROC AUC" + "".join(f"\n  ({note})" for note in notes)
    return f"{head}\n{as_text(table)}"


def as_text(table: pd.DataFrame) -> str:
    """A table of figures with four places."""
    return table.to_string(float_format="{:.4f}".format, na_rep="-")
