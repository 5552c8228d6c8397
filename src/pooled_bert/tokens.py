"""Text -> token ids, encoded once and cached; batches of similar length, padded to their longest."""

import contextlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.special import expit, logit
from transformers import PreTrainedTokenizerFast

from .errors import InputError
from .files import checksum, read_arrays, write_arrays
from .progress import progress_bar

CHUNK = 2000  # texts tokenised at a time: bounds memory, and how often the progress bar moves
WINDOW = 50  # batches; sorting by length within windows this long leaves 3 % padding and the order random


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
        rows = [np.arange(self.first[text], self.first[text + 1]) for text in texts]
        first = np.cumsum([0, *map(len, rows)])
        return Windows(self.tokens.take(np.concatenate([np.zeros(0, int), *rows])), first, self.pooling)

    def pooled(self, probabilities: np.ndarray) -> np.ndarray:
        """Probabilities of the pieces -> of the texts, float32 [n_texts, n_labels]."""
        if len(self) == 0:
            return probabilities
        if self.pooling == "max":
            return np.maximum.reduceat(probabilities, self.first[:-1])
        odds = logit(np.clip(probabilities.astype(np.float64), 1e-7, 1 - 1e-7))
        sums = np.add.reduceat(odds, self.first[:-1])
        return expit(sums / np.diff(self.first)[:, np.newaxis]).astype(np.float32)


def width_multiple(xla: bool) -> int:
    """What widths of batches are rounded up to: XLA compiles anew for each shape, so it gets few of them."""
    return 32 if xla else 1


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


def shuffled_batches(lengths: np.ndarray, batch_size: int, *, seed: int, epoch: int) -> list[np.ndarray]:
    """Every row once, as index arrays of up to ``batch_size`` rows of similar length.

    A pure function of its arguments: rows are shuffled, cut into windows of ``WINDOW`` batches, sorted
    by length within a window, and the batches shuffled.
    """
    random = np.random.default_rng([seed, epoch])
    order = random.permutation(len(lengths))
    batches = []
    for start in range(0, len(order), WINDOW * batch_size):
        window = order[start : start + WINDOW * batch_size]
        window = window[np.argsort(lengths[window], kind="stable")]
        batches += [window[i : i + batch_size] for i in range(0, len(window), batch_size)]
    return [batches[i] for i in random.permutation(len(batches))]


def prediction_batches(lengths: np.ndarray, tokens_per_batch: int) -> Iterator[np.ndarray]:
    """Every row once, longest first, in batches of about ``tokens_per_batch`` tokens when padded.

    Longest first: a batch too large for memory shows at once, and the time left only falls.
    """
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        size = max(1, tokens_per_batch // int(lengths[order[start]]))
        yield order[start : start + size]
        start += size
