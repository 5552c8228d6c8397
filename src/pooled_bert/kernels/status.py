"""The states of runs on Kaggle as text."""

from collections import Counter

from .client import State
from .queue import Queue
from .watch import Seen

LOG_LINES = 3  # of each kernel that runs


def status_table(queue: Queue, states: list[list[Seen]]) -> str:
    """Format the states as a table with one line per fold."""
    return "\n".join(_lines(queue, states, with_minutes=True))


def status_line(queue: Queue, states: list[list[Seen]]) -> str:
    """Format the states in one line, which changes only when a state does."""
    return "; ".join(_lines(queue, states, with_minutes=False))


def details(queue: Queue, states: list[list[Seen]]) -> list[str]:
    """Return the newest lines of the logs of running kernels, this week's GPU hours, and what is left to do."""
    lines = []
    for watch, seen in zip(queue.watches, states, strict=True):
        for one in seen:
            if one.state is State.RUNNING:
                kernel = watch.plan.kernel(one.fold, one.part)
                lines += [
                    f"{kernel}: {line}" for line in queue.client.live_log(kernel).splitlines()[-LOG_LINES:]
                ]
    lines.append(str(queue.client.quota() or "GPU hours this week: Kaggle does not say"))
    counts = Counter(
        "downloaded" if one.state is None else one.state.value for seen in states for one in seen
    )
    left = ", ".join(f"{count} {state}" for state, count in counts.items() if state != "downloaded")
    total = sum(counts.values())
    lines.append(f"{counts['downloaded']} of {total} folds are here" + (f"; left: {left}" if left else ""))
    return lines


def _lines(queue: Queue, states: list[list[Seen]], *, with_minutes: bool) -> list[str]:
    lines = []
    for watch, seen in zip(queue.watches, states, strict=True):
        run = f"{watch.plan.benchmark}/{watch.plan.run} " if len(queue.watches) > 1 else ""
        lines += [run + _line(one, with_minutes) for one in seen]
    return lines


def _line(seen: Seen, with_minutes: bool) -> str:
    part = f" part {seen.part}" if seen.part > 1 else ""
    state = "downloaded" if seen.state is None else seen.state.value
    minutes = f", pushed {seen.minutes:.0f} min ago" if with_minutes and seen.minutes is not None else ""
    message = f" ({seen.message})" if seen.message else ""
    return f"fold {seen.fold}{part}: {state}{minutes}{message}"
