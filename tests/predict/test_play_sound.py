"""The page of sounds: scores, waveform and attention of examples and of files that the user opens."""

import io
import threading
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import tensorflow as tf
from browsing import set_width
from conftest import VERY_LONG
from werkzeug.test import Client

from pooled_bert.base.errors import InputError
from pooled_bert.base.sound import RATE
from pooled_bert.benchmarks.emodb import EMODB
from pooled_bert.benchmarks.jigsaw import JIGSAW
from pooled_bert.benchmarks.targets import ONE_CLASS
from pooled_bert.data.audio_files import read_sound
from pooled_bert.data.rows import read_train
from pooled_bert.data.sample import write_sample
from pooled_bert.inputs.frames import FrameReader, block_seconds
from pooled_bert.models.blstm import Blstm, BlstmConfig
from pooled_bert.models.classifier import Classifier
from pooled_bert.models.fold_model import open_fold_model
from pooled_bert.models.network import build_model
from pooled_bert.predict.play_server import make_server
from pooled_bert.predict.play_sound import MAX_BODY, MAX_SECONDS, PEAKS, SoundApp, choose_examples, peaks
from pooled_bert.predict.play_text import TextApp
from pooled_bert.predict.predictor import Predictor

PORT = 8000
HOST = {"Host": f"127.0.0.1:{PORT}"}
ROWS = 70  # 10 speakers, one sound of each class by each


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    folder = tmp_path_factory.mktemp("emodb")
    write_sample(folder, EMODB, rows=ROWS, test_rows=0, seed=1)
    return read_train(EMODB, folder)


def untrained(folder, sounds, name, pooling, *, by_speaker):
    """Return a predictor of random weights that reads the first second of a sound."""
    tf.keras.utils.set_random_seed(0)
    reader = FrameReader(1.0, by_speaker).fitted(sounds, np.arange(len(sounds)), cache=None)
    encoder = Blstm(BlstmConfig(0, len(reader.mean), 4, 0.0))
    model = build_model(
        encoder, reader.signature, target=ONE_CLASS, n_labels=len(EMODB.labels), pooling=pooling, dropout=0.0
    )
    head = {
        "medium": "sound", "architecture": "blstm", "target": ONE_CLASS.name, "labels": list(EMODB.labels),
        "pooling": pooling, "dropout": 0.0, **reader.settings(),
    }  # fmt: skip
    Classifier(reader, head, model, encoder).save(folder)
    fold_model = open_fold_model(folder, "float32")
    fold = SimpleNamespace(fold=0, metrics={"mean_auc": None})
    run = SimpleNamespace(name=name, made_up=False, folds=[fold], identity={"settings": {"model": "blstm"}})
    return Predictor(run, EMODB.labels, (fold_model,), None)


@pytest.fixture(scope="module")
def predictors(table, tmp_path_factory):
    sounds, folder = table["sound"].tolist()[:10], tmp_path_factory.mktemp
    return {
        "blstm": untrained(folder("blstm"), sounds, "blstm", "attention", by_speaker=True),
        "mean": untrained(folder("mean"), sounds, "mean", "mean", by_speaker=False),
    }


def test_sound_gets_its_likeliest_class_and_its_attention(predictors, table):
    sounds = table["sound"].tolist()[:3]
    found = predictors["blstm"].predict(sounds)
    likeliest = predictors["blstm"].predict_proba(sounds).argmax(axis=1)
    assert found == [EMODB.labels[column] for column in likeliest]
    assert predictors["blstm"].explain(sounds[0]).weights.sum() == pytest.approx(1, abs=1e-5)
    with pytest.raises(InputError, match="has classes, of which the likeliest is assigned"):
        predictors["blstm"].predict(sounds, 0.5)
    with pytest.raises(InputError, match="method is gradients, expected attention"):
        predictors["blstm"].explain(sounds[0], "gradients")
    with pytest.raises(InputError, match="has no attention weights"):
        predictors["mean"].explain(sounds[0])


@pytest.fixture(scope="module")
def client(predictors, table):
    return Client(SoundApp(predictors, EMODB, choose_examples(table, EMODB.labels)))


def wav(samples, rate=RATE, kind="WAV", **options):
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=kind, **options)
    return file.getvalue()


def tone(seconds, rate=RATE):
    return 0.5 * np.sin(2 * np.pi * 220 * np.arange(int(seconds * rate)) / rate)


def post(client, body=b"", headers=None, kind="application/octet-stream", **query):
    headers = {**HOST, **(headers or {})}
    return client.post("/predict", data=body, query_string=query, content_type=kind, headers=headers)


def test_page_and_what_it_offers(client):
    page = client.get("/", headers=HOST)
    assert page.status_code == 200
    assert "media-src 'self' blob:" in page.headers["Content-Security-Policy"]
    for path in ("/page.js", "/shared.js", "/page.css"):
        assert client.get(path, headers=HOST).status_code == 200
    about = client.get("/about", headers=HOST).json
    assert about["labels"] == list(EMODB.labels)
    facts = {"facts": "blstm, 1 fold", "attention": True, "by_speaker": True, "max_seconds": 1.0}
    assert about["runs"]["blstm"] == facts
    assert about["runs"]["mean"] == {**facts, "attention": False, "by_speaker": False}


