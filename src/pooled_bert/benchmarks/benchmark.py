"""The record of a benchmark: its files, what is learnt from them, and the limits that users should know."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from .targets import Target


@dataclass(frozen=True)
class Benchmark:
    """A text-classification task, in the files that its publisher offers."""

    name: str
    title: str
    target: Target
    labels: tuple[str, ...]  # or the classes, if the target is one class out of several
    train_file: str
    text_column: str
    test_file: str
    about: str  # what the data are, and who labelled them: for model cards
    limits: tuple[str, ...]  # what a model trained on it must not be trusted with
    examples: tuple[str, ...]  # texts to try on the page of play.py
    download: str  # the command that downloads the files
    sample_submission: str | None = None  # gives the ids, their order and the columns of a submission
    test_labels: str | None = None
    folders: dict[str, float] | None = (
        None  # the same data as one text file each: folder name -> value of the label
    )
    archive: str | None = None  # the folder that the publisher's archive unpacks to
    competition: str | None = None  # the competition on Kaggle, which has the files and takes submissions
    dataset: str | None = None  # the dataset on Kaggle that has the files
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

    def column(self, label: str) -> str:
        """Return the column of the training file that holds a label."""
        return self.label_columns.get(label, label)


def class_words(classes: Sequence[str]) -> dict[str, dict[str, float]]:
    """Return the ``label_words`` of classes that are written as words in one column."""
    return {name: {word: float(word == name) for word in classes} for name in classes}
