"""When each kernel was pushed, and whether Kaggle has shown it since: its status lags behind, and has no times."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, TypedDict

from ..base.files import read_json, recover, write_json
from ..base.rules import Rule


class _Time(Rule):
    """A time with its zone, as ``datetime.isoformat`` writes it."""

    def allows(self, value: Any) -> bool:
        """Return whether ``value`` is such a time."""
        try:
            return datetime.fromisoformat(value).tzinfo is not None
        except ValueError:
            return False

    def __str__(self) -> str:
        return "a time with its zone"


class Push(TypedDict):
    """The latest push of a kernel: when, of which plan, and whether Kaggle has shown it."""

    time: Annotated[str, _Time()]
    plan: str
    shown: bool


class Pushes:
    """The latest push of each kernel of a folder, by the kernel's slug."""

    def __init__(self, kernels: Path):
        self.path = kernels / "pushes.json"
        recover(self.path)  # a process that was killed may have left a part, and nothing to write again

    def time(self, slug: str) -> datetime | None:
        """Return when a kernel was pushed; None if it never was from this folder."""
        push = self._read().get(slug)
        return datetime.fromisoformat(push["time"]) if push else None

    def digest(self, slug: str) -> str | None:
        """Return the digest of the plan that a kernel was pushed for; None if it never was from this folder."""
        push = self._read().get(slug)
        return push["plan"] if push else None

    def was_shown(self, slug: str) -> bool:
        """Return whether Kaggle has shown the kernel as active since its push."""
        push = self._read().get(slug)
        return bool(push) and push["shown"]

    def add(self, slug: str, now: datetime, digest: str) -> None:
        """Note a push, and the digest of its plan."""
        self._write(slug, {"time": now.isoformat(timespec="seconds"), "plan": digest, "shown": False})

    def show(self, slug: str) -> None:
        """Note that Kaggle shows the kernel as active."""
        push = self._read().get(slug)
        if push and not push["shown"]:
            self._write(slug, {**push, "shown": True})

    def _write(self, slug: str, push: Push) -> None:
        write_json(self.path, {**self._read(), slug: push})

    def _read(self) -> dict[str, Push]:
        remedy = "delete it; kernels that run are then found by their plan"
        return read_json(self.path, dict[str, Push], remedy=remedy) if self.path.exists() else {}
