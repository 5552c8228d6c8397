import numpy as np
import pytest

from pooled_bert.inputs.text_statistics import STATISTICS, text_statistics


def statistics_of(text):
    return dict(zip(STATISTICS, text_statistics([text])[0].tolist(), strict=True))


def test_text_that_shouts_is_told_from_one_that_does_not():
    calm, loud = statistics_of("you are wrong, I think."), statistics_of("YOU ARE WRONG!!!!! wrong WRONG")
    for name in ("share_of_capitals", "share_of_words_in_capitals", "log_exclamation_marks"):
        assert loud[name] > calm[name]
    assert loud["log_repeated_characters"] == pytest.approx(np.log(2))
    assert calm["log_repeated_characters"] == 0
    assert loud["share_of_distinct_words"] == pytest.approx(4 / 5)  # wrong!!!!! is a word of its own
    assert calm["share_of_you"] == pytest.approx(1 / 5)


def test_counts_are_of_characters_words_and_lines():
    found = statistics_of("ab 12\ncdef?")
    assert found["log_characters"] == pytest.approx(np.log(1 + 11))
    assert found["log_words"] == pytest.approx(np.log(1 + 3))
    assert found["log_longest_word"] == pytest.approx(np.log(1 + 5))
    assert found["log_lines"] == pytest.approx(np.log(2))
    assert found["share_of_digits"] == pytest.approx(2 / 11)
    assert found["share_of_marks"] == pytest.approx(1 / 11)


def test_empty_texts_and_no_texts_have_numbers_too():
    assert np.isfinite(text_statistics(["", " "])).all()
    assert text_statistics([]).shape == (0, len(STATISTICS))
