"""A classifier: a model and the reader that makes its inputs, saved and loaded as one folder."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, NotRequired, TypedDict

import tensorflow as tf
from safetensors import SafetensorError
from safetensors.tensorflow import load_file, save_file
from transformers import TFPreTrainedModel

from ..base.errors import InputError
from ..base.files import read_json
from ..base.rules import SHARE, Number
from ..benchmarks.targets import SEVERAL_LABELS, TARGETS, Target
from ..inputs.batches import Reader
from ..inputs.frames import frame_reader
from ..inputs.pair_tokens import text_reader
from ..inputs.tokens import TextReader
from .blstm import Blstm, load_blstm
from .encoders import clear_when_full, load_encoder, load_tokenizer
from .network import build_model


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
HEAD_CONFIG, HEAD_WEIGHTS = "head.json", "head.safetensors"
# architecture -> how its encoder is read from a folder
LOADERS: dict[str, Callable] = {
    "bert": lambda folder, reader: load_encoder(folder, reader.tokenizer),
    "blstm": lambda folder, _: load_blstm(folder),
}


@dataclass(frozen=True)
class Classifier:
    """A model, and the reader that makes its inputs.

    head : what ``head.json`` holds: medium, architecture, target, labels, pooling, dropout, and the reader's settings.
    """

    model: tf.keras.Model
    encoder: TFPreTrainedModel | Blstm
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
    def text_reader(self) -> TextReader:
        """The reader of a classifier of texts; raises InputError for any other."""
        if not isinstance(self.reader, TextReader):
            raise InputError(
                f"this works for runs that learnt from texts only; this one learnt from {self.medium}s"
            )
        return self.reader

    @property
    def target(self) -> Target:
        """The kind of target."""
        return self.model.target

    def save(self, folder: Path) -> None:
        """Write encoder and reader, those of texts in Hugging Face's format, and the head beside them."""
        (folder / HEAD_CONFIG).write_text(json.dumps(self.head, indent=2) + "\n", encoding="utf-8")
        with clear_when_full():
            self.encoder.save_pretrained(folder, safe_serialization=True)
            self.reader.save(folder)
            head = _head_weights(self.model)
            tensors = {name: tf.convert_to_tensor(weight) for name, weight in head.items()}
            save_file(tensors, folder / HEAD_WEIGHTS)


def load_classifier(folder: Path) -> Classifier:
    """Load a classifier that ``Classifier.save`` wrote, e.g. a finished fold's folder ``model``; raises InputError."""
    path, remedy = folder / HEAD_CONFIG, "train the fold again"
    head = read_json(path, remedy=remedy)
    architecture = str(head.get("architecture"))
    target, medium = str(head.get("target", SEVERAL_LABELS.name)), str(head.get("medium", "text"))
    for kind, name, known in (
        ("architecture", architecture, LOADERS),
        ("target", target, TARGETS),
        ("medium", medium, READERS),
    ):
        if name not in known:
            raise InputError(f"{path}: the {kind} {name!r} is unknown; {remedy}")
    head = read_json(path, HEADS[medium], remedy=remedy)
    reader = READERS[medium](folder, head)
    encoder = LOADERS[architecture](str(folder), reader)
    model = build_model(
        encoder,
        reader.signature,
        target=TARGETS[target],
        n_labels=len(head["labels"]),
        pooling=head["pooling"],
        dropout=head["dropout"],
    )
    try:
        weights = load_file(folder / HEAD_WEIGHTS)
    except (OSError, ValueError, SafetensorError) as error:
        raise InputError(
            f"{folder / HEAD_WEIGHTS}: cannot be read ({error}); train the fold again"
        ) from error
    variables = _head_weights(model)
    if weights.keys() != variables.keys():
        raise InputError(
            f"{folder / HEAD_WEIGHTS}: does not hold the weights that {HEAD_CONFIG} asks for; train the fold again"
        )
    for name, variable in variables.items():
        if weights[name].shape != variable.shape:
            raise InputError(
                f"{folder / HEAD_WEIGHTS}: {name} has the shape {weights[name].shape}, but {HEAD_CONFIG} asks for"
                f" {variable.shape}; {remedy}"
            )
        variable.assign(weights[name])
    return Classifier(model, encoder, reader, head)


# medium -> how a classifier's reader is made from its folder and head
READERS: dict[str, Callable[[Path, dict], Reader]] = {
    "text": lambda folder, head: text_reader(load_tokenizer(str(folder), []), head),
    "sound": lambda _, head: frame_reader(head),
}


def _head_weights(model: tf.keras.Model) -> dict[str, tf.Variable]:
    """Return the weights above the encoder, by name."""
    kernel, bias = model.classify.get_layer("logits").weights
    pooling = enumerate(model.classify.get_layer("pooling").weights)
    return {"kernel": kernel, "bias": bias, **{f"pooling_{index}": weight for index, weight in pooling}}
