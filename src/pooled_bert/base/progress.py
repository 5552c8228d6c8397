"""Progress: a live bar on a terminal, as narrow as need be; in a log, a line every 30 seconds."""

import io
import sys
import time

from tqdm import tqdm

from .terminal import USUAL, terminal_width

SECONDS_BETWEEN_LOG_LINES = 30
NARROW = 70  # columns below which a terminal has no room for a bar
NARROW_FORMAT = "{desc}: {percentage:.0f}% {remaining} left"
LOG_FORMAT = (
    "{desc}: {n_fmt} of {total_fmt}{unit} ({percentage:.0f} %), {remaining} left, {rate_fmt}{postfix}"
)
OPEN_FORMAT = "{desc}: {n_fmt}{unit}, {rate_fmt}{postfix}"  # if the end is not known


def progress_bar(**options) -> tqdm:
    """Return a tqdm bar on stderr, with rate and remaining time; ``options`` are tqdm's (total, desc, unit, …)."""
    if sys.stderr.isatty():
        return _Bar(mininterval=0.2, **options)
    return _Log(mininterval=SECONDS_BETWEEN_LOG_LINES, **options)


class _Bar(tqdm):
    """A bar in one line of the terminal, whose width may change at any time."""

    @property
    def format_dict(self) -> dict:
        width = terminal_width(sys.stderr) or USUAL
        narrow = {"bar_format": NARROW_FORMAT if self.total else OPEN_FORMAT} if width < NARROW else {}
        return {**super().format_dict, "ncols": width - 1, **narrow, "prefix": _title(self)}

    def __str__(self) -> str:
        """Return the line, cut so that it never wraps: a wrapped line would not be overwritten."""
        return super().__str__()[: (terminal_width(sys.stderr) or USUAL) - 1]


class _Log(tqdm):
    """Whole lines, few of them, and no carriage returns: those that tqdm writes are lost in a file of its own."""

    def __init__(self, *arguments, **options):
        self._shown = time.monotonic()
        super().__init__(*arguments, file=io.StringIO(), **options)

    @property
    def format_dict(self) -> dict:
        form = LOG_FORMAT if self.total else OPEN_FORMAT
        return {**super().format_dict, "bar_format": form, "prefix": _title(self)}

    def display(self, msg: str | None = None, pos: int | None = None) -> None:
        if time.monotonic() - self._shown >= SECONDS_BETWEEN_LOG_LINES:
            self._shown = time.monotonic()
            print(self, file=sys.stderr, flush=True)


def _title(bar: tqdm) -> str:
    """Return the description without the colon that tqdm adds to some."""
    return (bar.desc or "").removesuffix(": ")
