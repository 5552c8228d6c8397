"""Text -> token ids, cut or in windows, encoded once and cached."""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from tokenizers import Encoding

from ..base.progress import progress_bar
from ..benchmarks.targets import Target
from .batches import Sequences, Signature
from .cache import cached
from .saved_tokenizer import TextTokenizer

CHUNK = 2000  # texts tokenised at a time: limits memory, and how often the progress bar is updated


SIGNATURE: Signature = dict.fromkeys(
    ("input_ids", "token_type_ids", "attention_mask"), ((None, None), np.int32)
)


class Tokens(Sequences):
    """Token ids of many texts, int32 [n_tokens]. Rows include [CLS] and [SEP]."""

    @property
    def signature(self) -> Signature:
        """The three inputs of BERT, int32 [batch, length] each."""
        return SIGNATURE

    def padded(self, rows: np.ndarray, multiple: int = 1) -> dict[str, np.ndarray]:
        """Return the three inputs of BERT for some rows, int32 [n_rows, width] each."""
        ids, mask = self.filled(rows, multiple)
        return {
            "input_ids": ids,
            "token_type_ids": np.zeros_like(ids),
            "attention_mask": mask.astype(np.int32),
        }

    @property
    def ids(self) -> np.ndarray:
        """The token ids of all rows, end to end, int32 [n_tokens]."""
        return self.flat

    def with_ids(self, ids: np.ndarray) -> Self:
        """Return rows of the same lengths with other token ids, int32 [n_tokens]."""
        return type(self)(ids, self.offsets)


@dataclass(frozen=True)
class Windows:
    """Texts to be predicted whole, in overlapping pieces: text i has the rows ``first[i]:first[i + 1]`` of ``tokens``.

    first : int64 [n_texts + 1].  pooling : ``mean`` of the pieces' log-odds, or ``max``.
    """

    tokens: Tokens
    first: np.ndarray
    pooling: str

    def __len__(self) -> int:
        return len(self.first) - 1

    def take(self, texts: np.ndarray) -> "Windows":
        """Return the windows of some texts, in the order given."""
        rows = [np.arange(*self.first[text : text + 2].tolist()) for text in texts]
        first = np.cumsum([0, *map(len, rows)])
        return Windows(self.tokens.take(np.concatenate([np.zeros(0, int), *rows])), first, self.pooling)

    def pooled(self, probabilities: np.ndarray, target: Target) -> np.ndarray:
        """Combine the probabilities of the pieces into those of the texts, float32 [n_texts, n_labels]."""
        return target.pool(probabilities, self.first, self.pooling)


def encode(
    texts: list[str],
    tokenizer: TextTokenizer,
    *,
    max_length: int,
    truncation: str,
    cache: Path | None,
) -> Tokens:
    """Tokenise ``texts``, or read their tokens from ``cache`` (a folder) if they were tokenised before.

    ``truncation`` says what is kept of a text longer than ``max_length`` tokens ([CLS] and [SEP] counted): its
    ``head``, or ``head_tail``, a quarter from its start and the rest from its end. That is near the 128 + 382 tokens
    that Sun et al. 2019 ("How to Fine-Tune BERT for Text Classification?") found best on IMDB.
    """
    return _encoded(texts, tokenizer, max_length, truncation, cache)[0]


def encode_windows(
    texts: list[str], tokenizer: TextTokenizer, *, max_length: int, pooling: str, cache: Path | None
) -> Windows:
    """Tokenise ``texts`` whole: a longer text in windows of ``max_length`` tokens that overlap by half.

    The last window ends with the text and is as long as the others; it may overlap by more.
    """
    tokens, first = _encoded(texts, tokenizer, max_length, "windows", cache)
    return Windows(tokens, first, pooling)


def encode_whole(
    texts: list[str], tokenizer: TextTokenizer, *, max_length: int, cache: Path | None
) -> Tokens:
    """Tokenise ``texts`` whole, each token once: a longer text in pieces of ``max_length`` tokens."""
    return _encoded(texts, tokenizer, max_length, "pieces", cache)[0]


def _encoded(
    texts: list[str],
    tokenizer: TextTokenizer,
    max_length: int,
    cutting: str,
    cache: Path | None,
) -> tuple[Tokens, np.ndarray]:
    """Return the pieces of all texts, and the first piece of each text, int64 [n_texts + 1]; through the cache."""
    key = [tokenizer.backend_tokenizer.to_str(), str(max_length), cutting, *texts]
    flat, offsets, first = cached(
        cache, key, ("flat", "offsets", "first"), lambda: _encode(texts, tokenizer, max_length, cutting)
    )
    return Tokens(flat, offsets), first


