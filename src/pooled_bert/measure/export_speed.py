"""ONNX Runtime against TensorFlow, timed in turn on the same batches."""

import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from ..models.classifier import Classifier
from ..models.inference import forward_function
from ..predict.export import made_up, onnx_session, run_onnx

ROWS, WIDTH, ROUNDS, CALLS = (8, 32), 128, 7, 4


def speed_lines(classifier: Classifier, path: Path, threads: int) -> Iterator[str]:
    """A line for each number of rows: both rates, and their ratio; medians over rounds, ratios paired by round.

    ``path`` is the exported ONNX file.  threads : of each; TensorFlow has been started with as many.
    """
    forward, session = forward_function(classifier.model), onnx_session(path, threads)
    width = min(WIDTH, classifier.head["max_length"])
    for n_rows in ROWS:
        batch = made_up(classifier, n_rows, width)
        ours, theirs = [], []
        for _ in range(ROUNDS + 1):
            ours.append(n_rows / _seconds(lambda batch=batch: forward(batch).numpy()))
            theirs.append(n_rows / _seconds(lambda batch=batch: run_onnx(session, batch)))
        del ours[0], theirs[0]  # the first warms up
        ratio = statistics.median(there / here for here, there in zip(ours, theirs, strict=True))
        yield (
            f"{n_rows} x {width} tokens: ONNX Runtime {statistics.median(theirs):.1f} rows/s,"
            f" TensorFlow {statistics.median(ours):.1f}, ratio {ratio:.2f}"
        )


def _seconds(call: Callable) -> float:
    """A call's time, over some calls."""
    started = time.perf_counter()
    for _ in range(CALLS):
        call()
    return (time.perf_counter() - started) / CALLS
