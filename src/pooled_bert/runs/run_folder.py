"""The folder of a run during training: locks on folds, and old folds kept until new ones replace them."""

import contextlib
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from ..base.errors import InputError
from ..base.files import delete_folder, held
from ..base.places import fold_folder
from .fold_files import is_done, read_config
from .identity import PER_FOLD, first_difference


class RunFolder:
    """The folder ``folds/<benchmark>/runs/<run>`` with its folders ``fold_<k>``.

    If a finished fold is trained again, the old fold is kept as ``replaced_fold_<k>`` until the new one is finished.
    """

    def __init__(self, path: Path):
        self.path = path

    def fold(self, fold: int) -> Path:
        """Return the folder of a fold."""
        return fold_folder(self.path, fold)

    def lock(self, fold: int) -> AbstractContextManager[None]:
        """Lock a fold against other processes; raises InputError if another process is training the fold."""
        message = f"{self.fold(fold)}: another process is training this fold; wait for it, or stop it"
        return held(self.path / f".fold_{fold}.lock", message)

    def set_aside(self, folds: list[int], is_wanted: Callable[[int], bool]) -> None:
        """Rename finished folds to ``replaced_fold_<k>``; delete unfinished folds for which ``is_wanted`` is False.

        If an earlier replacement was interrupted, finished folds for which ``is_wanted`` is True are new, and stay.
        """
        with contextlib.ExitStack() as locks:
            for fold in folds:
                locks.enter_context(self.lock(fold))
            was_interrupted = any(self._replaced(fold).exists() for fold in folds)
            for fold in folds:
                folder, replaced = self.fold(fold), self._replaced(fold)
                if is_done(folder) and not (was_interrupted and is_wanted(fold)):
                    shutil.rmtree(replaced, ignore_errors=True)
                    folder.rename(replaced)
                elif folder.exists() and not is_wanted(fold):
                    shutil.rmtree(folder)

    def drop_replaced(self, fold: int) -> None:
        """Delete the old fold, after the new one is finished."""
        delete_folder(self._replaced(fold))

    def put_back(self, failed: int, n_folds: int) -> None:
        """Restore the old folds, unless one of them has a new fold already, or a fold here has other settings.

        failed : the fold that could not be trained; its lock is held. Folds that another process trains are left alone.
        """
        old = [fold for fold in range(n_folds) if self._replaced(fold).exists()]
        here = [fold for fold in range(n_folds) if self.fold(fold).exists()]
        if not old or set(old) & set(here) or not self._are_alike(old, here):
            return
        for fold in old:
            with contextlib.suppress(InputError), contextlib.ExitStack() as lock:
                if fold != failed:
                    lock.enter_context(self.lock(fold))
                self._replaced(fold).rename(self.fold(fold))

    def _are_alike(self, old: list[int], here: list[int]) -> bool:
        """Return whether the replaced folds ``old`` and the folds ``here`` have the same settings and data."""
        folders = {self._replaced(fold): fold for fold in old} | {self.fold(fold): fold for fold in here}
        try:
            first, *others = (read_config(folder, fold)["identity"] for folder, fold in folders.items())
        except InputError:
            return False
        return all(first_difference(first, other, PER_FOLD) is None for other in others)

    def _replaced(self, fold: int) -> Path:
        return self.path / f"replaced_fold_{fold}"
