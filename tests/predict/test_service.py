"""The service: probabilities for batches, limits with a clear refusal, a token, health and metrics."""

import json
import re
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import VERY_LONG
from prometheus_client.parser import text_string_to_metric_families
from werkzeug.test import Client

from pooled_bert.benchmarks.targets import SEVERAL_LABELS
from pooled_bert.models.prediction import NotWanted, _is_wanted
from pooled_bert.predict import web_app
from pooled_bert.predict.predictor import CHECKS, load_predictor
from pooled_bert.predict.service import Limits, Service

HOST = "127.0.0.1:8000"
TOKEN = "a-token-of-many-letters"
LIMITS = Limits(body=10_000, rows=4, characters=50, in_flight=2, seconds=VERY_LONG)


class LengthPredictor:
    """Predicts a text's length; while ``go`` is not set, a call waits and looks whether it is wanted."""

    labels = ("length", "tenth")
    target = SEVERAL_LABELS
    run = SimpleNamespace(name="lengths", folds=[SimpleNamespace(fold=0)], made_up=False)

    def __init__(self, noun="text"):
        self.noun, self.calls, self.go = noun, [], threading.Event()
        self.go.set()

    def checked(self, items):
        return CHECKS[self.noun](items)

    def predict_proba(self, items):
        self.calls.append(list(items))
        while not self.go.wait(0.01):
            if not _is_wanted.get()():
                raise NotWanted
        return np.array([[len(item) / 100, len(item) / 1000] for item in items], np.float32).reshape(-1, 2)


def client_of(predictor, limits=LIMITS, token=None):
    service = Service(predictor, limits, token=token, own_hosts={"127.0.0.1"})
    return Client(service)


@pytest.fixture
def slow():
    predictor = LengthPredictor()
    predictor.go.clear()
    yield predictor
    predictor.go.set()


def post(client, content, **options):
    return client.post("/predict", json=content, **{"headers": {"Host": HOST}, **options})


def get(client, path, **headers):
    return client.get(path, headers={"Host": HOST, **headers})


def in_background(function, *arguments):
    """Run in a thread; return a function that waits for the result."""
    found = []
    thread = threading.Thread(target=lambda: found.append(function(*arguments)))
    thread.start()

    def result():
        thread.join(VERY_LONG)
        return found[0]

    return result


def wait_until(condition):
    limit = time.monotonic() + VERY_LONG
    while not condition() and time.monotonic() < limit:
        time.sleep(0.01)
    assert condition()


def metrics(client):
    families = text_string_to_metric_families(get(client, "/metrics").text)
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }


def test_probabilities_are_those_of_the_predictor_in_the_order_given(tiny_run):
    predictor = load_predictor(tiny_run, [0])
    texts = ["one two", "", "three 😀 four"]
    answer = post(client_of(predictor), {"texts": texts}).json
    assert answer["labels"] == list(predictor.labels)
    assert np.array(answer["probabilities"]) == pytest.approx(predictor.predict_proba(texts), abs=1e-6)


def test_numbers_are_the_shortest_that_say_the_same():
    assert post(client_of(LengthPredictor()), {"texts": ["x" * 10]}).json["probabilities"] == [[0.1, 0.01]]


def test_batch_of_no_texts_has_no_rows():
    assert post(client_of(LengthPredictor()), {"texts": []}).json["probabilities"] == []


def test_pairs_are_predicted_from_two_texts_each():
    client = client_of(LengthPredictor("pair"))
    assert len(post(client, {"pairs": [["a", "b"], ["c", "d"]]}).json["probabilities"]) == 2
    assert "expected two texts" in post(client, {"pairs": [["a", "b", "c"]]}).json["error"]
    assert "pairs is missing" in post(client, {"texts": ["a"]}).json["error"]


