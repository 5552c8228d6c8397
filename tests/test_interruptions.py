"""Trainings that are stopped, doubled or run out of disk."""

import resource
import shlex
import shutil
import signal

import filelock
import pytest

from pooled_bert.benchmarks.jigsaw import JIGSAW
from pooled_bert.data.sample import write_sample
from pooled_bert.runs.fold_files import read_config, write_config

FILES = ("oof.csv", "test.csv", "metrics.json", "history.csv")
SETTINGS = shlex.split(
    "--fold 0 --n-folds 2 --epochs 2 --batch-size 8 --max-length 32 --checkpoint-minutes 0"
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    write_sample(folder, JIGSAW, rows=200, test_rows=20, seed=2)
    return folder


@pytest.fixture
def train(options, run_command):
    """Train into a workspace, inside this process; returns the output and the messages."""

    def run(workspace, *more, status=0):
        result = run_command("train_folds.py", *options(workspace), *more, status=status)
        return result.stdout, result.stderr

    return run


@pytest.fixture(scope="module")
def options(data, encoder_folder):
    """Return the options of every training, for a workspace."""
    return lambda workspace: [
        "--data",
        data,
        "--encoder",
        encoder_folder,
        "--workspace",
        workspace,
        *SETTINGS,
    ]


def fold_of(workspace):
    return workspace / "folds/jigsaw/runs/bert/fold_0"


def result_of(workspace):
    return {name: (fold_of(workspace) / name).read_bytes() for name in FILES}


@pytest.fixture(scope="module")
def undisturbed(options, tmp_path_factory, run_command):
    workspace = tmp_path_factory.mktemp("undisturbed")
    run_command("train_folds.py", *options(workspace))
    assert not (fold_of(workspace) / "checkpoints").exists()
    return workspace


def test_interrupted_training_says_so_in_one_line_and_goes_on_to_the_same_bytes(
    options, undisturbed, start_halting, train, tmp_path
):
    process = start_halting("step_*.npz", 2, "train_folds.py", *options(tmp_path))
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGCONT)
    err = process.communicate()[1]
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert err.splitlines()[-1].startswith("train_folds.py: interrupted; finished work is kept")
    assert "fold 0: resumes after step" in train(tmp_path)[0]
    assert result_of(tmp_path) == result_of(undisturbed)


def test_time_limit_ends_with_its_own_status_and_the_command_that_goes_on(
    options, undisturbed, run_here, tmp_path
):
    statuses, limit = [], 0.02  # less than reading and the model's first step take
    while 0 not in statuses:
        result = run_here("train_folds.py", *options(tmp_path), "--time-limit", f"{limit:.2f}")
        statuses.append(result.returncode)
        if result.returncode == 75:
            last = result.stderr.splitlines()[-1]
            assert f"the time limit of {limit:g} minutes is reached" in last
            assert shlex.split(last.split(" To resume, run: ")[1]) == ["python", *result.args]
        else:
            assert result.returncode == 0, result.stdout + result.stderr
        limit *= 8
    assert 75 in statuses
    assert result_of(tmp_path) == result_of(undisturbed)


def test_second_process_on_the_same_fold_says_so_and_stops(train, tmp_path):
    fold_of(tmp_path).parent.mkdir(parents=True)
    with filelock.FileLock(fold_of(tmp_path).with_name(".fold_0.lock")):
        err = train(tmp_path, status=2)[1]
    assert "fold_0: another process is training this fold" in err


def test_full_disk_is_named_and_nothing_is_lost(options, undisturbed, run_process, train, tmp_path):
    def small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    err = run_process("train_folds.py", *options(tmp_path), status=2, preexec_fn=small_files).stderr
    assert err.splitlines()[-1].endswith(".npz: cannot be written (File too large)")
    assert not list(tmp_path.rglob("*.part"))
    train(tmp_path)
    assert result_of(tmp_path) == result_of(undisturbed)


def test_replacing_with_an_encoder_that_cannot_be_loaded_keeps_the_old_fold(undisturbed, train, tmp_path):
    shutil.copytree(undisturbed, tmp_path, dirs_exist_ok=True)
    assert "cannot be loaded" in train(tmp_path, "--overwrite", "--encoder", tmp_path, status=2)[1]
    assert result_of(tmp_path) == result_of(undisturbed)


def test_other_revision_of_the_code_is_told_and_other_settings_are_refused(undisturbed, train, tmp_path):
    shutil.copytree(undisturbed, tmp_path, dirs_exist_ok=True)
    config = read_config(fold_of(tmp_path), 0)
    write_config(fold_of(tmp_path), config["identity"], {**config["information"], "revision": "0123456789ab"})
    err = train(tmp_path)[1]
    assert "note: fold 0 was started with revision 0123456789ab, now " in err
    err = train(tmp_path, "--epochs", "3", status=2)[1]
    assert "fold_0: was started with different settings or data: settings.epochs is 2 there and 3 here" in err
