"""Pairs of texts -> token ids and token types, with the marks that the tokenizer itself puts around two texts."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np

from ..base.pairs import each_text, separated, shares
from .cache import cached
from .saved_tokenizer import TextTokenizer
from .tokens import SIGNATURE, Reading, TextReader, Tokens, cut, token_ids, words_of


class PairTokens(Tokens):
    """Tokens of many pairs: id and type of each, int32 [n_tokens, 2]. Rows include the marks of the tokenizer."""

    def padded(self, rows: np.ndarray, multiple: int = 1) -> dict[str, np.ndarray]:
        """Return the three inputs of BERT for some rows, int32 [n_rows, width] each."""
        tokens, mask = self.filled(rows, multiple)
        return dict(zip(SIGNATURE, (tokens[..., 0], tokens[..., 1], mask.astype(np.int32)), strict=True))

    @property
    def ids(self) -> np.ndarray:
        """The token ids of all rows, end to end, int32 [n_tokens]."""
        return self.flat[:, 0]

    def with_ids(self, ids: np.ndarray) -> Self:
        """Return rows of the same lengths and token types with other token ids, int32 [n_tokens]."""
        return type(self)(np.stack([ids, self.flat[:, 1]], axis=1), self.offsets)


@dataclass(frozen=True)
class Marks:
    """The marks around the two texts of a pair: ids and token types, int32 [n_marks, 2] each.

    types : the token types of the two texts; RoBERTa has 0 for both.
    """

    before: np.ndarray
    between: np.ndarray
    after: np.ndarray
    types: tuple[int, int]

    def __len__(self) -> int:
        return len(self.before) + len(self.between) + len(self.after)

    def around(self, first: list[int], second: list[int]) -> np.ndarray:
        """Return the row of a pair from the token ids of its texts: ids and token types, int32 [length, 2]."""
        texts = [
            np.stack([np.array(ids, np.int32), np.full(len(ids), kind, np.int32)], axis=1)
            for ids, kind in zip((first, second), self.types, strict=True)
        ]
        return np.concatenate([self.before, texts[0], self.between, texts[1], self.after])


def find_marks(tokenizer: TextTokenizer) -> Marks:
    """Return the marks of a tokenizer, found in its own encoding of a pair; BERT's if it puts none around texts."""
    sample = tokenizer.backend_tokenizer.encode(tokenizer.sep_token, tokenizer.sep_token)
    tokens = np.stack([np.array(sample.ids, np.int32), np.array(sample.type_ids, np.int32)], axis=1)
    text_of = np.array([-1 if text is None else text for text in sample.sequence_ids])
    if (text_of >= 0).all():
        start, end = tokenizer.cls_token_id, tokenizer.sep_token_id
        marks = [np.array([mark], np.int32) for mark in ((start, 0), (end, 0), (end, 1))]
        return Marks(marks[0], marks[1], marks[2], (0, 1))
    first, second = (np.flatnonzero(text_of == number) for number in (0, 1))
    return Marks(
        before=tokens[: first[0]],
        between=tokens[first[-1] + 1 : second[0]],
        after=tokens[second[-1] + 1 :],
        types=(int(tokens[first[0], 1]), int(tokens[second[0], 1])),
    )


@dataclass(frozen=True)
class PairReader(TextReader):
    """Turns joined pairs (``base/pairs.py``) into tokens. Of a pair that is too long, the longer text is cut first.

    ``windows`` must be None: a window would hold one text without what it belongs to in the other.
    """

    @cached_property
    def marks(self) -> Marks:
        """The marks around two texts."""
        return find_marks(self.tokenizer)

    @property
    def key(self) -> tuple:
        """Everything that decides the tokens."""
        return ("pairs", *super().key)

    def encode(self, items: list[str], *, cache: Path | None) -> PairTokens:
        """Return the tokens of joined pairs."""
        tokenizer = self.tokenizer.backend_tokenizer.to_str()
        key = ["pairs", tokenizer, str(self.max_length), self.truncation, *items]
        return PairTokens(*cached(cache, key, ("flat", "offsets"), lambda: self._encode(items)))

    def settings(self) -> dict:
        """Return the settings beside the tokenizer."""
        return {**super().settings(), "pairs": True}

    def read(self, text: str) -> Reading:
        """Return a joined pair as it is read to predict, with the words of both texts."""
        texts = separated(text)
        encodings = [
            self.tokenizer.backend_tokenizer.encode(text, add_special_tokens=False) for text in texts
        ]
        (first_words, first_spans), (second_words, second_spans) = map(words_of, encodings)
        kept = self._cut(first_words.tolist(), (second_words + len(first_spans)).tolist())
        start = len(texts[0]) + 1  # after the separator
        spans = first_spans + [(start + begin, start + end) for begin, end in second_spans]
        marks = [np.full(len(part), -1) for part in (self.marks.before, self.marks.between, self.marks.after)]
        word_of = np.concatenate([marks[0], kept[0], marks[1], kept[1], marks[2]]).astype(int)
        return Reading(self.encode([text], cache=None), [word_of], spans)

    def _encode(self, pairs: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows of all pairs, end to end, int32 [n_tokens, 2], and their offsets, int64 [n_pairs + 1]."""
        ids = token_ids(each_text(pairs), self.tokenizer)
        rows = [self.marks.around(*self._cut(first, second)) for first, second in zip(ids, ids, strict=True)]
        offsets = np.cumsum([0, *map(len, rows)], dtype=np.int64)
        return np.concatenate([np.zeros((0, 2), np.int32), *rows]), offsets

    def _cut(self, first: list[int], second: list[int]) -> tuple[list[int], list[int]]:
        """Return what is kept of the tokens of two texts."""
        room = shares(len(first), len(second), self.max_length - len(self.marks))
        first_kept, second_kept = (
            cut(ids, size, self.truncation)[0] for ids, size in zip((first, second), room, strict=True)
        )
        return first_kept, second_kept


def text_reader(tokenizer: TextTokenizer, settings: dict) -> TextReader:
    """Return the reader, of texts or of pairs, whose ``settings()`` were saved."""
    kind = PairReader if settings.get("pairs") else TextReader
    return kind(tokenizer, settings["max_length"], settings["truncation"], settings["windows"])
