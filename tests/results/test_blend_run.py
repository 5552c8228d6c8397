"""A blend that is kept as a run."""

import json

import numpy as np
import pandas as pd
import pytest

from pooled_bert.base.places import Workspace
from pooled_bert.benchmarks.targets import SEVERAL_LABELS

LINEAR = ("train_folds.py", "--model", "linear", "--n-folds", 2)
TINY = ("--encoder", "tiny", "--epochs", 1, "--batch-size", 16, "--learning-rate", 5e-3, "--max-length", 16)


@pytest.fixture(scope="module")
def blended(run_command, sample, tmp_path_factory):
    """The workspace of two linear runs and their blend, and the options that name it."""
    folder = tmp_path_factory.mktemp("blended")
    options = ("--data", sample, "--workspace", folder)
    for name, *more in (("words", "--ngrams", "word"), ("pieces",)):
        run_command(*LINEAR, *options, "--run", name, *more)
    run_command("make_submission.py", *options, "--run", "words", "pieces", "--as-run", "both")
    return Workspace(folder), options


def test_each_fold_is_blended_from_the_same_fold_of_its_members(blended):
    workspace, _ = blended
    for fold in (0, 1):
        for file in ("oof.csv", "test.csv"):
            words, pieces, both = (
                pd.read_csv(workspace.run("jigsaw", name) / f"fold_{fold}" / file, index_col="id")
                for name in ("words", "pieces", "both")
            )
            assert list(both.index) == list(words.index)
            scale = [SEVERAL_LABELS.to_scale(part.to_numpy(), "logit") for part in (words, pieces, both)]
            assert np.allclose(scale[2], (scale[0] + scale[1]) / 2, atol=1e-3)


def test_it_is_compared_like_a_run(blended, run_command):
    _, options = blended
    said = run_command("compare_runs.py", *options, "--run", "words", "both").stdout
    assert "compared with words" in said


def test_it_is_reported_like_a_run(blended, run_command):
    workspace, options = blended
    run_command("report.py", *options, "--run", "both")
    card = (workspace.run("jigsaw", "both") / "README.md").read_text()
    assert "A blend of several models; 2 of 2 folds" in card
    assert "keeps no model" in card


def test_it_cannot_predict_texts(blended, run_command):
    _, options = blended
    said = run_command("predict.py", *options[2:], "--run", "both", "a text", status=2).stderr
    assert "a blend keeps no model" in said


def test_another_model_learns_from_its_test_predictions(blended, run_command):
    workspace, options = blended
    words = (*options, "--n-folds", 2, "--fold", 0, "--run", "student", *TINY, "--pseudo", "both")
    assert "pseudo-labelled rows" in run_command("train_folds.py", *words).stdout
    config = json.loads((workspace.run("jigsaw", "student") / "fold_0/config.json").read_text())
    assert "pseudo" in config["identity"]


def test_a_run_is_not_replaced(blended, run_command):
    _, options = blended
    again = ("make_submission.py", *options, "--run", "words", "pieces", "--as-run", "words")
    assert "exists; choose another name" in run_command(*again, status=2).stderr
