"""Two texts are kept as one string, and share room as they share it in the tokenizers library."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers

from pooled_bert.base.errors import InputError
from pooled_bert.base.pairs import SEPARATOR, each_text, joined, separated, shares
from pooled_bert.base.shown_text import shortened, visible


def test_pairs_are_joined_and_separated():
    pairs = [("a", "b\n"), ("", "c"), ("", "")]
    assert [separated(joined(pair)) for pair in pairs] == pairs
    assert each_text(map(joined, pairs)) == ["a", "b\n", "", "c", "", ""]


def test_text_with_the_separator_is_refused_with_its_place():
    with pytest.raises(InputError, match=r"t\.csv, line 3: the text 'b\\x1e' holds the character U\+001E"):
        joined(("a", f"b{SEPARATOR}"), "t.csv, line 3: ")


@given(st.integers(0, 12), st.integers(0, 12), st.integers(1, 20))
def test_longer_text_is_cut_first_as_in_the_tokenizers_library(first, second, room):
    tokenizer = Tokenizer(models.WordLevel({"a": 0}, unk_token="a"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.enable_truncation(room, strategy="longest_first")
    encoding = tokenizer.encode("a " * first, "a " * second)
    kept = tuple(encoding.sequence_ids.count(text) for text in (0, 1))
    assert shares(first, second, room) == kept


def test_both_texts_of_a_pair_are_shown_with_a_mark_between_them():
    pair = joined(("x" * 50, "short\x1b"))
    shown = visible(shortened(pair, 20))
    assert shown == "xxxxxxxxxxxx… ‖ short⟨001B⟩"
    assert len(shortened(pair, 20)) == 20
    assert shortened(pair, 100) == pair
