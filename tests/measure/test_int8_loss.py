"""What int8 costs is measured on out-of-fold rows, and kept beside the folds."""

import pytest
from processors import needs_vnni

from pooled_bert.base.files import read_json
from pooled_bert.benchmarks.jigsaw import JIGSAW
from pooled_bert.data.rows import read_train
from pooled_bert.measure.answers import _play, _predict
from pooled_bert.measure.int8_loss import int8_losses
from pooled_bert.predict.predictor import load_predictor
from pooled_bert.results.fold_scores import fold_scores
from pooled_bert.runs.finished_runs import read_run


@needs_vnni
def test_float32_is_the_folds_own_score_and_int8_is_near_it(tiny_run, sample):
    train = read_train(JIGSAW, sample)
    scores = fold_scores(read_run(tiny_run, tables=("oof.csv",)), train, JIGSAW.labels)
    losses = list(
        int8_losses(load_predictor(tiny_run, windows="none"), scores, train["text"].tolist(), 10_000)
    )
    assert [loss.fold for loss in losses] == [0, 1]
    for loss, fold in zip(losses, scores, strict=True):
        assert loss.float32 == pytest.approx(
            JIGSAW.target.scores(fold.labels, fold.scores)["mean_auc"], abs=1e-4
        )
        assert abs(loss.int8 - loss.float32) < 0.02
        assert loss.largest > 0
        assert min(loss.rates) > 0


def test_command_keeps_what_it_measured(tiny_run, sample, run_here):
    workspace = tiny_run.parents[3]
    done = run_here("measure.py", "int8", "--rows", 50, "--data", sample, "--workspace", workspace)
    assert done.returncode == 0, done.stderr
    assert "lost in the mean" in done.stdout
    record = read_json(tiny_run / "int8.json")
    assert set(record["folds"]) == {"0", "1"}
    (tiny_run / "int8.json").unlink()


def test_rows_without_an_auc_are_refused_and_nothing_is_kept(tiny_run, sample, run_here):
    workspace = tiny_run.parents[3]
    done = run_here("measure.py", "int8", "--rows", 1, "--data", sample, "--workspace", workspace)
    assert done.returncode == 2
    assert "--rows 1: a label has one value in all of them, and so no AUC; give more" in done.stderr
    assert not (tiny_run / "int8.json").exists()


@pytest.mark.slow
def test_waits_are_timed_to_the_first_answer(tiny_run):
    options = ["--workspace", str(tiny_run.parents[3])]
    for wait in (_predict(options), _play(options)):
        assert wait.seconds > 0.1
        assert wait.memory > 50
