"""Training folds on Kaggle: push kernels as slots become free, watch them, verify and download their results.

All state is in the folders and on Kaggle, so a command can be stopped and started again at any time.
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

SLOTS = {True: 2, False: 5}  # with a GPU or without -> how many kernels Kaggle runs at the same time
LOG_TAIL = 15  # how many lines of a failed run's log are shown


@dataclass(frozen=True)
class Seen:
    """The state of a fold."""

    fold: int
    part: int
    state: State | None  # of the kernel; None: the result is downloaded
    minutes: float = 0.0  # since this process first saw the kernel in this state
    message: str = ""


class OtherBuild(Exception):
    """A kernel's output was made from other sources or settings than the kernels here."""


class Watch:
    """The kernels of one plan, whose results go to ``workspace``."""

    def __init__(self, plan: Plan, kernels: Path, workspace: Workspace, client: Client):
        self.plan, self.kernels, self.client = plan, kernels, client
        self.run_folder = RunFolder(workspace.run(plan.benchmark, plan.run))
        self.downloads = kernels / "downloads"
        self.run, self.model = parse_options(plan.options, plan.record)
        self._pushed: set[str] = set()  # by this process
        self._failed: dict[int, str] = {}  # fold -> reason, for kernels pushed by this process
        self._since: dict[tuple[str, State], float] = {}  # when this process first saw a kernel in a state

    def look(self, fold: int) -> Seen:
        """Return the fold's current state."""
        part = self._part(fold)
        if is_done(self.run_folder.fold(fold)):
            return Seen(fold, part, None)
        slug = self.plan.slug(fold, part)
        status = self.client.status(f"{self.plan.owner}/{slug}")
        since = self._since.setdefault((slug, status.state), time.monotonic())
        return Seen(fold, part, status.state, (time.monotonic() - since) / 60, status.message)

    def collect(self, seen: Seen) -> bool:
        """Download the output of a complete kernel; returns whether the fold is finished.

        If the kernel ran out of time, the fold's next part is built. Raises OtherBuild. Raises InputError if the output
        is damaged.
        """
        slug = self.plan.slug(seen.fold, seen.part)
        download = self.downloads / slug
        shutil.rmtree(download, ignore_errors=True)
        self.client.download(f"{self.plan.owner}/{slug}", download)
        fold_output = fold_folder(Workspace(download).run(self.plan.benchmark, self.plan.run), seen.fold)
        self._verify(fold_output, seen.fold)
        finished = is_done(fold_output)
        if finished:
            read_fold(fold_output, seen.fold)
            self._install(fold_output, seen.fold)
        elif any((fold_output / CHECKPOINTS).glob("*.npz")):
            build_fold(self.plan, self.kernels, seen.fold, seen.part + 1)
        else:
            raise InputError(
                f"{slug}: ran out of time before its first step; build it again with a longer --time-limit"
            )
        shutil.rmtree(download)
        return finished

    def push(self, seen: Seen) -> None:
        """Push the fold's newest part; raises NoFreeSlot if Kaggle runs no more kernels now."""
        slug = self.plan.slug(seen.fold, seen.part)
        self.client.push(self.kernels / slug)
        self._pushed.add(slug)
        self._since = {key: value for key, value in self._since.items() if key[0] != slug}

    def advance(self, folds: Iterable[int], *, is_pushing: bool = True) -> list[Seen]:
        """Collect complete kernels and push waiting ones while slots are free; returns the state of each fold.

        If a fold fails after this process pushed it, the end of its log is printed and the fold is not pushed again.
        """
        states, waiting, n_active = [], [], 0  # waiting: positions in states
        for fold in folds:
            seen = self.look(fold)
            if seen.state is State.COMPLETE and fold not in self._failed:
                seen = self._collected(seen)
            slug = self.plan.slug(fold, seen.part)
            if seen.state is State.FAILED and slug in self._pushed and fold not in self._failed:
                self._failed[fold] = self._failure(slug, seen.message)
            if seen.state in (State.QUEUED, State.RUNNING):
                n_active += 1
            elif seen.state in (State.ABSENT, State.FAILED) and fold not in self._failed:
                waiting.append(len(states))
            states.append(seen)
        for index in waiting if is_pushing else []:
            if n_active >= SLOTS[self.plan.gpu]:
                break
            try:
                self.push(states[index])
            except NoFreeSlot:
                break
            states[index] = Seen(states[index].fold, states[index].part, State.QUEUED)
            n_active += 1
        return states

    def wait(self, folds: list[int], *, poll_seconds: float, show: Callable[[list[Seen]], None]) -> None:
        """Advance until every fold is downloaded or has failed; raises InputError if a fold has failed."""
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
        """Average the folds in a kernel on Kaggle; returns the result files, which are moved to ``submissions``."""
        parts = {fold: self._part(fold) for fold in range(self.plan.n_folds)}
        for fold, part in parts.items():
            state = self.client.status(f"{self.plan.owner}/{self.plan.slug(fold, part)}").state
            if state is not State.COMPLETE:
                raise InputError(
                    f"fold {fold}: its kernel is {state.value}; the ensemble needs the output of all folds"
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
        results = [path for path in sorted(folder.iterdir()) if path.suffix in (".csv", ".json")]
        return [Path(shutil.move(path, submissions / f"kaggle-{path.name}")) for path in results]

    def _collected(self, seen: Seen) -> Seen:
        """Collect the output of a complete kernel; returns the fold's state afterwards."""
        was_pushed_here = self.plan.slug(seen.fold, seen.part) in self._pushed
        try:
            finished = self.collect(seen)
        except OtherBuild as error:
            if not was_pushed_here:
                message = f"the kernel on Kaggle is from another build: {error}"
                return Seen(seen.fold, seen.part, State.ABSENT, message=message)
            self._failed[seen.fold] = f"{error}; build and run again"
            return seen
        except InputError as error:
            if not was_pushed_here:
                raise
            self._failed[seen.fold] = str(error)
            return seen
        return Seen(seen.fold, seen.part, None) if finished else Seen(seen.fold, seen.part + 1, State.ABSENT)

    def _install(self, fold_output: Path, fold: int) -> None:
        """Move a finished fold into the run's folder.

        Raises InputError if an unfinished training with different settings or data is there.
        """
        destination = self.run_folder.fold(fold)
        with self.run_folder.lock(fold):
            if Checkpoints(destination / CHECKPOINTS).exist:
                here, there = (read_config(folder, fold)["identity"] for folder in (destination, fold_output))
                difference = first_difference(here, there)
                if difference:
                    raise InputError(
                        f"{destination}: has an unfinished training with different settings or data: {difference}."
                        " Delete it, or build with another --run"
                    )
            shutil.rmtree(destination, ignore_errors=True)
            shutil.move(fold_output, destination)

    def _verify(self, fold_output: Path, fold: int) -> None:
        """Compare a fold's config.json with the plan, and with the finished folds of the run on this machine."""
        if not (fold_output / "config.json").exists():
            raise OtherBuild(f"its output has no folder {fold_output.parent.name}/{fold_output.name}")
        config = read_config(fold_output, fold)
        revision = config["information"]["revision"]
        if revision != self.plan.revision:
            raise OtherBuild(f"its revision is {revision}, but the kernels here are of {self.plan.revision}")
        expected = identity_settings(self.run, self.model)
        # on Kaggle, such an encoder is identified by a checksum of its files, which are not on this machine
        ignored = ("encoder",) if self.plan.encoder_dataset else ()
        difference = first_difference(config["identity"]["settings"], expected, ignored)
        if difference:
            raise OtherBuild(f"its {difference}")
        for path in sorted(self.run_folder.path.glob("fold_*/metrics.json")):
            other = read_json(path.parent / "config.json")["identity"]
            difference = first_difference(config["identity"], other, ("fold",))
            if difference:
                raise InputError(
                    f"{path.parent}: does not belong to the same run as fold {fold} on Kaggle: {difference}"
                )

    def _failure(self, slug: str, message: str) -> str:
        """Return in one line why a kernel failed, and print the end of its log on stderr."""
        kernel = f"{self.plan.owner}/{slug}"
        tail = self.client.log(kernel).splitlines()[-LOG_TAIL:]
        print(f"{kernel}, the end of its log:", *tail, sep="\n  ", file=sys.stderr)
        return f"its kernel failed ({message or 'Kaggle gives no reason'}); the end of its log is above"

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
    """Format the states as a table with one line per fold."""
    lines = []
    for seen in states:
        part = f" part {seen.part}" if seen.part > 1 else ""
        state = "downloaded" if seen.state is None else seen.state.value
        minutes = f" {seen.minutes:.0f} min" if seen.state in (State.QUEUED, State.RUNNING) else ""
        message = f" ({seen.message})" if seen.message else ""
        lines.append(f"fold {seen.fold}{part}: {state}{minutes}{message}")
    return "\n".join(lines)
