"""The official Kaggle client with one meaning for every answer: done, wait, or a clear message."""

import contextlib
import enum
import io
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import requests

from ..base.errors import InputError

ATTEMPTS = 8  # at a call that meets a busy or broken server, with doubling pauses
LONGEST_PAUSE = 300.0  # seconds
TIMEOUT = 60.0  # seconds without a byte of a download

REFUSED_CREDENTIALS = "Kaggle does not accept the credentials; log in anew with `kaggle auth login`"

T = TypeVar("T")


class State(enum.Enum):
    """Where a kernel's latest version is; the values are what is shown."""

    ABSENT = "not there"
    QUEUED = "queued"
    RUNNING = "running"
    COMPLETE = "complete"
    FAILED = "failed"


_STATES = {
    "QUEUED": State.QUEUED,
    "NEW_SCRIPT": State.QUEUED,
    "RUNNING": State.RUNNING,
    "COMPLETE": State.COMPLETE,
    "ERROR": State.FAILED,
    "CANCEL_REQUESTED": State.FAILED,
    "CANCEL_ACKNOWLEDGED": State.FAILED,
}


@dataclass(frozen=True)
class Status:
    """A kernel's state, and Kaggle's words about a failure."""

    state: State
    message: str = ""


class NoFreeSlot(Exception):
    """As many kernels run as Kaggle allows at once; one may be pushed when one of them has ended."""


class Client:
    """Push, status, log and output of kernels. ``pause``: seconds before a call is tried a second time."""

    def __init__(self, pause: float = 5.0):
        self.pause = pause
        told = io.StringIO()  # without credentials the client prints a page, and exits
        try:
            with contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
                from kaggle.api.kaggle_api_extended import KaggleApi

                self.api = KaggleApi()
                self.api.authenticate()
        except SystemExit as error:
            raise InputError(
                "there are no credentials for Kaggle; log in with `kaggle auth login`, or set KAGGLE_API_TOKEN to a"
                " token from kaggle.com/settings/api"
            ) from error

    def push(self, folder: Path) -> None:
        """Push a kernel's folder: its newest version starts, or is queued.

        Raises NoFreeSlot, and InputError where waiting does not help: the weekly quota is used up, a source was
        refused, Kaggle says no.
        """
        response = self._patiently(lambda: self.api.kernels_push(str(folder)))
        said = response.error or ""
        if "session" in said.lower() and "maximum batch" in said.lower():
            raise NoFreeSlot(said)
        if "quota" in said.lower():
            raise InputError(
                f"{folder.name}: Kaggle says: {said}. Start the same command when the quota is renewed"
            )
        if said:
            raise InputError(f"{folder.name}: was not pushed; Kaggle says: {said}")
        refused = [
            f"{kind} {', '.join(names)}"
            for kind, names in (
                ("dataset", response.invalid_dataset_sources),
                ("competition", response.invalid_competition_sources),
                ("kernel", response.invalid_kernel_sources),
            )
            if names
        ]
        if refused:  # Kaggle starts such a kernel all the same, without them
            raise InputError(
                f"{folder.name}: Kaggle refused {'; '.join(refused)}. Do they exist, may you read them?"
            )

    def status(self, kernel: str) -> Status:
        """The state of ``owner/slug``."""
        try:
            response = self._patiently(lambda: self.api.kernels_status(kernel))
        except InputError as error:
            if _http_status(error.__cause__) in (403, 404):  # what Kaggle says where there is no such kernel
                return Status(State.ABSENT)
            raise
        return Status(_STATES[response.status.name], response.failure_message or "")

    def log(self, kernel: str) -> str:
        """What the latest run printed, in plain lines."""
        text = self._patiently(lambda: self.api.kernels_logs(kernel))
        try:
            return "".join(record["data"] for record in json.loads(text))
        except (ValueError, TypeError, KeyError):
            return text  # not in the records that Kaggle wraps it in

    def download(self, kernel: str, folder: Path) -> None:
        """Fetch the output of the latest run into ``folder``, which is whole when this returns."""
        from kagglesdk.kernels.types.kernels_api_service import ApiListKernelSessionOutputRequest

        owner, slug = kernel.split("/")
        token = None
        while True:
            request = ApiListKernelSessionOutputRequest()
            request.user_name, request.kernel_slug, request.page_size = owner, slug, 100
            if token:
                request.page_token = token
            with self.api.build_kaggle_client() as kaggle:
                lister = kaggle.kernels.kernels_api_client
                page = self._patiently(
                    lambda request=request, lister=lister: lister.list_kernel_session_output(request)
                )
            for file in page.files or []:
                name = Path(file.file_name)
                path = folder / name
                if name.is_absolute() or ".." in name.parts:  # it would be written elsewhere
                    raise InputError(
                        f"{kernel}: its output names the file {file.file_name!r}; it is not fetched"
                    )
                self._patiently(lambda file=file, path=path: _fetch(file.url, path))
            token = page.next_page_token
            if not token:
                return

    def _patiently(self, call: Callable[[], T]) -> T:
        """Call; again after a while when the server is busy (429), broken (5xx), or the connection is cut.

        Raises InputError for every other answer that is no result.
        """
        for attempt in range(ATTEMPTS):
            try:
                return call()
            except (
                requests.ConnectionError,
                requests.Timeout,
                requests.exceptions.ChunkedEncodingError,
            ) as error:
                reason = error
            except (
                requests.HTTPError,
                ValueError,
            ) as error:  # the latter: the client's words for 401 and 403
                status = _http_status(error)
                if status == 401:
                    raise InputError(REFUSED_CREDENTIALS) from error
                if status != 429 and status < 500:
                    raise InputError(f"Kaggle refused: {error}") from error
                reason = error
            time.sleep(min(LONGEST_PAUSE, self.pause * 2**attempt))
        raise InputError(
            f"Kaggle cannot be reached ({type(reason).__name__}); start the same command later"
        ) from reason


def _fetch(url: str, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with requests.get(url, stream=True, timeout=TIMEOUT) as response, path.open("wb") as stream:
            response.raise_for_status()
            for chunk in response.iter_content(1 << 20):
                stream.write(chunk)
    except requests.RequestException:
        raise
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from error


def _http_status(error: BaseException | None) -> int:
    """The HTTP status behind an error, or behind the one that it was raised for; 0 when there is none."""
    for each in (error, error.__context__ if error else None):
        response = getattr(each, "response", None)
        if response is not None:
            return response.status_code
    return 0
