"""The time by which a process must have stopped, as on machines that are lent for some hours."""

import math
import time

from .errors import TimeLimitReached


class Deadline:
    """``minutes`` from now; never, when that is None."""

    def __init__(self, minutes: float | None = None):
        self.minutes = minutes
        self.at = math.inf if minutes is None else time.monotonic() + 60 * minutes

    def leaves(self, seconds: float) -> bool:
        """Whether something that takes ``seconds`` would end in time."""
        return time.monotonic() + seconds < self.at

    def check(self, seconds: float = 0.0) -> None:
        """Raise TimeLimitReached when something that takes ``seconds`` would end too late."""
        if not self.leaves(seconds):
            raise TimeLimitReached(f"the time limit of {self.minutes:g} minutes is reached")
