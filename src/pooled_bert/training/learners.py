"""The learner of each architecture."""

from collections.abc import Callable

from ..base.tensorflow_setup import start_tensorflow


def load_learner(model: str) -> Callable:
    """Return an architecture's function fit(problem, settings) -> outcome; TensorFlow is loaded only if needed."""
    if model == "linear":
        from .linear import fit
    else:
        start_tensorflow()
        from .neural import fit
    return fit
