"""A classifier: a model and the reader that makes its inputs, saved and loaded as one folder."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import tensorflow as tf
from safetensors import SafetensorError
from safetensors.tensorflow import load_file, save_file
from transformers import TFPreTrainedModel

from ..base.errors import InputError
from .blstm import Blstm, load_blstm
from .encoders import clear_when_full, load_encoder
from .network import build_model
from .saved_model import HEAD_CONFIG, HEAD_WEIGHTS, REMEDY, Described, read_description

# architecture -> how its encoder is read from a folder
LOADERS: dict[str, Callable] = {
    "bert": lambda folder, reader: load_encoder(folder, reader.tokenizer),
    "blstm": lambda folder, _: load_blstm(folder),
}


@dataclass(frozen=True)
class Classifier(Described):
    """A model, and the reader that makes its inputs.

    head : what ``head.json`` holds: medium, architecture, target, labels, pooling, dropout, and the reader's settings.
    """

    model: tf.keras.Model
    encoder: TFPreTrainedModel | Blstm

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
    description = read_description(folder)
    reader, head = description.reader, description.head
    encoder = LOADERS[head["architecture"]](str(folder), reader)
    model = build_model(
        encoder,
        reader.signature,
        target=description.target,
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
                f" {variable.shape}; {REMEDY}"
            )
        variable.assign(weights[name])
    return Classifier(reader, head, model, encoder)


def _head_weights(model: tf.keras.Model) -> dict[str, tf.Variable]:
    """Return the weights above the encoder, by name."""
    kernel, bias = model.classify.get_layer("logits").weights
    pooling = enumerate(model.classify.get_layer("pooling").weights)
    return {"kernel": kernel, "bias": bias, **{f"pooling_{index}": weight for index, weight in pooling}}
