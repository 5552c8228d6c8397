"""The baseline that BERT has to beat: TF-IDF and one logistic regression per label."""

import functools
from collections.abc import Callable

import numpy as np
from joblib import Parallel, delayed
from scipy.sparse import csr_matrix, diags_array, hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, make_union

from ..base.errors import InputError
from ..inputs.document_vectors import document_vectors
from .problem import Outcome, Problem
from .settings import LinearSettings

# inverse strength of the L2 penalty on the weights of document vectors: with 10, IMDB's fold 0 is worse than without
VECTOR_C = 1.0


def make_learner(settings: LinearSettings) -> Callable[[Problem], Outcome]:
    """Return the function that trains one fold."""
    return functools.partial(fit, settings=settings)


def fit(problem: Problem, settings: LinearSettings) -> Outcome:
    """Learn vocabulary and weights from the fold's training rows alone; predict validation and test rows.

    Document vectors are the exception: they are learnt from the texts of all rows, without a label of any.

    Raises InputError if the training texts share too few words.
    """
    print(f"{problem.title}: TF-IDF of {len(problem.train)} rows", flush=True)
    vectorizer = _vectorizer(settings)
    try:
        features = vectorizer.fit_transform([problem.items[row] for row in problem.train])
    except ValueError as error:  # scikit-learn's "no terms remain" and "empty vocabulary"
        raise InputError(
            f"{problem.title}: its {len(problem.train)} training texts share too few words to learn from ({error})"
        ) from error
    valid = vectorizer.transform([problem.items[row] for row in problem.valid])
    test = vectorizer.transform(problem.test) if problem.test else csr_matrix((0, features.shape[1]))
    parts = (features, valid, test)
    vectors = _vectors(problem, settings) if settings.vectors else None
    columns = Parallel(n_jobs=-1, prefer="threads")(
        delayed(_fit_label)(parts, vectors, column, settings, problem.seed)
        for column in problem.labels[problem.train].T
    )
    # for one class out of several, each regression is one class against the rest
    oof, test = (
        problem.target.from_scale(np.stack(values, axis=1), "mean") for values in zip(*columns, strict=True)
    )
    return Outcome(oof, test)


def _vectorizer(settings: LinearSettings) -> FeatureUnion:
    """Count sequences of words; ``word_char`` also pieces of words, which recognise disguised spelling.

    With --words, every sequence counts that stands in two texts, and so do words of one letter, "!" and "?".
    """
    counting = {"min_df": 2, "sublinear_tf": True, "strip_accents": "unicode"}
    if settings.words is None:
        words = TfidfVectorizer(ngram_range=(1, 2), max_features=200_000, **counting)
    else:
        words = TfidfVectorizer(ngram_range=(1, settings.words), token_pattern=r"\w+|[!?]", **counting)
    pieces = TfidfVectorizer(
        analyzer="char_wb", ngram_range=(2, 5), min_df=3, sublinear_tf=True, max_features=200_000
    )
    return make_union(words) if settings.ngrams == "word" else make_union(words, pieces, n_jobs=2)


def _vectors(problem: Problem, settings: LinearSettings) -> tuple[csr_matrix, ...]:
    """Return the document vectors of training, validation and test rows, scaled so that their penalty is VECTOR_C."""
    texts = [*problem.items, *problem.test]
    vectors = document_vectors(texts, settings.vectors or 0, problem.run_seed, cache=problem.cache)
    vectors *= np.sqrt(VECTOR_C / settings.c)
    test = np.arange(len(problem.items), len(texts))
    return tuple(csr_matrix(vectors[rows]) for rows in (problem.train, problem.valid, test))


def _fit_label(
    parts: tuple[csr_matrix, ...],
    vectors: tuple[csr_matrix, ...] | None,
    labels: np.ndarray,
    settings: LinearSettings,
    seed: int,
) -> list[np.ndarray]:
    """Return one label's probabilities for each matrix in ``parts`` but the first, which is learnt from.

    If the training rows hold one class only, all probabilities are the label's rate; 0.5 if no row is labelled.
    """
    known = np.flatnonzero(~np.isnan(labels))
    labels = labels[known]
    if len(np.unique(labels)) < 2:
        rate = float(labels.mean()) if len(known) else 0.5
        return [np.full(part.shape[0], rate) for part in parts[1:]]
    if settings.naive_bayes is not None:
        weights = diags_array(log_count_ratios(parts[0][known], labels, settings.naive_bayes))
        parts = tuple(part @ weights for part in parts)
    if vectors is not None:
        parts = tuple(csr_matrix(hstack(pair)) for pair in zip(parts, vectors, strict=True))
    features, *others = parts
    model = LogisticRegression(C=settings.c, solver="liblinear", random_state=seed)
    model.fit(features[known], labels)
    return [model.predict_proba(other)[:, 1] if other.shape[0] else np.zeros(0) for other in others]


def log_count_ratios(features: csr_matrix, labels: np.ndarray, smoothing: float) -> np.ndarray:
    """Return the log of how much more often each feature stands in rows with the label than in others.

    float64 [n_features]. ``labels``: 0 or 1 for each row.  ``smoothing`` is added to the numbers of rows. From Wang &
    Manning 2012, "Baselines and Bigrams"; a logistic regression on weighted features is Mesnil et al. 2015.
    """
    present = csr_matrix((np.ones_like(features.data), features.indices, features.indptr), features.shape)
    counts = smoothing + np.stack([present.T @ (labels == value) for value in (1, 0)])
    with_label, without = np.log(counts / counts.sum(axis=1, keepdims=True))
    return with_label - without
