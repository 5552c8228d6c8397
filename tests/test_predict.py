"""Files of texts in, files of predictions out: exact, in constant memory, and resumed to the same bytes."""

import csv
import errno
import io
import json
import os
import pty
import random
import signal
import subprocess
import sys
import time
import tracemalloc
import zipfile
from types import SimpleNamespace

import filelock
import numpy as np
import pandas as pd
import pytest
from conftest import ROOT

from pooled_bert import predicting
from pooled_bert.errors import InputError
from pooled_bert.files import read_json
from pooled_bert.layouts import CsvLayout, JsonlLayout, TableLayout, layout_of
from pooled_bert.predicting import identity, predict_texts
from pooled_bert.prediction_file import open_predictions
from pooled_bert.predictor import load_predictor
from pooled_bert.shown_text import shortened
from pooled_bert.texts import Lines, Text, TextColumn, read_texts
from pooled_bert.thresholds import chosen_thresholds, keep_thresholds

LABELS = ("toxic", "obscene")
HOSTILE = [
    "plain",
    "",
    'a "quoted", one',
    "two\nlines\r\n",
    "😀 naïve 日本",
    "\x1b[31mred\x07",
    "a;b\tc",
    "\u2028",
]


class Fake:
    """Predicts from the length of a text, and counts."""

    labels = LABELS

    def __init__(self):
        self.n_predicted = 0

    def predict_proba(self, texts):
        self.n_predicted += len(texts)
        lengths = np.array([[len(text)] for text in texts], np.float32)
        return np.hstack([1 / (1 + lengths), lengths / (1 + lengths)])


def texts_in(path, form=None, column=None):
    return list(read_texts(Lines(str(path)), form, TextColumn(column, "comment_text")))


def written(folder, name, content):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def csv_of(rows):
    stream = io.StringIO(newline="")
    csv.writer(stream, quoting=csv.QUOTE_ALL).writerows(rows)
    return stream.getvalue()


# what is read


def test_hostile_texts_are_read_exactly_from_csv_zip_and_jsonl(tmp_path):
    rows = [(f"id {number},", text) for number, text in enumerate(HOSTILE)]
    content = csv_of([("id", "comment_text"), *rows])
    assert texts_in(written(tmp_path, "x.csv", content)) == rows
    with zipfile.ZipFile(tmp_path / "x.csv.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.csv", content)
    assert texts_in(tmp_path / "x.csv.zip") == rows
    lines = [json.dumps({"comment_text": text, "id": name, "more": [1]}) for name, text in rows]
    assert texts_in(written(tmp_path, "x.jsonl", "\n".join(lines))) == rows


def test_plain_text_is_one_text_a_line_numbered_from_1(tmp_path):
    path = written(tmp_path, "x.txt", "one\r\n\n  three, with \x0b and \r within")
    assert texts_in(path) == [("1", "one"), ("2", ""), ("3", "  three, with \x0b and \r within")]


def test_rows_without_an_id_have_their_number(tmp_path):
    assert texts_in(written(tmp_path, "x.csv", "n,text\n5,a\n\n6,b\n")) == [("1", "a"), ("2", "b")]
    lines = '"just a string"\n\n{"text": "a"}\n{"text": "b", "id": 17}\n'
    assert texts_in(written(tmp_path, "x.jsonl", lines)) == [("1", "just a string"), ("2", "a"), ("17", "b")]


