from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score

from pooled_bert.base.errors import InputError
from pooled_bert.benchmarks.imdb import IMDB
from pooled_bert.results.run_comparison import (
    auc_table,
    comparison_report,
    confusion_table,
    decision_table,
    verdicts,
)
from pooled_bert.runs.finished_runs import Run
from pooled_bert.runs.fold_files import FoldResult

RANDOM = np.random.default_rng(0)
N_ROWS = 200
IDS = [f"r{row}" for row in range(2 * N_ROWS)]
TRUTH = RANDOM.random(2 * N_ROWS) < 0.4
TRAIN = pd.DataFrame({"id": IDS, "text": "", "positive": TRUTH.astype(float)})


def run_of(name, noise, folds=(0, 1)):
    """A run that sees the truth through noise."""
    results = []
    for fold in folds:
        rows = slice(fold * N_ROWS, (fold + 1) * N_ROWS)
        scores = 1 / (1 + np.exp(-(TRUTH[rows] * 2 - 1 + noise * RANDOM.normal(size=N_ROWS))))
        oof = pd.DataFrame({"id": IDS[rows], "positive": scores})
        metrics = {"made_up": False, "optimistic": False, "mean_auc": 0.9, "auc": {"positive": 0.9}}
        identity = {"settings": {"n_folds": 2}}
        config = {"identity": identity, "information": {"seconds": 10.0 * (fold + 1)}}
        results.append(FoldResult(fold, oof, None, metrics, config))
    return Run(name, tuple(results))


def test_difference_that_is_there_is_told_from_chance():
    runs = [run_of("base", 1.0), run_of("worse", 3.0), run_of("alike", 1.0)]
    table = auc_table(runs, TRAIN, ["positive"])
    assert table.loc["worse", "high"] < 0
    assert table.loc["alike", "low"] < 0 < table.loc["alike", "high"]
    expected = table.loc["worse", "mean AUC"] - table.loc["base", "mean AUC"]
    assert table.loc["worse", "difference"] == pytest.approx(expected)


def test_run_differs_from_itself_by_nothing():
    base = run_of("base", 1.0)
    table = auc_table([base, Run("again", base.folds)], TRAIN, ["positive"])
    assert table.loc["again", ["difference", "low", "high"]].tolist() == [0, 0, 0]


def test_order_of_the_rows_changes_no_interval(capsys):
    base, other = run_of("base", 1.0), run_of("other", 1.2)
    shuffled = [replace(fold, oof=fold.oof.sample(frac=1, random_state=3)) for fold in other.folds]
    benchmark = replace(IMDB, labels=("positive",))
    reports = [
        comparison_report([base, run], TRAIN, benchmark) for run in (other, Run("other", tuple(shuffled)))
    ]
    assert reports[0] == reports[1]
    lost = replace(other.folds[0], oof=other.folds[0].oof.iloc[1:])
    with pytest.raises(InputError, match="'base' and 'other' have different rows in fold 0"):
        comparison_report([base, Run("other", (lost,))], TRAIN, benchmark)


def test_fold_without_positives_does_not_hide_a_difference():
    train = TRAIN.assign(positive=TRAIN["positive"].where(TRAIN.index >= N_ROWS, 0.0))
    runs = [run_of("base", 1.0), run_of("worse", 3.0)]
    assert verdicts(auc_table(runs, train, ["positive"]))[0].startswith("worse is worse than base: -0.")
    nothing = auc_table(runs, TRAIN.assign(positive=0.0), ["positive"])
    assert verdicts(nothing) == ["worse and base: no fold of both has an AUC"]


def test_run_with_fewer_folds_is_compared_on_those():
    runs = [run_of("base", 1.0), run_of("half", 1.0, folds=(1,))]
    table = auc_table(runs, TRAIN, ["positive"])
    assert table["folds"].tolist() == [2, 1]
    with pytest.raises(InputError, match="no finished fold in common"):
        auc_table([run_of("x", 1.0, folds=(0,)), runs[1]], TRAIN, ["positive"])


def test_decisions_are_scikit_learns():
    run = run_of("base", 1.0)
    said = pd.concat(run.oof.values())["positive"] > 0.5
    row = decision_table([run], TRAIN, IMDB).loc["base"]
    for name, score in (
        ("accuracy", accuracy_score),
        ("precision", precision_score),
        ("recall", recall_score),
        ("F1", f1_score),
    ):
        assert row[name] == pytest.approx(score(TRUTH, said))
    cells = confusion_table(run, TRAIN, IMDB).loc["positive"]
    assert cells.sum() == len(TRUTH)
    assert cells["TP"] + cells["FN"] == TRUTH.sum()
    assert cells["TP"] + cells["FP"] == said.sum()


def test_unlabelled_rows_are_not_decided_on():
    train = TRAIN.assign(positive=TRAIN["positive"].where(TRAIN.index % 2 == 0))
    cells = confusion_table(run_of("base", 1.0), train, IMDB).loc["positive"]
    assert cells.sum() == len(TRUTH) // 2


def test_report_shows_cost_and_confusion():
    text = comparison_report([run_of("base", 1.0), run_of("other", 2.0)], TRAIN, IMDB, confusion=True)
    assert "compared with base" in text
    assert "15.0000" in text  # median of 10 and 20 seconds
    assert text.count("TN") == 2
