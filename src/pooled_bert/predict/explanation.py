"""Which words of a text carried its scores: by masking each word, by gradients, or by attention."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..base.errors import InputError, require
from ..benchmarks.targets import Target
from ..inputs.tokens import Reading, Tokens
from ..models.fold_model import FoldModel, predict_folds
from .predictor import Predictor

BINS = 10  # parts of a text over which attention is added up, as in the article's plots


@dataclass(frozen=True)
class Explanation:
    """A text or a joined pair, its probabilities, and each word's weight in them.

    spans : position of each word in the text, [start, end).  weights : float64 [n_words, n_labels]. By occlusion and
    gradients, they are log-odds, above 0 for words that raised a score. By attention, they are shares of all attention,
    the same for all labels.
    """

    text: str
    method: str
    target: Target
    labels: tuple[str, ...]
    probabilities: np.ndarray
    spans: Sequence[tuple[int, int]]
    weights: np.ndarray

    def pieces(self) -> Iterator[tuple[str, np.ndarray | None]]:
        """Yield the whole text: each word with its weights [n_labels], and the text between words with None."""
        end = 0
        for (start, stop), weights in zip(self.spans, self.weights, strict=True):
            if start > end:
                yield self.text[end:start], None
            yield self.text[start:stop], weights
            end = stop
        if end < len(self.text):
            yield self.text[end:], None

    def bins(self) -> np.ndarray:
        """Add the weights up over tenths of the text's words, float64 [BINS, n_labels]."""
        bin_of_word = np.arange(len(self.spans)) * BINS // max(len(self.spans), 1)
        sums = np.zeros((BINS, len(self.labels)))
        np.add.at(sums, bin_of_word, self.weights)
        return sums


def explain(predictor: Predictor, item: str | Sequence[str], method: str = "occlusion") -> Explanation:
    """Explain the probabilities of a text, or of both texts of a pair, as the mean over the folds by one of METHODS.

    - occlusion (Zeiler & Fergus 2014; Li et al. 2016): the fall of the log-odds when the word is replaced by [MASK].
    - gradients: integrated gradients (Sundararajan et al. 2017), on the path from a text of [MASK]s to the text. They
      add up to the difference in log-odds between these two texts.
    - attention: the weights of ``--pooling attention``. They add up to less than 1: the shares of [CLS] and [SEP] are
      left out.

    A word is what the tokenizer keeps together before it makes word pieces. Raises InputError (see ``check_method``,
    ``Predictor.checked``).
    """
    check_method(predictor, method)
    (text,) = predictor.checked([item])
    readings = [model.text_reader.read(text) for model in predictor.models]
    pairs = zip(predictor.models, readings, strict=True)
    weights = np.mean([METHODS[method](model, reading) for model, reading in pairs], axis=0)
    probabilities = predictor.predict_proba([text])[0]
    return Explanation(
        text, method, predictor.target, predictor.labels, probabilities, readings[0].spans, weights
    )


def log_odds(model: FoldModel, tokens: Tokens) -> np.ndarray:
    """Return the log-odds of rows of tokens, float64 [n_rows, n_labels]."""
    (probabilities,) = predict_folds([model], tokens).astype(np.float64)
    return model.target.to_scale(probabilities, "logit")


def by_word(reading: Reading, row: int, values: np.ndarray) -> np.ndarray:
    """Add up the values of a row's tokens [length, n] by word, float64 [n_words, n]; those of marks are left out."""
    words = reading.word_of[row]
    sums = np.zeros((len(reading.spans), values.shape[1]))
    np.add.at(sums, words[words >= 0], values[words >= 0])
    return sums


def _occlusion(model: FoldModel, reading: Reading) -> np.ndarray:
    """Return the log-odds of the text minus those with each word masked, float64 [n_words, n_labels]."""
    mask, n_windows = model.text_reader.mask_id, len(reading.tokens)
    masked, word_and_window = [], []
    for window, words in enumerate(reading.word_of):
        ids = reading.row_ids(window)
        for word in np.unique(words[words >= 0]):
            masked.append(np.where(words == word, mask, ids))
            word_and_window.append((word, window))
    whole = range(n_windows)
    windows = [*whole, *(window for _, window in word_and_window)]
    values = log_odds(model, reading.variants(windows, [*map(reading.row_ids, whole), *masked]))
    without_word = np.repeat(values[np.newaxis, :n_windows], len(reading.spans), axis=0)
    for indices, value in zip(word_and_window, values[n_windows:], strict=True):
        without_word[indices] = value
    # combines the windows' log-odds like Target.pool
    pool = np.max if model.text_reader.windows == "max" else np.mean
    return pool(values[:n_windows], axis=-2) - pool(without_word, axis=-2)


def _gradients(model: FoldModel, reading: Reading) -> np.ndarray:
    """Return integrated gradients by word, float64 [n_words, n_labels]."""
    network = model.network()  # sets TensorFlow up, before it is imported
    from .gradients import window_gradients

    gradients = np.array(
        [
            by_word(reading, window, window_gradients(network, model.text_reader, reading, window))
            for window in range(len(reading.tokens))
        ]
    )
    if model.text_reader.windows != "max":
        return gradients.mean(axis=0)
    largest = log_odds(model, reading.tokens).argmax(axis=0)
    return gradients[largest, :, np.arange(len(largest))].T


def _attention(model: FoldModel, reading: Reading) -> np.ndarray:
    """Return shares of the attention by word, the same for each label, float64 [n_words, n_labels]."""
    weights_of_windows = model.attention(reading.tokens)
    shares = [
        by_word(reading, window, weights[:, np.newaxis]) for window, weights in enumerate(weights_of_windows)
    ]
    return np.repeat(np.mean(shares, axis=0), len(model.head["labels"]), axis=1)


METHODS = {"occlusion": _occlusion, "gradients": _gradients, "attention": _attention}


def methods_of(predictor: Predictor) -> list[str]:
    """Return the METHODS that can explain this run: ``attention`` only if its models pool by attention."""
    return [method for method in METHODS if method != "attention" or predictor.has_attention]


def check_method(predictor: Predictor, method: str) -> None:
    """Raise InputError if there is no such method, or if it cannot explain this run."""
    require(method in METHODS, "method", method, " or ".join(METHODS))
    if method not in methods_of(predictor):
        raise InputError(
            f"run {predictor.run.name!r} has no attention weights; give a run trained with --pooling attention"
        )
