import json
import shutil

import pytest
from safetensors.numpy import load_file, save_file
from transformers import BertConfig

from pooled_bert.base.errors import InputError
from pooled_bert.inputs.tokens import encode
from pooled_bert.models.encoders import load_encoder, load_tokenizer

TEXTS = ["b a a c", "a b", "Übel über allem!"]


def test_tiny_vocabulary_is_the_same_whatever_the_order_of_the_texts():
    assert load_tokenizer("tiny", TEXTS).get_vocab() == load_tokenizer("tiny", TEXTS[::-1]).get_vocab()


def test_tiny_tokenizer_spells_words_it_does_not_know():
    pieces = load_tokenizer("tiny", TEXTS).tokenize("abc")
    assert pieces == ["a", "##b", "##c"]


def test_truncation_and_padding_saved_with_a_tokenizer_have_no_effect(tmp_path):
    tokenizer = load_tokenizer("tiny", TEXTS)
    tokenizer.backend_tokenizer.enable_truncation(max_length=3)
    tokenizer.backend_tokenizer.enable_padding(length=9)
    tokenizer.save_pretrained(tmp_path / "encoder")
    BertConfig().save_pretrained(tmp_path / "encoder")
    loaded = load_tokenizer(str(tmp_path / "encoder"), [])
    encode(TEXTS, loaded, max_length=16, truncation="head", cache=tmp_path / "cache")
    again = load_tokenizer(str(tmp_path / "encoder"), [])
    tokens = encode(TEXTS, again, max_length=16, truncation="head", cache=tmp_path / "cache")
    assert tokens.lengths.tolist() == [6, 4, len(tokenizer.tokenize(TEXTS[2])) + 2]
    encode(TEXTS[:2], again, max_length=16, truncation="head", cache=tmp_path / "cache")
    encode(TEXTS[:2], loaded, max_length=16, truncation="head", cache=tmp_path / "cache")
    assert len(list((tmp_path / "cache").iterdir())) == 2  # one of three texts, one of two


def set_config(folder, **values):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def drop_a_weight(folder):
    weights = load_file(folder / "model.safetensors")
    weights.pop(min(weights))
    save_file(weights, folder / "model.safetensors", metadata={"format": "tf"})


def drop_the_tokenizer(folder):
    for path in [*folder.glob("*token*"), folder / "vocab.txt"]:
        path.unlink()


def truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (lambda folder: set_config(folder, model_type="gpt2"), "its model type is .gpt2"),
        (lambda folder: set_config(folder, hidden_size=64), "other shapes than its config"),
        (lambda folder: set_config(folder, vocab_size=7), "other shapes than its config"),
        (lambda folder: (folder / "config.json").unlink(), "there is no config.json"),
        (lambda folder: truncate(folder / "config.json"), "not a valid JSON"),
        (
            lambda folder: (folder / "model.safetensors").unlink(),
            "no file named tf_model.h5, model.safetensors",
        ),
        (lambda folder: truncate(folder / "model.safetensors"), "not fully covered"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b""), "header too small"),
        (lambda folder: truncate(folder / "tokenizer.json"), "EOF while parsing"),
        (drop_a_weight, "its weights lack .*LayerNorm"),
        (drop_the_tokenizer, "there is no vocab.txt or tokenizer.json"),
    ],
)
def test_directory_that_is_no_whole_bert_is_refused_and_how_to_give_one_is_said(
    encoder_folder, tmp_path, damage, expected
):
    folder = tmp_path / "damaged"
    shutil.copytree(encoder_folder, folder)
    load_encoder(str(folder), load_tokenizer(str(folder), []))  # it was whole
    damage(folder)
    with pytest.raises(
        InputError, match=rf"--encoder {folder}: cannot be loaded \(.*{expected}.*a directory with"
    ):
        load_encoder(str(folder), load_tokenizer(str(folder), []))


def test_tokenizer_of_more_pieces_than_the_weights_have_is_refused(encoder_folder):
    large = load_tokenizer("tiny", [" ".join(f"word{number}" for number in range(200))])
    with pytest.raises(InputError, match="pieces, its weights have"):
        load_encoder(str(encoder_folder), large)
