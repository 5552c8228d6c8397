"""The terminal that a command writes to."""

import os
from typing import TextIO

USUAL = 80  # columns of a terminal that does not say


def terminal_width(stream: TextIO) -> int | None:
    """Return the columns of the terminal that ``stream`` writes to; None for a file or a pipe. COLUMNS overrides."""
    if not stream.isatty():
        return None
    wanted = os.environ.get("COLUMNS", "")
    if wanted.isdecimal() and int(wanted):
        return int(wanted)
    return os.get_terminal_size(stream.fileno()).columns or USUAL
