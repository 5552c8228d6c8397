import numpy as np
import pytest
import tensorflow as tf
from scipy.special import logit

from pooled_bert.benchmarks.targets import ONE_CLASS, TARGETS
from pooled_bert.models.outputs import log_odds, probabilities
from pooled_bert.training.losses import LOSSES

pytestmark = pytest.mark.numerical
LOGITS = np.random.default_rng(0).normal(scale=3, size=(6, 4)).astype(np.float32)


@pytest.mark.parametrize("target", TARGETS.values())
def test_log_odds_are_those_of_the_probabilities(target):
    expected = logit(probabilities(tf.constant(LOGITS), target).numpy().astype(np.float64))
    assert log_odds(tf.constant(LOGITS), target).numpy() == pytest.approx(expected, abs=1e-3)


def test_probabilities_of_classes_add_up_to_one():
    assert probabilities(tf.constant(LOGITS), ONE_CLASS).numpy().sum(axis=1) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("target", TARGETS.values())
def test_loss_is_the_log_loss_and_shares_of_a_batch_add_up_to_it(target):
    labels = np.eye(4, dtype=np.float32)[[0, 1, 2, 3, 0, 1]]
    labels[4] = np.nan
    loss = LOSSES[target.name]
    count = loss.count(tf.constant(labels))
    whole = float(loss.value(labels, LOGITS, count))
    expected = target.scores(labels, probabilities(tf.constant(LOGITS), target).numpy())["log_loss"]
    assert whole == pytest.approx(expected, rel=1e-4)
    parts = [float(loss.value(labels[part], LOGITS[part], count)) for part in (slice(0, 2), slice(2, 6))]
    assert sum(parts) == pytest.approx(whole, rel=1e-5)