@pytest.mark.parametrize(
    ("body", "kind", "status", "said"),
    [
        (b"{", "application/json", 400, "expected JSON like"),
        (b'{"texts": "one"}', "application/json", 400, "expected a list"),
        (b'{"texts": ["one", 2]}', "application/json", 400, "texts.1 is 2, expected a text"),
        (b'{"texts": [NaN]}', "application/json", 400, "NaN is not a finite number"),
        (b'{"texts": ["\xff"]}', "application/json", 400, "expected JSON like"),
        (b'{"texts": ["\\u0000"]}', "application/json", 400, "text 0 is"),
        (b'{"texts": ["\\ud83d"]}', "application/json", 400, "text 0 is"),
        (b"[" * 9000, "application/json", 400, "nested too deeply"),
        (b"texts=one", "application/x-www-form-urlencoded", 415, "application/json"),
        (b"x" * 10_001, "application/json", 413, "10,000 bytes"),
        (b'{"texts": ["", "", "", "", ""]}', "application/json", 413, "5 texts, but a request may have 4"),
        (json.dumps({"texts": ["", "x" * 51]}).encode(), "application/json", 413, "text 1 has 51 characters"),
    ],
)
def test_request_that_cannot_be_answered_is_refused_with_a_reason(body, kind, status, said):
    predictor = LengthPredictor()
    answer = client_of(predictor).post("/predict", data=body, content_type=kind, headers={"Host": HOST})
    assert answer.status_code == status
    assert said in answer.json["error"]
    assert predictor.calls == []


def test_unknown_paths_and_methods_are_refused_with_those_that_there_are():
    client = client_of(LengthPredictor())
    assert "/predict" in get(client, "/nowhere").json["error"]
    assert get(client, "/nowhere").status_code == 404
    answer = get(client, "/predict")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert client.delete("/health", headers={"Host": HOST}).status_code == 405


@pytest.mark.parametrize("path", ["/", "/health", "/metrics"])
def test_head_is_answered_like_get_without_the_content(path):
    head = client_of(LengthPredictor()).head(path, headers={"Host": HOST})
    assert (head.status_code, head.data) == (200, b"")
    assert int(head.headers["Content-Length"]) > 0


def test_without_a_token_only_the_own_host_and_no_foreign_page_is_answered():
    client = client_of(LengthPredictor())
    assert get(client, "/", Host="evil.example").status_code == 403
    assert get(client, "/", Origin="http://evil.example").status_code == 403
    assert get(client, "/", Origin=f"http://{HOST}").status_code == 200


