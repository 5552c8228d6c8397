"""The kernel that averages the folds on Kaggle."""

import logging
from pathlib import Path

from ..base.errors import InputError
from ..base.files import atomic_path
from .build import attach_parts
from .client import ACTIVE, NoFreeSlot, State, Status
from .connection import Unanswered
from .watch import LAG, Watch

log = logging.getLogger(__name__)


def average(watch: Watch, submissions: Path, *, poll_seconds: float) -> list[Path]:
    """Average the folds in a kernel on Kaggle; returns the result files, which are downloaded to ``submissions``.

    Raises InputError if a fold's kernel is not complete or not of the plan, or if the average fails.
    """
    plan = watch.plan
    parts = {fold: _complete_part(watch, fold) for fold in range(plan.n_folds)}
    folder = attach_parts(plan, watch.kernels, parts)
    _push(watch, folder, poll_seconds)
    status = _wait(watch, poll_seconds)
    if status.state is not State.COMPLETE:
        raise InputError(f"the ensemble: {watch.failure(plan.slug(None), status)}")
    return _bring(watch, submissions)


def _complete_part(watch: Watch, fold: int) -> int:
    """Return the part of a fold that is finished on Kaggle; raises InputError if it is not, or not of the plan."""
    part = watch.part(fold)
    state = watch.client.status(watch.plan.kernel(fold, part)).state
    if state is not State.COMPLETE:
        raise InputError(
            f"fold {fold}: its kernel is {state.value}; the ensemble needs the output of all folds"
        )
    reason = watch.kaggle_difference(fold)
    if reason:
        raise InputError(f"fold {fold} {reason}; bring the folds of this build home first, with run")
    return part


def _push(watch: Watch, folder: Path, poll_seconds: float) -> None:
    """Push when a slot is free; a push that Kaggle may not have received counts as one."""
    while True:
        try:
            watch.client.push(folder, watch.plan.session_seconds)
            break
        except NoFreeSlot as error:
            log.info("%s Waiting for a free one", error)
            watch.clock.sleep(poll_seconds)
        except Unanswered as error:
            log.warning("%s: pushed, but %s", folder.name, error)
            break
    watch.pushes.add(folder.name, watch.clock.now(), watch.plan.digest)


def _wait(watch: Watch, poll_seconds: float) -> Status:
    """Return the final status; Kaggle may show the state before the push for some time."""
    pushed, was_shown = watch.clock.now(), False
    while True:
        status = watch.client.status(watch.plan.kernel(None))
        was_shown |= status.state in ACTIVE
        if status.state not in ACTIVE and (was_shown or watch.clock.now() - pushed > LAG):
            return status
        watch.clock.sleep(poll_seconds)


def _bring(watch: Watch, submissions: Path) -> list[Path]:
    files = watch.client.files(watch.plan.kernel(None))
    files = [file for file in files if Path(file.path).suffix in (".csv", ".json")]
    if not files:
        raise InputError("the ensemble: its output holds no submission; look at its log on Kaggle")
    results = [submissions / f"kaggle-{Path(file.path).name}" for file in files]
    for file, path in zip(files, results, strict=True):
        with atomic_path(path) as temporary:
            watch.client.connection.download(file.url, temporary)
    return results
