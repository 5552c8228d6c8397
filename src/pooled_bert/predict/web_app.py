"""What the pages of play.py and the service of serve.py have in common: a WSGI application whose errors are JSON.

Web pages of others, open in a browser on this machine, must not use an application that needs no token. So requests
with another host name (DNS rebinding) or from another origin are refused, and so are bodies of any type but
``body_type``, which a foreign page cannot send without a preflight request.
"""

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import urlsplit

from werkzeug.exceptions import (
    BadRequest,
    Forbidden,
    HTTPException,
    MethodNotAllowed,
    NotFound,
    RequestEntityTooLarge,
    ServiceUnavailable,
    UnsupportedMediaType,
    default_exceptions,
)
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from ..base.errors import InputError
from ..models.prediction import NotWanted

HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}


class WebApp:
    """The base of the applications: routes, the checks of requests, JSON errors, and a limit of requests at a time.

    own_hosts : names that are accepted in the header Host, with any port, e.g. ``{"127.0.0.1"}``; None: all.
    in_flight : requests that may be computed or wait at the same time; further ones are refused.
    seconds : how long a request may wait and be computed; None: any time.

    A subclass gives ``rules``, and these attributes. max_body, too_large : the bytes that a request may have, and the
    message for one that has more.  body_type : the media type of a request.  headers : of every response.
    """

    max_body: int
    too_large: str
    body_type = "application/json"
    headers: Mapping[str, str] = HEADERS

    def __init__(self, own_hosts: set[str] | None, in_flight: int, seconds: float | None = None):
        self.own_hosts, self.in_flight, self.seconds = own_hosts, in_flight, seconds
        self.is_stopping = False  # set by the server; each connection is then closed after its answer
        self._urls = Map(self.rules(), merge_slashes=False).bind("")
        self.n_in_flight = 0
        self._counting = threading.Lock()

    def rules(self) -> list[Rule]:
        """Return the paths and methods; the endpoint of each is a function from a Request to a Response."""
        raise NotImplementedError

    def __call__(self, environ: dict, start_response: Callable):
        """Answer a request."""
        request = Request(environ)
        request.max_content_length = self.max_body
        response = self.respond(request)
        response.headers.extend(self.headers)
        return response(environ, start_response)

    def respond(self, request: Request) -> Response:
        """Return the response to a request; an HTTPException becomes JSON."""
        try:
            self.check(request)
            endpoint, values = self._match(request)
            return endpoint(request, **values)
        except HTTPException as error:
            return json_error(error)

    def _match(self, request: Request) -> tuple[Callable[..., Response], Mapping]:
        try:
            return self._urls.match(request.path, request.method)
        except NotFound as error:
            paths = ", ".join(rule.rule for rule in self._urls.map.iter_rules())
            raise NotFound(f"there is no such path; there are {paths}") from error
        except MethodNotAllowed as error:
            methods = sorted(error.valid_methods or ())
            raise MethodNotAllowed(methods, f"{request.path} takes {' and '.join(methods)}") from error

    def refuse(self, status: int, reason: str) -> Response:
        """Return the response to a request that the server itself refuses, e.g. because it is not HTTP."""
        error = (
            default_exceptions[413](self.too_large) if status == 413 else default_exceptions[status](reason)
        )
        response = json_error(error)
        response.headers.extend(self.headers)
        return response

    def check(self, request: Request) -> None:
        """Raise Forbidden for a request from a foreign web page."""
        if self.own_hosts is None:
            return
        host = request.headers.get("Host", "")
        if _name_of(host) not in self.own_hosts:
            raise Forbidden(f"this server is available only as {' or '.join(sorted(self.own_hosts))}")
        origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
        if origin not in (None, f"http://{host}") or site not in (None, "same-origin", "none"):
            raise Forbidden("requests from other pages are refused")

    def body(self, request: Request) -> bytes:
        """Return the body of a request; raises an HTTPException for another type, and for too many bytes."""
        if request.mimetype != self.body_type:
            raise UnsupportedMediaType(f"expected a request of type {self.body_type}")
        try:
            return request.get_data()
        except RequestEntityTooLarge as error:
            raise RequestEntityTooLarge(self.too_large) from error

    @contextlib.contextmanager
    def slot(self, request: Request) -> Iterator[Callable[[], bool]]:
        """Hold one of the ``in_flight`` slots; yield a function that says whether the answer is wanted still.

        The answer is wanted until the client has closed its connection, or ``seconds`` have passed. Raises
        ServiceUnavailable if no slot is free, or if the block raises NotWanted; BadRequest if it raises InputError.
        """
        is_gone = request.environ.get("waitress.client_disconnected", lambda: False)
        until = None if self.seconds is None else time.monotonic() + self.seconds

        def is_late() -> bool:
            return until is not None and time.monotonic() > until

        with self._counting:
            if self.n_in_flight >= self.in_flight:
                raise ServiceUnavailable("the server is busy; try again in a moment", retry_after=1)
            self.n_in_flight += 1
        try:
            yield lambda: not (is_gone() or is_late())
        except NotWanted as error:
            if is_late():
                raise ServiceUnavailable(
                    f"there was no answer within {self.seconds:g} s; send fewer rows, or try again later",
                    retry_after=1,
                ) from error
            raise ServiceUnavailable("nobody waits for this answer any more") from error
        except InputError as error:
            raise BadRequest(str(error)) from error
        finally:
            with self._counting:
                self.n_in_flight -= 1


def _name_of(host: str) -> str | None:
    """Return the name in a header Host, without its port."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:  # brackets without an address
        return None


def json_error(error: HTTPException) -> Response:
    """Return the error as JSON with its status, and headers such as Allow and Retry-After."""
    response = json_response({"error": error.description}, error.code or 500)
    response.headers.extend(
        (name, value) for name, value in error.get_headers() if name not in ("Content-Type", "Content-Length")
    )
    return response


def json_response(content: dict, status: int = 200) -> Response:
    """Return ``content`` as JSON."""
    return Response(json.dumps(content, ensure_ascii=False), status, mimetype="application/json")
