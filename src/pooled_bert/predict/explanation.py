"""Which words of a text carried its scores: by leaving each out, by gradients, or by attention."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from ..base.errors import InputError
from ..benchmarks.targets import Target
from ..inputs.tokens import cut
from ..models.classifier import Classifier
from ..models.inference import attention_weights, predict
from ..models.outputs import log_odds
from .predictor import Predictor, checked_texts

STEPS = 16  # of the integral in integrated gradients
BINS = 10  # of a text, over which attention is added up, as the article plots it


@dataclass(frozen=True)
class Explanation:
    """A text, its probabilities, and what each word had to do with them.

    spans : where each word is in the text, [start, end).  weights : float64 [n_words, n_labels]. By occlusion and
    gradients they are log-odds, above 0 for words that raised a score; by attention, shares of all attention, the
    same for all labels.
    """

    text: str
    method: str
    target: Target
    labels: tuple[str, ...]
    probabilities: np.ndarray
    spans: Sequence[tuple[int, int]]
    weights: np.ndarray

    def pieces(self) -> Iterator[tuple[str, np.ndarray | None]]:
        """The whole text: words, each with its weights [n_labels], and what is between them, with None."""
        end = 0
        for (start, stop), weights in zip(self.spans, self.weights, strict=True):
            if start > end:
                yield self.text[end:start], None
            yield self.text[start:stop], weights
            end = stop
        if end < len(self.text):
            yield self.text[end:], None

    def bins(self) -> np.ndarray:
        """The weights added up over tenths of the text's words, float64 [BINS, n_labels]."""
        place = np.arange(len(self.spans)) * BINS // max(len(self.spans), 1)
        found = np.zeros((BINS, len(self.labels)))
        np.add.at(found, place, self.weights)
        return found


@dataclass(frozen=True)
class _Reading:
    """How a classifier reads a text: its words, and its windows as positions of word pieces.

    ids, word_of : int [n_pieces].  windows : positions of the pieces in each.
    """

    classifier: Classifier
    ids: np.ndarray
    word_of: np.ndarray
    spans: Sequence[tuple[int, int]]
    windows: Sequence[np.ndarray]

    def log_odds(self, pieces: Sequence[np.ndarray]) -> np.ndarray:
        """Float64 [len(pieces), n_labels]."""
        tokens = self.classifier.reader.between_marks(pieces)
        probabilities = predict(self.classifier.model, tokens).astype(np.float64)
        return self.classifier.target.to_scale(probabilities, "logit")

    @property
    def largest_counts(self) -> bool:
        """Whether a text has the score of its highest window, and not their mean."""
        return self.classifier.reader.windows == "max"

    def pool(self, windows: np.ndarray) -> np.ndarray:
        """Log-odds of windows [..., n_windows, n_labels] -> of the text [..., n_labels], as ``Target.pool`` does."""
        return windows.max(axis=-2) if self.largest_counts else windows.mean(axis=-2)

    def by_word(self, values: np.ndarray) -> np.ndarray:
        """Values of pieces [n_pieces, n_labels], added up by word [n_words, n_labels]."""
        found = np.zeros((len(self.spans), values.shape[1]))
        np.add.at(found, self.word_of, values)
        return found


