"""The commands as a user runs them, each in a process of its own."""

import csv
import json
import shutil
import subprocess
import sys

import pandas as pd
import pytest
from conftest import ROOT

from pooled_bert.runs.fold_files import write_config

TINY = ("--encoder", "tiny", "--epochs", 8, "--batch-size", 16, "--learning-rate", 1e-2, "--max-length", 64)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    return tmp_path_factory.mktemp("workspace")


def ids_of(path):
    with path.open(newline="", encoding="utf-8") as stream:
        return [row["id"] for row in csv.DictReader(stream)]


@pytest.mark.parametrize("script", sorted(path.name for path in (ROOT / "src").glob("*.py")))
def test_help_answers_without_importing_a_large_library(script):
    command = [sys.executable, "-X", "importtime", str(ROOT / "src" / script), "--help"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert "usage:" in result.stdout
    assert "argparse" in result.stderr  # the list of imports is there
    for library in ("tensorflow", "pandas", "sklearn", "scipy", "soundfile"):
        assert library not in result.stderr


@pytest.mark.slow
def test_folds_of_both_models_become_one_submission(run_command, sample, workspace):
    options = ("--data", sample, "--workspace", workspace, "--n-folds", 2)
    trained = run_command("train_folds.py", *options, *TINY).stdout
    assert "made-up sample" in trained
    scores = [
        json.loads(path.read_text()) for path in workspace.glob("folds/jigsaw/runs/bert/fold_*/metrics.json")
    ]
    assert len(scores) == 2
    assert all(score["mean_auc"] > 0.85 for score in scores)
    run_command("train_folds.py", *options, "--model", "linear")

    blended = run_command(
        "make_submission.py",
        "--data",
        sample,
        "--workspace",
        workspace,
        "--run",
        "bert",
        "linear",
        "--blend",
        "rank",
    ).stdout
    assert "pooled" in blended
    assert "test ROC AUC" in blended  # the sample has test_labels.csv
    assert "medal" not in blended, "made-up rows win none"
    path = workspace / "submissions" / "jigsaw-bert-linear.csv"
    assert ids_of(path) == ids_of(sample / "sample_submission.csv")
    origin = json.loads(path.with_suffix(".json").read_text())
    assert origin["made_up"]
    assert [run["name"] for run in origin["runs"]] == ["bert", "linear"]


def test_weights_found_on_out_of_fold_rows_show_what_they_score_honestly(
    run_command, run_process, sample, tmp_path
):
    options = ("--data", sample, "--workspace", tmp_path)
    for name, *more in (("words", "--ngrams", "word"), ("pieces",)):
        run_command("train_folds.py", *options, "--model", "linear", "--run", name, "--n-folds", 2, *more)
    for weights in ("greedy", "stack", "trees"):
        said = run_command(
            "make_submission.py", *options, "--run", "words", "pieces", "--weights", weights, "--name", weights
        ).stdout  # fmt: skip
        for part in ("found on the others", "optimistic", "contribution", "correlation"):
            assert part in said
        origin = json.loads((tmp_path / "submissions" / f"{weights}.json").read_text())
        assert origin["weights"]["found"] == weights
        assert origin["oof_mean_auc"] <= origin["optimistic_oof_mean_auc"] + 1e-3
    compared = run_process("compare_runs.py", *options, "--run", "words", "pieces", "--confusion").stdout
    assert "compared with words" in compared
    assert "TP" in compared
    refused = run_command(
        "make_submission.py", *options, "--run", "words", "--folds", 0, "--weights", "stack", status=2
    )
    assert "one fold is not enough" in refused.stderr


@pytest.mark.slow
def test_finished_folds_are_not_trained_again_and_other_settings_are_refused(run_command, sample, workspace):
    options = (
        "--data",
        sample,
        "--workspace",
        workspace,
        "--n-folds",
        2,
        "--model",
        "linear",
        "--run",
        "again",
    )
    run_command("train_folds.py", *options, "--fold", 0)
    folder = workspace / "folds/jigsaw/runs/again/fold_0"
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    run_command("train_folds.py", *options)
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    refused = run_command("train_folds.py", *options, "--c", 1, status=2)
    assert "settings.c is 4.0 there and 1.0 here" in refused.stderr
    run_command("train_folds.py", *options, "--c", 1, "--overwrite")
    assert json.loads((folder / "config.json").read_text())["identity"]["settings"]["c"] == 1.0


def test_fold_that_was_begun_but_holds_no_work_yet_does_not_bind(run_command, sample, tmp_path):
    folder = tmp_path / "folds/jigsaw/runs/linear/fold_0"
    write_config(folder, {"settings": {"c": 9.0}}, {})
    run_command("train_folds.py", "--data", sample, "--workspace", tmp_path, "--model", "linear", "--fold", 0)
    assert json.loads((folder / "config.json").read_text())["identity"]["settings"]["c"] == 4.0


@pytest.mark.slow
def test_submission_with_a_fold_missing_is_refused_unless_the_folds_are_named(run_command, sample, workspace):
    options = ("--data", sample, "--workspace", workspace)
    training = (*options, "--n-folds", 3, "--model", "linear", "--run", "part")
    run_command("train_folds.py", *training, "--fold", 0, 2)
    refused = run_command("make_submission.py", *options, "--run", "part", status=2)
    assert "fold 1 of 3 is not finished" in refused.stderr
    assert not (workspace / "submissions" / "jigsaw-part.csv").exists()
    run_command("make_submission.py", *options, "--run", "part", "--folds", 0, 2)
    assert (workspace / "submissions" / "jigsaw-part.csv").exists()


@pytest.mark.slow
def test_reviews_take_the_same_way(run_command, imdb_sample, workspace):
    options = ("--benchmark", "imdb", "--data", imdb_sample, "--workspace", workspace)
    for model in ((*TINY, "--epochs", 1), ("--model", "linear")):
        run_command("train_folds.py", *options, *model, "--n-folds", 2)
    out = run_command("make_submission.py", *options, "--run", "bert", "linear", "--blend", "logit").stdout
    assert "accuracy" in out
    assert ids_of(workspace / "submissions" / "imdb-bert-linear.csv") == ids_of(imdb_sample / "test.csv")


def test_extra_rows_equal_to_validation_rows_are_left_out(run_command, sample, workspace, tmp_path):
    extra = tmp_path / "extra.csv"
    lines = (sample / "train.csv").read_text(encoding="utf-8")
    extra.write_text(lines, encoding="utf-8")
    out = run_command(
        "train_folds.py", "--data", sample, "--workspace", workspace, "--model", "linear", "--run", "extra",
        "--extra", extra, "--fold", 0,
    ).stdout  # fmt: skip
    fold = json.loads((workspace / "folds/jigsaw/runs/extra/fold_0/metrics.json").read_text())
    assert f"{1200 - fold['rows']} extra rows ({fold['rows']} left out" in out
    assert fold["training_rows"] == 2 * (1200 - fold["rows"])


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--fold", 5), "--fold 5: the folds are 0 to 4"),
        (("--extra", "nowhere.csv"), "nowhere.csv: cannot be read"),
        (("--data", "nowhere"), "Name its folder with --data, or download it: accept the rules"),
        (("--model", "linear", "--epochs", 3), "--epochs is an option of --model bert"),
        (("--quick", "--model", "linear"), "--quick: has no settings for --model linear"),
        (("--near-duplicates", 0.1), "--near-duplicates is 0.1, expected a number from 0.7 to 1"),
        (("--n-folds", 5000), "different items cannot be cut into 5000 folds"),
        (("--run", "../elsewhere"), "--run '../elsewhere': is not a plain name"),
        (("--run", ""), "--run '': is not a plain name; give 1 to 100 characters in one line"),
        (("--run", "x" * 300), "--run 'xxx"),
        (("--run", "a\nb"), "--run 'a\\nb': is not a plain name"),
        (("--pseudo", ""), "--pseudo '': is not a plain name"),
        (("--workspace", ""), "--workspace is '', expected a path"),
        (("--workspace", "x" * 300), "at most 255 bytes"),
        (("--extra", "a\nb"), "--extra is 'a\\nb', expected a path in one line"),
        (("--fold", -1), "--fold is -1, expected a whole number from 0"),
        (("--fold", 10**30), "--fold is 1000000000000000000000000000000, expected a whole number"),
        (("--time-limit", -1), "--time-limit is -1.0, expected a number from 0 to 1,000,000"),
        (("--checkpoint-minutes", "inf"), "--checkpoint-minutes is inf, expected a number from 0"),
    ],
)
def test_wrong_arguments_get_one_line(run_command, sample, workspace, arguments, expected):
    result = run_command("train_folds.py", "--data", sample, "--workspace", workspace, *arguments, status=2)
    assert expected in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("command", "arguments", "expected"),
    [
        ("make_submission.py", ("--as-run", "x", "--blend", "rank"), "--as-run: keeps probabilities"),
        ("make_submission.py", ("-m", "a text"), "--message: is for Kaggle; add --submit"),
        ("make_submission.py", ("--folds", 0, "--finished"), "give one of the two"),
        ("check_data.py", ("--output", "x.csv"), "--output: is for the labels that a run finds suspicious"),
        ("predict.py", ("a text", "--column", "text"), "--column: is for --file"),
        (
            "predict.py",
            ("a text", "--explain", "--output-format", "csv"),
            "--output-format: does not go with",
        ),
        ("predict.py", ("--benchmark", "emodb", "x.wav", "--explain", "gradients"), "explained by attention"),
        ("kaggle_kernels.py", ("upload", "encoder", "x", "--cpu"), "--cpu: is for upload environment"),
        ("kaggle_kernels.py", ("run", "--poll-seconds", "nan"), "--poll-seconds is nan"),
    ],
)
def test_option_that_would_be_ignored_is_refused(run_command, workspace, command, arguments, expected):
    result = run_command(command, *arguments, "--workspace", workspace, status=2)
    assert expected in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.slow
