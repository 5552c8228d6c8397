"""A finished fold's model, to predict with: in an engine that is ready at once, or in TensorFlow."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..base.errors import InputError
from ..base.processor import has_gpu, n_cores
from ..base.tensorflow_setup import start_tensorflow
from ..inputs.batches import Inputs
from ..inputs.tokens import Windows
from .engine import Engine, has_engine
from .prediction import Device, Forward, attention_of, predict_all
from .saved_model import REMEDY, Described, read_description

if TYPE_CHECKING:
    import tensorflow as tf

# Tokens per batch of the engine, for one core: its intermediate values stay in the core's cache.
ENGINE_TOKENS = 1024


@dataclass(frozen=True)
class FoldModel(Described):
    """The model in ``folder``. ``engine``: None if TensorFlow computes it, in the precision asked for."""

    folder: Path
    precision: str
    engine: Engine | None

    def network(self) -> "tf.keras.Model":
        """Return the model in TensorFlow, loaded at the first call; raises InputError if it is damaged."""
        return self._loaded[0]

    @property
    def used_precision(self) -> str:
        """The precision of matrix products, e.g. ``float32``."""
        return self.engine.precision if self.engine else self._loaded[1]

    @cached_property
    def _loaded(self) -> tuple["tf.keras.Model", str]:
        start_tensorflow(is_guest=True)
        from .classifier import load_classifier
        from .precision import precision_set

        with precision_set("float32" if self.engine else self.precision) as used:
            return load_classifier(self.folder).model, used

    @cached_property
    def forward(self) -> Forward:
        """The function from some rows of inputs to probabilities."""
        if self.engine:
            return self.engine.probabilities
        from .inference import tensorflow_forward

        return tensorflow_forward(self.network())

    @property
    def device(self) -> Device:
        """How batches suit what computes."""
        if self.engine:
            return Device(ENGINE_TOKENS, at_once=n_cores())
        from .inference import device

        return device()

    def attention(self, inputs: Inputs) -> list[np.ndarray]:
        """Return each step's weight in the attention pooling, see ``attention_of``.

        Raises InputError for a model with another pooling.
        """
        if self.engine and self.head["pooling"] == "attention":
            return attention_of(self.engine.attention, inputs, self.device)
        from .inference import attention_weights

        return attention_weights(self.network(), inputs)


def open_fold_model(folder: Path, precision: str) -> FoldModel:
    """Open the model that ``Classifier.save`` wrote into ``folder``; raises InputError if it is damaged.

    precision : of matrix products: ``float32``, ``bfloat16``, ``float16``, ``int8``, or ``auto``: float32 where the
    engine computes, otherwise the fastest. The engine computes float32 and int8, if it knows the model's family and
    there is no GPU; TensorFlow computes the rest.
    """
    description = read_description(folder)
    engine = None
    if precision in ("float32", "auto", "int8") and not has_gpu() and has_engine(folder, description):
        engine = Engine(folder, description, "int8" if precision == "int8" else "float32")
    return FoldModel(description.reader, description.head, folder, precision, engine)


def predict_folds(models: Sequence[FoldModel], inputs: Inputs | Windows) -> np.ndarray:
    """Return the probabilities of the same inputs by each model, float32 [n_models, n_items, n_labels].

    Raises InputError for a model whose answers are not numbers.
    """
    first = models[0]
    forwards = [model.forward for model in models]
    predicted = predict_all(forwards, inputs, first.target, len(first.head["labels"]), first.device)
    for model, probabilities in zip(models, predicted, strict=True):
        if not np.isfinite(probabilities).all():
            raise InputError(f"{model.folder}: its weights make probabilities that are not numbers; {REMEDY}")
    return predicted
