"""A trained run as a function of texts or sounds, for this project's commands and for other programs."""

import dataclasses
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..base.errors import InputError, require
from ..base.places import model_folder
from ..base.sound import Sound
from ..base.tensorflow_setup import start_tensorflow
from ..benchmarks.targets import Target
from ..data.audio_files import read_sound_file
from ..data.table_files import is_writable
from ..runs.fold_files import FoldResult, Run, read_run

if TYPE_CHECKING:
    from ..models.classifier import Classifier

WINDOWS = ("mean", "max", "none")


@dataclasses.dataclass(frozen=True)
class Predictor:
    """The models of a run's folds; their log-odds are averaged, as in make_submission.py.

    labels : names of the columns.  classifiers : one per fold, in the order of ``run.folds``.
    windows : how texts longer than the models' ``max_length`` are read, one of WINDOWS; None for sounds.
    precision : the precision of matrix products, e.g. ``float32``.
    """

    run: Run
    labels: tuple[str, ...]
    classifiers: tuple["Classifier", ...]
    windows: str | None
    precision: str

    def predict_proba(self, items: Sequence) -> np.ndarray:
        """Return the probability of each label, float32 [n_items, n_labels].

        items : texts (str); for a run that learnt from sounds, Sounds or paths of sound files. Their probabilities are
        independent of each other (up to rounding), unless the run normalises by speaker. Raises InputError, see
        ``checked_texts`` and ``checked_sounds``.
        """
        from ..models.inference import predict

        items = CHECKS[self.medium](items)
        log_odds = np.zeros((len(items), len(self.labels)))
        for classifiers in self._groups:
            inputs = classifiers[0].reader.encode_to_predict(items, cache=None)
            for classifier in classifiers:
                probabilities = predict(classifier.model, inputs).astype(np.float64)
                log_odds += self.target.to_scale(probabilities, "logit") / len(self.classifiers)
        return self.target.from_scale(log_odds, "logit").astype(np.float32)

    @property
    def medium(self) -> str:
        """What the run reads: text or sound."""
        return self.classifiers[0].medium

    @property
    def target(self) -> Target:
        """The kind of target."""
        return self.classifiers[0].target

    @property
    def has_attention(self) -> bool:
        """Whether all models pool by attention, whose weights can be shown."""
        return all(classifier.head["pooling"] == "attention" for classifier in self.classifiers)

    @property
    def by_speaker(self) -> bool:
        """Whether any model normalises each speaker's sounds together."""
        return any(classifier.head.get("by_speaker", False) for classifier in self.classifiers)

    @cached_property
    def _groups(self) -> list[list["Classifier"]]:
        return same_tokens(self.classifiers)


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
    if it has windows, otherwise ``mean``. ``precision``: as in train_folds.py; None: the run's own setting.

    Sets TensorFlow up for the whole process, so call this function before anything imports TensorFlow. Raises
    InputError if a fold is missing, damaged, or has no model.
    """
    run = read_run(Path(run_folder), folds)
    folders = {fold.fold: _model_folder(Path(run_folder), fold) for fold in run.folds}
    start_tensorflow()
    from ..models.precision import set_precision

    settings = run.identity["settings"]
    if "windows" in settings:
        windows = windows or settings["windows"] or "mean"
        require(windows in WINDOWS, "windows", windows, " or ".join(WINDOWS))
    elif windows:
        raise InputError(
            f"windows {windows!r}: this run reads sounds, which are not cut into windows; leave it out"
        )
    used_precision = set_precision(precision or settings["precision"])
    classifiers = tuple(_load(folder, fold, windows) for fold, folder in folders.items())
    return Predictor(run, tuple(classifiers[0].head["labels"]), classifiers, windows, used_precision)


def _model_folder(run_folder: Path, fold: FoldResult) -> Path:
    folder = model_folder(run_folder, fold.fold)
    if not folder.is_dir():
        remedy = f"train it again with --fold {fold.fold} --overwrite"
        if fold.config["identity"]["settings"]["model"] == "linear":
            remedy = "folds of --model linear keep no model; give a run of another architecture"
        raise InputError(f"{folder}: is missing; {remedy}")
    return folder


def _load(folder: Path, fold: int, windows: str | None) -> "Classifier":
    from ..models.classifier import load_classifier

    try:
        classifier = load_classifier(folder)
    except InputError as error:  # its message may name --encoder, which the caller did not give
        raise InputError(
            f"{folder}: is damaged; train it again with --fold {fold} --overwrite ({error})"
        ) from error
    if windows is None:
        return classifier
    reader = dataclasses.replace(classifier.text_reader, windows=None if windows == "none" else windows)
    return dataclasses.replace(classifier, reader=reader)


def checked_texts(texts: Sequence[str]) -> list[str]:
    """Return the texts as a list; raises InputError for a text that is not a string, or has NUL or a lone surrogate."""
    if isinstance(texts, str):
        raise InputError("expected a list of texts, got one string; put it in brackets: [text]")
    texts = list(texts)
    for number, text in enumerate(texts):
        if not isinstance(text, str):
            raise InputError(f"text {number} is {text!r:.60}, expected a string")
        if not is_writable(text):
            raise InputError(
                f"text {number} is {text!r:.60}, expected Unicode without NUL and lone surrogates"
            )
    return texts


def checked_sounds(sounds: Sequence[Sound | Path | str]) -> list[Sound]:
    """Return the sounds as a list, paths read from their files; raises InputError, see ``read_sound``."""
    if isinstance(sounds, str | Path):
        raise InputError("expected a list of sounds, got one path; put it in brackets: [path]")
    return [sound if isinstance(sound, Sound) else read_sound_file(Path(sound)) for sound in sounds]


CHECKS: dict[str, Callable[[Sequence], list]] = {"text": checked_texts, "sound": checked_sounds}


def same_tokens(classifiers: Sequence["Classifier"]) -> list[list["Classifier"]]:
    """Group the classifiers that read the same token ids: usually all folds of a run.

    The encoder ``tiny`` is an exception: its vocabulary comes from the texts of the fold, pseudo-labelled texts
    included.
    """
    groups: dict[tuple, list[Classifier]] = {}
    for classifier in classifiers:
        groups.setdefault(classifier.reader.key, []).append(classifier)
    return list(groups.values())
