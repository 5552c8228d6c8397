"""The baseline that BERT has to beat: TF-IDF and one logistic regression per label, or the average of a few."""

from dataclasses import dataclass

import numpy as np
from joblib import Parallel, delayed
from scipy.sparse import csr_matrix, diags_array
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from ..base.errors import InputError
from .linear_features import Features, Texts, beside, ngrams, vectorizers, vectors
from .problem import Outcome, Problem
from .settings import LinearSettings

# inverse strength of the L2 penalty on the weights of document vectors: with 10, IMDB's fold 0 is worse than without
VECTOR_C = 1.0
UNWEIGHTED_C = 4.0  # the same for pieces of words without weights, beside those with weights
PASSAGE_SHARE = 0.35  # of the strongest passage's log-odds, for one of the whole text's


@dataclass(frozen=True)
class Member:
    """One regression per label. smoothing : of the log-count ratios that weigh its n-grams; None: unweighted."""

    features: Features
    smoothing: float | None
    c: float


def fit(problem: Problem, settings: LinearSettings) -> Outcome:
    """Learn vocabulary and weights from the fold's training rows alone; predict validation and test rows.

    Document vectors are the exception: they are learnt from the texts of all rows, without a label of any.

    Raises InputError if the training texts share too few words.
    """
    print(f"{problem.title}: TF-IDF of {len(problem.train)} rows", flush=True)
    try:
        counts = [ngrams(vectorizer, problem, settings.passage) for vectorizer in vectorizers(settings)]
    except ValueError as error:  # scikit-learn's "no terms remain" and "empty vocabulary"
        raise InputError(
            f"{problem.title}: its {len(problem.train)} training texts share too few words to learn from ({error})"
        ) from error
    members = _members(counts, problem, settings)
    columns = Parallel(n_jobs=-1, prefer="threads")(
        delayed(_fit_label)(members, column, problem.seed) for column in problem.labels[problem.train].T
    )
    # for one class out of several, each regression is one class against the rest
    oof, test = (
        problem.target.from_scale(np.stack(values, axis=1), "mean") for values in zip(*columns, strict=True)
    )
    return Outcome(oof, test)


def _members(counts: list[Features], problem: Problem, settings: LinearSettings) -> list[Member]:
    """Return one member for all features or, with --ngrams averaged, one for each kind of features.

    With --naive-bayes, pieces of words then have a second member without weights: its errors are different ones.
    """
    extra = vectors(problem, settings.vectors) if settings.vectors else None
    if settings.ngrams != "averaged":
        (features,) = counts
        if extra is not None:  # scaled so that their penalty is VECTOR_C
            features = beside(features, extra, np.sqrt(VECTOR_C / settings.c))
        return [Member(features, settings.naive_bayes, settings.c)]
    members = [Member(features, settings.naive_bayes, settings.c) for features in counts]
    if settings.naive_bayes is not None:
        members.append(Member(counts[-1], None, UNWEIGHTED_C))
    if extra is not None:
        members.append(Member(extra, None, VECTOR_C))
    return members


def _fit_label(members: list[Member], labels: np.ndarray, seed: int) -> list[np.ndarray]:
    """Return one label's probabilities for the validation and for the test rows.

    If the training rows hold one class only, all probabilities are the label's rate; 0.5 if no row is labelled.
    """
    known = np.flatnonzero(~np.isnan(labels))
    labels = labels[known]
    if len(np.unique(labels)) < 2:
        rate = float(labels.mean()) if len(known) else 0.5
        return [np.full(texts.whole.shape[0], rate) for texts in members[0].features.asked]
    log_odds = [_member_log_odds(member, labels, known, seed) for member in members]
    return [expit(np.mean(values, axis=0)) for values in zip(*log_odds, strict=True)]


def _member_log_odds(member: Member, labels: np.ndarray, known: np.ndarray, seed: int) -> list[np.ndarray]:
    """Learn from the training rows ``known``; return the log-odds of the validation and of the test rows."""
    features = member.features.train[known]
    weights = np.ones(features.shape[1])
    if member.smoothing is not None:
        counts = slice(0, len(weights) - member.features.n_vectors)
        weights[counts] = log_count_ratios(features[:, counts], labels, member.smoothing)
        features = csr_matrix(features @ diags_array(weights))
    model = LogisticRegression(C=member.c, solver="liblinear", random_state=seed).fit(features, labels)
    weights *= model.coef_[0]
    return [_log_odds(texts, weights, model.intercept_[0]) for texts in member.features.asked]


def _log_odds(texts: Texts, weights: np.ndarray, intercept: float) -> np.ndarray:
    """Return the log-odds of each text; with passages, the mean of the whole text's and of the strongest passage's.

    A long text is toxic if one sentence of it is.
    """
    log_odds = texts.whole @ weights + intercept
    if texts.passages is None:
        return log_odds
    strongest = np.maximum.reduceat(texts.passages @ weights + intercept, texts.first)
    return (log_odds + PASSAGE_SHARE * strongest) / (1 + PASSAGE_SHARE)


def log_count_ratios(features: csr_matrix, labels: np.ndarray, smoothing: float) -> np.ndarray:
    """Return the log of how much more often each feature stands in rows with the label than in others.

    float64 [n_features]. ``labels``: 0 or 1 for each row.  ``smoothing`` is added to the numbers of rows. From Wang &
    Manning 2012, "Baselines and Bigrams"; a logistic regression on weighted features is Mesnil et al. 2015.
    """
    present = csr_matrix((np.ones_like(features.data), features.indices, features.indptr), features.shape)
    counts = smoothing + np.stack([present.T @ (labels == value) for value in (1, 0)])
    with_label, without = np.log(counts / counts.sum(axis=1, keepdims=True))
    return with_label - without
