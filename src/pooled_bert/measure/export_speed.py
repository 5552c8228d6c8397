"""Speed of ONNX Runtime compared with TensorFlow, timed alternately on the same batches."""

import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from ..models.classifier import Classifier
from ..models.inference import forward_function
from ..predict.export import made_up, onnx_session, run_onnx

ROWS, WIDTH, ROUNDS, CALLS = (8, 32), 128, 7, 4


def speed_lines(classifier: Classifier, path: Path, threads: int) -> Iterator[str]:
    """Yield one line per number of rows: both rates and their ratio (medians over rounds; one ratio per round).

    path : the exported ONNX file.  threads : for ONNX Runtime; TensorFlow must have been started with the same number.
    """
    forward, session = forward_function(classifier.model), onnx_session(path, threads)
    width = min(WIDTH, classifier.head["max_length"])
    for n_rows in ROWS:
        batch = made_up(classifier, n_rows, width)
        tensorflow_rates, onnx_rates = [], []
        for _ in range(ROUNDS + 1):
            tensorflow_rates.append(n_rows / _seconds(lambda batch=batch: forward(batch).numpy()))
            onnx_rates.append(n_rows / _seconds(lambda batch=batch: run_onnx(session, batch)))
        del tensorflow_rates[0], onnx_rates[0]  # the first round warms up
        ratios = [onnx / tensorflow for onnx, tensorflow in zip(onnx_rates, tensorflow_rates, strict=True)]
        yield (
            f"{n_rows} x {width} tokens: ONNX Runtime {statistics.median(onnx_rates):.1f} rows/s,"
            f" TensorFlow {statistics.median(tensorflow_rates):.1f}, ratio {statistics.median(ratios):.2f}"
        )


def _seconds(call: Callable) -> float:
    """Measure the mean time of a call over CALLS calls."""
    started = time.perf_counter()
    for _ in range(CALLS):
        call()
    return (time.perf_counter() - started) / CALLS
