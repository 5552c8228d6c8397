import numpy as np
import pytest
import tensorflow as tf

from pooled_bert.benchmarks.targets import SEVERAL_LABELS
from pooled_bert.training.losses import masked_cross_entropy


def test_weights_of_positives_balance_each_label():
    labels = np.array([[1, 0, 0], [0, 0, 1], [0, 0, np.nan], [0, 0, 0]], np.float32)
    assert SEVERAL_LABELS.positive_weights(labels, 1.0).tolist() == [3, 1, 2]
    assert SEVERAL_LABELS.positive_weights(labels, 0.5) == pytest.approx([3**0.5, 1, 2**0.5])
    logits, known = tf.constant([[0.3, -1.0]]), tf.constant([[1.0, 0.0]])
    weighted = masked_cross_entropy(known, logits, 2.0, np.array([3.0, 3.0]))
    assert float(weighted) == pytest.approx(
        (3 * np.log1p(np.exp(-0.3)) + np.log1p(np.exp(-1.0))) / 2, rel=1e-5
    )


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
