import dataclasses

import numpy as np
import pytest
from conftest import StopAfter, fit

from pooled_bert.base.errors import InputError, TimeLimitReached
from pooled_bert.benchmarks.metrics import column_auc, mean_auc
from pooled_bert.benchmarks.targets import SEVERAL_LABELS
from pooled_bert.models.classifier import load_classifier
from pooled_bert.models.encoders import load_encoder
from pooled_bert.models.inference import predict
from pooled_bert.training import starts
from pooled_bert.training.checkpoints import Checkpoints
from pooled_bert.training.neural import NeuralLearner
from pooled_bert.training.problem import Problem
from pooled_bert.training.settings import BertSettings, BlstmSettings

SETTINGS = {
    "encoder": "tiny",
    "learning_rate": 1e-2,
    "batch_size": 8,
    "epochs": 4,
    "max_length": 32,
    "precision": "float32",  # whatever the machine has instructions for
}


@pytest.fixture(scope="module")
def problem(tmp_path_factory):
    """300 texts; label a: contains 'alpha', b: contains 'beta'. Every tenth cell is unlabelled."""
    random = np.random.default_rng(0)
    words = np.array(["gamma", "delta", "kappa", "sigma", "omega", "alpha", "beta"])
    chosen = [random.choice(words, 4, p=[0.17] * 5 + [0.075] * 2) for _ in range(300)]
    labels = np.array([["alpha" in row, "beta" in row] for row in chosen], np.float64)
    labels[::10, 1] = np.nan
    return Problem(
        target=SEVERAL_LABELS,
        label_names=("a", "b"),
        items=[" ".join(row) for row in chosen],
        labels=labels,
        train=np.arange(220),
        valid=np.arange(220, 300),
        test=["alpha kappa", "sigma beta sigma", "gamma"],
        title="fold 0",
        seed=0,
        cache=tmp_path_factory.mktemp("tokens"),
        checkpoints=NoCheckpoints(),
    )


class NoCheckpoints:
    """Forgets at once."""

    is_due = False

    def save(self, *_):
        pass

    def load(self):
        return None

    def saving_seconds(self, _):
        return 0.0


@pytest.fixture(scope="module")
def outcome(problem):
    return fit(problem, BertSettings(**SETTINGS))


@pytest.mark.numerical
def test_model_learns_and_predicts_validation_and_test_rows(problem, outcome):
    assert outcome.oof.shape == (80, 2)
    assert outcome.test.shape == (3, 2)
    assert mean_auc(column_auc(problem.labels[problem.valid], outcome.oof)) > 0.95
    assert outcome.test[0, 0] > outcome.test[2, 0]
    assert [record["epoch"] for record in outcome.history] == [1, 2, 3, 4]
    assert outcome.history[-1]["loss"] < outcome.history[0]["loss"]


@pytest.mark.numerical
def test_training_is_repeatable_to_the_bit(problem, outcome):
    again = fit(problem, BertSettings(**SETTINGS))
    assert (again.oof == outcome.oof).all()
    assert again.history == outcome.history


@pytest.mark.parametrize(
    "settings",
    [
        BertSettings(**{**SETTINGS, "precision": "float16", "epochs": 1}),
        BertSettings(
            **{**SETTINGS, "epochs": 1}, ema=0.9, warmup=0.2, positive_weight=0.5, pooling="attention"
        ),
        BlstmSettings(encoder="tiny", batch_size=8, epochs=1, units=4, keep="best"),
    ],
    ids=lambda settings: settings.precision if settings.precision == "float16" else settings.architecture,
)
def test_fold_is_the_same_to_the_bit_whether_others_were_trained_before_it(problem, settings):
    other = dataclasses.replace(problem, train=problem.train[:70], seed=1)
    problem = dataclasses.replace(problem, train=problem.train[70:190], seed=2)
    learner = NeuralLearner(settings)
    learner.fit(other)
    compiled = learner.compiled
    after, alone = learner.fit(problem), fit(problem, settings)
    assert learner.compiled is compiled
    assert (after.oof == alone.oof).all()
    assert (after.test == alone.test).all()
    assert after.history == alone.history
    assert (after.oof != fit(dataclasses.replace(problem, seed=3), settings).oof).any()


def test_encoder_of_another_size_is_compiled_anew(problem):
    settings = BertSettings(**{**SETTINGS, "epochs": 1})
    learner = NeuralLearner(settings)
    learner.fit(problem)
    more = dataclasses.replace(problem, items=[*problem.items[:-1], "words never seen elsewhere"])
    assert (learner.fit(more).oof == fit(more, settings).oof).all()


@pytest.mark.parametrize(
    "settings",
    [
        {"precision": "float16", "adversarial": 0.5},
        {"ema": 0.9, "keep": "best", "layer_decay": 0.8, "positive_weight": 0.5},
    ],
    ids=str,
)
def test_stopped_and_resumed_training_ends_the_same_to_the_bit(problem, encoder_folder, tmp_path, settings):
    settings = BertSettings(**{**SETTINGS, "encoder": str(encoder_folder), "epochs": 2, **settings})
    problem = dataclasses.replace(problem, train=problem.train[:64])
    expected = fit(problem, settings)
    for steps in (3, 10):  # 8 steps an epoch: within the first, and within the second
        stopping = dataclasses.replace(
            problem, checkpoints=Checkpoints(tmp_path, minutes=60), deadline=StopAfter(steps)
        )
        with pytest.raises(TimeLimitReached):
            fit(stopping, settings)
    resumed = fit(dataclasses.replace(problem, checkpoints=Checkpoints(tmp_path, minutes=60)), settings)
    assert (resumed.oof == expected.oof).all()
    assert (resumed.test == expected.test).all()
    assert resumed.history == expected.history


