"""How long somebody who types a text waits: from the command to its first answer, each time in a new process."""

import re
import resource
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from ..base.errors import InputError
from ..base.places import CHECKOUT

TEXT = "What a lovely day"
LOADING = """
import sys, time
sys.path.insert(0, {source!r})
from pooled_bert.predict.predictor import load_predictor
started = time.perf_counter()
load_predictor({folder!r}, precision={precision!r}).predict_proba([{text!r}])
print(time.perf_counter() - started)
"""


def waiting_times(run_folder: Path, options: list[str], rounds: int) -> dict[str, list[float]]:
    """Return the seconds of each round, by what is waited for. The rounds of all are timed in turn.

    options : of predict.py and play.py, which name the run.
    """
    ways: dict[str, Callable[[], float]] = {
        "predict.py TEXT": lambda: _predict(options),
        "load_predictor, first text": lambda: _load(run_folder, None),
        "load_predictor, first text, in TensorFlow (bfloat16)": lambda: _load(run_folder, "bfloat16"),
        "play.py, until it answers": lambda: _play(options),
    }
    times: dict[str, list[float]] = {way: [] for way in ways}
    for way in ways.values():
        way()  # files into the cache
    for _ in range(rounds):
        for name, way in ways.items():
            times[name].append(way())
    return times


def largest_memory() -> float:
    """Return the most memory, in MB, that one process started by this one has used."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000


def _predict(options: list[str]) -> float:
    started = time.perf_counter()
    _checked([sys.executable, str(CHECKOUT / "src/predict.py"), *options, TEXT])
    return time.perf_counter() - started


def _load(run_folder: Path, precision: str | None) -> float:
    program = LOADING.format(
        source=str(CHECKOUT / "src"), folder=str(run_folder), precision=precision, text=TEXT
    )
    return float(_checked([sys.executable, "-c", program]).split()[-1])


def _play(options: list[str]) -> float:
    started = time.perf_counter()
    command = [sys.executable, str(CHECKOUT / "src/play.py"), *options, "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        try:
            found = re.search(r"http\S+", server.stdout.readline() if server.stdout else "")
            if not found:
                raise InputError(f"play.py did not start: {server.stderr and server.stderr.read()}")
            with urllib.request.urlopen(f"{found[0]}about") as answer:
                answer.read()
            return time.perf_counter() - started
        finally:
            server.terminate()


def _checked(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise InputError(f"{Path(command[1]).name}: {done.stderr.strip()[-500:]}")
    return done.stdout
