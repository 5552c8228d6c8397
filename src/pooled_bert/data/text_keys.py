"""What near-identical texts have in common: the text without case, white space and punctuation."""

import re

_NOT_WORD = re.compile(r"[\W_]+")

_ASCII_NOT_WORD = bytes(code for code in range(128) if not chr(code).isalnum())


def text_key(text: str) -> str:
    """Return the text without case, white space and punctuation; near-identical texts have the same key.

    Marks that are characters of their own, such as vowel signs of Hindi, count as punctuation.
    A text of punctuation alone keeps its punctuation; otherwise all such texts would have the same key.
    """
    if text.isascii():  # most texts are, and this branch is eight times as fast as the pattern
        return text.lower().encode().translate(None, _ASCII_NOT_WORD).decode() or text.strip()
    return _NOT_WORD.sub("", text.casefold()) or text.strip()
