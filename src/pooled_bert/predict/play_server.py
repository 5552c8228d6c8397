"""The server of a page to type texts into, for the user of this machine alone; nothing is logged or kept.

The server listens on 127.0.0.1. Other web pages in the same browser must not use it either. It therefore refuses
requests with another host name (DNS rebinding) or from another origin. It also refuses bodies that are not JSON: a
foreign page could send these without a preflight request.
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
MAX_CHARACTERS = 20_000  # per text to be predicted
MAX_WORDS = 300  # per text to be explained: occlusion needs one prediction per word
MAX_BODY = 200_000  # bytes of a request
WAITING = 4  # requests that may be computed or wait at the same time; further requests are refused
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
    """The WSGI application. ``predictors``: by name of the run; ``port``: the port that the server listens on."""

    def __init__(self, predictors: Mapping[str, Predictor], benchmark: Benchmark, port: int):
        self.predictors, self.benchmark = predictors, benchmark
        self.hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self.origins = {f"http://{host}" for host in self.hosts}
        self._slots = threading.BoundedSemaphore(WAITING)
        self._computing = threading.Lock()  # one request at a time: several would only share the processor

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
            raise Forbidden("this page is available only as 127.0.0.1 or localhost")
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
        """Return what the page shows before a text is typed: labels, runs, methods, examples, limits."""
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
        if not self._slots.acquire(blocking=False):
            raise ServiceUnavailable("the server is busy; try again in a moment")
        try:
            with self._computing:
                if request.path == "/predict":
                    return {"probabilities": predictor.predict_proba([text])[0].tolist()}
                return _explanation(predictor, text, method)
        except InputError as error:
            raise BadRequest(str(error)) from error
        finally:
            self._slots.release()

    def _wanted(self, request: Request) -> tuple[str, Predictor, str]:
        """Return text, predictor and method of a request; raises an HTTPException for an invalid request."""
        if request.mimetype != "application/json":
            raise UnsupportedMediaType("expected a JSON object, sent as application/json")
        try:
            content = json.loads(request.get_data())
            text, run, method = content["text"], content["run"], content.get("method", "occlusion")
            text = text.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")
            predictor = self.predictors[run]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise BadRequest("expected a JSON object with a text and the name of a run") from error
        if len(text) > MAX_CHARACTERS:
            raise RequestEntityTooLarge(
                f"the text has {len(text):,} characters; at most {MAX_CHARACTERS:,} can be predicted here"
            )
        if method not in METHODS:
            raise BadRequest(f"unknown method, expected one of {', '.join(METHODS)}")
        return text, predictor, method


def _explanation(predictor: Predictor, text: str, method: str) -> dict:
    """Return the explanation as JSON: the text in pieces, words with one weight per label, the rest with null."""
    if len(text.split()) > MAX_WORDS:
        raise InputError(
            f"the text has more than {MAX_WORDS} words, too many to explain here; use predict.py --explain"
        )
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
    """Return a server that answers on 127.0.0.1 once it is run, and its port; ``port`` 0 takes any free port.

    Raises InputError if the port is taken.
    """
    try:
        listener = socket.create_server(("127.0.0.1", port))
    except OSError as error:
        raise InputError(
            f"--port {port}: the server cannot listen on it ({error.strerror or error}); give another --port"
        ) from error
    port = listener.getsockname()[1]
    server = create_server(
        PlayApp(predictors, benchmark, port),
        sockets=[listener],
        threads=2 * WAITING,  # so that the page itself is served while other requests are computed
        max_request_body_size=MAX_BODY,
        ident=None,
    )
    return server, port
