"""A trained run as a function of texts or sounds, for this project's commands and for other programs."""

import contextlib
import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..base.errors import InputError, require
from ..base.pairs import NO_WINDOWS
from ..base.places import model_folder
from ..base.shown_text import shortened
from ..base.tensorflow_setup import start_tensorflow
from ..benchmarks.benchmark import Benchmark
from ..benchmarks.targets import SEVERAL_LABELS, Target
from ..models.fold_model import FoldModel, open_fold_model, predict_folds
from ..runs.finished_runs import Run, read_run
from ..runs.fold_files import FoldResult, check_models, check_unchanged
from ..runs.int8_check import check_int8
from .items import CHECKS, checked_sounds

if TYPE_CHECKING:
    from .explanation import Explanation
    from .sound_explanation import SoundExplanation

WINDOWS = ("mean", "max", "none")
MADE_UP_NOTE = "learnt from a made-up sample, so its scores mean nothing for real ones"


@dataclasses.dataclass(frozen=True)
class Predictor:
    """The models of a run's folds; their log-odds are averaged, as in make_submission.py.

    labels : names of the columns.  models : one per fold, in the order of ``run.folds``.
    windows : how texts longer than the models' ``max_length`` are read, one of WINDOWS; None for pairs and sounds.
    """

    run: Run  # without the folds' tables
    labels: tuple[str, ...]
    models: tuple[FoldModel, ...]
    windows: str | None

    def predict_proba(self, items: Sequence) -> np.ndarray:
        """Return the probability of each label, float32 [n_items, n_labels].

        items : texts (str); for a run that learnt from pairs, tuples of two texts; from sounds, Sounds or paths of
        sound files. Their probabilities are independent of each other (up to rounding), unless the run normalises by
        speaker. Raises InputError, see items.py.
        """
        items = self.checked(items)
        log_odds = np.zeros((len(items), len(self.labels)))
        for models in self._groups:
            inputs = models[0].reader.encode_to_predict(items, cache=None)
            for probabilities in predict_folds(models, inputs).astype(np.float64):
                log_odds += self.target.to_scale(probabilities, "logit") / len(self.models)
        return self.target.from_scale(log_odds, "logit").astype(np.float32)

    def checked(self, items: Sequence) -> list:
        """Return the items as the models' readers take them; raises InputError for items that cannot be read."""
        return CHECKS[self.noun](items)

    def check_noun(self, benchmark: Benchmark) -> None:
        """Raise InputError if the run learnt from single texts and the benchmark has pairs, or the other way round."""
        if self.noun != benchmark.noun:
            raise InputError(
                f"run {self.run.name!r} learnt from {self.noun}s, but --benchmark {benchmark.argument} has"
                f" {benchmark.noun}s"
            )

    def predict_frame(self, items: Sequence | pd.Series | pd.DataFrame) -> pd.DataFrame:
        """Return ``predict_proba`` as a table, one column per label, with the index of ``items`` if pandas made them.

        A DataFrame holds pairs: its two columns are their first and their second texts.
        """
        index = items.index if isinstance(items, pd.Series | pd.DataFrame) else None
        rows = items.itertuples(index=False, name=None) if isinstance(items, pd.DataFrame) else items
        return pd.DataFrame(self.predict_proba(list(rows)), index=index, columns=list(self.labels))

    def predict(
        self, items: Sequence, thresholds: float | Mapping[str, float] | None = None
    ) -> list[list[str]] | list[str]:
        """Return each item's labels (lists of str); for one class out of several, its likeliest class (str).

        A label is assigned if its probability is above its threshold: one number for all labels, or numbers by label,
        where labels left out have the default, 0.5. Raises InputError for other thresholds, for any thresholds of
        classes, and for items that ``predict_proba`` refuses.
        """
        limits = None if thresholds is None else self._thresholds(thresholds)
        names = self.target.names(self.labels, self.predict_proba(items), limits)
        return [name for (name,) in names] if self.target.is_exclusive else names

    def explain(self, item, method: str | None = None) -> "Explanation | SoundExplanation":
        """Return which words of a text, or of both texts of a pair, carried its scores; of a sound, its attention.

        method : ``occlusion`` (of texts, the default), ``gradients`` (of texts), or ``attention`` (of runs with
        ``--pooling attention``; the only one of sounds). Raises InputError if the run cannot be explained so.
        """
        if self.medium == "text":
            from .explanation import explain

            return explain(self, item, method or "occlusion")
        from .sound_explanation import explain_sounds

        require(method in (None, "attention"), "method", method, "attention, the only one of sounds")
        return explain_sounds(self, checked_sounds([item]))[0]

    def __repr__(self) -> str:
        """Return a short line: run, folds, labels, and how items are read."""
        folds = " ".join(str(fold.fold) for fold in self.run.folds)
        labels = shortened(", ".join(self.labels), 60)
        windows = "" if self.windows is None else f", windows {self.windows}"
        return f"<Predictor of {self.noun}s: run {self.run.name}, folds {folds}, {self.precision}{windows}; {labels}>"

    def _thresholds(self, thresholds: float | Mapping[str, float]) -> np.ndarray:
        """Return float64 [n_labels]; raises InputError."""
        if self.target.is_exclusive:
            raise InputError(
                "thresholds: this run has classes, of which the likeliest is assigned; leave them out"
            )
        if isinstance(thresholds, Mapping):
            for label in thresholds:
                require(label in self.labels, "a label of thresholds", repr(label), ", ".join(self.labels))
            values = [thresholds.get(label, SEVERAL_LABELS.threshold) for label in self.labels]
        else:
            values = [thresholds] * len(self.labels)
        for value in values:
            is_number = isinstance(value, int | float | np.number)
            require(is_number and 0 <= value <= 1, "a threshold", repr(value), "a number from 0 to 1")
        return np.array(values, np.float64)

    @property
    def precision(self) -> str:
        """The precision of matrix products, e.g. ``float32``."""
        return self.models[0].used_precision

    @property
    def medium(self) -> str:
        """What the run reads: text or sound."""
        return self.models[0].medium

    @property
    def noun(self) -> str:
        """What an item is, in words: a text, a pair or a sound."""
        return self.models[0].noun

    @property
    def target(self) -> Target:
        """The kind of target."""
        return self.models[0].target

    @property
    def has_attention(self) -> bool:
        """Whether all models pool by attention, whose weights can be shown."""
        return all(model.head["pooling"] == "attention" for model in self.models)

    @property
    def by_speaker(self) -> bool:
        """Whether any model normalises each speaker's sounds together."""
        return any(model.head.get("by_speaker", False) for model in self.models)

    @cached_property
    def _groups(self) -> list[list[FoldModel]]:
        return same_tokens(self.models)


