"""What the linear models read: TF-IDF of words and pieces of words, of whole texts and of their passages."""

from dataclasses import dataclass
from itertools import chain

import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import FeatureUnion, make_union

from ..inputs.document_vectors import document_vectors
from .problem import Problem
from .settings import LinearSettings


@dataclass(frozen=True)
class Texts:
    """Features of texts, [n_texts, n_features], and of their passages, [n_passages, n_features], if these count.

    first : row of each text's first passage. The passages of one text follow each other, and each text has one.
    """

    whole: csr_matrix
    passages: csr_matrix | None = None
    first: np.ndarray | None = None


@dataclass(frozen=True)
class Features:
    """Features of the training texts, and of the validation and the test texts. The last ``n_vectors`` are vectors."""

    train: csr_matrix
    asked: tuple[Texts, Texts]
    n_vectors: int = 0


def vectorizers(settings: LinearSettings) -> list[FeatureUnion]:
    """Return what counts n-grams, one vectorizer for each kind that has a regression of its own.

    Pieces of words recognise disguised spelling. With --words, every sequence counts that occurs in two texts, and so
    do words of one letter, "!" and "?".
    """
    counting = {"min_df": 2, "sublinear_tf": True, "strip_accents": "unicode"}
    if settings.words is None:
        words = TfidfVectorizer(ngram_range=(1, 2), max_features=200_000, **counting)
    else:
        words = TfidfVectorizer(ngram_range=(1, settings.words), token_pattern=r"\w+|[!?]", **counting)
    pieces = TfidfVectorizer(
        analyzer="char_wb", ngram_range=(2, 5), min_df=3, sublinear_tf=True, max_features=200_000
    )
    if settings.ngrams == "averaged":
        return [make_union(words), make_union(pieces)]
    return [make_union(words) if settings.ngrams == "word" else make_union(words, pieces, n_jobs=2)]


def ngrams(vectorizer: FeatureUnion, problem: Problem, passage: int | None) -> Features:
    """Return the fold's n-grams; the vocabulary is that of its training texts."""
    train = vectorizer.fit_transform([problem.items[row] for row in problem.train])

    def texts(asked: list[str]) -> Texts:
        if not asked:  # scikit-learn refuses an empty table
            return Texts(csr_matrix((0, train.shape[1])))
        if passage is None:
            return Texts(vectorizer.transform(asked))
        cut = [passages(text, passage) for text in asked]
        first = np.cumsum([0, *map(len, cut[:-1])])
        return Texts(vectorizer.transform(asked), vectorizer.transform([*chain(*cut)]), first)

    return Features(train, (texts([problem.items[row] for row in problem.valid]), texts(problem.test)))


def passages(text: str, length: int) -> list[str]:
    """Cut a text into passages of ``length`` words that overlap by half; a shorter text is one passage."""
    words = text.split()
    step = max(length // 2, 1)
    starts = range(0, max(len(words) - length, 0) + step, step)
    return [" ".join(words[start : start + length]) for start in starts]


def vectors(problem: Problem, dimensions: int) -> Features:
    """Return a document vector for each text; passages have none."""
    everything = [*problem.items, *problem.test]
    rows = document_vectors(everything, dimensions, problem.run_seed, cache=problem.cache)
    test = np.arange(len(problem.items), len(everything))
    train, valid, test = (csr_matrix(rows[part]) for part in (problem.train, problem.valid, test))
    return Features(train, (Texts(valid), Texts(test)), train.shape[1])


def beside(left: Features, right: Features, scale: float) -> Features:
    """Return the features of ``left`` and, times ``scale``, the vectors ``right``; those of passages are zeros."""

    def joined(counts: Texts, others: Texts) -> Texts:
        whole = csr_matrix(hstack([counts.whole, others.whole * scale]))
        if counts.passages is None:
            return Texts(whole)
        zeros = csr_matrix((counts.passages.shape[0], right.n_vectors))
        return Texts(whole, csr_matrix(hstack([counts.passages, zeros])), counts.first)

    valid, test = (joined(*pair) for pair in zip(left.asked, right.asked, strict=True))
    return Features(csr_matrix(hstack([left.train, right.train * scale])), (valid, test), right.n_vectors)
