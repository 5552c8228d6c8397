"""The server of play.py: it listens on 127.0.0.1 and serves the page of texts or of sounds."""

from collections.abc import Mapping

import numpy as np

from ..base.errors import InputError
from ..benchmarks.benchmark import Benchmark
from . import web_server
from .play_app import PageApp
from .play_sound import Example, SoundApp
from .play_text import TextApp
from .predictor import Predictor


def make_server(
    predictors: Mapping[str, Predictor],
    benchmark: Benchmark,
    port: int,
    examples: list[Example] | None = None,
    thresholds: Mapping[str, np.ndarray] | None = None,
) -> tuple[web_server.Server, int]:
    """Return a server that answers on 127.0.0.1 once it is run, and its port; ``port`` 0 takes any free port.

    ``predictors``: by name of the run. ``examples``: recordings to choose on the page of sounds. ``thresholds``: of
    labels, by name of the run. Raises InputError if the port is taken, or if the runs have different labels.
    """
    first, *others = predictors
    for name in others:
        if predictors[name].labels != predictors[first].labels:
            raise InputError(
                f"runs {first!r} and {name!r} have different labels, or the same in another order; show one of them"
            )
    listener, port = web_server.listen("127.0.0.1", port)
    app: PageApp
    if benchmark.medium == "sound":
        app = SoundApp(predictors, benchmark, examples or [])
    else:
        app = TextApp(predictors, benchmark, thresholds)
    return web_server.make_server(app, listener), port
