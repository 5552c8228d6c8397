"""What a saved model's folder says of it: its head, and the reader that makes its inputs. Needs no TensorFlow."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, NotRequired, TypedDict

from ..base.errors import InputError
from ..base.files import read_json
from ..base.rules import SHARE, Number
from ..benchmarks.targets import SEVERAL_LABELS, TARGETS, Target
from ..inputs.batches import Reader
from ..inputs.frames import frame_reader
from ..inputs.pair_tokens import text_reader
from ..inputs.saved_tokenizer import SavedTokenizer
from ..inputs.tokens import TextReader

HEAD_CONFIG, HEAD_WEIGHTS = "head.json", "head.safetensors"
ENCODER_CONFIG, ENCODER_WEIGHTS = "config.json", "model.safetensors"
ARCHITECTURES = ("bert", "blstm")  # classifier.py loads them
REMEDY = "train the fold again"


class Head(TypedDict):
    """What head.json of any classifier holds."""

    architecture: str
    medium: NotRequired[str]  # earlier revisions wrote no medium, and no target
    target: NotRequired[str]
    labels: list[str]
    pooling: Literal["mean", "max", "mean_max", "attention", "cls", "last"]
    dropout: Annotated[float, SHARE]


class TextHead(Head):
    """What head.json holds for texts."""

    max_length: Annotated[int, Number(int, 3, 512)]
    truncation: Literal["head", "head_tail"]
    windows: Literal["mean", "max"] | None


class SoundHead(Head):
    """What head.json holds for sounds."""

    max_seconds: Annotated[float, Number(float, 0, 60, above=True)]
    by_speaker: bool
    mean: list[float]
    deviation: list[Annotated[float, Number(float, 0, 1e300, above=True)]]


HEADS = {"text": TextHead, "sound": SoundHead}


@dataclass(frozen=True)
class Described:
    """A model's reader, and its head: medium, architecture, target, labels, pooling, the reader's settings."""

    reader: Reader
    head: dict

    @property
    def medium(self) -> str:
        """What is classified: text or sound."""
        return self.head.get("medium", "text")

    @property
    def noun(self) -> str:
        """What an item is, in words: a text, a pair or a sound."""
        return "pair" if self.head.get("pairs") else self.medium

    @property
    def target(self) -> Target:
        """The kind of target."""
        return TARGETS[self.head.get("target", SEVERAL_LABELS.name)]

    @property
    def text_reader(self) -> TextReader:
        """The reader of a classifier of texts; raises InputError for any other."""
        if not isinstance(self.reader, TextReader):
            raise InputError(
                f"this works for runs that learnt from texts only; this one learnt from {self.medium}s"
            )
        return self.reader


def read_description(folder: Path) -> Described:
    """Read the head and the reader of a model that ``Classifier.save`` wrote; raises InputError if they are damaged."""
    path = folder / HEAD_CONFIG
    head = read_json(path, remedy=REMEDY)
    medium = str(head.get("medium", "text"))
    for kind, name, known in (
        ("architecture", str(head.get("architecture")), ARCHITECTURES),
        ("target", str(head.get("target", SEVERAL_LABELS.name)), TARGETS),
        ("medium", medium, READERS),
    ):
        if name not in known:
            raise InputError(f"{path}: the {kind} {name!r} is unknown; {REMEDY}")
    head = read_json(path, HEADS[medium], remedy=REMEDY)
    return Described(READERS[medium](folder, head), head)


# medium -> how a model's reader is made from its folder and head
READERS: dict[str, Callable[[Path, dict], Reader]] = {
    "text": lambda folder, head: text_reader(SavedTokenizer(folder), head),
    "sound": lambda _, head: frame_reader(head),
}
