import pytest
import tensorflow as tf

from pooled_bert.training.weight_average import WeightAverage


def test_average_follows_the_weights_at_its_decay():
    weight = tf.Variable([0.0])
    average = WeightAverage([weight], decay=0.5)
    seen = []
    for step in range(20):
        weight.assign([1.0])
        average.update(tf.Variable(step, dtype=tf.int64))
        seen.append(float(average.averages[0][0]))
    assert seen[0] == pytest.approx(0.9)  # 1 - 1/10: the start is soon forgotten
    for step in (15, 19):
        assert 1 - seen[step] == pytest.approx(0.5 * (1 - seen[step - 1]), rel=1e-3)
    with average.in_use():
        assert float(weight[0]) == seen[-1]
    assert float(weight[0]) == 1.0
