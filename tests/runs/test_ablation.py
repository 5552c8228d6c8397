import os
import threading
from pathlib import Path

import pytest
from conftest import VERY_LONG

from pooled_bert.base.children import Children
from pooled_bert.base.deadline import Deadline
from pooled_bert.base.errors import TIME_LIMIT_STATUS, InputError
from pooled_bert.benchmarks.jigsaw import JIGSAW
from pooled_bert.runs.ablation import RECIPES, Job, alone, plan, train
from pooled_bert.runs.options import parse_options

LINEAR = ("--recipes", "plain", "--model", "linear", "--limit", 100, "--try", "words: --ngrams word")


def make_plan(*names, folds=(0, 1)):
    recipes = {name: RECIPES[name] for name in names}
    return plan(recipes, folds, ["--epochs", "3"], prefix="try", logs=Path("logs"))


def test_folds_come_one_after_the_other_and_pseudo_labels_after_their_source():
    jobs = make_plan("pseudo", "plain", "ema")
    assert [(job.fold, job.recipe) for job in jobs] == [
        *((fold, name) for fold in (0, 1) for name in ("plain", "ema")),
        *((fold, "pseudo") for fold in (0, 1)),
    ]


def test_every_recipe_is_the_plain_model_with_options_that_exist():
    plain_run, plain = parse_options(["--epochs", "3"], JIGSAW)
    for name, words in RECIPES.items():
        run, model = parse_options(["--epochs", "3", *words], JIGSAW)
        assert run == plain_run
        assert model.epochs == 3
        assert (model == plain) == (name in ("plain", "pseudo"))
    with pytest.raises(InputError, match="--epoch-count: is no setting"):
        parse_options(["--epoch-count", "3"], JIGSAW)


def test_test_rows_are_predicted_only_for_pseudo_labels():
    assert all("--no-test" in job.options for job in make_plan("plain", "ema"))
    predicts = {job.recipe for job in make_plan("plain", "ema", "pseudo") if "--no-test" not in job.options}
    assert predicts == {"plain"}
    (pseudo,) = [job for job in make_plan("plain", "pseudo", folds=(0,)) if job.recipe == "pseudo"]
    assert pseudo.options[pseudo.options.index("--pseudo") + 1] == "try-plain"


def test_job_is_not_begun_after_the_deadline(tmp_path):
    job = Job("plain", 0, (), tmp_path / "log")
    assert job.train(set(), Children(), Deadline(0)) == TIME_LIMIT_STATUS
    assert not job.log.exists()


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no affinity")
def test_trainings_at_a_time_share_the_cores():
    cores = os.sched_getaffinity(0)
    at_a_time = min(2, len(cores))
    together, seen = threading.Barrier(at_a_time, timeout=VERY_LONG), []

    class Watched(Job):
        """Trains nothing, remembers its cores, and ends when as many as shall be have begun beside it."""

        def train(self, cores, children, deadline):
            seen.append(cores)
            together.wait()
            return 0

    jobs = [Watched(f"r{number}", 0, (), Path("log")) for number in range(4)]
    assert len(list(train(jobs, at_a_time, Deadline()))) == 4
    assert set().union(*seen) == (cores if len(cores) > 1 else set())
    with pytest.raises(InputError, match="this machine has"):
        list(train(jobs, len(cores) + 1, Deadline()))


@pytest.mark.slow
def test_command_trains_what_is_missing_and_shows_what_failed_apart(
    run_command, run_process, sample, tmp_path
):
    options = ("--data", sample, "--workspace", tmp_path, "--folds", 0, *LINEAR)
    bad = run_process("ablate.py", *options, "--try", "bad: --extra none.csv", status=2)
    assert "bad, fold 0: train_folds.py: none.csv" in bad.stdout
    assert "compared with ablation-plain" in bad.stdout
    assert "ablation-words" in bad.stdout
    assert "bad: not trained" in bad.stderr
    place = tmp_path / "folds/jigsaw/runs/ablation-words/fold_0/metrics.json"
    before = place.stat().st_mtime_ns
    again = run_command("ablate.py", *options, "--without", "threat").stdout
    assert "without threat" in again
    assert place.stat().st_mtime_ns == before


def test_nothing_is_compared_when_the_plain_model_failed(run_command, sample, tmp_path):
    # both end before they import TensorFlow
    options = ("--data", sample, "--workspace", tmp_path, "--folds", 0, "--recipes", "ema", "--n-folds", 5000)
    result = run_command("ablate.py", *options, status=2)
    assert "plain, ema: not trained" in result.stderr
    assert "compared with" not in result.stdout


@pytest.mark.parametrize("more", [("--recipes", "plain"), ("--tune", "c: 1 2")])
def test_second_process_of_a_prefix_is_refused(run_command, sample, tmp_path, more):
    options = ("--data", sample, "--workspace", tmp_path, "--model", "linear", *more)
    with alone(tmp_path / "build" / "ablation", "ablation"):
        refused = run_command("ablate.py", *options, status=2).stderr
    assert "--prefix ablation: another process trains with this prefix" in refused
    assert not list(tmp_path.rglob("*.log"))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--recipes", "magic"), "--recipes magic: is not one of plain, cls"),
        (("--try", "no options"), "expected NAME: OPTIONS"),
        (("--try", "x: --encoder 'a"), "a quote is not closed"),
        (("--try", ": --epochs 3"), "--try '': is not a plain name"),
        (("--try", "x: --epochs 0"), "--epochs is 0"),
        (("--try", "x: --epochs 3", "--try", "x: --epochs 2"), "--try x: is given twice"),
        (("--try", "plain: --epochs 3"), "--try plain: is the name of a recipe"),
        (("--jobs", 0), "--jobs is 0"),
        (("--extra", "nowhere.csv"), "nowhere.csv: cannot be read"),
        (("--folds", 7), "--fold 7: the folds are 0 to 4"),
        (("--without", "rudeness"), "--without rudeness: is not one of toxic"),
    ],
)
def test_wrong_arguments_get_one_line(run_command, sample, tmp_path, arguments, expected):
    result = run_command("ablate.py", "--data", sample, "--workspace", tmp_path, *arguments, status=2)
    assert expected in result.stderr
    assert result.stderr.count("\n") == 1
