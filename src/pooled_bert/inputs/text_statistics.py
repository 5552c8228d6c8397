"""How a text is written, as a few numbers: its length, its capitals, its marks, its repetitions."""

import re
from collections.abc import Sequence

import numpy as np

CAPITAL, CAPITAL_WORD = re.compile(r"[A-Z]"), re.compile(r"\b[A-Z]{2,}\b")
DIGIT, MARK = re.compile(r"[0-9]"), re.compile(r"[^A-Za-z0-9\s]")
REPEATED = re.compile(r"(.)\1{3,}")  # the same character four times and more
ADDRESSED = re.compile(r"\byou", re.IGNORECASE)

STATISTICS = (
    "log_characters",
    "log_words",
    "log_longest_word",
    "log_lines",
    "log_exclamation_marks",
    "log_question_marks",
    "log_repeated_characters",
    "characters_per_word",
    "share_of_capitals",
    "share_of_digits",
    "share_of_marks",
    "share_of_words_in_capitals",
    "share_of_distinct_words",
    "share_of_you",
)


def text_statistics(texts: Sequence[str]) -> np.ndarray:
    """Return the STATISTICS of each text, float64 [n_texts, n_statistics]; counts are log(1 + count)."""
    return np.array([_statistics(text) for text in texts]).reshape(len(texts), len(STATISTICS))


def _statistics(text: str) -> list[float]:
    words = text.split()
    n_characters, n_words = max(len(text), 1), max(len(words), 1)

    def count(pattern: re.Pattern) -> int:
        return sum(1 for _ in pattern.finditer(text))

    counts = (
        len(text),
        len(words),
        max(map(len, words), default=0),
        text.count("\n"),
        text.count("!"),
        text.count("?"),
        count(REPEATED),
    )
    return [
        *np.log1p(counts),
        len(text) / n_words,
        count(CAPITAL) / n_characters,
        count(DIGIT) / n_characters,
        count(MARK) / n_characters,
        count(CAPITAL_WORD) / n_words,
        len({word.lower() for word in words}) / n_words,
        count(ADDRESSED) / n_words,
    ]
