"""The time of day, and pauses. Tests play weeks with a clock of their own."""

import time
from datetime import UTC, datetime


class Clock:
    """The system's clock; unlike a monotonic one, it goes on while a laptop sleeps."""

    def now(self) -> datetime:
        """Return the time in UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)
