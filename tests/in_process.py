"""Runs a command of src/ inside this process, as one of its own would run it; so it need not import TensorFlow anew."""

import contextlib
import logging
import os
import random
import runpy
import signal
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import matplotlib
import numpy as np
import tensorflow as tf

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE)


def run_script(script: Path, arguments) -> subprocess.CompletedProcess:
    """Run a script's file from its first line, and return its exit status and what it and its children wrote."""
    command = [str(script), *map(str, arguments)]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        with state_restored(), written_to(1, out), written_to(2, err), told_on_stderr():
            sys.argv = command
            status = exit_status(lambda: runpy.run_path(command[0], run_name="__main__"))
        written = [file.seek(0) or file.read().decode() for file in (out, err)]
    return subprocess.CompletedProcess(command, status, *written)


def exit_status(run) -> int:
    """Run and return the status with which Python would end; any other exception goes on to the test."""
    try:
        run()
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    return 0


@contextlib.contextmanager
def written_to(descriptor: int, file):
    """Send standard output (1) or standard error (2) to a file, for Python, for libraries and for child processes."""
    name = {1: "stdout", 2: "stderr"}[descriptor]
    before, kept = getattr(sys, name), os.dup(descriptor)
    os.dup2(file.fileno(), descriptor)
    errors = {1: "strict", 2: "backslashreplace"}[descriptor]  # as Python opens them
    stream = os.fdopen(descriptor, "w", encoding="utf-8", errors=errors, closefd=False)
    stream.reconfigure(line_buffering=descriptor == 2)
    setattr(sys, name, stream)
    try:
        yield
    finally:
        stream.flush()
        setattr(sys, name, before)
        os.dup2(kept, descriptor)
        os.close(kept)


@contextlib.contextmanager
def told_on_stderr():
    """Have warnings and log records told as in a process without pytest, which collects both."""

    def show(message, category, filename, lineno, file=None, line=None):
        print(warnings.formatwarning(message, category, filename, lineno, line), end="", file=sys.stderr)

    with warnings.catch_warnings():
        warnings.resetwarnings()
        for category in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
            warnings.simplefilter("ignore", category)
        warnings.showwarning = show
        logging.root.handlers = []
        yield


@contextlib.contextmanager
def state_restored():
    """Give back, in the end, everything that a command may leave changed in its process."""
    loggers = [logging.root, *logging.root.manager.loggerDict.values()]
    loggers = [logger for logger in loggers if isinstance(logger, logging.Logger)]
    logged = [(logger.level, logger.handlers[:], logger.propagate, logger.disabled) for logger in loggers]
    hearers = {number: signal.getsignal(number) for number in SIGNALS}
    environment, folder, argv, path = dict(os.environ), Path.cwd(), sys.argv, sys.path[:]
    policy = tf.keras.mixed_precision.global_policy()
    randomness = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        with matplotlib.rc_context():
            yield
    finally:
        random.setstate(randomness[0])
        np.random.set_state(randomness[1])  # noqa: NPY002
        tf.keras.mixed_precision.set_global_policy(policy)
        sys.argv, sys.path[:] = argv, path
        os.chdir(folder)
        for name in os.environ.keys() - environment:
            del os.environ[name]
        os.environ.update(environment)
        for number, hearer in hearers.items():
            signal.signal(number, hearer)
        for logger, (level, handlers, propagate, disabled) in zip(loggers, logged, strict=True):
            logger.setLevel(level)
            logger.handlers, logger.propagate, logger.disabled = handlers, propagate, disabled
