"""Settings that compete: who goes on, what it costs, and what the time allows."""

import math
from pathlib import Path

import pytest

from pooled_bert.base.deadline import Deadline
from pooled_bert.base.places import Workspace
from pooled_bert.benchmarks.jigsaw import JIGSAW
from pooled_bert.data.rows import read_rows
from pooled_bert.runs.halving import Candidate, Clock, Stage, best, grid, jobs_of, stages
from pooled_bert.runs.race import Race

A, B = Candidate("a", ("--epochs", "1"), 1), Candidate("b", ("--epochs", "3"), 3)


def test_grid_has_every_combination_once():
    tried = grid({"learning-rate": ["1e-4", "3e-4", "1e-4"], "epochs": ["1", "2"]})
    assert len(tried) == 4
    assert tried["learning-rate-3e-4-epochs-2"] == ("--learning-rate", "3e-4", "--epochs", "2")


def test_few_rows_come_first_and_one_candidate_sees_all_folds():
    plan = stages(9, 50_000, (0, 1, 2))
    assert plan == [Stage(9, 5_000, (0,)), Stage(3, None, (0,)), Stage(1, None, (0, 1, 2), n_trained=1)]
    assert stages(1, 500, (0, 1)) == [Stage(1, None, (0, 1))]


def test_last_choice_is_made_on_all_rows():
    last = Stage(1, None, (4, 1), n_trained=1)
    assert stages(3, 500, (4, 1)) == [Stage(3, 50, (4,)), Stage(2, None, (4,)), last]
    assert stages(2, 500, (4, 1)) == [Stage(2, None, (4,)), last]


def test_time_is_that_of_earlier_trainings_in_proportion_to_rows_and_epochs():
    clock = Clock(n_rows=900, n_valid=300, n_test=0)
    few = Stage(2, 100, (0,))
    assert math.isnan(clock.seconds([A, B], few))
    clock.add(A, few, seconds=20)  # 100 rows learnt from, 300 predicted at a third of the price each
    assert clock.seconds([A, B], few) == pytest.approx(20 + 40)
    assert clock.seconds([A], Stage(1, None, (0, 1))) == pytest.approx(2 * 100)
    assert clock.seconds([A], Stage(1, None, (0, 1), n_trained=1)) == pytest.approx(100)


def test_only_runs_on_all_rows_predict_the_test_rows_and_keep_one_name():
    first, final, last = stages(6, 1000, (0, 1))
    words = [
        jobs_of(stage, [A], (), prefix="p", logs=Path("logs"))[0].options for stage in (first, final, last)
    ]
    assert "--no-test" in words[0]
    assert words[0][-3:] == ("--no-test", "--run", "p-a-100")
    assert words[1] == words[2] == ("--epochs", "1", "--run", "p-a")


def test_best_come_first_and_a_candidate_without_a_score_last():
    assert best({"a": 0.8, "b": float("-inf"), "c": 0.9}, 2) == ["c", "a"]


@pytest.mark.parametrize(("minutes", "expected"), [(None, 3), (60, 3), (3.5, 2), (0.1, 1)])
def test_fewer_candidates_go_on_if_the_rest_would_not_fit_into_the_time(sample, tmp_path, minutes, expected):
    rows = read_rows(JIGSAW, sample)
    candidates = [Candidate(str(number), (), 1) for number in range(9)]
    race = Race(
        candidates, rows, (0, 1), (),
        n_folds=2, prefix="p", workspace=Workspace(tmp_path), deadline=Deadline(minutes),
    )  # fmt: skip
    # A fold takes a minute: one of each finalist, then one more of the winner.
    race.clock.add(candidates[0], race.plan[-1], seconds=60)
    assert race._affordable(1) == expected


@pytest.mark.parametrize(("minutes", "expected"), [(None, False), (3.5, True), (6, False)])
def test_plan_says_if_the_time_limit_ends_before_it(sample, tmp_path, capsys, minutes, expected):
    candidates = [Candidate(str(number), (), 1) for number in range(9)]
    race = Race(
        candidates, read_rows(JIGSAW, sample), (0, 1), (),
        n_folds=2, prefix="p", workspace=Workspace(tmp_path), deadline=Deadline(minutes),
    )  # fmt: skip
    race._announce(0)
    assert "min" not in capsys.readouterr().out  # nothing is known before the first training
    race.clock.add(candidates[0], race.plan[-1], seconds=60)
    race._announce(1)
    said = capsys.readouterr().out
    assert "stage 2 of 3: 3 settings, all rows, fold 0: about 3 min\n" in said
    assert "stage 3 of 3: 1 setting, all rows, fold 0 1: about 1 min\n" in said
    assert ("the time limit ends before this plan does" in said) == expected


@pytest.mark.slow
def test_losers_are_stopped_and_the_winner_has_all_folds(run_command, sample, tmp_path):
    options = (
        "--data",
        sample,
        "--workspace",
        tmp_path,
        "--n-folds",
        2,
        "--model",
        "linear",
        "--ngrams",
        "word",
    )
    tune = ("ablate.py", *options, "--tune", "c: 0.000001 0.00001", "--try", "one: --words 1")
    said = run_command(*tune).stdout
    assert "stage 1 of 3: 3 settings, 60 rows, fold 0\n" in said
    assert "stage 2 of 3: 2 settings, all rows, fold 0: about" in said
    assert "stage 3 of 3: 1 setting, all rows, fold 0 1: about" in said
    assert "the winner: out-of-fold ROC AUC" in said
    runs = {path.parent.parent.name for path in tmp_path.glob("folds/jigsaw/runs/*/fold_1/metrics.json")}
    (winner,) = runs
    assert winner == "ablation-one"
    assert (tmp_path / "folds/jigsaw/runs" / winner / "fold_0/test.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--tune", "fold: 0 1"), "--tune fold: is set by the stages"),
        (("--tune", "limit: 10 20"), "--tune: --limit must be the same for all settings"),
        (("--tune", "epochs: 1", "--limit", 100), "--limit: does not go with --tune"),
        (("--tune", "epochs: 1", "--try", "x: --n-folds 3"), "--try x: --n-folds must be the same"),
        (("--tune", "epochs: 1", "--tune", "epochs: 2"), "--tune epochs: is given twice"),
        (
            ("--tune", "epochs: 1", "--try", "epochs-1: --c 2"),
            "--try epochs-1: is the name of a setting of --tune",
        ),
        (("--tune", "encoder: a/b tiny"), "a run cannot have this name"),
        (("--tune", "epochs: 0 1"), "--epochs is 0"),
        (("--tune", "epochs: 1", "--recipes", "ema"), "--recipes: does not go with --tune"),
        (("--time-limit", 5), "--time-limit: is for --tune"),
        (("--tune", "epochs"), "--tune 'epochs': expected NAME: OPTIONS"),
    ],
)
def test_wrong_settings_get_one_line(run_command, sample, tmp_path, arguments, expected):
    result = run_command("ablate.py", "--data", sample, "--workspace", tmp_path, *arguments, status=2)
    assert expected in result.stderr
    assert result.stderr.count("\n") == 1