def load_predictor(
    run_folder: Path | str,
    folds: list[int] | None = None,
    *,
    windows: str | None = None,
    precision: str | None = None,
) -> Predictor:
    """Load the finished folds of a run, or the folds given, to predict with. The run's data are not needed.

    ``windows`` says how a text longer than the models' ``max_length`` is read: whole, in windows that overlap by half
    (``mean`` of their log-odds, or ``max`` probability), or cut as in training (``none``). None: the run's own setting
    if it has windows, otherwise ``mean``; pairs are always cut. ``precision``: as in train_folds.py; None: the run's
    own setting (``auto``: as in ``open_fold_model``); ``int8`` works once measure.py int8 has found what it costs.

    Works whether TensorFlow was imported before or not (see ``start_tensorflow``), and leaves the process's precision
    policy as it was. Raises InputError if a fold is missing, damaged, or has no model.
    """
    run = read_run(Path(run_folder), folds, tables=())
    folders = {fold.fold: _model_folder(Path(run_folder), fold) for fold in run.folds}
    check_models({folders[fold.fold].parent: fold for fold in run.folds})
    settings = run.identity["settings"]
    if "windows" in settings:
        require(windows in (None, *WINDOWS), "windows", windows, " or ".join(WINDOWS))
    elif windows:
        raise InputError(
            f"windows {windows!r}: this run reads sounds, which are not cut into windows; leave it out"
        )
    if precision == "int8":
        check_int8(Path(run_folder), run.folds)
    models = _opened(folders, precision or settings.get("precision", "auto"))
    labels = models[0].head["labels"]
    for fold, model in zip(run.folds, models, strict=True):
        check_unchanged(model.folder.parent, fold)
        if model.head["labels"] != labels or sorted(labels) != sorted(fold.metrics["auc"]):
            raise InputError(
                f"{model.folder}: has other labels, or the labels in another order, than fold {run.folds[0].fold} or"
                f" the metrics.json beside it; train it again with --fold {fold.fold} --overwrite"
            )
    if models[0].noun == "pair" and windows not in (None, "none"):
        raise InputError(f"windows {windows!r}: {NO_WINDOWS}; leave it out")
    if models[0].noun == "text":
        windows = windows or settings["windows"] or "mean"
        models = tuple(_with_windows(model, windows) for model in models)
    else:
        windows = None
    _load_networks(models, folders)
    return Predictor(run, tuple(labels), models, windows)


