"""Rows that must share a fold, because their texts are nearly identical."""

import re

import pandas as pd

_NOT_WORD = re.compile(r"[\W_]+")

_ASCII_NOT_WORD = bytes(code for code in range(128) if not chr(code).isalnum())


def text_key(text: str) -> str:
    """What is left of a text when case, white space and punctuation are put aside.

    A text of nothing but punctuation keeps it, or all of those would count as one.
    """
    if text.isascii():  # most are, and this is eight times as fast as the pattern
        return text.lower().encode().translate(None, _ASCII_NOT_WORD).decode() or text.strip()
    return _NOT_WORD.sub("", text.casefold()) or text.strip()


def without_near_duplicates(table: pd.DataFrame, of: pd.DataFrame) -> pd.DataFrame:
    """``table`` without the rows whose text is nearly identical to one in ``of``."""
    return table[~table["text"].map(text_key).isin(set(of["text"].map(text_key)))]
