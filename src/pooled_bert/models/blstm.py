"""A bidirectional LSTM over word-piece embeddings, in the place of BERT."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import tensorflow as tf
from safetensors import SafetensorError
from safetensors.tensorflow import load_file, save_file
from transformers import PreTrainedTokenizerFast
from transformers.modeling_tf_outputs import TFBaseModelOutputWithPooling

from ..base.errors import InputError
from ..base.files import read_json
from .encoders import load_encoder

CONFIG, WEIGHTS = "config.json", "model.safetensors"


@dataclass(frozen=True)
class BlstmConfig:
    """Its sizes: word pieces, width of their embeddings, units in each direction."""

    vocab_size: int
    width: int
    units: int
    dropout: float


class Blstm(tf.keras.layers.Layer):
    """Word embeddings -> a forward and a backward LSTM (Graves & Schmidhuber 2005), called as ``TFBertModel`` is.

    call({inputs_embeds [batch, length, width], attention_mask int [batch, length], …}) gives ``last_hidden_state``
    [batch, length, 2 · units] and, as ``pooler_output`` [batch, 2 · units], the last state of each direction: after
    the last real token, and after the first.
    """

    def __init__(self, config: BlstmConfig, **options):
        super().__init__(name="blstm", **options)
        self.config = config
        self.dropout = tf.keras.layers.Dropout(config.dropout)
        lstm = tf.keras.layers.LSTM(config.units, return_sequences=True, return_state=True, name="lstm")
        self.lstm = tf.keras.layers.Bidirectional(lstm)
        self.weight = self.add_weight("word_embeddings", [config.vocab_size, config.width])
        self.lstm.build(tf.TensorShape([None, None, config.width]))

    def get_input_embeddings(self) -> "Blstm":
        """Where ``weight``, the word embeddings, is: the same call as a transformer's."""
        return self

    def call(self, inputs, training=None):
        """Read; see the class."""
        words = self.dropout(inputs["inputs_embeds"], training=training)
        mask = tf.cast(inputs["attention_mask"], tf.bool)
        hidden, forward, _, backward, _ = self.lstm(words, mask=mask)
        return TFBaseModelOutputWithPooling(hidden, tf.concat([forward, backward], axis=1))

    def save_pretrained(self, folder: Path, **_) -> None:
        """Write sizes and weights."""
        (folder / CONFIG).write_text(json.dumps(asdict(self.config), indent=2) + "\n", encoding="utf-8")
        save_file(
            {str(index): tf.convert_to_tensor(w) for index, w in enumerate(self.weights)}, folder / WEIGHTS
        )


def make_blstm(encoder: str, tokenizer: PreTrainedTokenizerFast, *, units: int, dropout: float) -> Blstm:
    """One whose word embeddings begin as those of ``encoder``, scaled to a standard deviation of 1.

    (BERT's are small, .05, and meet a layer norm first; an LSTM's gates would hardly open for them.)
    """
    pretrained = load_encoder(encoder, tokenizer).get_input_embeddings().weight.numpy()
    blstm = Blstm(BlstmConfig(*pretrained.shape, units, dropout))
    blstm.weight.assign(pretrained / pretrained.std())
    return blstm


def load_blstm(folder: str, _: PreTrainedTokenizerFast) -> Blstm:
    """One that ``save_pretrained`` wrote; raises InputError."""
    path = Path(folder) / WEIGHTS
    try:
        blstm = Blstm(BlstmConfig(**read_json(Path(folder) / CONFIG)))
        weights = load_file(path)
        for index, variable in enumerate(blstm.weights):
            variable.assign(weights[str(index)])
    except (OSError, KeyError, TypeError, ValueError, SafetensorError) as error:
        raise InputError(f"{path}: cannot be read ({error}); train the fold anew") from error
    return blstm
