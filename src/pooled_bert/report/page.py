"""The verdict and the sections of a report -> one HTML page that works offline, and a PNG of each figure."""

from collections.abc import Sequence
from pathlib import Path

from ..base.pages import write_page
from .comparison import Head
from .sections import Section

PAGE = "report.html"
MASKED_NOTE = (
    "Words that occur mostly in texts with a label are masked (--raw shows them). The texts are from the data set: do"
    " not pass this page on."
)
RAW_NOTE = "The {noun}s are from the data set, unmasked: do not pass this page on."
EXPLAINED_NOTE = (
    " Open one to see which words carried its score: red raised it, blue lowered it. A word's number is the fall of the"
    " label's log-odds when the word is masked."
)


def write_report(
    folder: Path,
    title: str,
    head: Head,
    sections: Sequence[Section],
    *,
    noun: str,
    masked: bool,
    explained: bool,
) -> Path:
    """Write ``folder/report.html`` and the figures as PNG; returns the page's path.

    noun : what a row is, in words.  masked : whether words are masked.  explained : whether any mistake is.
    """
    note = MASKED_NOTE if masked else RAW_NOTE.format(noun=noun)
    write_page(
        folder / PAGE,
        "report.html",
        title=title,
        head=head,
        sections=sections,
        titles={section.name: section.title for section in sections},
        mistakes_note=note + EXPLAINED_NOTE * explained,
        noun=noun,
    )
    figures = [figure for section in sections for figure in section.figures]
    for figure in [*([head.figure] if head.figure else []), *figures]:
        figure.write_png(folder)
    return folder / PAGE
