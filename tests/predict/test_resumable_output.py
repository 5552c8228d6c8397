"""Files of predictions: in constant memory, and resumed to the same bytes."""

import errno
import tracemalloc
from pathlib import Path
from types import SimpleNamespace

import filelock
import pytest
from made_up_texts import LABELS, Fake, written

from pooled_bert.base.errors import InputError
from pooled_bert.base.files import read_json
from pooled_bert.benchmarks.targets import SEVERAL_LABELS
from pooled_bert.predict import chunks as predicting
from pooled_bert.predict.chunks import predict_texts
from pooled_bert.predict.output_formats import CsvLayout
from pooled_bert.predict.resumable_output import open_predictions
from pooled_bert.predict.text_files import Text

IDENTITY = {"folds": {"0": "a"}}


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(predicting, "CHUNK", 10)


def predict_into(path, texts, predictor=None, identity=IDENTITY, overwrite=False):
    layout = CsvLayout(LABELS, SEVERAL_LABELS, None)
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


@pytest.mark.parametrize("overwrite", [False, True])
def test_killed_after_its_file_was_named_it_is_done_at_once(small_chunks, tmp_path, monkeypatch, overwrite):
    texts, path = many(35), tmp_path / "out.csv"
    if overwrite:
        path.write_text("old")
    unlink = Path.unlink

    def kill(file, missing_ok=False):
        if file.name == ".out.csv.partial.json" and path.exists() and path.read_text() != "old":
            raise KeyboardInterrupt
        unlink(file, missing_ok=missing_ok)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", kill)
        with pytest.raises(KeyboardInterrupt):
            predict_into(path, texts, overwrite=overwrite)
    content, predictor = path.read_bytes(), Fake()
    others = {"begun with other texts": [many(40), many(35, "Text")], "exists already": [texts]}
    for said, inputs in others.items():
        for given in inputs:
            identity = {"folds": {"0": "b"}} if given is texts else IDENTITY
            with pytest.raises(InputError, match=said):
                predict_into(path, given, identity=identity)
            assert path.read_bytes() == content
    assert predict_into(path, texts, predictor, overwrite=overwrite) == 35
    assert predictor.n_predicted == 0
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(InputError, match="exists already"):
        predict_into(path, texts)


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
        InputError, match=r"was begun with different settings: folds\.0 is 'a' there and 'b' here; .* delete"
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
    layout = CsvLayout(LABELS, SEVERAL_LABELS, None)
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
    predict_texts(
        Fake(),
        texts,
        CsvLayout(LABELS, SEVERAL_LABELS, None),
        SimpleNamespace(has=lambda _: False, write=len),
    )
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4e6
