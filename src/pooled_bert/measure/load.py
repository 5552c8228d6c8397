"""The service of serve.py under load: what it answers, how fast, what it refuses, and whether anything is lost.

The service runs as a command of its own. The clients run in threads of this process, on the same processor cores.
"""

import contextlib
import http.client
import json
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice

import numpy as np
import pandas as pd

from ..base.errors import InputError
from ..base.places import command

LONGEST = 120  # seconds that a client waits for an answer
IN_FLIGHT = 32  # of the service


@dataclass(frozen=True)
class Phase:
    """Clients that each send one request after the other. ``stops``: whether the service is told to stop midway."""

    clients: int
    rows: int
    stops: bool = False

    def __str__(self) -> str:
        return f"{self.clients} × {self.rows}{', SIGTERM midway' if self.stops else ''}"


PHASES = (
    Phase(1, 1),
    Phase(8, 1),
    Phase(32, 1),
    Phase(8, 16),
    Phase(2 * IN_FLIGHT, 1),
    Phase(8, 16, stops=True),
)


@dataclass
class Tally:
    """What happened to the requests of a phase: seconds of each one answered, and counts of the others."""

    seconds: list[float] = field(default_factory=list)
    refused: int = 0  # status 503: busy, or stopping
    unsent: int = 0  # no connection: the service has stopped
    lost: int = 0  # no answer, or a wrong one
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, outcome: float | str) -> None:
        """Count a request: its seconds, or the name of a count."""
        with self.lock:
            if isinstance(outcome, str):
                setattr(self, outcome, getattr(self, outcome) + 1)
            else:
                self.seconds.append(outcome)


def load_table(texts: Sequence[str], options: Sequence[str], seconds: float) -> pd.DataFrame:
    """Return one row per phase of ``seconds``; ``options``: of serve.py. Raises InputError if it cannot be started."""
    rows = {}
    with service(options) as (process, port):
        for phase in PHASES:
            tally, took = run_phase(phase, texts, process, port, seconds)
            rows[str(phase)] = summary(phase, tally, took)
    if process.returncode:
        raise InputError(f"the service ended with exit status {process.returncode}; see its message above")
    return pd.DataFrame.from_dict(rows, orient="index")


@contextlib.contextmanager
def service(options: Sequence[str]) -> Iterator[tuple[subprocess.Popen, int]]:
    """Start serve.py, yield its process and port once it answers, and stop it at the end."""
    words = [sys.executable, str(command("serve.py")), "--port", "0", "--in-flight", str(IN_FLIGHT), *options]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        address = re.match(r"http://127.0.0.1:(\d+)/", process.stdout.readline())
        if address is None:
            raise InputError("the service did not start; see its message above")
        yield process, int(address[1])
    finally:
        process.terminate()
        process.wait()


def run_phase(
    phase: Phase, texts: Sequence[str], process: subprocess.Popen, port: int, seconds: float
) -> tuple[Tally, float]:
    """Send requests for ``seconds``, wait for the answers; returns the tally, and the seconds until the last answer."""
    tally, started = Tally(), time.perf_counter()
    threads = [
        threading.Thread(target=_client, args=(phase, texts, number, port, started + seconds, tally))
        for number in range(phase.clients)
    ]
    for thread in threads:
        thread.start()
    if phase.stops:
        time.sleep(seconds / 2)
        process.send_signal(signal.SIGTERM)
    for thread in threads:
        thread.join()
    return tally, time.perf_counter() - started


def _client(phase: Phase, texts: Sequence[str], number: int, port: int, until: float, tally: Tally) -> None:
    """Send one request after the other, each of the next ``phase.rows`` texts."""
    stream = islice(cycle(texts), number * len(texts) // phase.clients, None)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LONGEST)
    while time.perf_counter() < until:
        body = json.dumps({"texts": list(islice(stream, phase.rows))})
        outcome = _send(connection, body, phase.rows)
        tally.add(outcome)
        if outcome == "unsent":
            break
        if outcome == "refused":
            time.sleep(0.1)
    connection.close()


def _send(connection: http.client.HTTPConnection, body: str, n_rows: int) -> float | str:
    """Return the seconds until the answer, or the name of a count in Tally."""
    started = time.perf_counter()
    try:
        if connection.sock is None:
            connection.connect()
    except OSError:
        return "unsent"
    try:
        connection.request("POST", "/predict", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        content = json.load(answer)
    except (OSError, http.client.HTTPException, ValueError):
        connection.close()
        return "lost"
    if answer.status == 503:
        return "refused"
    is_whole = answer.status == 200 and len(content["probabilities"]) == n_rows
    return time.perf_counter() - started if is_whole else "lost"


def summary(phase: Phase, tally: Tally, took: float) -> dict[str, float]:
    """Return rates, the median and the 95th percentile of the seconds, and the counts."""
    median, slow = np.percentile(tally.seconds, (50, 95)) if tally.seconds else (np.nan, np.nan)
    return {
        "requests/s": len(tally.seconds) / took,
        "rows/s": len(tally.seconds) * phase.rows / took,
        "p50, ms": 1000 * median,
        "p95, ms": 1000 * slow,
        "answered": len(tally.seconds),
        "refused": tally.refused,
        "lost": tally.lost,
    }
