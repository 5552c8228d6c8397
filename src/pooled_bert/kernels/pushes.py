"""When each kernel was pushed. Kaggle's status has no times, and lags behind a push."""

from datetime import datetime
from pathlib import Path

from ..base.files import read_json, write_json


class Pushes:
    """The time of each kernel's latest push, by its slug."""

    def __init__(self, kernels: Path):
        self.path = kernels / "pushes.json"

    def time(self, slug: str) -> datetime | None:
        """Return when a kernel was pushed from this folder; None if it never was."""
        time = self._read().get(slug)
        return datetime.fromisoformat(time) if time else None

    def add(self, slug: str, now: datetime) -> None:
        """Note a push."""
        write_json(self.path, {**self._read(), slug: now.isoformat(timespec="seconds")})

    def _read(self) -> dict:
        return read_json(self.path) if self.path.exists() else {}
