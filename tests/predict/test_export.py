import dataclasses
import json
import subprocess
import sys

import numpy as np
import onnxruntime
import pytest
import tensorflow as tf
from conftest import table_of
from transformers import AutoTokenizer, TFBertModel

from pooled_bert.base.errors import InputError
from pooled_bert.benchmarks.targets import SEVERAL_LABELS
from pooled_bert.inputs.pair_tokens import text_reader
from pooled_bert.inputs.tokens import SIGNATURE
from pooled_bert.models.blstm import make_blstm
from pooled_bert.models.classifier import Classifier, load_classifier
from pooled_bert.models.encoders import load_encoder
from pooled_bert.models.inference import forward_function, predict
from pooled_bert.models.network import build_model
from pooled_bert.predict import export as exporting
from pooled_bert.predict.export import INPUTS, export, load_float32
from pooled_bert.runs.fold_files import write_config, write_fold
from pooled_bert.training.problem import Outcome

ORIGIN = {"benchmark": "jigsaw", "run": "bert", "fold": 0}
TEXTS = ["one", "two three four five", "", "one two three four five six seven eight nine ten"]


def make_classifier(tokenizer, architecture="bert", pooling="mean"):
    tf.keras.utils.set_random_seed(0)
    if architecture == "bert":
        encoder = load_encoder("tiny", tokenizer)
    else:
        encoder = make_blstm("tiny", tokenizer, units=6, dropout=0.3)
    labels = ["toxic", "obscene"]
    model = build_model(
        encoder, SIGNATURE, target=SEVERAL_LABELS, n_labels=len(labels), pooling=pooling, dropout=0.1
    )
    head = {"architecture": architecture, "labels": labels, "pooling": pooling, "dropout": 0.1}
    head |= {"max_length": 16, "truncation": "head", "windows": None}
    return Classifier(text_reader(tokenizer, head), head, model, encoder)


@pytest.fixture(scope="module")
def classifier(tokenizer):
    return make_classifier(tokenizer)


@pytest.fixture
def batches(tokenizer):
    """Random tokens of several lengths, padded, with second segments; no row is empty."""
    random = np.random.default_rng(0)
    found = []
    for n_rows, width in ((1, 1), (2, 7), (9, 16), (3, 40)):
        real = np.arange(width) < random.integers(1, width + 1, n_rows)[:, None]
        ids = random.integers(len(tokenizer), size=real.shape)
        arrays = (ids * real, random.integers(2, size=real.shape) * real, real)
        found.append(dict(zip(INPUTS, (array.astype(np.int32) for array in arrays), strict=True)))
    return found


@pytest.fixture(scope="module")
def workspace(tmp_path_factory, tokenizer):
    """A finished fold 0 of a run with a model, and of one without."""
    place = tmp_path_factory.mktemp("workspace")
    for name in ("bert", "linear"):
        folder = place / "folds/jigsaw/runs" / name / "fold_0"
        write_config(folder, {"fold": 0, "settings": {"n_folds": 2}, "assignment": "a"}, {})
        save = None if name == "linear" else make_classifier(tokenizer).save
        outcome = Outcome(oof=np.full((2, 2), 0.5), test=np.zeros((0, 2)), save_model=save)
        valid = table_of(["one", "two"], [[0, 1], [1, 0]])
        facts = {"fold": 0, "made_up": True}
        write_fold(folder, outcome, SEVERAL_LABELS, valid=valid, test_ids=None, facts=facts)
    return place


@pytest.mark.parametrize(
    ("architecture", "pooling"), [("bert", "mean"), ("bert", "attention"), ("blstm", "attention")]
)
def test_onnx_file_gives_the_probabilities_of_the_model(tokenizer, batches, tmp_path, architecture, pooling):
    classifier = make_classifier(tokenizer, architecture, pooling)
    path = tmp_path / "model.onnx"
    assert export(classifier, path, "onnx", ORIGIN) < 1e-6
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    for batch in batches:
        (probabilities,) = session.run(["probabilities"], batch)
        assert np.allclose(probabilities, forward_function(classifier.model)(batch), atol=1e-4)
        wide = {name: np.pad(values, ((0, 0), (0, 5))) for name, values in batch.items()}
        assert np.allclose(probabilities, session.run(None, wide)[0], atol=1e-6)
    assert {value.name for value in session.get_inputs()} == set(INPUTS)
    assert all(value.shape == ["batch", "length"] for value in session.get_inputs())
    origin = json.loads(session.get_modelmeta().custom_metadata_map["export"])
    assert origin == {**ORIGIN, **classifier.head}


