"""The official Kaggle client; every answer becomes a result, a retry after a pause, or an InputError."""

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

ATTEMPTS = 8  # per call, while the server is busy or broken; the pauses between them double
LONGEST_PAUSE = 300.0  # seconds
TIMEOUT = 60.0  # seconds that a download waits for the next byte

REFUSED_CREDENTIALS = "Kaggle does not accept the credentials; log in again with `kaggle auth login`"

T = TypeVar("T")


class State(enum.Enum):
    """The state of a kernel's latest version; the values are shown to the user."""

    ABSENT = "not pushed"
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
    """A kernel's state, and Kaggle's message about a failure."""

    state: State
    message: str = ""


class NoFreeSlot(Exception):
    """Kaggle's limit of simultaneous kernels is reached; push again when one of them has ended."""


class Client:
    """Push, status, log and output of kernels. ``pause``: seconds before a failed call is repeated the first time."""

    def __init__(self, pause: float = 5.0):
        self.pause = pause
        # without credentials, Kaggle's client prints a page of help and exits
        discarded_output = io.StringIO()
        try:
            with contextlib.redirect_stdout(discarded_output), contextlib.redirect_stderr(discarded_output):
                from kaggle.api.kaggle_api_extended import KaggleApi

                self.api = KaggleApi()
                self.api.authenticate()
        except SystemExit as error:
            raise InputError(
                "there are no credentials for Kaggle; log in with `kaggle auth login`, or set KAGGLE_API_TOKEN to a"
                " token from kaggle.com/settings/api"
            ) from error

    def push(self, folder: Path) -> None:
        """Push a kernel's folder; the new version starts or is queued.

        Raises NoFreeSlot. Raises InputError where waiting does not help: the weekly quota is used up, a source was
        refused, or Kaggle refused the push for another reason.
        """
        response = self._with_retries(lambda: self.api.kernels_push(str(folder)))
        message = response.error or ""
        if "session" in message.lower() and "maximum batch" in message.lower():
            raise NoFreeSlot(message)
        if "quota" in message.lower():
            raise InputError(
                f"{folder.name}: Kaggle reports: {message}. Run the same command again when the quota is renewed"
            )
        if message:
            raise InputError(f"{folder.name}: was not pushed; Kaggle reports: {message}")
        refused_sources = [
            f"{kind} {', '.join(names)}"
            for kind, names in (
                ("dataset", response.invalid_dataset_sources),
                ("competition", response.invalid_competition_sources),
                ("kernel", response.invalid_kernel_sources),
            )
            if names
        ]
        if refused_sources:  # Kaggle starts the kernel nevertheless, without these sources
            raise InputError(
                f"{folder.name}: Kaggle refused {'; '.join(refused_sources)}; check that they exist and that you may"
                " read them"
            )

    def status(self, kernel: str) -> Status:
        """Return the state of the kernel ``owner/slug``."""
        try:
            response = self._with_retries(lambda: self.api.kernels_status(kernel))
        except InputError as error:
            if _http_status(error.__cause__) in (403, 404):  # Kaggle's answers if the kernel does not exist
                return Status(State.ABSENT)
            raise
        return Status(_STATES[response.status.name], response.failure_message or "")

    def log(self, kernel: str) -> str:
        """Return the output of the latest run as plain text."""
        text = self._with_retries(lambda: self.api.kernels_logs(kernel))
        try:
            return "".join(record["data"] for record in json.loads(text))
        except (ValueError, TypeError, KeyError):
            return text  # not in Kaggle's usual JSON records

    def download(self, kernel: str, folder: Path) -> None:
        """Download the complete output of the latest run into ``folder``."""
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
                page = self._with_retries(
                    lambda request=request, lister=lister: lister.list_kernel_session_output(request)
                )
            for file in page.files or []:
                assert file  # the client's types allow None
                name = Path(file.file_name)
                path = folder / name
                if name.is_absolute() or ".." in name.parts:
                    raise InputError(
                        f"{kernel}: its output lists the file {file.file_name!r}, which is outside the download folder;"
                        " this file is refused"
                    )
                self._with_retries(lambda file=file, path=path: _fetch(file.url, path))
            token = page.next_page_token
            if not token:
                return

    def _with_retries(self, call: Callable[[], T]) -> T:
        """Call; repeat the call after a pause if the server is busy (429), broken (5xx), or the connection breaks.

        Raises InputError for every other error, and after ATTEMPTS calls.
        """
        reason: Exception | None = None
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
            ) as error:  # ValueError: Kaggle's client raises it for 401 and 403
                status = _http_status(error)
                if status == 401:
                    raise InputError(REFUSED_CREDENTIALS) from error
                if status != 429 and status < 500:
                    raise InputError(f"Kaggle refused the request: {error}") from error
                reason = error
            time.sleep(min(LONGEST_PAUSE, self.pause * 2**attempt))
        raise InputError(
            f"Kaggle cannot be reached ({type(reason).__name__}); run the same command again later"
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
    """Return the HTTP status of an error, or of the error that caused it; 0 if there is none."""
    for candidate in (error, error.__context__ if error else None):
        response = getattr(candidate, "response", None)
        if response is not None:
            return response.status_code
    return 0
