"""Intervals and paired differences of scores, from resamples of the validation rows."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made_up_benchmark import WEATHER

from pooled_bert.benchmarks.jigsaw import JIGSAW
from pooled_bert.benchmarks.targets import ONE_CLASS, SEVERAL_LABELS, mean_of_known
from pooled_bert.results.resampling import Estimate, estimate, resample

RANDOM = np.random.default_rng(0)
N_ROWS = 300
IDS = [f"r{row}" for row in range(N_ROWS)]


def several_labels():
    """Labels of two columns, some of them unknown, and probabilities."""
    labels = (RANDOM.random((N_ROWS, 2)) < 0.3).astype(float)
    labels[:20, 1] = np.nan
    noise = RANDOM.normal(size=(N_ROWS, 2))
    return labels, 1 / (1 + np.exp(-(2 * np.nan_to_num(labels) - 1 + noise)))


def classes():
    """One-hot labels of three classes, a row that is not labelled, and probabilities."""
    labels = np.eye(3)[RANDOM.integers(3, size=N_ROWS)]
    labels[0] = np.nan
    odds = 2 * np.nan_to_num(labels) + RANDOM.normal(size=(N_ROWS, 3))
    return labels, np.exp(odds) / np.exp(odds).sum(axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("target", "name"),
    [(target, name) for target in (SEVERAL_LABELS, ONE_CLASS) for name in target.score_names],
)
def test_score_of_a_resample_is_that_of_its_rows(target, name):
    labels, probabilities = classes() if target.is_exclusive else several_labels()
    drawn = RANDOM.integers(N_ROWS, size=N_ROWS)
    counts = np.stack([np.ones(N_ROWS), np.bincount(drawn, minlength=N_ROWS)])
    found = target.resampled(name, labels, probabilities, counts)
    expected = [target.scores(labels[rows], probabilities[rows])[name] for rows in (np.arange(N_ROWS), drawn)]
    assert found == pytest.approx(expected)


def test_mean_leaves_out_what_is_unknown():
    values = np.array([[1.0, np.nan, np.nan], [3.0, 2.0, np.nan]])
    assert mean_of_known(values) == pytest.approx([2, 2, np.nan], nan_ok=True)


def tables(labels, probabilities, names):
    """A training table, and predictions in two folds."""
    train = pd.DataFrame({"id": IDS, "text": "", **dict(zip(names, labels.T, strict=True))})
    oof = pd.DataFrame({"id": IDS, **dict(zip(names, probabilities.T, strict=True))})
    return train, {0: oof.iloc[: N_ROWS // 2], 1: oof.iloc[N_ROWS // 2 :]}


def test_interval_holds_the_score_and_a_run_differs_from_itself_by_nothing():
    benchmark = replace(JIGSAW, labels=("a", "b"))
    train, oof = tables(*several_labels(), benchmark.labels)
    (run,) = resample([oof], train, benchmark)
    assert run.mean.low < run.mean.value < run.mean.high
    assert run.auc(0).low < run.auc(0).value < run.auc(0).high
    assert run.minus(run) == Estimate(0, 0, 0)
    assert not run.minus(run).is_clear
    assert run.mean == resample([oof], train, benchmark)[0].mean


def test_fewer_rows_make_a_wider_interval():
    benchmark = replace(JIGSAW, labels=("a", "b"), score="accuracy")
    train, oof = tables(*several_labels(), benchmark.labels)
    few = {fold: table.iloc[::5] for fold, table in oof.items()}
    narrow, wide = (resample([part], train, benchmark)[0].mean.half_width for part in (oof, few))
    assert wide > 1.5 * narrow


def test_rows_of_a_group_are_drawn_together():
    labels, probabilities = classes()
    train, oof = tables(labels, probabilities, WEATHER.labels)
    benchmark = replace(WEATHER, score="accuracy")
    is_right = probabilities.argmax(axis=1) == labels.argmax(axis=1)
    groups = [f"{right} {row % 5}" for row, right in enumerate(is_right)]  # all right, or all wrong
    own, alike = (resample([oof], table, benchmark)[0].mean for table in (train, train.assign(group=groups)))
    assert alike.value == own.value
    assert alike.half_width > 2 * own.half_width


def test_estimate_without_draws_has_no_interval():
    found = estimate(np.array([0.5, np.nan, np.nan]))
    assert found.value == 0.5
    assert np.isnan(found.low)
    assert not found.is_clear
