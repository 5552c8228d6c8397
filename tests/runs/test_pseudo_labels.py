"""Pseudo-labels must come from a model that never saw the rows they help to predict."""

import numpy as np
import pandas as pd
import pytest
from conftest import table_of

from pooled_bert.base.errors import InputError
from pooled_bert.base.places import Workspace, fold_folder
from pooled_bert.benchmarks.jigsaw import JIGSAW
from pooled_bert.benchmarks.targets import SEVERAL_LABELS
from pooled_bert.data.rows import Rows
from pooled_bert.runs.cross_validation import CrossValidation
from pooled_bert.runs.fold_files import write_config, write_fold
from pooled_bert.training.problem import Outcome
from pooled_bert.training.settings import BertSettings, RunSettings

RANDOM = np.random.default_rng(0)
N_LABELS = 6
NAMES = ("toxic", "severe_toxic", "obscene", "threat", "insult", "identity_hate")


def make_rows(test_texts=("test one", "test two", "test three")):
    train = table_of([f"text {row}" for row in range(40)], RANDOM.random((40, N_LABELS)) < 0.5, NAMES)
    test = pd.DataFrame({"id": [f"t{row}" for row in range(len(test_texts))], "text": test_texts})
    return Rows(JIGSAW, train, test, test["id"], None, made_up=True)


@pytest.fixture
def rows():
    return make_rows()


def cross_validation(rows, folder, *, pseudo=None, fold_seed=0, name="x"):
    run = RunSettings(n_folds=2, fold_seed=fold_seed)
    model = BertSettings(encoder="tiny")
    return CrossValidation(rows, run, model, name=name, workspace=Workspace(folder), pseudo=pseudo)


def train_source(rows, folder, *, fold_seed=0, optimistic=False, predicts_test=True, folds=(0, 1)):
    """A finished run called ``source``; returns its test predictions."""
    work = cross_validation(rows, folder, fold_seed=fold_seed, name="source")
    predictions = {}
    for fold in folds:
        place = fold_folder(work.run_folder.path, fold)
        valid = rows.train[work.assignment == fold]
        predictions[fold] = RANDOM.random((len(rows.test), N_LABELS))
        outcome = Outcome(
            oof=RANDOM.random((len(valid), N_LABELS)), test=predictions[fold], optimistic=optimistic
        )
        write_config(place, {**work.identity, "fold": fold}, {})
        ids = rows.test["id"] if predicts_test else None
        write_fold(
            place, outcome, SEVERAL_LABELS, valid=valid, test_ids=ids, facts={"fold": fold, "made_up": True}
        )
    return predictions


def test_fold_learns_from_the_same_fold_of_the_source_alone(rows, tmp_path):
    predictions = train_source(rows, tmp_path)
    work = cross_validation(rows, tmp_path, pseudo=("source", None))
    for fold in (0, 1):
        problem, _ = work._problem(fold, None, None)
        taken = problem.train[-len(rows.test) :]
        assert [problem.items[row] for row in taken] == rows.test["text"].tolist()
        assert np.allclose(problem.labels[taken], predictions[fold], atol=1e-6)


def test_test_row_that_nearly_equals_a_validation_row_is_not_learnt_from(tmp_path):
    rows = make_rows(("TEXT 7!", "test two", "test three"))
    train_source(rows, tmp_path)
    work = cross_validation(rows, tmp_path, pseudo=("source", None))
    home = int(work.assignment[7])
    learnt = {fold: work._problem(fold, None, None)[0] for fold in (0, 1)}
    assert "TEXT 7!" not in [learnt[home].items[row] for row in learnt[home].train]
    assert "TEXT 7!" in [learnt[1 - home].items[row] for row in learnt[1 - home].train]


def test_source_of_other_folds_is_refused_since_it_saw_the_validation_rows(rows, tmp_path):
    train_source(rows, tmp_path, fold_seed=1)
    work = cross_validation(rows, tmp_path, pseudo=("source", None))
    with pytest.raises(InputError, match="learnt from rows that fold 0 is scored on"):
        work._identity(0)


def test_source_of_other_rows_is_refused(rows, tmp_path):
    train_source(make_rows(("another", "test two", "test three")), tmp_path)
    with pytest.raises(InputError, match="was trained on different rows or folds"):
        cross_validation(rows, tmp_path, pseudo=("source", None))._identity(0)


def test_source_whose_epoch_the_validation_rows_chose_is_refused(rows, tmp_path):
    train_source(rows, tmp_path, optimistic=True)
    with pytest.raises(InputError, match="--keep best"):
        cross_validation(rows, tmp_path, pseudo=("source", None))._identity(0)


def test_source_without_the_fold_or_without_test_predictions_is_refused(rows, tmp_path):
    train_source(rows, tmp_path, folds=(0,))
    with pytest.raises(InputError, match="fold 1 is not finished"):
        cross_validation(rows, tmp_path, pseudo=("source", None))._identity(1)
    train_source(rows, tmp_path, predicts_test=False)
    with pytest.raises(InputError, match="no test predictions"):
        cross_validation(rows, tmp_path, pseudo=("source", None))._identity(1)


def test_source_that_was_trained_anew_makes_another_fold(rows, tmp_path):
    train_source(rows, tmp_path)
    before = cross_validation(rows, tmp_path, pseudo=("source", None))._identity(0)
    train_source(rows, tmp_path)
    after = cross_validation(rows, tmp_path, pseudo=("source", None))._identity(0)
    assert before["pseudo_labels"] != after["pseudo_labels"]
    assert before["pseudo"] == after["pseudo"]


def test_as_many_rows_as_asked_for_are_taken_the_same_each_time(rows, tmp_path):
    train_source(rows, tmp_path)
    tables = [cross_validation(rows, tmp_path, pseudo=("source", 2)).pseudo.table(0) for _ in range(2)]
    assert len(tables[0]) == 2
    pd.testing.assert_frame_equal(*tables)
