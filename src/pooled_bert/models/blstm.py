"""A bidirectional LSTM over word-piece embeddings or frames of sound, used in place of BERT."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, TypedDict

import tensorflow as tf
from keras.src.layers.rnn.lstm import standard_lstm
from safetensors import SafetensorError
from safetensors.tensorflow import load_file, save_file
from transformers import PreTrainedTokenizerFast
from transformers.modeling_tf_outputs import TFBaseModelOutputWithPooling

from ..base.errors import InputError
from ..base.files import read_json
from ..base.rules import SHARE, Number
from .encoders import load_encoder

CONFIG, WEIGHTS = "config.json", "model.safetensors"


@dataclass(frozen=True)
class BlstmConfig:
    """Sizes of a Blstm: number of word pieces, width of its inputs, LSTM units per direction.

    With 0 word pieces, it has no embeddings: its inputs are vectors, such as frames of sound.
    """

    vocab_size: int
    width: int
    units: int
    dropout: float


class Sizes(TypedDict):
    """What config.json holds: the fields of a BlstmConfig."""

    vocab_size: Annotated[int, Number(int, 0, 10_000_000)]
    width: Annotated[int, Number(int, 1, 100_000)]
    units: Annotated[int, Number(int, 1, 100_000)]
    dropout: Annotated[float, SHARE]


class Lstm(tf.keras.layers.LSTM):
    """Keras' LSTM with ``return_sequences`` and ``return_state``, which starts three times sooner without a GPU.

    Keras builds every graph for cuDNN's kernel as well, with the gradients of both, and drops it on a CPU.
    """

    def call(self, inputs, mask=None, training=None, initial_state=None):
        """Return all outputs [batch, length, units], and the last hidden and cell state; the bits are Keras' own."""
        if tf.config.list_logical_devices("GPU"):
            return super().call(inputs, mask=mask, training=training, initial_state=initial_state)
        weights = [tf.convert_to_tensor(weight) for weight in self.cell.weights]
        _, outputs, *states, _ = standard_lstm(
            inputs, *self.get_initial_state(inputs), *weights, mask,
            time_major=False, go_backwards=self.go_backwards, sequence_lengths=None,
            zero_output_for_mask=self.zero_output_for_mask, return_sequences=True,
        )  # fmt: skip
        return [outputs, *states]


class Blstm(tf.keras.layers.Layer):
    """Word embeddings -> a forward and a backward LSTM (Graves & Schmidhuber 2005), with the call of ``TFBertModel``.

    call({inputs_embeds [batch, length, width], attention_mask int [batch, length], …}) returns ``last_hidden_state``
    [batch, length, 2 · units] and ``pooler_output`` [batch, 2 · units]: the forward state after the last real token
    and the backward state after the first token.
    """

    def __init__(self, config: BlstmConfig, **options):
        super().__init__(name="blstm", **options)
        self.config = config
        self.dropout = tf.keras.layers.Dropout(config.dropout)
        lstm = Lstm(config.units, return_sequences=True, return_state=True, name="lstm")
        self.lstm = tf.keras.layers.Bidirectional(lstm)
        if config.vocab_size:
            self.weight = self.add_weight("word_embeddings", [config.vocab_size, config.width])
        self.lstm.build(tf.TensorShape([None, None, config.width]))

    def get_input_embeddings(self) -> "Blstm":
        """Return the layer whose ``weight`` is the word embeddings, as transformers' models do."""
        return self

    def call(self, inputs, training=None):
        """Run both LSTMs; see the class."""
        words = self.dropout(inputs["inputs_embeds"], training=training)
        mask = tf.cast(inputs["attention_mask"], tf.bool)
        hidden, forward, _, backward, _ = self.lstm(words, mask=mask)
        return TFBaseModelOutputWithPooling(hidden, tf.concat([forward, backward], axis=1))

    def save_pretrained(self, folder: Path, **_) -> None:
        """Write sizes (config.json) and weights (model.safetensors) into ``folder``."""
        (folder / CONFIG).write_text(json.dumps(asdict(self.config), indent=2) + "\n", encoding="utf-8")
        save_file(
            {str(index): tf.convert_to_tensor(w) for index, w in enumerate(self.weights)}, folder / WEIGHTS
        )


def make_blstm(encoder: str, tokenizer: PreTrainedTokenizerFast, *, units: int, dropout: float) -> Blstm:
    """Make a Blstm that starts with the word embeddings of ``encoder``, scaled to a standard deviation of 1.

    BERT's embeddings are small (standard deviation .05), because BERT normalises them in a layer norm. Unscaled, they
    would hardly open the gates of an LSTM.
    """
    pretrained = load_encoder(encoder, tokenizer).get_input_embeddings().weight.numpy()
    blstm = Blstm(BlstmConfig(*pretrained.shape, units, dropout))
    blstm.weight.assign(pretrained / pretrained.std())
    return blstm


def load_blstm(folder: str) -> Blstm:
    """Load a Blstm saved by ``save_pretrained``; raises InputError if a file is missing or damaged."""
    path = Path(folder) / WEIGHTS
    try:
        blstm = Blstm(BlstmConfig(**read_json(Path(folder) / CONFIG, Sizes, remedy="train the fold again")))
        weights = load_file(path)
        for index, variable in enumerate(blstm.weights):
            variable.assign(weights[str(index)])
    except (OSError, KeyError, TypeError, ValueError, SafetensorError) as error:
        raise InputError(
            f"{path}: cannot be read ({error}); train the fold again with --overwrite"
        ) from error
    return blstm
