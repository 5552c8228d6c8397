"""Devices and machines that train one model together, by tf.distribute.

Every process reads all rows and goes through the same batches; a replica (a device) takes its share of each batch by
its number. So a batch means the same rows on one device and on many, and nothing but gradients, the loss and
predictions travels.
"""

import contextlib
import functools
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .deadline import Deadline
from .errors import InputError


@dataclass(frozen=True)
class Workers:
    """The processes that train together, and whether this is the one that writes."""

    count: int = 1
    is_chief: bool = True


def workers(strategy: str) -> Workers:
    """Who this process is by the variable TF_CONFIG, which ``--strategy`` auto and multiworker obey.

    Raises InputError where TF_CONFIG is needed and absent, or does not say it.
    """
    text = os.environ.get("TF_CONFIG", "")
    if strategy not in ("auto", "multiworker") or not (text or strategy == "multiworker"):
        return Workers()
    try:
        config = json.loads(text)
        cluster, task = config["cluster"], config["task"]
        addresses, index = cluster[task["type"]], int(task["index"])
        if set(cluster) - {"chief", "worker"} or not 0 <= index < len(addresses):
            raise ValueError("task")
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            "the environment variable TF_CONFIG does not say who works together; --strategy multiworker needs it as"
            ' {"cluster": {"worker": ["host:port", "host:port"]}, "task": {"type": "worker", "index": 0}}'
        ) from error
    first = "chief" if "chief" in cluster else "worker"
    return Workers(
        sum(len(addresses) for addresses in cluster.values()), task["type"] == first and index == 0
    )


@functools.cache
def make_strategy(name: str):
    """The tf.distribute.Strategy of this process; the first call must come before TensorFlow computes anything.

    ``auto``: all workers of TF_CONFIG where it names several, else all GPUs where there are several, else one device.
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
    """The part of a batch, a tensor or a dictionary of them, that is this replica's; call it in a replica's context.

    The number of rows must be a multiple of the number of replicas; see ``full``.
    """
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    n = context.num_replicas_in_sync
    if n == 1:
        return values

    def part(value):
        size = tf.shape(value)[0] // n
        start = context.replica_id_in_sync_group * size
        return value[start : start + size]

    return tf.nest.map_structure(part, values)


def full(rows: np.ndarray, n_replicas: int) -> np.ndarray:
    """``rows``, and some of them again, so that each replica gets as many."""
    return np.resize(rows, n_replicas * -(-len(rows) // n_replicas))


def any_worker(strategy_name: str, flag: bool, *, of_chief: bool = False) -> bool:
    """Whether the flag is up with any worker (or with the chief). All of them must call it, and get one answer."""
    team = workers(strategy_name)
    if team.count == 1:
        return flag
    import tensorflow as tf

    strategy = make_strategy(strategy_name)
    counts = flag and (team.is_chief or not of_chief)
    values = strategy.experimental_distribute_values_from_function(lambda _: tf.constant(float(counts)))
    with told_clearly(strategy_name):
        return float(strategy.reduce(tf.distribute.ReduceOp.SUM, values, axis=None)) > 0


class SharedDeadline(Deadline):
    """A deadline that is reached for all workers when it is for one: they stop at the same step."""

    def __init__(self, own: Deadline, strategy_name: str):
        self.own, self.strategy_name = own, strategy_name
        self.minutes, self.at = own.minutes, own.at

    def leaves(self, seconds: float) -> bool:
        """Whether something that takes ``seconds`` would end in every worker's time."""
        return not any_worker(self.strategy_name, not self.own.leaves(seconds))


@contextlib.contextmanager
def told_clearly(strategy_name: str) -> Iterator[None]:
    """Turn what TensorFlow raises when another worker is gone into a message."""
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
            "another worker of TF_CONFIG ended or cannot be reached; start all of them again with the same command,"
            " the training goes on from its last checkpoint"
        ) from error
