"""Where the tensors of a safetensors file are, so that they can be used without being copied.

The format (https://github.com/huggingface/safetensors): 8 bytes, the length of a JSON header; the header, which gives
each tensor's type, shape and place; the tensors. The library itself copies every tensor.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..base.errors import InputError
from .saved_model import REMEDY


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
        header = json.loads(content[8:start].tobytes())
        header.pop("__metadata__", None)
        tensors = {}
        for name, tensor in header.items():
            if tensor["dtype"] != "F32":
                raise ValueError(f"{name} is of type {tensor['dtype']}, expected F32")
            first, last = (start + place for place in tensor["data_offsets"])
            values = content[first:last].view(np.float32).reshape(tensor["shape"])
            tensors[name] = StoredTensor(path, first, values)
        return tensors
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{path}: cannot be read ({error}); {REMEDY}") from error
