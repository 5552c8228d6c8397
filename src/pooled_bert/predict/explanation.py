"""Which words of a text carried its scores: by masking each word, by gradients, or by attention."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from ..base.errors import InputError, require
from ..benchmarks.targets import Target
from ..inputs.tokens import Reading, Tokens
from ..models.classifier import Classifier
from ..models.inference import attention_weights, predict
from ..models.outputs import log_odds
from .predictor import Predictor

STEPS = 16  # of the sum that approximates the integral in integrated gradients
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
    readings = [classifier.text_reader.read(text) for classifier in predictor.classifiers]
    pairs = zip(predictor.classifiers, readings, strict=True)
    weights = np.mean([METHODS[method](classifier, reading) for classifier, reading in pairs], axis=0)
    probabilities = predictor.predict_proba([text])[0]
    return Explanation(
        text, method, predictor.target, predictor.labels, probabilities, readings[0].spans, weights
    )


def _log_odds(classifier: Classifier, tokens: Tokens) -> np.ndarray:
    """Return the log-odds of rows of tokens, float64 [n_rows, n_labels]."""
    probabilities = predict(classifier.model, tokens).astype(np.float64)
    return classifier.target.to_scale(probabilities, "logit")


def _by_word(reading: Reading, row: int, values: np.ndarray) -> np.ndarray:
    """Add up the values of a row's tokens [length, n] by word, float64 [n_words, n]; those of marks are left out."""
    words = reading.word_of[row]
    sums = np.zeros((len(reading.spans), values.shape[1]))
    np.add.at(sums, words[words >= 0], values[words >= 0])
    return sums


def _occlusion(classifier: Classifier, reading: Reading) -> np.ndarray:
    """Return the log-odds of the text minus those with each word masked, float64 [n_words, n_labels]."""
    mask, n_windows = classifier.text_reader.mask_id, len(reading.tokens)
    masked, word_and_window = [], []
    for window, words in enumerate(reading.word_of):
        ids = reading.row_ids(window)
        for word in np.unique(words[words >= 0]):
            masked.append(np.where(words == word, mask, ids))
            word_and_window.append((word, window))
    whole = range(n_windows)
    windows = [*whole, *(window for _, window in word_and_window)]
    values = _log_odds(classifier, reading.variants(windows, [*map(reading.row_ids, whole), *masked]))
    without_word = np.repeat(values[np.newaxis, :n_windows], len(reading.spans), axis=0)
    for indices, value in zip(word_and_window, values[n_windows:], strict=True):
        without_word[indices] = value
    # combines the windows' log-odds like Target.pool
    pool = np.max if classifier.text_reader.windows == "max" else np.mean
    return pool(values[:n_windows], axis=-2) - pool(without_word, axis=-2)


def _gradients(classifier: Classifier, reading: Reading) -> np.ndarray:
    """Return integrated gradients by word, float64 [n_words, n_labels]."""
    windows = range(len(reading.tokens))
    gradients = np.array(
        [_by_word(reading, window, _window_gradients(classifier, reading, window)) for window in windows]
    )
    if classifier.text_reader.windows != "max":
        return gradients.mean(axis=0)
    largest = _log_odds(classifier, reading.tokens).argmax(axis=0)
    return gradients[largest, :, np.arange(len(largest))].T


def _window_gradients(classifier: Classifier, reading: Reading, window: int) -> np.ndarray:
    """Return integrated gradients for the tokens of one window, float64 [length, n_labels]."""
    model, mask = classifier.model, classifier.text_reader.mask_id
    ids = reading.row_ids(window)
    masks = np.where(reading.word_of[window] >= 0, mask, ids)
    embedded = model.embed(reading.variants([window, window], [ids, masks]).padded(np.arange(2)))
    real, masked = (tf.cast(part, tf.float32) for part in embedded["inputs_embeds"])
    path = (tf.range(STEPS, dtype=tf.float32) + 0.5) / STEPS  # the middle of each step, from 0 to 1
    words = masked + path[:, tf.newaxis, tf.newaxis] * (real - masked)
    others = {name: tf.repeat(value[:1], STEPS, axis=0) for name, value in embedded.items()}
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(words)
        logits = model.classify({**others, "inputs_embeds": words}, training=False)
        columns = tf.unstack(log_odds(logits, model.target), axis=1)
    slopes = [tf.reduce_mean(tape.gradient(column, words), axis=0) for column in columns]
    shares = tf.stack([tf.reduce_sum(slope * (real - masked), axis=1) for slope in slopes], axis=1)
    return shares.numpy().astype(np.float64)


def _attention(classifier: Classifier, reading: Reading) -> np.ndarray:
    """Return shares of the attention by word, the same for each label, float64 [n_words, n_labels]."""
    weights_of_windows = attention_weights(classifier.model, reading.tokens)
    shares = [
        _by_word(reading, window, weights[:, np.newaxis]) for window, weights in enumerate(weights_of_windows)
    ]
    return np.repeat(np.mean(shares, axis=0), len(classifier.head["labels"]), axis=1)


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
