"""Small random encoders of every family: read, trained a step, saved, loaded, explained."""

import numpy as np
import pytest
from small_encoders import classifier_of

from pooled_bert.base.errors import InputError
from pooled_bert.base.pairs import joined
from pooled_bert.inputs.pair_tokens import PairReader
from pooled_bert.models.classifier import load_classifier
from pooled_bert.models.encoders import load_encoder, load_language_model, load_tokenizer, longest_text
from pooled_bert.models.families import FAMILIES
from pooled_bert.models.inference import predict
from pooled_bert.training.optimizer import layers_above, make_optimizer
from pooled_bert.training.step import train_step_function

TEXTS = ["w1 w2 w3", "w4 " * 60, "w5", ""]


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_predicts_without_its_pooler_and_is_saved_and_loaded(folder_of, tmp_path, name):
    classifier = classifier_of(folder_of(name))
    inputs = classifier.reader.encode(TEXTS, cache=None)
    assert inputs.lengths.max() == longest_text(classifier.encoder)
    probabilities = predict(classifier.model, inputs)
    alone = predict(classifier.model, inputs.take(np.array([0])))
    assert alone[0] == pytest.approx(probabilities[0], abs=1e-5)  # padding does not matter
    assert not any("pooler" in weight.name for weight in classifier.model.weights)
    classifier.save(tmp_path)
    loaded = load_classifier(tmp_path)
    assert predict(loaded.model, loaded.reader.encode(TEXTS, cache=None)) == pytest.approx(
        probabilities, abs=1e-6
    )
    names = [weight.name for weight in classifier.model.trainable_variables]
    depths = {layers_above(weight, 2) for weight in names}
    assert depths == ({0, 1, 2} if FAMILIES[name].has_layers else {0, 2})


@pytest.mark.parametrize(
    ("name", "options", "reads_types"),
    [("bert", {}, True), ("roberta", {"type_vocab_size": 1}, False), ("distilbert", {}, False)],
)
def test_pairs_are_read_in_their_order_and_by_their_types_if_the_encoder_has_any(
    folder_of, name, options, reads_types
):
    folder = folder_of(name, **options)
    classifier = classifier_of(folder)
    reader = PairReader(classifier.text_reader.tokenizer, 12, "head", None)
    tokens = reader.encode([joined(pair) for pair in (("w1 w2", "w3"), ("w3", "w1 w2"))], cache=None)
    batch = tokens.padded(np.arange(2))
    assert batch["token_type_ids"].any()
    one, other = classifier.model(batch, training=False).numpy()
    assert np.abs(one - other).max() > 1e-6
    untyped = {**batch, "token_type_ids": np.zeros_like(batch["token_type_ids"])}
    differs = np.abs(classifier.model(untyped, training=False).numpy() - [one, other]).max() > 1e-6
    assert differs == reads_types


@pytest.mark.parametrize("name", ["distilbert", "deberta-v2"])  # the latter has dropout layers of its own
def test_training_step_is_repeated_exactly_and_its_dropout_changes_with_the_step(folder_of, name):
    classifier = classifier_of(folder_of(name), dropout=0.0)
    model = classifier.model
    batch = classifier.reader.encode(TEXTS, cache=None).padded(np.arange(len(TEXTS)))
    labels = np.array([[1, 0], [0, 1], [1, 1], [0, 0]], np.float32)
    optimizer = make_optimizer(0.0, total_steps=10, warmup=0.0, decay="none")  # weights stay
    step = train_step_function(model, optimizer)
    first, second = float(step(batch, labels)), float(step(batch, labels))
    assert first != second
    model.dropout_seed.assign([0, 0])
    assert float(step(batch, labels)) == first


def test_unknown_family_is_refused_with_those_that_are_known(folder_of, tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "gpt2"}')
    with pytest.raises(InputError, match=r"'gpt2'; the families that can be read are bert, roberta"):
        load_encoder(str(tmp_path), load_tokenizer(folder_of("bert"), []))


def test_other_families_are_not_pre_trained_further(folder_of):
    folder = folder_of("roberta")
    with pytest.raises(InputError, match="pre-training works for BERT only"):
        load_language_model(folder, load_tokenizer(folder, []))
