"""Progress bars: live on a terminal, one line every 30 seconds in a log."""

import sys

from tqdm import tqdm

SECONDS_BETWEEN_LOG_LINES = 30


def progress_bar(**options) -> tqdm:
    """Return a tqdm bar on stderr, with rate and remaining time; ``options`` are tqdm's (total, desc, unit, …)."""
    live = sys.stderr.isatty()
    return tqdm(dynamic_ncols=live, mininterval=0.2 if live else SECONDS_BETWEEN_LOG_LINES, **options)
