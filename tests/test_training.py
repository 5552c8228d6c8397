import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from pooled_bert import training
from pooled_bert.checkpoints import Checkpoints
from pooled_bert.deadline import Deadline
from pooled_bert.encoders import load_encoder
from pooled_bert.errors import InputError, TimeLimitReached
from pooled_bert.metrics import column_auc, mean_auc
from pooled_bert.model import build_model
from pooled_bert.optimizer import make_optimizer
from pooled_bert.problem import Problem
from pooled_bert.settings import BertSettings
from pooled_bert.steps import masked_cross_entropy, train_step_function
from pooled_bert.training import fit

SETTINGS = {"encoder": "tiny", "learning_rate": 1e-2, "batch_size": 8, "epochs": 4, "max_length": 32}


class StopAfter(Deadline):
    """Leaves time for a number of steps."""

    def __init__(self, steps):
        super().__init__(1.0)
        self.steps = steps

    def leaves(self, seconds):
        self.steps -= 1
        return self.steps > 0

    def check(self, seconds=0.0):
        if self.steps <= 0:
            raise TimeLimitReached


@pytest.fixture(scope="module")
def problem(tmp_path_factory):
    """300 texts; label a: contains 'alpha', b: contains 'beta'. Every tenth cell is unlabelled."""
    random = np.random.default_rng(0)
    words = np.array(["gamma", "delta", "kappa", "sigma", "omega", "alpha", "beta"])
    chosen = [random.choice(words, 4, p=[0.17] * 5 + [0.075] * 2) for _ in range(300)]
    labels = np.array([["alpha" in row, "beta" in row] for row in chosen], np.float64)
    labels[::10, 1] = np.nan
    return Problem(
        label_names=("a", "b"),
        texts=[" ".join(row) for row in chosen],
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


def test_model_learns_and_predicts_validation_and_test_rows(problem, outcome):
    assert outcome.oof.shape == (80, 2)
    assert outcome.test.shape == (3, 2)
    assert mean_auc(column_auc(problem.labels[problem.valid], outcome.oof)) > 0.95
    assert outcome.test[0, 0] > outcome.test[2, 0]
    assert [record["epoch"] for record in outcome.history] == [1, 2, 3, 4]
    assert outcome.history[-1]["loss"] < outcome.history[0]["loss"]


def test_training_is_repeatable_to_the_bit(problem, outcome):
    again = fit(problem, BertSettings(**SETTINGS))
    assert (again.oof == outcome.oof).all()
    assert again.history == outcome.history


@pytest.mark.parametrize("settings", [{"keep": "best"}, {"precision": "float16"}], ids=str)
def test_stopped_and_resumed_training_ends_the_same_to_the_bit(problem, encoder_folder, tmp_path, settings):
    settings = BertSettings(**{**SETTINGS, "encoder": str(encoder_folder), "epochs": 2, **settings})
    expected = fit(problem, settings)
    for steps in (3, 30):  # 28 steps an epoch: within the first, and within the second
        stopping = dataclasses.replace(
            problem, checkpoints=Checkpoints(tmp_path, minutes=60), deadline=StopAfter(steps)
        )
        with pytest.raises(TimeLimitReached):
            fit(stopping, settings)
    resumed = fit(dataclasses.replace(problem, checkpoints=Checkpoints(tmp_path, minutes=60)), settings)
    assert (resumed.oof == expected.oof).all()
    assert (resumed.test == expected.test).all()
    assert resumed.history == expected.history
    tf.keras.mixed_precision.set_global_policy("float32")


def test_state_of_another_version_of_the_model_is_refused(problem, tmp_path):
    checkpoints = Checkpoints(tmp_path, minutes=60)
    checkpoints.save(1, {"variable_0": np.zeros(3)}, {"state": {}, "seconds": 1.0})
    with pytest.raises(InputError, match="another version of this code; delete it"):
        fit(dataclasses.replace(problem, checkpoints=checkpoints), BertSettings(**SETTINGS))


def test_keep_best_keeps_the_best_epoch_and_says_that_it_is_optimistic(problem, outcome):
    best = fit(problem, BertSettings(**SETTINGS, keep="best"))
    aucs = [record["mean_auc"] for record in best.history]
    assert mean_auc(column_auc(problem.labels[problem.valid], best.oof)) == max(aucs)
    assert best.optimistic
    assert not outcome.optimistic


def test_one_step_changes_every_trainable_parameter(tokenizer):
    model = build_model(load_encoder("tiny", tokenizer), n_labels=2, pooling="mean", dropout=0.0)
    before = [variable.numpy() for variable in model.trainable_variables]
    ids = np.array([[2, 7, 8, 3], [2, 9, 3, 0]], np.int32)
    inputs = {
        "input_ids": ids,
        "token_type_ids": np.zeros_like(ids),
        "attention_mask": (ids > 0).astype(np.int32),
    }
    step = train_step_function(model, make_optimizer(1e-2, total_steps=1, warmup=0.0, decay="none"))
    step(inputs, np.array([[1, 0], [0, 1]], np.float32))
    after = {variable.name: variable.numpy() for variable in model.trainable_variables}
    unchanged = [
        name for (name, value), old in zip(after.items(), before, strict=True) if (value == old).all()
    ]
    assert [name for name in unchanged if "key/bias" not in name] == []  # softmax ignores a shift of all keys


def test_unlabelled_cells_do_not_enter_the_loss():
    logits = tf.constant([[0.3, -1.0], [2.0, 5.0]])
    loss = masked_cross_entropy(tf.constant([[1.0, np.nan], [0.0, np.nan]]), logits, 2.0)
    expected = np.mean([np.log1p(np.exp(-0.3)), np.log1p(np.exp(2.0))])
    assert float(loss) == pytest.approx(expected, rel=1e-5)
    assert float(masked_cross_entropy(tf.fill([2, 2], np.nan), logits, 0.0)) == 0.0


def test_unlabelled_cells_get_no_gradient():
    logits = tf.Variable([[0.3, -1.0]])
    with tf.GradientTape() as tape:
        loss = masked_cross_entropy(tf.constant([[1.0, np.nan]]), logits, 1.0)
    gradient = tape.gradient(loss, logits).numpy()
    assert gradient[0, 0] < 0
    assert gradient[0, 1] == 0


def test_loss_that_is_no_longer_a_number_stops_the_fold_with_advice(problem):
    with pytest.raises(InputError, match="lower --learning-rate"):
        fit(problem, BertSettings(**{**SETTINGS, "learning_rate": 1e38}))


@pytest.mark.parametrize(("precision", "xla"), [("bfloat16", False), ("float16", True)])
def test_lower_precisions_train_too(problem, precision, xla):
    outcome = fit(problem, BertSettings(**{**SETTINGS, "epochs": 1}, precision=precision, xla=xla))
    assert np.isfinite(outcome.oof).all()
    assert outcome.information["precision"] == precision
    tf.keras.mixed_precision.set_global_policy("float32")


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

    monkeypatch.setattr(training, "load_encoder", short_encoder)
    settings = {**SETTINGS, "max_length": 40}
    with pytest.raises(InputError, match="40 tokens at most, 32 with --xla"):
        fit(problem, BertSettings(**settings, xla=True))
    with pytest.raises(InputError, match="40 tokens at most"):
        fit(problem, BertSettings(**{**settings, "max_length": 41}))