@pytest.mark.parametrize(
    ("header", "column", "expected"),
    [
        ("text,comment_text,id", None, "b"),
        ("text,other,id", None, "a"),
        ("text,other,id", "other", "b"),
        ("text,comment_text,id", "id", "c"),
    ],
)
def test_column_of_the_texts(tmp_path, header, column, expected):
    assert texts_in(written(tmp_path, "x.csv", f"{header}\na,b,c\n"), column=column)[0].text == expected


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("x.csv", "a,b\n1,2\n", r"x\.csv: which column holds the texts\? Name it with --column; they are 'a', 'b'"),
        ("x.csv", "id,text\n,2\n", r"x\.csv, line 2: the id is empty"),
        ("x.csv", 'id,text\na,b\n"c\nd",2\n', r"x\.csv, line 3: id 'c\\nd' is no text, or holds a line break"),
        ("x.csv", "id,text\na,b,c\n", r"x\.csv, line 2: has 3 fields"),
        ("x.csv", "id,text\n", r"x\.csv: has a header but no rows"),
        ("x.txt", b"a\nb\0\n", r"x\.txt, line 2: holds a NUL byte"),
        ("x.txt", b"a\n\xff\n", r"x\.txt, line 2: is not UTF-8"),
        ("x.txt", "", r"x\.txt: is empty"),
        ("x.jsonl", "\n\n", r"x\.jsonl: is empty"),
        ("x.jsonl", '"a"\n{"text": 5}\n', r"x\.jsonl, line 2: the text is 5, expected a string"),
        ("x.jsonl", '{"text": "a\\u0000"}', r"x\.jsonl, line 1: the text is 'a\\x00', expected a string"),
        ("x.jsonl", '{"text": "a\\ud83d"}', r"x\.jsonl, line 1: the text is 'a\\ud83d', expected a string"),
        ("x.jsonl", '"a"\n{"text": "a"', r"x\.jsonl, line 2: is not JSON"),
        ("x.jsonl", '{"text": "a", "text": "b"}', r"x\.jsonl, line 1: is not JSON \(a name stands there twice"),
        ("x.jsonl", "[" * 100_000, r"x\.jsonl, line 1: is not JSON"),
        ("x.jsonl", '{"text": "a", "id": 1.5}', r"x\.jsonl, line 1: id 1\.5 is no text"),
        ("x.tsv", "a", r"x\.tsv: is it csv, txt or jsonl\? Say it with --format"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_its_place(tmp_path, name, content, expected):
    with pytest.raises(InputError, match=expected):
        texts_in(written(tmp_path, name, content))


def test_misspelt_column_is_named(tmp_path):
    with pytest.raises(InputError, match=r"column 'txt' is missing \(is 'text' meant to be it\?\)"):
        texts_in(written(tmp_path, "x.csv", "id,text\na,b\n"), column="txt")


# what is written


def test_csv_and_jsonl_hold_the_same_and_carry_ids_through():
    texts = [Text(f'i"d, {number}', text) for number, text in enumerate(HOSTILE)]
    probabilities = Fake().predict_proba(HOSTILE)
    thresholds = np.array([0.5, 0.1])
    layout = CsvLayout(LABELS, thresholds)
    table = pd.read_csv(
        io.BytesIO(layout.header() + layout.chunk(texts, probabilities)), keep_default_na=False
    )
    assert table["id"].tolist() == [text.id for text in texts]
    assert (table[list(LABELS)].to_numpy(np.float32) == probabilities).all()  # nine digits hold a float32
    given = [
        " ".join(label for label, yes in zip(LABELS, row, strict=True) if yes)
        for row in probabilities > thresholds
    ]
    assert table["labels"].tolist() == given
    lines = JsonlLayout(LABELS, thresholds).chunk(texts, probabilities).decode().splitlines()
    objects = pd.DataFrame([json.loads(line) for line in lines])
    assert objects.assign(labels=objects["labels"].map(" ".join)).equals(table)


def test_terminal_gets_no_control_characters_and_aligned_columns():
    texts = [Text(str(number), text) for number, text in enumerate([*HOSTILE, "x" * 500])]
    shown = TableLayout(LABELS, np.full(2, 0.5)).chunk(texts, Fake().predict_proba([t.text for t in texts]))
    lines = shown.decode().split("\n")[:-1]
    assert all(line.isprintable() for line in lines)
    assert len(lines) == len(texts) + 1
    start = lines[0].index("text")
    assert lines[1][start:] == "plain"
    assert all(len(line) <= max(80, start + 20) for line in lines)


def test_text_is_shortened_to_the_room_there_is():
    assert shortened("1234567890", 10) == "1234567890"
    assert shortened("12345678901", 10) == "123456789…"


def test_layout_goes_by_option_then_name(tmp_path):
    assert layout_of(tmp_path / "x.jsonl", None) is JsonlLayout
    assert layout_of(tmp_path / "x.jsonl", "csv") is CsvLayout
    assert layout_of(None, None) is CsvLayout
    with pytest.raises(InputError, match="Say it with --output-format"):
        layout_of(tmp_path / "x.xml", None)


@pytest.mark.parametrize("choice", ["1.5", "nan", "many"])
def test_threshold_that_is_none_is_refused(choice, tmp_path):
    with pytest.raises(
        InputError, match=f"--thresholds is {choice}, expected a number from 0 to 1, or tuned"
    ):
        chosen_thresholds(choice, tmp_path, None, LABELS)


# how far it came


IDENTITY = {"folds": {"0": "a"}}


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(predicting, "CHUNK", 10)


def predict_into(path, texts, predictor=None, identity=IDENTITY, overwrite=False):
    layout = CsvLayout(LABELS, None)
    with open_predictions(path, identity=identity, header=layout.header(), overwrite=overwrite) as output:
        return predict_texts(predictor or Fake(), texts, layout, output)


def many(count, start="text"):
    return [Text(str(number), f"{start} {'x' * (number % 17)}") for number in range(count)]


def failing_after(texts, count):
    yield from texts[:count]
    raise InputError("x.csv, line 5: is bad")


@pytest.mark.parametrize("count", [35, 40])
@pytest.mark.parametrize("stop", [0, 9, 10, 25, 35])
def test_stopped_anywhere_it_goes_on_to_the_same_bytes(small_chunks, tmp_path, stop, count):
    texts = many(count)
    predict_into(tmp_path / "whole.csv", texts)
    with pytest.raises(InputError, match="line 5"):
        predict_into(tmp_path / "out.csv", failing_after(texts, stop))
    assert not (tmp_path / "out.csv").exists()
    partial = tmp_path / ".out.csv.partial"
    assert partial.exists() == (stop >= 10)
    if partial.exists():
        with partial.open("ab") as stream:
            stream.write(b"half a li")  # as a process leaves it that is killed while it writes
    predictor = Fake()
    assert predict_into(tmp_path / "out.csv", texts, predictor) == count
    assert predictor.n_predicted == count - stop // 10 * 10
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.csv", "whole.csv"]


@pytest.mark.parametrize("change", ["id", "text", "shorter"])
def test_other_input_is_refused_and_what_is_done_kept(small_chunks, tmp_path, change):
    texts = many(35)
    with pytest.raises(InputError):
        predict_into(tmp_path / "out.csv", failing_after(texts, 25))
    others = {"id": [Text("x", texts[0].text), *texts[1:]], "text": many(35, "Text"), "shorter": texts[:10]}
    with pytest.raises(
        InputError, match=r"out\.csv: was begun with other texts .* delete .*\.out\.csv\.partial"
    ):
        predict_into(tmp_path / "out.csv", others[change])
    predictor = Fake()
    predict_into(tmp_path / "out.csv", texts, predictor)
    assert predictor.n_predicted == 15


def test_other_options_are_refused_until_the_beginning_is_deleted(small_chunks, tmp_path):
    texts = many(35)
    with pytest.raises(InputError):
        predict_into(tmp_path / "out.csv", failing_after(texts, 25))
    other = {"folds": {"0": "b"}}
    with pytest.raises(
        InputError, match=r"was begun otherwise: folds\.0 is 'a' there and 'b' here; .* delete"
    ):
        predict_into(tmp_path / "out.csv", texts, identity=other)
    (tmp_path / ".out.csv.partial").unlink()
    predictor = Fake()
    predict_into(tmp_path / "out.csv", texts, predictor, identity=other)
    assert predictor.n_predicted == 35


def test_existing_output_stays_until_its_successor_is_done(small_chunks, tmp_path):
    path = written(tmp_path, "out.csv", "precious")
    with pytest.raises(InputError, match=r"out\.csv: exists already; give another name, or --overwrite"):
        predict_into(path, many(35))
    with pytest.raises(InputError, match="line 5"):
        predict_into(path, failing_after(many(35), 25), overwrite=True)
    assert path.read_text() == "precious"
    predict_into(path, many(35), overwrite=True)
    assert len(path.read_text().splitlines()) == 36


def test_second_process_on_the_same_output_says_so_and_stops(tmp_path):
    held = filelock.FileLock(tmp_path / ".out.csv.lock")
    with held, pytest.raises(InputError, match=r"out\.csv: another process is writing it"):
        predict_into(tmp_path / "out.csv", many(5))


def test_full_disk_is_named_and_what_is_done_kept(small_chunks, tmp_path):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    texts = many(35)
    layout = CsvLayout(LABELS, None)
    with (
        pytest.raises(InputError, match=r"out\.csv: cannot be written \(No space left on device\)"),
        open_predictions(tmp_path / "out.csv", identity=IDENTITY, header=b"h\n", overwrite=False) as output,
    ):
        predict_texts(Fake(), texts[:20], layout, output)
        stream = output.stream
        output.stream = SimpleNamespace(write=full, close=stream.close)
        predict_texts(Fake(), texts[20:], layout, output)
    assert read_json(tmp_path / ".out.csv.partial.json")["chunks"] == 2


def test_memory_does_not_grow_with_the_number_of_texts():
    count = 30 * predicting.CHUNK
    texts = (
        Text(str(number), f"{number}" * 40) for number in range(count)
    )  # 200 characters each, 20 MB in all
    tracemalloc.start()
    predict_texts(Fake(), texts, CsvLayout(LABELS, None), SimpleNamespace(has=lambda _: False, write=len))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4e6


# the command


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
def test_killed_command_goes_on_to_the_same_bytes(tiny_run, rows, tmp_path, run_command):
    predictor = load_predictor(tiny_run)
    layout = CsvLayout(predictor.labels, None)
    own = identity(predictor, tiny_run, layout)
    with open_predictions(
        tmp_path / "whole.csv", identity=own, header=layout.header(), overwrite=False
    ) as file:
        predict_texts(predictor, texts_in(rows), layout, file)

    arguments = ("--file", rows, "--output", tmp_path / "out.csv")
    state, wanted = tmp_path / ".out.csv.partial.json", random.choice([1, 2, 3])
    process = subprocess.Popen(command(tiny_run, *arguments), stderr=subprocess.PIPE, text=True)
    while not (state.exists() and read_json(state)["chunks"] >= wanted):
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert not (tmp_path / "out.csv").exists()
    run_command("predict.py", "--workspace", tiny_run.parents[3], *arguments)
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.csv", "whole.csv"]


@pytest.mark.slow
def test_standard_input_and_tuned_thresholds(tiny_run):
    predictor = load_predictor(tiny_run)
    thresholds = dict.fromkeys(predictor.labels, 1.0) | {"toxic": 0.0}
    keep_thresholds(tiny_run, predictor.run, thresholds)
    given = [{"id": f"n{number}", "text": text} for number, text in enumerate(HOSTILE)]
    options = ("--file", "-", "--format", "jsonl", "--output-format", "jsonl", "--thresholds", "tuned")
    result = subprocess.run(
        command(tiny_run, *options),
        input="\n".join(map(json.dumps, given)),
        capture_output=True,
        text=True,
        timeout=200,
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
    process = subprocess.Popen(command(tiny_run, "\x1b]0;title\x07", "hello"), stdout=its_end)
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
    assert lines[0].split() == ["id", *load_predictor(tiny_run).labels, "labels", "text"]
    assert lines[1].endswith("⟨001B⟩]0;title⟨0007⟩")
    assert all(line.isprintable() for line in lines)


def test_reader_that_stops_is_no_error():
    endless = (
        "from pooled_bert.errors import run_command\n"
        "from pooled_bert.predicting import StandardOutput\n"
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
        ((), "give texts, or a file of them with --file, and not both"),
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
