"""Text -> one vector, learnt without labels: texts lie near the words and sequences of words that occur in them.

From Thongtan & Phienthrakul 2019, "Sentiment Classification Using Document Embeddings Trained with Cosine Similarity",
and Bingyu & Arefyev 2022 (arXiv 2205.13357). Theirs are learnt pair by pair in 120 passes. Here a batch of texts meets
all n-grams that occur in it, which is one product of two small matrices; and the vectors start from a singular value
decomposition, so that a few passes are enough.
"""

from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix, diags_array
from scipy.special import expit
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.utils.extmath import randomized_svd

from ..base.progress import progress_bar
from .cache import cached

WORDS = 3  # longest sequence of words
LEAST_TEXTS = 20  # in which an n-gram occurs; fewer if there are few texts
TEXTS_PER_LEAST = 2500
SCALE = 6.0  # of the cosine, in the log-odds that an n-gram occurs in a text; the paper's
NEGATIVES = 5.0  # weight of the n-grams that do not occur in a text, for each one that does; the paper's
FLATTENING = 0.75  # power of an n-gram's frequency, in its weight where it does not occur; word2vec's
PASSES = 5
BATCH = 64  # texts
LEAST_SQUARES = 1e-4  # sum of squared gradients that AdaGrad starts with
RATE = 1.0  # of the first step, as a length on the unit sphere; falls to 0


def document_vectors(texts: list[str], dimensions: int, seed: int, *, cache: Path | None) -> np.ndarray:
    """Learn a vector of length 1 for each text, float32 [n_texts, dimensions], or read them from ``cache``.

    The texts alone decide them, so they may be those of training, validation and test rows together. Texts without a
    common n-gram get a vector of zeros. Raises ValueError if the texts share nothing.
    """
    constants = (
        WORDS,
        LEAST_TEXTS,
        TEXTS_PER_LEAST,
        SCALE,
        NEGATIVES,
        FLATTENING,
        PASSES,
        BATCH,
        LEAST_SQUARES,
        RATE,
    )
    key = [*texts, f"vectors {dimensions} {seed} {constants}"]
    return cached(cache, key, ("vectors",), lambda: (_learnt(texts, dimensions, seed),))[0]


def _learnt(texts: list[str], dimensions: int, seed: int) -> np.ndarray:
    occurs = _occurrences(texts)
    weights = _absence_weights(occurs)
    n_texts, n_ngrams = len(texts), len(weights)
    documents, ngrams = _start(occurs, weights, min(dimensions, n_texts - 1, n_ngrams - 1), seed)
    _learn(occurs, weights, documents, ngrams, np.random.default_rng(seed))
    documents[np.diff(occurs.indptr) == 0] = 0
    return np.pad(documents, ((0, 0), (0, dimensions - documents.shape[1])))


