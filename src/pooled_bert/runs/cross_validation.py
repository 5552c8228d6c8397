"""Train the folds of a run: split, learn, predict, write. The same for every architecture and benchmark."""

import functools
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import numpy as np
import pandas as pd

from ..base.deadline import Deadline
from ..base.distribution import SharedDeadline, any_worker, workers
from ..base.environment import changes, environment, peak_memory
from ..base.errors import InputError
from ..base.files import delete_folder
from ..base.places import Workspace
from ..base.tensorflow_setup import start_tensorflow
from ..benchmarks.benchmark import NO_GROUP
from ..data.folds import assign_folds, check_manifest
from ..data.groups import without_groups_of
from ..data.rows import GROUP, Rows, items_of, table_checksum
from ..training.checkpoints import Checkpoints
from ..training.learners import load_learner
from ..training.neural_settings import NeuralSettings
from ..training.problem import SEEDS_PER_RUN, Outcome, Problem
from ..training.settings import ModelSettings, RunSettings, TextSettings
from .fold_files import is_done, read_config, write_config, write_fold
from .identity import encoder_name, first_difference, identity_settings
from .pseudo_labels import PseudoLabels
from .run_folder import RunFolder

CHECKPOINTS = "checkpoints"  # folder inside the folder of an unfinished fold
TENSORBOARD = "tensorboard"  # folder inside the folder of a fold


