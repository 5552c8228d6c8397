from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from pooled_bert.benchmarks.metrics import column_auc, mean_auc
from pooled_bert.results.blend_search import FINDERS, contributions, find_nested, nested_score
from pooled_bert.results.blend_trees import find_trees
from pooled_bert.results.blend_values import FoldValues, fold_score
from pooled_bert.results.blend_weights import Weights, find_equal, find_greedy, find_stack

RANDOM = np.random.default_rng(0)


def make_folds(noises=(1.0, 1.0, 30.0), n_folds=4, n_rows=150, n_labels=2):
    """Runs that see the truth through noise of their own; nothing else is known of the rows."""
    folds = []
    for _ in range(n_folds):
        truth = RANDOM.normal(size=(n_rows, n_labels))
        values = np.stack([truth * 2 + noise * RANDOM.normal(size=truth.shape) for noise in noises])
        labels = (truth > 0.5).astype(float)
        labels[::7, 1] = np.nan
        folds.append(FoldValues(values, labels, np.empty((n_rows, 0))))
    return folds


@pytest.fixture(scope="module")
def folds():
    return make_folds()


def test_fold_score_is_the_mean_column_wise_auc(folds):
    labels, values = folds[0].labels, np.round(folds[0].values[0], 1)  # with ties
    assert fold_score(labels, values) == pytest.approx(mean_auc(column_auc(labels, values)))


def test_greedy_takes_what_helps_and_leaves_noise_out(folds):
    weights = find_greedy(folds)
    assert weights.runs.sum(axis=0) == pytest.approx([1, 1])
    assert weights.runs[2, 0] < 0.1
    assert min(weights.runs[0, 0], weights.runs[1, 0]) > 0.25
    assert (weights.runs == weights.runs[:, :1]).all()


def test_greedy_compares_blends_and_not_sums():
    """By a score that sees the size of the values, such as the log loss."""
    folds = [
        FoldValues(
            fold.labels + RANDOM.normal(size=(2, *fold.labels.shape)),
            fold.labels,
            fold.facts,
            lambda labels, values: -float(np.nanmean((values - labels) ** 2)),
        )
        for fold in make_folds()
    ]
    assert find_greedy(folds).runs.min() > 0.4


def test_folds_without_a_score_do_not_choose():
    """A fold has no AUC of a label that applies to none of its rows."""
    folds = make_folds(noises=(1.0, 30.0))
    for fold in folds:
        fold.labels[:, 1] = 0.0
    without = [replace(fold, labels=np.zeros_like(fold.labels)) for fold in folds[:2]]
    assert (find_greedy([*without, *folds[2:]]).runs == find_greedy(folds[2:]).runs).all()
    assert (find_greedy(without).runs == find_equal(without).runs).all()
    assert np.isnan(contributions(without, find_greedy, find_nested(without, find_greedy))).all()


@pytest.mark.parametrize("name", FINDERS)
def test_two_good_runs_together_beat_each_alone(folds, name):
    both = [replace(fold, values=fold.values[:2]) for fold in folds]
    alone = [np.mean([fold_score(fold.labels, fold.values[run]) for fold in folds]) for run in range(2)]
    assert nested_score(both, find_nested(both, FINDERS[name].find)) > max(alone)


def test_stack_is_a_probability_of_its_own_scale(folds):
    weights = find_stack(folds)
    chances = expit(weights.combine(folds[0].values))
    assert chances[:, 0].mean() == pytest.approx(folds[0].labels[:, 0].mean(), abs=0.08)


def test_stack_leaves_a_label_of_one_class_to_equal_weights():
    folds = make_folds()
    for fold in folds:
        fold.labels[:, 0] = 0.0
    assert find_stack(folds).runs[:, 0] == pytest.approx([1 / 3] * 3)


@pytest.mark.parametrize("name", FINDERS)
def test_labels_of_a_fold_have_no_say_in_its_nested_blend(name):
    folds, find = make_folds(), FINDERS[name].find
    planted = replace(folds[1], labels=1 - folds[1].labels)  # the opposite of the truth

    def blended(folds):
        return [found.combine(folds[1].values, folds[1].facts) for found in find_nested(folds, find)]

    before, after = blended(folds), blended([folds[0], planted, *folds[2:]])
    assert (before[1] == after[1]).all()
    if name != "equal":
        assert (before[0] != after[0]).any()


def test_run_that_leaks_is_worth_nothing_where_its_leak_is_not():
    """A run that knows the answers of fold 0 alone: weights found there would be nothing but that run."""
    folds = make_folds(noises=(1.0, 50.0))
    knows = np.nan_to_num(folds[0].labels) * 100
    folds[0] = replace(folds[0], values=np.stack([folds[0].values[0], knows]))
    assert find_greedy(folds[:1]).runs[1, 0] == 1.0
    assert find_nested(folds, find_greedy)[0].runs[1, 0] < 0.2


def test_contribution_of_noise_is_not_above_that_of_a_good_run(folds):
    worth = contributions(folds, find_greedy, find_nested(folds, find_greedy))
    assert worth[:2].min() > 0.01
    assert abs(worth[2]) < 0.005


def test_weights_are_applied_label_by_label():
    weights = Weights(np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([0.0, 1.0]))
    values = np.array([[[1.0, 5.0]], [[7.0, 3.0]]])
    assert weights.combine(values).tolist() == [[1.0, 7.0]]


def score_of_first(labels, values):
    return fold_score(labels[:, :1], values[:, :1])


def told_folds(n_rows=600):
    """Label 0 depends on the run's values of both labels, and on a fact that the run does not know."""
    folds = []
    for _ in range(3):
        values, facts = RANDOM.normal(size=(1, n_rows, 2)), RANDOM.normal(size=(n_rows, 1))
        noise = 0.3 * RANDOM.normal(size=n_rows)
        labels = np.stack([values[0].sum(axis=1) + facts[:, 0] + noise > 0, values[0, :, 1] > 0], axis=1)
        folds.append(FoldValues(values, labels.astype(float), facts, score_of_first))
    return folds


def test_trees_learn_from_the_other_labels_and_from_facts():
    folds = told_folds()
    without_facts = [replace(fold, facts=np.empty((len(fold.labels), 0))) for fold in folds]
    alone, of_labels, of_both = (
        nested_score(folds, find_nested(folds, find_equal)),
        nested_score(without_facts, find_nested(without_facts, find_trees)),
        nested_score(folds, find_nested(folds, find_trees)),
    )
    assert alone + 0.05 < of_labels
    assert of_labels + 0.05 < of_both


def test_trees_give_no_lower_odds_where_a_run_gives_higher_ones():
    folds = told_folds()
    fold, trees = folds[0], find_trees(folds)
    raised = fold.values + np.array([1.0, 0.0])
    assert (trees.combine(raised, fold.facts)[:, 0] >= trees.combine(fold.values, fold.facts)[:, 0]).all()


def test_trees_leave_a_label_of_one_class_to_equal_weights(folds):
    one_class = [replace(fold, labels=fold.labels * [0.0, 1.0]) for fold in folds]
    blended = find_trees(one_class).combine(folds[0].values, folds[0].facts)
    assert blended[:, 0] == pytest.approx(folds[0].values[:, :, 0].mean(axis=0))
