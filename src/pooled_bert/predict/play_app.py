"""What the pages of play.py have in common: a WSGI application for the user of this machine alone.

Other web pages in the same browser must not use the application. It therefore refuses requests with another host name
(DNS rebinding) or from another origin. It also refuses bodies of any type but ``body_type``, which a foreign page
cannot send without a preflight request. Nothing is logged or kept.
"""

import contextlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

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
from ..benchmarks.benchmark import Benchmark
from ..models.prediction import NotWanted, while_wanted
from .predictor import MADE_UP_NOTE, Predictor

WAITING = 4  # requests that may be computed or wait at the same time; further requests are refused
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'"
)
MEDIA_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class PageApp:
    """The base of the applications: the page's files, the checks of requests, and the line in which they wait.

    ``port``: the port that the server listens on. A subclass gives ``about`` and ``answer``, and these attributes:

    page_folder : the folder of page.html and page.js.  max_body, too_large : the bytes that a request may have, and the
    message for one that has more.  body_type : the media type of a request.  policy : the Content-Security-Policy.
    """

    page_folder: Path
    max_body: int
    too_large: str
    body_type: str
    policy = POLICY

    def __init__(self, port: int):
        self.hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self.origins = {f"http://{host}" for host in self.hosts}
        folders = (PAGE_FOLDER, self.page_folder)  # the page of sounds has some files of its own
        paths = [path for folder in folders for path in folder.iterdir() if path.suffix in MEDIA_TYPES]
        self.files = {f"/{path.name}": (path, MEDIA_TYPES[path.suffix]) for path in paths}
        self.files["/"] = self.files.pop("/page.html")
        self._slots = threading.BoundedSemaphore(WAITING)
        self._computing = threading.Lock()  # one request at a time: several would only share the processor

    def about(self) -> dict:
        """Return what the page shows before anything is predicted."""
        raise NotImplementedError

    def answer(self, request: Request) -> Response | None:
        """Answer a request for anything but the page's files and ``about``; return None if there is no such path."""
        raise NotImplementedError

    def __call__(self, environ: dict, start_response: Callable):
        """Answer a request."""
        request = Request(environ)
        request.max_content_length = self.max_body
        try:
            self._check_origin(request)
            response = self._respond(request)
        except HTTPException as error:
            response = json_response({"error": error.description}, error.code or 500)
        response.headers.extend({**HEADERS, "Content-Security-Policy": self.policy})
        return response(environ, start_response)

    def _check_origin(self, request: Request) -> None:
        if request.headers.get("Host") not in self.hosts:
            raise Forbidden("this page is available only as 127.0.0.1 or localhost")
        origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
        if (origin and origin not in self.origins) or site not in (None, "same-origin", "none"):
            raise Forbidden("requests from other pages are refused")

    def _respond(self, request: Request) -> Response:
        is_read = request.method in ("GET", "HEAD")
        if is_read and request.path in self.files:
            path, kind = self.files[request.path]
            return Response(path.read_bytes(), mimetype=kind)
        if is_read and request.path == "/about":
            return json_response(self.about())
        response = self.answer(request)
        if response is None:
            raise NotFound("there is no such page")
        return response

    def body(self, request: Request) -> bytes:
        """Return the body of a request; raises an HTTPException for another type, and for too many bytes."""
        if request.mimetype != self.body_type:
            raise UnsupportedMediaType(f"expected a request of type {self.body_type}")
        try:
            return request.get_data()
        except RequestEntityTooLarge as error:
            raise RequestEntityTooLarge(self.too_large) from error

    @contextlib.contextmanager
    def turn(self, request: Request) -> Iterator[None]:
        """Wait until no other request is computed; turn an InputError in the block into an HTTPException.

        Raises ServiceUnavailable if too many requests wait already, and once nobody waits for the answer any more.
        """
        is_gone = request.environ.get("waitress.client_disconnected", lambda: False)
        if not self._slots.acquire(blocking=False):
            raise ServiceUnavailable("the server is busy; try again in a moment")
        try:
            with self._computing, while_wanted(lambda: not is_gone()):
                yield
        except NotWanted as error:
            raise ServiceUnavailable("nobody waits for this answer any more") from error
        except InputError as error:
            raise BadRequest(str(error)) from error
        finally:
            self._slots.release()


def page_title(benchmark: Benchmark, predictors: Mapping[str, Predictor]) -> str:
    """Return the benchmark's title, and the name of each run that learnt from a made-up sample."""
    notes = [f"{name} {MADE_UP_NOTE}" for name, predictor in predictors.items() if predictor.run.made_up]
    return "; ".join([benchmark.title, *notes])


def json_response(content: dict, status: int = 200) -> Response:
    """Return ``content`` as JSON."""
    return Response(json.dumps(content, ensure_ascii=False), status, mimetype="application/json")
