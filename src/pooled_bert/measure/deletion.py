"""Do explanations name what a model goes by? Words are deleted, most important first, and the score is watched.

Deletion of the words that an explanation puts first must lower the score more than that of as many words at random
(Samek et al. 2017, "Evaluating the Visualization of What a Deep Neural Network Has Learned", for pictures).
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..base.errors import InputError
from ..base.progress import progress_bar
from ..predict.explanation import Explanation, explain
from ..predict.predictor import Predictor
from ..results.fold_scores import FoldScores

SHARES = (0.1, 0.2, 0.5)  # of the words of a text, deleted
RANDOM_DRAWS = 5
RANDOM = "random words"


def deletion_drops(
    predictor: Predictor, texts: Sequence[str], label: int, methods: Sequence[str], seed: int = 0
) -> pd.DataFrame:
    """How much the log-odds of ``label`` fall, a row a text, a column for each (share, method) and (share, RANDOM).

    At least one word goes. The random drop is the mean of RANDOM_DRAWS.
    """
    random = np.random.default_rng(seed)
    rows = []
    for text in progress_bar(iterable=texts, desc="explaining", unit=" texts"):
        found = {method: explain(predictor, text, method) for method in methods}
        rows.append(_drops(predictor, found, label, random))
    return pd.DataFrame(rows)


def _drops(
    predictor: Predictor, found: dict[str, Explanation], label: int, random: np.random.Generator
) -> dict[tuple[float, str], float]:
    """Of one text, by share and method."""
    any_one = next(iter(found.values()))
    n_words = len(any_one.spans)
    orders = {method: [np.argsort(-own.weights[:, label])] for method, own in found.items()}
    orders[RANDOM] = [random.permutation(n_words) for _ in range(RANDOM_DRAWS)]
    places, shorter = [], [any_one.text]
    for share in SHARES:
        for method, draws in orders.items():
            places += [(share, method)] * len(draws)
            n_deleted = max(1, round(share * n_words))
            shorter += [without_words(any_one, order[:n_deleted]) for order in draws]
    probabilities = predictor.predict_proba(shorter).astype(np.float64)
    log_odds = predictor.target.to_scale(probabilities, "logit")[:, label]
    drops = pd.Series(log_odds[0] - log_odds[1:], index=pd.MultiIndex.from_tuples(places))
    means = drops.groupby(level=[0, 1], sort=False).mean()
    return dict(zip(means.index.tolist(), means.tolist(), strict=True))


def without_words(explanation: Explanation, words: np.ndarray) -> str:
    """The text without some of its words."""
    text, end = [], len(explanation.text)
    for word in sorted(words, reverse=True):
        start, stop = explanation.spans[word]
        text.append(explanation.text[stop:end])
        end = start
    return "".join(reversed([*text, explanation.text[:end]]))


def some_texts(scores: FoldScores, texts: pd.Series, label: int, n: int) -> list[str]:
    """Up to ``n`` validation texts of a fold that score above 0.5 for ``label``, drawn at random; raises InputError."""
    rows = scores.rows[scores.scores[:, label] > 0.5]
    if len(rows) == 0:
        raise InputError("no text of this fold scores above 0.5 for the label; train longer, or name another")
    chosen = np.random.default_rng(0).permutation(rows)[:n]
    return texts.iloc[np.sort(chosen)].tolist()


def drop_table(drops: pd.DataFrame) -> pd.DataFrame:
    """A row a share and method: the mean drop, and the share of texts that it is larger in than by random words."""
    pairs = drops.columns.tolist()
    larger = {
        (share, method): (drops[share, method] > drops[share, RANDOM]).mean()
        for share, method in pairs
        if method != RANDOM
    }
    table = pd.DataFrame({"drop": drops.mean(), "above random": pd.Series(larger)})
    table = table.reindex(drops.columns)
    return table.set_axis([f"{share:.0%} of the words, {method}" for share, method in table.index])
