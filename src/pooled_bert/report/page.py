"""The sections of a report -> one HTML page that works offline, and a PNG of each figure."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ..base.pages import write_page
from ..base.shown_text import WordMask, shortened, visible
from ..data.rows import labels_of
from .sections import Section

PAGE = "report.html"
SHOWN = 500  # characters of a text that are shown
MASKED_NOTE = (
    "Scores are out of fold. Words that occur mostly in texts with a label are masked (--raw shows them)."
    " The texts are from the data set: do not pass this page on."
)
RAW_NOTE = "Scores are out of fold. The {noun}s are from the data set, unmasked: do not pass this page on."


def write_report(
    folder: Path,
    title: str,
    sections: Sequence[Section],
    train: pd.DataFrame,
    *,
    noun: str,
    masked: bool,
) -> Path:
    """Write ``folder/report.html`` and the figures as PNG; returns the page's path.

    noun : what a row is, in words.  masked : see WordMask.
    """
    write_page(
        folder / PAGE,
        "report.html",
        title=title,
        sections=sections,
        mistakes_note=MASKED_NOTE if masked else RAW_NOTE.format(noun=noun),
        noun=noun,
        show_text=_text_shower(sections, train, masked),
    )
    for section in sections:
        for figure in section.figures:
            figure.write_png(folder)
    return folder / PAGE


def _text_shower(sections: Sequence[Section], train: pd.DataFrame, masked: bool) -> Callable[[int], str]:
    """Return the function: index of a row of the training table -> its text, shortened and masked for display."""
    if "text" not in train:
        return train["id"].tolist().__getitem__
    texts, mask = train["text"].tolist(), str
    if masked:
        pairs = [pair for section in sections for pair in section.mistakes.values()]
        shown = [mistake.row for pair in pairs for mistakes in pair for mistake in mistakes]
        is_labelled = (labels_of(train) == 1).any(axis=1).to_numpy(np.bool_)
        mask = WordMask(texts, is_labelled, shown)
    return lambda row: visible(shortened(mask(texts[row]), SHOWN))
