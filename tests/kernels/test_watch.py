"""The real Kaggle client against a stand-in of its server."""

import json
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from conftest import ROOT, VERY_LONG, table_of
from kaggle_server import Kaggle

from pooled_bert.base.errors import InputError
from pooled_bert.base.places import Workspace
from pooled_bert.benchmarks.jigsaw import JIGSAW
from pooled_bert.benchmarks.targets import SEVERAL_LABELS
from pooled_bert.kernels.build import Plan, build_ensemble, build_fold, write_plan
from pooled_bert.kernels.client import Client, NoFreeSlot, State
from pooled_bert.kernels.watch import Watch
from pooled_bert.runs.fold_files import write_config, write_fold
from pooled_bert.runs.identity import identity_settings
from pooled_bert.runs.options import parse_options
from pooled_bert.training.problem import Outcome

OPTIONS = ("--encoder", "tiny", "--n-folds", "3")
PLAN = Plan(
    owner="someone", benchmark="jigsaw", run="bert", n_folds=3, revision="abc", gpu=True, options=OPTIONS
)


def finished_fold(place, slug, *, revision="abc", options=OPTIONS, is_done=True):
    """A fold's folder as its kernel leaves it in the output."""
    fold = int(slug.split("-fold-")[1].split("-")[0])
    folder = place / slug / "folds" / "jigsaw" / "runs" / "bert" / f"fold_{fold}"
    shutil.rmtree(place / slug, ignore_errors=True)
    folder.mkdir(parents=True)
    settings = identity_settings(*parse_options(options, JIGSAW))
    identity = {"fold": fold, "settings": settings, "data": {"train": "x"}, "assignment": "y"}
    write_config(folder, identity, {"revision": revision})
    if is_done:
        valid = table_of(["one", "two", "three"], [[0, 1], [1, 0], [1, 1]])
        outcome = Outcome(oof=np.full((3, 2), 0.5), test=np.full((1, 2), 0.5))
        write_fold(
            folder,
            outcome,
            SEVERAL_LABELS,
            valid=valid,
            test_ids=valid["id"][:1],
            facts={"fold": fold, "made_up": True},
        )
    else:
        (folder / "checkpoints").mkdir()
        (folder / "checkpoints" / "step_000000001.npz").write_bytes(b"state")
    return place / slug


@pytest.fixture
def kaggle(tmp_path, monkeypatch):
    """A server whose kernels finish with a fold, and the client's environment."""
    with Kaggle(lambda slug, _: finished_fold(tmp_path / "outputs", slug)) as server:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(tmp_path))
        yield server


@pytest.fixture
def watch(kaggle, tmp_path):
    for fold in range(3):
        build_fold(PLAN, tmp_path / "kernels", fold)
    return Watch(PLAN, tmp_path / "kernels", Workspace(tmp_path), Client(pause=0.01))


def wait(watch, folds=(0, 1, 2)):
    shown = []
    watch.wait(list(folds), poll_seconds=0.01, show=shown.append)
    return shown


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_all_folds_come_home_two_at_a_time(kaggle, watch, tmp_path):
    shown = wait(watch)
    assert kaggle.most_active == 2
    assert len(kaggle.pushes) == 3
    for fold in range(3):
        assert "metrics.json" in names(tmp_path / "folds" / "jigsaw" / "runs" / "bert" / f"fold_{fold}")
    assert {seen.state for states in shown for seen in states} >= {
        State.QUEUED,
        State.RUNNING,
        State.ABSENT,
        None,
    }
    assert names(tmp_path / "kernels" / "downloads") == []


def test_what_is_done_or_on_its_way_is_not_pushed_again(kaggle, watch, tmp_path):
    watch.advance([0])
    again = Watch(PLAN, tmp_path / "kernels", Workspace(tmp_path), Client(pause=0.01))
    wait(again, [0])
    wait(again, [0])
    assert kaggle.pushes == ["pooled-bert-jigsaw-bert-fold-0"]


