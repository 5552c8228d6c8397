"""The plan of a training: how much of the learning rate RectifiedAdam uses, and the warning."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_addons as tfa

from pooled_bert.training.optimizer import WarmupDecay
from pooled_bert.training.plan import announce, rate_shares
from pooled_bert.training.settings import BertSettings


def test_shares_are_the_steps_that_the_optimizer_takes():
    settings = BertSettings(warmup=0.1, learning_rate=1.0)
    schedule = WarmupDecay(1.0, total_steps=40, warmup=0.1, decay="linear")
    optimizer = tfa.optimizers.RectifiedAdam(schedule, epsilon=1e-12)
    weight, steps = tf.Variable([0.0]), []
    for _ in range(40):  # with a constant gradient, Adam moves a weight by the whole rate
        before = weight.numpy()[0]
        optimizer.apply_gradients([(tf.constant([1e-6]), weight)])
        steps.append(before - weight.numpy()[0])
    assert np.allclose(rate_shares(40, settings)[5:], steps[5:], rtol=1e-2)
    assert not rate_shares(40, settings)[:5].any()


def test_rate_that_stays_is_used_in_full_in_the_end():
    assert rate_shares(20_000, BertSettings(decay="none"))[-1] == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(("steps", "warns"), [(19, True), (1_000, False)])
def test_training_too_short_for_its_rate_is_announced_with_a_warning(capsys, steps, warns):
    announce("fold 0", BertSettings(), rows=600, steps=steps, valid=100, test=20)
    said = capsys.readouterr()
    assert said.out.startswith(f"fold 0: 600 training rows, {steps:,} steps in 4 epochs")
    assert "100 validation rows and 20 test rows" in said.out
    assert ("can hardly learn" in said.err) == warns
