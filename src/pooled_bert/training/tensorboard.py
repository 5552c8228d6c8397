"""Training curves for TensorBoard."""

import time
from pathlib import Path

import tensorflow as tf

from ..base.errors import InputError

EVERY = 10  # steps between two points of a curve


class Events:
    """Scalars of one training, in event files in ``folder``, one file per process.

    Each file begins with a START record for its first step. TensorBoard then drops the later points of earlier files,
    because the resumed training writes these points again. The folder is created with the first scalar.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self._writer: tf.io.TFRecordWriter | None = None

    def write(self, step: int, scalars: dict[str, float]) -> None:
        """Add a point to each curve at ``step``, which must not decrease; raises InputError if writing fails."""
        values = [tf.compat.v1.Summary.Value(tag=tag, simple_value=value) for tag, value in scalars.items()]
        try:
            writer = self._writer or self._start(step)
            _add(writer, step=step, summary=tf.compat.v1.Summary(value=values))
            writer.flush()
        except (OSError, tf.errors.OpError) as error:
            raise InputError(f"{self.folder}: cannot be written ({error})") from error

    def _start(self, step: int) -> tf.io.TFRecordWriter:
        self.folder.mkdir(parents=True, exist_ok=True)
        # TensorBoard recognises its files by this name, and reads them in the order of their names
        self._writer = writer = tf.io.TFRecordWriter(
            str(self.folder / f"events.out.tfevents.{time.time_ns()}")
        )
        _add(writer, file_version="brain.Event:2")
        _add(writer, step=step, session_log=tf.compat.v1.SessionLog(status=tf.compat.v1.SessionLog.START))
        return writer


def _add(writer: tf.io.TFRecordWriter, **content) -> None:
    writer.write(tf.compat.v1.Event(wall_time=time.time(), **content).SerializeToString())
