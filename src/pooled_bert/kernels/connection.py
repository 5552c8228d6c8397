"""Requests to Kaggle: every answer becomes a JSON object, a repeated request, or an InputError that says what happened.

Kaggle's own package kagglesdk signs and sends the requests. It sets no time-outs, takes any answer for a good one, and
does not renew a login; this module does.
"""

import contextlib
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar, cast

import requests
from requests.adapters import HTTPAdapter

from ..base.errors import InputError
from .clock import Clock
from .credentials import Login, find_login

FIRST_PAUSE, LONGEST_PAUSE = 5.0, 300.0  # seconds before a request is repeated; the pauses double
SILENCE = 60.0  # seconds without a byte, after which a request is given up
PATIENCE = timedelta(minutes=15)  # how long a command waits for a server that gives no answer
LONG_PATIENCE = timedelta(days=7)  # the same, for commands that nobody watches
LISTENING, LONGEST_LISTENING = 3.0, timedelta(seconds=30)  # to a stream: seconds without a line, and in all
NOT_AN_OBJECT = "it is JSON, but no object with fields"
TOKEN_LIFE = timedelta(hours=12)

T = TypeVar("T")
log = logging.getLogger(__name__)


class NoAnswer(InputError):
    """Kaggle gave no answer for too long, or does not accept the login: no further request has a chance."""


class Refused(InputError):
    """Kaggle understood the request and refused it. ``status``: as in HTTP."""

    def __init__(self, status: int, words: str):
        super().__init__(f"Kaggle refused the request: {words}")
        self.status, self.words = status, words


class Unanswered(Exception):
    """A request got no usable answer, so nobody knows whether Kaggle received it."""


class _LoginRefused(Refused):
    """Kaggle does not accept the login."""


class Connection:
    """Requests that outlast a server or a network that fails for up to ``patience``."""

    def __init__(self, clock: Clock, patience: timedelta = PATIENCE, silence: float = SILENCE):
        self.clock, self.patience, self.silence = clock, patience, silence
        self.login = find_login()

    def call(self, service: str, method: str, request, *, is_repeatable: bool = True) -> dict:
        """Return Kaggle's answer to a request of kagglesdk.

        Raises Refused. Raises NoAnswer if Kaggle gives none for ``patience``, or does not accept the login. If
        ``is_repeatable`` is False, raises Unanswered after the first attempt.
        """
        if self.login.refresh_token and not self.login.token:
            self._renew()
        was_renewed = False
        while True:
            try:
                return self._insist(lambda: self._send(self.login, service, method, request), is_repeatable)
            except _LoginRefused as error:
                if was_renewed or not self.login.refresh_token:
                    raise self._not_accepted() from error
                self._renew()
                was_renewed = True

    def owner(self) -> str:
        """Return the user's name on Kaggle."""
        if self.login.username:
            return self.login.username
        from kagglesdk.security.types.oauth_service import IntrospectTokenRequest

        request = IntrospectTokenRequest()
        request.token = self.login.token or ""
        try:
            answer = self.call("security.OAuthService", "IntrospectToken", request)
        except Refused as error:
            raise self._not_accepted() from error
        if not (answer.get("active") and answer.get("username")):
            raise self._not_accepted()
        return str(answer["username"])

    def download(self, url: str, path: Path) -> None:
        """Download a file; raises Refused or NoAnswer, or InputError if the disk is full."""
        self._insist(lambda: _fetch(url, path, self.silence))

    def upload(self, path: Path, url: str) -> None:
        """Upload a file to the address that Kaggle named for it; raises as ``download`` does."""

        def send() -> None:
            with path.open("rb") as stream:
                requests.put(url, data=stream, timeout=self.silence).raise_for_status()

        self._insist(send)

    def listen(self, place: str, name: str) -> list[str]:
        """Return the lines of a stream of Kaggle's, as far as they arrive without a pause of LISTENING seconds."""
        lines, end = [], self.clock.now() + LONGEST_LISTENING
        with _client(self.login, LISTENING) as kaggle:
            http = kaggle.http_client()
            assert http._session is not None
            with (
                contextlib.suppress(
                    requests.RequestException
                ),  # the pause, which ends a stream of a running kernel
                http._session.get(http._get_request_url(place, name), stream=True) as response,
            ):
                response.raise_for_status()
                # by single bytes, because a larger read waits for bytes that may never come
                for line in response.iter_lines(chunk_size=1, decode_unicode=True):
                    lines.append(line)
                    if self.clock.now() > end:
                        break
        return lines

    def _send(self, login: Login, service: str, method: str, request) -> dict:
        with _client(login, self.silence) as kaggle:
            try:
                answer = kaggle.http_client().call(service, method, request, cast(Any, _Json))
            except (TypeError, AttributeError) as error:  # kagglesdk looks for fields in any answer
                raise ValueError(NOT_AN_OBJECT) from error
        if not isinstance(answer, dict):
            raise ValueError(NOT_AN_OBJECT)
        return answer

    def _insist(self, send: Callable[[], T], is_repeatable: bool = True) -> T:
        """Send, and send again after pauses that double, until there is an answer."""
        started, pause, trouble = self.clock.now(), FIRST_PAUSE, ""
        while True:
            try:
                answer = _sent(send)
            except Unanswered as error:
                if not is_repeatable:
                    raise
                if self.clock.now() - started > self.patience:
                    raise NoAnswer(
                        f"Kaggle gave no answer for {duration(self.patience)}; in the end, {error}. Run the same"
                        " command again later"
                    ) from error
                if str(error) != trouble:
                    log.warning("%s; waiting", error)
                trouble = str(error)
                self.clock.sleep(pause)
                pause = min(LONGEST_PAUSE, 2 * pause)
            else:
                if trouble:
                    log.warning("Kaggle answers again after %s", duration(self.clock.now() - started))
                if isinstance(answer, Refused):
                    raise answer
                return answer

    def _renew(self) -> None:
        """Get a new token, which only this process knows; raises InputError if Kaggle gives none."""
        from kagglesdk.users.types.account_service import ApiVersion, GenerateAccessTokenRequest

        request = GenerateAccessTokenRequest()
        request.refresh_token = self.login.refresh_token or ""
        request.api_version = ApiVersion.API_VERSION_V1
        request.expiration_duration = TOKEN_LIFE
        unsigned = replace(self.login, username=None, token=None)

        def send() -> str:
            return _token(self._send(unsigned, "users.AccountService", "GenerateAccessToken", request))

        try:
            token = self._insist(send)
        except Refused as error:
            raise self._not_accepted() from error
        self.login = replace(self.login, token=token)
        log.info("the login was renewed")

    def _not_accepted(self) -> NoAnswer:
        return NoAnswer(
            f"Kaggle does not accept the login from {self.login.source}: it is wrong or has expired;"
            f" {self.login.remedy}"
        )


