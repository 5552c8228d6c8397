"""The record of a benchmark: its files, what is learnt from them, and the limits that users should know."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..base.errors import InputError
from .medals import Medals
from .targets import Target

NO_GROUP = "none"  # the value of --group-by that lets the rows of one group be in several folds


@dataclass(frozen=True)
class Benchmark:
    """A classification task of texts or sounds, in the files that its publisher offers."""

    name: str
    title: str
    target: Target
    labels: tuple[str, ...]  # or the classes, if the target is one class out of several; see class_column
    train_file: str  # the table of the labelled rows; for sounds, the folder that holds them
    about: str  # what the data are, and who labelled them: for model cards
    limits: tuple[str, ...]  # what a model trained on it must not be trusted with
    download: str  # the command that downloads the files
    medium: str = "text"  # what a row is: a text or a sound; also the name of its column in tables of rows
    language: str = "en"  # for model cards
    text_column: str = "text"
    second_column: str | None = None  # of the second texts, if each row is a pair of texts
    id_column: str | None = None  # None: ``id`` if the table has it; otherwise ids are made from the texts
    class_column: str | None = None  # of words; the classes are then found in the training table
    score: str = "mean_auc"  # the score that counts, a key of SCORE_TITLES
    file: Path | None = None  # the TOML file that the record was read from
    # name of a file or column -> file and line that name it
    places: dict[str, str] = field(default_factory=dict)
    test_file: str | None = None
    examples: tuple[str, ...] = ()  # texts, or joined pairs, to try on the page of play.py
    group: str | None = None  # what rows can have in common so that they must share a fold, e.g. a speaker
    # of a sound, as a pattern with the groups ``group`` and ``word`` (of its class)
    file_name: str | None = None
    made_up_name: str = ""  # of a made-up sound: a format string of group, sentence, word and version
    left_out: tuple[str, ...] = ()  # words of classes whose rows are not used
    sample_submission: str | None = None  # gives the ids, their order and the columns of a submission
    test_labels: str | None = None
    folders: dict[str, float] | None = (
        None  # the same data as one text file each: folder name -> value of the label
    )
    archive: str | None = None  # the folder that the publisher's archive unpacks to
    competition: str | None = None  # the competition on Kaggle, which has the files and takes submissions
    medals: Medals | None = None  # what scores on the competition's private leaderboard were worth
    dataset: str | None = None  # the dataset on Kaggle that has the files
    hub_dataset: str | None = None  # the dataset's name on the Hugging Face Hub, for model cards
    is_offensive: bool = False  # whether texts are masked before they are shown
    label_columns: dict[str, str] = field(default_factory=dict)  # label -> its column, where the names differ
    label_words: dict[str, dict[str, float]] = field(
        default_factory=dict
    )  # label -> word in its column -> value
    identity_terms: dict[str, tuple[str, ...]] = field(
        default_factory=dict
    )  # group of people -> words that name it
    # for made-up rows: label -> how often it applies, and the label without which it never does; empty: 0.5 each
    sample_rates: dict[str, tuple[float, str | None]] = field(default_factory=dict)

    def require_texts(self, what: str) -> None:
        """Raise InputError if the rows are not texts, for a command or an option that needs them."""
        if self.medium != "text":
            raise InputError(f"{what} takes texts; --benchmark {self.argument} has {self.medium}s")

    @property
    def text_columns(self) -> tuple[str, ...]:
        """The column of the texts; the two columns of pairs."""
        return (self.text_column, *([self.second_column] if self.second_column else []))

    @property
    def is_pairs(self) -> bool:
        """Whether each row is a pair of texts."""
        return self.second_column is not None

    @property
    def noun(self) -> str:
        """What a row is, in words: a text, a pair or a sound."""
        return "pair" if self.is_pairs else self.medium

    @property
    def argument(self) -> str:
        """The value of --benchmark that gives this record."""
        return str(self.file or self.name)

    @property
    def shown_scores(self) -> tuple[str, ...]:
        """The keys of the scores that tables show, the one that counts first."""
        return tuple(dict.fromkeys((self.score, *self.target.shown_scores)))

    @property
    def what_is_learnt(self) -> dict:
        """What decides the rows of a table that a user describes, for the identity of a run."""
        return {
            "target": self.target.name,
            "text": list(self.text_columns) if self.is_pairs else self.text_column,
            "labels": [self.class_column] if self.class_column else list(self.labels),
        }

    def place(self, name: str) -> str:
        """Return, as the start of a message, where the record's file names a file or column; empty if it does not."""
        return f"{self.places[name]}: " if name in self.places else ""

    def column(self, label: str) -> str:
        """Return the column of the training file that holds a label."""
        return self.label_columns.get(label, label)

    def with_classes(self, classes: Sequence[str]) -> "Benchmark":
        """Return the record with the classes that were found in ``class_column``; an empty cell is not labelled."""
        assert self.class_column is not None
        return replace(
            self,
            labels=tuple(classes),
            label_columns=dict.fromkeys(classes, self.class_column),
            label_words={name: {**words, "": math.nan} for name, words in class_words(classes).items()},
        )


def class_words(classes: Sequence[str]) -> dict[str, dict[str, float]]:
    """Return the ``label_words`` of classes that are written as words in one column."""
    return {name: {word: float(word == name) for word in classes} for name in classes}
