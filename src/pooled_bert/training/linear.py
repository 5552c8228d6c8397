"""The baseline that BERT has to beat: TF-IDF and one logistic regression per label."""

import numpy as np
from joblib import Parallel, delayed
from scipy.sparse import csr_matrix, diags_array
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, make_union

from ..base.errors import InputError
from .problem import Outcome, Problem
from .settings import LinearSettings


def fit(problem: Problem, settings: LinearSettings) -> Outcome:
    """Learn vocabulary and weights from the fold's training rows alone; predict validation and test rows.

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
    columns = Parallel(n_jobs=-1, prefer="threads")(
        delayed(_fit_label)(features, column, (valid, test), settings, problem.seed)
        for column in problem.labels[problem.train].T
    )
    # for one class out of several, each regression is one class against the rest
    oof, test = (
        problem.target.from_scale(np.stack(parts, axis=1), "mean") for parts in zip(*columns, strict=True)
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


def _fit_label(
    features: csr_matrix,
    labels: np.ndarray,
    others: tuple[csr_matrix, ...],
    settings: LinearSettings,
    seed: int,
) -> list[np.ndarray]:
    """Return one label's probabilities for each matrix in ``others``.

    If the training rows hold one class only, all probabilities are the label's rate; 0.5 if no row is labelled.
    """
    known = ~np.isnan(labels)
    if len(np.unique(labels[known])) < 2:
        rate = float(labels[known].mean()) if known.any() else 0.5
        return [np.full(other.shape[0], rate) for other in others]
    features, labels = features[known], labels[known]
    if settings.naive_bayes is not None:
        weights = diags_array(log_count_ratios(features, labels, settings.naive_bayes))
        features, others = features @ weights, tuple(other @ weights for other in others)
    model = LogisticRegression(C=settings.c, solver="liblinear", random_state=seed)
    model.fit(features, labels)
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