def _model_folder(run_folder: Path, fold: FoldResult) -> Path:
    folder = model_folder(run_folder, fold.fold)
    if not folder.is_dir():
        model = fold.config["identity"]["settings"].get("model")
        remedy = f"train it again with --fold {fold.fold} --overwrite"
        if model == "linear":
            remedy = "folds of --model linear keep no model; give a run of another architecture"
        if model == "blend":
            remedy = "a blend keeps no model; predict with its runs"
        raise InputError(f"{folder}: is missing; {remedy}")
    return folder


def _opened(folders: Mapping[int, Path], precision: str) -> tuple[FoldModel, ...]:
    """Open the models of folds, all at the same time."""

    def opened(fold: int) -> FoldModel:
        with _damage_told(fold, folders[fold]):
            return open_fold_model(folders[fold], precision)

    with ThreadPoolExecutor() as pool:
        models = tuple(pool.map(opened, folders))
    if precision == "int8" and not all(model.engine for model in models):
        raise InputError("precision int8: is for encoders like BERT, on a CPU; leave it out")
    return models


def _load_networks(models: Sequence[FoldModel], folds: Iterable[int]) -> None:
    """Load the models that only TensorFlow computes, one by one."""
    if not all(model.engine for model in models):
        start_tensorflow(is_guest=True)
    for fold, model in zip(folds, models, strict=True):
        if not model.engine:
            with _damage_told(fold, model.folder):
                model.network()


@contextlib.contextmanager
def _damage_told(fold: int, folder: Path) -> Iterator[None]:
    """Say what helps if the block finds a model damaged; its message may name --encoder, which nobody gave here."""
    try:
        yield
    except InputError as error:
        raise InputError(
            f"{folder}: is damaged; train it again with --fold {fold} --overwrite ({error})"
        ) from error


def _with_windows(model: FoldModel, windows: str) -> FoldModel:
    reader = dataclasses.replace(model.text_reader, windows=None if windows == "none" else windows)
    return dataclasses.replace(model, reader=reader)


def same_tokens(models: Sequence[FoldModel]) -> list[list[FoldModel]]:
    """Group the models that read the same token ids: usually all folds of a run.

    The encoder ``tiny`` is an exception: its vocabulary comes from the texts of the fold, pseudo-labelled texts
    included.
    """
    groups: dict[tuple, list[FoldModel]] = {}
    for model in models:
        groups.setdefault(model.reader.key, []).append(model)
    return list(groups.values())
