"""Child processes that do not outlive the command that started them."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import Self

from .errors import INTERRUPTED_STATUS

SET_PARENT_DEATH_SIGNAL = 1  # of Linux's prctl


class Children:
    """The owner of child processes: they end when its block ends, for whatever reason.

    On Linux they end too when this process is killed and no block of it can end. Trainings may be ended at any time:
    they resume from their last checkpoint.
    """

    def __init__(self):
        self._lock, self._running, self._is_ended = threading.Lock(), set[subprocess.Popen](), False
        self._libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_) -> None:
        with self._lock:
            self._is_ended = True
            for process in self._running:
                process.terminate()

    def run(self, command: Sequence[str], *, cores: set[int], seconds: float | None = None, **options) -> int:
        """Run a command on these cores (none: on any) and return its exit status, that of Ctrl-C after the end.

        seconds : the command is ended after so long; its status is then the negative number of the signal.
        The thread that calls this must wait for the answer, because Linux ends a child together with its thread.
        """
        parent = os.getpid()

        def prepare() -> None:
            if self._libc:
                self._libc.prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
            if os.getppid() != parent:  # it ended before the line above
                os._exit(INTERRUPTED_STATUS)
            if cores:
                os.sched_setaffinity(0, cores)

        with self._lock:
            if self._is_ended:
                return INTERRUPTED_STATUS
            process = subprocess.Popen(command, preexec_fn=prepare, **options)
            self._running.add(process)
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.terminate()
            return process.wait()
        finally:
            with self._lock:
                self._running.discard(process)
