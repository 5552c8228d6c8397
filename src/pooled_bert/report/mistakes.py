"""The worst mistakes of a run as a report shows them: texts, scores, and which words carried the score."""

import dataclasses
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ..base.errors import InputError
from ..base.numbers import number
from ..base.places import model_folder
from ..base.progress import progress_bar
from ..base.shown_text import WordMask, shortened, visible
from ..benchmarks.benchmark import Benchmark
from ..data.rows import labels_of
from ..predict.explanation import Explanation
from ..predict.explanation_view import strongest, words
from ..predict.predictor import load_predictor
from ..results.fold_scores import FoldScores
from ..results.mistakes import Mistake
from ..runs.finished_runs import Run

SHOWN = 500  # characters of a text that are shown while it is folded
Found = dict[str, tuple[list[Mistake], list[Mistake]]]


@dataclass(frozen=True)
class ShownMistake:
    """A mistake: its score, the labels it has, its text, and what is seen when it is opened.

    scores : by run, the labels and their probabilities.  words : of ``explanation_view``, the whole text in pieces;
    without weights if the run cannot be explained.  strongest : the words that count most, and their weights.
    """

    score: str
    has: str
    text: str
    scores: Mapping[str, Sequence[tuple[str, str]]]
    words: Sequence[tuple[str, float, str]]
    strongest: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class LabelMistakes:
    """A label's rows that have a high score without the label, and those that have a low score with it."""

    label: str
    falsely: Sequence[ShownMistake]
    missed: Sequence[ShownMistake]


class Texts:
    """Shows texts of the training table: masked if this is wanted, without characters that act."""

    def __init__(self, train: pd.DataFrame, rows: Sequence[int], benchmark: Benchmark, *, masked: bool):
        self.are_texts = "text" in train
        self.texts = (train["text"] if self.are_texts else train["id"]).tolist()
        self.mask: Callable[[str], str] = str
        if masked and self.are_texts:
            is_labelled = (labels_of(train) == 1).any(axis=1).to_numpy(np.bool_)
            kept = [word for words in benchmark.identity_terms.values() for word in words]
            self.mask = WordMask(self.texts, is_labelled, rows, kept)

    def short(self, row: int) -> str:
        """Return the text of a row of the table, cut to SHOWN characters."""
        return visible(shortened(self.mask(self.texts[row]), SHOWN))

    def whole(self, row: int) -> str:
        """Return the whole text of a row."""
        return visible(self.mask(self.texts[row]))


def rows_of(found: Found) -> list[int]:
    """Return the rows of all mistakes, each once."""
    return sorted({mistake.row for pair in found.values() for kind in pair for mistake in kind})


def explanations(
    run: Run, folder: Path, folds: Sequence[FoldScores], texts: Texts, rows: Sequence[int]
) -> dict:
    """Explain rows of the training table, each by the model of its fold, which never saw it: row -> Explanation.

    A text is read as when its score was predicted. Nothing is returned for a run whose models are missing or damaged.
    """
    if not all(model_folder(folder, fold.fold).is_dir() for fold in run.folds):
        return {}
    windows = run.identity["settings"].get("windows") or "none"
    wanted = set(rows)
    found = {}
    with progress_bar(
        total=len(wanted), desc=f"explaining mistakes of {run.name}", unit=" texts", leave=False
    ) as bar:
        for fold in folds:
            own = sorted(wanted & set(fold.rows.tolist()))
            if not own:
                continue
            try:
                predictor = load_predictor(folder, [fold.fold], windows=windows)
            except InputError as error:
                print(f"note: mistakes of {run.name} are not explained: {error}", file=sys.stderr)
                return {}
            for row in own:
                found[row] = predictor.explain(texts.texts[row])
                bar.update()
    return found


def shown_mistakes(
    found: Found,
    labels: Sequence[str],
    texts: Texts,
    explained: Mapping[int, Explanation],
    probabilities: Mapping[str, Mapping[int, np.ndarray]],
) -> list[LabelMistakes]:
    """Prepare mistakes for the page; ``probabilities``: by run, then by row, [n_labels]."""

    def show(mistake: Mistake, column: int) -> ShownMistake:
        whole = [(texts.whole(mistake.row), 0.0, "")] if texts.are_texts else []
        heaviest: list[tuple[str, str]] = []
        if mistake.row in explained:
            explanation = explained[mistake.row]
            # a mask keeps the length of a text, so the spans of words stay right
            masked = dataclasses.replace(explanation, text=texts.mask(explanation.text))
            whole, heaviest = list(words(masked, column)), strongest(masked, column)
        scores = {
            run: [
                (label, number(float(value), 3))
                for label, value in zip(labels, rows[mistake.row], strict=True)
            ]
            for run, rows in probabilities.items()
            if mistake.row in rows
        }
        return ShownMistake(
            number(mistake.score, 3),
            ", ".join(mistake.has) or "no label",
            texts.short(mistake.row),
            scores,
            whole,
            heaviest,
        )

    return [
        LabelMistakes(label, *([show(one, labels.index(label)) for one in kind] for kind in pair))
        for label, pair in found.items()
    ]
