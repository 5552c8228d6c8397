"""The engine computes what TensorFlow computes."""

import json

import numpy as np
import pytest
from processors import needs_vnni
from safetensors.numpy import load_file, save_file
from small_encoders import classifier_of

from pooled_bert.base.errors import InputError
from pooled_bert.base.pairs import joined
from pooled_bert.benchmarks.targets import ONE_CLASS, SEVERAL_LABELS
from pooled_bert.inputs.pair_tokens import PairReader
from pooled_bert.models.families import FAMILIES
from pooled_bert.models.fold_model import open_fold_model, predict_folds
from pooled_bert.models.graph import quantized
from pooled_bert.models.inference import attention_weights, predict
from pooled_bert.models.layouts import LAYOUTS

TEXTS = ["w1 w2 w3", "w4 " * 60, "w5", "", *(f"w{number} w7 " * number for number in range(20))]


def saved(classifier, folder, seed=1):
    """Save a classifier with random weights above the encoder too; return it as it is opened to predict."""
    random = np.random.default_rng(seed)
    for variable in classifier.model.classify.get_layer("logits").weights:
        variable.assign(random.normal(size=variable.shape))
    for variable in classifier.model.classify.get_layer("pooling").weights:
        variable.assign(random.normal(size=variable.shape))
    classifier.save(folder)
    return open_fold_model(folder, "float32")


@pytest.mark.numerical
@pytest.mark.parametrize(
    ("name", "options"),
    [
        *((name, {}) for name in LAYOUTS),
        ("roberta", {"type_vocab_size": 1}),
        ("electra", {"embedding_size": 16}),
        ("albert", {"num_hidden_layers": 4, "num_hidden_groups": 2, "inner_group_num": 2}),
        ("bert", {"hidden_act": "relu"}),
    ],
)
def test_engine_agrees_with_tensorflow_for_every_family_that_it_knows(folder_of, tmp_path, name, options):
    classifier = classifier_of(folder_of(name, **options))
    model = saved(classifier, tmp_path)
    assert model.engine
    inputs = classifier.reader.encode(TEXTS, cache=None)
    expected = predict(classifier.model, inputs)
    assert np.abs(expected - 0.5).max() > 0.1
    assert np.abs(predict_folds([model], inputs)[0] - expected).max() < 1e-5


@pytest.mark.numerical
@pytest.mark.parametrize("target", [SEVERAL_LABELS, ONE_CLASS], ids=lambda target: target.name)
@pytest.mark.parametrize("pooling", ["mean", "max", "mean_max", "cls", "attention"])
def test_engine_agrees_with_tensorflow_for_every_pooling_and_target(folder_of, tmp_path, pooling, target):
    classifier = classifier_of(folder_of("bert"), pooling=pooling, target=target)
    model = saved(classifier, tmp_path)
    inputs = classifier.reader.encode(TEXTS, cache=None)
    assert np.abs(predict_folds([model], inputs)[0] - predict(classifier.model, inputs)).max() < 1e-5
    if pooling == "attention":
        pairs = zip(model.attention(inputs), attention_weights(classifier.model, inputs), strict=True)
        assert all(len(own) == len(other) and np.abs(own - other).max() < 1e-5 for own, other in pairs)
    else:
        with pytest.raises(InputError, match="--pooling attention"):
            model.attention(inputs)


def test_engine_reads_the_types_of_pairs(folder_of, tmp_path):
    classifier = classifier_of(folder_of("bert"))
    model = saved(classifier, tmp_path)
    reader = PairReader(classifier.text_reader.tokenizer, 12, "head", None)
    inputs = reader.encode([joined(pair) for pair in (("w1 w2", "w3"), ("w1", "w2 w3"))], cache=None)
    assert np.abs(predict_folds([model], inputs)[0] - predict(classifier.model, inputs)).max() < 1e-5


def test_several_folds_are_predicted_at_once_each_by_its_own_weights(folder_of, tmp_path):
    classifier = classifier_of(folder_of("bert"))
    inputs = classifier.reader.encode(TEXTS, cache=None)
    models, expected = [], []
    for fold in range(3):
        folder = tmp_path / str(fold)
        folder.mkdir()
        models.append(saved(classifier, folder, seed=fold))
        expected.append(predict(classifier.model, inputs))
    found = predict_folds(models, inputs)
    assert np.abs(found - expected).max() < 1e-5
    assert np.abs(found[0] - found[1]).max() > 0.1


@pytest.mark.parametrize("name", sorted(FAMILIES.keys() - LAYOUTS.keys()))
def test_family_that_the_engine_does_not_know_is_computed_by_tensorflow(folder_of, tmp_path, name):
    classifier = classifier_of(folder_of(name))
    model = saved(classifier, tmp_path)
    assert model.engine is None
    inputs = classifier.reader.encode(TEXTS, cache=None)
    assert np.abs(predict_folds([model], inputs)[0] - predict(classifier.model, inputs)).max() < 1e-5


