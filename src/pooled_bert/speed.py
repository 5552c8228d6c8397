"""Variants of training and prediction, each in a process of its own, timed in turn on the same rows."""

import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .errors import InputError
from .files import atomic_path
from .settings import BertSettings
from .tokens import Tokens, prediction_batches, shuffled_batches

COMMAND = Path(__file__).resolve().parent.parent / "measure_speed.py"
WORK = ("train", "predict")
PEERS = COMMAND.parent.parent / "tests" / "peers"


@dataclass(frozen=True)
class Variant:
    """One way of doing the same work. ``width``: pad to that many tokens; None: to the longest of the batch."""

    name: str
    title: str
    width: int | None = None
    is_sorted: bool = True  # batches of similar length; prediction by a budget of tokens
    fused_optimizer: bool = True
    fast_dropout: bool = True
    is_tuned: bool = True  # the process: allocator and kernels, see runtime.py
    environment: dict = field(default_factory=dict)
    precision: str = "auto"
    peer: str | None = None  # a script under tests/peers, run by the interpreter given for them
    options: dict = field(default_factory=dict)  # of the peer


VARIANTS = {
    variant.name: variant
    for variant in (
        Variant("ours", "everything on"),
        *(
            Variant(
                f"article-{width}",
                f"the article's way: padded to {width}, plain optimizer, float32",
                width=width,
                is_sorted=False,
                fused_optimizer=False,
                fast_dropout=False,
                is_tuned=False,
                precision="float32",
            )
            for width in (128, 256)
        ),
        Variant("unsorted", "batches in random order, padded to their longest", is_sorted=False),
        Variant("plain-optimizer", "tfa.optimizers.RectifiedAdam as it is", fused_optimizer=False),
        Variant("keras-dropout", "Keras' dropout, 32 random bits a value", fast_dropout=False),
        Variant(
            "no-memory-pool", "buffers from the C library", environment={"TF_CPU_ALLOCATOR_USE_BFC": "false"}
        ),
        Variant("no-onednn", "TensorFlow's own kernels", environment={"TF_ENABLE_ONEDNN_OPTS": "0"}),
        Variant("float32", "everything on, in float32", precision="float32"),
        Variant("bfloat16", "everything on, in bfloat16", precision="bfloat16"),
        *(
            Variant(
                f"trainer{'-bf16' if bf16 else ''}{'' if is_sorted else '-unsorted'}",
                f"Hugging Face Trainer, grouped by length; prediction {'by' if is_sorted else 'whatever the'} length",
                peer="trainer.py",
                options={"bf16": bf16, "sorted": is_sorted},
            )
            for bf16 in (False, True)
            for is_sorted in (True, False)
        ),
    )
}


@dataclass
class Timing:
    """Seconds that a variant took, a value a round, and those of the base beside it."""

    variant: Variant
    facts: dict  # padding, precision, and for ours the parts of a step
    seconds: dict[str, list[float]] = field(default_factory=lambda: {work: [] for work in WORK})
    base: dict[str, list[float]] = field(default_factory=lambda: {work: [] for work in WORK})


def measure(
    names: list[str],
    tokens: Tokens,
    *,
    settings: BertSettings,
    folder: Path,
    rows: int,
    rounds: int,
    peer: Path | None,
) -> tuple[list[Timing], list[int]]:
    """Time each variant in turn with the first one, the base: in every round both train on, and predict, the same rows.

    Two processes live at a time. Returns the timings, and the number of real tokens in each round of ``rows`` rows.
    """
    path = folder / "tokens.npz"
    np.savez(path, flat=tokens.flat, offsets=tokens.offsets)
    order = np.random.default_rng(0).permutation(len(tokens))
    chosen = [order[number * rows : (number + 1) * rows] for number in range(rounds)]
    timings = []
    with _Worker(VARIANTS[names[0]], path, settings, peer) as base:
        for name in names:
            if name == names[0]:
                timings.append(_compare(base, base, chosen))
            else:
                with _Worker(VARIANTS[name], path, settings, peer) as worker:
                    timings.append(_compare(base, worker, chosen))
    return timings, [int(tokens.lengths[part].sum()) for part in chosen]


def _compare(base: "_Worker", worker: "_Worker", chosen: list[np.ndarray]) -> Timing:
    timing = Timing(worker.variant, worker.facts)
    for number, part in enumerate(chosen, start=1):
        for work in WORK:
            timing.base[work].append(base.seconds(work, part))
            timing.seconds[work].append(worker.seconds(work, part))
        told = ", ".join(
            f"{work} {timing.seconds[work][-1]:.1f} s ({timing.base[work][-1]:.1f} s)" for work in WORK
        )
        print(f"{worker.variant.name}, round {number}/{len(chosen)}: {told}", file=sys.stderr, flush=True)
    return timing


