"""A training that is compiled once and serves fold after fold: compiling takes longer than the rest of a start."""

import numpy as np
import tensorflow as tf

from ..benchmarks.targets import Target
from ..inputs.batches import Signature
from ..models.dropout import first_seed
from ..models.network import build_model
from .neural_settings import NeuralSettings
from .optimizer import make_optimizer, optimizer_variables
from .settings import BertSettings
from .step import Objective, train_step_function
from .weight_average import WeightAverage


class CompiledTraining:
    """A model, its optimizer, and the ``step`` that changes their ``variables``.

    Whatever differs from fold to fold is a variable: the weights, the seed of dropout, the number of steps, the weights
    of positives. ``restart`` sets them, so a fold gets the same result whether others were trained before it or not.
    """

    def __init__(
        self, encoder, signature: Signature, settings: NeuralSettings, *, target: Target, n_labels: int
    ):
        self.encoder = encoder
        self.model = build_model(
            encoder,
            signature,
            target=target,
            n_labels=n_labels,
            pooling=settings.pooling,
            dropout=settings.dropout,
            xla=settings.xla,
        )
        optimizer = _new_optimizer(settings, encoder)
        self.rate = optimizer.learning_rate
        self.positive_weights = tf.Variable(tf.ones([n_labels]), trainable=False, name="positive_weights")
        weights = self.model.trainable_variables
        self.average = WeightAverage(weights, settings.ema) if settings.ema else None
        objective = Objective(self.positive_weights, settings.adversarial)
        self.step = train_step_function(self.model, optimizer, objective, self.average)
        averages = self.average.averages if self.average else []
        self.variables = [*self.model.variables, *optimizer_variables(optimizer), *averages]
        self._start = [_kept(variable) for variable in self.variables]

    def restart(self, seed: int, *, total_steps: int, positive_weights: np.ndarray | float) -> None:
        """Go back to the weights that the model began with, for a training of ``total_steps`` steps.

        positive_weights : float [n_labels] or 1, see Objective.
        """
        for variable, value in zip(self.variables, self._start, strict=True):
            variable.assign(value)
        self.model.dropout_seed.assign(first_seed(seed))
        self.rate.total_steps.assign(total_steps)
        self.positive_weights.assign(np.broadcast_to(positive_weights, self.positive_weights.shape))


def _new_optimizer(settings: NeuralSettings, encoder):
    layers = {}
    if isinstance(settings, BertSettings) and settings.layer_decay:
        layers = {"layer_decay": settings.layer_decay, "n_layers": encoder.config.num_hidden_layers}
    return make_optimizer(
        settings.learning_rate, total_steps=1, warmup=settings.warmup, decay=settings.decay, **layers
    )


def _kept(variable: tf.Variable) -> np.ndarray:
    """Return a variable's value; zeros, as an optimizer begins with, take no memory."""
    value = variable.numpy()
    return value if value.any() else np.broadcast_to(value.dtype.type(0), value.shape)
