import numpy as np
import pytest
import tensorflow as tf
import tensorflow_addons as tfa

from pooled_bert.optimizer import WarmupDecay, make_optimizer, set_precision


@pytest.fixture(autouse=True)
def plain_precision():
    yield
    tf.keras.mixed_precision.set_global_policy("float32")


def rates(**options):
    schedule = WarmupDecay(1.0, total_steps=10, **options)
    return [float(schedule(step)) for step in range(10)]


def test_constant_rate_without_warmup_and_decay():
    assert rates(warmup=0.0, decay="none") == [1.0] * 10


def test_rate_rises_linearly_then_falls_towards_zero():
    values = rates(warmup=0.4, decay="linear")
    assert values[:4] == pytest.approx([0.25, 0.5, 0.75, 1.0])
    assert np.all(np.diff(values[3:]) < 0)
    assert 0 < values[-1] < 0.2


def test_updates_are_those_of_rectified_adam_at_the_scheduled_rate():
    ours = make_optimizer(0.1, total_steps=8, warmup=0.0, decay="none")
    plain = tfa.optimizers.RectifiedAdam(0.1)
    variables = [tf.Variable([1.0, -2.0, 3.0]), tf.Variable([1.0, -2.0, 3.0])]
    for step in range(8):
        gradient = tf.constant([0.3, -0.1, 0.7]) * (step + 1)
        for optimizer, variable in zip((ours, plain), variables, strict=True):
            optimizer.apply_gradients([(gradient, variable)])
        assert np.allclose(variables[0], variables[1], atol=1e-7)
    assert not np.allclose(variables[0], [1.0, -2.0, 3.0])


def test_float16_scales_the_loss():
    assert set_precision("float16") == "float16"
    optimizer = make_optimizer(0.1, total_steps=8, warmup=0.0, decay="none")
    assert isinstance(optimizer, tf.keras.mixed_precision.LossScaleOptimizer)


@pytest.mark.parametrize("precision", ["auto", "float32", "bfloat16", "float16"])
def test_layers_compute_in_the_precision_that_is_reported(precision):
    chosen = set_precision(precision)
    assert chosen == precision or precision == "auto"
    assert tf.keras.layers.Dense(1).compute_dtype == chosen
