"""Explanations as coloured text on a terminal, and as an HTML page."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from ..base.errors import InputError
from ..base.numbers import number, percent
from ..base.pages import write_page
from ..base.shown_text import shortened, visible
from .explanation import Explanation

# Background colours from the 256-colour palette, from faint to strong, for words that raised or lowered the score.
# Black text is readable on all of them, whatever the colours of the terminal.
RAISING, LOWERING = (224, 217, 210, 203), (195, 159, 117, 75)
BLOCKS = " ▁▂▃▄▅▆▇█"
TOP = 5  # words that are listed with their numbers
HEADING = 90  # characters of a text that are its heading
PALE = 0.03  # of the strongest word; a weaker one has no colour
METHOD_TITLES = {
    "occlusion": "masking each word",
    "gradients": "integrated gradients",
    "attention": "attention",
}
METHOD_NOTES = {
    "occlusion": "A word's number is the fall of the label's log-odds when the word is masked.",
    "gradients": "A word's number is its share of the label's log-odds, by integrated gradients.",
    "attention": "Each word's share of the attention, the same for all labels.",
}


def shown_labels(explanation: Explanation, thresholds: np.ndarray | None) -> list[int]:
    """Return the labels to explain: those assigned, or else the likeliest.

    For attention, only one label is returned, because the weights are the same for all labels.
    """
    (is_assigned,) = explanation.target.decide(explanation.probabilities[np.newaxis], thresholds)
    shown = np.flatnonzero(is_assigned).tolist() or [int(explanation.probabilities.argmax())]
    return shown[:1] if explanation.method == "attention" else shown


def terminal_view(explanation: Explanation, thresholds: np.ndarray | None, *, coloured: bool) -> str:
    """Return all probabilities, and the coloured text for each label; without colours, the most important words."""
    scores = zip(explanation.labels, explanation.probabilities, strict=True)
    lines = ["  ".join(f"{label} {probability:.3f}" for label, probability in scores)]
    for label in shown_labels(explanation, thresholds):
        words = _coloured(explanation, label) if coloured else _named(explanation, label)
        lines.append(
            f"{'' if explanation.method == 'attention' else f'{explanation.labels[label]}: '}{words}"
        )
    if explanation.method == "attention":
        lines.append(f"over the text, in tenths: |{bars(explanation.bins()[:, 0])}|")
    return "\n".join(lines) + "\n"


def _coloured(explanation: Explanation, label: int) -> str:
    pieces = []
    for piece, strength in parts(explanation, label):
        level = int(np.ceil(abs(strength) * len(RAISING))) if abs(strength) > 0.1 else 0
        colour = (RAISING if strength > 0 else LOWERING)[level - 1]
        shown = visible(piece)
        pieces.append(f"\x1b[48;5;{colour};38;5;16m{shown}\x1b[0m" if level else shown)
    return "".join(pieces)


def _named(explanation: Explanation, label: int) -> str:
    weights = explanation.weights[:, label]
    return "  ".join(
        f"{weights[word]:+.2f} {visible(explanation.text[slice(*explanation.spans[word])])}"
        for word in _order(explanation, label)
    )


def bars(values: np.ndarray) -> str:
    """Draw values of 0 or more as bars, one character each."""
    top = values.max() or 1.0
    return "".join(BLOCKS[round(value / top * (len(BLOCKS) - 1))] for value in values)


def parts(explanation: Explanation, label: int) -> Iterator[tuple[str, float]]:
    """Yield the whole text in pieces: each word with its weight from -1 to 1, and the text between words with 0.

    1 stands for the largest weight, but at least for one unit of log-odds, so that a text without important words stays
    pale.
    """
    weights = explanation.weights[:, label]
    top = np.abs(weights).max(initial=1.0 if explanation.method != "attention" else 1e-9)
    for piece, word_weights in explanation.pieces():
        yield piece, 0.0 if word_weights is None else float(word_weights[label]) / top


def assigned(explanation: Explanation, thresholds: np.ndarray | None) -> list[str]:
    """Return the labels that are assigned."""
    (names,) = explanation.target.names(explanation.labels, explanation.probabilities[np.newaxis], thresholds)
    return names


def words(explanation: Explanation, label: int) -> Iterator[tuple[str, float, str]]:
    """Yield the whole text in pieces, as they are shown: with the strength of ``parts``, and the weight as text.

    Weak words and the text between words have strength 0 and no weight.
    """
    for (piece, strength), (_, weights) in zip(parts(explanation, label), explanation.pieces(), strict=True):
        if weights is None or abs(strength) < PALE:
            yield visible(piece), 0.0, ""
        else:
            yield visible(piece), strength, _weight(explanation, float(weights[label]))


def strongest(explanation: Explanation, label: int) -> list[tuple[str, str]]:
    """Return the TOP words with the largest weights, and their weights as text."""
    return [
        (
            visible(explanation.text[slice(*explanation.spans[word])]),
            _weight(explanation, float(explanation.weights[word, label])),
        )
        for word in _order(explanation, label)
    ]


def _order(explanation: Explanation, label: int) -> np.ndarray:
    """Return the indices of the TOP words, the one with the largest weight first."""
    return np.argsort(-np.abs(explanation.weights[:, label]), kind="stable")[:TOP]


def _weight(explanation: Explanation, weight: float) -> str:
    return percent(weight) if explanation.method == "attention" else number(weight, 2, sign=True)


def write_explanations(
    path: Path, explanations: Iterable[Explanation], thresholds: np.ndarray | None, *, run: str
) -> None:
    """Write an HTML page: the probabilities of each text, and its words with their numbers for each label.

    run : what predicted, for people to read.

    The labels of ``shown_labels`` are open, the others are folded. Raises InputError if the path does not end in .html.
    """
    if path.suffix != ".html":
        raise InputError(f"{path}: explanations are written as an HTML page; give a name that ends in .html")
    write_page(
        path,
        "explanation.html",
        explanations=list(explanations),
        thresholds=thresholds,
        run=run,
        notes=METHOD_NOTES,
        words=words,
        strongest=strongest,
        assigned=assigned,
        heading=lambda text: visible(shortened(text, HEADING)),
        shown_labels=shown_labels,
    )
