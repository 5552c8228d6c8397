"""Explanations to look at: coloured text on a terminal, and a page."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from ..base.errors import InputError
from ..base.pages import write_page
from ..base.shown_text import visible
from .explanation import Explanation

# Of the 256-colour palette, from faint to strong: words that raised the score, and words that lowered it. Black text is
# read on all of them, whatever the colours of the terminal.
RAISING, LOWERING = (224, 217, 210, 203), (195, 159, 117, 75)
BLOCKS = " ▁▂▃▄▅▆▇█"
TOP = 5  # words that are named where there are no colours
METHOD_NOTES = {
    "occlusion": "What the log-odds lose when a word is masked: red words raised the score, blue ones lowered it.",
    "gradients": "Integrated gradients of the log-odds: red words raised the score, blue ones lowered it.",
    "attention": "Shares of the attention, the same for all labels.",
}


def shown_labels(explanation: Explanation, thresholds: np.ndarray | None) -> list[int]:
    """The labels that are explained: those given, or the likeliest; of attention one, as it is the same for all."""
    (assigned,) = explanation.target.decide(explanation.probabilities[np.newaxis], thresholds)
    given = np.flatnonzero(assigned)
    shown = given.tolist() or [int(explanation.probabilities.argmax())]
    return shown[:1] if explanation.method == "attention" else shown


def terminal_view(explanation: Explanation, thresholds: np.ndarray | None, *, coloured: bool) -> str:
    """All probabilities, and the coloured text for each label shown; without colours the words that count most."""
    scores = zip(explanation.labels, explanation.probabilities, strict=True)
    lines = ["  ".join(f"{label} {probability:.3f}" for label, probability in scores)]
    for label in shown_labels(explanation, thresholds):
        words = _coloured(explanation, label) if coloured else _named(explanation, label)
        lines.append(
            f"{'' if explanation.method == 'attention' else f'{explanation.labels[label]}: '}{words}"
        )
    if explanation.method == "attention":
        lines.append(f"over the text, in tenths: |{_bars(explanation.bins()[:, 0])}|")
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
    order = np.argsort(-np.abs(weights), kind="stable")[:TOP]
    return "  ".join(
        f"{weights[word]:+.2f} {visible(explanation.text[slice(*explanation.spans[word])])}" for word in order
    )


def _bars(values: np.ndarray) -> str:
    top = values.max() or 1.0
    return "".join(BLOCKS[round(value / top * (len(BLOCKS) - 1))] for value in values)


def parts(explanation: Explanation, label: int) -> Iterator[tuple[str, float]]:
    """The whole text in pieces, words and what is between them, each with its weight from -1 to 1 (between: 0).

    1 is the largest weight, but at least one unit of log-odds, so that a text in which nothing counts stays pale.
    """
    weights = explanation.weights[:, label]
    top = np.abs(weights).max(initial=1.0 if explanation.method != "attention" else 1e-9)
    for piece, own in explanation.pieces():
        yield piece, 0.0 if own is None else float(own[label]) / top


def write_explanations(
    path: Path, explanations: Iterable[Explanation], thresholds: np.ndarray | None
) -> None:
    """Write a page of them: the probabilities of each text, and for each label its words in colour; given ones open.

    Raises InputError for a path that is no .html.
    """
    if path.suffix != ".html":
        raise InputError(f"{path}: explanations become a page; name it .html")
    write_page(
        path,
        "explanation.html",
        explanations=explanations,
        thresholds=thresholds,
        notes=METHOD_NOTES,
        parts=parts,
        visible=visible,
        shown_labels=shown_labels,
    )
