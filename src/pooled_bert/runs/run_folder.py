"""The folder of a run while it is being trained: who may write a fold, and what happens to the one it replaces."""

import contextlib
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from ..base.files import held
from ..base.places import fold_folder
from .fold_files import is_done


class RunFolder:
    """``folds/<benchmark>/runs/<run>`` with its ``fold_<k>``.

    A finished fold that is to be trained anew waits as ``replaced_fold_<k>`` until its successor is done.
    """

    def __init__(self, path: Path):
        self.path = path

    def fold(self, fold: int) -> Path:
        """Where the fold's files are."""
        return fold_folder(self.path, fold)

    def lock(self, fold: int) -> AbstractContextManager[None]:
        """Hold the fold against other processes."""
        message = f"{self.fold(fold)}: another process is training this fold; wait for it, or stop it"
        return held(self.path / f".fold_{fold}.lock", message)

    def set_aside(self, folds: list[int], is_wanted: Callable[[int], bool]) -> None:
        """Put finished folds out of the way, and drop unfinished ones that ``is_wanted`` refuses.

        Where an earlier call was cut short, finished folds that are wanted are successors made since, and stay.
        """
        with contextlib.ExitStack() as locks:
            for fold in folds:
                locks.enter_context(self.lock(fold))
            goes_on = any(self._aside(fold).exists() for fold in folds)
            for fold in folds:
                folder, aside = self.fold(fold), self._aside(fold)
                if is_done(folder) and not (goes_on and is_wanted(fold)):
                    shutil.rmtree(aside, ignore_errors=True)
                    folder.rename(aside)
                elif folder.exists() and not is_wanted(fold):
                    shutil.rmtree(folder)

    def drop_replaced(self, fold: int) -> None:
        """Forget the fold that a finished one has replaced."""
        shutil.rmtree(self._aside(fold), ignore_errors=True)

    def put_back(self, n_folds: int) -> None:
        """Where replacing failed before any successor was begun or done, bring the old folds back."""
        folds = [fold for fold in range(n_folds) if self._aside(fold).exists()]
        if not any(self.fold(fold).exists() for fold in folds):
            for fold in folds:
                self._aside(fold).rename(self.fold(fold))

    def _aside(self, fold: int) -> Path:
        return self.path / f"replaced_fold_{fold}"
