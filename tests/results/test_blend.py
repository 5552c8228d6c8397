import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from pooled_bert.base.errors import InputError
from pooled_bert.benchmarks.targets import ONE_CLASS, SEVERAL_LABELS
from pooled_bert.results.blend import (
    blend,
    blend_oof,
    blend_test,
    check_blendable,
    correlation,
    fold_values,
    make_blend,
)
from pooled_bert.results.blend_values import fold_score
from pooled_bert.results.blend_weights import Weights
from pooled_bert.results.row_facts import facts_of, row_facts
from pooled_bert.runs.finished_runs import Run
from pooled_bert.runs.fold_files import FoldResult

RANDOM = np.random.default_rng(0)
DATA = {"train": "t", "test": "u"}


def predictions(n_rows=50, ids=None):
    table = pd.DataFrame(RANDOM.random((n_rows, 2)), columns=["toxic", "threat"])
    table.insert(0, "id", ids or [f"r{row}" for row in range(n_rows)])
    return table


def run_of(name="x", folds=(0, 1), assignment="a", data=DATA):
    identity = {"settings": {"n_folds": 2}, "data": data, "assignment": assignment}
    return Run(
        name,
        tuple(FoldResult(fold, predictions(), predictions(), {}, {"identity": identity}) for fold in folds),
    )


@pytest.mark.parametrize("how", ["mean", "rank", "logit"])
def test_blend_of_one_keeps_every_auc_and_stays_a_probability(how):
    table, labels = predictions(), RANDOM.random(50) < 0.4
    blended = blend([table], SEVERAL_LABELS, how)
    assert roc_auc_score(labels, blended["toxic"]) == pytest.approx(roc_auc_score(labels, table["toxic"]))
    assert blended[["toxic", "threat"]].to_numpy().min() >= 0
    assert blended[["toxic", "threat"]].to_numpy().max() <= 1


@pytest.mark.parametrize("how", ["mean", "rank", "logit"])
def test_blend_does_not_depend_on_the_order_of_its_tables(how):
    tables = [predictions() for _ in range(3)]
    pd.testing.assert_frame_equal(
        blend(tables, SEVERAL_LABELS, how), blend(tables[::-1], SEVERAL_LABELS, how)
    )


def test_logit_blend_takes_probabilities_of_zero_and_one():
    table = predictions()
    table["toxic"] = np.where(table["toxic"] > 0.5, 1.0, 0.0)
    assert np.isfinite(blend([table, predictions()], SEVERAL_LABELS, "logit")["toxic"]).all()


def test_rank_blend_ignores_calibration():
    table, other = predictions(), predictions()
    squeezed = table.assign(toxic=table["toxic"] ** 9, threat=table["threat"] / 100)
    pd.testing.assert_frame_equal(
        blend([table, other], SEVERAL_LABELS, "rank"), blend([squeezed, other], SEVERAL_LABELS, "rank")
    )


def test_rows_in_another_order_are_refused():
    table = predictions()
    with pytest.raises(InputError, match="not of the same rows"):
        blend([table, table.iloc[::-1].reset_index(drop=True)], SEVERAL_LABELS, "mean")


def test_every_run_weighs_the_same_in_the_test_predictions():
    runs = [run_of("x"), run_of("y")]
    means = [np.mean([fold.test["toxic"] for fold in run.folds], axis=0) for run in runs]
    assert np.allclose(blend_test(runs, SEVERAL_LABELS, "mean")["toxic"], np.mean(means, axis=0))


def test_out_of_fold_rows_are_blended_fold_by_fold():
    runs = [run_of("x"), run_of("y")]
    blended = blend_oof(runs, SEVERAL_LABELS, "rank")
    assert list(blended) == [0, 1]
    pd.testing.assert_frame_equal(
        blended[1], blend([run.folds[1].oof for run in runs], SEVERAL_LABELS, "rank")
    )


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (run_of("y", assignment="b"), "different fold assignments"),
        (run_of("y", folds=(0,)), "different finished folds"),
        (run_of("y", data={"train": "z", "test": "u"}), "different train rows"),
        (run_of("y", data={"train": "t", "test": "z"}), "different test rows"),
    ],
)
def test_runs_that_do_not_belong_together_are_refused(other, expected):
    check_blendable([run_of(), run_of("y")], DATA)
    with pytest.raises(InputError, match=expected):
        check_blendable([run_of(), other], DATA)


@pytest.mark.parametrize("how", ["mean", "logit"])
def test_weights_of_one_leave_that_run(how):
    tables = [predictions(), predictions()]
    weights = Weights(np.array([[0.0, 1.0], [1.0, 0.0]]), np.zeros(2))
    blended = blend(tables, SEVERAL_LABELS, how, weights)
    assert np.allclose(blended["toxic"], tables[1]["toxic"])
    assert np.allclose(blended["threat"], tables[0]["threat"])


