"""The commands of kaggle_kernels.py against the stand-in of Kaggle, with a clock whose pauses take no time."""

import shutil
import signal
import subprocess
import sys
import time

import pytest
from conftest import ROOT, VERY_LONG
from kaggle_http import SILENCE
from kaggle_runs import OPTIONS, PLAN, built, finished_fold, home_fold, plan_of
from kaggle_server import SECRET, FakeClock, Kaggle

from pooled_bert.base.files import held
from pooled_bert.kernels.clock import Clock

FIRST, LAST = PLAN.slug(0), PLAN.slug(2)


@pytest.fixture
def kaggle(tmp_path, monkeypatch):
    """A server whose kernels finish with a fold, and a clock of the tests."""
    clock = FakeClock()
    monkeypatch.setattr("pooled_bert.kernels.connection.LISTENING", SILENCE)
    monkeypatch.setattr(Clock, "now", lambda self: clock.now())
    monkeypatch.setattr(Clock, "sleep", lambda self, seconds: clock.sleep(seconds))
    with Kaggle(lambda slug, _: finished_fold(tmp_path / "outputs", slug)) as server:
        server.log_in(monkeypatch, tmp_path)
        yield server


@pytest.fixture
def command(kaggle, run_command, tmp_path):
    """Run a subcommand on the kernels and results in tmp_path; returns what it printed on stdout and stderr."""

    def run(action, *options, status=0):
        place = ["--kernels", tmp_path / "kernels"]
        place += [] if action == "build" else ["--workspace", tmp_path]
        result = run_command("kaggle_kernels.py", action, *place, *options, status=status)
        return result.stdout + result.stderr

    return run


def test_run_brings_every_fold_home_and_keeps_a_log(kaggle, command, tmp_path):
    built(PLAN, tmp_path / "kernels")
    kaggle.faults = [("GetKernelSessionStatus", "html"), ("ListKernelSessionOutput", 503)]
    told = command("run")
    assert "fold 0: downloaded; fold 1: downloaded; fold 2: downloaded" in told
    assert (
        "the results of every fold are here\nNext: python src/make_submission.py --benchmark jigsaw" in told
    )
    assert "WARNING Kaggle shows a web page" in told
    log = (tmp_path / "kernels" / "kaggle.log").read_text()
    for words in (f"{FIRST}: pushed", "the results of fold 2 are here", "Kaggle shows a web page"):
        assert words in log
    assert not any(
        SECRET in path.read_text() for path in tmp_path.rglob("*") if path.suffix in (".json", ".log")
    )


def test_rebuilt_run_is_compared_with_what_is_at_home_before_a_push(kaggle, command, tmp_path):
    built(plan_of(options=(*OPTIONS, "--epochs", "9")), tmp_path / "kernels")
    for fold in range(3):
        home_fold(tmp_path, tmp_path / "local", PLAN.slug(fold))
    told = command("run", status=2)
    assert "bert fold 2 at home" in told
    assert "epochs is 4 there and 9 here" in told
    assert "give --yes to do that" in told
    assert kaggle.pushes == []
    assert "fold 0: queued" in command("push", "--yes", "--fold", 0, 1, 2)
    assert (tmp_path / "folds/jigsaw/runs/bert/replaced_fold_0/metrics.json").exists()


def test_rules_that_are_not_accepted_are_told_with_their_page(kaggle, command, tmp_path):
    built(PLAN, tmp_path / "kernels")
    kaggle.has_entered = False
    page = "www.kaggle.com/c/jigsaw-toxic-comment-classification-challenge/rules"
    assert page in command("run", status=2)
    assert kaggle.pushes == []


def test_second_process_says_that_there_is_a_first(kaggle, command, tmp_path):
    built(PLAN, tmp_path / "kernels")
    with held(tmp_path / "kernels" / ".lock", ""):
        assert "another process pushes or downloads the kernels of this folder" in command("run", status=2)
        assert "fold 0: not pushed" in command("status")


def test_status_shows_minutes_logs_hours_and_what_is_left(kaggle, command, tmp_path):
    built(PLAN, tmp_path / "kernels")
    home_fold(tmp_path, tmp_path / "local", FIRST)
    command("push")
    kaggle.kernels[PLAN.slug(1)].log = "step 1\nstep 2\nstep 3\nstep 4\n"
    kaggle.kernels[PLAN.slug(1)].status = "RUNNING"
    Clock().sleep(90 * 60)
    assert command("status").splitlines() == [
        "fold 0: downloaded",
        "fold 1: running, pushed 90 min ago",
        "fold 2: queued, pushed 90 min ago",
        *(f"{PLAN.kernel(1)}: step {number}" for number in (2, 3, 4)),
        "GPU hours this week: 4.5 used, 25.5 left, renewed at 2026-11-28 00:00 UTC",
        "1 of 3 folds are here; left: 1 running, 1 queued",
    ]


def test_pull_downloads_without_a_push(kaggle, command, tmp_path):
    built(PLAN, tmp_path / "kernels")
    command("push", "--fold", 0)
    for _ in range(3):
        told = command("pull", "--with-models")
    assert "fold 0: downloaded\nfold 1: not pushed" in told
    assert kaggle.pushes == [FIRST]
    assert (tmp_path / "folds/jigsaw/runs/bert/fold_0/model/weights.npz").exists()


