import json

import numpy as np
import pytest
import tensorflow as tf

from pooled_bert.base.errors import InputError
from pooled_bert.benchmarks.targets import SEVERAL_LABELS
from pooled_bert.inputs.pair_tokens import text_reader
from pooled_bert.inputs.tokens import SIGNATURE, encode
from pooled_bert.models.blstm import Lstm, make_blstm
from pooled_bert.models.classifier import Classifier, load_classifier
from pooled_bert.models.dropout import SeededDropout
from pooled_bert.models.encoders import load_encoder
from pooled_bert.models.inference import attention_weights, predict
from pooled_bert.models.network import build_model
from pooled_bert.models.pooling import AttentionPooling, MaskedPooling

TEXTS = ["one", "two three four five", "six seven", "one two three four five six seven eight nine ten"]


ARCHITECTURES = [
    *(("bert", pooling) for pooling in ("mean", "max", "mean_max", "attention", "cls")),
    *(("blstm", pooling) for pooling in ("mean", "attention", "last")),
]


@pytest.fixture(scope="module", params=ARCHITECTURES, ids="-".join)
def classifier(request, tokenizer):
    architecture, pooling = request.param
    tf.keras.utils.set_random_seed(0)
    if architecture == "bert":
        encoder = load_encoder("tiny", tokenizer)
    else:
        encoder = make_blstm("tiny", tokenizer, units=6, dropout=0.3)
    model = build_model(encoder, SIGNATURE, target=SEVERAL_LABELS, n_labels=3, pooling=pooling, dropout=0.1)
    head = {
        "architecture": architecture,
        "labels": ["a", "b", "c"],
        "pooling": pooling,
        "dropout": 0.1,
        "max_length": 16,
        "truncation": "head",
        "windows": None,
    }
    return Classifier(text_reader(tokenizer, head), head, model, encoder)


def tokens_of(texts, tokenizer):
    return encode(texts, tokenizer, max_length=16, truncation="head", cache=None)


@pytest.mark.numerical
def test_prediction_depends_neither_on_padding_nor_on_batch_mates(classifier):
    tokens = tokens_of(TEXTS, classifier.reader.tokenizer)
    together = predict(classifier.model, tokens)
    alone = [predict(classifier.model, tokens.take(np.array([row])))[0] for row in range(len(TEXTS))]
    assert np.allclose(together, alone, atol=1e-6)
    wide = {name: np.pad(values, ((0, 0), (0, 40))) for name, values in tokens.padded(np.array([0])).items()}
    assert np.allclose(tf.sigmoid(classifier.model(wide, training=False)), together[:1], atol=1e-6)


@pytest.mark.numerical
def test_predictions_keep_the_order_of_the_rows(classifier):
    tokens = tokens_of(TEXTS, classifier.reader.tokenizer)
    backwards = predict(classifier.model, tokens.take(np.array([3, 2, 1, 0])))
    assert np.allclose(predict(classifier.model, tokens), backwards[::-1], atol=1e-6)


def test_empty_text_gets_a_finite_prediction_and_no_text_an_empty_table(classifier):
    assert np.isfinite(predict(classifier.model, tokens_of([""], classifier.reader.tokenizer))).all()
    assert predict(classifier.model, tokens_of([], classifier.reader.tokenizer)).shape == (0, 3)


def test_saved_classifier_loads_to_the_same_predictions(classifier, tmp_path):
    classifier.save(tmp_path)
    loaded = load_classifier(tmp_path)
    assert loaded.head == classifier.head
    tokens, loaded_tokens = (tokens_of(TEXTS, each.reader.tokenizer) for each in (classifier, loaded))
    assert (tokens.flat == loaded_tokens.flat).all()
    assert np.allclose(predict(classifier.model, tokens), predict(loaded.model, loaded_tokens), atol=1e-6)


def test_pooling_is_over_real_tokens_only():
    hidden = np.array([[[1.0, -4.0], [3.0, -2.0], [100.0, 100.0]]], np.float32)
    mask = np.array([[1, 1, 0]])
    expected = {"mean": [2, -3], "max": [3, -2], "cls": [1, -4], "mean_max": [2, -3, 3, -2]}
    for pooling in expected:
        assert MaskedPooling(pooling)([hidden, mask, hidden[:, 0]]).numpy().tolist() == [expected[pooling]]