def _occurrences(texts: list[str]) -> csr_matrix:
    """Return which n-grams occur in which texts, float32 [n_texts, n_ngrams], 1 or 0."""
    least = int(np.clip(len(texts) // TEXTS_PER_LEAST, 2, LEAST_TEXTS))
    counter = CountVectorizer(
        ngram_range=(1, WORDS),
        token_pattern=r"\w+|[!?]",
        strip_accents="unicode",
        min_df=least,
        binary=True,
        dtype=np.float32,
    )
    return csr_matrix(counter.fit_transform(texts))


def _absence_weights(occurs: csr_matrix) -> np.ndarray:
    """Return the weight of each n-gram where it does not occur, per n-gram of the text; float64 [n_ngrams]."""
    frequency = np.bincount(occurs.indices) ** FLATTENING  # every n-gram occurs
    return NEGATIVES * frequency / frequency.sum()


def _start(
    occurs: csr_matrix, weights: np.ndarray, dimensions: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return vectors of the texts and of the n-grams by a singular value decomposition.

    The matrix holds how much more often an n-gram occurs in a text than by chance, in logarithms and where it is more
    often: without cosines, the loss of ``_learn`` has its optimum there, but for a constant (Levy & Goldberg 2014).
    """
    lengths = np.diff(occurs.indptr)
    chance = np.repeat(lengths, lengths) * weights[occurs.indices] / NEGATIVES
    information = csr_matrix(occurs)
    information.data = np.maximum(-np.log(chance), 0).astype(np.float32)
    norms = np.sqrt(np.asarray(information.multiply(information).sum(axis=1))).ravel()
    information = diags_array((1 / np.maximum(norms, 1e-6)).astype(np.float32)) @ information
    left, values, right = randomized_svd(
        information, dimensions, n_oversamples=10, n_iter=1, random_state=seed
    )
    return _unit(left * values), _unit(right.T)


def _unit(vectors: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.ascontiguousarray(vectors / np.maximum(lengths, 1e-9), dtype=np.float32)


def _learn(
    occurs: csr_matrix,
    weights: np.ndarray,
    documents: np.ndarray,
    ngrams: np.ndarray,
    random: np.random.Generator,
) -> None:
    """Move the vectors in place, so that SCALE times their cosine is the log-odds that an n-gram occurs in a text.

    The loss is a cross-entropy. Each batch meets the n-grams that occur in it; where one does not occur in a text, its
    weight is divided by the probability that the batch holds it.
    """
    n_texts = len(documents)
    share = np.bincount(occurs.indices, minlength=len(ngrams)) / n_texts
    weights = (weights / (1 - (1 - share) ** BATCH)).astype(np.float32)
    lengths = np.diff(occurs.indptr).astype(np.float32)
    of_documents, of_ngrams = (
        np.full(len(vectors), LEAST_SQUARES, np.float32) for vectors in (documents, ngrams)
    )
    starts = range(0, n_texts, BATCH)
    with progress_bar(total=PASSES * len(starts), desc="document vectors", unit="batch") as bar:
        for _ in range(PASSES):
            order = random.permutation(n_texts)
            for start in starts:
                rows = order[start : start + BATCH]
                batch = occurs[rows]
                columns, places = np.unique(batch.indices, return_inverse=True)
                truth = np.zeros((len(rows), len(columns)), np.float32)
                truth[np.repeat(np.arange(len(rows)), np.diff(batch.indptr)), places] = 1
                texts, words = documents[rows], ngrams[columns]
                slope = _slope(texts @ words.T, truth, lengths[rows, np.newaxis] * weights[columns])
                rate = RATE * (1 - bar.n / bar.total)
                documents[rows] = _moved(texts, slope @ words, of_documents, rows, rate)
                ngrams[columns] = _moved(words, slope.T @ texts, of_ngrams, columns, rate)
                bar.update()


def _slope(cosines: np.ndarray, truth: np.ndarray, absent: np.ndarray) -> np.ndarray:
    """Return the loss's derivative by the log-odds, [n_texts, n_ngrams] as all; absent : weights of what is absent."""
    absent += truth
    absent *= expit(SCALE * cosines)
    return absent - truth


def _moved(
    vectors: np.ndarray, gradient: np.ndarray, squares: np.ndarray, rows: np.ndarray, rate: float
) -> np.ndarray:
    """Return unit vectors moved against their gradients and back onto the sphere.

    squares : sums of the squared lengths of all gradients so far, one per vector; those of ``rows`` are updated. They
    divide the rate (AdaGrad, Duchi et al. 2011, with one rate per vector).
    """
    along = np.einsum("ij,ij->i", gradient, vectors)
    across = np.maximum(np.einsum("ij,ij->i", gradient, gradient) - along**2, 0)  # of the tangent part
    squares[rows] += across
    step = rate / np.sqrt(squares[rows])
    gradient *= step[:, np.newaxis]
    moved = vectors * (1 + step * along)[:, np.newaxis] - gradient
    moved /= np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-9)  # rounding would add up
    return moved
