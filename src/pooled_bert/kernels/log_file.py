"""The log of what commands do on Kaggle: a file keeps everything, and stderr shows what a user should know."""

import contextlib
import logging
import sys
import time
from collections.abc import Iterator
from pathlib import Path

LOGGER = __name__.rsplit(".", 1)[0]  # that of all modules of this package


@contextlib.contextmanager
def logged(path: Path) -> Iterator[None]:
    """Append what this package logs during the block to a file, with the time in UTC, and show warnings on stderr."""
    file, screen = logging.FileHandler(path, encoding="utf-8"), logging.StreamHandler(sys.stderr)
    screen.setLevel(logging.WARNING)
    formatter = logging.Formatter("%(asctime)s %(levelname)s %(message)s", datefmt="%Y-%m-%d %H:%M:%S")
    formatter.converter = time.gmtime
    logger = logging.getLogger(LOGGER)
    level, propagate = logger.level, logger.propagate
    for handler in (file, screen):
        handler.setFormatter(formatter)
        logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield
    except BaseException as error:
        logger.info("ended: %s %s", type(error).__name__, error)
        raise
    finally:
        for handler in (file, screen):
            logger.removeHandler(handler)
        file.close()
        logger.setLevel(level)
        logger.propagate = propagate
