"""Pairs of texts, e.g. a question and an answer, each kept as one string: both texts around a separator."""

from collections.abc import Iterable, Sequence

from .errors import InputError

SEPARATOR = "\x1e"  # ASCII's record separator: no keyboard has it, and the texts of a pair must not

# why an option is refused
NO_WINDOWS = (
    "pairs are not read in windows: a window of one text would lack the part of the other that belongs to it"
)


def joined(texts: Sequence[str], place: str = "") -> str:
    """Return the two texts of a pair as one string; raises InputError, after ``place``, if one holds the separator."""
    for text in texts:
        if SEPARATOR in text:
            raise InputError(
                f"{place}the text {text!r:.60} holds the character U+001E, which separates the two texts of a pair;"
                " remove it"
            )
    return SEPARATOR.join(texts)


def separated(pair: str) -> tuple[str, str]:
    """Return the two texts of a pair."""
    first, second = pair.split(SEPARATOR)
    return first, second


def each_text(pairs: Iterable[str]) -> list[str]:
    """Return the texts of all pairs, one after the other."""
    return [text for pair in pairs for text in separated(pair)]


def shares(first: int, second: int, room: int) -> tuple[int, int]:
    """Return how much is kept of two things of some lengths that share a ``room``: the longer one is cut first.

    If both are cut, each has half of the room. The odd place goes to the longer one, or to the second of equals, as in
    the tokenizers library ("longest_first").
    """
    if first + second <= room:
        return first, second
    shorter = min(first, second, room // 2)
    return (shorter, room - shorter) if first <= second else (room - shorter, shorter)