def make_truth(run):
    """Labels that the run's predictions say something of."""
    table = pd.concat(run.oof.values()).drop_duplicates("id")
    noisy = table.drop(columns="id") + 0.3 * RANDOM.normal(size=(len(table), 2))
    return pd.concat([table[["id"]].assign(text=""), (noisy > 0.6).astype(float)], axis=1)


def test_found_weights_are_scored_by_those_of_the_other_folds():
    runs = [run_of("x"), run_of("y")]
    blend_of_both = make_blend(runs, SEVERAL_LABELS, "logit", "greedy", make_truth(runs[0]))
    honest, optimistic = blend_of_both.oof(), blend_of_both.optimistic_oof()
    for index, weights in enumerate(blend_of_both.nested):
        parts = [run.folds[index].oof for run in runs]
        pd.testing.assert_frame_equal(honest[index], blend(parts, SEVERAL_LABELS, "logit", weights))
        pd.testing.assert_frame_equal(
            optimistic[index], blend(parts, SEVERAL_LABELS, "logit", blend_of_both.weights)
        )
    assert blend_of_both.shares()["weight"].sum() == pytest.approx(1)
    stacked = make_blend(runs, SEVERAL_LABELS, "logit", "stack", make_truth(runs[0])).shares()
    assert list(stacked.columns) == ["toxic", "threat", "contribution"]


def test_weights_of_classes_are_found_by_the_auc_that_is_reported():
    """The values of classes are made to add up to 1, which changes the order of a column."""
    runs = [run_of("x"), run_of("y")]
    truth = make_truth(runs[0])
    truth["threat"] = 1 - truth["toxic"]
    (fold, _) = fold_values(runs, ONE_CLASS, "logit", truth)
    values = ONE_CLASS.to_scale(runs[0].folds[0].oof[["toxic", "threat"]].to_numpy(), "logit")
    reported = ONE_CLASS.scores(fold.labels, ONE_CLASS.from_scale(values, "logit"))["mean_auc"]
    assert fold.score(fold.labels, values) == reported
    assert fold_score(fold.labels, values) != reported


def test_weights_that_cannot_be_found_honestly_are_refused():
    runs = [run_of("x", folds=(0,)), run_of("y", folds=(0,))]
    truth = make_truth(runs[0])
    with pytest.raises(InputError, match="one fold is not enough"):
        make_blend(runs, SEVERAL_LABELS, "logit", "greedy", truth)
    with pytest.raises(InputError, match="use --blend logit"):
        make_blend([run_of("x"), run_of("y")], SEVERAL_LABELS, "rank", "stack", truth)
    assert len(make_blend(runs, SEVERAL_LABELS, "logit", "equal", truth).oof()) == 1


def test_facts_of_texts_reach_trees_by_their_ids_and_sounds_have_none():
    texts = pd.DataFrame({"id": ["a", "b"], "text": ["LOUD!", "calm words"]})
    facts = row_facts(texts)
    there, back = (facts_of(facts, pd.Series(ids)) for ids in (["a", "b"], ["b", "a"]))
    assert (there[0] != there[1]).any()
    assert (there == back[::-1]).all()
    assert facts_of(row_facts(texts.rename(columns={"text": "sound"})), texts["id"]).shape == (2, 0)


def test_blend_of_trees_predicts_folds_and_test_rows_of_its_own_rows():
    runs = [run_of("x"), run_of("y")]
    train, test = make_truth(runs[0]), predictions().assign(text="a test text")
    found = make_blend(runs, SEVERAL_LABELS, "logit", "trees", train, test=test)
    for index, table in found.oof().items():
        parts, facts = [run.folds[index].oof for run in runs], row_facts(train)
        pd.testing.assert_frame_equal(
            table, blend(parts, SEVERAL_LABELS, "logit", found.nested[index], facts)
        )
    assert list(found.test()["id"]) == list(found.test_of_fold(0)["id"]) == list(test["id"])
    assert list(found.shares().columns) == ["contribution"]
    with pytest.raises(InputError, match="needs log-odds; use --blend logit"):
        make_blend(runs, SEVERAL_LABELS, "mean", "trees", train, test=test)


def test_correlation_is_one_with_oneself_and_less_with_others():
    run = run_of("x")
    table = correlation([run, Run("same", run.folds), run_of("y")])
    assert table.loc["x", "same"] == pytest.approx(1)
    assert abs(table.loc["x", "y"]) < 0.4


@pytest.mark.filterwarnings("error")
def test_run_that_says_the_same_of_every_row_correlates_with_nothing():
    run = run_of("x")
    constant = [
        FoldResult(fold.fold, fold.oof.assign(toxic=0.5, threat=0.5), None, {}, fold.config)
        for fold in run.folds
    ]
    assert correlation([run, Run("constant", tuple(constant))]).loc["x", "constant"] == 0
