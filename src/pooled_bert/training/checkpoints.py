"""States of a training on disk: a killed process loses minutes, and a resumed one ends with the same bytes."""

import contextlib
import json
import sys
import time
from pathlib import Path

import numpy as np

from ..base.errors import InputError
from ..base.files import read_arrays, write_arrays

KEPT = 2  # states on disk; should the newest be damaged, the one before it serves
SLOW_DISK = 50e6  # bytes a second: what a save is expected to take before one was timed
_RECORD = "record"


class Checkpoints:
    """The newest states of one training, in a folder of their own.

    A state is ``step_<n>.npz``: named arrays, and a record of plain values as JSON. It appears by renaming,
    so it is whole or absent, and the CRCs of the format tell when it was damaged later. Without ``writes``, as for
    a process that helps another, states are only loaded.
    """

    def __init__(self, folder: Path, *, minutes: float = 5.0, writes: bool = True):
        self.folder, self.minutes, self.writes = folder, minutes, writes
        self._saved_at = time.monotonic()
        self._seconds_per_byte = 1 / SLOW_DISK

    @property
    def exist(self) -> bool:
        """Whether there is any."""
        return bool(self._newest_first())

    @property
    def is_due(self) -> bool:
        """Whether ``minutes`` have passed since the last state was saved, or since the start."""
        return time.monotonic() - self._saved_at >= 60 * self.minutes

    def saving_seconds(self, n_bytes: int) -> float:
        """How long saving a state of this size will take."""
        return n_bytes * self._seconds_per_byte

    def save(self, step: int, arrays: dict[str, np.ndarray], record: dict) -> None:
        """Save a state, then remove those that are too many; raises InputError when the disk refuses."""
        if not self.writes:
            return
        started = time.monotonic()
        write_arrays(self._path(step), {**arrays, _RECORD: np.array(json.dumps(record))})
        for path in self._newest_first()[KEPT:]:
            path.unlink()
        self._saved_at = time.monotonic()
        self._seconds_per_byte = (self._saved_at - started) / sum(array.nbytes for array in arrays.values())

    def load(self) -> tuple[dict[str, np.ndarray], dict] | None:
        """The newest undamaged state, or None. A damaged one is named on stderr and removed."""
        for path in self._newest_first():
            try:
                arrays = read_arrays(path)
                return arrays, json.loads(str(arrays.pop(_RECORD)))
            except InputError as error:
                print(f"{error}; passed over", file=sys.stderr)
                if self.writes:
                    with contextlib.suppress(OSError):
                        path.unlink()
        return None

    def _path(self, step: int) -> Path:
        return self.folder / f"step_{step:09d}.npz"

    def _newest_first(self) -> list[Path]:
        return sorted(self.folder.glob("step_*.npz"), reverse=True)
