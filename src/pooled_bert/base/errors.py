"""The ways to end early: a message that names the place and the remedy, and an exit status that tells which."""

import os
import shlex
import sys
from collections.abc import Callable

INPUT_STATUS, TIME_LIMIT_STATUS, INTERRUPTED_STATUS = 2, 75, 130  # 75: "try again later" in sysexits.h
PIPE_STATUS = 141  # what a shell shows for a process that ends by SIGPIPE


class InputError(Exception):
    """Something the user gave cannot be used; the message says what, where and what to do."""


class TimeLimitReached(Exception):
    """The time given is over; what was done is saved."""


def run_command(main: Callable[[], None]) -> None:
    """Run a command's main function; an expected end becomes one line on stderr and its exit status."""
    try:
        main()
        sys.stdout.flush()  # here, where a pipe that its reader has closed is no surprise
    except BrokenPipeError:
        # as Python's documentation has it, or the flush at exit would meet the closed pipe again
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(PIPE_STATUS)
    except InputError as error:
        sys.exit(_fail(str(error), INPUT_STATUS))
    except TimeLimitReached as error:
        again = shlex.join(["python", *sys.argv])
        sys.exit(
            _fail(f"{error}; what was done is kept, and this goes on from there: {again}", TIME_LIMIT_STATUS)
        )
    except KeyboardInterrupt:
        message = "interrupted; what was finished is kept, the same command goes on from there"
        sys.exit(_fail(message, INTERRUPTED_STATUS))


def _fail(message: str, status: int) -> int:
    print(f"{sys.argv[0].rsplit('/', 1)[-1]}: {message}", file=sys.stderr)
    return status


def require(condition: bool, flag: str, value, expected: str) -> None:
    """Raise InputError that names the option, its value and what was expected."""
    if not condition:
        raise InputError(f"{flag} is {value}, expected {expected}")
