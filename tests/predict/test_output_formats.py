"""What is written of predictions: exact for programs, harmless for terminals."""

import io
import json

import numpy as np
import pandas as pd
import pytest
from made_up_texts import HOSTILE, LABELS, Fake

from pooled_bert.base.errors import InputError
from pooled_bert.base.shown_text import shortened
from pooled_bert.benchmarks.targets import SEVERAL_LABELS
from pooled_bert.predict.output_formats import CsvLayout, JsonlLayout, TableLayout, layout_of
from pooled_bert.predict.text_files import Text
from pooled_bert.results.thresholds import chosen_thresholds


def test_csv_and_jsonl_hold_the_same_and_carry_ids_through():
    texts = [Text(f'i"d, {number}', text) for number, text in enumerate(HOSTILE)]
    probabilities = Fake().predict_proba(HOSTILE)
    thresholds = np.array([0.5, 0.1])
    layout = CsvLayout(LABELS, SEVERAL_LABELS, thresholds)
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
    lines = JsonlLayout(LABELS, SEVERAL_LABELS, thresholds).chunk(texts, probabilities).decode().splitlines()
    objects = pd.DataFrame([json.loads(line) for line in lines])
    assert objects.assign(labels=objects["labels"].map(" ".join)).equals(table)


def test_terminal_gets_no_control_characters_and_aligned_columns():
    texts = [Text(str(number), text) for number, text in enumerate([*HOSTILE, "x" * 500])]
    shown = TableLayout(LABELS, SEVERAL_LABELS, np.full(2, 0.5)).chunk(
        texts, Fake().predict_proba([t.text for t in texts])
    )
    lines = shown.decode().split("\n")[:-1]
    assert all(line.isprintable() for line in lines)
    assert len(lines) == len(texts) + 1
    start = lines[0].index("text")
    assert lines[1][start:] == "plain"
    assert all(len(line) <= max(80, start + 20) for line in lines)


def test_terminal_that_is_too_narrow_gets_a_paragraph_per_text(monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    labels = tuple(f"label_{number}" for number in range(6))
    texts = [Text("1", "a text"), Text("2", "x" * 500)]
    layout = TableLayout(labels, SEVERAL_LABELS, np.full(6, 0.5))
    probabilities = np.array([[0.9, 0.6, 0.1, 0.1, 0.1, 0.1], [0.1] * 6], np.float32)
    lines = layout.chunk(texts, probabilities).decode().splitlines()
    assert lines[:3] == ["1  a text", "   labels: label_0 label_1", "   label_0 0.900, label_1"]
    assert max(map(len, lines)) <= 30
    assert " ".join(lines).count("0.100") == 4 + 6


def test_text_is_shortened_to_the_room_there_is():
    assert shortened("1234567890", 10) == "1234567890"
    assert shortened("12345678901", 10) == "123456789…"


def test_layout_goes_by_option_then_name(tmp_path):
    assert layout_of(tmp_path / "x.jsonl", None) is JsonlLayout
    assert layout_of(tmp_path / "x.jsonl", "csv") is CsvLayout
    assert layout_of(None, None) is CsvLayout
    with pytest.raises(InputError, match="give --output-format"):
        layout_of(tmp_path / "x.xml", None)


@pytest.mark.parametrize("choice", ["1.5", "nan", "many"])
def test_threshold_that_is_none_is_refused(choice, tmp_path):
    with pytest.raises(
        InputError, match=f"--thresholds is {choice}, expected a number from 0 to 1, or tuned"
    ):
        chosen_thresholds(choice, tmp_path, None, LABELS)
