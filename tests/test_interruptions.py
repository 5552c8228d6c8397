"""Trainings that are stopped, doubled or run out of disk, as commands in processes of their own."""

import resource
import shlex
import signal
import subprocess
import sys
import time

import filelock
import pytest
from conftest import ROOT

from pooled_bert.data.sample import write_sample
from pooled_bert.runs.fold_files import read_config, write_config

FILES = ("oof.csv", "test.csv", "metrics.json", "history.csv")
SETTINGS = shlex.split(
    "--encoder tiny --fold 0 --n-folds 2 --epochs 2 --batch-size 8 --max-length 32 --checkpoint-minutes 0"
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    write_sample(folder, "jigsaw", rows=200, test_rows=20, seed=2)
    return folder


def start(data, workspace, *more, **options):
    command = [
        sys.executable,
        ROOT / "src/train_folds.py",
        "--data",
        data,
        "--workspace",
        workspace,
        *SETTINGS,
        *more,
    ]
    return subprocess.Popen(
        list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


def finish(process, status):
    out, err = process.communicate(timeout=200)
    assert process.returncode == status, out + err
    assert "Traceback" not in err
    return out, err


def fold_of(workspace):
    return workspace / "folds/jigsaw/runs/bert/fold_0"


def result_of(workspace):
    return {name: (fold_of(workspace) / name).read_bytes() for name in FILES}


def wait_for_checkpoint(workspace, process):
    while not list(fold_of(workspace).glob("checkpoints/step_*.npz")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)


@pytest.fixture(scope="module")
def undisturbed(data, tmp_path_factory):
    workspace = tmp_path_factory.mktemp("undisturbed")
    finish(start(data, workspace), 0)
    assert not (fold_of(workspace) / "checkpoints").exists()
    return result_of(workspace)


def test_interrupted_training_says_so_in_one_line_and_goes_on_to_the_same_bytes(data, undisturbed, tmp_path):
    process = start(data, tmp_path)
    wait_for_checkpoint(tmp_path, process)
    process.send_signal(signal.SIGINT)
    err = finish(process, 130)[1]
    assert err.splitlines()[-1].startswith("train_folds.py: interrupted; finished work is kept")
    out = finish(start(data, tmp_path), 0)[0]
    assert "fold 0: resumes after step" in out
    assert result_of(tmp_path) == undisturbed


def test_time_limit_ends_with_its_own_status_and_the_command_that_goes_on(data, undisturbed, tmp_path):
    statuses, limit = [], 0.05  # less than the imports take
    while 0 not in statuses:
        process = start(data, tmp_path, "--time-limit", f"{limit:.2f}")
        out, err = process.communicate(timeout=200)
        statuses.append(process.returncode)
        if process.returncode == 75:
            last = err.splitlines()[-1]
            assert f"the time limit of {limit:g} minutes is reached" in last
            assert shlex.split(last.split(" To resume, run: ")[1]) == ["python", *process.args[1:]]
        else:
            assert process.returncode == 0, out + err
        limit *= 3
    assert 75 in statuses
    assert result_of(tmp_path) == undisturbed


def test_second_process_on_the_same_fold_says_so_and_stops(data, tmp_path):
    fold_of(tmp_path).parent.mkdir(parents=True)
    with filelock.FileLock(fold_of(tmp_path).with_name(".fold_0.lock")):
        err = finish(start(data, tmp_path), 2)[1]
    assert "fold_0: another process is training this fold" in err


def test_full_disk_is_named_and_nothing_is_lost(data, undisturbed, tmp_path):
    def small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    err = finish(start(data, tmp_path, preexec_fn=small_files), 2)[1]
    assert err.splitlines()[-1].endswith(".npz: cannot be written (File too large)")
    assert not list(tmp_path.rglob("*.part"))
    finish(start(data, tmp_path), 0)
    assert result_of(tmp_path) == undisturbed


def test_replacing_with_an_encoder_that_cannot_be_loaded_keeps_the_old_fold(data, undisturbed, tmp_path):
    finish(start(data, tmp_path), 0)
    assert result_of(tmp_path) == undisturbed
    err = finish(start(data, tmp_path, "--overwrite", "--encoder", tmp_path), 2)[1]
    assert "cannot be loaded as a BERT" in err
    assert result_of(tmp_path) == undisturbed


def test_other_revision_of_the_code_is_told_and_other_settings_are_refused(data, tmp_path):
    finish(start(data, tmp_path), 0)
    config = read_config(fold_of(tmp_path), 0)
    write_config(fold_of(tmp_path), config["identity"], {**config["information"], "revision": "0123456789ab"})
    err = finish(start(data, tmp_path), 0)[1]
    assert "note: fold 0 was started with revision 0123456789ab, now " in err
    err = finish(start(data, tmp_path, "--epochs", "3"), 2)[1]
    assert "fold_0: was started with different settings or data: settings.epochs is 2 there and 3 here" in err
