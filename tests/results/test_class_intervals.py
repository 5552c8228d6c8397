import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score

from pooled_bert.benchmarks.targets import ONE_CLASS
from pooled_bert.results.class_intervals import decisions, difference_table, group_table, interval_table


def made_up(right, n_rows=200, seed=0, groups=True):
    random = np.random.default_rng(seed)
    true = random.integers(3, size=n_rows)
    assigned = np.where(random.random(n_rows) < right, true, random.integers(3, size=n_rows))
    names = np.array([f"s{number % 8}" for number in range(n_rows)]) if groups else None
    return decisions(np.eye(3)[true], np.eye(3)[assigned], ONE_CLASS, names)


def test_scores_are_those_of_scikit_learn():
    run = made_up(0.6)
    table = interval_table(run)
    true, assigned = run.true, run.assigned
    assert table["pooled"].to_dict() == pytest.approx(
        {
            "accuracy": accuracy_score(true, assigned),
            "average recall": recall_score(true, assigned, average="macro"),
            "macro precision": precision_score(true, assigned, average="macro"),
            "macro F1": f1_score(true, assigned, average="macro"),
        }
    )
    assert (table["low"] < table["pooled"]).all()
    assert (table["pooled"] < table["high"]).all()


def test_class_that_does_not_occur_counts_in_no_mean():
    run = decisions(np.eye(3)[[0, 0, 1, 1]], np.eye(3)[[0, 2, 1, 1]], ONE_CLASS)
    assert interval_table(run)["pooled"]["average recall"] == pytest.approx(0.75)


def test_rows_that_are_not_labelled_do_not_count():
    labels = np.eye(3)[[0, 1, 2]]
    labels[2] = np.nan
    run = decisions(labels, np.eye(3)[[0, 1, 0]], ONE_CLASS, np.array(["a", "b", "b"]))
    assert interval_table(run)["pooled"]["accuracy"] == 1
    assert run.groups.tolist() == ["a", "b"]


def test_run_does_not_differ_from_itself():
    table = difference_table({"one": made_up(0.6), "two": made_up(0.6)})
    assert (table.loc["two: accuracy", ["difference", "low", "high"]] == 0).all()


def test_interval_of_a_clear_difference_is_above_zero():
    table = difference_table({"worse": made_up(0.3), "better": made_up(0.9)})
    assert table.loc["better: average recall", "low"] > 0.3
    assert table.loc["worse: average recall"].isna().tolist() == [False, True, True, True]


def test_groups_that_are_decided_alike_make_wider_intervals_than_single_rows():
    true, names = np.arange(240) % 3, np.repeat(["a", "b", "c", "d"], 60)
    assigned = np.where(np.isin(names, ["a", "b"]), true, (true + 1) % 3)  # two groups right, two wrong
    tables = [
        interval_table(decisions(np.eye(3)[true], np.eye(3)[assigned], ONE_CLASS, groups)).loc["accuracy"]
        for groups in (names, None)
    ]
    by_group, by_row = (table["high"] - table["low"] for table in tables)
    assert by_group > 3 * by_row


def test_each_group_has_its_scores():
    table = group_table(made_up(0.7))
    assert table["rows"].sum() == 200
    assert list(table.index) == [f"s{number}" for number in range(8)]
    assert table["accuracy"].between(0.4, 1).all()
