"""Train a neural classifier on one fold after the other, each from the start or from its last checkpoint."""

import contextlib
import math
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from ..base.distribution import full, make_strategy, told_clearly
from ..benchmarks.metrics import column_auc
from ..benchmarks.targets import gain
from ..inputs.batches import Reader, width_multiple
from ..models.classifier import Classifier
from ..models.inference import predict
from ..models.precision import set_precision
from .compiled import CompiledTraining
from .loop import Feed, Loop
from .neural_settings import NeuralSettings
from .plan import announce
from .problem import Outcome, Problem
from .starts import STARTS, Start
from .tensorboard import EVERY, Events


def make_learner(settings: NeuralSettings) -> Callable[[Problem], Outcome]:
    """Return the function that trains one fold."""
    return NeuralLearner(settings).fit


class NeuralLearner:
    """Fine-tunes a classifier on one fold after the other; what is compiled for the first serves the others."""

    def __init__(self, settings: NeuralSettings):
        self.settings = settings
        tf.keras.backend.clear_session()  # frees what earlier learners have left
        self.size, self.compiled = None, None

    def fit(self, problem: Problem) -> Outcome:
        """Learn from the fold's training rows; predict its validation rows and the test rows; raises InputError."""
        strategy = make_strategy(self.settings.strategy)
        with strategy.scope(), told_clearly(self.settings.strategy):
            return self._fit(problem)

    def _fit(self, problem: Problem) -> Outcome:
        precision = set_precision(self.settings.precision)
        start = STARTS[type(self.settings)](problem, self.settings)
        compiled = self._compiled(start, problem)
        head = {
            "architecture": self.settings.architecture,
            "medium": self.settings.medium,
            "target": problem.target.name,
            "labels": list(problem.label_names),
            "pooling": self.settings.pooling,
            "dropout": self.settings.dropout,
            **start.reader.settings(),
        }
        classifier = Classifier(start.reader, head, compiled.model, compiled.encoder)
        test_inputs = start.reader.encode_to_predict(problem.test, cache=problem.cache)
        training = Training(compiled, start.reader, problem, self.settings)
        oof, history = training.run()
        title = f"{problem.title}, test rows"
        return Outcome(
            oof=oof,
            test=predict(classifier.model, test_inputs, progress=title, deadline=problem.deadline),
            save_model=classifier.save,
            history=history,
            information={
                "precision": precision,
                "devices": sorted({d.device_type for d in tf.config.list_logical_devices()}),
                "replicas": tf.distribute.get_strategy().num_replicas_in_sync,
            },
            earlier_seconds=training.loop.earlier_seconds,
            optimistic=self.settings.keep == "best",
        )

    def _compiled(self, start: Start, problem: Problem) -> CompiledTraining:
        """Return what an earlier fold was trained by, unless this one's rows give ``tiny`` another number of words."""
        if self.compiled is None or self.size != start.size:
            tf.keras.utils.set_random_seed(problem.run_seed)  # every fold begins with the same random weights
            self.compiled = CompiledTraining(
                start.load_encoder(),
                start.reader.signature,
                self.settings,
                target=problem.target,
                n_labels=len(problem.label_names),
            )
            self.size = start.size
        return self.compiled