@pytest.mark.slow
def test_saved_model_needs_neither_this_code_nor_transformers(classifier, batches, tmp_path):
    assert export(classifier, tmp_path / "saved", "savedmodel", ORIGIN) < 1e-6
    for number, batch in enumerate(batches):
        np.savez(tmp_path / f"batch_{number}.npz", **batch)
    program = """
import sys
import numpy as np
import tensorflow as tf
serve = tf.saved_model.load("saved").signatures["serving_default"]
for number in range(4):
    inputs = {name: tf.constant(value) for name, value in np.load(f"batch_{number}.npz").items()}
    np.save(f"{number}.npy", serve(**inputs)["probabilities"])
assert not {"transformers", "pooled_bert"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True, capture_output=True)
    for number, batch in enumerate(batches):
        expected = forward_function(classifier.model)(batch)
        assert np.allclose(np.load(tmp_path / f"{number}.npy"), expected, atol=1e-6)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "saved")
    assert tokenizer(TEXTS)["input_ids"] == classifier.reader.tokenizer(TEXTS)["input_ids"]


def test_hugging_face_folder_is_read_by_its_tools_and_by_ours(classifier, tmp_path):
    folder = tmp_path / "model"
    export(classifier, folder, "huggingface", ORIGIN)
    inputs = AutoTokenizer.from_pretrained(folder)(TEXTS, padding=True, return_tensors="tf")
    encoder = TFBertModel.from_pretrained(folder, add_pooling_layer=False)
    hidden = [model(inputs).last_hidden_state for model in (encoder, classifier.encoder)]
    assert np.allclose(*hidden, atol=1e-6)
    tokens = classifier.reader.encode(TEXTS, cache=None)
    again = load_classifier(folder)
    assert np.allclose(predict(again.model, tokens), predict(classifier.model, tokens), atol=1e-6)


def test_export_that_differs_is_not_written_and_replaces_nothing(classifier, tmp_path, monkeypatch):
    export(classifier, tmp_path / "model", "huggingface", {"run": "earlier"})
    other = load_classifier(tmp_path / "model")
    other.model.classify.get_layer("logits").bias.assign([1.0, 1.0])
    monkeypatch.setattr(exporting, "load_classifier", lambda _: other)
    with pytest.raises(InputError, match="would differ from the fold's by"):
        export(classifier, tmp_path / "model", "huggingface", {"run": "later"})
    assert json.loads((tmp_path / "model/export.json").read_text())["run"] == "earlier"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_blstm_is_no_hugging_face_model(classifier, tmp_path):
    blstm = dataclasses.replace(classifier, head={**classifier.head, "architecture": "blstm"})
    with pytest.raises(InputError, match="Hugging Face has no model class for a blstm"):
        export(blstm, tmp_path / "model", "huggingface", ORIGIN)
    assert not list(tmp_path.iterdir())


def test_absent_packages_are_named(classifier, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    with pytest.raises(InputError, match=r"pip install tf2onnx==1\.17\.0"):
        export(classifier, tmp_path / "model.onnx", "onnx", ORIGIN)
    assert not list(tmp_path.iterdir())


def test_fold_is_loaded_in_float32_whatever_it_was_trained_in(workspace):
    tf.keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        model = load_float32(workspace / "folds/jigsaw/runs/bert/fold_0/model").model
    finally:
        tf.keras.mixed_precision.set_global_policy("float32")
    layers = [layer for layer in model.submodules if isinstance(layer, tf.keras.layers.Layer)]
    assert {layer.compute_dtype for layer in layers} <= {"float32", "int32"}


@pytest.mark.slow
def test_command_exports_once(run_command, workspace, tmp_path):
    options = ("--workspace", workspace, "--fold", 0, "--output", tmp_path / "model.onnx", "--format", "onnx")
    said = run_command("export.py", *options).stdout
    assert "its probabilities differ from the fold's by at most" in said
    refused = run_command("export.py", *options, status=2)
    assert "exists already" in refused.stderr
    before = (tmp_path / "model.onnx").stat().st_mtime_ns
    run_command("export.py", *options, "--overwrite")
    assert (tmp_path / "model.onnx").stat().st_mtime_ns > before


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--format", "onnx", "--output", "model"), "name a file that ends in .onnx"),
        (("--format", "savedmodel", "--output", "model.onnx"), "name a folder, without .onnx"),
        (
            ("--format", "savedmodel", "--output", "mine", "--overwrite"),
            "was not made by this command, so it is not replaced",
        ),
        (("--format", "onnx", "--output", "new.onnx", "--run", "linear"), "holds no model to export"),
        (("--format", "onnx", "--output", "new.onnx", "--fold", 1), "fold 1 is not finished"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_cannot_be_exported_changes_nothing(
    run_command, workspace, tmp_path, monkeypatch, arguments, expected
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    result = run_command("export.py", "--workspace", workspace, "--fold", 0, *arguments, status=2)
    assert expected in result.stderr
    assert result.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
