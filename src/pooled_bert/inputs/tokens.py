"""Text -> token ids, cut or in windows, encoded once and cached."""

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
from .batches import Sequences, Signature

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
    tokenizer: PreTrainedTokenizerFast,
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
    texts: list[str], tokenizer: PreTrainedTokenizerFast, *, max_length: int, pooling: str, cache: Path | None
) -> Windows:
    """Tokenise ``texts`` whole: a longer text in windows of ``max_length`` tokens that overlap by half.

    The last window ends with the text and is as long as the others; it may overlap by more.
    """
    tokens, first = _encoded(texts, tokenizer, max_length, "windows", cache)
    return Windows(tokens, first, pooling)


def encode_whole(
    texts: list[str], tokenizer: PreTrainedTokenizerFast, *, max_length: int, cache: Path | None
) -> Tokens:
    """Tokenise ``texts`` whole, each token once: a longer text in pieces of ``max_length`` tokens."""
    return _encoded(texts, tokenizer, max_length, "pieces", cache)[0]


def _encoded(
    texts: list[str],
    tokenizer: PreTrainedTokenizerFast,
    max_length: int,
    cutting: str,
    cache: Path | None,
) -> tuple[Tokens, np.ndarray]:
    """Return the pieces of all texts, and the first piece of each text, int64 [n_texts + 1]; through the cache."""
    if cache is None:
        return _encode(texts, tokenizer, max_length, cutting)
    key = checksum([tokenizer.backend_tokenizer.to_str(), str(max_length), cutting, *texts])
    path = cache / f"{key[:32]}.npz"
    with contextlib.suppress(FileNotFoundError, InputError, KeyError):  # a damaged file is made again
        arrays = read_arrays(path)
        return Tokens(arrays["flat"], arrays["offsets"]), arrays["first"]
    tokens, first = _encode(texts, tokenizer, max_length, cutting)
    write_arrays(path, {"flat": tokens.flat, "offsets": tokens.offsets, "first": first})
    return tokens, first


def _encode(
    texts: list[str], tokenizer: PreTrainedTokenizerFast, max_length: int, cutting: str
) -> tuple[Tokens, np.ndarray]:
    start_id, end_id = tokenizer.cls_token_id, tokenizer.sep_token_id
    flat, lengths, counts = (
        array("i"),
        [],
        [],
    )  # a list of one object per token would take ten times the memory
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
class TextReader:
    """Turns texts into token ids, with the settings that the model was trained with.

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

    def between_marks(self, pieces: Sequence[np.ndarray]) -> Tokens:
        """Put each sequence of word-piece ids between [CLS] and [SEP]."""
        start, end = self.tokenizer.cls_token_id, self.tokenizer.sep_token_id
        rows = [np.array([start, *ids, end], np.int32) for ids in pieces]
        return Tokens(np.concatenate(rows), np.cumsum([0, *map(len, rows)]))


def text_reader(tokenizer: PreTrainedTokenizerFast, settings: dict) -> TextReader:
    """Return the reader whose ``settings()`` were saved."""
    return TextReader(tokenizer, settings["max_length"], settings["truncation"], settings["windows"])