class Training:
    """The training of one fold."""

    def __init__(
        self, compiled: CompiledTraining, reader: Reader, problem: Problem, settings: NeuralSettings
    ):
        self.compiled, self.problem, self.settings = compiled, problem, settings
        self.model, self.average = compiled.model, compiled.average
        # read here, because a thread of tf.data, outside the strategy's scope, makes the batches
        self.n_replicas = tf.distribute.get_strategy().num_replicas_in_sync
        self.inputs, rows = reader.encode_to_learn(problem.items, problem.train, cache=problem.cache)
        self.labels = problem.labels[rows].astype(np.float32)
        self.change = settings.augmentation()
        self.valid = reader.encode_to_predict(problem.items, cache=problem.cache).take(problem.valid)
        inputs = {name: tf.TensorSpec(spec.shape, spec.dtype) for name, spec in self.model.signature.items()}
        feed = Feed(
            self.inputs.lengths,
            self._batch,
            (inputs, tf.TensorSpec([None, self.labels.shape[1]], tf.float32)),
            batch_size=settings.batch_size,
            epochs=settings.epochs,
            seed=problem.seed,
        )
        self.events = Events(problem.events) if settings.tensorboard and problem.events else None
        power = settings.positive_weight
        compiled.restart(
            problem.seed,
            total_steps=feed.steps * feed.epochs,
            positive_weights=1.0 if power is None else problem.target.positive_weights(self.labels, power),
        )
        self.loop = Loop(
            compiled.step,
            compiled.variables,
            feed,
            title=problem.title,
            checkpoints=problem.checkpoints,
            deadline=problem.deadline,
            on_step=self._on_step,
        )

    def run(self) -> tuple[np.ndarray, list[dict]]:
        """Train; return the validation rows' probabilities by the weights that are kept, and one record per epoch."""
        feed, problem = self.loop.feed, self.problem
        announce(
            problem.title,
            self.settings,
            rows=len(self.labels),
            steps=feed.steps * feed.epochs,
            valid=len(problem.valid),
            test=len(problem.test),
        )
        history = self.loop.run(self._end_epoch)
        if self.settings.keep == "best":
            self.oof, *weights = self.loop.kept
            self.model.set_weights(weights)
        elif self.average:
            self.average.swap()
        return self.oof, history

    def _batch(self, rows: np.ndarray, random: np.random.Generator) -> tuple:
        """Return padded inputs and labels, float32 [batch, n_labels], of ``rows``.

        Some rows are repeated, without labels, if the replicas cannot share them evenly.
        """
        filled_rows = full(rows, self.n_replicas)
        labels = self.labels[filled_rows]
        multiple = width_multiple(self.settings.xla)
        if self.change is None:
            inputs = self.inputs.padded(filled_rows, multiple)
        else:
            changed = self.change.rows(self.inputs.take(filled_rows), random)
            inputs = changed.padded(np.arange(len(changed)), multiple)
            inputs, labels = self.change.batch(inputs, labels, random)
        labels[len(rows) :] = np.nan  # the rows that fill up the batch are repeated and must not count
        return inputs, labels

    def _on_step(self, step: int, loss: float) -> None:
        is_last = (step + 1) % self.loop.feed.steps == 0
        if self.events and (step % EVERY == 0 or is_last):
            self.events.write(step, {"loss": loss, "learning_rate": float(self.compiled.rate(step))})

    def _end_epoch(self, epoch: int, loss: float) -> tuple[dict, str]:
        """Predict the validation rows; with ``--keep best``, keep the weights if they are the best so far."""
        problem, names = self.problem, self.problem.label_names
        with self.average.in_use() if self.average else contextlib.nullcontext():
            self.oof = predict(self.model, self.valid, deadline=problem.deadline)
            record = _epoch_record(epoch, loss, problem.labels[problem.valid], self.oof, problem)
            *earlier, now = (
                gain(problem.score, epoch[problem.score]) for epoch in [*self.loop.state.history, record]
            )
            highest = max((score for score in earlier if not math.isnan(score)), default=-math.inf)
            if self.settings.keep == "best" and (not earlier or now > highest):
                self.loop.kept = [self.oof, *self.model.get_weights()]
        if self.events:
            curves = {f"epoch/{name}": value for name, value in record.items() if name != "epoch"}
            self.events.write(epoch * self.loop.feed.steps, curves)
        return record, epoch_line(problem.title, record, names)


def _epoch_record(epoch: int, loss: float, labels: np.ndarray, scores: np.ndarray, problem: Problem) -> dict:
    aucs = column_auc(labels, scores).tolist()
    return {
        "epoch": epoch,
        "loss": loss,
        **problem.target.scores(labels, scores),
        **{f"auc_{name}": auc for name, auc in zip(problem.label_names, aucs, strict=True)},
    }


def epoch_line(title: str, record: dict, names: tuple[str, ...]) -> str:
    """Return the line that is printed after an epoch."""
    aucs = {name: record[f"auc_{name}"] for name in names}
    parts = [
        f"{name} {'one class only' if math.isnan(auc) else format(auc, '.4f')}" for name, auc in aucs.items()
    ]
    return (
        f"{title}, epoch {record['epoch']}: validation AUC {record['mean_auc']:.4f}, accuracy"
        f" {record['accuracy']:.4f}, loss {record['loss']:.4f} ({', '.join(parts)})"
    )
