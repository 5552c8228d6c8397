"""Errors that end a command early: each has a message with place and remedy, and an exit status of its own."""

import os
import shlex
import sys
from collections.abc import Callable, Iterable
from difflib import get_close_matches

INPUT_STATUS, TIME_LIMIT_STATUS, INTERRUPTED_STATUS = 2, 75, 130  # 75: "try again later" in sysexits.h
PIPE_STATUS = 141  # what a shell shows for a process that ends by SIGPIPE


class InputError(Exception):
    """The user's input cannot be used; the message says what is wrong, where, and what to do."""


class TimeLimitReached(Exception):
    """The time limit is reached; progress is saved."""


def run_command(main: Callable[[], None]) -> None:
    """Run a command's main function; turn each expected error into one line on stderr and an exit status."""
    try:
        main()
        sys.stdout.flush()  # so that a pipe closed by its reader raises here, not at exit
    except BrokenPipeError:
        # Python's documentation recommends this: otherwise the flush at exit fails on the closed pipe again
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(PIPE_STATUS)
    except InputError as error:
        sys.exit(_fail(str(error), INPUT_STATUS))
    except TimeLimitReached as error:
        command = shlex.join(["python", *sys.argv])
        sys.exit(_fail(f"{error}; progress is saved. To resume, run: {command}", TIME_LIMIT_STATUS))
    except KeyboardInterrupt:
        message = "interrupted; finished work is kept. To resume, run the same command again"
        sys.exit(_fail(message, INTERRUPTED_STATUS))


def _fail(message: str, status: int) -> int:
    """Print a message in one line, whatever the values in it hold; return the exit status."""
    from .shown_text import visible

    print(visible(f"{sys.argv[0].rsplit('/', 1)[-1]}: {message}", kept=""), file=sys.stderr)
    return status


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return " (did you mean …?)" with the known word that is most similar to ``word``; empty if none is similar."""
    similar = get_close_matches(word, list(known), n=1)
    return f" (did you mean {similar[0]!r}?)" if similar else ""


def require(condition: bool, flag: str, value, expected: str) -> None:
    """Raise InputError that names the option, its value and what was expected."""
    if not condition:
        raise InputError(f"{flag} is {value}, expected {expected}")
