"""Output formats of predictions: CSV and JSONL for programs, an aligned table for a terminal."""

import csv
import io
import json
import shutil
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..base.errors import InputError
from ..base.shown_text import shortened, visible
from ..benchmarks.targets import Target
from .text_files import ID, Text

if TYPE_CHECKING:
    from .sound_paths import SoundFile


@dataclass(frozen=True)
class Layout:
    """An output format, with per text: its id, the probability of each label, and its labels or its class.

    thresholds : float64 [n_labels]. A label is assigned if its probability is above its threshold. None: several
    labels are not assigned; of several classes the likeliest always is.
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
        """The column names: id, labels, and the assigned labels or the class if decisions are written."""
        return [ID, *self.labels, *([self.target.decision] if self.decides else [])]

    def header(self) -> bytes:
        """Return the bytes before the first chunk."""
        return b""

    def chunk(self, texts: Sequence["Text | SoundFile"], probabilities: np.ndarray) -> bytes:
        """Format some texts and their probabilities, float32 [n_texts, n_labels]."""
        raise NotImplementedError

    def assigned(self, probabilities: np.ndarray) -> list[list[str]]:
        """Return the list of assigned labels for each text."""
        return self.target.names(self.labels, probabilities, self.thresholds)


class CsvLayout(Layout):
    """Columns and numbers as in oof.csv and test.csv; the assigned labels are separated by spaces."""

    def header(self) -> bytes:
        """Return the line of column names."""
        return _csv([self.columns])

    def chunk(self, texts: Sequence["Text | SoundFile"], probabilities: np.ndarray) -> bytes:
        """Format one line per text."""
        rows = [
            [text.id, *map(_NUMBER, row)] for text, row in zip(texts, probabilities.tolist(), strict=True)
        ]
        if self.decides:
            rows = [
                [*row, " ".join(names)] for row, names in zip(rows, self.assigned(probabilities), strict=True)
            ]
        return _csv(rows)


class JsonlLayout(Layout):
    """One JSON object per line; the assigned labels are a list."""

    def chunk(self, texts: Sequence["Text | SoundFile"], probabilities: np.ndarray) -> bytes:
        """Format one line per text."""
        rows = [
            [text.id, *(float(_NUMBER(value)) for value in row)]
            for text, row in zip(texts, probabilities.tolist(), strict=True)
        ]
        if self.decides:
            rows = [[*row, names] for row, names in zip(rows, self.assigned(probabilities), strict=True)]
        objects = (dict(zip(self.columns, row, strict=True)) for row in rows)
        return "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in objects).encode()


class TableLayout(Layout):
    """An aligned table, as wide as the terminal; control characters in texts are spelt out."""

    def chunk(self, texts: Sequence["Text | SoundFile"], probabilities: np.ndarray) -> bytes:
        """Format a table with its own header."""
        rows = [[ID, self.target.decision, *self.labels]]  # what is assigned comes first
        for text, row, names in zip(texts, probabilities.tolist(), self.assigned(probabilities), strict=True):
            rows.append([text.id, " ".join(names) or "-", *map("{:.3f}".format, row)])
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        columns = shutil.get_terminal_size().columns
        text_width = columns - sum(widths) - 2 * len(widths)
        if text_width < LEAST_TEXT:
            return self._paragraphs(texts, rows[1:], columns)
        shown = [texts[0].medium, *(_one_line(text, text_width) for text in texts)]
        lines = [
            "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=True)), text]) + "\n"
            for row, text in zip(rows, shown, strict=True)
        ]
        return "".join(lines).encode()

    def _paragraphs(
        self, texts: Sequence["Text | SoundFile"], rows: Sequence[list[str]], columns: int
    ) -> bytes:
        """Format a paragraph per text, for a terminal that is too narrow for the table."""
        lines = []
        for text, (name, assigned, *numbers) in zip(texts, rows, strict=True):
            lines.append(f"{name}  {_one_line(text, columns - len(name) - 2)}")
            scores = ", ".join(map(" ".join, zip(self.labels, numbers, strict=True)))
            for part in (f"{self.target.decision}: {assigned}", scores):
                lines += textwrap.wrap(
                    part, max(columns - 3, LEAST_TEXT), initial_indent="   ", subsequent_indent="   "
                )
        return "".join(f"{line}\n" for line in lines).encode()


LAYOUTS = {"csv": CsvLayout, "jsonl": JsonlLayout}
_NUMBER = "{:.9g}".format
LEAST_TEXT = 20  # columns


def layout_of(path: Path | None, form: str | None) -> type[Layout]:
    """Return the layout ``form``, or if that is None the one of the file's name; raises InputError if unknown."""
    form = form or (path.suffix[1:] if path else "csv")
    if form not in LAYOUTS:
        raise InputError(f"{path}: unknown file format; give --output-format csv or jsonl")
    return LAYOUTS[form]


def _one_line(text: "Text | SoundFile", width: int) -> str:
    """Return the start of a text, with control characters spelt out, in at most ``width`` columns."""
    width = max(width, LEAST_TEXT)
    return shortened(visible(shortened(text.shown, width), kept=""), width)


def _csv(rows: Sequence[list[str]]) -> bytes:
    stream = io.StringIO(newline="")
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue().encode()
