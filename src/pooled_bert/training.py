"""Train the pooled BERT on one fold."""

import math
from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from .encoders import load_encoder, load_tokenizer
from .errors import InputError
from .inference import predict
from .metrics import accuracy, column_auc, log_loss, mean_auc
from .model import Classifier, build_model
from .optimizer import make_optimizer, set_precision
from .problem import Outcome, Problem
from .progress import progress_bar
from .settings import BertSettings
from .tokens import Tokens, encode, shuffled_batches


def fit(problem: Problem, settings: BertSettings) -> Outcome:
    """Fine-tune on the fold's training rows; predict its validation rows and the test rows."""
    tf.keras.backend.clear_session()
    tf.keras.utils.set_random_seed(problem.seed)
    precision = set_precision(settings.precision)
    classifier = _new_classifier(problem, settings)
    tokens, test_tokens = (
        encode(
            texts,
            classifier.tokenizer,
            max_length=settings.max_length,
            truncation=settings.truncation,
            cache=problem.cache,
        )
        for texts in (problem.texts, problem.test)
    )
    history, oof = train(classifier.model, tokens, problem, settings)
    return Outcome(
        oof=oof,
        test=predict(classifier.model, test_tokens, progress=f"{problem.title}, test rows"),
        save_model=classifier.save,
        history=history,
        information={
            "precision": precision,
            "devices": sorted({d.device_type for d in tf.config.list_logical_devices()}),
        },
        optimistic=settings.keep == "best",
    )


def _new_classifier(problem: Problem, settings: BertSettings) -> Classifier:
    tokenizer = load_tokenizer(settings.encoder, problem.texts)
    encoder = load_encoder(settings.encoder, tokenizer)
    head = {
        "labels": list(problem.label_names),
        "pooling": settings.pooling,
        "dropout": settings.dropout,
        "max_length": settings.max_length,
        "truncation": settings.truncation,
    }
    model = build_model(
        encoder, n_labels=len(problem.label_names), pooling=settings.pooling, dropout=settings.dropout
    )
    return Classifier(model, encoder, tokenizer, head)


def train(
    model: tf.keras.Model, tokens: Tokens, problem: Problem, settings: BertSettings
) -> tuple[list[dict], np.ndarray]:
    """Train in place; return the history and the validation rows' probabilities by the weights kept."""
    train_tokens, train_labels = tokens.take(problem.train), problem.labels[problem.train].astype(np.float32)
    valid_tokens, valid_labels = tokens.take(problem.valid), problem.labels[problem.valid]
    steps = math.ceil(len(train_tokens) / settings.batch_size)
    step = train_step_function(
        model,
        make_optimizer(
            settings.learning_rate,
            total_steps=steps * settings.epochs,
            warmup=settings.warmup,
            decay=settings.decay,
        ),
    )
    history, best, best_auc = [], None, -math.inf
    with progress_bar(total=steps * settings.epochs, unit=" steps") as bar:
        for epoch in range(1, settings.epochs + 1):
            bar.set_description(f"{problem.title}, epoch {epoch}/{settings.epochs}")
            order = shuffled_batches(
                train_tokens.lengths, settings.batch_size, seed=problem.seed, epoch=epoch
            )
            loss = _train_epoch(step, _dataset(train_tokens, train_labels, order), bar)
            oof = predict(model, valid_tokens)
            history.append(_epoch_record(epoch, loss, valid_labels, oof, problem.label_names))
            auc = history[-1]["mean_auc"]
            bar.write(epoch_line(problem.title, history[-1], problem.label_names))
            if settings.keep == "best" and (best is None or auc > best_auc):
                best, best_auc = (model.get_weights(), oof), auc
    if best is not None:
        weights, oof = best
        model.set_weights(weights)
    return history, oof


def _train_epoch(step: Callable, batches: tf.data.Dataset, bar: tqdm) -> float:
    """One pass; returns the mean training loss over rows."""
    total = rows = 0.0
    for inputs, labels in batches:
        loss = float(step(inputs, labels))
        if not math.isfinite(loss):
            raise InputError(
                "the loss is no longer a number; lower --learning-rate or take --precision float32"
            )
        total, rows = total + loss * len(labels), rows + len(labels)
        bar.set_postfix(loss=f"{total / rows:.4f}", refresh=False)
        bar.update()
    return total / rows


def train_step_function(model: tf.keras.Model, optimizer: tf.keras.optimizers.legacy.Optimizer) -> Callable:
    """Compiled step(inputs, labels float32 [batch, n_labels]) -> loss; one trace serves every width."""
    inputs = {name: tf.TensorSpec([None, None], tf.int32, name) for name in model.input_names}
    labels = tf.TensorSpec([None, model.output_shape[-1]], tf.float32, "labels")
    scaled = isinstance(optimizer, tf.keras.mixed_precision.LossScaleOptimizer)

    @tf.function(input_signature=[inputs, labels])
    def train_step(inputs, labels):
        with tf.GradientTape() as tape:
            loss = masked_cross_entropy(labels, model(inputs, training=True))
            objective = optimizer.get_scaled_loss(loss) if scaled else loss
        gradients = tape.gradient(objective, model.trainable_variables)
        if scaled:
            gradients = optimizer.get_unscaled_gradients(gradients)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return loss

    return train_step


def masked_cross_entropy(labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Mean binary cross-entropy, float32 scalar, over labelled cells; 0 when a batch has none.

    labels : float32 [batch, n_labels], 0, 1 or NaN (not labelled).  logits : float32 [batch, n_labels].
    """
    known = tf.logical_not(tf.math.is_nan(labels))
    cells = tf.nn.sigmoid_cross_entropy_with_logits(tf.where(known, labels, 0.0), logits)
    mask = tf.cast(known, tf.float32)
    return tf.reduce_sum(cells * mask) / tf.maximum(tf.reduce_sum(mask), 1.0)


def _dataset(tokens: Tokens, labels: np.ndarray, order: list[np.ndarray]) -> tf.data.Dataset:
    """Padded batches in the order given, prepared while the step before them runs."""

    def batches() -> Iterator:
        for rows in order:
            yield tokens.padded(rows), labels[rows]

    inputs = {
        name: tf.TensorSpec([None, None], tf.int32)
        for name in ("input_ids", "token_type_ids", "attention_mask")
    }
    signature = (inputs, tf.TensorSpec([None, labels.shape[1]], tf.float32))
    return tf.data.Dataset.from_generator(batches, output_signature=signature).prefetch(2)


def _epoch_record(
    epoch: int, loss: float, labels: np.ndarray, scores: np.ndarray, names: tuple[str, ...]
) -> dict:
    aucs = column_auc(labels, scores)
    return {
        "epoch": epoch,
        "loss": loss,
        "mean_auc": mean_auc(aucs),
        "accuracy": accuracy(labels, scores),
        "log_loss": log_loss(labels, scores),
        **{f"auc_{name}": auc for name, auc in zip(names, aucs.tolist(), strict=True)},
    }


def epoch_line(title: str, record: dict, names: tuple[str, ...]) -> str:
    """What is printed after an epoch."""
    aucs = {name: record[f"auc_{name}"] for name in names}
    parts = [
        f"{name} {'one class only' if math.isnan(auc) else format(auc, '.4f')}" for name, auc in aucs.items()
    ]
    return (
        f"{title}, epoch {record['epoch']}: loss {record['loss']:.4f}, validation AUC {record['mean_auc']:.4f}"
        f" ({', '.join(parts)}), accuracy {record['accuracy']:.4f}"
    )
