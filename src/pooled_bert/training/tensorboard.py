"""Curves of a training for TensorBoard."""

import time
from pathlib import Path

import tensorflow as tf

from ..base.errors import InputError

EVERY = 10  # steps


class Events:
    """Scalars of one training, in event files of ``folder``, a file a process.

    Each file begins by saying at which step, so that TensorBoard drops what an earlier one, of a process that was
    killed, has from there on: the resumed training writes it again. The folder is made with the first scalar.
    """

    def __init__(self, folder: Path):
        self.folder, self._writer = folder, None

    def write(self, step: int, scalars: dict[str, float]) -> None:
        """Add a point to each curve, after ``step`` steps, which never falls; raises InputError."""
        values = [tf.compat.v1.Summary.Value(tag=tag, simple_value=value) for tag, value in scalars.items()]
        try:
            if self._writer is None:
                self._start(step)
            self._add(step=step, summary=tf.compat.v1.Summary(value=values))
            self._writer.flush()
        except (OSError, tf.errors.OpError) as error:
            raise InputError(f"{self.folder}: cannot be written ({error})") from error

    def _start(self, step: int) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        # TensorBoard knows its files by this name, and reads them in its order
        self._writer = tf.io.TFRecordWriter(str(self.folder / f"events.out.tfevents.{time.time_ns()}"))
        self._add(file_version="brain.Event:2")
        self._add(step=step, session_log=tf.compat.v1.SessionLog(status=tf.compat.v1.SessionLog.START))

    def _add(self, **content) -> None:
        self._writer.write(tf.compat.v1.Event(wall_time=time.time(), **content).SerializeToString())
