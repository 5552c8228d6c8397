"""The HTTP server: JSON for what is not HTTP, and a stop that answers what came in."""

import http.client
import json
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request

import pytest
from conftest import ROOT, VERY_LONG
from werkzeug.routing import Rule

from pooled_bert.base.errors import InputError
from pooled_bert.predict import web_server
from pooled_bert.predict.web_app import WebApp, json_response


class EchoApp(WebApp):
    """Answers with the number of bytes of a body, once ``go`` is set."""

    max_body = 100_000
    too_large = "too many bytes"

    def __init__(self):
        super().__init__(None, 4)
        self.go, self.begun = threading.Event(), 0
        self.go.set()

    def rules(self):
        return [Rule("/", methods=["POST"], endpoint=self.size), Rule("/fail", endpoint=lambda _: 1 / 0)]

    def size(self, request):
        size = len(self.body(request))
        self.begun += 1
        self.go.wait(VERY_LONG)
        return json_response({"size": size})


@pytest.fixture
def served():
    """An application, its server, the server's port, and the thread of its loop."""
    app = EchoApp()
    listener, port = web_server.listen("127.0.0.1", 0)
    server = web_server.make_server(app, listener)
    loop = threading.Thread(target=server.run, daemon=True)
    loop.start()
    yield app, server, port, loop
    app.go.set()
    if loop.is_alive():
        web_server.stop(server, 0)
    loop.join(VERY_LONG)
    assert not loop.is_alive()


def post(port, body=b"{}"):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=VERY_LONG)
    connection.request("POST", "/", body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    return answer.status, json.load(answer), dict(answer.headers)


def send(port, content):
    """Return status and JSON of the answer to bytes that need not be HTTP."""
    with socket.create_connection(("127.0.0.1", port), timeout=VERY_LONG) as connection:
        connection.sendall(content)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return answer.status, json.load(answer)


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nbad header\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (b"POST / HTTP/1.1\r\nContent-Length: 100001\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nContent-Length: 100000000000000\r\n\r\n", 413),
        (b"GET / HTTP/1.1\r\nX: " + b"y" * 300_000 + b"\r\n\r\n", 431),
    ],
)
def test_refusals_of_the_server_itself_are_json_too(served, content, status):
    found, answer = send(served[2], content)
    assert (found, list(answer)) == (status, ["error"])


def test_failure_of_the_application_is_json_without_its_details(served, caplog):
    status, answer = send(served[2], b"GET /fail HTTP/1.1\r\n\r\n")
    assert status == 500
    assert "ZeroDivision" not in answer["error"]
    assert "ZeroDivisionError" in caplog.text


def test_stop_answers_what_came_in_and_closes_idle_connections(served):
    app, server, port, loop = served
    app.go.clear()
    idle = socket.create_connection(("127.0.0.1", port))
    found = []
    clients = [threading.Thread(target=lambda: found.append(post(port))) for _ in range(3)]
    for client in clients:
        client.start()
    limit = time.monotonic() + VERY_LONG
    while app.begun < 3 and time.monotonic() < limit:
        time.sleep(0.01)
    stopping = threading.Thread(target=web_server.stop, args=(server, VERY_LONG))
    stopping.start()
    while not app.is_stopping:
        time.sleep(0.01)
    app.go.set()
    for thread in (*clients, stopping, loop):
        thread.join(VERY_LONG)
    assert [(status, content) for status, content, _ in found] == [(200, {"size": 2})] * 3
    assert {headers.get("Connection") for *_, headers in found} == {"close"}
    assert idle.recv(1) == b""
    idle.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def test_stop_waits_no_longer_than_it_is_told(served):
    app, server, port, loop = served
    app.go.clear()
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("POST", "/", b"{}", {"Content-Type": "application/json"})
    limit = time.monotonic() + VERY_LONG
    while not app.begun and time.monotonic() < limit:
        time.sleep(0.01)
    web_server.stop(server, 0.2)
    loop.join(VERY_LONG)
    assert not loop.is_alive()
    with pytest.raises((OSError, http.client.HTTPException)):
        connection.getresponse()


@pytest.mark.parametrize(
    ("host", "is_own"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("localhost", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.0.1", False),
        ("example.com", False),
    ],
)
def test_only_loopback_addresses_need_no_token(host, is_own):
    assert web_server.is_loopback(host) is is_own


def test_address_that_is_not_of_this_machine_is_refused():
    with pytest.raises(InputError, match=r"--host 203\.0\.113\.1"):
        web_server.listen("203.0.113.1", 0)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_command_answers_until_it_is_stopped_quietly(tiny_run, number):
    command = [sys.executable, ROOT / "src" / "serve.py", "--workspace", tiny_run.parents[3], "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        first = process.stdout.readline()
        assert first.startswith("http://127.0.0.1:"), process.stderr.read()
        body = json.dumps({"texts": ["one", "two"]}).encode()
        request = urllib.request.Request(
            f"{first.split()[0]}predict", body, {"Content-Type": "application/json"}
        )
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
            assert len(json.load(answer)["probabilities"]) == 2
        process.send_signal(number)
        out, said = process.communicate()
    finally:
        process.kill()
    assert (out, said, process.returncode) == ("", "", 0)
