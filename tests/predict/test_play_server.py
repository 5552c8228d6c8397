"""The page to play with: scores and words for whoever sits at this machine, and nothing for other pages."""

import json
import re
import socket
import threading
import time
import urllib.request
from types import SimpleNamespace

import numpy as np
import pytest
from browsing import HOSTILE
from conftest import VERY_LONG
from werkzeug.test import Client

from pooled_bert.base.errors import InputError
from pooled_bert.benchmarks.jigsaw import JIGSAW
from pooled_bert.predict import web_server
from pooled_bert.predict.play_app import WAITING
from pooled_bert.predict.play_server import make_server
from pooled_bert.predict.play_text import MAX_BODY, MAX_CHARACTERS, TextApp
from pooled_bert.predict.predictor import load_predictor

PORT = 8000
HOST = {"Host": f"127.0.0.1:{PORT}"}


@pytest.fixture(scope="module")
def predictor(tiny_run):
    return load_predictor(tiny_run, [0])


@pytest.fixture(scope="module")
def client(predictor):
    return Client(TextApp({"bert": predictor}, JIGSAW))


def post(client, path, content, headers=None):
    return client.post(path, json=content, headers={**HOST, **(headers or {})})


def test_scores_are_those_of_the_predictor(client, predictor):
    answer = post(client, "/predict", {"text": "one two", "run": "bert"})
    assert answer.status_code == 200
    assert answer.json["probabilities"] == pytest.approx(predictor.predict_proba(["one two"])[0].tolist())


def test_explanation_holds_the_whole_text_and_a_weight_for_each_label(client):
    answer = post(client, "/explain", {"text": "one, two ", "run": "bert", "method": "gradients"}).json
    assert "".join(piece for piece, _ in answer["pieces"]) == "one, two "
    assert {len(weights) for _, weights in answer["pieces"] if weights} == {len(JIGSAW.labels)}


def test_page_and_what_it_offers(client):
    page = client.get("/", headers=HOST)
    assert "media-src" not in page.headers["Content-Security-Policy"]
    assert page.status_code == 200
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    about = client.get("/about", headers=HOST).json
    assert about["runs"]["bert"]["methods"] == ["occlusion", "gradients"]
    assert about["runs"]["bert"]["thresholds"] is None
    assert "bert, 1 fold, mean AUC 0." in about["runs"]["bert"]["facts"]
    for script in re.findall(r'"\./(\w+\.js)"', client.get("/page.js", headers=HOST).text):
        assert client.get(f"/{script}", headers=HOST).status_code == 200
    assert about["examples"]
    assert "bert learnt from a made-up sample" in about["title"]
    assert client.get("/../play_server.py", headers=HOST).status_code == 404


def test_thresholds_that_were_found_decide(predictor):
    thresholds = np.linspace(0.1, 0.6, len(JIGSAW.labels))
    client = Client(TextApp({"bert": predictor}, JIGSAW, {"bert": thresholds}))
    assert client.get("/about", headers=HOST).json["runs"]["bert"]["thresholds"] == thresholds.tolist()


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": f"evil.example:{PORT}"},
        {"Host": f"127.0.0.1.evil.example:{PORT}"},
        {"Host": "[127.0.0.1"},
        {"Host": ""},
        {"Origin": "http://evil.example"},
        {"Origin": f"http://127.0.0.1:{PORT + 1}"},
        {"Origin": "null"},
        {"Origin": f"https://127.0.0.1:{PORT}"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_other_hosts_and_origins_are_refused(client, headers):
    content = {"text": "one", "run": "bert"}
    assert post(client, "/predict", content, headers).status_code == 403
    assert client.get("/about", headers={**HOST, **headers}).status_code == 403
    own = {"Origin": f"http://127.0.0.1:{PORT}", "Sec-Fetch-Site": "same-origin"}
    assert post(client, "/predict", content, own).status_code == 200


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "localhost:9000"])
def test_own_names_are_answered_on_any_port_that_leads_here(client, host):
    """A browser leaves out port 80, and a tunnel has a port of its own."""
    assert client.get("/about", headers={"Host": host, "Origin": f"http://{host}"}).status_code == 200


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b'{"text": "one", "run": "bert"}', "text/plain", 415),
        (b"text=one&run=bert", "application/x-www-form-urlencoded", 415),
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b'{"text": 1, "run": "bert"}', "application/json", 400),
        (b'{"text": "one", "run": "../bert"}', "application/json", 400),
        (b'{"text": "one", "run": ["bert"]}', "application/json", 400),
        (b'{"text": "one", "run": "bert", "method": "__class__"}', "application/json", 400),
        (b'{"text": "one", "run": "bert", "method": []}', "application/json", 400),
        (b'{"text": "one", "run": "bert", "method": {}}', "application/json", 400),
        (b'{"text": "one", "run": "bert", "method": null}', "application/json", 400),
        (b'{"text": "one", "run": NaN}', "application/json", 400),
        (b'{"text": "\xff", "run": "bert"}', "application/json", 400),
        (b"x" * (MAX_BODY + 1), "application/json", 413),
        (json.dumps({"text": "x" * (MAX_CHARACTERS + 1), "run": "bert"}).encode(), "application/json", 413),
    ],
)
def test_what_is_no_request_is_refused_with_a_reason(client, body, kind, status):
    answer = client.post("/predict", data=body, content_type=kind, headers=HOST)
    assert answer.status_code == status
    assert answer.json["error"]


