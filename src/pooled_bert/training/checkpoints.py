"""Checkpoints: a killed training loses only minutes of work, and a resumed one produces the same bytes."""

import contextlib
import json
import sys
import time
from pathlib import Path

import numpy as np

from ..base.errors import InputError
from ..base.files import read_arrays, write_arrays

KEPT = 2  # states on disk: if the newest is damaged, the previous one is loaded
SLOW_DISK = 50e6  # bytes per second, assumed until the first save has been timed
_RECORD = "record"


class Checkpoints:
    """The newest states of one training, in their own folder.

    A state is a file ``step_<n>.npz`` with named arrays and a record of plain values as JSON. Files are written
    atomically, so a state is complete or missing; the CRCs of the format show later damage. With ``writes=False``, for
    workers that are not the chief, states are loaded but never saved.
    """

    def __init__(self, folder: Path, *, minutes: float = 5.0, writes: bool = True):
        self.folder, self.minutes, self.writes = folder, minutes, writes
        self._saved_at = time.monotonic()
        self._seconds_per_byte = 1 / SLOW_DISK

    @property
    def exist(self) -> bool:
        """Whether any state is saved."""
        return bool(self._newest_first())

    @property
    def is_due(self) -> bool:
        """Whether ``minutes`` have passed since the last state was saved, or since the start."""
        return time.monotonic() - self._saved_at >= 60 * self.minutes

    def saving_seconds(self, n_bytes: int) -> float:
        """Estimate the seconds to save a state of this size."""
        return n_bytes * self._seconds_per_byte

    def save(self, step: int, arrays: dict[str, np.ndarray], record: dict) -> None:
        """Save a state, then delete all but the newest KEPT; raises InputError if the disk is full or read-only."""
        if not self.writes:
            return
        started = time.monotonic()
        write_arrays(self._path(step), {**arrays, _RECORD: np.array(json.dumps(record))})
        for path in self._newest_first()[KEPT:]:
            path.unlink()
        self._saved_at = time.monotonic()
        self._seconds_per_byte = (self._saved_at - started) / sum(array.nbytes for array in arrays.values())

    def load(self) -> tuple[dict[str, np.ndarray], dict] | None:
        """Load the newest undamaged state, None if there is none; damaged states are reported and deleted."""
        for path in self._newest_first():
            try:
                arrays = read_arrays(path)
                return arrays, json.loads(str(arrays.pop(_RECORD)))  # may hold NaN: an AUC of one class only
            except (InputError, KeyError, ValueError) as error:
                named = error if isinstance(error, InputError) else f"{path}: is damaged ({error})"
                print(f"{named}; skipped", file=sys.stderr)
                if self.writes:
                    with contextlib.suppress(OSError):
                        path.unlink()
        return None

    def _path(self, step: int) -> Path:
        return self.folder / f"step_{step:09d}.npz"

    def _newest_first(self) -> list[Path]:
        return sorted(self.folder.glob("step_*.npz"), reverse=True)
