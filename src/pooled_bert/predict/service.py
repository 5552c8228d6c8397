"""The service of serve.py: JSON batches of texts or pairs in, probabilities out; health and metrics."""

import hmac
import time
from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, Unauthorized
from werkzeug.routing import Rule
from werkzeug.wrappers import Request, Response

from ..base.schemas import parse_json
from ..models.prediction import NotWanted
from .predictor import Predictor
from .service_metrics import ServiceMetrics
from .together import Together
from .web_app import WebApp, json_response

PATHS = ("/", "/health", "/metrics", "/predict")


class TextRows(TypedDict):
    """A batch of texts."""

    texts: list[str]


class PairRows(TypedDict):
    """A batch of pairs of texts."""

    pairs: list[list[str]]


ROWS: dict[str, Any] = {"text": TextRows, "pair": PairRows}


@dataclass(frozen=True)
class Limits:
    """What one request may have, and how many there may be.

    body : bytes.  rows : texts or pairs.  characters : of one text, or of both texts of a pair.
    in_flight : requests that are computed or wait.  seconds : to wait and to be computed.
    """

    body: int = 2_000_000
    rows: int = 128
    characters: int = 20_000
    in_flight: int = 32
    seconds: float = 30.0


class Service(WebApp):
    """The application.

    token : what a request must show; None: nothing, but then only ``own_hosts`` are answered.  at_once : number of
    batches that are computed at the same time.
    """

    def __init__(
        self,
        predictor: Predictor,
        limits: Limits,
        *,
        token: str | None,
        own_hosts: set[str],
        at_once: int = 1,
    ):
        self.predictor, self.limits, self.token = predictor, limits, token
        self.max_body = limits.body
        self.too_large = (
            f"the body has more than {limits.body:,} bytes, the most that is read; send fewer rows"
        )
        super().__init__(None if token else own_hosts, limits.in_flight, limits.seconds)
        self.metrics = ServiceMetrics(run=predictor.run.name, labels=",".join(predictor.labels))
        self.metrics.watch_in_flight(lambda: self.n_in_flight)
        self._together = Together(self._predict, limits.rows, at_once)

    def rules(self) -> list[Rule]:
        """Return the four paths."""
        endpoints = (self._about, self._health, self._metrics, self._answer)
        return [
            Rule(path, methods=["POST" if path == "/predict" else "GET"], endpoint=endpoint)
            for path, endpoint in zip(PATHS, endpoints, strict=True)
        ]

    def check(self, request: Request) -> None:
        """Raise an HTTPException for a request without the token, or from a foreign web page."""
        super().check(request)
        if self.token is None or request.path == "/health":
            return
        given = request.headers.get("Authorization", "").encode()
        if not hmac.compare_digest(given, f"Bearer {self.token}".encode()):
            raise Unauthorized(
                "expected the header Authorization: Bearer TOKEN, with the token of this service",
                www_authenticate=WWWAuthenticate("bearer"),
            )

    def respond(self, request: Request) -> Response:
        """Return the response to a request, counted and timed."""
        started = time.perf_counter()
        response = super().respond(request)
        path = request.path if request.path in PATHS else "other"
        self.metrics.requests.labels(path, response.status_code).inc()
        self.metrics.seconds.labels(path).observe(time.perf_counter() - started)
        return response

    def refuse(self, status: int, reason: str) -> Response:
        """Return the response to a request that the server refused, counted."""
        self.metrics.requests.labels("unread", status).inc()
        return super().refuse(status, reason)

    def _about(self, _: Request) -> Response:
        """Say what is served: run, labels, what a request looks like, and its limits."""
        example = (
            {"texts": ["a text"]} if self.predictor.noun == "text" else {"pairs": [["a text", "another"]]}
        )
        return json_response(
            {
                "run": self.predictor.run.name,
                "folds": [fold.fold for fold in self.predictor.run.folds],
                "made_up": self.predictor.run.made_up,
                "labels": self.predictor.labels,
                "one_class": self.predictor.target.is_exclusive,
                "example": {"POST": "/predict", "body": example},
                "limits": vars(self.limits),
            }
        )

    def _health(self, _: Request) -> Response:
        """Say whether requests are answered: status 200, and 503 once the service stops."""
        return json_response(
            {"status": "stopping" if self.is_stopping else "ok"}, 503 if self.is_stopping else 200
        )

    def _metrics(self, _: Request) -> Response:
        return Response(self.metrics.text(), content_type="text/plain; version=0.0.4; charset=utf-8")

    def _answer(self, request: Request) -> Response:
        """Return one row of probabilities per text or pair, in the order given."""
        with self.slot(request) as is_wanted:
            items = self._items(self.body(request))
            try:
                probabilities = self._together.predict(items, is_wanted)
            except NotWanted:
                self.metrics.abandoned.inc()
                raise
        self.metrics.rows.inc(len(items))
        return json_response({"labels": self.predictor.labels, "probabilities": _rounded(probabilities)})

    def _items(self, body: bytes) -> list:
        """Return the texts or joined pairs of a request; raises an HTTPException or InputError."""
        name = f"{self.predictor.noun}s"
        try:
            rows = parse_json(body, ROWS[self.predictor.noun])[name]
        except ValueError as error:
            raise BadRequest(f'expected JSON like {{"{name}": […]}}: {error}') from error
        if len(rows) > self.limits.rows:
            raise RequestEntityTooLarge(
                f"{len(rows):,} {name}, but a request may have {self.limits.rows:,}; send them in several"
            )
        items = self.predictor.checked(rows)
        for number, item in enumerate(items):
            if len(item) > self.limits.characters:
                raise RequestEntityTooLarge(
                    f"{self.predictor.noun} {number} has {len(item):,} characters, but may have"
                    f" {self.limits.characters:,}; cut it"
                )
        return items

    def _predict(self, items: list) -> np.ndarray:
        started = time.perf_counter()
        probabilities = self.predictor.predict_proba(items)
        self.metrics.batch_seconds.observe(time.perf_counter() - started)
        self.metrics.batch_rows.observe(len(items))
        return probabilities


def _rounded(probabilities: np.ndarray) -> list[list[float]]:
    """Return the numbers of a table, each as the shortest decimal that is the same float32."""
    return [[float(str(value)) for value in row] for row in probabilities]
