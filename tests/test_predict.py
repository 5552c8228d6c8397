"""predict.py as a user runs it: killed and resumed, piped, on a terminal."""

import json
import os
import pty
import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from made_up_texts import HOSTILE, texts_in

from pooled_bert.base.files import read_json
from pooled_bert.benchmarks.jigsaw import JIGSAW
from pooled_bert.benchmarks.targets import SEVERAL_LABELS
from pooled_bert.predict.chunks import identity, predict_texts
from pooled_bert.predict.output_formats import CsvLayout
from pooled_bert.predict.predictor import load_predictor
from pooled_bert.predict.resumable_output import open_predictions
from pooled_bert.results.thresholds import keep_thresholds


@pytest.fixture(scope="module")
def rows(sample, tmp_path_factory):
    """A file of 9,000 rows, which are five chunks."""
    texts = pd.read_csv(sample / "train.csv", keep_default_na=False)["comment_text"].tolist()
    path = tmp_path_factory.mktemp("rows") / "rows.csv"
    table = pd.DataFrame({"id": [f"r{number}" for number in range(9000)], "text": (texts * 8)[:9000]})
    table.to_csv(path, index=False, lineterminator="\n")
    return path


def command(tiny_run, *arguments):
    script = [sys.executable, ROOT / "src/predict.py", "--workspace", tiny_run.parents[3]]
    return list(map(str, [*script, *arguments]))


@pytest.mark.slow
def test_killed_command_goes_on_to_the_same_bytes(tiny_run, rows, tmp_path, start_halting, run_process):
    predictor = load_predictor(tiny_run)
    layout = CsvLayout(predictor.labels, SEVERAL_LABELS, None)
    own = identity(predictor, tiny_run, layout)
    with open_predictions(
        tmp_path / "whole.csv", identity=own, header=layout.header(), overwrite=False
    ) as file:
        predict_texts(predictor, texts_in(rows), layout, file)

    arguments = ("--workspace", tiny_run.parents[3], "--file", rows, "--output", tmp_path / "out.csv")
    process = start_halting(".out.csv.partial.json", 3, "predict.py", *arguments)
    assert read_json(tmp_path / ".out.csv.partial.json")["chunks"] == 2
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert not (tmp_path / "out.csv").exists()
    run_process("predict.py", *arguments)
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.csv", "whole.csv"]


@pytest.mark.slow
def test_standard_input_and_tuned_thresholds(tiny_run):
    predictor = load_predictor(tiny_run, [0])
    thresholds = dict.fromkeys(predictor.labels, 1.0) | {"toxic": 0.0}
    keep_thresholds(tiny_run, predictor.run, thresholds)
    given = [{"id": f"n{number}", "text": text} for number, text in enumerate(HOSTILE)]
    options = ("--file", "-", "--format", "jsonl", "--output-format", "jsonl", "--thresholds", "tuned")
    result = subprocess.run(
        command(tiny_run, "--folds", 0, *options),
        input="\n".join(map(json.dumps, given)),
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    found = pd.DataFrame([json.loads(line) for line in result.stdout.splitlines()])
    assert found["id"].tolist() == [item["id"] for item in given]
    assert found["labels"].tolist() == [["toxic"]] * len(given)
    expected = predictor.predict_proba(HOSTILE)
    np.testing.assert_allclose(found[list(predictor.labels)].to_numpy(), expected, atol=1e-6)


@pytest.mark.slow
def test_terminal_shows_a_table(tiny_run):
    terminal, its_end = pty.openpty()
    words = command(tiny_run, "\x1b]0;title\x07", "hello", "--folds", 0)
    process = subprocess.Popen(words, stdout=its_end, env={**os.environ, "COLUMNS": "120"})
    os.close(its_end)
    shown = b""
    try:
        while data := os.read(terminal, 4096):
            shown += data
    except OSError:  # how a terminal ends whose other end is closed
        pass
    os.close(terminal)
    assert process.wait() == 0
    lines = shown.decode().splitlines()
    assert lines[0].split() == ["id", "labels", *JIGSAW.labels, "text"]
    assert lines[1].endswith("⟨001B⟩]0;title⟨0007⟩")
    assert all(line.isprintable() for line in lines)


def test_reader_that_stops_is_no_error():
    endless = (
        "from pooled_bert.base.errors import run_command\n"
        "from pooled_bert.predict.chunks import StandardOutput\n"
        "def main():\n"
        "    while True:\n"
        "        StandardOutput().write(b'line\\n')\n"
        "run_command(main)"
    )
    pipe = subprocess.PIPE
    process = subprocess.Popen([sys.executable, "-c", endless], cwd=ROOT / "src", stdout=pipe, stderr=pipe)
    assert process.stdout.readline() == b"line\n"
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait() == 141


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), "give either texts, or a file of texts with --file"),
        (("a", "--explian"), "unrecognized arguments: --explian (did you mean '--explain'?); see --help"),
        (
            ("a", "--explain", "gradient"),
            "'gradient' is not one of occlusion, gradients, attention (did you mean",
        ),
        (("--file", "b.csv", "--explain", "lime"), "'lime' is not one of occlusion, gradients, attention"),
        (("a", "--output", "there.csv"), "there.csv: exists already; give another name, or --overwrite"),
        (("a", "--run", "none"), "runs/none: has no finished fold; train it with python src/train_folds.py"),
        (("--file", "none.csv"), "none.csv: cannot be read (No such file or directory)"),
    ],
)
def test_wrong_arguments_get_one_line(run_command, tmp_path, monkeypatch, arguments, expected):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.csv").touch()
    result = run_command("predict.py", "--workspace", tmp_path, *arguments, status=2)
    assert expected in result.stderr
    assert result.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["there.csv"]
