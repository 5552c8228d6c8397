"""Texts as they can be shown to people: nothing in them acts, and offensive words are masked."""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

import numpy as np

WORD = re.compile(r"\w+")
COUNTED = 20_000  # rows whose words are counted, at most
JOINER = "\u200d"  # holds emoji together


def visible(text: str, *, kept: str = "\n\t") -> str:
    """``text`` with what would act rather than show spelt out: controls, and marks that reorder or hide letters.

    Those in ``kept`` stay. A terminal may print the result; a page must still escape it.
    """
    return "".join(f"⟨{ord(c):04X}⟩" if c not in kept and _acts(c) else c for c in text)


def _acts(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") and character != JOINER


def shortened(text: str, n: int) -> str:
    """The first ``n`` characters, with a sign that there was more."""
    return text if len(text) <= n else text[: n - 1] + "…"


class WordMask:
    """Masks, in the texts it was made for, words that mark labelled texts.

    A word is masked when at least half of the texts that hold it are labelled with anything, as learnt from up to
    COUNTED training rows and the texts to be shown. So no list of such words is needed, in any language, and a word
    that is seen nowhere but in labelled texts is masked too. Words of one letter stay.
    """

    def __init__(self, texts: Sequence[str], is_labelled: np.ndarray, shown: Sequence[int]):
        every = max(1, len(texts) // COUNTED)
        wanted = {word for row in shown for word in _words(texts[row])}
        labelled, all_texts = Counter(), Counter()
        for row in {*range(0, len(texts), every), *shown}:
            found = _words(texts[row]) & wanted
            all_texts.update(found)
            if is_labelled[row]:
                labelled.update(found)
        self.masked = {word for word in wanted if 2 * labelled[word] >= all_texts[word]}

    def __call__(self, text: str) -> str:
        """The text with each masked word as its first letter and dots."""
        return WORD.sub(self._masked, text)

    def _masked(self, match: re.Match) -> str:
        word = match[0]
        return word[0] + "•" * (len(word) - 1) if word.casefold() in self.masked else word


def _words(text: str) -> set[str]:
    return {word.casefold() for word in WORD.findall(text) if len(word) > 1}
