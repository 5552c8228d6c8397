"""A run as a function of texts: what make_submission.py averages, for any text, from the run's folder alone."""

import dataclasses
import json
import shutil
import socket

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from pooled_bert.base.deadline import Deadline
from pooled_bert.base.errors import InputError
from pooled_bert.base.files import read_json, write_record
from pooled_bert.base.places import Workspace
from pooled_bert.benchmarks.jigsaw import JIGSAW
from pooled_bert.benchmarks.targets import SEVERAL_LABELS
from pooled_bert.data.rows import read_rows
from pooled_bert.models import classifier
from pooled_bert.predict.explanation import explain
from pooled_bert.predict.predictor import load_predictor, same_tokens
from pooled_bert.results.blend import blend_test
from pooled_bert.runs.cross_validation import CrossValidation
from pooled_bert.runs.finished_runs import read_run
from pooled_bert.training.settings import LinearSettings, RunSettings


@pytest.fixture(scope="module")
def predictor(tiny_run):
    return load_predictor(tiny_run, windows="none")


@pytest.fixture(scope="module")
def whole(tiny_run):
    return load_predictor(tiny_run)


@pytest.fixture(scope="module")
def texts(sample):
    return pd.read_csv(sample / "test.csv", keep_default_na=False)["comment_text"].tolist()


@pytest.mark.numerical
def test_test_rows_get_what_make_submission_writes(predictor, tiny_run, texts):
    expected = blend_test([read_run(tiny_run)], SEVERAL_LABELS, "logit").drop(columns="id")
    found = predictor.predict_proba(texts)
    assert found.dtype == np.float32
    assert list(predictor.labels) == list(expected.columns)
    np.testing.assert_allclose(found, expected.to_numpy(), atol=1e-5)
    assert found[:, 0].std() > 0.05  # there is something to get wrong


def test_folds_can_be_chosen(tiny_run, texts):
    expected = read_run(tiny_run, [1]).folds[0].test.drop(columns="id")
    found = load_predictor(tiny_run, [1], windows="none").predict_proba(texts)
    np.testing.assert_allclose(found, expected.to_numpy(), atol=1e-5)


@pytest.mark.numerical
def test_prediction_depends_neither_on_order_nor_on_the_texts_beside_it(whole, texts):
    together = whole.predict_proba(texts)
    np.testing.assert_allclose(whole.predict_proba(texts[::-1])[::-1], together, atol=1e-5)
    for row in (0, 7, 30):
        np.testing.assert_allclose(whole.predict_proba(texts[row : row + 1])[0], together[row], atol=1e-5)


@pytest.mark.numerical
def test_long_text_is_read_whole_unless_it_is_to_be_cut(predictor, whole, texts):
    start = " ".join(["ba"] * 40)
    ends = [f"{start} {texts[0]}", f"{start} {texts[1]}"]
    assert whole.windows == "mean"
    np.testing.assert_allclose(*predictor.predict_proba(ends), atol=1e-6)
    assert not np.allclose(*whole.predict_proba(ends), atol=1e-4)
    short = ["ba be bi"]
    np.testing.assert_allclose(whole.predict_proba(short), predictor.predict_proba(short), atol=1e-6)


def test_labels_are_assigned_above_one_threshold_or_each_labels_own(predictor, texts):
    probabilities = predictor.predict_proba(texts)
    middle = float(np.median(probabilities[:, 0]))
    for thresholds, limit in ((None, 0.5), (middle, middle), ({"toxic": middle}, middle)):
        found = predictor.predict(texts, thresholds)
        assert ["toxic" in names for names in found] == (probabilities[:, 0] > limit).tolist()
    assert predictor.predict(["one"], 0.0) == [list(predictor.labels)]
    assert predictor.predict(["one"], dict.fromkeys(predictor.labels, 1.0)) == [[]]


@pytest.mark.parametrize(
    ("thresholds", "expected"),
    [
        (1.5, "a threshold is 1.5, expected a number from 0 to 1"),
        ("tuned", "a threshold is 'tuned'"),
        ({"toxc": 0.5}, "a label of thresholds is 'toxc', expected toxic, severe_toxic"),
        ({"toxic": float("nan")}, "a threshold is nan"),
    ],
)
def test_thresholds_that_are_none_are_refused(predictor, thresholds, expected):
    with pytest.raises(InputError, match=expected):
        predictor.predict(["one"], thresholds)


def test_frame_has_the_labels_and_the_index_of_a_series(predictor, texts):
    series = pd.Series(texts[:3], index=["a", "b", "c"])
    found = predictor.predict_frame(series)
    assert list(found.columns) == list(predictor.labels)
    assert list(found.index) == ["a", "b", "c"]
    np.testing.assert_array_equal(found.to_numpy(), predictor.predict_proba(texts[:3]))
    assert list(predictor.predict_frame(texts[:2]).index) == [0, 1]


def test_explanation_is_the_commands(predictor):
    found = predictor.explain("one two")
    assert found.method == "occlusion"
    np.testing.assert_array_equal(found.weights, explain(predictor, "one two").weights)
    assert predictor.explain("one two", "gradients").method == "gradients"


def test_shown_predictor_is_one_short_line(whole):
    assert repr(whole) == (
        "<Predictor of texts: run bert, folds 0 1, float32, windows mean;"
        " toxic, severe_toxic, obscene, threat, insult, identity_hate>"
    )


def test_program_that_loads_a_predictor_keeps_its_precision(tiny_run):
    tf.keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        predictor = load_predictor(tiny_run, [0])
        assert predictor.precision == predictor.models[0].network().compute_dtype == "float32"
        assert tf.keras.mixed_precision.global_policy().name == "mixed_bfloat16"
    finally:
        tf.keras.mixed_precision.set_global_policy("float32")