@pytest.mark.parametrize("path", ["/", "/page.js", "/about"])
def test_head_is_answered_like_get_without_the_content(client, path):
    whole, head = client.get(path, headers=HOST), client.head(path, headers=HOST)
    assert (head.status_code, head.data) == (200, b"")
    assert head.headers["Content-Length"] == whole.headers["Content-Length"]


def test_long_text_is_predicted_and_its_words_are_not_explained(client):
    content = {"text": "one " * 400, "run": "bert"}
    assert post(client, "/predict", content).status_code == 200
    assert post(client, "/explain", content).status_code == 400
    assert post(client, "/explain", {"text": "字" * 400, "run": "bert"}).status_code == 400  # a word each


def test_odd_characters_are_texts_like_any_other(client):
    for text in (HOSTILE, "\ud83d", "", "😀" * 1000):
        body = json.dumps({"text": text, "run": "bert"})
        answer = client.post("/explain", data=body, content_type="application/json", headers=HOST)
        assert answer.status_code == 200, answer.text


class SlowPredictor:
    """Waits until it is let go."""

    def __init__(self):
        self.go, self.at_once, self.most = threading.Event(), 0, 0

    def predict_proba(self, texts):
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        self.go.wait(VERY_LONG)
        self.at_once -= 1
        raise InputError("enough")


def test_requests_wait_in_turn_and_a_crowd_is_sent_away():
    slow = SlowPredictor()
    client = Client(TextApp({"bert": slow}, JIGSAW))
    found = []
    threads = [
        threading.Thread(
            target=lambda: found.append(post(client, "/predict", {"text": "one", "run": "bert"}).status_code)
        )
        for _ in range(WAITING + 3)
    ]
    for thread in threads:
        thread.start()
    limit = time.monotonic() + VERY_LONG
    while len(found) < 3 and time.monotonic() < limit:
        time.sleep(0.01)
    assert found == [503] * 3
    slow.go.set()
    for thread in threads:
        thread.join()
    assert sorted(found) == [400] * WAITING + [503] * 3
    assert slow.most == 1


def test_explanation_that_nobody_waits_for_any_more_is_given_up(predictor):
    asked = []

    def is_gone():
        asked.append(True)
        return len(asked) > 2

    client = Client(TextApp({"bert": predictor}, JIGSAW))
    content = {"text": "one two three four " * 40, "run": "bert"}
    answer = client.post(
        "/explain", json=content, headers=HOST, environ_overrides={"waitress.client_disconnected": is_gone}
    )
    assert answer.status_code == 503
    assert "nobody waits" in answer.json["error"]
    assert len(asked) >= 3
    assert post(client, "/predict", {"text": "one", "run": "bert"}).status_code == 200


@pytest.fixture
def served(predictor, monkeypatch):
    """The port of a server that runs in a thread."""
    monkeypatch.setattr(web_server, "STALLED_SECONDS", 1)
    monkeypatch.setattr(web_server, "CONNECTIONS", 5)
    server, port = make_server({"bert": predictor}, JIGSAW, 0)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield port
    web_server.stop(server, 0)
    thread.join(VERY_LONG)


def test_stalled_connections_keep_nobody_out_for_long(served):
    stalled = [socket.create_connection(("127.0.0.1", served)) for _ in range(20)]
    try:
        for connection in stalled[:10]:
            connection.sendall(b"POST /predict HTTP/1.1\r\nContent-Length: 100\r\n\r\n{")
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
            f"http://127.0.0.1:{served}/about", timeout=60
        ) as answer:
            assert json.load(answer)["runs"]
    finally:
        for connection in stalled:
            connection.close()


def test_runs_with_other_labels_are_not_shown_side_by_side(predictor):
    other = SimpleNamespace(labels=predictor.labels[::-1])
    with pytest.raises(InputError, match="runs 'bert' and 'other' have different labels"):
        make_server({"bert": predictor, "other": other}, JIGSAW, 0)


def test_taken_port_is_told(predictor):
    server, port = make_server({"bert": predictor}, JIGSAW, 0)
    try:
        with pytest.raises(InputError, match=f"--port {port}"):
            make_server({"bert": predictor}, JIGSAW, port)
    finally:
        server.close()


def test_recordings_are_for_sounds_only(run_command):
    assert "has texts, leave it out" in run_command("play.py", "--data", "here", status=2).stderr


def test_number_that_is_no_port_is_refused(run_command):
    assert "--port is 99999" in run_command("play.py", "--port", 99999, status=2).stderr