def test_state_of_another_version_of_the_model_is_refused(problem, tmp_path):
    checkpoints = Checkpoints(tmp_path, minutes=60)
    checkpoints.save(1, {"variable_0": np.zeros(3)}, {"state": {}, "seconds": 1.0})
    with pytest.raises(InputError, match="another version of this code; delete it"):
        fit(dataclasses.replace(problem, checkpoints=checkpoints), BertSettings(**SETTINGS))


def blstm_settings(**options):
    return BlstmSettings(encoder="tiny", batch_size=8, learning_rate=2e-2, units=16, **options)


@pytest.mark.parametrize("pooling", ["last", "attention"])
def test_blstm_learns(problem, pooling):
    outcome = fit(problem, blstm_settings(pooling=pooling, epochs=4))
    assert mean_auc(column_auc(problem.labels[problem.valid], outcome.oof)) > 0.95


def test_stopped_and_resumed_blstm_ends_the_same_to_the_bit(problem, tmp_path):
    problem = dataclasses.replace(problem, train=problem.train[:64])
    expected = fit(problem, blstm_settings(epochs=1))
    stopping = dataclasses.replace(
        problem, checkpoints=Checkpoints(tmp_path, minutes=60), deadline=StopAfter(4)
    )
    with pytest.raises(TimeLimitReached):
        fit(stopping, blstm_settings(epochs=1))
    resumed = fit(
        dataclasses.replace(problem, checkpoints=Checkpoints(tmp_path, minutes=60)), blstm_settings(epochs=1)
    )
    assert (resumed.oof == expected.oof).all()
    assert (resumed.test == expected.test).all()


@pytest.mark.numerical
def test_averaged_weights_are_what_predicts_and_what_is_saved(problem, outcome, tmp_path):
    averaged = fit(problem, BertSettings(**SETTINGS, ema=0.9))
    averaged.save_model(tmp_path)
    loaded = load_classifier(tmp_path)
    tokens = loaded.reader.encode([problem.items[row] for row in problem.valid], cache=None)
    assert np.allclose(predict(loaded.model, tokens), averaged.oof, atol=1e-6)
    losses = [found.history[0]["loss"] for found in (averaged, outcome)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)  # the training itself is the same
    assert not np.allclose(averaged.oof, outcome.oof, atol=1e-4)


def test_windows_find_what_stands_behind_the_maximal_length(problem, tmp_path):
    settings = {**SETTINGS, "max_length": 6}
    filler = " ".join(["gamma delta kappa sigma"] * 3)
    problem = dataclasses.replace(problem, test=[f"{filler} alpha {filler}", f"{filler} omega {filler}"])
    outcome = fit(problem, BertSettings(**settings, windows="mean"))
    outcome.save_model(tmp_path)  # windows are for prediction alone, so one training serves all
    loaded, mean = load_classifier(tmp_path), outcome.test
    head, highest = (
        predict(loaded.model, reader.encode_to_predict(problem.test, cache=None))
        for reader in (dataclasses.replace(loaded.reader, windows=how) for how in (None, "max"))
    )
    assert np.allclose(head[0], head[1], atol=1e-6)
    assert mean[0, 0] > mean[1, 0] + 0.01
    assert highest[0, 0] > 0.5 > highest[1, 0]


def test_keep_best_keeps_the_best_epoch_and_says_that_it_is_optimistic(problem, outcome):
    best = fit(problem, BertSettings(**SETTINGS, keep="best"))
    aucs = [record["mean_auc"] for record in best.history]
    assert mean_auc(column_auc(problem.labels[problem.valid], best.oof)) == max(aucs)
    assert best.optimistic
    assert not outcome.optimistic


def test_loss_that_is_no_longer_a_number_stops_the_fold_with_advice(problem):
    labels = np.where(problem.labels == 1, np.inf, problem.labels)  # as gradients can make a loss
    with pytest.raises(InputError, match="lower --learning-rate"):
        fit(dataclasses.replace(problem, labels=labels), BertSettings(**SETTINGS))


@pytest.mark.parametrize(
    "settings",
    [{"precision": "bfloat16"}, {"precision": "float16", "adversarial": 1.0, "xla": True}],
    ids=str,
)
def test_lower_precisions_train_too_with_every_part(problem, encoder_folder, settings):
    settings = {**SETTINGS, "encoder": str(encoder_folder), "epochs": 1, **settings}
    outcome = fit(problem, BertSettings(**settings))
    assert np.isfinite(outcome.oof).all()
    assert outcome.information["precision"] == settings["precision"]


@pytest.mark.numerical
def test_xla_changes_no_result(problem):
    settings = {**SETTINGS, "epochs": 1, "dropout": 0.0}
    plain, compiled = (fit(problem, BertSettings(**settings, xla=xla)) for xla in (False, True))
    assert np.abs(plain.oof - compiled.oof).max() < 1e-4
    assert np.abs(plain.test - compiled.test).max() < 1e-4
    assert compiled.history[0]["loss"] == pytest.approx(plain.history[0]["loss"], abs=1e-5)


def test_width_that_the_encoder_cannot_read_is_refused(problem, monkeypatch):
    def short_encoder(*arguments):
        encoder = load_encoder(*arguments)
        encoder.config.max_position_embeddings = 40
        return encoder

    monkeypatch.setattr(starts, "load_encoder", short_encoder)
    settings = {**SETTINGS, "max_length": 40}
    with pytest.raises(InputError, match="40 tokens at most, 32 with --xla"):
        fit(problem, BertSettings(**settings, xla=True))
    with pytest.raises(InputError, match="40 tokens at most"):
        fit(problem, BertSettings(**{**settings, "max_length": 41}))