@pytest.mark.parametrize(
    "given", [None, "", "Bearer ", "Bearer wrong", f"Basic {TOKEN}", TOKEN, "Bearer \xe9"]
)
def test_with_a_token_requests_without_it_are_refused(given):
    predictor = LengthPredictor()
    client = client_of(predictor, token=TOKEN)
    headers = {} if given is None else {"Authorization": given}
    for path in ("/", "/metrics", "/nowhere"):
        assert client.get(path, headers=headers).status_code == 401
    answer = post(client, {"texts": ["one"]}, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert TOKEN not in answer.text
    assert predictor.calls == []


def test_with_a_token_any_host_is_answered_and_health_needs_no_token():
    client = client_of(LengthPredictor(), token=TOKEN)
    headers = {"Host": "scores.example", "Authorization": f"Bearer {TOKEN}"}
    assert post(client, {"texts": ["one"]}, headers=headers).status_code == 200
    assert client.get("/health").json == {"status": "ok"}


def test_health_says_that_the_service_stops():
    client = client_of(LengthPredictor())
    client.application.is_stopping = True
    answer = get(client, "/health")
    assert (answer.status_code, answer.json) == (503, {"status": "stopping"})


def test_more_requests_than_allowed_at_a_time_are_sent_away_and_asked_to_come_again(slow):
    client = client_of(slow)
    waiting = [in_background(post, client, {"texts": ["one"]}) for _ in range(LIMITS.in_flight)]
    wait_until(lambda: client.application.n_in_flight == LIMITS.in_flight)
    answer = post(client, {"texts": ["one"]})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert get(client, "/health").status_code == 200
    slow.go.set()
    assert [result().status_code for result in waiting] == [200, 200]


def test_requests_that_wait_are_predicted_together_and_answered_each_with_its_own(slow):
    client = client_of(slow, Limits(rows=5, in_flight=9, seconds=VERY_LONG))
    first = in_background(post, client, {"texts": ["x"]})
    wait_until(lambda: slow.calls)
    others = [in_background(post, client, {"texts": ["x" * (10 * n)] * 2}) for n in (1, 2, 3)]
    wait_until(lambda: len(client.application._together._jobs) == 3)
    slow.go.set()
    assert first().json["probabilities"] == [[0.01, 0.001]]
    assert [result().json["probabilities"][1][0] for result in others] == [0.1, 0.2, 0.3]
    assert list(map(len, slow.calls)) == [1, 4, 2]  # five rows at most, and no request is cut


def test_requests_are_shared_among_the_threads_that_compute(slow):
    service = Service(
        slow, Limits(in_flight=9, seconds=VERY_LONG), token=None, own_hosts={"127.0.0.1"}, at_once=2
    )
    client = Client(service)
    waiting = [in_background(post, client, {"texts": ["x"]}) for _ in range(2)]
    wait_until(lambda: len(slow.calls) == 2)
    waiting += [in_background(post, client, {"texts": ["x"]}) for _ in range(4)]
    wait_until(lambda: service.n_in_flight == 6)
    slow.go.set()
    assert [result().status_code for result in waiting] == [200] * 6


def test_request_that_takes_too_long_is_given_up_and_the_next_is_answered(slow, monkeypatch):
    clock = SimpleNamespace(now=0.0, monotonic=lambda: clock.now)
    monkeypatch.setattr(web_app, "time", clock)
    client = client_of(slow, Limits(in_flight=2, seconds=10))
    first = in_background(post, client, {"texts": ["one"]})
    wait_until(lambda: slow.calls)
    second = in_background(post, client, {"texts": ["two"]})
    wait_until(lambda: client.application.n_in_flight == 2)
    clock.now = 11.0
    assert first().status_code == second().status_code == 503
    assert "no answer within 10 s" in second().json["error"]
    slow.go.set()
    assert post(client, {"texts": ["three"]}).status_code == 200
    assert slow.calls[-1] == ["three"]
    assert metrics(client)["pooled_bert_abandoned_total",] == 2


def test_request_whose_client_is_gone_is_not_computed(slow):
    client = client_of(slow)
    first = in_background(post, client, {"texts": ["one"]})
    wait_until(lambda: slow.calls)
    gone = {"waitress.client_disconnected": lambda: True}
    assert "nobody waits" in post(client, {"texts": ["two"]}, environ_overrides=gone).json["error"]
    slow.go.set()
    assert first().status_code == 200
    assert post(client, {"texts": ["three"]}).status_code == 200
    assert slow.calls == [["one"], ["three"]]


def test_failure_of_the_model_is_the_answer_of_its_requests_alone():
    predictor = LengthPredictor()
    predictor.predict_proba = lambda items: 1 / 0
    client = client_of(predictor)
    with pytest.raises(ZeroDivisionError):  # which waitress logs, and answers with status 500
        post(client, {"texts": ["one"]})
    predictor.predict_proba = lambda items: np.zeros((len(items), 2))
    assert post(client, {"texts": ["one"]}).status_code == 200
    assert client.application.n_in_flight == 0


def test_metrics_count_requests_by_path_and_status_and_rows():
    client = client_of(LengthPredictor())
    post(client, {"texts": ["one", "two"]})
    post(client, {"texts": ["one"] * 5})
    get(client, "/somewhere-else")
    found = metrics(client)
    assert found["pooled_bert_requests_total", "/predict", "200"] == 1
    assert found["pooled_bert_requests_total", "/predict", "413"] == 1
    assert found["pooled_bert_requests_total", "other", "404"] == 1
    assert found["pooled_bert_rows_total",] == 2
    assert found["pooled_bert_batch_rows_sum",] == 2
    assert found["pooled_bert_in_flight",] == 0
    assert found["process_resident_memory_bytes",] > 0


def test_first_page_says_what_a_request_looks_like_and_its_limits():
    about = get(client_of(LengthPredictor()), "/").json
    assert about["labels"] == ["length", "tenth"]
    assert about["example"]["body"] == {"texts": ["a text"]}
    assert about["limits"]["rows"] == LIMITS.rows


def test_other_machines_need_a_token(run_command, tmp_path):
    assert "--token-file" in run_command("serve.py", "--host", "0.0.0.0", status=2).stderr
    short = tmp_path / "token"
    short.write_text("short\n")
    said = run_command("serve.py", "--host", "0.0.0.0", "--token-file", short, status=2).stderr
    assert re.search("at least 16 letters", said)
    assert "short" not in said.split("expected")[1]


def test_sounds_are_refused(run_command):
    assert "takes texts" in run_command("serve.py", "--benchmark", "emodb", status=2).stderr
