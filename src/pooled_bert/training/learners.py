"""The learner of each architecture."""

import importlib
from collections.abc import Callable

from ..base.tensorflow_setup import start_tensorflow
from .neural_settings import NeuralSettings
from .settings import ModelSettings


def load_learner(settings: ModelSettings) -> Callable:
    """Return an architecture's function fit(problem, settings) -> outcome; TensorFlow is loaded only if needed."""
    if isinstance(settings, NeuralSettings):
        start_tensorflow()
    return importlib.import_module(f".{settings.learner}", __package__).fit
