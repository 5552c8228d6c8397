"""Training one model on several devices or machines, by tf.distribute.

Every process reads all rows and iterates over the same batches. Each replica (one per device) takes its share of a
batch by its replica number. So a batch has the same rows on one device and on many, and only gradients, the loss and
predictions are sent between processes.
"""

import contextlib
import functools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypedDict

import numpy as np

from .deadline import Deadline
from .errors import InputError
from .schemas import parse_json


class Task(TypedDict):
    """Which worker a process is."""

    type: str
    index: int | str


class Configuration(TypedDict):
    """What TF_CONFIG holds."""

    cluster: dict[str, list[str]]
    task: Task


@dataclass(frozen=True)
class Workers:
    """How many processes train together, and whether this one is the chief, which writes the files."""

    count: int = 1
    is_chief: bool = True


def workers(strategy: str) -> Workers:
    """Read this process's role from the environment variable TF_CONFIG (used by ``--strategy`` auto and multiworker).

    Raises InputError if TF_CONFIG is needed and missing, or is malformed.
    """
    text = os.environ.get("TF_CONFIG", "")
    if strategy not in ("auto", "multiworker") or not (text or strategy == "multiworker"):
        return Workers()
    try:
        config = parse_json(text, Configuration)
        cluster, task = config["cluster"], config["task"]
        addresses, index = cluster[task["type"]], int(task["index"])
        if set(cluster) - {"chief", "worker"} or not 0 <= index < len(addresses):
            raise ValueError("task")
    except (ValueError, KeyError) as error:
        raise InputError(
            "the environment variable TF_CONFIG does not describe the workers; --strategy multiworker needs it in the"
            ' form {"cluster": {"worker": ["host:port", "host:port"]}, "task": {"type": "worker", "index": 0}}'
        ) from error
    chief_type = "chief" if "chief" in cluster else "worker"
    return Workers(
        sum(len(addresses) for addresses in cluster.values()), task["type"] == chief_type and index == 0
    )


@functools.cache
def make_strategy(name: str):
    """Return the tf.distribute.Strategy of this process; call it first before TensorFlow computes anything.

    ``auto``: all workers of TF_CONFIG if there are several, else all GPUs if there are several, else one device.
    """
    import tensorflow as tf

    if workers(name).count > 1:
        return tf.distribute.MultiWorkerMirroredStrategy()
    gpus = tf.config.list_logical_devices("GPU")
    if name == "mirrored" or (name == "auto" and len(gpus) > 1):
        devices = gpus or tf.config.list_logical_devices("CPU")
        return tf.distribute.MirroredStrategy([device.name for device in devices])
    return tf.distribute.get_strategy()


def share(values):
    """Return this replica's part of a batch (a tensor or a dictionary of tensors); call it in a replica's context.

    The number of rows must be a multiple of the number of replicas; see ``full``.
    """
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    n_replicas = context.num_replicas_in_sync
    if n_replicas == 1:
        return values

    def part(value):
        size = tf.shape(value)[0] // n_replicas
        start = context.replica_id_in_sync_group * size
        return value[start : start + size]

    return tf.nest.map_structure(part, values)


def full(rows: np.ndarray, n_replicas: int) -> np.ndarray:
    """Return ``rows``, with some repeated at the end, so that every replica gets the same number of rows."""
    return np.resize(rows, n_replicas * -(-len(rows) // n_replicas))


def any_worker(strategy_name: str, flag: bool, *, of_chief: bool = False) -> bool:
    """Return whether ``flag`` is true on any worker (``of_chief``: on the chief).

    Every worker must call it; all get the same answer.
    """
    role = workers(strategy_name)
    if role.count == 1:
        return flag
    import tensorflow as tf

    strategy = make_strategy(strategy_name)
    is_counted = flag and (role.is_chief or not of_chief)
    values = strategy.experimental_distribute_values_from_function(lambda _: tf.constant(float(is_counted)))
    with told_clearly(strategy_name):
        return float(strategy.reduce(tf.distribute.ReduceOp.SUM, values, axis=None)) > 0


class SharedDeadline(Deadline):
    """A deadline that all workers reach as soon as one worker does, so that they stop at the same step."""

    def __init__(self, deadline: Deadline, strategy_name: str):
        self.deadline, self.strategy_name = deadline, strategy_name
        self.minutes, self.at = deadline.minutes, deadline.at

    def leaves(self, seconds: float) -> bool:
        """Return whether work that takes ``seconds`` would end before every worker's deadline."""
        return not any_worker(self.strategy_name, not self.deadline.leaves(seconds))


@contextlib.contextmanager
def told_clearly(strategy_name: str) -> Iterator[None]:
    """Raise InputError in place of TensorFlow's errors when another worker has ended or cannot be reached."""
    import tensorflow as tf

    if workers(strategy_name).count == 1:
        yield
        return
    try:
        yield
    except (
        tf.errors.UnavailableError,
        tf.errors.AbortedError,
        tf.errors.CancelledError,
        tf.errors.DeadlineExceededError,
    ) as error:
        raise InputError(
            "another worker of TF_CONFIG ended or cannot be reached; start all workers again with the same command:"
            " the training resumes from its last checkpoint"
        ) from error