def test_examples_are_one_per_class_by_different_speakers(client, table):
    examples = client.get("/about", headers=HOST).json["examples"]
    assert [example["label"] for example in examples] == list(EMODB.labels)
    assert len({example["speaker"] for example in examples}) == len(EMODB.labels)
    for example in examples:
        (row,) = table[table["id"] == example["id"]].to_dict("records")
        assert row[example["label"]] == 1
        assert row["group"] == example["speaker"]


def test_class_without_recordings_has_no_example(table):
    without = table[table["fear"] == 0]
    assert [example.label for example in choose_examples(without, EMODB.labels)] == [
        label for label in EMODB.labels if label != "fear"
    ]


def test_example_is_served_as_wav_and_in_parts(client, table):
    (number, example), *_ = enumerate(client.get("/about", headers=HOST).json["examples"])
    whole = client.get(f"/example/{number}", headers=HOST)
    assert whole.mimetype == "audio/wav"
    samples, rate = soundfile.read(io.BytesIO(whole.data), dtype="float32")
    assert rate == RATE
    (sound,) = table["sound"][table["id"] == example["id"]]
    assert np.allclose(samples, sound.samples, atol=1e-4)
    part = client.get(f"/example/{number}", headers={**HOST, "Range": "bytes=100-199"})
    assert part.status_code == 206
    assert part.data == whole.data[100:200]


@pytest.mark.parametrize("run", ["blstm", "mean"])
def test_scores_of_a_file_are_those_of_the_predictor(client, predictors, run):
    content = wav(np.stack([tone(0.8, 22_050)] * 2, axis=1), 22_050)
    answer = post(client, content, run=run)
    assert answer.status_code == 200
    expected = predictors[run].predict_proba([read_sound(content, "here")])[0]
    assert answer.json["probabilities"] == pytest.approx(expected.tolist(), abs=1e-6)
    assert answer.json["seconds"] == pytest.approx(0.8, abs=0.01)
    assert answer.json["together"] == 1


def test_example_is_normalised_with_all_recordings_of_its_speaker(client, predictors, table):
    for number, example in enumerate(client.get("/about", headers=HOST).json["examples"]):
        rows = table[table["group"] == example["speaker"]].reset_index(drop=True)
        (row,) = np.flatnonzero(rows["id"] == example["id"])
        together = predictors["blstm"].predict_proba(rows["sound"].tolist())[row]
        alone = predictors["blstm"].predict_proba([rows["sound"][row]])[0]
        for _ in range(2):  # the second answer is a kept one
            answer = post(client, run="blstm", example=number).json
            assert answer["probabilities"] == pytest.approx(together.tolist(), abs=1e-6)
            assert answer["together"] == len(rows) == 7
        assert np.abs(together - alone).max() > 1e-4


def test_attention_has_a_share_for_each_frame_that_is_read(client):
    for seconds in (0.7, 3.0):
        content = wav(tone(seconds))
        answer = post(client, content, run="blstm").json
        assert answer["seconds_read"] == min(seconds, 1.0)
        attention = answer["attention"]
        times = block_seconds(read_sound(content, "here"), 1.0)
        assert len(attention["weights"]) == len(times) - 1
        assert attention["first"] == pytest.approx(times[:2].mean())
        assert sum(attention["weights"]) == pytest.approx(1, abs=1e-4)
        assert sum(attention["bins"]) == pytest.approx(1, abs=1e-4)
        assert len(attention["bins"]) == 2
    assert post(client, content, run="mean").json["attention"] is None


@pytest.mark.parametrize("n_samples", [1, 800, 16_001, 60 * RATE])
def test_waveform_covers_the_lowest_and_the_highest_samples(n_samples):
    samples = np.random.default_rng(0).normal(0, 0.01, n_samples).astype(np.float32)
    samples[-1] = -0.5
    pairs = peaks(samples)
    assert len(pairs) == min(PEAKS, n_samples)
    assert pairs[-1, 0] == pairs.min() == -1
    assert (pairs[:, 0] <= pairs[:, 1]).all()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is no sound file"),
        (b"just some text", "is no sound file"),
        (wav(tone(1), kind="FLAC")[:-5000], "damaged"),
        (wav(np.zeros(RATE)), "is silent"),
        (wav(np.full(RATE, np.nan), subtype="FLOAT"), "not a number"),
        (wav(tone(0.01)), "lasts 0.01 s"),
        (wav(tone(MAX_SECONDS + 1, 800), 800), f"expected a recording of 0.05 to {MAX_SECONDS} s"),
        (wav(tone(0.1, 2_000_003), 2_000_003), "2,000,003 samples per second"),
    ],
    ids=["empty", "text", "cut", "silent", "nan", "short", "long", "rate"],
)
def test_file_that_cannot_be_used_is_refused_with_one_message(client, content, message):
    answer = post(client, content, run="blstm")
    assert answer.status_code == 400
    assert message in answer.json["error"]
    assert "\n" not in answer.json["error"]