class _Json:
    """A type of answer, as kagglesdk expects one, that is the JSON itself."""

    @staticmethod
    def prepare_from(response: requests.Response):
        return response.json()


class _Impatient(HTTPAdapter):
    """Sends requests with a time-out."""

    def __init__(self, silence: float):
        super().__init__()
        self.silence = silence

    def send(self, request, *args, **options):
        options["timeout"] = options.get("timeout") or self.silence
        return super().send(request, *args, **options)


def _client(login: Login, silence: float):
    """Return a client of kagglesdk that signs with ``login`` and has a time-out."""
    from kagglesdk.kaggle_client import KaggleClient

    names: dict[str, Any] = {"username": login.username, "password": login.key, "api_token": login.token}
    client = KaggleClient(**names)
    http = client.http_client()
    http._init_session()
    assert http._session is not None
    for prefix in ("http://", "https://"):
        http._session.mount(prefix, _Impatient(silence))
    return client


def _token(answer: dict) -> str:
    if not answer.get("token"):
        raise ValueError("it holds no token")
    return str(answer["token"])


def _fetch(url: str, path: Path, silence: float) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with requests.get(url, stream=True, timeout=silence) as response, path.open("wb") as stream:
            if not response.ok:
                response.content  # noqa: B018  (reads Kaggle's words before the connection is closed)
            response.raise_for_status()
            for chunk in response.iter_content(1 << 20):
                stream.write(chunk)
    except requests.RequestException:
        raise
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from error


def _sent(send: Callable[[], T]) -> T | Refused:
    """Send; returns the answer, or Kaggle's clear no. Raises Unanswered for everything else."""
    try:
        return send()
    except (requests.RequestException, ValueError) as error:
        problem = _problem(error)
        if isinstance(problem, Refused):
            return problem
        raise Unanswered(problem) from error


def _problem(error: Exception) -> str | Refused:
    """Return why a request got no usable answer."""
    response = getattr(error, "response", None)
    if isinstance(error, requests.HTTPError) and response is not None:
        return _http_problem(response)
    if isinstance(error, requests.exceptions.JSONDecodeError):
        return _not_json(error.doc)
    if isinstance(error, requests.Timeout) or "timed out" in str(error):
        return "Kaggle is silent"
    if isinstance(error, requests.RequestException):
        return f"there is no connection to Kaggle, or it broke ({type(error).__name__})"
    return f"Kaggle's answer cannot be read: {error}"


def _http_problem(response: requests.Response) -> str | Refused:
    status, words = _words(response)
    if status == 401:
        return _LoginRefused(status, words)
    if response.text.lstrip().startswith("<"):
        return _not_json(response.text)
    if status in (408, 429):
        return f"Kaggle is busy ({status}: {words})"
    if status >= 500:
        return f"Kaggle's server is broken ({status}: {words})"
    return Refused(status, words)


def _words(response: requests.Response) -> tuple[int, str]:
    """Return the status and the message of an error: {"code", "message"}, or {"error"} with these or words in it."""
    try:
        content = response.json()
    except ValueError:
        content = None
    body = content if isinstance(content, dict) else {}
    error = body.get("error")
    fields = error if isinstance(error, dict) else {"message": error, **body}
    status, code = response.status_code, fields.get("code")
    if status < 400 and isinstance(code, int):
        status = code
    return status, str(fields.get("message") or response.reason)


def _not_json(text: str) -> str:
    if text.lstrip().startswith("<"):
        return (
            "Kaggle shows a web page in place of an answer: maintenance, or a network that asks for a login"
        )
    return "Kaggle's answer is not JSON"


def duration(time: timedelta) -> str:
    """Return a time for people, such as "90 minutes"."""
    minutes = round(time.total_seconds() / 60)
    return f"{minutes} minutes" if minutes < 180 else f"{minutes / 60:.0f} hours"
