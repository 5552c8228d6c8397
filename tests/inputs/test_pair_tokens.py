"""Pairs are read as their tokenizer itself reads two texts: its marks, its token types, its way of cutting."""

import copy

import numpy as np
import pytest
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from pooled_bert.base.pairs import joined
from pooled_bert.inputs.pair_tokens import PairReader, find_marks, text_reader
from pooled_bert.inputs.tokens import TextReader

PAIRS = [
    ("one two three", "four"),
    ("four", "one two three"),
    ("", "one"),
    ("one [SEP] two", ""),
    ("", ""),
    ("one two " * 9, "three four five"),
    ("three", "one two " * 9),
    ("one two " * 9, "three four " * 8),
    ("one " * 15, "two " * 15),
]
ITEMS = [joined(pair) for pair in PAIRS]


def word_tokenizer(marks, post_processor=None):
    """A tokenizer of number words whose marks have the names that a family gives them."""
    words = [*marks.values(), *["one", "two", "three", "four", "five"]]
    tokenizer = Tokenizer(models.WordLevel({word: n for n, word in enumerate(words)}, unk_token=marks["unk"]))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    if post_processor:
        tokenizer.post_processor = post_processor
    names = {f"{name}_token": mark for name, mark in marks.items()}
    return transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names)


@pytest.fixture(params=["bert", "roberta"])
def family_tokenizer(request, tokenizer):
    if request.param == "bert":
        return copy.deepcopy(tokenizer)
    marks = {"cls": "<s>", "pad": "<pad>", "sep": "</s>", "unk": "<unk>", "mask": "<mask>"}
    return word_tokenizer(marks, processors.RobertaProcessing(("</s>", 2), ("<s>", 0)))


def reader_of(tokenizer, max_length=512, truncation="head"):
    return PairReader(tokenizer, max_length, truncation, None)


@pytest.mark.parametrize("max_length", [6, 7, 12, 13, 20, 64])
def test_ids_and_types_are_those_of_the_tokenizers_own_encoding(family_tokenizer, max_length):
    tokens = reader_of(family_tokenizer, max_length).encode(ITEMS, cache=None)
    own = copy.deepcopy(family_tokenizer)
    firsts, seconds = (list(texts) for texts in zip(*PAIRS, strict=True))
    expected = own(
        firsts, seconds, truncation="longest_first", max_length=max_length, return_token_type_ids=True
    )
    for row in range(len(PAIRS)):
        batch = tokens.padded(np.array([row]))
        assert batch["input_ids"][0].tolist() == expected["input_ids"][row]
        assert batch["token_type_ids"][0].tolist() == expected["token_type_ids"][row]
        assert batch["attention_mask"][0].all()


def test_tokenizer_without_marks_of_its_own_gets_those_of_bert():
    marks = {name: f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")}
    batch = reader_of(word_tokenizer(marks)).encode(ITEMS[:1], cache=None).padded(np.array([0]))
    assert batch["input_ids"].tolist() == [[2, 5, 6, 7, 3, 8, 3]]
    assert batch["token_type_ids"].tolist() == [[0, 0, 0, 0, 0, 1, 1]]


def test_head_tail_keeps_start_and_end_of_each_text(tokenizer):
    item = joined(("one two three four five six", "seven eight nine ten one two"))
    tokens = reader_of(tokenizer, 11, "head_tail").encode([item], cache=None)
    words = tokenizer.convert_ids_to_tokens(tokens.ids.tolist())
    assert words == ["[CLS]", "one", "four", "five", "six", "[SEP]", "seven", "ten", "one", "two", "[SEP]"]


def test_padding_has_neither_words_nor_types_and_rows_can_be_taken(tokenizer):
    tokens = reader_of(tokenizer).encode(ITEMS, cache=None)
    batch = tokens.take(np.array([8, 0])).padded(np.array([1, 0]), multiple=8)
    assert batch["input_ids"].shape == (2, 40)
    padding = batch["attention_mask"] == 0
    assert padding.sum() == 80 - 7 - 33
    assert not batch["input_ids"][padding].any()
    assert not batch["token_type_ids"][padding].any()
    assert len(reader_of(tokenizer).encode([], cache=None)) == 0


def test_tokens_are_kept_and_pairs_are_told_from_single_texts(tokenizer, tmp_path):
    reader, single = reader_of(tokenizer), TextReader(tokenizer, 512, "head", None)
    for _ in range(2):  # made, and from the cache
        pairs = reader.encode(ITEMS, cache=tmp_path)
        single.encode(ITEMS, cache=tmp_path)
        assert len(list(tmp_path.iterdir())) == 2
    assert (pairs.flat == reader.encode(ITEMS, cache=None).flat).all()
    assert reader.key != single.key
    assert text_reader(tokenizer, reader.settings()) == reader
    assert text_reader(tokenizer, single.settings()) == single
    assert "pairs" not in single.settings()


@pytest.mark.parametrize("max_length", [6, 512])
def test_words_of_both_texts_are_found_where_they_stand(family_tokenizer, max_length):
    reader = reader_of(family_tokenizer, max_length)
    for item in ITEMS:
        reading = reader.read(item)
        (word_of,) = reading.word_of
        words = [item[slice(*span)] for span in reading.spans]
        assert "".join(words) == "".join(item.split())  # U+001E counts as white space
        kept = family_tokenizer.convert_ids_to_tokens(reading.tokens.ids.tolist())
        assert len(kept) == len(word_of)
        assert (word_of < 0).sum() == len(find_marks(family_tokenizer))
        in_vocabulary = [n for n in np.flatnonzero(word_of >= 0) if kept[n] != family_tokenizer.unk_token]
        assert [words[word_of[n]] for n in in_vocabulary] == [kept[n] for n in in_vocabulary]
