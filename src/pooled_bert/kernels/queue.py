"""Several runs on Kaggle, pushed in the order given, within Kaggle's slots and weekly hours."""

import logging
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

from ..base.errors import InputError
from ..benchmarks.benchmark import Benchmark
from .client import ACTIVE, NoFreeSlot, QuotaUsedUp
from .watch import Seen, Watch

SLOTS = {True: 2, False: 5}  # with a GPU or without -> how many kernels Kaggle runs at the same time
QUOTA_PAUSE = timedelta(hours=1)  # before the next attempt, if Kaggle does not say when the quota is renewed

log = logging.getLogger(__name__)


class Queue:
    """Runs to bring home. ``waits_for_quota``: push again when the weekly GPU hours are renewed."""

    def __init__(self, watches: list[Watch], *, waits_for_quota: bool = False):
        self.watches, self.waits_for_quota = watches, waits_for_quota
        self.client = watches[0].client
        self.clock = self.client.connection.clock
        self._no_quota = ""  # Kaggle's words
        self._no_quota_until: datetime | None = None

    def require_rules(self) -> None:
        """Raise InputError, with the page to go to, if the rules of a competition are not accepted."""
        competitions = {watch.plan.record.competition for watch in self.watches}
        for competition in filter(None, competitions):
            self.client.require_entered(competition)

    def review(self) -> list[str]:
        """Return what would be trained again, and why."""
        return [f"{watch.plan.run} {reason}" for watch in self.watches for reason in watch.review()]

    def accept(self) -> None:
        """Set aside the folds at home that are to be trained again."""
        for watch in self.watches:
            watch.accept()

    def runs_by_benchmark(self) -> list[tuple[Benchmark, list[str]]]:
        """Return the benchmarks, each with the names of its runs, in the order of the queue."""
        names: dict[str, list[str]] = {}
        for watch in self.watches:
            names.setdefault(watch.plan.benchmark, []).append(watch.plan.run)
        records = {watch.plan.benchmark: watch.plan.record for watch in self.watches}
        return [(records[benchmark], runs) for benchmark, runs in names.items()]

    def look(self) -> list[list[Seen]]:
        """Return the states of each run's folds."""
        return [watch.look_at_all() for watch in self.watches]

    def advance(self, *, is_pushing: bool = True) -> list[list[Seen]]:
        """Collect complete kernels, then push waiting ones while slots are free; returns the states of each run."""
        states = [watch.observe() for watch in self.watches]
        if is_pushing:
            self._push(states)
        return states

    def wait(self, *, poll_seconds: float, show: Callable[[list[list[Seen]]], None]) -> None:
        """Advance until every fold is at home or given up; raises InputError if one was given up, or quota is left."""
        while True:
            states = self.advance()
            show(states)
            if self._is_over(states):
                break
            self.clock.sleep(poll_seconds)
        self.require_success()
        if self._no_quota and any(map(any, self._waiting(states))):
            raise InputError(
                f"Kaggle reports: {self._no_quota} Run the same command again when the quota is renewed, or with"
                " --wait-for-quota"
            )

    def require_success(self) -> None:
        """Raise InputError that names the folds that were given up, and why."""
        failures = [
            f"{watch.plan.run} fold {fold}: {reason}"
            for watch in self.watches
            for fold, reason in sorted(watch.failed.items())
        ]
        if failures:
            raise InputError("; ".join(failures))

    def _push(self, states: list[list[Seen]]) -> None:
        """Push waiting kernels; replaces their states."""
        active, full = Counter(), set()  # by whether they use a GPU
        for watch, seen in zip(self.watches, states, strict=True):
            active[watch.plan.gpu] += sum(one.state in ACTIVE for one in seen)
        for watch, seen in zip(self.watches, states, strict=True):
            gpu = watch.plan.gpu
            for index, one in enumerate(seen):
                may_push = (
                    gpu not in full and active[gpu] < SLOTS[gpu] and not (gpu and self._is_out_of_quota())
                )
                if not (may_push and watch.is_waiting(one)):
                    continue
                try:
                    seen[index] = watch.push(one)
                except NoFreeSlot:
                    full.add(gpu)
                except QuotaUsedUp as error:
                    self._note_quota(str(error))
                active[gpu] += seen[index].state in ACTIVE

    def _note_quota(self, words: str) -> None:
        quota = self.client.quota()
        soon = self.clock.now() + QUOTA_PAUSE
        renewed = quota.renewed if quota and quota.renewed else soon
        self._no_quota, self._no_quota_until = words, max(soon, renewed)
        log.warning("%s Kernels that run are collected; no more are pushed until %s", words, self._until())

    def _until(self) -> str:
        if not self.waits_for_quota:
            return "this command is started again"
        return f"{self._no_quota_until:%Y-%m-%d %H:%M} UTC"

    def _is_out_of_quota(self) -> bool:
        if self._no_quota_until is None:
            return False
        if self.waits_for_quota and self.clock.now() >= self._no_quota_until:
            self._no_quota, self._no_quota_until = "", None
        return self._no_quota_until is not None

    def _waiting(self, states: list[list[Seen]]) -> list[list[bool]]:
        runs = zip(self.watches, states, strict=True)
        return [[watch.is_waiting(one) for one in seen] for watch, seen in runs]

    def _is_over(self, states: list[list[Seen]]) -> bool:
        for watch, seen in zip(self.watches, states, strict=True):
            is_blocked = bool(self._no_quota) and not self.waits_for_quota and watch.plan.gpu
            for one in seen:
                is_settled = one.state is None or one.fold in watch.failed
                if not (is_settled or (is_blocked and watch.is_waiting(one))):
                    return False
        return True