@pytest.mark.parametrize("options", [{"precision": "bfloat16"}, {"gpu": True}, {"hidden_act": "silu"}])
def test_other_precision_a_gpu_or_an_unknown_activation_needs_tensorflow(
    folder_of, tmp_path, monkeypatch, options
):
    encoder = {name: value for name, value in options.items() if name == "hidden_act"}
    saved(classifier_of(folder_of("bert", **encoder)), tmp_path)
    monkeypatch.setattr("pooled_bert.models.fold_model.has_gpu", lambda: "gpu" in options)
    assert open_fold_model(tmp_path, options.get("precision", "auto")).engine is None


def test_weights_of_other_shapes_and_damaged_files_are_named(folder_of, tmp_path):
    saved(classifier_of(folder_of("bert")), tmp_path)
    config, weights = tmp_path / "config.json", tmp_path / "model.safetensors"
    whole = config.read_text()
    config.write_text(whole.replace('"num_hidden_layers": 2', '"num_hidden_layers": 3'))
    with pytest.raises(InputError, match=r"are not those that config\.json and head.json ask for"):
        open_fold_model(tmp_path, "float32")
    config.write_text(whole.replace('"num_attention_heads": 2', '"num_attention_heads": 3'))
    with pytest.raises(InputError, match=r"are not those that config\.json and head.json ask for"):
        open_fold_model(tmp_path, "float32")
    config.write_text(whole)
    content = weights.read_bytes()
    for damaged in (content[:-4], content[:5], b"", content[:8] + b"x" + content[9:]):
        weights.write_bytes(damaged)
        with pytest.raises(InputError, match=r"model.safetensors: cannot be read .*; train the fold again"):
            open_fold_model(tmp_path, "float32")


def change(path, name, value):
    """Give a value of a JSON file."""
    path.write_text(json.dumps({**json.loads(path.read_text()), name: value}))


@pytest.mark.parametrize(
    ("file", "name", "value"),
    [
        ("config.json", "num_attention_heads", 1.0),
        ("config.json", "num_attention_heads", 0),
        ("config.json", "num_hidden_layers", 10**9),
        ("config.json", "hidden_act", ["gelu"]),
        ("config.json", "layer_norm_eps", "small"),
        ("special_tokens_map.json", "cls_token", 0),
        ("special_tokens_map.json", "sep_token", None),
        ("special_tokens_map.json", "mask_token", []),
        ("head.json", "labels", ["toxic"]),
    ],
)
def test_value_that_no_model_has_is_refused_with_its_file(folder_of, tmp_path, file, name, value):
    saved(classifier_of(folder_of("bert")), tmp_path)
    change(tmp_path / file, name, value)
    with pytest.raises(InputError, match=r"json.*train the fold again"):
        open_fold_model(tmp_path, "float32")


def test_vocabulary_without_a_word_piece_for_unknown_words_is_refused(folder_of, tmp_path):
    saved(classifier_of(folder_of("bert")), tmp_path)
    path = tmp_path / "tokenizer.json"
    model = json.loads(path.read_text())["model"]
    change(path, "model", {**model, "unk_token": "[NOTHING]"})
    with pytest.raises(InputError, match=r"tokenizer.json: cannot be read"):
        open_fold_model(tmp_path, "float32")


@pytest.mark.parametrize("shape", [(1,), (1, 2), (3,)])
def test_bias_of_another_size_than_its_layer_is_refused(folder_of, tmp_path, shape):
    saved(classifier_of(folder_of("bert")), tmp_path)
    path = tmp_path / "head.safetensors"
    weights = load_file(path)
    save_file({**weights, "bias": np.zeros(shape, np.float32)}, path)
    with pytest.raises(InputError, match=r"are not those that config\.json and head\.json ask for"):
        open_fold_model(tmp_path, "float32")


def test_weights_that_are_not_numbers_are_refused_when_they_predict(folder_of, tmp_path):
    saved(classifier_of(folder_of("bert")), tmp_path)
    path = tmp_path / "head.safetensors"
    weights = load_file(path)
    save_file({**weights, "kernel": np.full_like(weights["kernel"], np.nan)}, path)
    model = open_fold_model(tmp_path, "float32")
    inputs = model.reader.encode_to_predict(TEXTS, cache=None)
    with pytest.raises(InputError, match="make probabilities that are not numbers; train the fold again"):
        predict_folds([model], inputs)


@needs_vnni
def test_int8_computes_nearly_the_same_with_weights_of_a_quarter_of_the_size(folder_of, tmp_path):
    classifier = classifier_of(folder_of("bert"))
    saved(classifier, tmp_path)
    model = open_fold_model(tmp_path, "int8")
    assert model.used_precision == "int8"
    inputs = classifier.reader.encode(TEXTS, cache=None)
    exact, found = predict(classifier.model, inputs), predict_folds([model], inputs)[0]
    assert not np.array_equal(exact, found)
    assert np.corrcoef(exact.ravel(), found.ravel())[0, 1] > 0.98


def test_quantised_weights_are_within_half_a_step_of_each_columns_largest():
    weights = np.random.default_rng(0).normal(size=(40, 7)).astype(np.float32) * np.arange(7)
    whole, scales, zeros = quantized(weights)
    assert whole.dtype == zeros.dtype == np.int8
    assert not zeros.any()
    assert np.abs(whole * scales - weights).max(axis=0) == pytest.approx(scales / 2, rel=0.2, abs=1e-6)
    assert (np.abs(whole).max(axis=0)[1:] == 127).all()