def test_quick_run_is_one_fold_under_a_name_of_its_own(run_command, sample, workspace):
    options = ("--data", sample, "--workspace", workspace, "--encoder", "tiny", "--limit", 40)
    said = run_command("train_folds.py", "--quick", *options)
    assert "40 training rows, 5 steps in 1 epoch" in said.stdout
    assert "can hardly learn" in said.stderr
    assert [path.name for path in (workspace / "folds/jigsaw/runs/quick").glob("fold_?")] == ["fold_0"]
    told = run_command("predict.py", "You are a fool.", "--run", "quick", "--workspace", workspace).stderr
    assert "run 'quick' learnt from a made-up sample" in told


@pytest.mark.slow
def test_encoder_that_cannot_be_loaded_leaves_no_fold_behind(run_command, sample, workspace, tmp_path):
    result = run_command(
        "train_folds.py",
        "--data",
        sample,
        "--workspace",
        workspace,
        "--run",
        "none",
        "--encoder",
        tmp_path,
        status=2,
    )
    assert "cannot be loaded" in result.stderr
    assert not (workspace / "folds/jigsaw/runs/none/fold_0").exists()


def test_unreadable_training_file_changes_nothing(run_command, sample, workspace, tmp_path):
    shutil.copytree(sample, tmp_path / "data")
    (tmp_path / "data" / "train.csv").write_bytes(b"\xff\xfe\x00bad")
    result = run_command("train_folds.py", "--data", tmp_path / "data", "--workspace", tmp_path, status=2)
    assert "train.csv" in result.stderr
    assert not (tmp_path / "folds").exists()


def test_workspace_that_cannot_be_written_is_named(run_command, sample, tmp_path):
    (tmp_path / "file").touch()
    result = run_command("train_folds.py", "--data", sample, "--workspace", tmp_path / "file", status=2)
    assert "cannot be written (Not a directory)" in result.stderr


@pytest.mark.slow
def test_label_rarer_than_the_folds_is_told_and_trained(run_command, sample, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(sample, data)
    train = pd.read_csv(data / "train.csv", dtype=str, keep_default_na=False).assign(threat="0")
    train.loc[:1, "threat"] = "1"
    train.to_csv(data / "train.csv", index=False)
    options = ("--data", data, "--workspace", tmp_path, "--model", "linear")
    result = run_command("train_folds.py", *options)
    assert "note: threat has 2 positives for 5 folds" in result.stderr
    assert "one class only of threat" in result.stdout
    run_command("make_submission.py", "--data", data, "--workspace", tmp_path, "--run", "linear")
