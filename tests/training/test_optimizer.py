import numpy as np
import pytest
import tensorflow as tf
import tensorflow_addons as tfa

from pooled_bert.benchmarks.targets import SEVERAL_LABELS
from pooled_bert.inputs.tokens import SIGNATURE
from pooled_bert.models.encoders import load_encoder
from pooled_bert.models.network import build_model
from pooled_bert.models.precision import set_precision
from pooled_bert.training.optimizer import WarmupDecay, layers_above, make_optimizer

pytestmark = pytest.mark.numerical


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


@pytest.mark.parametrize("decay", ["none", "linear"])
def test_parameters_follow_those_of_plain_rectified_adam_step_by_step(decay):
    """Dense gradients, and sparse ones: rows met once, often, twice in a step, and again after a pause."""
    random = np.random.default_rng(0)
    steps = 40
    ours = make_optimizer(0.1, total_steps=steps, warmup=0.0, decay=decay)
    plain = tfa.optimizers.RectifiedAdam(WarmupDecay(0.1, total_steps=steps, warmup=0.0, decay=decay))
    shapes = [(20, 3), (4, 5), (6,), (20, 3)]
    starts = [random.normal(size=shape).astype(np.float32) for shape in shapes]
    models = [[tf.Variable(start) for start in starts] for _ in range(2)]
    for step in range(steps):
        rows = random.choice(20, 6) if step % 7 else np.array([19, 19, 0])
        sparse = tf.IndexedSlices(
            tf.constant(random.normal(size=(len(rows), 3)), tf.float32),
            tf.constant(rows),
            tf.constant([20, 3]),
        )
        scale = 10.0 ** random.integers(-6, 1)
        dense = [tf.constant(scale * random.normal(size=shape), tf.float32) for shape in shapes[1:]]
        for optimizer, model in zip((ours, plain), models, strict=True):
            optimizer.apply_gradients(zip([sparse, *dense], model, strict=True))
        for left, right in zip(*models, strict=True):
            assert np.allclose(left, right, rtol=1e-5, atol=1e-6), step
    assert all(
        np.abs(model.numpy() - start).max() > 0.01 for model, start in zip(models[0], starts, strict=True)
    )


def test_float16_scales_the_loss():
    assert set_precision("float16") == "float16"
    optimizer = make_optimizer(0.1, total_steps=8, warmup=0.0, decay="none")
    assert isinstance(optimizer, tf.keras.mixed_precision.LossScaleOptimizer)


@pytest.mark.parametrize("precision", ["auto", "float32", "bfloat16", "float16"])
def test_layers_compute_in_the_precision_that_is_reported(precision):
    chosen = set_precision(precision)
    assert chosen == precision or precision == "auto"
    assert tf.keras.layers.Dense(1).compute_dtype == chosen


def test_layer_decay_slows_each_layer_by_its_distance_from_the_head(tokenizer):
    encoder = load_encoder("tiny", tokenizer)
    model = build_model(encoder, SIGNATURE, target=SEVERAL_LABELS, n_labels=2, pooling="mean", dropout=0.0)
    moved = {}
    for layer_decay in (1.0, 0.5):
        tf.keras.backend.clear_session()
        options = {"layer_decay": layer_decay, "n_layers": 2}
        optimizer = make_optimizer(1e-3, total_steps=1, warmup=0.0, decay="none", **options)
        before = [variable.numpy() for variable in model.trainable_variables]
        gradients = [tf.ones_like(variable) for variable in model.trainable_variables]
        rows = tf.IndexedSlices(gradients[0][:3], tf.constant([4, 5, 7]), gradients[0].shape)
        optimizer.apply_gradients(zip([rows, *gradients[1:]], model.trainable_variables, strict=True))
        for variable, old in zip(model.trainable_variables, before, strict=True):
            moved.setdefault(variable.name, []).append(np.abs(variable.numpy() - old).max())
    shares = {name: slow / full for name, (full, slow) in moved.items()}
    for part, share in (("logits", 1.0), ("layer_._1/", 1.0), ("layer_._0/", 0.5), ("embeddings/", 0.25)):
        found = [value for name, value in shares.items() if part in name]
        assert found == pytest.approx([share] * len(found), rel=1e-2)
        assert found


def test_layers_are_known_by_the_names_of_their_variables():
    assert layers_above("tf_bert_model/bert/encoder/layer_._3/output/dense/kernel:0", 12) == 8
    assert layers_above("tf_bert_model/bert/embeddings/LayerNorm/gamma:0", 12) == 12
    assert layers_above("logits/kernel:0", 12) == layers_above("pooling/scale:0", 12) == 0
