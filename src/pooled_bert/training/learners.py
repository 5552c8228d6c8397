"""The learner of each architecture."""

import importlib
from collections.abc import Callable

from ..base.tensorflow_setup import start_tensorflow
from .neural_settings import NeuralSettings
from .problem import Outcome, Problem
from .settings import ModelSettings


def load_learner(settings: ModelSettings) -> Callable[[Problem], Outcome]:
    """Return the architecture's function from problem to outcome; TensorFlow is loaded only if needed.

    One learner serves all folds of a run: what it makes ready for the first fold, it uses again for the others.
    """
    if isinstance(settings, NeuralSettings):
        start_tensorflow()
    return importlib.import_module(f".{settings.learner}", __package__).make_learner(settings)
