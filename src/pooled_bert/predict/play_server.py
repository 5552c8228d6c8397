"""A page to type texts into, for the person at this machine alone: nothing is logged, nothing is kept.

It listens on 127.0.0.1. A page from elsewhere that is open in the same browser must not use it either, so requests with
another host name (DNS rebinding) or from another origin are refused, and so are bodies that are not JSON, which a
foreign page could send without being asked for leave.
"""

import json
import socket
import threading
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from waitress.server import create_server
from werkzeug.exceptions import (
    BadRequest,
    Forbidden,
    HTTPException,
    NotFound,
    RequestEntityTooLarge,
    ServiceUnavailable,
    UnsupportedMediaType,
)
from werkzeug.wrappers import Request, Response

from ..base.errors import InputError
from ..base.places import PAGE_FOLDER
from ..base.shown_text import visible
from ..benchmarks.benchmark import Benchmark
from .explanation import METHODS, explain, methods_of
from .explanation_view import METHOD_NOTES
from .predictor import Predictor

FILES = {
    "/": ("page.html", "text/html"),
    "/page.js": ("page.js", "text/javascript"),
    "/page.css": ("page.css", "text/css"),
}
MAX_CHARACTERS = 20_000  # of a text to be predicted
MAX_WORDS = 300  # of a text to be explained: each is left out once
MAX_BODY = 200_000  # bytes
WAITING = 4  # requests that are computed or wait for it; one more is refused
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none';"
        " form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class PlayApp:
    """The WSGI application. ``predictors`` by name of the run; ``port`` is the one that it is reached at."""

    def __init__(self, predictors: Mapping[str, Predictor], benchmark: Benchmark, port: int):
        self.predictors, self.benchmark = predictors, benchmark
        self.hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self.origins = {f"http://{host}" for host in self.hosts}
        self._places = threading.BoundedSemaphore(WAITING)
        self._computing = threading.Lock()  # one at a time: more would only share the processor

    def __call__(self, environ: dict, start_response: Callable):
        """Answer a request."""
        request = Request(environ)
        request.max_content_length = MAX_BODY
        try:
            self._check_origin(request)
            response = self._answer(request)
        except HTTPException as error:
            response = _json({"error": error.description}, error.code or 500)
        response.headers.extend(HEADERS)
        return response(environ, start_response)

    def _check_origin(self, request: Request) -> None:
        if request.headers.get("Host") not in self.hosts:
            raise Forbidden("this page is reached as 127.0.0.1 or localhost only")
        origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
        if (origin and origin not in self.origins) or site not in (None, "same-origin", "none"):
            raise Forbidden("requests from other pages are refused")

    def _answer(self, request: Request) -> Response:
        if request.method == "GET" and request.path in FILES:
            name, kind = FILES[request.path]
            return Response((PAGE_FOLDER / name).read_bytes(), mimetype=kind)
        if request.method == "GET" and request.path == "/about":
            return _json(self._about())
        if request.method == "POST" and request.path in ("/predict", "/explain"):
            return _json(self._compute(request))
        raise NotFound("there is no such page")

    def _about(self) -> dict:
        """What the page offers."""
        runs = {name: methods_of(predictor) for name, predictor in self.predictors.items()}
        return {
            "title": self.benchmark.title,
            "labels": self.benchmark.labels,
            "runs": runs,
            "notes": METHOD_NOTES,
            "examples": self.benchmark.examples,
            "limits": self.benchmark.limits,
            "max_characters": MAX_CHARACTERS,
        }

    def _compute(self, request: Request) -> dict:
        text, predictor, method = self._wanted(request)
        if not self._places.acquire(blocking=False):
            raise ServiceUnavailable("busy; try again in a moment")
        try:
            with self._computing:
                if request.path == "/predict":
                    return {"probabilities": predictor.predict_proba([text])[0].tolist()}
                return _explanation(predictor, text, method)
        except InputError as error:
            raise BadRequest(str(error)) from error
        finally:
            self._places.release()

    def _wanted(self, request: Request) -> tuple[str, Predictor, str]:
        """The text, the run and the method that a request names."""
        if request.mimetype != "application/json":
            raise UnsupportedMediaType("send JSON")
        try:
            wanted = json.loads(request.get_data())
            text, run, method = wanted["text"], wanted["run"], wanted.get("method", "occlusion")
            text = text.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")
            predictor = self.predictors[run]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise BadRequest("expected an object with a text and the name of a run") from error
        if len(text) > MAX_CHARACTERS:
            raise RequestEntityTooLarge(f"{len(text):,} characters; at most {MAX_CHARACTERS:,} are read here")
        if method not in METHODS:
            raise BadRequest("there is no such way to explain")
        return text, predictor, method


def _explanation(predictor: Predictor, text: str, method: str) -> dict:
    """The text in pieces, words with a weight a label, and what is between them without any."""
    if len(text.split()) > MAX_WORDS:
        raise InputError(f"more than {MAX_WORDS} words are not explained here; predict.py --explain does it")
    explanation = explain(predictor, text, method)
    return {
        "probabilities": explanation.probabilities.tolist(),
        "pieces": [
            [visible(piece), None if weights is None else np.round(weights, 4).tolist()]
            for piece, weights in explanation.pieces()
        ],
        "bins": explanation.bins().T[0].tolist() if method == "attention" else None,
    }


def _json(content: dict, status: int = 200) -> Response:
    return Response(json.dumps(content, ensure_ascii=False), status, mimetype="application/json")


def make_server(predictors: Mapping[str, Predictor], benchmark: Benchmark, port: int) -> tuple[Any, int]:
    """Return a server that listens on 127.0.0.1 once it is run, and its port; ``port`` 0 takes any free one.

    Raises InputError if the port is taken.
    """
    try:
        listener = socket.create_server(("127.0.0.1", port))
    except OSError as error:
        raise InputError(
            f"--port {port}: cannot listen on it ({error.strerror or error}); give another port"
        ) from error
    port = listener.getsockname()[1]
    server = create_server(
        PlayApp(predictors, benchmark, port),
        sockets=[listener],
        threads=2 * WAITING,  # so that the page itself is served while others compute
        max_request_body_size=MAX_BODY,
        ident=None,
    )
    return server, port
