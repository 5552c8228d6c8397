import dataclasses

import numpy as np
import pytest
from conftest import StopAfter, fit
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from pooled_bert.base.errors import InputError, TimeLimitReached
from pooled_bert.benchmarks.targets import SEVERAL_LABELS
from pooled_bert.training.checkpoints import Checkpoints
from pooled_bert.training.neural_settings import decisive
from pooled_bert.training.problem import Problem
from pooled_bert.training.settings import BertSettings
from pooled_bert.training.tensorboard import Events

STEPS = 15  # an epoch's
SETTINGS = {"epochs": 2, "batch_size": 8, "max_length": 16, "precision": "float16"}


class FirstCheckpoint(Checkpoints):
    """Saves once, so that what is done after it is lost."""

    def save(self, *state):
        if not self.exist:
            super().save(*state)


@pytest.fixture(scope="module")
def problem(tmp_path_factory):
    random = np.random.default_rng(0)
    texts = [" ".join(random.choice(["one", "two", "three"], 4)) for _ in range(150)]
    return Problem(
        target=SEVERAL_LABELS,
        label_names=("a", "b"),
        items=texts,
        labels=np.array([["one" in text, "two" in text] for text in texts], np.float64),
        train=np.arange(8 * STEPS),
        valid=np.arange(8 * STEPS, 150),
        test=[],
        title="fold 0",
        seed=0,
        cache=tmp_path_factory.mktemp("tokens"),
        checkpoints=Checkpoints(tmp_path_factory.mktemp("none"), writes=False),
    )


def curves(folder):
    read = EventAccumulator(str(folder)).Reload()
    return {tag: [(point.step, point.value) for point in read.Scalars(tag)] for tag in read.Tags()["scalars"]}


@pytest.mark.slow
def test_curves_of_a_killed_and_resumed_training_are_those_of_one_that_nobody_killed(
    problem, encoder_folder, tmp_path
):
    without = BertSettings(encoder=str(encoder_folder), **SETTINGS)
    settings = dataclasses.replace(without, tensorboard=True)
    quiet = fit(problem, without)
    outcome = fit(dataclasses.replace(problem, events=tmp_path / "whole"), settings)
    assert (outcome.oof == quiet.oof).all()
    assert outcome.history == quiet.history
    whole = curves(tmp_path / "whole")
    assert [step for step, _ in whole["loss"]] == [0, 10, 14, 20, 29]
    assert all(rate == pytest.approx(3e-5 * (30 - step) / 31) for step, rate in whole["learning_rate"])
    assert [step for step, _ in whole["epoch/auc_b"]] == [STEPS, 2 * STEPS]
    for name in ("loss", "log_loss", "accuracy", "mean_auc"):
        assert [value for _, value in whole[f"epoch/{name}"]] == pytest.approx(
            [record[name] for record in outcome.history]
        )

    resumed = dataclasses.replace(problem, events=tmp_path / "resumed")
    lost = FirstCheckpoint(tmp_path / "states", minutes=0)  # its one state is of the first step
    with pytest.raises(TimeLimitReached):
        fit(dataclasses.replace(resumed, checkpoints=lost, deadline=StopAfter(25)), settings)
    assert curves(tmp_path / "resumed")["loss"][-1][0] == 20
    fit(dataclasses.replace(resumed, checkpoints=Checkpoints(tmp_path / "states")), settings)
    assert curves(tmp_path / "resumed") == whole
    assert len(list((tmp_path / "resumed").iterdir())) == 2


def test_curves_do_not_decide_a_run():
    assert decisive(BertSettings(tensorboard=True)) == decisive(BertSettings())


def test_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="file/tensorboard: cannot be written"):
        Events(tmp_path / "file" / "tensorboard").write(0, {"loss": 1.0})


@pytest.mark.slow
def test_curves_stay_with_the_finished_fold(run_command, sample, tmp_path):
    options = ("--data", sample, "--workspace", tmp_path, "--encoder", "tiny", "--fold", 0, "--no-test")
    options += ("--epochs", 1, "--max-length", 16, "--limit", 96)
    run_command("train_folds.py", *options, "--tensorboard")
    folder = tmp_path / "folds/jigsaw/runs/bert/fold_0"
    found = curves(folder / "tensorboard")
    assert [step for step, _ in found["loss"]] == [0, 2]
    assert "epoch/auc_threat" in found
    run_command("train_folds.py", *options)  # which finds it finished, and the option not decisive
    assert curves(folder / "tensorboard") == found