def test_busy_and_broken_servers_and_cut_downloads_are_outlasted(kaggle, watch):
    kaggle.faults = [("SaveKernel", 429), ("GetKernelSessionStatus", 500), ("ListKernelSessionOutput", 503)]
    kaggle.cut = 2
    wait(watch)
    assert kaggle.faults == []
    assert kaggle.cut == 0


def test_server_that_stays_broken_is_given_up_with_a_message(kaggle, watch):
    kaggle.faults = [("GetKernelSessionStatus", 500)] * 20
    with pytest.raises(InputError, match="run the same command again later"):
        wait(watch)


def test_no_slot_is_waited_for_and_used_up_quota_is_not(kaggle, watch):
    kaggle.kernels = {}
    other = Client(pause=0.01)
    kaggle.quota = True
    with pytest.raises(InputError, match=r"weekly GPU quota of 30.00 hours.*when the quota is renewed"):
        wait(watch)
    kaggle.quota = False
    for fold in (0, 1):
        other.push(watch.kernels / PLAN.slug(fold))
    with pytest.raises(NoFreeSlot):
        other.push(watch.kernels / PLAN.slug(2))
    wait(watch)


def test_failed_kernel_is_told_with_the_end_of_its_log_after_the_others_are_in(
    kaggle, watch, tmp_path, capsys
):
    def execute(slug, _):
        if slug == PLAN.slug(0):
            raise RuntimeError("\n".join(f"line {number}" for number in range(40)))
        return finished_fold(tmp_path / "outputs", slug)

    kaggle.execute = execute
    with pytest.raises(InputError, match=r"fold 0: its kernel failed \(exit status 1\)"):
        wait(watch)
    told = capsys.readouterr().err
    assert "line 39" in told
    assert "line 20" not in told
    assert len(kaggle.pushes) == 3
    assert (tmp_path / "folds" / "jigsaw" / "runs" / "bert" / "fold_2" / "metrics.json").exists()
    kaggle.execute = lambda slug, _: finished_fold(tmp_path / "outputs", slug)
    wait(
        Watch(PLAN, watch.kernels, Workspace(watch.run_folder.path.parents[3]), Client(pause=0.01))
    )  # started again, it tries again
    assert kaggle.pushes[3:] == [PLAN.slug(0)]


def test_refused_source_is_told(kaggle, tmp_path):
    folder = build_ensemble(PLAN, tmp_path / "kernels")
    with pytest.raises(InputError, match="Kaggle refused kernel someone/pooled-bert-jigsaw-bert-fold-0"):
        Client(pause=0.01).push(folder)


def test_fold_out_of_time_goes_on_in_a_next_part(kaggle, watch, tmp_path):
    def execute(slug, kernel):
        return finished_fold(tmp_path / "outputs", slug, is_done=slug.endswith("part-3"))

    kaggle.execute = execute
    wait(watch, [1])
    assert kaggle.pushes == [PLAN.slug(1, part) for part in (1, 2, 3)]
    assert kaggle.kernels[PLAN.slug(1, 3)].metadata["kernelDataSources"] == [f"someone/{PLAN.slug(1, 2)}"]


def test_output_of_an_earlier_build_is_not_taken(kaggle, watch, tmp_path):
    kaggle.execute = lambda slug, _: finished_fold(tmp_path / "outputs", slug, revision="old")
    Client(pause=0.01).push(watch.kernels / PLAN.slug(0))
    for _ in range(3):
        watch.look(0)
    kaggle.execute = lambda slug, _: finished_fold(tmp_path / "outputs", slug)
    wait(watch, [0])
    assert kaggle.pushes == [PLAN.slug(0)] * 2


@pytest.mark.parametrize("fields", [{"revision": "other"}, {"options": (*OPTIONS, "--epochs", "9")}])
def test_output_that_is_not_what_was_pushed_is_refused(kaggle, watch, tmp_path, fields):
    kaggle.execute = lambda slug, _: finished_fold(tmp_path / "outputs", slug, **fields)
    with pytest.raises(InputError, match="fold 0: its "):
        wait(watch)
    assert not list((tmp_path / "folds").rglob("metrics.json"))


