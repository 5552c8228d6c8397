import json
import os
import signal
import socket
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT

from pooled_bert.base import distribution
from pooled_bert.base.deadline import Deadline
from pooled_bert.base.distribution import SharedDeadline, Workers, full, make_strategy, workers
from pooled_bert.base.errors import InputError

TWO = {"worker": ["127.0.0.1:1", "127.0.0.1:2"]}


def config_of(cluster, kind, index):
    return json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}})


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (config_of(TWO, "worker", 0), Workers(2, is_chief=True)),
        (config_of(TWO, "worker", 1), Workers(2, is_chief=False)),
        (config_of({"chief": ["a:1"], **TWO}, "worker", 0), Workers(3, is_chief=False)),
        (config_of({"chief": ["a:1"], **TWO}, "chief", 0), Workers(3, is_chief=True)),
        (config_of({"worker": ["a:1"]}, "worker", 0), Workers(1, is_chief=True)),
    ],
)
def test_tf_config_says_who_works_and_who_writes(monkeypatch, config, expected):
    monkeypatch.setenv("TF_CONFIG", config)
    assert workers("auto") == workers("multiworker") == expected
    assert workers("one") == workers("mirrored") == Workers()


@pytest.mark.parametrize(
    "config",
    [
        "",
        "{",
        "[]",
        "{}",
        config_of(TWO, "worker", 2),
        config_of(TWO, "ps", 0),
        config_of({"ps": ["a"]}, "ps", 0),
    ],
)
def test_tf_config_that_does_not_say_it_is_refused(monkeypatch, config):
    monkeypatch.setenv("TF_CONFIG", config)
    with pytest.raises(InputError, match="TF_CONFIG does not describe"):
        workers("multiworker")


