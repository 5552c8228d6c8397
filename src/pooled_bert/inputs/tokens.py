"""Text -> token ids, encoded once and cached; batches of similar length, padded to their longest."""

import contextlib
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from transformers import PreTrainedTokenizerFast

from ..base.errors import InputError
from ..base.files import checksum, read_arrays, write_arrays
from ..base.progress import progress_bar
from ..benchmarks.targets import Target
from .batches import Signature

CHUNK = 2000  # texts tokenised at a time: bounds memory, and how often the progress bar moves


SIGNATURE: Signature = dict.fromkeys(
    ("input_ids", "token_type_ids", "attention_mask"), ((None, None), np.int32)
)


@dataclass(frozen=True)
class Tokens:
    """Token ids of many texts end to end: row i is ``flat[offsets[i]:offsets[i + 1]]``.

    flat : int32 [n_tokens].  offsets : int64 [n_rows + 1].  Rows include [CLS] and [SEP].
    """

    flat: np.ndarray
    offsets: np.ndarray

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> np.ndarray:
        """int64 [n_rows]: tokens in each row."""
        return np.diff(self.offsets)

    @property
    def signature(self) -> Signature:
        """The three inputs of BERT, int32 [batch, length] each."""
        return SIGNATURE

    def padded(self, rows: np.ndarray, multiple: int = 1) -> dict[str, np.ndarray]:
        """The three inputs of BERT for some rows, each int32 [len(rows), longest of them, rounded up to a multiple]."""
        lengths = self.lengths[rows]
        mask = np.arange(-(-lengths.max() // multiple) * multiple) < lengths[:, None]
        ids = np.zeros(mask.shape, np.int32)
        ids[mask] = np.concatenate([self.flat[self.offsets[row] : self.offsets[row + 1]] for row in rows])
        return {
            "input_ids": ids,
            "token_type_ids": np.zeros_like(ids),
            "attention_mask": mask.astype(np.int32),
        }

    def take(self, rows: np.ndarray) -> "Tokens":
        """The tokens of some rows, in the order given."""
        offsets = np.concatenate([[0], np.cumsum(self.lengths[rows])])
        pieces = [self.flat[self.offsets[row] : self.offsets[row + 1]] for row in rows]
        return Tokens(np.concatenate([np.zeros(0, np.int32), *pieces]), offsets)


@dataclass(frozen=True)
class Windows:
    """Texts to be predicted whole, in overlapping pieces: text i is the rows ``first[i]:first[i + 1]`` of ``tokens``.

    first : int64 [n_texts + 1].  pooling : ``mean`` of the pieces' log-odds, or ``max``.
    """

    tokens: Tokens
    first: np.ndarray
    pooling: str

    def __len__(self) -> int:
        return len(self.first) - 1

    def take(self, texts: np.ndarray) -> "Windows":
        """The windows of some texts, in the order given."""
        rows = [np.arange(*self.first[text : text + 2].tolist()) for text in texts]
        first = np.cumsum([0, *map(len, rows)])
        return Windows(self.tokens.take(np.concatenate([np.zeros(0, int), *rows])), first, self.pooling)

    def pooled(self, probabilities: np.ndarray, target: Target) -> np.ndarray:
        """Return the probabilities of the texts from those of their pieces, float32 [n_texts, n_labels]."""
        return target.pool(probabilities, self.first, self.pooling)


def encode(
    texts: list[str],
    tokenizer: PreTrainedTokenizerFast,
    *,
    max_length: int,
    truncation: str,
    cache: Path | None,
) -> Tokens:
    """Tokenise ``texts``, or read them from ``cache`` (a folder) when they were tokenised before.

    ``truncation`` keeps the ``head`` of a text longer than ``max_length`` tokens ([CLS] and [SEP]
    counted), or ``head_tail``: a quarter from its start and the rest from its end, near the 128 + 382
    that Sun et al. 2019 ("How to Fine-Tune BERT for Text Classification?") found best on IMDB.
    """
    return _encoded(texts, tokenizer, max_length, truncation, cache)[0]


def encode_windows(
    texts: list[str], tokenizer: PreTrainedTokenizerFast, *, max_length: int, pooling: str, cache: Path | None
) -> Windows:
    """Tokenise ``texts`` whole: a longer one in windows of ``max_length`` tokens, each half over the one before.

    The last window ends with the text, and is as long as the others.
    """
    tokens, first = _encoded(texts, tokenizer, max_length, "windows", cache)
    return Windows(tokens, first, pooling)


def encode_whole(
    texts: list[str], tokenizer: PreTrainedTokenizerFast, *, max_length: int, cache: Path | None
) -> Tokens:
    """Tokenise ``texts`` whole, each token once: a longer one in pieces of ``max_length`` tokens."""
    return _encoded(texts, tokenizer, max_length, "pieces", cache)[0]


def _encoded(
    texts: list[str],
    tokenizer: PreTrainedTokenizerFast,
    max_length: int,
    cutting: str,
    cache: Path | None,
) -> tuple[Tokens, np.ndarray]:
    """The pieces of all texts, and where those of each begin, int64 [n_texts + 1]; through the cache."""
    if cache is None:
        return _encode(texts, tokenizer, max_length, cutting)
    key = checksum([tokenizer.backend_tokenizer.to_str(), str(max_length), cutting, *texts])
    path = cache / f"{key[:32]}.npz"
    with contextlib.suppress(FileNotFoundError, InputError, KeyError):  # where it is damaged it is made anew
        arrays = read_arrays(path)
        return Tokens(arrays["flat"], arrays["offsets"]), arrays["first"]
    tokens, first = _encode(texts, tokenizer, max_length, cutting)
    write_arrays(path, {"flat": tokens.flat, "offsets": tokens.offsets, "first": first})
    return tokens, first


def _encode(
    texts: list[str], tokenizer: PreTrainedTokenizerFast, max_length: int, cutting: str
) -> tuple[Tokens, np.ndarray]:
    start_id, end_id = tokenizer.cls_token_id, tokenizer.sep_token_id
    flat, lengths, counts = array("i"), [], []  # an array: one object a token would take ten times the memory
    bar = progress_bar(
        total=len(texts), desc="tokenising", unit=" texts", leave=False, disable=len(texts) <= CHUNK
    )
    with bar:
        for start in range(0, len(texts), CHUNK):
            chunk = texts[start : start + CHUNK]
            for encoding in tokenizer.backend_tokenizer.encode_batch_fast(chunk, add_special_tokens=False):
                pieces = cut(encoding.ids, max_length - 2, cutting)
                for piece in pieces:
                    flat.extend([start_id, *piece, end_id])
                    lengths.append(len(piece) + 2)
                counts.append(len(pieces))
            bar.update(len(chunk))
    offsets, first = (np.cumsum([0, *sizes], dtype=np.int64) for sizes in (lengths, counts))
    return Tokens(np.array(flat, np.int32), offsets), first


def cut(ids: list[int], room: int, cutting: str) -> list[list[int]]:
    """One text's pieces of at most ``room`` tokens. ``cutting``: head, head_tail, windows or pieces; see ``encode``."""
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
class TextReader:
    """Turns texts into what a model reads, in the way that the model learnt with.

    windows : how a text longer than ``max_length`` is predicted: whole, in windows whose probabilities are combined
    by ``mean`` or ``max``; None: cut as in training.
    """

    tokenizer: PreTrainedTokenizerFast
    max_length: int
    truncation: str
    windows: str | None

    @property
    def mask_id(self) -> int:
        """The token id of [MASK]."""
        return self.tokenizer.mask_token_id

    @property
    def key(self) -> tuple:
        """What decides the token ids; readers with the same key read the same."""
        return self.tokenizer.backend_tokenizer.to_str(), self.max_length, self.truncation, self.windows

    def encode(self, texts: list[str], *, cache: Path | None) -> Tokens:
        """Return the token ids to learn from."""
        return encode(
            texts, self.tokenizer, max_length=self.max_length, truncation=self.truncation, cache=cache
        )

    def encode_to_predict(self, texts: list[str], *, cache: Path | None) -> Tokens | Windows:
        """Return the token ids to predict from."""
        if not self.windows:
            return self.encode(texts, cache=cache)
        return encode_windows(
            texts, self.tokenizer, max_length=self.max_length, pooling=self.windows, cache=cache
        )

    def between_marks(self, pieces: Sequence[np.ndarray]) -> Tokens:
        """Return sequences of word pieces as a model reads them, between [CLS] and [SEP]."""
        start, end = self.tokenizer.cls_token_id, self.tokenizer.sep_token_id
        rows = [np.array([start, *ids, end], np.int32) for ids in pieces]
        return Tokens(np.concatenate(rows), np.cumsum([0, *map(len, rows)]))
