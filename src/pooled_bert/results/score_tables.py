"""Out-of-fold scores as tables."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ..base.errors import InputError
from ..benchmarks.benchmark import NO_GROUP, Benchmark
from ..benchmarks.metrics import column_auc
from ..benchmarks.targets import SCORE_TITLES, gain
from ..runs.fold_files import Run

NEAR_CHANCE = 0.6  # a mean AUC below it is not clearly better than chance
MADE_UP_NOTE = "made-up sample: these scores mean nothing"
SHARED_GROUPS_NOTE = (
    "not {group}-independent (--group-by none): each {group} is in training and validation rows, so these scores say"
    " nothing about a new {group}"
)
OPTIMISTIC_NOTE = "optimistic: each fold's best epoch was chosen on the fold itself (--keep best)"


def score_table(oof: dict[int, pd.DataFrame], train: pd.DataFrame, benchmark: Benchmark) -> pd.DataFrame:
    """Return ROC AUC per label, their mean, and the target's other scores: one row per fold, mean, sd, and pooled rows.

    oof : id + probabilities of each fold's rows, by the fold's number.  An AUC is NaN if the fold holds one class only.
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
    """Return the scores of ``score_table`` as one row ``name``, for predictions of (some of) the rows of ``truth``."""
    columns = list(benchmark.labels)
    labels = truth.set_index("id").loc[predictions["id"], columns].to_numpy(np.float64)
    scores = predictions[columns].to_numpy(np.float64)
    aucs = column_auc(labels, scores)
    row = {
        **dict(zip(columns, aucs, strict=True)),
        **_titled(benchmark.target.scores(labels, scores), benchmark),
    }
    return pd.DataFrame([row], index=[name])


def _titled(scores: dict, benchmark: Benchmark) -> dict:
    """Return the scores that tables show, by their titles."""
    return {SCORE_TITLES[name]: scores[name] for name in benchmark.shown_scores}


def rank_scores(table: pd.DataFrame, benchmark: Benchmark) -> pd.DataFrame:
    """Return a score table without the scores that need probabilities; for ranks, only the AUCs have a meaning."""
    return table.drop(columns=[SCORE_TITLES[name] for name in benchmark.shown_scores if name != "mean_auc"])


def _metrics_row(metrics: dict, benchmark: Benchmark) -> dict:
    row = {label: metrics["auc"][label] for label in benchmark.labels} | _titled(metrics, benchmark)
    return {name: np.nan if value is None else value for name, value in row.items()}


def comparison(runs: list[Run], benchmark: Benchmark) -> pd.DataFrame:
    """Compare runs on the same folds: one row per run, with the mean of each score over its folds.

    ``sd`` is the spread, over the folds, of the score that counts.
    """
    rows, title = {}, SCORE_TITLES[benchmark.score]
    for run in runs:
        folds = pd.DataFrame([_metrics_row(fold.metrics, benchmark) for fold in run.folds])
        rows[run.name] = {**folds.mean(), "sd": folds[title].std(ddof=1), "folds": len(run.folds)}
    return pd.DataFrame.from_dict(rows, orient="index").astype({"folds": int})


def best_run(runs: Sequence[Run], folder: Path, score: str) -> Run:
    """Return the run with the most finished folds; of several, the one whose mean ``score`` is best.

    Raises InputError if there is no run.
    """
    if not runs:
        raise InputError(
            f"{folder}: has no finished fold on this data; train one with python src/train_folds.py"
        )
    return max(runs, key=lambda run: (len(run.folds), _mean_gain(run, score)))


def _mean_gain(run: Run, score: str) -> float:
    known = [gain(score, fold.metrics[score]) for fold in run.folds if fold.metrics[score] is not None]
    return sum(known) / len(known) if known else -np.inf


def run_notes(run: Run, benchmark: Benchmark) -> list[str]:
    """Return the warnings that must accompany a run's scores."""
    notes = []
    if run.made_up:
        notes.append(MADE_UP_NOTE)
    if run.folds[0].metrics["optimistic"]:
        notes.append(OPTIMISTIC_NOTE)
    if run.identity["settings"].get("group_by") == NO_GROUP:
        notes.append(SHARED_GROUPS_NOTE.format(group=benchmark.group))
    if not run.is_complete:
        notes.append(f"these are scores of {len(run.folds)} of {run.identity['settings']['n_folds']} folds")
    for fold in run.folds:
        auc = fold.metrics["mean_auc"]
        if auc is not None and auc < NEAR_CHANCE:
            notes.append(f"fold {fold.fold} is not clearly better than chance")
        single = [label for label, auc in fold.metrics["auc"].items() if auc is None]
        if single:
            notes.append(
                f"fold {fold.fold} holds one class only of {', '.join(single)}; means leave out the missing AUC"
            )
    return notes


def notes_on(runs: Sequence[Run], benchmark: Benchmark) -> list[str]:
    """Return the warnings for several runs: once if one applies to all of them, otherwise with the runs' names."""
    return [
        note if len(names) == len(runs) else f"{', '.join(names)}: {note}"
        for note, names in runs_by_note(runs, benchmark).items()
    ]


def runs_by_note(runs: Sequence[Run], benchmark: Benchmark) -> dict[str, list[str]]:
    """Return the warnings for several runs, and the names of the runs that each applies to."""
    notes: dict[str, list[str]] = {}
    for run in runs:
        for note in run_notes(run, benchmark):
            notes.setdefault(note, []).append(run.name)
    return notes


def format_scores(title: str, table: pd.DataFrame, notes: Sequence[str] = (), of: str = "out-of-fold") -> str:
    """Return the table as text, with its notes under the title."""
    head = f"{title}: {of} ROC AUC" + "".join(f"\n  ({note})" for note in notes)
    return f"{head}\n{as_text(table)}"


def as_text(table: pd.DataFrame) -> str:
    """Return a table of numbers as text, with four decimal places."""
    return table.to_string(float_format="{:.4f}".format, na_rep="-")
