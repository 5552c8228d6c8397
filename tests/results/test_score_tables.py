from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from conftest import table_of

from pooled_bert.benchmarks.imdb import IMDB
from pooled_bert.benchmarks.targets import SEVERAL_LABELS
from pooled_bert.results.score_tables import (
    comparison,
    format_scores,
    headline,
    rank_scores,
    run_notes,
    score_table,
)
from pooled_bert.runs.comparable_runs import on_same_folds
from pooled_bert.runs.finished_runs import read_run, read_runs
from pooled_bert.runs.fold_files import write_config, write_fold
from pooled_bert.training.problem import Outcome

TRAIN = table_of(list("abcdefgh"), np.array([[1, 0, 1, 0, 0, 1, 0, 0]]).T, names=("positive",))
SCORES = np.array([[0.9, 0.2, 0.8, 0.1, 0.3, 0.2, 0.4, 0.6]]).T


def make_run(folder, assignment="a", rows_checksum="t", optimistic=False, made_up=False, folds=(0, 1)):
    for fold in folds:
        rows = TRAIN.iloc[fold * 4 : fold * 4 + 4]
        outcome = Outcome(oof=SCORES[rows.index], test=np.zeros((0, 1)), optimistic=optimistic)
        path = folder / f"fold_{fold}"
        identity = {"data": {"train": rows_checksum}, "assignment": assignment, "settings": {"n_folds": 2}}
        write_config(path, {"fold": fold, **identity}, {})
        write_fold(
            path, outcome, SEVERAL_LABELS, valid=rows, test_ids=None, facts={"fold": fold, "made_up": made_up}
        )
    return read_run(folder)


def test_table_has_folds_their_mean_and_spread_and_the_pooled_rows(tmp_path):
    table = score_table(make_run(tmp_path / "x").oof, TRAIN, IMDB)
    assert table.index.tolist() == ["fold 0", "fold 1", "mean", "sd", "pooled"]
    assert table.loc["fold 0", "mean AUC"] == 1.0
    assert table.loc["fold 1", "mean AUC"] == 0.0
    assert table.loc["mean", "mean AUC"] == 0.5
    assert table.loc["sd", "mean AUC"] == pytest.approx(np.sqrt(0.5))
    assert table.loc["pooled", "mean AUC"] == pytest.approx(11.5 / 15)
    assert table.loc["pooled", "accuracy"] == 6 / 8


def test_what_must_be_said_of_a_run_is_said(tmp_path):
    assert run_notes(make_run(tmp_path / "plain", folds=(0,)), IMDB) == ["these are scores of 1 of 2 folds"]
    notes = run_notes(make_run(tmp_path / "x", optimistic=True, made_up=True, folds=(1,)), IMDB)
    assert len(notes) == 4
    text = format_scores("title", pd.DataFrame({"mean AUC": [0.5, np.nan]}), notes)
    for word in (
        "made-up",
        "optimistic",
        "1 of 2 folds",
        "fold 1 is not clearly better than chance",
        "0.5000",
    ):
        assert word in text


def test_ranks_have_a_headline_though_their_log_loss_means_nothing(tmp_path):
    benchmark = replace(IMDB, score="log_loss")
    table = rank_scores(score_table(make_run(tmp_path / "x").oof, TRAIN, benchmark), benchmark)
    assert headline("ranks", table, benchmark, []).startswith("ranks: mean AUC")


def test_runs_are_compared_on_the_same_rows_and_folds_only(tmp_path):
    run = make_run(tmp_path / "x")
    make_run(tmp_path / "y")
    make_run(tmp_path / "other", assignment="b")
    make_run(tmp_path / "edited", rows_checksum="u")
    together = on_same_folds(run, read_runs(tmp_path))
    assert [each.name for each in together] == ["x", "y"]
    assert comparison(together, IMDB).loc["y", "folds"] == 2
