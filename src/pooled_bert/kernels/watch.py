"""Folds on Kaggle: pushed as slots come free, watched, their results verified and brought home.

Nothing is remembered between calls but what the folders and Kaggle hold, so it may be stopped at any time.
"""

import shutil
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from ..base.errors import InputError
from ..base.files import read_json
from ..base.places import Workspace, fold_folder
from ..runs.cross_validation import CHECKPOINTS
from ..runs.fold_files import is_done, read_config, read_fold
from ..runs.identity import first_difference, identity_settings
from ..runs.options import parse_options
from ..runs.run_folder import RunFolder
from ..training.checkpoints import Checkpoints
from .build import Plan, build_ensemble, build_fold
from .client import Client, NoFreeSlot, State

SLOTS = {True: 2, False: 5}  # runs at once that Kaggle allows, with a GPU and without
LOG_TAIL = 15  # lines shown of a failed run


@dataclass(frozen=True)
class Seen:
    """Where a fold is."""

    fold: int
    part: int
    state: State | None  # of the kernel; None: the result is at home
    minutes: float = 0.0  # since this process saw the kernel in this state first
    message: str = ""


class OtherBuild(Exception):
    """A kernel's output was made from other sources or settings than are built now."""


class Watch:
    """The kernels of one plan, whose results go to ``workspace``."""

    def __init__(self, plan: Plan, kernels: Path, workspace: Workspace, client: Client):
        self.plan, self.kernels, self.client = plan, kernels, client
        self.place = RunFolder(workspace.run(plan.benchmark, plan.run))
        self.downloads = kernels / "downloads"
        self.run, self.model = parse_options(plan.options, plan.benchmark)
        self._pushed: set[str] = set()  # by this process
        self._failed: dict[int, str] = {}  # fold -> why, of those
        self._since: dict[tuple[str, State], float] = {}

    def look(self, fold: int) -> Seen:
        """Where the fold is now."""
        part = self._part(fold)
        if is_done(self.place.fold(fold)):
            return Seen(fold, part, None)
        slug = self.plan.slug(fold, part)
        status = self.client.status(f"{self.plan.owner}/{slug}")
        since = self._since.setdefault((slug, status.state), time.monotonic())
        return Seen(fold, part, status.state, (time.monotonic() - since) / 60, status.message)

    def collect(self, seen: Seen) -> bool:
        """Bring the output of a complete kernel home; returns whether the fold is finished.

        When it ran out of time, its next part is built. Raises OtherBuild; InputError when the output is damaged.
        """
        slug = self.plan.slug(seen.fold, seen.part)
        folder = self.downloads / slug
        shutil.rmtree(folder, ignore_errors=True)
        self.client.download(f"{self.plan.owner}/{slug}", folder)
        place = fold_folder(Workspace(folder).run(self.plan.benchmark, self.plan.run), seen.fold)
        self._verify(place, seen.fold)
        finished = is_done(place)
        if finished:
            read_fold(place, seen.fold)
            self._bring_home(place, seen.fold)
        elif any((place / CHECKPOINTS).glob("*.npz")):
            build_fold(self.plan, self.kernels, seen.fold, seen.part + 1)
        else:
            raise InputError(f"{slug}: ran out of time before its first step; give it a longer --time-limit")
        shutil.rmtree(folder)
        return finished

    def push(self, seen: Seen) -> None:
        """Push the fold's newest part; raises NoFreeSlot."""
        slug = self.plan.slug(seen.fold, seen.part)
        self.client.push(self.kernels / slug)
        self._pushed.add(slug)
        self._since = {key: value for key, value in self._since.items() if key[0] != slug}

    def advance(self, folds: Iterable[int], *, is_pushing: bool = True) -> list[Seen]:
        """Collect what is complete, push what is due while there are slots; returns where each fold is.

        A fold that fails after this process pushed it is left alone then, and its log told.
        """
        states, waiting, active = [], [], 0
        for fold in folds:
            seen = self.look(fold)
            if seen.state is State.COMPLETE and fold not in self._failed:
                seen = self._collected(seen)
            slug = self.plan.slug(fold, seen.part)
            if seen.state is State.FAILED and slug in self._pushed and fold not in self._failed:
                self._failed[fold] = self._failure(slug, seen.message)
            if seen.state in (State.QUEUED, State.RUNNING):
                active += 1
            elif seen.state in (State.ABSENT, State.FAILED) and fold not in self._failed:
                waiting.append(len(states))
            states.append(seen)
        for number in waiting if is_pushing else []:
            if active >= SLOTS[self.plan.gpu]:
                break
            try:
                self.push(states[number])
            except NoFreeSlot:
                break
            states[number] = Seen(states[number].fold, states[number].part, State.QUEUED)
            active += 1
        return states

    def wait(self, folds: list[int], *, poll_seconds: float, show: Callable[[list[Seen]], None]) -> None:
        """Advance until every fold is at home or has failed; raises InputError when one has."""
        while True:
            states = self.advance(folds)
            show(states)
            if all(seen.state is None or seen.fold in self._failed for seen in states):
                break
            time.sleep(poll_seconds)
        if self._failed:
            raise InputError(
                "; ".join(f"fold {fold}: {reason}" for fold, reason in sorted(self._failed.items()))
            )

    def ensemble(self, submissions: Path, *, poll_seconds: float) -> list[Path]:
        """Average the folds on Kaggle, from their kernels' output; returns the files, now in ``submissions``."""
        parts = {fold: self._part(fold) for fold in range(self.plan.n_folds)}
        for fold, part in parts.items():
            state = self.client.status(f"{self.plan.owner}/{self.plan.slug(fold, part)}").state
            if state is not State.COMPLETE:
                raise InputError(
                    f"fold {fold}: its kernel is {state.value}; the ensemble takes the output of all"
                )
        slug = self.plan.slug(None)
        kernel = f"{self.plan.owner}/{slug}"
        self.client.push(build_ensemble(self.plan, self.kernels, parts))
        while (status := self.client.status(kernel)).state in (State.QUEUED, State.RUNNING):
            time.sleep(poll_seconds)
        if status.state is not State.COMPLETE:
            raise InputError(f"the ensemble: {self._failure(slug, status.message)}")
        folder = self.downloads / slug
        shutil.rmtree(folder, ignore_errors=True)
        self.client.download(kernel, folder)
        submissions.mkdir(parents=True, exist_ok=True)
        found = [path for path in sorted(folder.iterdir()) if path.suffix in (".csv", ".json")]
        return [Path(shutil.move(path, submissions / f"kaggle-{path.name}")) for path in found]

    def _collected(self, seen: Seen) -> Seen:
        """Where the fold is after the output of its complete kernel was looked at."""
        is_own = self.plan.slug(seen.fold, seen.part) in self._pushed
        try:
            finished = self.collect(seen)
        except OtherBuild as error:
            if not is_own:
                message = f"an earlier one is of another build: {error}"
                return Seen(seen.fold, seen.part, State.ABSENT, message=message)
            self._failed[seen.fold] = f"{error}; build and run again"
            return seen
        except InputError as error:
            if not is_own:
                raise
            self._failed[seen.fold] = str(error)
            return seen
        return Seen(seen.fold, seen.part, None) if finished else Seen(seen.fold, seen.part + 1, State.ABSENT)

    def _bring_home(self, place: Path, fold: int) -> None:
        """Put a finished fold where an unfinished one of the same settings and data may be, but no other."""
        home = self.place.fold(fold)
        with self.place.lock(fold):
            if Checkpoints(home / CHECKPOINTS).exist:
                here, there = (read_config(folder, fold)["identity"] for folder in (home, place))
                difference = first_difference(here, there)
                if difference:
                    raise InputError(
                        f"{home}: an unfinished training is there, and is another: {difference}. Delete it, or build"
                        " with another --run"
                    )
            shutil.rmtree(home, ignore_errors=True)
            shutil.move(place, home)

    def _verify(self, place: Path, fold: int) -> None:
        """Hold a fold's config.json against the plan, and against the folds of the run that are at home."""
        if not (place / "config.json").exists():
            raise OtherBuild(f"its output holds no {place.parent.name}/{place.name}")
        config = read_config(place, fold)
        revision = config["information"]["revision"]
        if revision != self.plan.revision:
            raise OtherBuild(f"it is of revision {revision}, the kernels here of {self.plan.revision}")
        expected = identity_settings(self.run, self.model)
        ignored = ("encoder",) if self.plan.encoder_dataset else ()  # known by what is in it, over there
        difference = first_difference(config["identity"]["settings"], expected, ignored)
        if difference:
            raise OtherBuild(f"its {difference}")
        for path in sorted(self.place.path.glob("fold_*/metrics.json")):
            other = read_json(path.parent / "config.json")["identity"]
            difference = first_difference(config["identity"], other, ("fold",))
            if difference:
                raise InputError(f"{path.parent}: is not of one run with fold {fold} on Kaggle: {difference}")

    def _failure(self, slug: str, message: str) -> str:
        """Why a kernel failed, in a line; the end of its log goes to stderr."""
        kernel = f"{self.plan.owner}/{slug}"
        tail = self.client.log(kernel).splitlines()[-LOG_TAIL:]
        print(f"{kernel}, the end of its log:", *tail, sep="\n  ", file=sys.stderr)
        return f"its kernel failed ({message or 'Kaggle names no reason'}); the end of its log is above"

    def _part(self, fold: int) -> int:
        part = 1
        while (self.kernels / self.plan.slug(fold, part + 1)).is_dir():
            part += 1
        if not (self.kernels / self.plan.slug(fold, part)).is_dir():
            raise InputError(
                f"{self.kernels / self.plan.slug(fold, part)}: is missing; build the kernel of fold {fold}"
            )
        return part


def status_table(states: list[Seen]) -> str:
    """One line a fold."""
    lines = []
    for seen in states:
        part = f" part {seen.part}" if seen.part > 1 else ""
        state = "at home" if seen.state is None else seen.state.value
        minutes = f" {seen.minutes:.0f} min" if seen.state in (State.QUEUED, State.RUNNING) else ""
        lines.append(f"fold {seen.fold}{part}: {state}{minutes} {seen.message}".rstrip())
    return "\n".join(lines)
