"""How many wrong labels are found: some are flipped on purpose, and a baseline's out-of-fold scores judge all."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd

from ..base.deadline import Deadline
from ..base.places import Workspace
from ..benchmarks.benchmark import Benchmark
from ..data.rows import Rows
from ..results.fold_scores import fold_scores, pooled
from ..results.label_errors import label_errors
from ..runs.cross_validation import CrossValidation
from ..runs.finished_runs import read_run
from ..training.settings import LinearSettings, RunSettings


def flip(labels: np.ndarray, rate: float, seed: int) -> np.ndarray:
    """Return which cells to flip, bool [n_rows, n_labels]: this share of each column's labelled cells, at random."""
    random = np.random.default_rng(seed)
    chosen = np.zeros(labels.shape, bool)
    for column in range(labels.shape[1]):
        known = np.flatnonzero(~np.isnan(labels[:, column]))
        chosen[random.choice(known, round(rate * len(known)), replace=False), column] = True
    return chosen


def planted_table(rows: Rows, benchmark: Benchmark, rate: float, seed: int, folder: Path) -> pd.DataFrame:
    """Train ``--model linear`` on flipped labels in ``folder``; return precision and recall per label.

    Precision counts labels that were wrong before as mistakes of the search, so it is a lower bound.
    """
    names = list(benchmark.labels)
    labels = rows.train[names].to_numpy(np.float64)
    flipped = flip(labels, rate, seed)
    planted = rows.train.copy()
    planted[names] = np.where(flipped, 1 - labels, labels)
    changed = dataclasses.replace(rows, train=planted, test=None)
    run, model = RunSettings(benchmark=benchmark.name, model="linear"), LinearSettings()
    work = CrossValidation(
        changed, run, model, name="planted", workspace=Workspace(folder), predicts_test=False
    )
    for fold in range(run.n_folds):
        work.train_fold(fold, checkpoint_minutes=5, deadline=Deadline(None))
    finished = read_run(work.run_folder.path, tables=("oof.csv",))
    everything = pooled(fold_scores(finished, planted, names))
    found = label_errors(everything.labels, everything.scores, benchmark.target)
    table = {}
    for column, name in enumerate(names):
        cells = everything.rows[found["row"][found["column"] == column].to_numpy(int)]
        n_planted = int(flipped[:, column].sum())
        hits = flipped[cells, column]
        table[name] = {
            "planted": n_planted,
            "suspicious": len(cells),
            "precision": hits.mean() if len(hits) else np.nan,
            "precision of as many as planted": hits[:n_planted].mean() if len(hits) else np.nan,
            "recall": hits.sum() / n_planted if n_planted else np.nan,
        }
    return pd.DataFrame.from_dict(table, orient="index")