def _encode(
    texts: list[str], tokenizer: TextTokenizer, max_length: int, cutting: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    start_id, end_id = tokenizer.cls_token_id, tokenizer.sep_token_id
    flat, lengths, counts = (
        array("i"),
        [],
        [],
    )  # a list of one object per token would take ten times the memory
    for ids in token_ids(texts, tokenizer):
        pieces = cut(ids, max_length - 2, cutting)
        for piece in pieces:
            flat.extend([start_id, *piece, end_id])
            lengths.append(len(piece) + 2)
        counts.append(len(pieces))
    offsets, first = (np.cumsum([0, *sizes], dtype=np.int64) for sizes in (lengths, counts))
    return np.array(flat, np.int32), offsets, first


def token_ids(texts: list[str], tokenizer: TextTokenizer) -> Iterator[list[int]]:
    """Yield the token ids of each text, whole and without marks, under a progress bar."""
    bar = progress_bar(
        total=len(texts), desc="tokenising", unit=" texts", leave=False, disable=len(texts) <= CHUNK
    )
    with bar:
        for start in range(0, len(texts), CHUNK):
            chunk = texts[start : start + CHUNK]
            for encoding in tokenizer.backend_tokenizer.encode_batch_fast(chunk, add_special_tokens=False):
                yield encoding.ids
            bar.update(len(chunk))


def cut(ids: list[int], room: int, cutting: str) -> list[list[int]]:
    """Return a text's pieces of at most ``room`` tokens. ``cutting``: head, head_tail, windows or pieces."""
    if len(ids) <= room:
        return [ids]
    if cutting == "pieces":
        return [ids[start : start + room] for start in range(0, len(ids), room)]
    last = len(ids) - room
    if cutting == "windows":
        starts = [*range(0, last, -(-room // 2)), last]
        return [ids[start : start + room] for start in starts]
    head = room if cutting == "head" else round(room / 4)
    return [ids[:head] + ids[last + head :]]


@dataclass(frozen=True)
class Reading:
    """A text as a model reads it: rows of tokens, one per window, and the words that the tokens belong to.

    word_of : for each row, the number of each token's word, int64 [length]; −1 for marks such as [CLS].
    spans : position of each word in the text, [start, end).
    """

    tokens: Tokens
    word_of: Sequence[np.ndarray]
    spans: Sequence[tuple[int, int]]

    def row_ids(self, window: int) -> np.ndarray:
        """Return the token ids of a window, int32 [length]."""
        return self.tokens.take(np.array([window])).ids

    def variants(self, windows: Sequence[int], ids: Sequence[np.ndarray]) -> Tokens:
        """Return rows that are like some windows, each with other token ids, int32 [length]."""
        return self.tokens.take(np.array(windows, int)).with_ids(np.concatenate(ids))


def words_of(encoding: Encoding) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """Return the number of each token's word, int64 [n_tokens], and the position of each word in the text.

    A word is what the tokenizer keeps together before it makes word pieces.
    """
    numbers, word_of = np.unique(np.array(encoding.word_ids, int), return_inverse=True)
    offsets = np.array(encoding.offsets, int).reshape(-1, 2)
    parts = [offsets[word_of == word] for word in range(len(numbers))]
    return word_of, [(int(part[:, 0].min()), int(part[:, 1].max())) for part in parts]


@dataclass(frozen=True)
class TextReader:
    """Turns texts into token ids, with the settings that the model was trained with.

    windows : how a text longer than ``max_length`` is predicted: whole, in windows whose probabilities are combined
    by ``mean`` or ``max``; None: cut as in training.
    """

    tokenizer: TextTokenizer
    max_length: int
    truncation: str
    windows: str | None

    @property
    def mask_id(self) -> int:
        """The token id of [MASK]."""
        return self.tokenizer.mask_token_id

    @property
    def signature(self) -> Signature:
        """The three inputs of BERT."""
        return SIGNATURE

    @property
    def key(self) -> tuple:
        """Everything that decides the token ids; readers with the same key return the same ids."""
        return self.tokenizer.backend_tokenizer.to_str(), self.max_length, self.truncation, self.windows

    def encode(self, items: list[str], *, cache: Path | None) -> Tokens:
        """Return the token ids to learn from."""
        return encode(
            items, self.tokenizer, max_length=self.max_length, truncation=self.truncation, cache=cache
        )

    def encode_to_learn(
        self, items: list[str], rows: np.ndarray, *, cache: Path | None
    ) -> tuple[Tokens, np.ndarray]:
        """Return the token ids of some rows, and these rows."""
        return self.encode(items, cache=cache).take(rows), rows

    def encode_to_predict(self, items: list[str], *, cache: Path | None) -> Tokens | Windows:
        """Return the token ids to predict from."""
        if not self.windows:
            return self.encode(items, cache=cache)
        return encode_windows(
            items, self.tokenizer, max_length=self.max_length, pooling=self.windows, cache=cache
        )

    def settings(self) -> dict:
        """Return the settings beside the tokenizer."""
        return {"max_length": self.max_length, "truncation": self.truncation, "windows": self.windows}

    def save(self, folder: Path) -> None:
        """Write the tokenizer in Hugging Face's format."""
        self.tokenizer.save_pretrained(folder)

    def read(self, text: str) -> Reading:
        """Return a text as it is read to predict, with its words."""
        encoding = self.tokenizer.backend_tokenizer.encode(text, add_special_tokens=False)
        word_of, spans = words_of(encoding)
        cutting = "windows" if self.windows else self.truncation
        windows = cut(word_of.tolist(), self.max_length - 2, cutting)
        inputs = self.encode_to_predict([text], cache=None)
        tokens = inputs.tokens if isinstance(inputs, Windows) else inputs
        return Reading(tokens, [np.array([-1, *window, -1]) for window in windows], spans)
