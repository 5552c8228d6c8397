"""Vectors of texts that are learnt without labels."""

import numpy as np

from pooled_bert.inputs.document_vectors import document_vectors

FILMS = ["a moving story with a strong cast", "the cast is strong and the story moving"]
MEALS = ["the soup was cold and the waiter rude", "a rude waiter and cold soup"]


def texts_of(number):
    """Return texts about films, then as many about meals, none quite like another."""
    films = [f"{FILMS[index % 2]} {'good ' * (index % 3)}film {index}" for index in range(number)]
    meals = [f"{MEALS[index % 2]} {'bad ' * (index % 3)}meal {index}" for index in range(number)]
    return films + meals


def test_texts_about_the_same_things_lie_together():
    vectors = document_vectors(texts_of(60), 8, 0, cache=None)
    assert vectors.shape == (120, 8)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
    cosines = vectors @ vectors.T
    assert cosines[:60, :60].mean() > cosines[:60, 60:].mean() + 0.2


def test_vectors_are_repeatable_and_come_from_the_cache_the_second_time(tmp_path):
    first = document_vectors(texts_of(20), 4, 0, cache=tmp_path)
    assert (document_vectors(texts_of(20), 4, 0, cache=None) == first).all()
    (file,) = tmp_path.glob("*.npz")
    before = file.stat().st_mtime_ns
    assert (document_vectors(texts_of(20), 4, 0, cache=tmp_path) == first).all()
    assert file.stat().st_mtime_ns == before
    document_vectors(texts_of(20), 4, 1, cache=tmp_path)
    assert len(list(tmp_path.glob("*.npz"))) == 2


def test_texts_that_all_say_one_of_two_things_have_finite_vectors():
    # with as few dimensions as topics, gradients are parallel to the vectors, but for rounding
    pairs = (("fine", "splendid evening"), ("poor", "dreadful night"))
    texts = [f"{word} {rest} {number}" for number in range(100) for word, rest in pairs]
    texts += ["splendid evening", "dreadful night"] * 10 + [f"fine {number}" for number in range(60)]
    vectors = document_vectors(texts, 2, 0, cache=None)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_text_without_words_and_more_dimensions_than_texts_are_allowed():
    vectors = document_vectors(["", *texts_of(3)], 50, 0, cache=None)
    assert vectors.shape == (7, 50)
    assert (vectors[0] == 0).all()
    assert np.isfinite(vectors).all()
