"""What the pages of play.py have in common: an application for the user of this machine alone.

Nothing is logged or kept.
"""

import contextlib
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

from werkzeug.routing import Rule
from werkzeug.wrappers import Request, Response

from ..base.places import PAGE_FOLDER
from ..benchmarks.benchmark import Benchmark
from ..models.prediction import while_wanted
from .predictor import MADE_UP_NOTE, Predictor
from .web_app import HEADERS, WebApp, json_response

WAITING = 4  # requests that may be computed or wait at the same time; further requests are refused
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'"
)
MEDIA_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}


class PageApp(WebApp):
    """The base of the pages: their files, and the line in which requests wait.

    A subclass gives ``about``, more ``rules``, and these attributes beside those of WebApp. page_folder : the folder of
    page.html and page.js.  policy : the Content-Security-Policy.
    """

    page_folder: Path
    policy = POLICY

    def __init__(self):
        super().__init__({"127.0.0.1", "localhost"}, WAITING)
        self._computing = threading.Lock()  # one request at a time: several would only share the processor
        self.headers = {
            **HEADERS,
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Content-Security-Policy": self.policy,
        }

    def about(self) -> dict:
        """Return what the page shows before anything is predicted."""
        raise NotImplementedError

    def rules(self) -> list[Rule]:
        """Return the paths of the page's files, and of ``about``."""
        folders = (PAGE_FOLDER, self.page_folder)  # the page of sounds has some files of its own
        paths = [path for folder in folders for path in folder.iterdir() if path.suffix in MEDIA_TYPES]
        files = {f"/{path.name}": (path, MEDIA_TYPES[path.suffix]) for path in paths}
        files["/"] = files.pop("/page.html")

        def file(request: Request) -> Response:
            path, kind = files[request.path]
            return Response(path.read_bytes(), mimetype=kind)

        return [
            *(Rule(path, methods=["GET"], endpoint=file) for path in files),
            Rule("/about", methods=["GET"], endpoint=lambda _: json_response(self.about())),
        ]

    @contextlib.contextmanager
    def turn(self, request: Request) -> Iterator[None]:
        """Wait until no other request is computed; see ``slot`` for what is raised."""
        with self.slot(request) as is_wanted, self._computing, while_wanted(is_wanted):
            yield


def page_title(benchmark: Benchmark, predictors: Mapping[str, Predictor]) -> str:
    """Return the benchmark's title, and the name of each run that learnt from a made-up sample."""
    notes = [f"{name} {MADE_UP_NOTE}" for name, predictor in predictors.items() if predictor.run.made_up]
    return "; ".join([benchmark.title, *notes])
