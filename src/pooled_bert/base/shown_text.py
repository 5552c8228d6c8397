"""Texts prepared for display: control characters are spelt out, offensive words are masked."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from .pairs import SEPARATOR, shares

WORD = re.compile(r"\w+")
COUNTED = 20_000  # the maximum number of rows whose words are counted
JOINER = "\u200d"  # joins the parts of an emoji
BETWEEN = " ‖ "  # what is shown between the two texts of a pair


def visible(text: str, *, kept: str = "\n\t") -> str:
    """Return ``text`` with control characters, and marks that reorder or hide letters, spelt out as ⟨001B⟩.

    Characters in ``kept`` stay. The texts of a pair have BETWEEN between them. The result is safe to print on a
    terminal; an HTML page must still escape it.
    """
    text = text.replace(SEPARATOR, BETWEEN)
    return "".join(f"⟨{ord(c):04X}⟩" if c not in kept and _is_control(c) else c for c in text)


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") and character != JOINER


def for_spreadsheet(text: str) -> str:
    """Return ``text`` as a cell that a spreadsheet shows and does not calculate: with an apostrophe before = + - @."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def shortened(text: str, n: int) -> str:
    """Return ``text`` cut to at most ``n`` characters; a cut text ends with "…". Of a pair, the longer is cut first."""
    texts = text.split(SEPARATOR)
    if len(texts) != 2:
        return _cut(text, n)
    kept = shares(len(texts[0]), len(texts[1]), n - 1)
    return SEPARATOR.join(map(_cut, texts, kept))


def _cut(text: str, n: int) -> str:
    return text if len(text) <= n else text[: n - 1] + "…"


class WordMask:
    """Masks the words that are typical of labelled texts, in the texts ``shown``.

    A word is masked if at least half of the texts with this word have any label. The words are counted in up to
    COUNTED training rows and in the shown texts. So no word list is needed, in any language; a harmless word that
    occurs only in labelled texts is masked too. Words of one letter are never masked, nor are those of ``kept``: names
    of groups of people are no offences, though they often occur in labelled texts. A masked text keeps its length.
    """

    def __init__(
        self, texts: Sequence[str], is_labelled: np.ndarray, shown: Sequence[int], kept: Iterable[str] = ()
    ):
        row_step = max(1, len(texts) // COUNTED)
        shown_words = {word for row in shown for word in _words(texts[row])}
        labelled_counts, all_counts = Counter(), Counter()
        for row in {*range(0, len(texts), row_step), *shown}:
            words = _words(texts[row]) & shown_words
            all_counts.update(words)
            if is_labelled[row]:
                labelled_counts.update(words)
        typical = {word for word in shown_words if 2 * labelled_counts[word] >= all_counts[word]}
        self.masked = typical - {word.casefold() for word in kept}

    def __call__(self, text: str) -> str:
        """Return the text, with each masked word as its first letter and dots."""
        return WORD.sub(self._masked, text)

    def _masked(self, match: re.Match) -> str:
        word = match[0]
        return word[0] + "•" * (len(word) - 1) if word.casefold() in self.masked else word


def _words(text: str) -> set[str]:
    return {word.casefold() for word in WORD.findall(text) if len(word) > 1}
