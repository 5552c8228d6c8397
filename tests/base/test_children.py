"""Child processes end with the command that started them, however it ends."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from conftest import ROOT, VERY_LONG

from pooled_bert.base.children import Children
from pooled_bert.base.errors import INTERRUPTED_STATUS

PARENT = """
import sys, threading, time
from pooled_bert.base.children import Children
child = "import os, time; print(os.getpid(), flush=True); time.sleep(1000)"
with Children() as children:
    thread = threading.Thread(target=children.run, args=([sys.executable, "-c", child],), kwargs={"cores": set()})
    thread.start()
    time.sleep(1000)
"""


def is_running(pid):
    """Whether a process runs; one that has ended, but was not waited for, does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends the children of a killed process")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_child_ends_with_a_parent_that_is_killed(number):
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    # whoever runs the tests under nohup ignores SIGHUP, and a child would inherit that
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    parent = subprocess.Popen([sys.executable, "-c", PARENT], env=environment, **pipes)
    signal.signal(signal.SIGHUP, before)
    try:
        child = int(parent.stdout.readline())
        assert is_running(child)
        parent.send_signal(number)
        parent.wait()
        limit = time.monotonic() + VERY_LONG
        while is_running(child) and time.monotonic() < limit:
            time.sleep(0.01)
        assert not is_running(child)
    finally:
        parent.kill()
        parent.communicate()


def test_child_ends_with_its_block_and_no_other_is_started_then():
    statuses, command = [], [sys.executable, "-c", "import time; time.sleep(1000)"]
    with Children() as children:
        thread = threading.Thread(target=lambda: statuses.append(children.run(command, cores=set())))
        thread.start()
        limit = time.monotonic() + VERY_LONG
        while not children._running and time.monotonic() < limit:
            time.sleep(0.01)
    thread.join()
    assert statuses == [-signal.SIGTERM]
    assert children.run(command, cores=set()) == INTERRUPTED_STATUS


def test_status_of_a_child_is_returned():
    with Children() as children:
        assert children.run([sys.executable, "-c", "raise SystemExit(7)"], cores=set()) == 7
