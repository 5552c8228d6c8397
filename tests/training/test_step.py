import numpy as np
import pytest
import tensorflow as tf

from pooled_bert.benchmarks.targets import SEVERAL_LABELS
from pooled_bert.inputs.tokens import SIGNATURE
from pooled_bert.models.encoders import load_encoder
from pooled_bert.models.network import build_model
from pooled_bert.training.losses import masked_cross_entropy
from pooled_bert.training.optimizer import make_optimizer
from pooled_bert.training.step import Objective, fast_gradient, train_step_function

IDS = np.array([[2, 7, 8, 3], [2, 9, 3, 0]], np.int32)
INPUTS = {"input_ids": IDS, "token_type_ids": IDS * 0, "attention_mask": (IDS > 0).astype(np.int32)}
LABELS = np.array([[1, 0], [0, 1]], np.float32)


@pytest.fixture
def model(tokenizer):
    encoder = load_encoder("tiny", tokenizer)
    return build_model(encoder, SIGNATURE, target=SEVERAL_LABELS, n_labels=2, pooling="mean", dropout=0.0)


def test_fast_gradient_is_of_the_size_asked_for_a_text_at_a_time():
    gradient = np.random.default_rng(0).normal(size=(3, 4, 5)).astype(np.float32)
    gradient[2] = 0
    step = fast_gradient(gradient, 0.7).numpy()
    assert np.linalg.norm(step.reshape(3, -1), axis=1) == pytest.approx([0.7, 0.7, 0.0], abs=1e-6)
    assert np.allclose(step[0] / step[0, 0, 0], gradient[0] / gradient[0, 0, 0], atol=1e-4)


@pytest.mark.numerical
def test_adversarial_step_adds_the_gradients_at_embeddings_that_raise_the_loss(model):
    def loss_and_gradients(embedded, variables):
        with tf.GradientTape() as tape:
            tape.watch(embedded["inputs_embeds"])
            loss = masked_cross_entropy(LABELS, model.classify(embedded), 4.0)
        return loss, tape.gradient(loss, [embedded["inputs_embeds"], *variables])

    head = model.trainable_variables[-2:]
    embedded = model.embed(INPUTS)
    loss, (of_words, *plain) = loss_and_gradients(embedded, head)
    moved = {**embedded, "inputs_embeds": embedded["inputs_embeds"] + fast_gradient(of_words, 0.3)}
    higher, (_, *perturbed) = loss_and_gradients(moved, head)
    assert float(higher) > float(loss)
    optimizer = tf.keras.optimizers.legacy.SGD(1.0)
    before = [variable.numpy() for variable in head]
    seen = train_step_function(model, optimizer, Objective(adversarial=0.3))(INPUTS, LABELS)
    assert float(seen) == pytest.approx(float(loss), rel=1e-5)
    for old, variable, *gradients in zip(before, head, plain, perturbed, strict=True):
        assert np.allclose(old - variable.numpy(), gradients[0] + gradients[1], atol=1e-5)


def test_one_step_changes_every_trainable_parameter(model):
    before = [variable.numpy() for variable in model.trainable_variables]
    step = train_step_function(model, make_optimizer(1e-2, total_steps=1, warmup=0.0, decay="none"))
    step(INPUTS, LABELS)
    after = {variable.name: variable.numpy() for variable in model.trainable_variables}
    unchanged = [
        name for (name, value), old in zip(after.items(), before, strict=True) if (value == old).all()
    ]
    assert [name for name in unchanged if "key/bias" not in name] == []  # softmax ignores a shift of all keys
