"""The load test: what it counts as answered, refused and lost."""

import http.client
import json
import threading

import numpy as np
import pytest
from conftest import VERY_LONG
from werkzeug.routing import Rule
from werkzeug.wrappers import Response

from pooled_bert.measure import load
from pooled_bert.measure.load import Phase, Tally, _send, summary
from pooled_bert.predict import web_server
from pooled_bert.predict.web_app import WebApp, json_response


class Script(WebApp):
    """Answers with one row per text; or as ``odd`` says."""

    max_body = 10_000
    too_large = "too many bytes"

    def __init__(self):
        super().__init__(None, 4)
        self.odd, self.texts = None, []

    def rules(self):
        return [Rule("/predict", methods=["POST"], endpoint=self.predict)]

    def predict(self, request):
        texts = json.loads(self.body(request))["texts"]
        self.texts += texts
        return self.odd or json_response({"probabilities": [[0.5]] * len(texts)})


@pytest.fixture
def served():
    app = Script()
    listener, port = web_server.listen("127.0.0.1", 0)
    server = web_server.make_server(app, listener)
    loop = threading.Thread(target=server.run, daemon=True)
    loop.start()
    yield app, port
    web_server.stop(server, 0)
    loop.join(VERY_LONG)


@pytest.mark.parametrize(
    ("odd", "outcome"),
    [
        (("{}", 503), "refused"),
        (("{}", 500), "lost"),
        (("no JSON", 200), "lost"),
        (('{"probabilities": [[0.5]]}', 200), "lost"),
    ],
)
def test_what_is_no_whole_answer_is_refused_or_lost(served, odd, outcome):
    app, port = served
    app.odd = Response(*odd)
    assert _send(http.client.HTTPConnection("127.0.0.1", port), '{"texts": ["a", "b"]}', 2) == outcome


def test_service_that_is_not_there_was_sent_nothing():
    listener, port = web_server.listen("127.0.0.1", 0)
    listener.close()
    assert _send(http.client.HTTPConnection("127.0.0.1", port), "{}", 1) == "unsent"


def test_client_sends_the_texts_in_turn_and_times_each_answer(served, monkeypatch):
    app, port = served
    monkeypatch.setattr(load.time, "perf_counter", lambda: float(len(app.texts)))
    tally = Tally()
    load._client(Phase(1, 2), ["a", "b", "c"], 0, port, 7.5, tally)
    assert app.texts == ["a", "b", "c", "a", "b", "c", "a", "b"]
    assert tally.seconds == [2.0] * 4


def test_summary_has_rates_and_quantiles_in_milliseconds():
    found = summary(Phase(2, 10), Tally(seconds=[0.1, 0.2, 0.3], refused=4, lost=1), 2.0)
    assert found["requests/s"] == 1.5
    assert found["rows/s"] == 15
    assert found["p50, ms"] == pytest.approx(200)
    assert found["p95, ms"] == pytest.approx(290)
    assert (found["answered"], found["refused"], found["lost"]) == (3, 4, 1)
    assert np.isnan(summary(Phase(1, 1), Tally(), 1.0)["p50, ms"])
