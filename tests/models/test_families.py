"""Small random encoders of every family: read, trained a step, saved, loaded, explained."""

import numpy as np
import pytest
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers

from pooled_bert.base.errors import InputError
from pooled_bert.base.pairs import joined
from pooled_bert.benchmarks.targets import SEVERAL_LABELS
from pooled_bert.inputs.pair_tokens import PairReader
from pooled_bert.inputs.tokens import TextReader
from pooled_bert.models.classifier import Classifier, load_classifier
from pooled_bert.models.encoders import load_encoder, load_language_model, load_tokenizer, longest_text
from pooled_bert.models.families import FAMILIES
from pooled_bert.models.inference import predict
from pooled_bert.models.network import build_model
from pooled_bert.training.optimizer import layers_above, make_optimizer
from pooled_bert.training.step import train_step_function

SIZES = {
    "vocab_size": 46,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 40,
}
OTHER_SIZES = {
    "distilbert": {
        "vocab_size": 46, "dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 32, "max_position_embeddings": 40,
    },
    "electra": {**SIZES, "embedding_size": 8},
    "albert": {**SIZES, "embedding_size": 8},
    "deberta": {**SIZES, "relative_attention": True, "pos_att_type": ["p2c", "c2p"]},
    "deberta-v2": {**SIZES, "relative_attention": True, "pos_att_type": ["p2c", "c2p"]},
}  # fmt: skip
TEXTS = ["w1 w2 w3", "w4 " * 60, "w5", ""]


@pytest.fixture(scope="module")
def folder_of(tmp_path_factory):
    """Return the folder of a family's random encoder, with dropout in every layer, made once."""
    made = {}

    def make(name, **options):
        key = (name, *options.items())
        if key not in made:
            family, folder = FAMILIES[name], tmp_path_factory.mktemp(name)
            sizes = {**OTHER_SIZES.get(name, SIZES), **options}
            config = getattr(transformers, f"{family.name}Config")(**sizes)
            encoder = family.model(config)
            encoder.build_in_name_scope()
            encoder.save_pretrained(folder, safe_serialization=True)
            words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"w{number}" for number in range(41))]
            vocabulary = {word: number for number, word in enumerate(words)}
            tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
            tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
            marks = {f"{mark}_token": f"[{mark.upper()}]" for mark in ("pad", "unk", "cls", "sep", "mask")}
            fast = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, **marks)
            fast.save_pretrained(folder)
            made[key] = folder
        return str(made[key])

    return make


def classifier_of(folder, **options):
    tokenizer = load_tokenizer(folder, [])
    encoder = load_encoder(folder, tokenizer)
    reader = TextReader(tokenizer, longest_text(encoder), "head", None)
    options = {"pooling": "mean", "dropout": 0.1, **options}
    model = build_model(encoder, reader.signature, target=SEVERAL_LABELS, n_labels=2, **options)
    head = {"architecture": "bert", "labels": ["a", "b"], **options, **reader.settings()}
    return Classifier(model, encoder, reader, head)


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
    model.dropout_step.assign(0)
    assert float(step(batch, labels)) == first


def test_unknown_family_is_refused_with_those_that_are_known(folder_of, tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "gpt2"}')
    with pytest.raises(InputError, match=r"'gpt2'; the families that can be read are bert, roberta"):
        load_encoder(str(tmp_path), load_tokenizer(folder_of("bert"), []))


def test_other_families_are_not_pre_trained_further(folder_of):
    folder = folder_of("roberta")
    with pytest.raises(InputError, match="pre-training works for BERT only"):
        load_language_model(folder, load_tokenizer(folder, []))
