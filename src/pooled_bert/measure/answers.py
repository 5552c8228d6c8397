"""How long somebody who types a text waits: for the first answer, and for explanations; each in a new process."""

import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..base.errors import InputError
from ..base.places import SOURCE, command
from ..runs.fold_files import finished_folds

TEXT = "What a lovely day"
LOADING = """
import sys, time
sys.path.insert(0, {source!r})
from pooled_bert.predict.predictor import load_predictor
started = time.perf_counter()
load_predictor({folder!r}, precision={precision!r}).predict_proba([{text!r}])
print(time.perf_counter() - started)
"""
WORDS = 100
EXPLAINING = """
import sys, time
sys.path.insert(0, {source!r})
from pooled_bert.predict.predictor import load_predictor
predictor = load_predictor({folder!r}, [{fold}])
text = " ".join([{text!r}] * ({words} // len({text!r}.split())))
for _ in range(2):  # the first one, by gradients, waits for TensorFlow
    started = time.perf_counter()
    predictor.explain(text, {method!r})
print(time.perf_counter() - started)
"""


@dataclass(frozen=True)
class Wait:
    """A wait in one process: seconds, and the most memory that the process used, in MB."""

    seconds: float
    memory: float


def waits(run_folder: Path, options: list[str], rounds: int) -> dict[str, list[Wait]]:
    """Return the waits of each round, by what is waited for. Each round has all of them in turn.

    options : of predict.py and play.py, which name the run.
    """
    ways: dict[str, Callable[[], Wait]] = {
        "predict.py TEXT": lambda: _predict(options),
        "load_predictor and a text": lambda: _load(run_folder, None),
        "the same in TensorFlow (bfloat16)": lambda: _load(run_folder, "bfloat16"),
        "play.py, until it answers": lambda: _play(options),
        f"{WORDS} words by occlusion, one fold": lambda: _explain(run_folder, "occlusion"),
        f"{WORDS} words by gradients, one fold": lambda: _explain(run_folder, "gradients"),
    }
    times: dict[str, list[Wait]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, way in ways.items():
            wait = way()
            if number:  # the first round brings the files into the cache
                times[name].append(wait)
    return times


def _predict(options: list[str]) -> Wait:
    started = time.perf_counter()
    _, memory = _run([sys.executable, str(command("predict.py")), *options, TEXT])
    return Wait(time.perf_counter() - started, memory)


def _load(run_folder: Path, precision: str | None) -> Wait:
    program = LOADING.format(source=str(SOURCE), folder=str(run_folder), precision=precision, text=TEXT)
    printed, memory = _run([sys.executable, "-c", program])
    return Wait(float(printed.split()[-1]), memory)


def _explain(run_folder: Path, method: str) -> Wait:
    program = EXPLAINING.format(
        source=str(SOURCE),
        folder=str(run_folder),
        fold=finished_folds(run_folder)[0],
        text=TEXT,
        words=WORDS,
        method=method,
    )
    printed, memory = _run([sys.executable, "-c", program])
    return Wait(float(printed.split()[-1]), memory)


def _play(options: list[str]) -> Wait:
    started = time.perf_counter()
    words = [sys.executable, str(command("play.py")), *options, "--port", "0"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        found = re.search(r"http\S+/", server.stdout.readline())
        if not found:
            raise InputError("play.py did not start; its reason is above")
        with urllib.request.urlopen(f"{found[0]}about") as answer:
            answer.read()
        seconds = time.perf_counter() - started
        server.terminate()
        return Wait(seconds, _memory(server))


def _run(words: list[str]) -> tuple[str, float]:
    """Return what a command prints, and the memory that it used; raises InputError if it fails."""
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout
        printed = process.stdout.read()
        memory = _memory(process)
    if process.returncode:
        raise InputError(
            f"{Path(words[1]).name}: ended with exit status {process.returncode}; run it by hand"
        )
    return printed, memory


def _memory(process: subprocess.Popen) -> float:
    """Wait for the end of a process; return the most memory that it used, in MB."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_maxrss / 1000