class CrossValidation:
    """One run: its rows, fold assignment and settings, and the folder of its folds.

    extra : training-only rows (id, text, labels) or None.
    pseudo : None, or the name of a run whose test predictions become labels, and the number of these rows (None: all).
    predicts_test : whether the test rows are predicted.
    """

    def __init__(
        self,
        rows: Rows,
        run: RunSettings,
        model: ModelSettings,
        *,
        name: str,
        workspace: Workspace,
        extra: pd.DataFrame | None = None,
        pseudo: tuple[str, int | None] | None = None,
        predicts_test: bool = True,
    ):
        self.rows, self.run, self.model, self.extra = rows, run, model, extra
        self.test = rows.test if predicts_test else None
        self.strategy = model.strategy if isinstance(model, NeuralSettings) else "one"
        self.workers = workers(self.strategy)
        self.benchmark = rows.benchmark
        self.run_folder = RunFolder(workspace.run(run.benchmark, name))
        self.cache = workspace.tokens
        self.assignment = assign_folds(
            rows.train,
            self.benchmark.target,
            run.n_folds,
            run.fold_seed,
            run.group_by,
            run.near_duplicates,
        )
        checksums = rows.checksums()
        self.identity = {
            "settings": identity_settings(run, model),
            **self._table_identity(),
            "data": {**checksums, "extra": None if extra is None else table_checksum(extra)},
            "assignment": check_manifest(
                workspace.folds(run.benchmark),
                rows.train,
                self.assignment,
                data_checksum=rows.checksum,
                fold_seed=run.fold_seed,
                group_by=run.group_by,
                near_duplicates=run.near_duplicates,
            ),
        }
        self.pseudo = None
        if pseudo:
            source, n_rows = pseudo
            folder = workspace.run(run.benchmark, source)
            self.pseudo = PseudoLabels(folder, rows, self.identity["assignment"], n_rows, run.seed)

    def start(self, folds: list[int], *, overwrite: bool) -> None:
        """Raise InputError if the run was started with different settings, data or assignment.

        With ``overwrite``, ``folds`` are not checked, because they will be trained again. A difference that is only
        recorded, e.g. of the code's revision, is reported on stderr.
        """
        replaced = set(folds) if overwrite else set()
        notes: dict[str, list[str]] = {}
        for fold in sorted(set(range(self.run.n_folds)) - replaced):
            folder = self.run_folder.fold(fold)
            if not is_done(folder) and not Checkpoints(folder / CHECKPOINTS).exist:
                continue  # the fold may have been started, but holds no work to protect
            config = read_config(folder, fold)
            difference = first_difference(config["identity"], self._identity(fold))
            if difference:
                raise InputError(
                    f"{folder}: was started with different settings or data: {difference}. Give this run another name"
                    " with --run, or replace every fold with --overwrite"
                )
            changed = "; ".join(changes(config["information"], environment()))
            if changed:
                notes.setdefault(changed, []).append(str(fold))
        for changed, numbers in notes.items():
            which = f"fold {numbers[0]} was" if len(numbers) == 1 else f"folds {', '.join(numbers)} were"
            print(f"note: {which} started with {changed}", file=sys.stderr)
        for fold in replaced:
            self._identity(
                fold
            )  # raises InputError for pseudo-labels that cannot be used, before a fold is set aside
        if overwrite and self.workers.is_chief:
            self.run_folder.set_aside(folds, self._was_started_alike)

    @functools.cached_property
    def learner(self) -> Callable[[Problem], Outcome]:
        """The learner of all folds; made when the first of them needs it."""
        return load_learner(self.model)

    def train_fold(self, fold: int, *, checkpoint_minutes: float, deadline: Deadline) -> None:
        """Train a fold, from its last checkpoint if there is one, and write its files; leave a finished fold unchanged.

        Several workers share the folder of the run; the chief alone decides and writes. Raises TimeLimitReached when
        ``deadline`` is near.
        """
        if self.workers.count > 1:
            start_tensorflow()
            deadline = deadline if deadline.minutes is None else SharedDeadline(deadline, self.strategy)
        if not self.workers.is_chief:
            if any_worker(self.strategy, False, of_chief=True):
                deadline.check()
                checkpoints = Checkpoints(self.run_folder.fold(fold) / CHECKPOINTS, writes=False)
                problem, _ = self._problem(fold, checkpoints, deadline)
                self.learner(problem)
            return
        with self.run_folder.lock(fold):
            folder = self.run_folder.fold(fold)
            checkpoints = Checkpoints(folder / CHECKPOINTS, minutes=checkpoint_minutes)
            if any_worker(self.strategy, not is_done(folder), of_chief=True):
                deadline.check()
                self._train(fold, checkpoints, deadline)
            delete_folder(checkpoints.folder)
            self.run_folder.drop_replaced(fold)

    def _train(self, fold: int, checkpoints: Checkpoints, deadline: Deadline) -> None:
        folder = self.run_folder.fold(fold)
        started = time.monotonic()
        information = {"started": datetime.now(UTC).isoformat(timespec="seconds"), **environment()}
        if isinstance(self.model, TextSettings):
            information["encoder"] = encoder_name(self.model.encoder)
        if self._was_started_alike(fold):
            information["started"] = read_config(folder, fold)["information"].get("started")
        elif folder.exists():
            shutil.rmtree(folder)  # the other files cannot be trusted without a matching config.json
        try:
            write_config(folder, self._identity(fold), information)
            self._learn_and_write(fold, checkpoints, deadline, information, started)
        finally:
            if not (is_done(folder) or checkpoints.exist):  # it failed before there was any work to protect
                shutil.rmtree(folder, ignore_errors=True)
                self.run_folder.put_back(fold, self.run.n_folds)

    def _learn_and_write(
        self, fold: int, checkpoints: Checkpoints, deadline: Deadline, information: dict, started: float
    ) -> None:
        """Train a fold and write its files; ``started``: when the process began to, by ``time.monotonic``."""
        folder = self.run_folder.fold(fold)
        problem, valid = self._problem(fold, checkpoints, deadline)
        outcome = self.learner(problem)
        seconds = outcome.earlier_seconds + time.monotonic() - started
        information |= {
            **outcome.information,
            "seconds": round(seconds, 1),
            "peak_memory_gb": round(peak_memory(), 2),
        }
        write_config(folder, self._identity(fold), information)
        test_ids = None if self.test is None else self.test["id"]
        facts = {"fold": fold, "made_up": self.rows.made_up, "training_rows": len(problem.train)}
        write_fold(folder, outcome, self.benchmark.target, valid=valid, test_ids=test_ids, facts=facts)

    def _table_identity(self) -> dict:
        """Return what a user's file says, as far as it decides the result; a built-in benchmark never changes."""
        if self.benchmark.file is None:
            return {}
        chooses_epoch = getattr(self.model, "keep", "last") == "best"
        score = {"score": self.benchmark.score} if chooses_epoch else {}
        return {"table": {**self.benchmark.what_is_learnt, **score}}

    def _identity(self, fold: int) -> dict:
        pseudo = self.pseudo.identity(fold) if self.pseudo else {}
        return {**self.identity, "fold": fold, **pseudo}

    def _was_started_alike(self, fold: int) -> bool:
        """Return whether the fold has a readable config.json with the same settings, data and assignment."""
        try:
            config = read_config(self.run_folder.fold(fold), fold)
        except InputError:
            return False
        return first_difference(config["identity"], self._identity(fold)) is None

    def _problem(
        self, fold: int, checkpoints: Checkpoints, deadline: Deadline
    ) -> tuple[Problem, pd.DataFrame]:
        """Return the problem of a fold, and its validation rows (id, text, labels)."""
        table = self.rows.train
        in_fold = self.assignment == fold
        valid = table[in_fold]
        train = np.flatnonzero(~in_fold)
        if self.run.limit is not None and self.run.limit < len(train):
            random = np.random.default_rng([self.run.seed, fold])
            train = np.sort(random.choice(train, self.run.limit, replace=False))
        for name, extra in self._training_only(fold):
            by_group = self.run.group_by not in (None, NO_GROUP) and GROUP in extra
            kept = without_groups_of(valid, extra, by_group=by_group, similarity=self.run.near_duplicates)
            kept = kept.index.to_numpy()
            relation = f"of the {self.run.group_by}s" if by_group else "nearly identical to some"
            left_out = f"{len(extra) - len(kept)} left out: {relation} of the validation rows"
            print(f"fold {fold}: {len(kept)} {name} rows ({left_out})")
            train = np.concatenate([train, len(table) + kept])
            table = pd.concat([table, extra], ignore_index=True)
        problem = Problem(
            target=self.benchmark.target,
            label_names=self.benchmark.labels,
            score=self.benchmark.score,
            items=items_of(table).tolist(),
            pairs=self.benchmark.is_pairs,
            labels=table[list(self.benchmark.labels)].to_numpy(np.float64),
            train=train,
            valid=np.flatnonzero(in_fold),
            test=[] if self.test is None else items_of(self.test).tolist(),
            title=f"fold {fold}",
            seed=self.run.seed * SEEDS_PER_RUN + fold,
            cache=self.cache,
            checkpoints=checkpoints,
            deadline=deadline,
            events=self.run_folder.fold(fold) / TENSORBOARD if self.workers.is_chief else None,
        )
        return problem, valid

    def _training_only(self, fold: int) -> Iterator[tuple[str, pd.DataFrame]]:
        if self.extra is not None:
            yield "extra", self.extra
        if self.pseudo:
            yield "pseudo-labelled", self.pseudo.table(fold)