def test_without_tf_config_there_is_one_process_and_one_device(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert workers("auto") == Workers()
    assert make_strategy("auto").num_replicas_in_sync == 1


@pytest.mark.parametrize(("n_rows", "n_replicas", "expected"), [(4, 2, 4), (3, 2, 4), (1, 4, 4), (5, 1, 5)])
def test_every_replica_gets_as_many_rows(n_rows, n_replicas, expected):
    rows = np.arange(10, 10 + n_rows)
    more = full(rows, n_replicas)
    assert len(more) == expected
    assert more[:n_rows].tolist() == rows.tolist()
    assert set(more) == set(rows)


def test_deadline_of_one_worker_stops_all(monkeypatch):
    told = []
    monkeypatch.setattr(distribution, "any_worker", lambda _, flag: told.append(flag) or True)
    assert not SharedDeadline(Deadline(60), "multiworker").leaves(0)
    assert told == [False]  # its own is far away


TWO_DEVICES = """
import sys
sys.path[:0] = sys.argv[1:3]
from pooled_bert.base.tensorflow_setup import start_tensorflow
start_tensorflow()
import numpy as np, tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from pathlib import Path
from pooled_bert.benchmarks.targets import SEVERAL_LABELS
from pooled_bert.training.checkpoints import Checkpoints
from pooled_bert.training.problem import Problem
from pooled_bert.training.settings import BertSettings
from pooled_bert.training.learners import load_learner

random = np.random.default_rng(0)
words = "one two three four five six seven eight nine ten".split()
texts = [" ".join(random.choice(words, random.integers(1, 12))) for _ in range(77)]
labels = np.stack([["one" in text.split(), "two" in text.split()] for text in texts]).astype(float)
labels[random.random(labels.shape) < 0.2] = np.nan
place = Path(sys.argv[3])
for strategy in ("one", "mirrored"):
    problem = Problem(SEVERAL_LABELS, ("a", "b"), texts, labels, np.arange(65), np.arange(65, 77), texts[:3], strategy,
                      1, place, Checkpoints(place / strategy))
    settings = BertSettings(encoder="tiny", epochs=4, batch_size=13, learning_rate=3e-3, dropout=0.0, strategy=strategy,
                            precision="float32")
    outcome = load_learner(settings)(problem)
    folder = place / f"model-{strategy}"
    folder.mkdir()
    outcome.save_model(folder)
    losses = [record["loss"] for record in outcome.history]
    np.savez(place / f"{strategy}.npz", oof=outcome.oof, test=outcome.test, losses=losses,
             replicas=outcome.information["replicas"])
"""


def test_two_devices_train_as_one(tmp_path):
    command = [sys.executable, "-c", TWO_DEVICES, str(ROOT / "src"), str(ROOT / "tests"), str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    one, two = (np.load(tmp_path / f"{name}.npz") for name in ("one", "mirrored"))
    assert (int(one["replicas"]), int(two["replicas"])) == (1, 2)
    assert one["losses"][-1] < 0.9 * one["losses"][0]
    for name in ("oof", "test", "losses"):
        assert np.abs(one[name] - two[name]).max() < 1e-4
    from safetensors.numpy import load_file

    for file in ("model.safetensors", "head.safetensors"):
        weights, others = (load_file(tmp_path / f"model-{name}" / file) for name in ("one", "mirrored"))
        assert weights.keys() == others.keys()
        assert max(np.abs(weights[name] - others[name]).max() for name in weights) < 1e-4


@pytest.fixture
def start_workers(sample):
    """Start two workers on this machine, each with the same options; they are killed in the end.

    The first one can be made to halt at its second checkpoint.
    """
    started = []

    def start(*options, halting=False):
        with socket.socket() as first, socket.socket() as second:
            for one in (first, second):
                one.bind(("127.0.0.1", 0))
            addresses = [f"127.0.0.1:{one.getsockname()[1]}" for one in (first, second)]
        command = [
            ROOT / "src" / "train_folds.py",
            "--data",
            sample,
            "--encoder",
            "tiny",
            *options,
        ]
        halt = [ROOT / "tests" / "halting.py", "step_*.npz", 2] if halting else []
        processes = [
            subprocess.Popen(
                [sys.executable, *map(str, [*(halt if index == 0 else []), *command])],
                env={**os.environ, "TF_CONFIG": config_of({"worker": addresses}, "worker", index)},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for index in range(2)
        ]
        started.extend(processes)
        return processes

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.slow
def test_killed_worker_ends_the_other_and_both_resume_to_the_result_of_one(
    start_workers, run_command, sample, tmp_path
):
    extra = tmp_path / "extra.csv"  # rows that know one label only
    pd.DataFrame({"comment_text": [f"more words {i}" for i in range(40)], "toxic": [0, 1] * 20}).to_csv(
        extra, index=False
    )
    options = [
        "--fold",
        0,
        "--limit",
        120,
        "--epochs",
        2,
        "--dropout",
        0,
        "--learning-rate",
        1e-3,
        "--extra",
        extra,
        "--precision",
        "float32",  # whatever the machine has instructions for
    ]
    workspace, one = tmp_path / "two", tmp_path / "one"
    chief, helper = start_workers(*options, "--workspace", workspace, "--checkpoint-minutes", 0, halting=True)
    assert os.WIFSTOPPED(os.waitpid(chief.pid, os.WUNTRACED)[1]), chief.communicate()
    helper.kill()
    helper.communicate()
    chief.send_signal(signal.SIGCONT)
    _, errors = chief.communicate()
    assert chief.returncode == 2, errors
    assert "another worker of TF_CONFIG ended" in errors
    assert "Traceback" not in errors
    for process in start_workers(*options, "--workspace", workspace):
        out, errors = process.communicate()
        assert process.returncode == 0, errors
        assert "resumes after step" in out
    run_command("train_folds.py", "--data", sample, "--encoder", "tiny", *options, "--workspace", one)
    for name in ("oof.csv", "test.csv"):
        mine, other = (
            pd.read_csv(place / "folds" / "jigsaw" / "runs" / "bert" / "fold_0" / name).select_dtypes("float")
            for place in (workspace, one)
        )
        assert mine.shape == other.shape
        assert np.abs(mine - other).to_numpy().max() < 1e-4