def test_other_tensorflow_and_keras_that_cannot_be_loaded_are_refused(tiny_run, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(tf, "__version__", "2.16.1")
        with pytest.raises(InputError, match=r"TensorFlow 2\.16\.1 is installed, expected 2\.15"):
            load_predictor(tiny_run, [0], precision="bfloat16")
    monkeypatch.delattr(tf.keras, "backend")  # as where Keras was asked for with the variable set
    with pytest.raises(InputError, match="unset this variable and restart Python"):
        load_predictor(tiny_run, [0], precision="bfloat16")


def test_no_texts_are_no_rows(predictor):
    assert predictor.predict_proba([]).shape == (0, 6)


def test_empty_and_odd_texts_get_probabilities(predictor):
    odd = ["", " ", "😀" * 50, "\x1b[31m", "x" * 100_000, "日本\r\n", "\ufeff\u202e"]
    found = predictor.predict_proba(odd)
    assert found.shape == (len(odd), 6)
    assert ((found > 0) & (found < 1)).all()


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ("one alone", "expected a list of texts"),
        (["a", None], "text 1 is None, expected a string"),
        ([("a", "b")], r"text 0 is \('a', 'b'\), expected a string"),
        ([b"bytes"], "text 0 is b'bytes'"),
        (["a", "b", "half \ud83d"], r"text 2 is 'half \\ud83d'"),
        (["\0"], r"text 0 is '\\x00'"),
    ],
)
def test_what_is_no_text_is_refused(predictor, texts, expected):
    with pytest.raises(InputError, match=expected):
        predictor.predict_proba(texts)


def test_folds_that_read_alike_share_their_tokens(predictor):
    first, second = predictor.models
    assert same_tokens([first, second]) == [[first, second]]
    other = dataclasses.replace(second, reader=dataclasses.replace(second.reader, max_length=12))
    assert same_tokens([first, other]) == [[first], [other]]


def test_nothing_outside_the_folder_is_asked(tiny_run, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    load_predictor(tiny_run, [0])


def test_run_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match=r"nowhere: has no finished fold; train it"):
        load_predictor(tmp_path / "nowhere")


def test_fold_without_a_model_is_refused(tiny_run, tmp_path):
    shutil.copytree(tiny_run, tmp_path / "run")
    shutil.rmtree(tmp_path / "run/fold_1/model")
    with pytest.raises(InputError, match=r"fold_1/model: is missing; train it again with --fold 1"):
        load_predictor(tmp_path / "run")


def test_linear_run_is_refused(sample, tmp_path):
    rows = read_rows(JIGSAW, sample)
    work = CrossValidation(
        rows,
        RunSettings(model="linear", n_folds=2),
        LinearSettings(),
        name="linear",
        workspace=Workspace(tmp_path),
    )
    work.start([0], overwrite=False)
    work.train_fold(0, checkpoint_minutes=5, deadline=Deadline(None))
    with pytest.raises(
        InputError, match="folds of --model linear keep no model; give a run of another architecture"
    ):
        load_predictor(work.run_folder.path)


@pytest.fixture
def run_copy(tiny_run, tmp_path):
    return shutil.copytree(tiny_run, tmp_path / "bert")


def as_of_an_earlier_revision(fold_folder):
    """Take the checksums of the model out of metrics.json."""
    metrics = read_json(fold_folder / "metrics.json")
    metrics["files"] = {name: digest for name, digest in metrics["files"].items() if "/" not in name}
    write_record(
        fold_folder / "metrics.json", {name: metrics[name] for name in metrics if name != "checksum"}
    )


@pytest.mark.parametrize("name", ["model.safetensors", "head.safetensors", "head.json", "tokenizer.json"])
def test_damaged_model_without_checksums_is_refused_with_the_remedy(run_copy, name):
    as_of_an_earlier_revision(run_copy / "fold_0")
    path = run_copy / "fold_0" / "model" / name
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(
        InputError, match=r"fold_0/model: is damaged; train it again with --fold 0 --overwrite"
    ):
        load_predictor(run_copy, [0])


@pytest.mark.parametrize("name", ["head.json", "head.safetensors", "model.safetensors"])
def test_model_of_another_fold_and_other_labels_are_refused(run_copy, name):
    path = run_copy / "fold_1" / "model" / name
    if name == "head.json":
        head = json.loads(path.read_text())
        path.write_text(json.dumps({**head, "labels": head["labels"][::-1]}))
    else:
        shutil.copy(run_copy / "fold_0" / "model" / name, path)
    with pytest.raises(
        InputError, match=rf"fold_1/model/{name}: is missing or was changed.*--fold 1 --overwrite"
    ):
        load_predictor(run_copy)


def test_folds_with_their_labels_in_another_order_are_not_averaged(run_copy):
    as_of_an_earlier_revision(run_copy / "fold_1")
    path = run_copy / "fold_1" / "model" / "head.json"
    head = json.loads(path.read_text())
    path.write_text(json.dumps({**head, "labels": head["labels"][::-1]}))
    with pytest.raises(InputError, match=r"fold_1/model: has other labels, or the labels in another order"):
        load_predictor(run_copy)


def test_model_that_tensorflow_computes_is_loaded_once(tiny_run, monkeypatch):
    loaded, load = [], classifier.load_classifier
    monkeypatch.setattr(classifier, "load_classifier", lambda folder: loaded.append(folder) or load(folder))
    predictor = load_predictor(tiny_run, precision="bfloat16")
    predictor.predict_proba(["one two three"])
    assert [folder.parent.name for folder in loaded] == ["fold_0", "fold_1"]
