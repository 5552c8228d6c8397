"""Explanations to look at: coloured text on a terminal, and a page."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from .explanation import Explanation
from .files import atomic_path
from .shown_text import visible

# Of the 256-colour palette, from faint to strong: words that raised the score, and words that lowered it. Black text is
# read on all of them, whatever the colours of the terminal.
RAISING, LOWERING = (224, 217, 210, 203), (195, 159, 117, 75)
BLOCKS = " ▁▂▃▄▅▆▇█"
TOP = 5  # words that are named where there are no colours
METHOD_NOTES = {
    "occlusion": "what the log-odds lose when the word is masked",
    "gradients": "integrated gradients of the log-odds, from a text of masks",
    "attention": "share of the attention, the same for all labels",
}


def shown_labels(explanation: Explanation, thresholds: np.ndarray) -> list[int]:
    """The labels that are explained: those given, or the likeliest."""
    given = np.flatnonzero(explanation.probabilities > thresholds)
    return given.tolist() or [int(explanation.probabilities.argmax())]


def terminal_view(explanation: Explanation, thresholds: np.ndarray, *, coloured: bool) -> str:
    """For each label shown its probability and the coloured text; without colours the words that count most."""
    lines = []
    for label in shown_labels(explanation, thresholds):
        name, probability = explanation.labels[label], explanation.probabilities[label]
        lines.append(f"{name} {probability:.3f} ({METHOD_NOTES[explanation.method]})")
        weights = explanation.weights[:, label]
        lines.append(_coloured(explanation, weights) if coloured else _named(explanation, weights))
    if explanation.method == "attention":
        lines.append(f"attention over the text, in tenths: |{_bars(explanation.bins()[:, 0])}|")
    return "\n".join(lines) + "\n"


def _coloured(explanation: Explanation, weights: np.ndarray) -> str:
    pieces = []
    for piece, strength in parts(explanation, weights):
        level = int(np.ceil(abs(strength) * len(RAISING))) if abs(strength) > 0.1 else 0
        colour = (RAISING if strength > 0 else LOWERING)[level - 1]
        shown = visible(piece)
        pieces.append(f"\x1b[48;5;{colour};30m{shown}\x1b[0m" if level else shown)
    return "".join(pieces)


def _named(explanation: Explanation, weights: np.ndarray) -> str:
    order = np.argsort(-np.abs(weights), kind="stable")[:TOP]
    words = [(weights[word], explanation.text[slice(*explanation.spans[word])]) for word in order]
    return "  ".join(f"{weight:+.2f} {visible(word)}" for weight, word in words)


def _bars(values: np.ndarray) -> str:
    top = values.max() or 1.0
    return "".join(BLOCKS[round(value / top * (len(BLOCKS) - 1))] for value in values)


def parts(explanation: Explanation, weights: np.ndarray) -> Iterator[tuple[str, float]]:
    """The whole text in pieces, words and what is between them, each with its weight from -1 to 1 (between: 0)."""
    top = np.abs(weights).max(initial=0) or 1.0
    end = 0
    for (start, stop), weight in zip(explanation.spans, weights.tolist(), strict=True):
        if start > end:
            yield explanation.text[end:start], 0.0
        yield explanation.text[start:stop], weight / top
        end = stop
    if end < len(explanation.text):
        yield explanation.text[end:], 0.0


def write_explanations(path: Path, explanations: Sequence[Explanation], thresholds: np.ndarray) -> None:
    """Write one page of all: a text, its probabilities, and for each label the words in colour; the given ones open."""
    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
    html = environment.get_template("explanation_page.html").render(
        explanations=explanations,
        thresholds=thresholds,
        notes=METHOD_NOTES,
        parts=parts,
        visible=visible,
        shown_labels=shown_labels,
    )
    with atomic_path(path) as temporary:
        temporary.write_text(html, encoding="utf-8")
