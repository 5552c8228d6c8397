import numpy as np
import pytest
import tensorflow as tf

from pooled_bert.encoders import load_encoder
from pooled_bert.errors import InputError
from pooled_bert.inference import predict
from pooled_bert.model import POOLINGS, Classifier, MaskedPooling, build_model, load_classifier
from pooled_bert.tokens import encode

TEXTS = ["one", "two three four five", "six seven", "one two three four five six seven eight nine ten"]


@pytest.fixture(scope="module", params=POOLINGS)
def classifier(request, tokenizer):
    tf.keras.utils.set_random_seed(0)
    encoder = load_encoder("tiny", tokenizer)
    model = build_model(encoder, n_labels=3, pooling=request.param, dropout=0.1)
    head = {
        "labels": ["a", "b", "c"],
        "pooling": request.param,
        "dropout": 0.1,
        "max_length": 16,
        "truncation": "head",
    }
    return Classifier(model, encoder, tokenizer, head)


def tokens_of(texts, tokenizer):
    return encode(texts, tokenizer, max_length=16, truncation="head", cache=None)


def test_prediction_depends_neither_on_padding_nor_on_batch_mates(classifier):
    tokens = tokens_of(TEXTS, classifier.tokenizer)
    together = predict(classifier.model, tokens)
    alone = [predict(classifier.model, tokens.take(np.array([row])))[0] for row in range(len(TEXTS))]
    assert np.allclose(together, alone, atol=1e-6)
    wide = {name: np.pad(values, ((0, 0), (0, 40))) for name, values in tokens.padded(np.array([0])).items()}
    assert np.allclose(tf.sigmoid(classifier.model(wide, training=False)), together[:1], atol=1e-6)


def test_predictions_keep_the_order_of_the_rows(classifier):
    tokens = tokens_of(TEXTS, classifier.tokenizer)
    backwards = predict(classifier.model, tokens.take(np.array([3, 2, 1, 0])))
    assert np.allclose(predict(classifier.model, tokens), backwards[::-1], atol=1e-6)


def test_empty_text_gets_a_finite_prediction_and_no_text_an_empty_table(classifier):
    assert np.isfinite(predict(classifier.model, tokens_of([""], classifier.tokenizer))).all()
    assert predict(classifier.model, tokens_of([], classifier.tokenizer)).shape == (0, 3)


def test_saved_classifier_loads_to_the_same_predictions(classifier, tmp_path):
    classifier.save(tmp_path)
    loaded = load_classifier(tmp_path)
    assert loaded.head == classifier.head
    tokens, loaded_tokens = (tokens_of(TEXTS, each.tokenizer) for each in (classifier, loaded))
    assert (tokens.flat == loaded_tokens.flat).all()
    assert np.allclose(predict(classifier.model, tokens), predict(loaded.model, loaded_tokens), atol=1e-6)


def test_pooling_is_over_real_tokens_only():
    hidden = np.array([[[1.0, -4.0], [3.0, -2.0], [100.0, 100.0]]], np.float32)
    mask = np.array([[1, 1, 0]])
    expected = {"mean": [2, -3], "max": [3, -2], "cls": [1, -4], "mean_max": [2, -3, 3, -2]}
    for pooling in POOLINGS:
        assert MaskedPooling(pooling)([hidden, mask]).numpy().tolist() == [expected[pooling]]


def test_encoder_that_cannot_be_loaded_says_how_to_give_one(tmp_path, tokenizer):
    with pytest.raises(InputError, match=r"cannot be loaded as a BERT .* or a directory with config.json"):
        load_encoder(str(tmp_path), tokenizer)