def test_unfinished_training_of_other_settings_is_not_lost(kaggle, watch, tmp_path):
    (output,) = finished_fold(
        tmp_path / "local", PLAN.slug(0), options=(*OPTIONS, "--epochs", "9"), is_done=False
    ).glob("folds/jigsaw")
    shutil.copytree(output, tmp_path / "folds" / "jigsaw")
    with pytest.raises(
        InputError, match=r"an unfinished training with different settings or data: settings.epochs is 9"
    ):
        wait(watch, [0])
    assert list((tmp_path / "folds").rglob("step_*.npz"))


def test_answer_that_is_no_result_is_told(kaggle, watch):
    kaggle.faults = [("SaveKernel", 400)]
    with pytest.raises(InputError, match="Kaggle refused the request: try again"):
        wait(watch, [0])


@pytest.mark.parametrize("name", ["/tmp/elsewhere", "../../elsewhere"])
def test_output_is_written_nowhere_else(kaggle, watch, name):
    kaggle.extra_names = [name]
    with pytest.raises(InputError, match="outside the download folder"):
        wait(watch, [0])


def test_damaged_output_is_refused(kaggle, watch, tmp_path):
    def execute(slug, _):
        output = finished_fold(tmp_path / "outputs", slug)
        (path,) = output.rglob("oof.csv")
        path.write_text(path.read_text().replace("0.5", "0.6", 1))
        return output

    kaggle.execute = execute
    with pytest.raises(InputError, match="changed after it was written"):
        wait(watch)
    assert not (tmp_path / "folds" / "jigsaw" / "runs" / "bert" / "fold_0").exists()


def test_ensemble_waits_for_all_folds_and_brings_the_submission_home(kaggle, watch, tmp_path):
    with pytest.raises(InputError, match="fold 0: its kernel is not pushed"):
        watch.ensemble(tmp_path / "submissions", poll_seconds=0.01)
    wait(watch)

    def execute(slug, kernel):
        folder = tmp_path / "outputs" / slug
        folder.mkdir(parents=True)
        (folder / "jigsaw-bert.csv").write_text("id,toxic")
        return folder

    kaggle.execute = execute
    (path,) = watch.ensemble(tmp_path / "submissions", poll_seconds=0.01)
    assert path == tmp_path / "submissions" / "kaggle-jigsaw-bert.csv"
    assert path.read_text() == "id,toxic"
    assert len(kaggle.kernels[PLAN.slug(None)].metadata["kernelDataSources"]) == 3


def test_no_credentials_are_told_in_one_line(kaggle, monkeypatch, tmp_path, capsys):
    for name in ("KAGGLE_USERNAME", "KAGGLE_KEY", "KAGGLE_API_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(InputError, match="kaggle auth login"):
        Client()
    assert capsys.readouterr() == ("", "")


def test_wrong_credentials_are_told(kaggle, watch):
    kaggle.faults = [("GetKernelSessionStatus", 401)]
    with pytest.raises(InputError, match="credentials"):
        watch.look(0)


@pytest.mark.slow
def test_watcher_that_is_killed_goes_on_when_started_again(kaggle, tmp_path):
    kernels = tmp_path / "kernels"
    for fold in range(3):
        build_fold(PLAN, kernels, fold)
    write_plan(PLAN, kernels)
    command = [sys.executable, str(ROOT / "src" / "kaggle_kernels.py"), "run", "--kernels", str(kernels)]
    command += ["--workspace", str(tmp_path), "--poll-seconds"]
    first = subprocess.Popen(
        [*command, str(VERY_LONG)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while len(kaggle.pushes) < 2:
        assert first.poll() is None, first.communicate()
        time.sleep(0.02)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    result = subprocess.run([*command, "0.1"], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert (
        "results of every fold are here. Next: python src/make_submission.py --benchmark jigsaw --run bert"
        in result.stdout
    )
    assert sorted(kaggle.pushes) == [PLAN.slug(fold) for fold in range(3)]
    assert "marked-secret" not in result.stdout + result.stderr + json.dumps(
        [path.read_text(errors="replace") for path in kernels.rglob("*") if path.is_file()]
    )