def table(timings: list[Timing], real_tokens: list[int], rows: int) -> list[dict]:
    """Medians over rounds: rates, and time as a multiple of the base's, paired by round."""
    records = []
    for timing in timings:
        record = {"variant": timing.variant.name, "what": timing.variant.title, **timing.facts}
        for work in WORK:
            seconds = timing.seconds[work]
            ratios = [mine / base for mine, base in zip(seconds, timing.base[work], strict=True)]
            rates = [tokens / second for tokens, second in zip(real_tokens, seconds, strict=True)]
            record |= {
                f"{work} examples/s": rows / statistics.median(seconds),
                f"{work} tokens/s": statistics.median(rates),
                f"{work} time": statistics.median(ratios),
                f"{work} seconds": seconds,
            }
        records.append(record)
    return records


class _Worker:
    """A process that holds one variant's model and works when it is told to."""

    def __init__(self, variant: Variant, tokens: Path, settings: BertSettings, peer: Path | None):
        self.variant = variant
        task = {
            "variant": variant.name,
            "tokens": str(tokens),
            "encoder": settings.encoder,
            "batch_size": settings.batch_size,
            **variant.options,
        }
        if variant.peer is None:
            command = [sys.executable, str(COMMAND), "--worker", json.dumps(task)]
        elif peer is None:
            raise InputError(
                f"{variant.name}: needs --peer, the Python of an environment with tests/peers/requirements.txt"
            )
        else:
            command = [str(peer), str(PEERS / variant.peer), json.dumps(task)]
        print(f"{variant.name}: building", file=sys.stderr, flush=True)
        tuned = (
            "TF_CPU_ALLOCATOR_USE_BFC",
            "TF_ENABLE_ONEDNN_OPTS",
        )  # set by the caller's own start of TensorFlow
        environment = {
            name: value for name, value in os.environ.items() if name not in tuned
        } | variant.environment
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        self.facts = self._answer()

    def seconds(self, work: str, rows: np.ndarray) -> float:
        """How long ``train`` or ``predict`` took on these rows."""
        with contextlib.suppress(BrokenPipeError):  # then there is no answer either
            self.process.stdin.write(json.dumps({"work": work, "rows": rows.tolist()}) + "\n")
            self.process.stdin.flush()
        return self._answer()["seconds"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def _answer(self) -> dict:
        line = self.process.stdout.readline()
        if not line:
            raise InputError(
                f"the worker of {self.variant.name} ended with status {self.process.wait()}; see above"
            )
        return json.loads(line)


def work(task: dict) -> None:
    """A worker's life: build, warm up, tell the facts, then time what stdin asks for until it closes."""
    from .runtime import start_tensorflow

    variant = VARIANTS[task["variant"]]
    start_tensorflow(is_tuned=variant.is_tuned)
    import tensorflow as tf

    from .optimizer import set_precision

    with np.load(task["tokens"]) as arrays:
        tokens = Tokens(arrays["flat"], arrays["offsets"])
    tf.keras.utils.set_random_seed(0)
    precision = set_precision(variant.precision)
    train, predict, model = _functions(variant, task)
    jobs = {
        "train": (train, lambda chosen: _training_batches(variant, chosen.lengths, task["batch_size"])),
        "predict": (predict, lambda chosen: _prediction_batches(variant, chosen.lengths, task["batch_size"])),
    }

    def run(name: str, rows: np.ndarray) -> float:
        chosen = tokens.take(rows)
        function, batches = jobs[name]
        started = time.perf_counter()
        for batch in batches(chosen):
            function(_padded(variant, chosen, batch))
        return time.perf_counter() - started

    warm = np.arange(min(4 * task["batch_size"], len(tokens)))
    for name in jobs:
        run(name, warm)
    facts = {"precision": precision, "padding": _padding(variant, tokens, task["batch_size"])}
    if variant.name == "ours":
        facts |= _parts(model, tokens, task["batch_size"])
    print(json.dumps(facts), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps({"seconds": run(request["work"], np.array(request["rows"]))}), flush=True)


def _functions(variant: Variant, task: dict):
    """The compiled training step and forward pass of a variant, and its model."""
    from unittest import mock

    import tensorflow as tf
    import tensorflow_addons as tfa

    from . import model as models
    from .encoders import load_encoder, load_tokenizer
    from .inference import forward_function
    from .optimizer import make_optimizer
    from .steps import train_step_function

    encoder = load_encoder(task["encoder"], load_tokenizer(task["encoder"], []))
    with mock.patch.object(
        models, "_replace_dropout", models._replace_dropout if variant.fast_dropout else _keep
    ):
        model = models.build_model(encoder, n_labels=6, pooling="mean", dropout=0.1)
    if variant.fused_optimizer:
        optimizer = make_optimizer(1e-5, total_steps=10_000, warmup=0.0, decay="none")
    else:
        optimizer = tfa.optimizers.RectifiedAdam(1e-5)
    step, forward = train_step_function(model, optimizer), forward_function(model)

    def train(inputs: dict) -> None:
        labels = tf.zeros([len(inputs["input_ids"]), 6])
        float(step(inputs, labels))

    def predict(inputs: dict) -> None:
        forward(inputs).numpy()

    return train, predict, model


def _keep(*_) -> int:
    return 0


def _training_batches(variant: Variant, lengths: np.ndarray, batch_size: int) -> list[np.ndarray]:
    if variant.is_sorted:
        return shuffled_batches(lengths, batch_size, seed=0, epoch=1)
    order = np.random.default_rng(0).permutation(len(lengths))
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]