@pytest.mark.numerical
def test_attention_weighs_real_tokens_and_learns_which():
    tf.keras.utils.set_random_seed(0)
    random = np.random.default_rng(0)
    hidden = random.normal(size=(64, 7, 8)).astype(np.float32)
    wanted = random.integers(0, 5, 64)
    hidden[np.arange(64), wanted, 0] += 3.0  # the token that matters is known by its first value
    mask = np.array([[1, 1, 1, 1, 1, 0, 0]] * 64)
    layer = AttentionPooling()
    pooled, weights = layer([hidden, mask, hidden[:, 0]])
    assert pooled.shape == (64, 16)
    assert np.allclose(weights.numpy().sum(axis=1), 1, atol=1e-6)
    assert (weights.numpy()[:, 5:] == 0).all()
    assert np.abs(weights.numpy()[:, :5] - 0.2).max() < 0.15  # begins near the average
    expected = np.einsum("nl,nlw->nw", weights, hidden)
    assert np.allclose(pooled[:, 8:], expected, atol=1e-5)
    optimizer = tf.keras.optimizers.Adam(0.05)
    for _ in range(100):
        with tf.GradientTape() as tape:
            context = layer([hidden, mask, hidden[:, 0]])[0][:, 8:]
            loss = tf.reduce_mean(tf.square(context - hidden[np.arange(64), wanted]))
        optimizer.minimize(loss, layer.trainable_variables, tape=tape)
    found = layer([hidden, mask, hidden[:, 0]])[1].numpy().argmax(axis=1)
    assert (found == wanted).mean() > 0.9


def test_attention_of_a_model_can_be_asked_for_text_by_text(tokenizer):
    encoder = load_encoder("tiny", tokenizer)
    model = build_model(
        encoder, SIGNATURE, target=SEVERAL_LABELS, n_labels=2, pooling="attention", dropout=0.1
    )
    texts = ["one two three", "", "four five six seven eight"]
    tokens = encode(texts, tokenizer, max_length=16, truncation="head", cache=None)
    weights = attention_weights(model, tokens)
    assert [len(own) for own in weights] == tokens.lengths.tolist()
    for own in weights:
        assert own.sum() == pytest.approx(1, abs=1e-5)
    plain = build_model(
        load_encoder("tiny", tokenizer),
        SIGNATURE,
        target=SEVERAL_LABELS,
        n_labels=2,
        pooling="mean",
        dropout=0.1,
    )
    with pytest.raises(InputError, match="--pooling attention"):
        attention_weights(plain, tokens)


def test_encoder_that_cannot_be_loaded_says_how_to_give_one(tmp_path, tokenizer):
    with pytest.raises(InputError, match=r"cannot be loaded .* or a directory with config.json"):
        load_encoder(str(tmp_path), tokenizer)


def dropped(rate, seed=0, step=0, shape=(100, 333), dtype=tf.float32):
    layer = SeededDropout(rate, 0, lambda: tf.constant([seed, step], tf.int64))
    return layer(tf.ones(shape, dtype), training=True).numpy()


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_drops_its_share_and_keeps_the_mean(rate):
    values = dropped(rate)
    assert (values == 0).mean() == pytest.approx(rate, abs=0.01)
    assert values.mean() == pytest.approx(1, abs=0.06)
    assert len(np.unique(values)) == 2
    assert (values == 0).mean(axis=0).std() < 0.06  # no column is favoured


def test_dropout_is_a_function_of_seed_and_step():
    assert (dropped(0.5, seed=1, step=2) == dropped(0.5, seed=1, step=2)).all()
    for other in ({"seed": 1, "step": 3}, {"seed": 2, "step": 2}):
        both = (dropped(0.5, seed=1, step=2) == 0) & (dropped(0.5, **other) == 0)
        assert both.mean() == pytest.approx(0.25, abs=0.01)  # as of independent masks


def test_dropout_of_none_and_prediction_change_nothing():
    assert (dropped(0.0) == 1).all()
    layer = SeededDropout(0.5, 0, lambda: tf.constant([0, 0], tf.int64))
    assert (layer(tf.ones([3, 5]), training=False).numpy() == 1).all()


def test_every_dropout_of_the_encoder_is_replaced_by_one_of_its_own_number(tokenizer):
    encoder = load_encoder("tiny", tokenizer)
    build_model(encoder, SIGNATURE, target=SEVERAL_LABELS, n_labels=2, pooling="mean", dropout=0.1)
    kinds = [
        layer for layer in encoder.submodules if isinstance(layer, tf.keras.layers.Dropout | SeededDropout)
    ]
    assert all(isinstance(layer, SeededDropout) for layer in kinds)
    numbers = {layer.number for layer in kinds}
    assert (
        len(numbers) == len(kinds) == 1 + 3 * 2
    )  # embeddings; attention and two outputs in each of two layers