def test_file_that_is_too_large_is_refused_unread(client):
    class Unread(io.BytesIO):
        def read(self, *_):
            raise AssertionError("the body was read")

        readinto = readline = read

    answer = client.post(
        "/predict?run=blstm",
        input_stream=Unread(),
        content_type="application/octet-stream",
        headers=HOST,
        environ_overrides={"CONTENT_LENGTH": str(MAX_BODY + 1)},
    )
    assert answer.status_code == 413
    assert "20 MB" in answer.json["error"]


@pytest.mark.parametrize(
    "kind", ["text/plain", "multipart/form-data", "application/x-www-form-urlencoded", "audio/wav"]
)
def test_bodies_that_a_foreign_page_may_send_are_refused(client, kind):
    assert post(client, wav(tone(0.2)), kind=kind, run="blstm").status_code == 415


@pytest.mark.parametrize("query", [{}, {"run": "other"}, {"run": "../blstm"}, {"run": ""}, {"example": 0}])
def test_unknown_run_is_refused(client, query):
    answer = post(client, wav(tone(0.2)), **query)
    assert answer.status_code == 400
    assert "run" in answer.json["error"]


@pytest.mark.parametrize("number", ["7", "-1", "", "x", "0.0", "9" * 5000])
def test_unknown_example_is_not_found(client, number):
    assert post(client, run="blstm", example=number).status_code == 404
    assert client.get(f"/example/{number}", headers=HOST).status_code == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_other_hosts_and_origins_are_refused(client, headers):
    assert post(client, wav(tone(0.2)), headers, run="blstm").status_code == 403
    assert client.get("/example/0", headers={**HOST, **headers}).status_code == 403


@pytest.mark.parametrize(("benchmark", "app"), [(EMODB, SoundApp), (JIGSAW, TextApp)])
def test_server_takes_the_page_of_the_medium(predictors, benchmark, app):
    server, port = make_server(predictors, benchmark, 0)
    try:
        headers, address = {"Host": f"127.0.0.1:{port}"}, {"REMOTE_ADDR": "127.0.0.1"}
        page = Client(server.application).get("/", headers=headers, environ_overrides=address)
        assert page.data == (app.page_folder / "page.html").read_bytes()
        assert server.adj.max_request_body_size == app.max_body + 1
        assert server.adj.inbuf_overflow > app.max_body  # no recording is written to disk
    finally:
        server.close()


def test_without_data_there_are_no_examples_but_the_way_to_get_them(predictors):
    about = Client(SoundApp(predictors, EMODB, [])).get("/about", headers=HOST).json
    assert about["examples"] == []
    assert about["download"] == EMODB.download


@pytest.fixture
def address(predictors, table):
    """Where the page is served."""
    server, port = make_server(predictors, EMODB, 0, choose_examples(table, EMODB.labels))
    thread = threading.Thread(target=server.run)
    thread.start()
    yield f"http://127.0.0.1:{port}/"
    server.trigger.pull_trigger(lambda: server.asyncore.close_all(server._map))  # in the server's thread
    thread.join()
    server.task_dispatcher.shutdown()


@pytest.mark.slow
def test_in_a_browser_examples_and_files_are_scored_and_bad_files_leave_no_scores(
    address, browser, tmp_path, accessibility
):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    def shown(name):
        return browser.find_element(By.ID, name).text

    def wait_for(text):
        WebDriverWait(browser, VERY_LONG).until(lambda _: text in shown("status"))

    browser.get(address)
    wait_for("blstm: ")  # the first example is chosen already, and does not play
    assert browser.execute_script("return document.getElementById('audio').paused")
    assert "all 7 recordings of this speaker" in shown("note")
    assert len(browser.find_elements(By.CSS_SELECTOR, ".wave path, .attention .share, .halves li")) > 2
    browser.find_element(By.CSS_SELECTOR, "#other option[value=mean]").click()
    wait_for("mean: ")
    assert "No attention to show for run mean" in shown("note")

    assert accessibility() == []

    good, bad = tmp_path / "<b>good.wav", tmp_path / "bad.wav"
    good.write_bytes(wav(tone(2)))
    bad.write_bytes(b"no sound")
    chooser = browser.find_element(By.ID, "file")
    chooser.send_keys(str(good))
    WebDriverWait(browser, VERY_LONG).until(lambda _: "normalised by itself" in shown("note"))
    assert shown("name") == "<b>good.wav"
    assert "Run blstm read the first 1 seconds only." in shown("note")
    assert len(browser.find_elements(By.CSS_SELECTOR, ".label.best")) == 2
    chooser.send_keys(str(bad))
    wait_for("bad.wav: is no sound file")
    assert browser.find_elements(By.CSS_SELECTOR, ".label.best") == []
    for width in (360, 1200):
        set_width(browser, width)
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    severe = [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    assert len(severe) == 1  # the file that was refused
    assert "status of 400" in severe[0]