def _prediction_batches(variant: Variant, lengths: np.ndarray, batch_size: int) -> Iterator[np.ndarray]:
    if variant.is_sorted:
        return prediction_batches(lengths)
    return iter(_training_batches(variant, lengths, batch_size))


def _padded(variant: Variant, tokens: Tokens, rows: np.ndarray) -> dict[str, np.ndarray]:
    inputs = tokens.padded(rows)
    if variant.width is None:
        return inputs
    missing = max(0, variant.width - inputs["input_ids"].shape[1])
    return {
        name: np.pad(values, ((0, 0), (0, missing)))[:, : variant.width] for name, values in inputs.items()
    }


def _padding(variant: Variant, tokens: Tokens, batch_size: int) -> float:
    """The share of padding among all tokens computed in an epoch."""
    batches = _training_batches(variant, tokens.lengths, batch_size)
    computed = sum(len(batch) * (variant.width or int(tokens.lengths[batch].max())) for batch in batches)
    return 1 - np.minimum(tokens.lengths, variant.width or np.inf).sum() / computed


def _parts(model, tokens: Tokens, batch_size: int, n_batches: int = 10) -> dict:
    """Shares of a training step's time, and of the machine's matrix-product ceiling that it reaches."""
    import tensorflow as tf

    from .optimizer import make_optimizer
    from .steps import gradients_function, train_step_function

    batches = shuffled_batches(tokens.lengths, batch_size, seed=0, epoch=1)
    batches = sorted(batches, key=lambda rows: tokens.lengths[rows].max())[
        :: max(1, len(batches) // n_batches)
    ]
    optimizer = make_optimizer(1e-5, total_steps=10_000, warmup=0.0, decay="none")
    step, gradients = train_step_function(model, optimizer), gradients_function(model, optimizer)
    seconds = {"input": [], "gradients": [], "step": []}

    def timed(name: str, function: Callable):
        started = time.perf_counter()
        result = function()
        seconds[name].append(time.perf_counter() - started)
        return result

    for _ in range(3):
        for rows in batches:
            inputs = timed("input", lambda rows=rows: tokens.padded(rows))
            labels = tf.zeros([len(rows), 6])
            timed("gradients", lambda inputs=inputs, labels=labels: float(gradients(inputs, labels)[0]))
            timed("step", lambda inputs=inputs, labels=labels: float(step(inputs, labels)))
    total = {
        name: sum(values[len(batches) :]) for name, values in seconds.items()
    }  # the first round warms up
    operations = 2 * sum(_operations(model, tokens.lengths[rows]) for rows in batches)
    return {
        "share input": total["input"] / (total["input"] + total["step"]),
        "share optimizer": max(0.0, 1 - total["gradients"] / total["step"]),
        "share of ceiling": operations
        / total["step"]
        / _ceiling(tf.keras.mixed_precision.global_policy().compute_dtype),
    }


def _operations(model, lengths: np.ndarray) -> float:
    """Floating-point operations of one training step in the matrix products of the encoder, padding left out.

    Two for each parameter of a dense layer and token, and 4 · width · length² a layer for attention, forward;
    twice that backward.
    """
    (encoder,) = [layer for layer in model.layers if hasattr(layer, "config")]
    config = encoder.config
    dense = (
        config.num_hidden_layers
        * config.hidden_size
        * (4 * config.hidden_size + 2 * config.intermediate_size)
    )
    attention = config.num_hidden_layers * 4.0 * config.hidden_size * np.square(lengths.astype(float)).sum()
    return 3 * (2.0 * dense * lengths.sum() + attention)


def _ceiling(dtype: str, size: int = 2048, repeats: int = 8) -> float:
    """Operations a second of the fastest of some products of square matrices."""
    import tensorflow as tf

    product = tf.function(lambda matrix: tf.matmul(matrix, matrix))
    matrix = tf.ones([size, size], dtype)
    fastest = float("inf")
    for _ in range(repeats):
        started = time.perf_counter()
        product(matrix).numpy()
        fastest = min(fastest, time.perf_counter() - started)
    return 2 * size**3 / fastest


def plot(records: list[dict], path: Path) -> None:
    """Bars of examples a second, training and prediction beside each other."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 0.45 * len(records) + 1), layout="constrained")
    names = [record["variant"] for record in records][::-1]
    for axes, work in zip(figure.subplots(1, 2, sharey=True), WORK, strict=True):
        bars = axes.barh(names, [record[f"{work} examples/s"] for record in records][::-1])
        axes.bar_label(bars, fmt="%.1f", padding=3)
        axes.margins(x=0.15)
        axes.set_title(f"{work}, examples/s")
        axes.spines[["top", "right"]].set_visible(False)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=150)
