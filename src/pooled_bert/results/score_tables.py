"""Out-of-fold scores as tables."""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ..base.errors import InputError
from ..base.terminal import terminal_width
from ..benchmarks.benchmark import NO_GROUP, Benchmark
from ..benchmarks.metrics import column_auc
from ..benchmarks.targets import LOWER_IS_BETTER, SCORE_TITLES, gain
from ..runs.finished_runs import Run

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
        **_titled(benchmark.target.scores(labels, scores), benchmark),
        **dict(zip(columns, aucs, strict=True)),
    }
    return pd.DataFrame([row], index=[name])


def _titled(scores: dict, benchmark: Benchmark) -> dict:
    """Return the scores that tables show, by their titles."""
    return {SCORE_TITLES[name]: scores[name] for name in benchmark.shown_scores}


def rank_scores(table: pd.DataFrame, benchmark: Benchmark) -> pd.DataFrame:
    """Return a score table without the scores that need probabilities; for ranks, only the AUCs have a meaning."""
    return table.drop(columns=[SCORE_TITLES[name] for name in benchmark.shown_scores if name != "mean_auc"])


def _metrics_row(metrics: dict, benchmark: Benchmark) -> dict:
    row = _titled(metrics, benchmark) | {label: metrics["auc"][label] for label in benchmark.labels}
    return {name: np.nan if value is None else value for name, value in row.items()}


def comparison(runs: Sequence[Run], benchmark: Benchmark) -> pd.DataFrame:
    """Compare runs on the same folds: one row per run, with the mean of each score over its folds; the best run first.

    ``sd`` is the spread, over the folds, of the score that counts.
    """
    rows, title = {}, SCORE_TITLES[benchmark.score]
    for run in runs:
        folds = pd.DataFrame([_metrics_row(fold.metrics, benchmark) for fold in run.folds])
        means = folds.mean()
        spread = {title: means[title], "sd": folds[title].std(ddof=1), "folds": len(run.folds)}
        rows[run.name] = {**spread, **means}
    table = pd.DataFrame.from_dict(rows, orient="index").astype({"folds": int})
    return table.sort_values(title, ascending=benchmark.score in LOWER_IS_BETTER, kind="stable")


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
    """Return a table of numbers as text, with four decimal places; in parts that are no wider than the terminal."""
    width = terminal_width(sys.stdout)
    parts = [table] if width is None else _side_by_side(table, width)
    return "\n".join(part.to_string(float_format="{:.4f}".format, na_rep="-") for part in parts)


def _side_by_side(table: pd.DataFrame, width: int) -> list[pd.DataFrame]:
    """Cut a table's columns into parts whose text, row names included, fits into ``width``."""
    cells = table.map(lambda cell: f"{cell:.4f}" if isinstance(cell, float) else str(cell))
    widths = [2 + max(map(len, (str(name), *cells[name]))) for name in table.columns]
    room = width - max(len(str(name)) for name in table.index)
    parts: list[list[int]] = [[]]
    for column, wide in enumerate(widths):
        if parts[-1] and sum(widths[other] for other in parts[-1]) + wide > room:
            parts.append([])
        parts[-1].append(column)
    return [table.iloc[:, part] for part in parts]


def headline(name: str, table: pd.DataFrame, benchmark: Benchmark, notes: Sequence[str]) -> str:
    """Return the scores of a table by fold (``score_table``) in one line, and the notes below it."""
    row = table.loc["mean"] if "mean" in table.index else table.iloc[0]
    titles = (SCORE_TITLES[score] for score in benchmark.shown_scores)
    count, *others = [title for title in titles if title in table]  # of ranks, the AUC alone
    n_folds = sum(str(name).startswith("fold ") for name in table.index)
    spread = (
        f" ± {table.loc['sd', count]:.4f} over {n_folds} folds" if "sd" in table.index else f" on {row.name}"
    )
    rest = "".join(f", {title} {row[title]:.4f}" for title in others)
    return f"{name}: {count} {row[count]:.4f}{spread}{rest}" + "".join(f"\n  ({note})" for note in notes)


def standing(runs: Sequence[Run], benchmark: Benchmark) -> str:
    """Return, in one line, the place of the first of several runs among them by the score that counts."""
    scores = comparison(list(runs), benchmark)[SCORE_TITLES[benchmark.score]]
    order = list(scores.index)
    place, best = order.index(runs[0].name) + 1, order[0]
    if place == 1:
        return f"  best of {len(runs)} runs on the same rows and folds; next is {order[1]} ({scores[order[1]]:.4f})"
    return f"  number {place} of {len(runs)} runs on the same rows and folds; the best is {best} ({scores[best]:.4f})"


def best_alone(runs: Sequence[Run], benchmark: Benchmark) -> str:
    """Return, in one line, the score of the best of several runs, for comparison with their blend."""
    title, best = SCORE_TITLES[benchmark.score], comparison(list(runs), benchmark).iloc[0]
    spread = "" if np.isnan(best["sd"]) else f" ± {best['sd']:.4f}"
    return f"  best run alone: {best.name}, {title} {best[title]:.4f}{spread}"
