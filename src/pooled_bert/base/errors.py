"""Errors that end a command early: each has a message with place and remedy, and an exit status of its own."""

import errno
import os
import shlex
import signal
import sys
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from pathlib import Path

INPUT_STATUS, TIME_LIMIT_STATUS, INTERRUPTED_STATUS = 2, 75, 130  # 75: "try again later" in sysexits.h
INTERRUPTED = "interrupted; finished work is kept. To resume, run the same command again"
FULL = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EIO,
)  # errors of a stream, which unlike those of a file name no file
PIPE_STATUS = 141  # what a shell shows for a process that ends by SIGPIPE


class InputError(Exception):
    """The user's input cannot be used; the message says what is wrong, where, and what to do."""


class TimeLimitReached(Exception):
    """The time limit is reached; progress is saved."""


def run_command(main: Callable[[], None]) -> None:
    """Run a command's main function; turn each expected error into one line on stderr and an exit status."""
    _open_closed_streams()
    usual = (signal.default_int_handler, signal.SIG_DFL)  # SIG_DFL: as set below
    if signal.getsignal(signal.SIGINT) in usual:
        signal.signal(signal.SIGINT, _interrupt)
    try:
        _run_and_flush(main)
    except BrokenPipeError:
        _give_up_output()
        sys.exit(PIPE_STATUS)
    except OSError as error:
        if error.filename is not None or error.errno not in FULL:
            raise
        sys.exit(_fail(f"standard output: cannot be written ({error.strerror})", INPUT_STATUS))
    except InputError as error:
        sys.exit(_fail(str(error), INPUT_STATUS))
    except TimeLimitReached as error:
        command = shlex.join(["python", *sys.argv])
        sys.exit(_fail(f"{error}; progress is saved. To resume, run: {command}", TIME_LIMIT_STATUS))
    except KeyboardInterrupt:
        sys.exit(_fail(INTERRUPTED, INTERRUPTED_STATUS))


def _interrupt(*_) -> None:
    """Raise KeyboardInterrupt, or end at once where TensorFlow is loaded.

    TensorFlow's native code loses an exception that comes out of Python that it calls, fails otherwise, or crashes.
    What a command has on the disk is whole at any time, so nothing needs to be tidied.
    """
    if "tensorflow" not in sys.modules:
        raise KeyboardInterrupt
    try:
        _fail(INTERRUPTED, INTERRUPTED_STATUS)
    finally:
        os._exit(INTERRUPTED_STATUS)


def _run_and_flush(main: Callable[[], None]) -> None:
    """Run ``main``, so that output that cannot be written raises here, and not at exit."""
    try:
        main()
    except SystemExit:  # of --help
        sys.stdout.flush()
        raise
    sys.stdout.flush()


def _open_closed_streams() -> None:
    """Open closed standard streams on the null device, or the next file that is opened would get what is printed."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115


def _give_up_output() -> None:
    """Have nothing more written to standard output, at exit neither, if it cannot be written."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(message: str, status: int) -> int:
    """Print a message in one line, whatever the values in it hold; return the exit status."""
    from .shown_text import visible

    _give_up_output()
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


# A command imports this module first. Until ``run_command`` begins, Ctrl-C ends the command without a traceback.
_COMMANDS = Path(__file__).resolve().parents[2]
if Path(*sys.argv[:1]).resolve().parent == _COMMANDS and (
    signal.getsignal(signal.SIGINT) is signal.default_int_handler
):
    signal.signal(signal.SIGINT, signal.SIG_DFL)