def test_build_checks_what_kaggle_would_refuse_later(kaggle, command, tmp_path):
    for options, words in (
        (("--owner", "a b"), "--owner is 'a b'"),
        (("--time-limit", 5000), "--time-limit is 5000.0, expected from 1 to 700"),
        (("--time-limit", "nan"), "--time-limit is nan"),
        (("--encoder-dataset", "bert"), "expected OWNER/SLUG"),
        (("--run", "a-name-of-20-letters"), "choose a name that is 4 characters shorter"),
        (("--pseudo", "bert"), "--pseudo and --pseudo-dataset: give both"),
        (("--pseudo-rows", 5), "--pseudo-rows: limits the rows of --pseudo"),
        (("--model", "linear", "--encoder-dataset", "a/b"), "this model reads no encoder"),
        (("--benchmark", "emodb", "--extra-dataset", "a/b"), "--extra-dataset"),
        (("--benchmark", "emodb", "--pseudo", "a", "--pseudo-dataset", "a/b"), "has no test rows"),
        (("--epochs", 0), "--epochs is 0"),
        (("--fold", 9), "--fold 9: the folds are 0 to 4"),
        (("--offline", "a/b"), "without internet the encoder must come from a dataset"),
    ):
        assert words in command("build", *options, status=2)
    assert not (tmp_path / "kernels").exists()


def test_build_leaves_everything_if_a_run_is_under_way_or_the_kernels_cannot_be_built(
    kaggle, command, tmp_path
):
    built(PLAN, tmp_path / "kernels")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.json")}
    with held(tmp_path / "kernels" / ".lock", ""):
        assert "another process" in command("build", "--encoder", "tiny", "--epochs", 9, status=2)
    (tmp_path / "own.toml").write_text('train = "t.csv"\ntext = "body"\nclass = "kind"\n')
    told = command("build", "--benchmark", tmp_path / "own.toml", "--encoder", "tiny", status=2)
    assert "Kaggle needs its tables" in told
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.json")} == before


def test_owner_is_that_of_the_login(kaggle, command, tmp_path):
    command("build", "--encoder", "tiny", "--n-folds", 2)
    assert (
        '"id": "someone/pooled-bert-jigsaw-bert-fold-1"'
        in (tmp_path / "kernels/pooled-bert-jigsaw-bert-fold-1/kernel-metadata.json").read_text()
    )


def test_ensemble_waits_for_a_slot_and_brings_the_submission_home(kaggle, command, tmp_path):
    built(PLAN, tmp_path / "kernels")
    assert "fold 0: its kernel is not pushed" in command("ensemble", status=2)
    command("run")

    def execute(slug, kernel):
        if "fold" in slug:
            return finished_fold(tmp_path / "outputs", slug)
        folder = tmp_path / "outputs" / slug
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "jigsaw-bert.csv").write_text("id,toxic")
        return folder

    kaggle.execute = execute
    kaggle.full = 3
    told = command("ensemble")
    path = tmp_path / "submissions" / "kaggle-jigsaw-bert.csv"
    assert str(path) in told
    assert path.read_text() == "id,toxic"
    assert len(kaggle.kernels[PLAN.slug(None)].metadata["kernelDataSources"]) == 3
    kaggle.execute = lambda slug, kernel: tmp_path / "nothing"
    assert "its output holds no submission" in command("ensemble", status=2)
    built(plan_of(options=(*OPTIONS, "--epochs", "9")), tmp_path / "kernels")
    pushes = len(kaggle.pushes)
    assert "bring the folds of this build home first" in command("ensemble", status=2)
    assert len(kaggle.pushes) == pushes


def test_run_of_two_runs_submits_their_blend_and_prints_the_score(kaggle, command, tmp_path):
    runs = {"bert": OPTIONS, "seed-1": (*OPTIONS, "--seed", "1")}
    for run, options in runs.items():
        built(plan_of(run, options), tmp_path / "kernels")
    made_up = {"made_up": True}

    def execute(slug, _):
        run = slug.removeprefix("pooled-bert-jigsaw-").split("-fold-")[0]
        return finished_fold(tmp_path / "outputs", slug, run=run, options=runs[run], **made_up)

    kaggle.execute = execute
    names = ("--run", "bert", "jigsaw/seed-1")
    assert "was made from made-up rows, so it is not submitted" in command(
        "run", *names, "--submit", status=2
    )
    assert kaggle.submissions == []
    shutil.rmtree(tmp_path / "folds")
    kaggle.kernels.clear()
    made_up["made_up"] = False
    Clock().sleep(3600)
    told = command("run", *names, "--submit")
    assert "jigsaw/bert fold 2: downloaded; jigsaw/seed-1 fold 0: downloaded" in told
    assert "score: 0.98123 (public), 0.98045 (private)" in told
    (entry,) = kaggle.submissions
    assert entry["content"] == (tmp_path / "submissions/kaggle-jigsaw-bert-seed-1.csv").read_bytes()
    assert entry["description"].startswith("logit of bert, seed-1: 0.5000 out of fold [")


@pytest.mark.slow
def test_run_that_is_killed_goes_on_when_started_again(tmp_path, monkeypatch):
    kernels = tmp_path / "kernels"
    built(PLAN, kernels)
    command = [sys.executable, str(ROOT / "src" / "kaggle_kernels.py"), "run", "--kernels", str(kernels)]
    command += ["--workspace", str(tmp_path), "--poll-seconds"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with Kaggle(lambda slug, _: finished_fold(tmp_path / "outputs", slug)) as kaggle:
        for name, value in {**kaggle.environment(), "KAGGLE_CONFIG_DIR": str(tmp_path)}.items():
            monkeypatch.setenv(name, value)
        first = subprocess.Popen([*command, str(VERY_LONG)], **pipes)
        while len(kaggle.pushes) < 2:
            assert first.poll() is None, first.communicate()
            time.sleep(0.02)
        first.send_signal(signal.SIGKILL)
        first.communicate()
        result = subprocess.run([*command, "0.1"], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert "the results of every fold are here" in result.stdout
    assert sorted(kaggle.pushes) == [PLAN.slug(fold) for fold in range(3)]
