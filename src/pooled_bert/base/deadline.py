"""The time by which a process must have stopped, for machines that can be used only for some hours."""

import math
import time

from .errors import TimeLimitReached

STARTING = 5.0  # seconds, at most, from the start of a process to that of its own deadline


class Deadline:
    """A deadline ``minutes`` from now; None means no deadline."""

    def __init__(self, minutes: float | None = None):
        self.minutes = minutes
        self.at = math.inf if minutes is None else time.monotonic() + 60 * minutes

    @property
    def seconds_left(self) -> float:
        """The seconds until the deadline, at least 0; infinite without one."""
        return max(self.at - time.monotonic(), 0.0)

    def leaves(self, seconds: float) -> bool:
        """Return whether work that takes ``seconds`` would end before the deadline."""
        return time.monotonic() + seconds < self.at

    def words(self) -> list[str]:
        """Return the option --time-limit for a process that starts now, so that it saves its work in time."""
        if self.minutes is None:
            return []
        left = self.seconds_left
        return ["--time-limit", f"{max(left - STARTING, left / 2) / 60:.4f}"]

    def check(self, seconds: float = 0.0) -> None:
        """Raise TimeLimitReached if work that takes ``seconds`` would end after the deadline."""
        if not self.leaves(seconds):
            raise TimeLimitReached(f"the time limit of {self.minutes:g} minutes is reached")
