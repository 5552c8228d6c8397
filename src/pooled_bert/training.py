"""Train a neural classifier on one fold, from its beginning or from where a killed process left it."""

import contextlib
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import tensorflow as tf

from .averaging import WeightAverage
from .blstm import make_blstm
from .distribution import full, make_strategy, told_clearly
from .encoders import load_encoder, load_tokenizer
from .errors import InputError
from .inference import predict
from .metrics import accuracy, column_auc, log_loss, mean_auc
from .model import Classifier, build_model
from .optimizer import make_optimizer, optimizer_variables, set_precision
from .problem import Outcome, Problem
from .progress import progress_bar
from .settings import BertSettings, BlstmSettings, NeuralSettings
from .steps import Objective, train_step_function
from .tokens import shuffled_batches, width_multiple


def fit(problem: Problem, settings: NeuralSettings) -> Outcome:
    """Fine-tune on the fold's training rows; predict its validation rows and the test rows."""
    strategy = make_strategy(settings.strategy)
    tf.keras.backend.clear_session()
    tf.keras.utils.set_random_seed(problem.seed)
    with strategy.scope(), told_clearly(settings.strategy):
        return _fit(problem, settings)


def _fit(problem: Problem, settings: NeuralSettings) -> Outcome:
    precision = set_precision(settings.precision)
    strategy = tf.distribute.get_strategy()
    classifier = _new_classifier(problem, settings)
    test_tokens = classifier.encode_to_predict(problem.test, cache=problem.cache)
    training = Training(classifier, problem, settings)
    oof = training.run()
    title = f"{problem.title}, test rows"
    return Outcome(
        oof=oof,
        test=predict(classifier.model, test_tokens, progress=title, deadline=problem.deadline),
        save_model=classifier.save,
        history=training.state.history,
        information={
            "precision": precision,
            "devices": sorted({d.device_type for d in tf.config.list_logical_devices()}),
            "replicas": strategy.num_replicas_in_sync,
        },
        earlier_seconds=training.earlier_seconds,
        optimistic=settings.keep == "best",
    )


def _new_classifier(problem: Problem, settings: NeuralSettings) -> Classifier:
    tokenizer = load_tokenizer(settings.encoder, problem.texts)
    if isinstance(settings, BlstmSettings):
        architecture = "blstm"
        encoder = make_blstm(settings.encoder, tokenizer, units=settings.units, dropout=settings.dropout)
    else:
        architecture = "bert"
        encoder = load_encoder(settings.encoder, tokenizer)
        _check_length(settings, encoder.config.max_position_embeddings)
    head = {
        "architecture": architecture,
        "labels": list(problem.label_names),
        "pooling": settings.pooling,
        "dropout": settings.dropout,
        "max_length": settings.max_length,
        "truncation": settings.truncation,
        "windows": settings.windows,
    }
    model = build_model(
        encoder,
        n_labels=len(problem.label_names),
        pooling=settings.pooling,
        dropout=settings.dropout,
        seed=problem.seed,
        xla=settings.xla,
    )
    return Classifier(model, encoder, tokenizer, head)


