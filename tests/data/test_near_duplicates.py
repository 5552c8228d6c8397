import numpy as np
import pytest

from pooled_bert.data.near_duplicates import near_duplicates, similarity

WORDS = [f"word{number}" for number in range(500)]


def made_up(n_texts, n_words=40, seed=0):
    random = np.random.default_rng(seed)
    return [" ".join(random.choice(WORDS, n_words)) for _ in range(n_texts)]


def changed(text, n_words, seed=0):
    random, words = np.random.default_rng(seed), text.split()
    for place in random.choice(len(words), n_words, replace=False):
        words[place] = "other"
    return " ".join(words)


def test_different_texts_are_alone_in_the_order_of_the_texts():
    assert near_duplicates(made_up(50), 0.8).tolist() == list(range(50))


def test_texts_that_differ_in_few_words_are_found_among_many():
    texts = made_up(300)
    texts += [changed(text, 2, seed) for seed, text in enumerate(texts[:100])]
    groups = near_duplicates(texts, 0.7)
    pairs = [
        similarity(text.replace(" ", "").encode(), other.replace(" ", "").encode())
        for text, other in zip(texts[:100], texts[300:], strict=True)
    ]
    expected = [value >= 0.7 for value in pairs]
    assert sum(expected) > 80
    assert (groups[300:] == groups[:100]).tolist() == expected
    assert len(set(groups[100:300].tolist())) == 200


def test_similarity_is_that_of_the_sets_of_shingles():
    assert similarity(b"abcdefgh", b"abcdefgh") == 1
    assert similarity(b"abcdefgh", b"ABCDEFGH") == 0
    assert similarity(b"abcdefgh", b"abcdefgX") == pytest.approx(3 / 5)


def test_neighbours_connect_a_group():
    base = " ".join(WORDS[:60])
    chain = [base, changed(base, 3, 1), changed(changed(base, 3, 1), 3, 2)]
    assert len(set(near_duplicates(chain, 0.7).tolist())) == 1


@pytest.mark.parametrize("texts", [["", ""], ["!", "!"], ["a"], ["é", "日本語", "日本語"], ["\ud800", "x"]])
def test_short_and_strange_texts_are_grouped_by_their_keys(texts):
    groups = near_duplicates(texts, 0.8)
    assert len(set(groups.tolist())) == len(set(texts))


def test_many_equal_texts_are_one_group():
    assert set(near_duplicates(["the same text every time"] * 300, 0.8).tolist()) == {0}
