"""The HTTP server of play.py and serve.py: waitress, which reads a whole request before a thread has to do with it."""

import contextlib
import ipaddress
import logging
import signal
import socket
import threading
import time
from typing import Any

from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import create_server
from waitress.task import ErrorTask, WSGITask

from ..base.errors import InputError
from .web_app import WebApp

Server = Any  # of waitress, whose stubs lack what is used here
CONNECTIONS = 500
STALLED_SECONDS = (
    10  # after which a connection without a whole request is closed, so that it keeps nobody out
)
IDLE_SECONDS = 0.5  # after which a connection without a request is closed, once the server stops
SPARE_THREADS = 4  # for the answers that need no slot: pages, health, refusals


def is_loopback(host: str) -> bool:
    """Return whether only programs on this machine can reach the address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def listen(host: str, port: int) -> tuple[socket.socket, int]:
    """Return a listening socket and its port; ``port`` 0 takes any free port. Raises InputError if it cannot listen."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family)
    except OSError as error:
        option = f"--port {port}" if is_loopback(host) else f"--host {host} --port {port}"
        raise InputError(
            f"{option}: the server cannot listen on it ({error.strerror or error}); give another --port"
        ) from error
    return listener, listener.getsockname()[1]


def make_server(app: WebApp, listener: socket.socket) -> Server:
    """Return a server that answers once it is run."""
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # the application limits what waits
    server: Server = create_server(
        app,
        sockets=[listener],
        connection_limit=CONNECTIONS,
        channel_timeout=STALLED_SECONDS,
        cleanup_interval=1,
        channel_request_lookahead=1,  # so that it is noticed if nobody waits for an answer any more
        threads=app.in_flight + SPARE_THREADS,
        max_request_body_size=app.max_body + 1,  # waitress refuses this size, before it reads the body
        inbuf_overflow=app.max_body + 1,  # waitress writes larger bodies to a file on disk
        ident=None,
    )
    server.app = app  # waitress keeps it in a wrapper, as ``application``
    server.channel_class = _Channel
    return server


class _Task(WSGITask):
    """An answer of the application; once the server stops, its connection is closed after it."""

    def build_response_header(self) -> bytes:
        server: Server = self.channel.server
        if server.app.is_stopping:
            self.set_close_on_finish()
        return super().build_response_header()


class _ErrorTask(ErrorTask):
    """A refusal by waitress, of a request that did not reach the application or made it fail; the JSON is the app's."""

    def execute(self) -> None:
        server: Server = self.channel.server
        request: Any = self.request
        response = server.app.refuse(request.error.code, request.error.body)
        content = response.get_data()
        self.status = response.status
        self.response_headers = list(response.headers)
        self.set_close_on_finish()
        self.content_length = len(content)
        self.write(content)


class _Channel(HTTPChannel):
    task_class = _Task
    error_task_class = _ErrorTask


def serve_until_stopped(server: Server, greeting: str, grace: float) -> None:
    """Print ``greeting`` and answer requests until Ctrl-C or SIGTERM; a second one of these stops at once.

    After the first, requests that came in already are answered, for at most ``grace`` seconds.
    """
    with contextlib.suppress(KeyboardInterrupt):  # this is how it is stopped
        for number in (signal.SIGTERM, signal.SIGINT):
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, signal.default_int_handler)
        loop = threading.Thread(target=server.run, daemon=True)
        try:
            loop.start()
            print(greeting, flush=True)
            loop.join()
        except KeyboardInterrupt:
            stop(server, grace)
            loop.join()


def stop(server: Server, grace: float) -> None:
    """Accept no more connections, answer what came in, and end the server's loop, which another thread runs."""
    server.app.is_stopping = True
    in_loop = server.trigger.pull_trigger  # calls a function in the thread of the loop
    in_loop(lambda: _close_listener(server))
    until = time.monotonic() + grace
    while server.active_channels and time.monotonic() < until:
        in_loop(lambda: _close_idle(server))
        time.sleep(0.05)
    server.task_dispatcher.set_thread_count(0)
    with contextlib.suppress(
        OSError
    ):  # woken by an earlier call, the loop may have run it, and ended, already
        in_loop(lambda: _close_all(server))


def _close_listener(server: Server) -> None:
    """Accept the connections that wait already, then no more."""
    count = -1
    while count < len(server.active_channels):
        count = len(server.active_channels)
        server.handle_accept()
    wasyncore.dispatcher.close(server)  # server.close() would end the loop too


def _close_idle(server: Server) -> None:
    """Close the connections that have nothing to be answered."""
    for channel in list(server.active_channels.values()):
        is_idle = time.time() - channel.last_activity > IDLE_SECONDS
        if is_idle and not channel.requests and not channel.total_outbufs_len:
            channel.handle_close()


def _close_all(server: Server) -> None:
    for channel in list(server.active_channels.values()):
        channel.handle_close()
    server.trigger.close()