def explain(predictor: Predictor, text: str, method: str = "occlusion") -> Explanation:
    """Explain the probabilities of a text, as the mean over the folds; ``method`` is one of METHODS.

    - occlusion (Zeiler & Fergus 2014; Li et al. 2016): what the log-odds lose when the word is a [MASK].
    - gradients: integrated gradients (Sundararajan et al. 2017), on the way from a text of [MASK]s to the text;
      they add up to the difference of the two in log-odds.
    - attention: the weights of ``--pooling attention``. What rests on [CLS] and [SEP] is missing from their sum.

    A word is what the tokenizer keeps together before it makes pieces. Raises InputError (see ``check_method``).
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
    reader = classifier.reader
    encoding = reader.tokenizer.backend_tokenizer.encode(text, add_special_tokens=False)
    words = sorted({word for word in encoding.word_ids if word is not None})
    place = {word: index for index, word in enumerate(words)}
    word_of = np.array([place[word] for word in encoding.word_ids], int)
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
    """The log-odds of the text less those without each word, float64 [n_words, n_labels]."""
    mask = reading.classifier.reader.mask_id
    base = [reading.ids[window] for window in reading.windows]
    changed, places = [], []
    for index, window in enumerate(reading.windows):
        words = reading.word_of[window]
        for word in np.unique(words):
            changed.append(np.where(words == word, mask, reading.ids[window]))
            places.append((word, index))
    values = reading.log_odds([*base, *changed])
    n_windows, n_words = len(base), len(reading.spans)
    without = np.repeat(values[np.newaxis, :n_windows], n_words, axis=0)
    for place, value in zip(places, values[n_windows:], strict=True):
        without[place] = value
    return reading.pool(values[:n_windows]) - reading.pool(without)


def _gradients(reading: _Reading) -> np.ndarray:
    """Integrated gradients by word, float64 [n_words, n_labels]."""
    windows = [_window_gradients(reading, window) for window in reading.windows]
    found = np.zeros((len(windows), len(reading.ids), windows[0].shape[1]))
    for index, window in enumerate(reading.windows):
        found[index, window] = windows[index]
    if not reading.largest_counts:
        return reading.by_word(found.mean(axis=0))
    largest = reading.log_odds([reading.ids[window] for window in reading.windows]).argmax(axis=0)
    return reading.by_word(found[largest, :, np.arange(len(largest))].T)


def _window_gradients(reading: _Reading, window: np.ndarray) -> np.ndarray:
    """Of the pieces of one window, float64 [n_pieces, n_labels]."""
    model, mask = reading.classifier.model, reading.classifier.reader.mask_id
    ids = reading.ids[window]
    pair = reading.classifier.reader.between_marks([ids, np.full_like(ids, mask)])
    embedded = model.embed(pair.padded(np.arange(2)))
    real, masked = (tf.cast(part, tf.float32) for part in embedded["inputs_embeds"])
    ways = (tf.range(STEPS, dtype=tf.float32) + 0.5) / STEPS  # the middle of each step
    words = masked + ways[:, tf.newaxis, tf.newaxis] * (real - masked)
    others = {name: tf.repeat(value[:1], STEPS, axis=0) for name, value in embedded.items()}
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(words)
        logits = model.classify({**others, "inputs_embeds": words}, training=False)
        columns = tf.unstack(log_odds(logits, model.target), axis=1)
    found = [tf.reduce_mean(tape.gradient(column, words), axis=0) for column in columns]
    shares = tf.stack([tf.reduce_sum(slope * (real - masked), axis=1) for slope in found], axis=1)
    return shares.numpy()[1:-1].astype(np.float64)


def _attention(reading: _Reading) -> np.ndarray:
    """Shares of the attention by word, the same for each label, float64 [n_words, n_labels]."""
    weights = attention_weights(
        reading.classifier.model,
        reading.classifier.reader.between_marks([reading.ids[window] for window in reading.windows]),
    )
    found = np.zeros(len(reading.ids))
    for window, own in zip(reading.windows, weights, strict=True):
        found[window] += own[1:-1] / len(weights)
    n_labels = len(reading.classifier.head["labels"])
    return np.repeat(reading.by_word(found[:, np.newaxis]), n_labels, axis=1)


METHODS = {"occlusion": _occlusion, "gradients": _gradients, "attention": _attention}


def methods_of(predictor: Predictor) -> list[str]:
    """Those of METHODS that can explain this run: attention where its models have it."""
    attends = all(classifier.head["pooling"] == "attention" for classifier in predictor.classifiers)
    return [method for method in METHODS if method != "attention" or attends]


def check_method(predictor: Predictor, method: str) -> None:
    """Raise InputError where ``method`` cannot explain this run."""
    if method not in methods_of(predictor):
        raise InputError(
            f"run {predictor.run.name!r} has no attention to look at; train with --pooling attention"
        )
