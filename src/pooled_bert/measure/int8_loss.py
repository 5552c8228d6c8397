"""What 8-bit integers cost and gain: on out-of-fold rows, each fold's model on rows that it has not seen."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..base.errors import InputError
from ..models.fold_model import open_fold_model, predict_folds
from ..predict.predictor import Predictor
from ..results.fold_scores import FoldScores

ROUNDS = 3  # in which both precisions are timed in turn


@dataclass(frozen=True)
class Int8Loss:
    """The mean AUC of a fold in float32 and in int8, the largest difference of a probability, and rows per second."""

    fold: int
    float32: float
    int8: float
    largest: float
    rates: tuple[float, float]


def int8_losses(
    predictor: Predictor, scores: Sequence[FoldScores], texts: Sequence[str], n_rows: int
) -> Iterator[Int8Loss]:
    """Yield what int8 costs each fold of a predictor, measured on ``n_rows`` of its validation rows, or on all.

    texts : all training texts, to which ``scores`` refer. Raises InputError for models that have no int8.
    """
    for model, fold in zip(predictor.models, scores, strict=True):
        quantised = replace(open_fold_model(model.folder, "int8"), reader=model.reader)
        if not (model.engine and quantised.engine):
            raise InputError("int8: is for encoders like BERT, in float32 or auto, on a CPU")
        chosen = np.random.default_rng(0).permutation(len(fold.rows))[:n_rows]
        inputs = model.reader.encode_to_predict([texts[row] for row in fold.rows[chosen]], cache=None)
        parts, seconds = [], np.zeros((ROUNDS, 2))
        for part in np.array_split(np.arange(len(chosen)), ROUNDS):
            parts.append([])
            for column, each in enumerate((model, quantised)):
                started = time.perf_counter()
                parts[-1].append(predict_folds([each], inputs.take(part))[0])
                seconds[len(parts) - 1, column] = (time.perf_counter() - started) / max(len(part), 1)
        exact, other = (np.concatenate(column) for column in zip(*parts, strict=True))
        auc, other_auc = (
            model.target.scores(fold.labels[chosen], each)["mean_auc"] for each in (exact, other)
        )
        rate, other_rate = (1 / np.median(seconds, axis=0)).tolist()
        largest = float(np.abs(exact - other).max())
        yield Int8Loss(fold.fold, auc, other_auc, largest, (rate, other_rate))
