"""The baseline that BERT has to beat: TF-IDF and one logistic regression per label, or the average of a few."""

import functools
from collections.abc import Callable
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
VECTOR_SHARE = 0.4  # of the document vectors' log-odds, for one of each other member's
PASSAGE_SHARE = 0.35  # of the strongest passage's log-odds, for one of the whole text's


@dataclass(frozen=True)
class Member:
    """One regression per label, on features of its own.

    smoothing : of the log-count ratios that weigh its n-grams; None: unweighted.  share : in the average of log-odds.
    """

    features: Features
    smoothing: float | None
    c: float
    share: float = 1.0


def make_learner(settings: LinearSettings) -> Callable[[Problem], Outcome]:
    """Return the function that trains one fold."""
    return functools.partial(fit, settings=settings)


def fit(problem: Problem, settings: LinearSettings) -> Outcome:
    """Learn vocabulary and weights from the fold's training rows alone; predict validation and test rows.

    Document vectors are the exception: they are learnt from the texts of all rows, without a label of any.

    Raises InputError if the training texts share too few words.
    """
    print(f"{problem.title}: TF-IDF of {len(problem.train)} rows", flush=True)
    try:
        counts = [ngrams(vectorizer, problem, settings.passage) for vectorizer in vectorizers(settings)]
        members = _members(counts, problem, settings)
    except ValueError as error:  # scikit-learn's "no terms remain" and "empty vocabulary"
        raise InputError(
            f"{problem.title}: its {len(problem.train)} training texts share too few words to learn from ({error})"
        ) from error
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
        members.append(Member(extra, None, VECTOR_C, VECTOR_SHARE))
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
    models = [_learn(member, labels, known, seed) for member in members]
    asked = zip(*(member.features.asked for member in members), strict=True)
    return [expit(_log_odds(texts, models, [member.share for member in members])) for texts in asked]


def _learn(member: Member, labels: np.ndarray, known: np.ndarray, seed: int) -> tuple[np.ndarray, float]:
    """Learn from the training rows ``known``; return one weight per feature and the intercept."""
    features = member.features.train[known]
    ratios = np.ones(features.shape[1])
    if member.smoothing is not None:
        counts = slice(0, len(ratios) - member.features.n_vectors)
        ratios[counts] = log_count_ratios(features[:, counts], labels, member.smoothing)
        features = csr_matrix(features @ diags_array(ratios))
    model = LogisticRegression(C=member.c, solver="liblinear", random_state=seed).fit(features, labels)
    return ratios * model.coef_[0], model.intercept_[0]


def _log_odds(
    texts: tuple[Texts, ...], models: list[tuple[np.ndarray, float]], shares: list[float]
) -> np.ndarray:
    """Return the members' average log-odds of each text; with passages, the strongest one counts PASSAGE_SHARE.

    Of a long text, a label may be true for the sake of one sentence.
    """
    whole = [part.whole @ weights + bias for part, (weights, bias) in zip(texts, models, strict=True)]
    log_odds = np.average(whole, axis=0, weights=shares)
    passages = [
        part.passages @ weights + bias
        for part, (weights, bias) in zip(texts, models, strict=True)
        if part.passages is not None
    ]
    if not passages:
        return log_odds
    strongest = np.maximum.reduceat(np.mean(passages, axis=0), texts[0].first)
    return (log_odds + PASSAGE_SHARE * strongest) / (1 + PASSAGE_SHARE)


def log_count_ratios(features: csr_matrix, labels: np.ndarray, smoothing: float) -> np.ndarray:
    """Return the log of how much more often each feature occurs in rows with the label than in others.

    float64 [n_features]. ``labels``: 0 or 1 for each row.  ``smoothing`` is added to the numbers of rows. From Wang &
    Manning 2012, "Baselines and Bigrams"; a logistic regression on weighted features is Mesnil et al. 2015.
    """
    present = csr_matrix((np.ones_like(features.data), features.indices, features.indptr), features.shape)
    counts = smoothing + np.stack([present.T @ (labels == value) for value in (1, 0)])
    with_label, without = np.log(counts / counts.sum(axis=1, keepdims=True))
    return with_label - without
