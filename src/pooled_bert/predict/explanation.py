"""Which words of a text carried its scores: by masking each word, by gradients, or by attention."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from ..base.errors import InputError, require
from ..benchmarks.targets import Target
from ..inputs.tokens import cut
from ..models.classifier import Classifier
from ..models.inference import attention_weights, predict
from ..models.outputs import log_odds
from .predictor import Predictor, checked_texts

STEPS = 16  # of the sum that approximates the integral in integrated gradients
BINS = 10  # parts of a text over which attention is added up, as in the article's plots


@dataclass(frozen=True)
class Explanation:
    """A text, its probabilities, and each word's weight in them.

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


@dataclass(frozen=True)
class _Reading:
    """A text as a classifier reads it: words, and windows of word pieces.

    ids : token id of each word piece, int32 [n_pieces].  word_of : number of the word that each piece belongs to, int64
    [n_pieces].  spans : position of each word in the text.  windows : indices of the pieces in each window.
    """

    classifier: Classifier
    ids: np.ndarray
    word_of: np.ndarray
    spans: Sequence[tuple[int, int]]
    windows: Sequence[np.ndarray]

    def log_odds(self, pieces: Sequence[np.ndarray]) -> np.ndarray:
        """Return the log-odds of sequences of word pieces, float64 [len(pieces), n_labels]."""
        tokens = self.classifier.text_reader.between_marks(pieces)
        probabilities = predict(self.classifier.model, tokens).astype(np.float64)
        return self.classifier.target.to_scale(probabilities, "logit")

    @property
    def largest_counts(self) -> bool:
        """Whether a text has the score of its highest window, instead of the windows' mean."""
        return self.classifier.text_reader.windows == "max"

    def pool(self, windows: np.ndarray) -> np.ndarray:
        """Combine the windows' log-odds [..., n_windows, n_labels] into the text's, like ``Target.pool``."""
        return windows.max(axis=-2) if self.largest_counts else windows.mean(axis=-2)

    def by_word(self, values: np.ndarray) -> np.ndarray:
        """Add up values of pieces [n_pieces, n_labels] by word, [n_words, n_labels]."""
        sums = np.zeros((len(self.spans), values.shape[1]))
        np.add.at(sums, self.word_of, values)
        return sums


def explain(predictor: Predictor, text: str, method: str = "occlusion") -> Explanation:
    """Explain the probabilities of a text, as the mean over the folds; ``method`` is one of METHODS.

    - occlusion (Zeiler & Fergus 2014; Li et al. 2016): the fall of the log-odds when the word is replaced by [MASK].
    - gradients: integrated gradients (Sundararajan et al. 2017), on the path from a text of [MASK]s to the text. They
      add up to the difference in log-odds between these two texts.
    - attention: the weights of ``--pooling attention``. They add up to less than 1: the shares of [CLS] and [SEP] are
      left out.

    A word is what the tokenizer keeps together before it makes word pieces. Raises InputError (see ``check_method``,
    ``checked_texts``).
    """
    check_method(predictor, method)
    (text,) = checked_texts([text])
    readings = [_read(classifier, text) for classifier in predictor.classifiers]
    weights = np.mean([METHODS[method](reading) for reading in readings], axis=0)
    probabilities = predictor.predict_proba([text])[0]
    return Explanation(
        text, method, predictor.target, predictor.labels, probabilities, readings[0].spans, weights
    )


def _read(classifier: Classifier, text: str) -> _Reading:
    reader = classifier.text_reader
    encoding = reader.tokenizer.backend_tokenizer.encode(text, add_special_tokens=False)
    words = sorted({word for word in encoding.word_ids if word is not None})
    number_of = {word: number for number, word in enumerate(words)}
    word_of = np.array([number_of[word] for word in encoding.word_ids], int)
    spans = [[len(text), 0] for _ in words]
    for word, (start, end) in zip(word_of, encoding.offsets, strict=True):
        spans[word] = [min(spans[word][0], start), max(spans[word][1], end)]
    cutting = "windows" if reader.windows else reader.truncation
    windows = cut(list(range(len(encoding.ids))), reader.max_length - 2, cutting)
    return _Reading(
        classifier,
        np.array(encoding.ids, np.int32),
        word_of,
        [(start, end) for start, end in spans],
        [np.array(window, int) for window in windows],
    )


def _occlusion(reading: _Reading) -> np.ndarray:
    """Return the log-odds of the text minus those with each word masked, float64 [n_words, n_labels]."""
    mask = reading.classifier.text_reader.mask_id
    base = [reading.ids[window] for window in reading.windows]
    masked, word_and_window = [], []
    for index, window in enumerate(reading.windows):
        words = reading.word_of[window]
        for word in np.unique(words):
            masked.append(np.where(words == word, mask, reading.ids[window]))
            word_and_window.append((word, index))
    values = reading.log_odds([*base, *masked])
    n_windows, n_words = len(base), len(reading.spans)
    without_word = np.repeat(values[np.newaxis, :n_windows], n_words, axis=0)
    for indices, value in zip(word_and_window, values[n_windows:], strict=True):
        without_word[indices] = value
    return reading.pool(values[:n_windows]) - reading.pool(without_word)


def _gradients(reading: _Reading) -> np.ndarray:
    """Return integrated gradients by word, float64 [n_words, n_labels]."""
    windows = [_window_gradients(reading, window) for window in reading.windows]
    gradients = np.zeros((len(windows), len(reading.ids), windows[0].shape[1]))
    for index, window in enumerate(reading.windows):
        gradients[index, window] = windows[index]
    if not reading.largest_counts:
        return reading.by_word(gradients.mean(axis=0))
    largest = reading.log_odds([reading.ids[window] for window in reading.windows]).argmax(axis=0)
    return reading.by_word(gradients[largest, :, np.arange(len(largest))].T)


def _window_gradients(reading: _Reading, window: np.ndarray) -> np.ndarray:
    """Return integrated gradients for one window's word pieces, float64 [n_pieces, n_labels]."""
    model, mask = reading.classifier.model, reading.classifier.text_reader.mask_id
    ids = reading.ids[window]
    pair = reading.classifier.text_reader.between_marks([ids, np.full_like(ids, mask)])
    embedded = model.embed(pair.padded(np.arange(2)))
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
    return shares.numpy()[1:-1].astype(np.float64)


def _attention(reading: _Reading) -> np.ndarray:
    """Return shares of the attention by word, the same for each label, float64 [n_words, n_labels]."""
    weights_of_windows = attention_weights(
        reading.classifier.model,
        reading.classifier.text_reader.between_marks([reading.ids[window] for window in reading.windows]),
    )
    shares = np.zeros(len(reading.ids))
    for window, weights in zip(reading.windows, weights_of_windows, strict=True):
        shares[window] += weights[1:-1] / len(weights_of_windows)  # without [CLS] and [SEP]
    n_labels = len(reading.classifier.head["labels"])
    return np.repeat(reading.by_word(shares[:, np.newaxis]), n_labels, axis=1)


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
