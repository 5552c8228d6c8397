"""Where the tensors of a safetensors file are, so that they can be used without being copied.

The format (https://github.com/huggingface/safetensors): 8 bytes, the length of a JSON header; the header, which gives
each tensor's type, shape and place; the tensors. The library itself copies every tensor.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypedDict

import numpy as np

from ..base.errors import InputError
from ..base.rules import Number
from ..base.schemas import mismatch, parse_json
from .saved_model import REMEDY

SIZE = Annotated[int, Number(int, 0, 2**48)]


class Entry(TypedDict):
    """What the header says of a tensor; its places are counted from the end of the header."""

    dtype: Literal["F32"]
    shape: list[SIZE]
    data_offsets: list[SIZE]


@dataclass(frozen=True, eq=False)
class StoredTensor:
    """A tensor in a file: its values, float32, as a read-only view of the file, and their first byte in it."""

    path: Path
    start: int
    values: np.ndarray


def stored_tensors(path: Path) -> dict[str, StoredTensor]:
    """Return the tensors of a file by name; raises InputError if it is damaged."""
    try:
        content = np.memmap(path, np.uint8, mode="r")
        start = 8 + int.from_bytes(content[:8].tobytes(), "little")
        header = parse_json(content[8:start].tobytes(), dict)
        header.pop("__metadata__", None)
        difference = mismatch(header, dict[str, Entry], "")
        if difference:
            raise ValueError(difference)
        tensors = {}
        for name, tensor in header.items():
            first, last = (start + place for place in tensor["data_offsets"])
            values = content[first:last].view(np.float32).reshape(tensor["shape"])
            tensors[name] = StoredTensor(path, first, values)
        return tensors
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error}); {REMEDY}") from error
