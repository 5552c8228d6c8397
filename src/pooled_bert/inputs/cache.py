"""What is read from rows once, and kept in files for the next folds and runs."""

import contextlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from ..base.errors import InputError
from ..base.files import checksum, read_arrays, write_arrays


def cached(
    cache: Path | None,
    key: Iterable[str],
    names: Sequence[str],
    make: Callable[[], tuple[np.ndarray, ...]],
) -> tuple[np.ndarray, ...]:
    """Return the arrays that ``make`` returns, or that it returned before for the same ``key``.

    cache : a folder with one file per key; None: nothing is kept.  names : of the arrays, in the file.
    """
    if cache is None:
        return make()
    path = cache / f"{checksum(key)[:32]}.npz"
    with contextlib.suppress(FileNotFoundError, InputError, KeyError):  # a damaged file is made again
        arrays = read_arrays(path)
        return tuple(arrays[name] for name in names)
    made = make()
    write_arrays(path, dict(zip(names, made, strict=True)))
    return made