@pytest.mark.numerical
def test_model_is_its_embeddings_and_what_follows(classifier):
    inputs = tokens_of(TEXTS, classifier.reader.tokenizer).padded(np.arange(4))
    embedded = classifier.model.embed(inputs)
    table = classifier.encoder.get_input_embeddings().weight.numpy()
    assert (embedded["inputs_embeds"].numpy() == table[inputs["input_ids"]]).all()
    assert (classifier.model.classify(embedded).numpy() == classifier.model(inputs).numpy()).all()


def test_blstm_begins_with_the_encoders_word_embeddings(tokenizer):
    tf.keras.utils.set_random_seed(3)
    pretrained = load_encoder("tiny", tokenizer).get_input_embeddings().weight.numpy()
    tf.keras.utils.set_random_seed(3)
    own = make_blstm("tiny", tokenizer, units=4, dropout=0.0).weight.numpy()
    assert np.corrcoef(own.ravel(), pretrained.ravel())[0, 1] > 0.999999
    assert own.std() == pytest.approx(1, abs=1e-3)


@pytest.mark.numerical
def test_last_states_of_a_blstm_are_those_after_the_last_and_the_first_real_token(tokenizer):
    blstm = make_blstm("tiny", tokenizer, units=4, dropout=0.3)
    words = np.random.default_rng(0).normal(size=(2, 5, 32)).astype(np.float32)
    mask = np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]])
    output = blstm({"inputs_embeds": words, "attention_mask": mask})
    hidden, last = output.last_hidden_state.numpy(), output.pooler_output.numpy()
    ends = np.concatenate([hidden[[0, 1], [2, 4], :4], hidden[:, 0, 4:]], axis=1)
    assert np.allclose(last, ends, atol=1e-6)


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_lstm_computes_what_keras_computes(precision):
    random = np.random.default_rng(0)
    words, mask = tf.constant(random.normal(size=(2, 5, 3)), tf.float32), tf.sequence_mask([5, 2])
    policy, found = tf.keras.mixed_precision.Policy(precision), []
    for kind in (Lstm, tf.keras.layers.LSTM):
        tf.keras.utils.set_random_seed(0)
        layer = tf.keras.layers.Bidirectional(kind(4, return_sequences=True, return_state=True, dtype=policy))
        with tf.GradientTape() as tape:
            outputs = layer(words, mask=mask)
            total = tf.add_n([tf.reduce_sum(tf.cast(output, tf.float32)) for output in outputs])
        found.append([*outputs, *tape.gradient(total, layer.trainable_variables)])
    for own, other in zip(*found, strict=True):
        assert own.dtype == other.dtype
        assert (own.numpy() == other.numpy()).all()


def test_blstm_that_cannot_be_read_is_refused(tmp_path, tokenizer):
    encoder = make_blstm("tiny", tokenizer, units=4, dropout=0.3)
    head = {"architecture": "blstm", "labels": ["a"], "pooling": "last", "dropout": 0.1, "windows": None}
    head |= {"max_length": 16, "truncation": "head"}
    model = build_model(encoder, SIGNATURE, target=SEVERAL_LABELS, n_labels=1, pooling="last", dropout=0.1)
    Classifier(text_reader(tokenizer, head), head, model, encoder).save(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"damaged")
    with pytest.raises(InputError, match=r"model.safetensors: cannot be read .* train the fold again"):
        load_classifier(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        {"labels": "toxic"},
        {"labels": [1]},
        {"dropout": "0.1"},
        {"dropout": 1},
        {"pooling": []},
        {"pooling": "median"},
        {"max_length": 10**18},
        {"max_length": None},
        {"windows": "all"},
    ],
)
def test_head_of_another_shape_is_refused_in_one_message(tmp_path, change):
    head = {"architecture": "bert", "labels": ["toxic"], "pooling": "mean", "dropout": 0.1, "max_length": 8}
    (tmp_path / "head.json").write_text(json.dumps({**head, "truncation": "head", "windows": None, **change}))
    (name,) = change
    with pytest.raises(InputError, match=rf"head\.json: is damaged \({name}.*train the fold again"):
        load_classifier(tmp_path)


@pytest.mark.parametrize(
    "change", [{"architecture": "cnn"}, {"target": "numbers"}, {"target": ["labels"]}, {"medium": "smell"}]
)
def test_head_that_names_something_unknown_is_refused(tmp_path, change):
    (tmp_path / "head.json").write_text(json.dumps({"architecture": "bert", "target": "labels", **change}))
    with pytest.raises(
        InputError, match=r"head\.json: the (architecture|target|medium) .* is unknown; train the fold again"
    ):
        load_classifier(tmp_path)
