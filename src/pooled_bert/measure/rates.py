"""Rows per second of whatever can compute a fold's model, in turn on the same batches: the engine, TensorFlow, others.

Each way gets all cores: the engine as ``predict.py`` uses it, TensorFlow and the ONNX file as they choose, OpenVINO in
its throughput mode, which computes several batches at a time, too.
"""

import importlib.util
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ..inputs.tokens import Tokens
from ..models.fold_model import FoldModel
from ..models.inference import forward_function
from ..models.prediction import predict_all
from ..predict.export import onnx_session, run_onnx

N_BATCHES = 8
TOKENS = 1024  # per batch


def batches_of(width: int, n_pieces: int) -> tuple[Tokens, list[np.ndarray]]:
    """Return made-up rows of ``width`` tokens out of ``n_pieces`` word pieces, and the rows of each batch."""
    n_rows = max(1, TOKENS // width)
    ids = np.random.default_rng(width).integers(n_pieces, size=N_BATCHES * n_rows * width, dtype=np.int32)
    tokens = Tokens(ids, np.arange(N_BATCHES * n_rows + 1) * width)
    return tokens, np.split(np.arange(N_BATCHES * n_rows), N_BATCHES)


def ways_to_compute(model: FoldModel, onnx_file: Path | None) -> dict[str, Callable[[Tokens, list], object]]:
    """Return the functions that compute all batches, by name; those of the exported file only if it is given."""
    forward = forward_function(model.network())
    n_labels = len(model.head["labels"])
    ways: dict[str, Callable[[Tokens, list], object]] = {
        "this project": lambda tokens, _: predict_all(
            [model.forward], tokens, model.target, n_labels, model.device
        ),
        "TensorFlow": lambda tokens, batches: [forward(tokens.padded(rows)).numpy() for rows in batches],
    }
    if onnx_file:
        session = onnx_session(onnx_file)
        ways["ONNX Runtime, the exported file"] = lambda tokens, batches: [
            run_onnx(session, tokens.padded(rows)) for rows in batches
        ]
    if onnx_file and importlib.util.find_spec("openvino"):
        ways["OpenVINO, the exported file"] = _openvino(onnx_file)
    return ways


def rates(
    ways: dict[str, Callable[[Tokens, list], object]],
    tokens: Tokens,
    batches: Sequence[np.ndarray],
    rounds: int,
) -> dict[str, float]:
    """Return the rows per second of each way: the median of rounds, each of which has all ways in turn."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, compute in ways.items():
            started = time.perf_counter()
            compute(tokens, list(batches))
            if number:  # the first round warms up
                seconds[name].append(time.perf_counter() - started)
    return {name: len(tokens) / statistics.median(each) for name, each in seconds.items()}


def _openvino(path: Path) -> Callable[[Tokens, list], object]:
    """Return OpenVINO's computation in float32; the package is not among the project's."""
    import openvino  # pyright: ignore[reportMissingImports]

    settings = {"PERFORMANCE_HINT": "THROUGHPUT", "INFERENCE_PRECISION_HINT": "f32"}
    queue = openvino.AsyncInferQueue(openvino.Core().compile_model(path, "CPU", settings))

    def compute(tokens: Tokens, batches: list) -> None:
        for rows in batches:
            queue.start_async(tokens.padded(rows))
        queue.wait_all()

    return compute
