"""The kernels of one run: what is at home and on Kaggle, what of it belongs to the plan, and what is to be pushed.

All state is in the folders and on Kaggle, so a command can be stopped and started again at any time.
"""

import logging
import shutil
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from ..base.errors import InputError
from ..base.files import atomic_path
from ..base.places import Workspace, fold_numbers, model_folder
from ..runs.cross_validation import CHECKPOINTS
from ..runs.fold_files import is_done, read_config, read_fold
from ..runs.identity import PER_FOLD, first_difference
from ..runs.run_folder import RunFolder
from ..training.checkpoints import Checkpoints
from .build import build_part, read_kernel
from .client import ACTIVE, Client, State, Status, mark_in
from .connection import NoAnswer, Refused, Unanswered
from .outputs import FoldOutput, OtherBuild, difference_from_plan
from .plan import Plan
from .pushes import Pushes

LAG = timedelta(minutes=15)  # for so long after a push, Kaggle may still show the state before it
MOST_ATTEMPTS = 3  # to download an output, or to push a kernel that then is not there
LOG_TAIL = 15  # how many lines of a failed run's log are shown

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Seen:
    """The state of a fold."""

    fold: int
    part: int
    state: State | None  # of the kernel; None: the result is downloaded
    minutes: float | None = None  # since the kernel was pushed from this folder
    message: str = ""


