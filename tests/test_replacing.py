"""What stands in a folder is not replaced by another thing, and comes back if its replacement fails."""

import pytest

from pooled_bert.base.files import output
from pooled_bert.benchmarks.jigsaw import JIGSAW
from pooled_bert.data.sample import write_sample


def files_of(folder):
    return {
        path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock"
    }


def test_replacement_that_cannot_be_trained_leaves_every_finished_fold(
    run_command, run_here, sample, tmp_path, monkeypatch
):
    run = tmp_path / "folds/jigsaw/runs/linear"
    options = (
        "--data",
        sample,
        "--workspace",
        tmp_path,
        "--model",
        "linear",
        "--ngrams",
        "word",
        "--n-folds",
        2,
    )
    run_command("train_folds.py", *options)
    before = files_of(run)
    for bad, said in (
        (("--c", "inf"), "--c is inf"),
        (("--seed", -1), "--seed is -1"),
        (("--extra", tmp_path / "nowhere.csv"), "nowhere.csv: cannot be read"),
        (("--fold", 7), "--fold 7: the folds are 0 to 1"),
    ):
        assert said in run_command("train_folds.py", *options, "--overwrite", *bad, status=2).stderr
        assert files_of(run) == before

    def fail(*_, **__):
        raise RuntimeError("a defect")

    monkeypatch.setattr("pooled_bert.training.linear.fit", fail)
    with pytest.raises(RuntimeError, match="a defect"):
        run_here("train_folds.py", *options, "--overwrite")
    assert files_of(run) == before


@pytest.mark.parametrize(
    "name", ["train.csv", "train.csv.zip", "test.csv", "sample_submission.csv", "test_labels.csv"]
)
def test_real_files_are_not_replaced_by_a_sample(run_command, tmp_path, name):
    (tmp_path / name).write_text("real")
    said = run_command("make_sample.py", tmp_path, "--rows", 20, "--test-rows", 5, status=2).stderr
    assert f"{name}: exists, and is not replaced by made-up rows; name another folder" in said
    assert files_of(tmp_path) == {tmp_path / name: b"real"}


def test_two_samples_are_not_mixed_in_one_folder(run_command, tmp_path):
    with output(tmp_path / "MADE_UP.txt", overwrite=True):
        said = run_command("make_sample.py", tmp_path, "--rows", 20, "--test-rows", 5, status=2).stderr
    assert "MADE_UP.txt: another process is writing it" in said
    assert not list(tmp_path.iterdir())


def test_sample_can_be_made_again_and_is_marked_before_it_has_rows(run_command, tmp_path, monkeypatch):
    for rows in (20, 30):
        run_command("make_sample.py", tmp_path / "whole", "--rows", rows, "--test-rows", 5)

    def fail(*_):
        raise RuntimeError("killed")

    monkeypatch.setattr("pooled_bert.data.sample._write_texts", fail)
    with pytest.raises(RuntimeError, match="killed"):
        write_sample(tmp_path / "killed", JIGSAW, rows=20, test_rows=5, seed=0)
    assert [path.name for path in (tmp_path / "killed").iterdir()] == ["MADE_UP.txt"]


@pytest.mark.parametrize(
    ("script", "options", "name"),
    [
        ("pretrain.py", ("--overwrite",), "folder"),
        ("export.py", ("--fold", 0, "--format", "savedmodel", "--overwrite"), "folder"),
        ("export.py", ("--fold", 0, "--format", "onnx", "--overwrite"), "model.onnx"),
    ],
)
def test_only_what_a_command_made_is_replaced_by_it(run_command, tmp_path, script, options, name):
    path = tmp_path / name
    if path.suffix:
        path.write_bytes(b"a model of somebody else")
    else:
        path.mkdir()
        (path / "precious").write_bytes(b"a model of somebody else")
    before = files_of(tmp_path)
    said = run_command(script, "--output", path, *options, status=2).stderr
    assert f"{path}: was not made by this command, so it is not replaced; give another name" in said
    assert files_of(tmp_path) == before


@pytest.mark.parametrize("link", [None, "symlink_to", "hardlink_to"])
def test_predictions_never_replace_their_input(run_command, tmp_path, link):
    texts, output = tmp_path / "texts.csv", tmp_path / "out.csv"
    texts.write_text("text\none\n")
    if link:
        getattr(output, link)(texts)
    said = run_command(
        "predict.py", "--file", texts, "--output", output if link else texts, "--overwrite", status=2
    ).stderr
    assert "is the same file as --file" in said
    assert texts.read_text() == "text\none\n"
