"""How predictions are written: CSV and JSONL for programs, an aligned table for a terminal."""

import csv
import io
import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..base.errors import InputError
from ..base.shown_text import shortened, visible
from ..benchmarks.targets import Target
from .text_files import ID, Text


@dataclass(frozen=True)
class Layout:
    """What is written of each text: id, the probability of each label, and the labels assigned or the class.

    thresholds : float64 [n_labels]: a label is assigned above its own; None: several labels are not decided.
    """

    labels: tuple[str, ...]
    target: Target
    thresholds: np.ndarray | None

    @property
    def decides(self) -> bool:
        """Whether decisions are written."""
        return self.target.is_exclusive or self.thresholds is not None

    @property
    def columns(self) -> list[str]:
        """The names of what is written."""
        return [ID, *self.labels, *([self.target.decision] if self.decides else [])]

    def header(self) -> bytes:
        """What stands before all chunks."""
        return b""

    def chunk(self, texts: Sequence[Text], probabilities: np.ndarray) -> bytes:
        """What is written of some texts and their probabilities, float32 [n_texts, n_labels]."""
        raise NotImplementedError

    def given(self, probabilities: np.ndarray) -> Iterator[list[str]]:
        """The labels given to each text."""
        for row in self.target.decide(probabilities, self.thresholds).tolist():
            yield [label for label, is_given in zip(self.labels, row, strict=True) if is_given]


class CsvLayout(Layout):
    """Columns and numbers as in oof.csv and test.csv; the labels given are separated by spaces."""

    def header(self) -> bytes:
        """The names of the columns."""
        return _csv([self.columns])

    def chunk(self, texts: Sequence[Text], probabilities: np.ndarray) -> bytes:
        """A line a text."""
        rows = [
            [text.id, *map(_NUMBER, row)] for text, row in zip(texts, probabilities.tolist(), strict=True)
        ]
        if self.decides:
            rows = [
                [*row, " ".join(names)] for row, names in zip(rows, self.given(probabilities), strict=True)
            ]
        return _csv(rows)


class JsonlLayout(Layout):
    """An object a line; the labels given are a list."""

    def chunk(self, texts: Sequence[Text], probabilities: np.ndarray) -> bytes:
        """A line a text."""
        rows = [
            [text.id, *(float(_NUMBER(value)) for value in row)]
            for text, row in zip(texts, probabilities.tolist(), strict=True)
        ]
        if self.decides:
            rows = [[*row, names] for row, names in zip(rows, self.given(probabilities), strict=True)]
        objects = (dict(zip(self.columns, row, strict=True)) for row in rows)
        return "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in objects).encode()


class TableLayout(Layout):
    """Aligned, as wide as the terminal; what a terminal would obey is spelt out."""

    def chunk(self, texts: Sequence[Text], probabilities: np.ndarray) -> bytes:
        """A table with a header of its own."""
        rows = [self.columns]
        for text, row, names in zip(texts, probabilities.tolist(), self.given(probabilities), strict=True):
            rows.append([text.id, *map("{:.3f}".format, row), " ".join(names) or "-"])
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        room = max(shutil.get_terminal_size().columns - sum(widths) - 2 * len(widths), 20)
        shown = ["text", *(shortened(visible(text.text[: room + 1], kept=""), room) for text in texts)]
        lines = [
            "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=True)), text]) + "\n"
            for row, text in zip(rows, shown, strict=True)
        ]
        return "".join(lines).encode()


LAYOUTS = {"csv": CsvLayout, "jsonl": JsonlLayout}
_NUMBER = "{:.9g}".format


def layout_of(path: Path | None, form: str | None) -> type[Layout]:
    """The layout ``form``, or without that the one which the name of the file tells; raises InputError."""
    form = form or (path.suffix[1:] if path else "csv")
    if form not in LAYOUTS:
        raise InputError(f"{path}: is it to be csv or jsonl? Say it with --output-format")
    return LAYOUTS[form]


def _csv(rows: Sequence[list[str]]) -> bytes:
    stream = io.StringIO(newline="")
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue().encode()
