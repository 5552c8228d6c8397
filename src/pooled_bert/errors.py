"""One way to fail: a message that names the place and the remedy, and exit status 2."""

import sys
from collections.abc import Callable


class InputError(Exception):
    """Something the user gave cannot be used; the message says what, where and what to do."""


def run_command(main: Callable[[], None]) -> None:
    """Run a command's main function; turn an InputError into one line on stderr and status 2."""
    try:
        main()
    except InputError as error:
        sys.exit(_fail(str(error), 2))
    except KeyboardInterrupt:
        sys.exit(_fail("interrupted; what was finished is kept, the same command goes on from there", 130))


def _fail(message: str, status: int) -> int:
    print(f"{sys.argv[0].rsplit('/', 1)[-1]}: {message}", file=sys.stderr)
    return status
