"""The server of play.py: it listens on 127.0.0.1 and serves the page of texts or of sounds."""

import socket
from collections.abc import Mapping
from typing import Any

import numpy as np
from waitress.server import create_server

from ..base.errors import InputError
from ..benchmarks.benchmark import Benchmark
from .play_app import WAITING, PageApp
from .play_sound import Example, SoundApp
from .play_text import TextApp
from .predictor import Predictor

CONNECTIONS = 500
STALLED_SECONDS = (
    10  # after which a connection without a whole request is closed, so that it keeps nobody out
)


def make_server(
    predictors: Mapping[str, Predictor],
    benchmark: Benchmark,
    port: int,
    examples: list[Example] | None = None,
    thresholds: Mapping[str, np.ndarray] | None = None,
) -> tuple[Any, int]:
    """Return a server that answers on 127.0.0.1 once it is run, and its port; ``port`` 0 takes any free port.

    ``predictors``: by name of the run. ``examples``: recordings to choose on the page of sounds. ``thresholds``: of
    labels, by name of the run. Raises InputError if the port is taken.
    """
    try:
        listener = socket.create_server(("127.0.0.1", port))
    except OSError as error:
        raise InputError(
            f"--port {port}: the server cannot listen on it ({error.strerror or error}); give another --port"
        ) from error
    port = listener.getsockname()[1]
    app: PageApp
    if benchmark.medium == "sound":
        app = SoundApp(predictors, benchmark, port, examples or [])
    else:
        app = TextApp(predictors, benchmark, port, thresholds)
    server = create_server(
        app,
        sockets=[listener],
        connection_limit=CONNECTIONS,
        channel_timeout=STALLED_SECONDS,
        cleanup_interval=1,
        channel_request_lookahead=1,  # so that it is noticed if nobody waits for an answer any more
        threads=2 * WAITING,  # so that the page itself is served while other requests are computed
        max_request_body_size=app.max_body + 1,  # waitress refuses this size, before it reads the body
        inbuf_overflow=app.max_body + 1,  # waitress writes larger bodies to a file on disk
        ident=None,
    )
    return server, port
