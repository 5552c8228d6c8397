"""Run a command that halts when it is about to give a file a name like PATTERN for the COUNTth time.

    python tests/halting.py PATTERN COUNT src/train_folds.py --fold 0

So a test can wait for that moment, however fast or slow the machine is, and then kill the process or let it go on.
"""

import fnmatch
import os
import runpy
import signal
import sys
from pathlib import Path

pattern, count, *command = sys.argv[1:]
left = int(count)


def halt(event: str, arguments: tuple) -> None:
    global left
    if event == "os.rename" and fnmatch.fnmatch(Path(os.fsdecode(arguments[1])).name, pattern):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGSTOP)


sys.addaudithook(halt)
sys.argv, sys.path[0] = command, str(Path(command[0]).parent)
runpy.run_path(command[0], run_name="__main__")