class Watch:
    """The kernels of some folds of a plan (None: of all), whose results go to ``workspace``.

    failed : fold -> why it was given up.
    """

    def __init__(
        self,
        plan: Plan,
        kernels: Path,
        workspace: Workspace,
        client: Client,
        *,
        folds: list[int] | None = None,
        with_models: bool = False,
    ):
        self.plan, self.kernels, self.client, self.with_models = plan, kernels, client, with_models
        self.folds = list(range(plan.n_folds)) if folds is None else folds
        self.clock = client.connection.clock
        self.run_folder = RunFolder(workspace.run(plan.benchmark, plan.run))
        self.pushes = Pushes(kernels)
        self.failed: dict[int, str] = {}
        self._attempts: dict[str, int] = {}  # slug -> pushes by this process
        self._downloads: dict[str, int] = {}  # slug -> downloads that Kaggle refused
        self._others: dict[str, str] = {}  # slug -> why its output is not of this plan
        self._asked_models: set[int] = set()  # folds at home whose model was looked for

    def review(self) -> list[str]:
        """Return what would be trained again, and why: folds at home or on Kaggle that do not belong to the plan.

        Raises InputError if an unfinished training, or a fold that is not asked for, has different settings at home.
        """
        for fold in sorted(set(range(self.plan.n_folds)) - set(self.folds)):
            difference = self._home_difference(fold)
            if difference:
                raise InputError(
                    f"fold {fold} {difference}. Name it with --fold too, or build with another --run"
                )
        reasons = []
        for fold in self.folds:
            home = self._home_difference(fold)
            there = None if self._is_home(fold) else self.kaggle_difference(fold)
            reasons += [f"fold {fold} {where}" for where in (home, there) if where]
        return reasons

    def accept(self) -> None:
        """Set aside the folds at home that are to be trained again: each waits until its successor is here."""
        differing = [fold for fold in self.folds if self._home_difference(fold)]
        self.run_folder.set_aside(differing, lambda fold: self._home_difference(fold) is None)

    def look(self, fold: int, *, notes: bool = False) -> Seen:
        """Return a fold's current state. ``notes``: write down that Kaggle shows it; only one process may."""
        part = self.part(fold)
        if self._is_home(fold):
            return Seen(fold, part, None)
        slug = self.plan.slug(fold, part)
        pushed = self.pushes.time(slug)
        age = self.clock.now() - pushed if pushed else None
        status = self.client.status(self.plan.kernel(fold, part))
        if status.state in ACTIVE:
            if notes:
                self.pushes.show(slug)
        elif age is not None and age < LAG and not self.pushes.was_shown(slug):
            status = Status(State.QUEUED, "pushed; Kaggle does not show it yet")
        minutes = age.total_seconds() / 60 if age is not None and status.state in ACTIVE else None
        return Seen(fold, part, status.state, minutes, status.message)

    def look_at_all(self) -> list[Seen]:
        """Return the state of each fold."""
        return [self.look(fold) for fold in self.folds]

    def observe(self) -> list[Seen]:
        """Return the state of each fold, after downloading the results of complete kernels."""
        return [self._observed(fold) for fold in self.folds]

    def is_waiting(self, seen: Seen) -> bool:
        """Return whether a fold's kernel is to be pushed."""
        return seen.state in (State.ABSENT, State.FAILED, State.CANCELLED) and seen.fold not in self.failed

    def push(self, seen: Seen) -> Seen:
        """Push a fold's newest part; returns its state. Raises NoFreeSlot or QuotaUsedUp.

        A push that nobody knows to be received counts as one until Kaggle would show it.
        """
        slug = self.plan.slug(seen.fold, seen.part)
        message = ""
        try:
            self._require_own_build(slug)
            self.client.push(self.kernels / slug, self.plan.session_seconds)
            log.info("%s: pushed", slug)
        except Unanswered as error:
            message = f"Kaggle may not have received it: {error}"
            log.warning("%s: pushed, but %s", slug, error)
        except NoAnswer:
            raise
        except InputError as error:
            self._give_up(seen.fold, str(error))
            return seen
        self.pushes.add(slug, self.clock.now(), self.plan.digest)
        self._attempts[slug] = self._attempts.get(slug, 0) + 1
        self._others.pop(slug, None)
        return Seen(seen.fold, seen.part, State.QUEUED, 0.0, message)

    def _require_own_build(self, slug: str) -> None:
        """Raise InputError for a kernel that was built with other settings or sources than the plan has now."""
        _, text = read_kernel(self.kernels / slug)
        if mark_in(text) != self.plan.digest:
            raise InputError(f"{slug}: was built with other settings or sources; build all folds again")

    def kaggle_difference(self, fold: int) -> str | None:
        """Say why a fold's kernel on Kaggle is not of the plan; None if it is, or if there is no use for it."""
        seen = self.look(fold)
        slug, kernel = self.plan.slug(fold, seen.part), self.plan.kernel(fold, seen.part)
        if seen.state in ACTIVE:
            mark = self.client.plan_mark(kernel) or self.pushes.digest(slug)
            is_ours = mark == self.plan.digest
            return None if is_ours else f"on Kaggle ({kernel}) is being trained from another build"
        if seen.state is not State.COMPLETE:
            return None
        output = self._output(fold, seen.part)
        try:
            output.config()
        except OtherBuild as error:
            self._others[slug] = str(error)
            return f"on Kaggle ({kernel}) is complete, but from another build: {error}"
        finally:
            output.discard()
        return None

    def failure(self, slug: str, seen: Seen | Status) -> str:
        """Return in one line why a kernel failed, after logging the end of its log."""
        if seen.state is State.CANCELLED:
            return f"{slug} was cancelled on Kaggle; run again to push it again"
        kernel = f"{self.plan.owner}/{slug}"
        tail = self.client.log(kernel).splitlines()[-LOG_TAIL:]
        log.error("%s, the end of its log:\n  %s", kernel, "\n  ".join(tail))
        return f"its kernel failed ({seen.message or 'Kaggle gives no reason'}); the end of its log is above"

    def _observed(self, fold: int) -> Seen:
        seen = self.look(fold, notes=True)
        if seen.state is None and self.with_models:
            self._bring_model(seen)
        slug = self.plan.slug(fold, seen.part)
        if fold in self.failed:
            return seen
        if seen.state is State.COMPLETE:
            return self._collected(seen)
        if slug in self._attempts and seen.state in (State.FAILED, State.CANCELLED):
            self._give_up(fold, self.failure(slug, seen))
        if seen.state is State.ABSENT and self._attempts.get(slug, 0) >= MOST_ATTEMPTS:
            self._give_up(fold, f"was pushed {MOST_ATTEMPTS} times, but Kaggle has no kernel {slug}")
        return seen

    def _collected(self, seen: Seen) -> Seen:
        """Download the output of a complete kernel; returns the fold's state afterwards."""
        slug = self.plan.slug(seen.fold, seen.part)
        try:
            if slug not in self._others:
                return self._collect(seen)
        except OtherBuild as error:
            self._others[slug] = str(error)
            if slug in self._attempts:
                self._give_up(seen.fold, f"{error}; build and run again")
                return seen
        except Refused as error:  # addresses of files expire
            self._downloads[slug] = self._downloads.get(slug, 0) + 1
            if self._downloads[slug] >= MOST_ATTEMPTS:
                self._give_up(seen.fold, str(error))
            return replace(seen, message=str(error))
        except NoAnswer:
            raise
        except InputError as error:
            self._give_up(seen.fold, str(error))
            return seen
        message = f"the kernel on Kaggle is from another build: {self._others[slug]}"
        return Seen(seen.fold, seen.part, State.ABSENT, message=message)

    def _collect(self, seen: Seen) -> Seen:
        """Install a finished fold, or build the next part of one that ran out of time.

        Raises OtherBuild, and InputError if the output is damaged or the run at home has different data.
        """
        slug = self.plan.slug(seen.fold, seen.part)
        output = self._output(seen.fold, seen.part)
        self._check_with_home(output.config(), seen.fold)
        if output.is_finished:
            self._install(output.results(with_model=self.with_models), seen.fold)
            log.info("%s: the results of fold %d are here", slug, seen.fold)
            state = Seen(seen.fold, seen.part, None)
        elif output.has_checkpoint:
            build_part(self.plan, self.kernels, seen.fold, seen.part + 1)
            log.info("%s: ran out of time; its next part is built", slug)
            state = Seen(seen.fold, seen.part + 1, State.ABSENT)
        else:
            raise InputError(
                f"{slug}: ran out of time before its first step; build it again with a longer --time-limit"
            )
        output.discard()
        return state

    def _install(self, output: Path, fold: int) -> None:
        destination = self.run_folder.fold(fold)
        with self.run_folder.lock(fold):
            self._require_no_other_training(fold)
            with atomic_path(destination) as temporary:
                shutil.move(output, temporary)
            self.run_folder.drop_replaced(fold)

    def _bring_model(self, seen: Seen) -> None:
        """Download the model of a fold that is at home without it, if its kernel's output is that of the fold."""
        if seen.fold in self._asked_models or model_folder(self.run_folder.path, seen.fold).exists():
            return
        self._asked_models.add(seen.fold)
        if self.client.status(self.plan.kernel(seen.fold, seen.part)).state is not State.COMPLETE:
            return
        output = self._output(seen.fold, seen.part)
        try:
            home = read_fold(self.run_folder.fold(seen.fold), seen.fold, tables=())
            model = output.model(home) if output.config() == home.config else None
            if model:
                with atomic_path(model_folder(self.run_folder.path, seen.fold)) as temporary:
                    shutil.move(model, temporary)
        except NoAnswer:
            raise
        except (OtherBuild, InputError) as error:
            log.warning("fold %d: its model is not on Kaggle: %s", seen.fold, error)
        output.discard()

    def _output(self, fold: int, part: int) -> FoldOutput:
        folder = self.kernels / "downloads" / self.plan.slug(fold, part)
        shutil.rmtree(folder, ignore_errors=True)
        return FoldOutput(self.client, self.plan, fold, part, folder)

    def _is_home(self, fold: int) -> bool:
        return is_done(self.run_folder.fold(fold)) and not self._home_difference(fold)

    def _home_difference(self, fold: int) -> str | None:
        """Say why a finished fold at home is not of the plan; raises InputError for an unfinished one that is not."""
        folder = self.run_folder.fold(fold)
        if not is_done(folder):
            self._require_no_other_training(fold)
            return None
        difference = difference_from_plan(read_config(folder, fold), self.plan)
        return f"at home ({folder}) has different {difference}" if difference else None

    def _require_no_other_training(self, fold: int) -> None:
        folder = self.run_folder.fold(fold)
        if is_done(folder) or not Checkpoints(folder / CHECKPOINTS).exist:
            return
        difference = difference_from_plan(read_config(folder, fold), self.plan)
        if difference:
            raise InputError(
                f"{folder}: has an unfinished training with different {difference}. Delete it, or build with another"
                " --run"
            )

    def _check_with_home(self, config: dict, fold: int) -> None:
        """Raise InputError if the finished folds at home have different data or folds than a fold on Kaggle."""
        for number in fold_numbers(self.run_folder.path):
            folder = self.run_folder.fold(number)
            if is_done(folder):
                other = read_config(folder, number)["identity"]
                difference = first_difference(config["identity"], other, PER_FOLD)
                if difference:
                    raise InputError(
                        f"{folder}: does not belong to the same run as fold {fold} on Kaggle: {difference}"
                    )

    def _give_up(self, fold: int, reason: str) -> None:
        self.failed[fold] = reason
        log.error("fold %d of %s: %s", fold, self.plan.run, reason)

    def part(self, fold: int) -> int:
        """Return the number of a fold's newest kernel; raises InputError if none was built."""
        part = 1
        while (self.kernels / self.plan.slug(fold, part + 1)).is_dir():
            part += 1
        if not (self.kernels / self.plan.slug(fold, part)).is_dir():
            raise InputError(
                f"{self.kernels / self.plan.slug(fold, part)}: is missing; build the kernel of fold {fold}"
            )
        return part