def _check_length(settings: NeuralSettings, longest: int) -> None:
    """Refuse texts longer than the encoder has positions for."""
    multiple = width_multiple(settings.xla)
    if -(-settings.max_length // multiple) * multiple > longest:
        raise InputError(
            f"--max-length {settings.max_length}: this encoder reads {longest} tokens at most"
            + (f", {longest // multiple * multiple} with --xla" if settings.xla else "")
        )


@dataclass
class State:
    """How far a training is; with the values of its variables, all that a resumed one needs.

    Everything random is a function of seed, epoch and step (batches: tokens.py; dropout: model.py).
    """

    epoch: int = 1  # the one in progress
    batches: int = 0  # of it, trained on
    rows: int = 0  # in those batches
    loss: float = 0.0  # summed over those rows
    history: list[dict] = field(default_factory=list)  # of the epochs before


class Training:
    """The training of one fold, in place."""

    def __init__(self, classifier: Classifier, problem: Problem, settings: NeuralSettings):
        self.model, self.problem, self.settings = classifier.model, problem, settings
        self.tokens = classifier.encode(problem.texts, cache=problem.cache).take(problem.train)
        self.labels = problem.labels[problem.train].astype(np.float32)
        self.valid = classifier.encode_to_predict(problem.texts, cache=problem.cache).take(problem.valid)
        self.valid_labels = problem.labels[problem.valid]
        self.steps = math.ceil(len(self.tokens) / settings.batch_size)  # an epoch
        optimizer = _new_optimizer(settings, classifier.encoder, self.steps * settings.epochs)
        weights = self.model.trainable_variables
        self.average = WeightAverage(weights, settings.ema) if settings.ema else None
        objective = Objective(positive_weights(self.labels, settings.positive_weight), settings.adversarial)
        self.step = train_step_function(self.model, optimizer, objective, self.average)
        averages = self.average.averages if self.average else []
        self.variables = [*self.model.variables, *optimizer_variables(optimizer), *averages]
        self.state = State()
        self.best: list[
            np.ndarray
        ] = []  # with --keep best: validation scores of the best epoch, and its weights
        self.earlier_seconds, self._started = 0.0, time.monotonic()
        self._slowest_step, self._saved_step = 0.0, None
        self._n_bytes = sum(math.prod(variable.shape) * variable.dtype.size for variable in self.variables)

    def run(self) -> np.ndarray:
        """Train to the end; return the validation rows' probabilities by the weights kept."""
        self._resume()
        epochs = self.settings.epochs
        with progress_bar(total=self.steps * epochs, initial=self._steps_done, unit=" steps") as bar:
            while self.state.epoch <= epochs:
                bar.set_description(f"{self.problem.title}, epoch {self.state.epoch}/{epochs}")
                self._finish_epoch(bar)
                self._save()
                with self.average.in_use() if self.average else contextlib.nullcontext():
                    oof = predict(self.model, self.valid, deadline=self.problem.deadline)
                    self._record(oof)
                bar.write(epoch_line(self.problem.title, self.state.history[-1], self.problem.label_names))
        if self.best:
            oof, *weights = self.best
            self.model.set_weights(weights)
        elif self.average:
            self.average.swap()
        return oof

    def _finish_epoch(self, bar) -> None:
        """Take the steps that are left of the epoch in progress."""
        order = shuffled_batches(
            self.tokens.lengths, self.settings.batch_size, seed=self.problem.seed, epoch=self.state.epoch
        )
        started = time.monotonic()
        order = order[self.state.batches :]
        for rows, (inputs, labels) in zip(order, self._dataset(order), strict=True):
            loss = float(self.step(inputs, labels))
            if not math.isfinite(loss):
                raise InputError(
                    "the loss is no longer a number; lower --learning-rate or take --precision float32"
                )
            self.state.batches += 1
            self.state.rows += len(rows)
            self.state.loss += loss * len(rows)
            bar.set_postfix(loss=f"{self.state.loss / self.state.rows:.4f}", refresh=False)
            bar.update()
            self._slowest_step = max(self._slowest_step, time.monotonic() - started)
            self._save_if_due()
            started = time.monotonic()

    def _record(self, oof: np.ndarray) -> None:
        """Close the epoch in progress with its scores."""
        state, names = self.state, self.problem.label_names
        record = _epoch_record(state.epoch, state.loss / state.rows, self.valid_labels, oof, names)
        auc, earlier = record["mean_auc"], [past["mean_auc"] for past in state.history]
        highest = max((past for past in earlier if not math.isnan(past)), default=-math.inf)
        if self.settings.keep == "best" and (not earlier or auc > highest):
            self.best = [oof, *self.model.get_weights()]
        self.state = State(epoch=state.epoch + 1, history=[*state.history, record])

    def _dataset(self, order: list[np.ndarray]) -> tf.data.Dataset:
        """Padded batches in the order given, prepared while the step before them runs."""
        n_replicas = tf.distribute.get_strategy().num_replicas_in_sync

        def batches() -> Iterator:
            for rows in order:
                more = full(rows, n_replicas)
                labels = self.labels[more]
                labels[len(rows) :] = np.nan  # rows that are there a second time do not count
                yield self.tokens.padded(more, width_multiple(self.settings.xla)), labels

        inputs = {name: tf.TensorSpec([None, None], tf.int32) for name in self.model.input_names}
        signature = (inputs, tf.TensorSpec([None, self.labels.shape[1]], tf.float32))
        return tf.data.Dataset.from_generator(batches, output_signature=signature).prefetch(2)

    def _save_if_due(self) -> None:
        """Save at the interval asked for, and when another step might not end before the deadline."""
        checkpoints, deadline = self.problem.checkpoints, self.problem.deadline
        needed = 2 * self._slowest_step + checkpoints.saving_seconds(self._n_bytes)
        is_over = not deadline.leaves(needed)
        if is_over or checkpoints.is_due:
            self._save()
        if is_over:
            deadline.check(needed)

    @property
    def _steps_done(self) -> int:
        return (self.state.epoch - 1) * self.steps + self.state.batches

    def _save(self) -> None:
        if self._steps_done == self._saved_step:
            return
        self._saved_step = self._steps_done
        arrays = {f"variable_{index}": variable.numpy() for index, variable in enumerate(self.variables)}
        arrays |= {f"best_{index}": array for index, array in enumerate(self.best)}
        seconds = self.earlier_seconds + time.monotonic() - self._started
        self.problem.checkpoints.save(
            self._saved_step, arrays, {"state": vars(self.state), "seconds": seconds}
        )

    def _resume(self) -> None:
        """Go back to the newest checkpoint, if there is one."""
        found = self.problem.checkpoints.load()
        if found is None:
            return
        arrays, record = found
        values = [arrays.get(f"variable_{index}") for index in range(len(self.variables))]
        if [np.shape(value) for value in values] != [tuple(variable.shape) for variable in self.variables]:
            folder = self.problem.checkpoints.folder
            raise InputError(
                f"{folder}: was saved by another version of this code; delete it to train from the start"
            )
        for variable, value in zip(self.variables, values, strict=True):
            variable.assign(value)
        self.best = [arrays[f"best_{index}"] for index in range(len(arrays) - len(self.variables))]
        self.state, self.earlier_seconds = State(**record["state"]), record["seconds"]
        self._saved_step = self._steps_done
        place = f"step {self.state.batches} of {self.steps} in epoch {self.state.epoch}"
        print(f"{self.problem.title}: goes on after {place}", flush=True)


def _new_optimizer(settings: NeuralSettings, encoder, total_steps: int):
    layers = {}
    if isinstance(settings, BertSettings) and settings.layer_decay:
        layers = {"layer_decay": settings.layer_decay, "n_layers": encoder.config.num_hidden_layers}
    return make_optimizer(
        settings.learning_rate,
        total_steps=total_steps,
        warmup=settings.warmup,
        decay=settings.decay,
        **layers,
    )


def positive_weights(labels: np.ndarray, power: float | None) -> np.ndarray | float:
    """(negatives / positives) ** ``power`` of each label, float64 [n_labels]; 1 where one of them is missing.

    The balanced weights of scikit-learn's estimators, relative to the negatives', softened by a power below 1.
    """
    if power is None:
        return 1.0
    positives, negatives = (labels == 1).sum(axis=0), (labels == 0).sum(axis=0)
    has_both = (positives > 0) & (negatives > 0)
    return np.where(has_both, negatives / np.maximum(positives, 1), 1.0) ** power


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
