"""The process that runs one variant of training and predicting; it times the work that speed.py asks for."""

import json
import sys
import time
from collections.abc import Callable, Iterator

import numpy as np

from ..inputs.batches import shuffled_batches
from ..inputs.tokens import SIGNATURE, Tokens
from .speed import VARIANTS, Variant

N_LABELS = 6  # as in the competition


def work(task: dict) -> None:
    """Build the variant, warm up, report its facts; then time each request from stdin until stdin is closed."""
    from ..base.tensorflow_setup import start_tensorflow

    variant = VARIANTS[task["variant"]]
    start_tensorflow(is_tuned=variant.is_tuned)
    import tensorflow as tf

    from ..models.precision import set_precision

    with np.load(task["tokens"]) as arrays:
        tokens = Tokens(arrays["flat"], arrays["offsets"])
    tf.keras.utils.set_random_seed(0)
    precision = set_precision(variant.precision)
    train, predict, model = _functions(variant, task)
    jobs = {
        "train": (train, _training_batches(variant, tokens.lengths, task["batch_size"])),
        "predict": (predict, list(_prediction_batches(variant, tokens.lengths, task["batch_size"]))),
    }

    def run(name: str, number: int, rounds: int) -> float:
        function, batches = jobs[name]
        started = time.perf_counter()
        for batch in _part(batches, tokens.lengths, number, rounds):
            function(_padded(variant, tokens, batch))
        return time.perf_counter() - started

    for name, (_, batches) in jobs.items():
        run(name, 0, max(1, len(batches) // 3))  # warms up
    facts = {"precision": precision, "padding": _padding(variant, tokens, task["batch_size"])}
    if variant.name == "ours":
        facts |= _parts(model, tokens, task["batch_size"])
    print(json.dumps(facts), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps({"seconds": run(request["work"], request["round"], request["rounds"])}), flush=True)


def _part(batches: list[np.ndarray], lengths: np.ndarray, number: int, rounds: int) -> list[np.ndarray]:
    """Return every ``rounds``-th batch by length, from ``number`` on: parts that take about the same time."""
    return sorted(batches, key=lambda rows: lengths[rows].max())[number::rounds]


def _functions(variant: Variant, task: dict):
    """Return a variant's compiled training step and forward pass, and its model."""
    import tensorflow as tf
    import tensorflow_addons as tfa

    from ..benchmarks.targets import SEVERAL_LABELS
    from ..models.dropout import replace_dropout
    from ..models.encoders import load_encoder, load_tokenizer
    from ..models.inference import forward_function
    from ..models.network import build_model
    from ..training.optimizer import make_optimizer
    from ..training.step import train_step_function

    encoder = load_encoder(task["encoder"], load_tokenizer(task["encoder"], []))
    model = build_model(
        encoder,
        SIGNATURE,
        target=SEVERAL_LABELS,
        n_labels=N_LABELS,
        pooling="mean",
        dropout=0.1,
        replace_dropout=replace_dropout if variant.fast_dropout else _keep,
    )
    if variant.fused_optimizer:
        optimizer = make_optimizer(1e-5, total_steps=10_000, warmup=0.0, decay="none")
    else:
        optimizer = tfa.optimizers.RectifiedAdam(1e-5)
    step, forward = train_step_function(model, optimizer), forward_function(model)

    def train(inputs: dict) -> None:
        labels = tf.zeros([len(inputs["attention_mask"]), N_LABELS])
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
        from ..models.inference import budgeted_batches

        return budgeted_batches(lengths)
    return iter(_training_batches(variant, lengths, batch_size))


def _padded(variant: Variant, tokens: Tokens, rows: np.ndarray) -> dict[str, np.ndarray]:
    inputs = tokens.padded(rows)
    if variant.width is None:
        return inputs
    missing = max(0, variant.width - inputs["attention_mask"].shape[1])
    return {
        name: np.pad(values, ((0, 0), (0, missing)))[:, : variant.width] for name, values in inputs.items()
    }


def _padding(variant: Variant, tokens: Tokens, batch_size: int) -> float:
    """Return the share of padding among all tokens computed in an epoch."""
    batches = _training_batches(variant, tokens.lengths, batch_size)
    computed = sum(len(batch) * (variant.width or int(tokens.lengths[batch].max())) for batch in batches)
    return 1 - np.minimum(tokens.lengths, variant.width or np.inf).sum() / computed


def _parts(model, tokens: Tokens, batch_size: int, n_batches: int = 10) -> dict:
    """Return the shares of input and optimizer in a step's time, and the share of the machine's matrix-product rate."""
    import tensorflow as tf

    from ..training.optimizer import make_optimizer
    from ..training.step import gradients_function, train_step_function

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
            labels = tf.zeros([len(rows), N_LABELS])
            timed("gradients", lambda inputs=inputs, labels=labels: float(gradients(inputs, labels)[0]))
            timed("step", lambda inputs=inputs, labels=labels: float(step(inputs, labels)))
    total = {
        name: sum(values[len(batches) :]) for name, values in seconds.items()
    }  # the first round warms up
    operations = 2 * sum(_operations(model, tokens.lengths[rows]) for rows in batches)
    return {
        "share input": total["input"] / (total["input"] + total["step"]),
        "share optimizer": 1 - total["gradients"] / total["step"],  # noise can make it negative
        "share of ceiling": operations
        / total["step"]
        / _ceiling(tf.keras.mixed_precision.global_policy().compute_dtype),
    }


def _operations(model, lengths: np.ndarray) -> float:
    """Count the floating-point operations of one training step in the encoder's matrix products, without padding.

    The forward pass takes 2 operations per parameter of a dense layer and token, and 4 · width · length² per layer for
    attention. The backward pass takes twice as many.
    """
    (encoder,) = [layer for layer in model.classify.layers if hasattr(layer, "config")]
    config = encoder.config
    dense = (
        config.num_hidden_layers
        * config.hidden_size
        * (4 * config.hidden_size + 2 * config.intermediate_size)
    )
    attention = config.num_hidden_layers * 4.0 * config.hidden_size * np.square(lengths.astype(float)).sum()
    return 3 * (2.0 * dense * lengths.sum() + attention)


def _ceiling(dtype: str, size: int = 2048, repeats: int = 8) -> float:
    """Return the operations per second of the fastest of ``repeats`` products of square matrices."""
    import tensorflow as tf

    product = tf.function(lambda matrix: tf.matmul(matrix, matrix))
    matrix = tf.ones([size, size], dtype)
    fastest = float("inf")
    for _ in range(repeats):
        started = time.perf_counter()
        product(matrix).numpy()
        fastest = min(fastest, time.perf_counter() - started)
    return 2 * size**3 / fastest


if __name__ == "__main__":
    work(json.loads(sys.argv[1]))
