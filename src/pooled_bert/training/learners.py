"""The learner of each architecture."""

import importlib
from collections.abc import Callable

from ..base.tensorflow_setup import start_tensorflow
from .settings import MODEL_SETTINGS, NeuralSettings


def load_learner(model: str) -> Callable:
    """Return an architecture's function fit(problem, settings) -> outcome; TensorFlow is loaded only if needed.

    Models that are trained step by step share ``neural.py``. Any other has a module of its own name beside this one.
    """
    if issubclass(MODEL_SETTINGS[model], NeuralSettings):
        start_tensorflow()
        model = "neural"
    return importlib.import_module(f".{model}", __package__).fit
