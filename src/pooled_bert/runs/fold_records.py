"""What the JSON files of a fold hold, as far as it is read."""

from typing import Annotated, NotRequired, TypedDict

from ..base.rules import FOLD, PROBABILITY, Number


class Settings(TypedDict):
    """The settings that decide a result; which there are depends on the model and on the revision."""

    n_folds: Annotated[int, Number(int, 2, 10_000)]
    benchmark: NotRequired[str]
    model: NotRequired[str]
    encoder: NotRequired[str]
    max_length: NotRequired[int]
    batch_size: NotRequired[int]
    windows: NotRequired[str | None]
    precision: NotRequired[str]
    group_by: NotRequired[str | None]


class Data(TypedDict):
    """Checksums of the rows."""

    train: str
    test: NotRequired[str | None]
    extra: NotRequired[str | None]


class Identity(TypedDict):
    """What decides a result."""

    fold: Annotated[int, FOLD]
    settings: Settings
    assignment: str
    data: NotRequired[Data]
    table: NotRequired[dict]
    pseudo: NotRequired[dict]
    pseudo_labels: NotRequired[str]


class Information(TypedDict):
    """What is recorded with a result."""

    started: NotRequired[str | None]
    revision: NotRequired[str]
    packages: NotRequired[dict[str, str]]
    python: NotRequired[str]
    machine: NotRequired[str]
    encoder: NotRequired[str]
    seconds: NotRequired[float]
    peak_memory_gb: NotRequired[float]


class Config(TypedDict):
    """config.json: written first."""

    identity: Identity
    information: Information
    checksum: str


class Metrics(TypedDict):
    """metrics.json: written last. ``files``: the checksum of each file, by its path in the fold's folder."""

    fold: Annotated[int, FOLD]
    made_up: bool
    rows: int
    training_rows: NotRequired[int]
    auc: dict[str, Annotated[float, PROBABILITY] | None]
    mean_auc: Annotated[float, PROBABILITY] | None
    accuracy: NotRequired[float | None]
    log_loss: NotRequired[float | None]
    average_recall: NotRequired[float | None]
    macro_f1: NotRequired[float | None]
    optimistic: bool
    files: dict[str, str]
    identity: str
    checksum: str
