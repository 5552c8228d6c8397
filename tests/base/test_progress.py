"""Progress on a terminal of any width, and in a log."""

import io
import sys

import pytest

from pooled_bert.base import progress
from pooled_bert.base.progress import progress_bar
from pooled_bert.base.terminal import terminal_width


class Terminal(io.StringIO):
    def isatty(self):
        return True


def run(total=20):
    with progress_bar(total=total, unit=" steps", desc="fold 0", leave=False) as bar:
        bar.set_description("fold 0, epoch 10/12")
        for _ in range(20):
            bar.set_postfix(loss="0.1234", refresh=False)
            bar.update()
            bar.refresh()
        bar.write("fold 0, epoch 10: a line")


@pytest.mark.parametrize("total", [20, None])
@pytest.mark.parametrize("columns", [20, 40, 69, 70, 100, 200])
def test_bar_is_one_line_of_any_terminal(monkeypatch, columns, total):
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    monkeypatch.setenv("COLUMNS", str(columns))
    run(total)
    lines = terminal.getvalue().replace("\n", "\r").split("\r")
    assert max(map(len, lines)) < columns
    shown = next(line for line in reversed(lines) if line.strip())
    assert shown.startswith("fold 0, epoch 10/12"[: columns - 1])
    if columns == 40 and total:
        assert shown == "fold 0, epoch 10/12: 100% 00:00 left"


def test_log_of_quick_work_has_no_progress(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stderr", log := io.StringIO())
    run()
    assert log.getvalue() == ""
    assert capsys.readouterr().out == "fold 0, epoch 10: a line\n"


def test_log_has_whole_lines_with_the_time_left(monkeypatch):
    monkeypatch.setattr(sys, "stderr", log := io.StringIO())
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LOG_LINES", 0)
    run()
    assert "\r" not in log.getvalue()
    lines = log.getvalue().splitlines()
    assert lines[-1].startswith("fold 0, epoch 10/12: 20 of 20 steps (100 %), 00:00 left, ")
    assert lines[-1].endswith(", loss=0.1234")


def test_width_is_that_of_the_terminal_unless_columns_says_another(monkeypatch):
    assert terminal_width(io.StringIO()) is None
    for said, width in (("40", 40), ("200", 200)):
        monkeypatch.setenv("COLUMNS", said)
        assert terminal_width(Terminal()) == width
