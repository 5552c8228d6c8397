from transformers import BertConfig

from pooled_bert.encoders import load_tokenizer
from pooled_bert.tokens import encode

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
