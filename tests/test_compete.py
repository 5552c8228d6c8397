"""From a competition's folder to a submission within a time limit."""

import csv
import json
import shutil
import sys
import time

import pandas as pd
import pytest

from pooled_bert.base.children import Children
from pooled_bert.benchmarks.jigsaw import JIGSAW

WORDS = ("--member", "words: --model linear --ngrams word")


@pytest.fixture(scope="module")
def public(sample, tmp_path_factory):
    """The files that contestants see, in a place of its own; the sample submission's columns in another order.

    They pass for real rows: made-up ones would win no medal.
    """
    folder = tmp_path_factory.mktemp("prepared") / "public"
    folder.mkdir()
    for name in ("train.csv", "test.csv"):
        (folder / name).write_bytes((sample / name).read_bytes())
    template = pd.read_csv(sample / "sample_submission.csv", dtype=str)
    order = ["id", *reversed(JIGSAW.labels)]
    template[order].to_csv(folder / "sample_submission.csv", index=False)
    return folder


def test_members_become_one_submission_where_it_is_wanted(run_command, public, sample, tmp_path):
    output = tmp_path / "elsewhere" / "submission.csv"
    options = ("--data", public, "--workspace", tmp_path, "--output", output, "--model", "linear", *WORDS)
    said = run_command("compete.py", *options, "--n-folds", 2, "--time-limit", 60).stdout
    assert "greedy weights, logit of words, linear" in said
    with output.open() as file:
        assert next(csv.reader(file)) == ["id", *reversed(JIGSAW.labels)]
    origin = json.loads(output.with_suffix(".json").read_text())
    assert [run["folds"] for run in origin["runs"]] == [[0, 1], [0, 1]]
    assert {run["identity"]["settings"]["ngrams"] for run in origin["runs"]} == {"word", "word_char"}
    graded = run_command(
        "make_submission.py", "--data", public, "--workspace", tmp_path, "--run", "words", "linear",
        "--output", output, "--answers", sample / "test_labels.csv",
    ).stdout  # fmt: skip
    assert "test ROC AUC" in graded
    assert "on the private leaderboard: " in graded


def test_what_is_finished_is_blended(run_command, public, tmp_path):
    options = ("--data", public, "--workspace", tmp_path)
    train = ("train_folds.py", *options, "--model", "linear", "--ngrams", "word", "--n-folds", 2)
    run_command(*train, "--run", "whole")
    run_command(*train, "--run", "half", "--c", 1, "--fold", 0)
    blend = ("make_submission.py", *options, "--run", "whole", "half", "none", "--weights", "greedy")
    assert "has no finished fold" in run_command(*blend, status=2).stderr
    output = tmp_path / "x.csv"
    result = run_command(*blend, "--finished", "--output", output)
    assert "run 'none' is left out" in result.stderr
    assert "equal weights, logit of whole, half" in result.stdout
    runs = json.loads(output.with_suffix(".json").read_text())["runs"]
    assert [run["folds"] for run in runs] == [[0, 1], [0]]


def test_without_a_finished_fold_nothing_is_written(run_command, public, tmp_path):
    output = tmp_path / "x.csv"
    options = ("--data", public, "--workspace", tmp_path, "--output", output, "--model", "linear")
    late = run_command("compete.py", *options, "--time-limit", 0.001, status=75)
    assert "no fold was finished within" in late.stderr
    assert not output.exists()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--member", "bert: --model linear"), "--member bert: is the name of two members"),
        (("--model", "linear", "--c", 0), "--c is 0"),
        (("--member", "linear: --c 0 --model linear"), "--c is 0"),
        (("--member", "linear"), "expected NAME: OPTIONS"),
        (("--member", "linear: --larnin-rate 1"), "--larnin-rate: is no setting of a training"),
        (("--epochs", 0), "--epochs is 0"),
        (("--extra", "nowhere.csv"), "nowhere.csv: cannot be read"),
        (("--output", "x.txt"), "--output x.txt: does not end in .csv"),
    ],
)
def test_members_are_checked_before_anything_is_trained(run_command, public, tmp_path, options, expected):
    words = ("--data", public, "--workspace", tmp_path / "w", "--output", tmp_path / "x.csv")
    assert expected in run_command("compete.py", *words, *options, status=2).stderr
    assert not (tmp_path / "w").exists()


def test_table_without_test_rows_is_refused_before_anything_is_trained(run_command, public, tmp_path):
    shutil.copy(public / "train.csv", tmp_path)
    (tmp_path / "own.toml").write_text(
        'train = "train.csv"\nid = "id"\ntext = "comment_text"\nlabels = ["toxic"]\n'
    )
    words = ("--benchmark", tmp_path / "own.toml", "--model", "linear", "--workspace", tmp_path / "w")
    told = run_command("compete.py", *words, "--output", tmp_path / "x.csv", status=2).stderr
    assert "has no test rows" in told
    assert not (tmp_path / "w").exists()


def test_child_that_takes_too_long_is_ended():
    with Children() as children:
        started = time.monotonic()
        status = children.run(
            [sys.executable, "-c", "import time; time.sleep(600)"], cores=set(), seconds=0.5
        )
    assert status < 0
    assert time.monotonic() - started < 300


def test_score_has_the_medal_of_the_private_leaderboard():
    named = JIGSAW.medals.named
    assert named(0.9) == "no medal (bronze from 0.98639)"
    assert named(0.98639) == "bronze medal (silver from 0.98668)"
    assert named(0.98740) == "gold medal (first from 0.9886)"
    assert named(0.99) == "gold medal, first place"
