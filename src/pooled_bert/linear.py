"""The baseline that BERT has to beat: TF-IDF and logistic regression, one a label."""

import numpy as np
from joblib import Parallel, delayed
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_union

from .problem import Outcome, Problem
from .settings import LinearSettings


def fit(problem: Problem, settings: LinearSettings) -> Outcome:
    """Learn from the fold's training rows alone, vocabulary included; predict validation and test rows."""
    print(f"{problem.title}: {len(problem.train)} rows of TF-IDF", flush=True)
    train_texts, valid_texts = (
        [problem.texts[row] for row in rows] for rows in (problem.train, problem.valid)
    )
    vectorizer = make_union(
        TfidfVectorizer(
            ngram_range=(1, 2), min_df=2, sublinear_tf=True, strip_accents="unicode", max_features=200_000
        ),
        TfidfVectorizer(
            analyzer="char_wb", ngram_range=(2, 5), min_df=3, sublinear_tf=True, max_features=200_000
        ),
        n_jobs=2,
    )
    features = vectorizer.fit_transform(train_texts)
    others = [vectorizer.transform(valid_texts), vectorizer.transform(problem.test) if problem.test else None]
    columns = Parallel(n_jobs=2, prefer="threads")(
        delayed(_fit_label)(features, column, others, settings, problem.seed)
        for column in problem.labels[problem.train].T
    )
    oof, test = (np.stack(parts, axis=1) for parts in zip(*columns, strict=True))
    return Outcome(oof=oof, test=test)


def _fit_label(features: csr_matrix, labels: np.ndarray, others: list, settings: LinearSettings, seed: int):
    """Probabilities of one label for each matrix in ``others``; its base rate where one class alone is known."""
    known = ~np.isnan(labels)
    if len(np.unique(labels[known])) < 2:
        rate = float(labels[known].mean()) if known.any() else 0.5
        return [np.full(0 if other is None else other.shape[0], rate) for other in others]
    model = LogisticRegression(C=settings.c, solver="liblinear", random_state=seed)
    model.fit(features[known], labels[known])
    return [np.zeros(0) if other is None else model.predict_proba(other)[:, 1] for other in others]
