from types import SimpleNamespace

import numpy as np

from pooled_bert.inputs.augmentation import Augmentation
from pooled_bert.inputs.frames import Frames
from pooled_bert.training.neural import Training


def test_rows_that_fill_up_a_mixed_batch_erase_no_labels_of_the_others():
    random = np.random.default_rng(0)
    training = SimpleNamespace(
        n_replicas=4,
        labels=np.eye(5, dtype=np.float32),
        settings=SimpleNamespace(xla=False),
        change=Augmentation(crop=0, stretch=0, masks=0, noise=0, mixup=0.5, smoothing=0),
        inputs=Frames(random.normal(size=(50, 70)).astype(np.float32), np.arange(0, 51, 10)),
    )
    inputs, labels = Training._batch(training, np.arange(5), random)
    assert len(inputs["frames"]) == len(labels) == 8  # four replicas of two rows
    np.testing.assert_allclose(labels[:5].sum(axis=1), 1, rtol=1e-6)
    assert (labels[:5] > 0).sum() > 5  # some rows are mixed
    assert np.isnan(labels[5:]).all()
