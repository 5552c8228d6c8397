"""Encoder -> pooling over real tokens -> one logit a label; saved and loaded as one folder."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import tensorflow as tf
from safetensors import SafetensorError
from safetensors.tensorflow import load_file, save_file
from transformers import PreTrainedTokenizerFast, TFBertModel

from .blstm import Blstm, load_blstm
from .encoders import clear_when_full, load_encoder, load_tokenizer
from .errors import InputError
from .files import read_json
from .pooling import AttentionPooling, MaskedPooling
from .tokens import Tokens, Windows, encode, encode_windows

HEAD_CONFIG, HEAD_WEIGHTS = "head.json", "head.safetensors"


class SeededDropout(tf.keras.layers.Layer):
    """Dropout whose mask is a function of ``seed``, ``step()``, both int64, and the replica's number alone.

    Keras' own draws from hidden state, which no checkpoint holds: a resumed training would go another way. It also
    draws 32 bits a value; 8 are enough, at less than half the time, and make the rate a multiple of 1/256.
    """

    def __init__(self, rate: float, seed: int, step: Callable[[], tf.Tensor], **options):
        super().__init__(**options)
        self.dropped, self.seed, self.step = min(round(256 * rate), 255), seed, step  # dropped: of 256

    def call(self, inputs, training=None):
        """Drop when training; any shape."""
        if not training or self.dropped == 0:
            return inputs
        replica = tf.cast(tf.distribute.get_replica_context().replica_id_in_sync_group, tf.int64)
        seed = tf.stack([self.seed + replica * 2**40, self.step()])
        size = tf.size(inputs)
        words = tf.random.stateless_uniform(
            [(size + 3) // 4], seed, minval=None, maxval=None, dtype=tf.int32, alg="philox"
        )
        draws = tf.reshape(tf.reshape(tf.bitcast(words, tf.uint8), [-1])[:size], tf.shape(inputs))
        keep = tf.cast(draws >= tf.constant(self.dropped, tf.uint8), inputs.dtype)
        return inputs * (keep * (256 / (256 - self.dropped)))


class WordEmbeddings(tf.keras.layers.Layer):
    """An encoder's table of word embeddings: int32 [batch, length] -> [batch, length, width]."""

    def __init__(self, encoder, **options):
        super().__init__(**options)
        self.table = encoder.get_input_embeddings()

    def call(self, input_ids):
        """Look up."""
        return tf.gather(self.table.weight, input_ids)


@tf.autograph.experimental.do_not_convert  # nothing here needs it, and it takes 5 of the 7 s of building a MiniLM
def build_model(
    encoder: TFBertModel | Blstm,
    *,
    n_labels: int,
    pooling: str,
    dropout: float,
    seed: int = 0,
    xla: bool = False,
) -> tf.keras.Model:
    """A Keras model from the three inputs of BERT, int32 [batch, length] each, to logits, float32 [batch, n_labels].

    The article's sigmoid is in the loss and in inference.py, where it costs no precision. ``seed`` and the
    model's variable ``dropout_step``, which the training step counts up, decide what dropout drops. ``xla`` is kept
    with the model for those who compile its passes.

    The model is made of two: ``model.embed``, inputs -> the same with word embeddings [batch, length, width] in
    place of ``input_ids``, and ``model.classify`` from there on, for those who look at or change the embeddings. With
    ``pooling="attention"``, ``model.attention`` gives its weights, float32 [batch, length].
    """
    first = tf.VariableAggregation.ONLY_FIRST_REPLICA  # each counts the same
    step = tf.Variable(0, dtype=tf.int64, trainable=False, name="dropout_step", aggregation=first)
    names = ("input_ids", "token_type_ids", "attention_mask")
    inputs = {name: tf.keras.Input([None], dtype=tf.int32, name=name) for name in names}
    embed = _embedding_model(encoder, inputs)
    embedded = {
        name: tf.keras.Input(value.shape[1:], dtype=value.dtype, name=name)
        for name, value in embed.output.items()
    }
    n_replaced = replace_dropout(encoder, seed * 1000, lambda: step)
    output = encoder(embedded)
    hidden, summary = output.last_hidden_state, output.pooler_output
    if summary is None:
        summary = hidden[:, 0]
    attention = None
    if pooling == "attention":
        pooled, attention = AttentionPooling(name="pooling")([hidden, embedded["attention_mask"], summary])
    else:
        pooled = MaskedPooling(pooling, name="pooling")([hidden, embedded["attention_mask"], summary])
    last_dropout = SeededDropout(
        dropout, seed * 1000 + n_replaced, lambda: step, dtype=tf.float32, name="dropout"
    )
    logits = tf.keras.layers.Dense(n_labels, dtype=tf.float32, name="logits")(last_dropout(pooled))
    classify = tf.keras.Model(embedded, logits, name="classify")
    model = tf.keras.Model(inputs, classify(embed(inputs)))
    model.embed, model.classify, model.dropout_step, model.xla = embed, classify, step, xla
    if attention is not None:
        model.attention = tf.keras.Model(inputs, tf.keras.Model(embedded, attention)(embed(inputs)))
    return model


def _embedding_model(encoder: TFBertModel | Blstm, inputs: dict) -> tf.keras.Model:
    rest = {name: value for name, value in inputs.items() if name != "input_ids"}
    words = WordEmbeddings(encoder, name="word_embeddings")(inputs["input_ids"])
    return tf.keras.Model(inputs, {"inputs_embeds": words, **rest}, name="embed")


def replace_dropout(
    encoder: tf.keras.layers.Layer | tf.keras.Model, first_seed: int, step: Callable[[], tf.Tensor]
) -> int:
    """Put seeded dropout where the encoder has Keras' own; returns how many."""
    holders = [
        module for module in (encoder, *encoder.submodules) if isinstance(module, tf.keras.layers.Layer)
    ]
    found = [
        (holder, name, layer)
        for holder in holders
        for name, layer in vars(holder).items()
        if isinstance(layer, tf.keras.layers.Dropout)
    ]
    for index, (holder, name, layer) in enumerate(found):
        setattr(holder, name, SeededDropout(layer.rate, first_seed + index, step, name=layer.name))
    return len(found)


@dataclass(frozen=True)
class Classifier:
    """A model and what it takes to feed it texts and read its outputs."""

    model: tf.keras.Model
    encoder: TFBertModel | Blstm
    tokenizer: PreTrainedTokenizerFast
    head: dict  # architecture, labels, pooling, dropout, max_length, truncation, windows

    def encode(self, texts: list[str], *, cache: Path | None) -> Tokens:
        """The token ids to learn from."""
        length, truncation = self.head["max_length"], self.head["truncation"]
        return encode(texts, self.tokenizer, max_length=length, truncation=truncation, cache=cache)

    def encode_to_predict(self, texts: list[str], *, cache: Path | None) -> Tokens | Windows:
        """The token ids to predict from."""
        if not self.head["windows"]:
            return self.encode(texts, cache=cache)
        length, pooling = self.head["max_length"], self.head["windows"]
        return encode_windows(texts, self.tokenizer, max_length=length, pooling=pooling, cache=cache)

    def save(self, folder: Path) -> None:
        """Write encoder and tokenizer as Hugging Face tools (and ``--encoder``) read them, and the head beside."""
        (folder / HEAD_CONFIG).write_text(json.dumps(self.head, indent=2) + "\n", encoding="utf-8")
        with clear_when_full():
            self.encoder.save_pretrained(folder, safe_serialization=True)
            self.tokenizer.save_pretrained(folder)
            head = _head_weights(self.model)
            tensors = {name: tf.convert_to_tensor(weight) for name, weight in head.items()}
            save_file(tensors, folder / HEAD_WEIGHTS)


def load_classifier(folder: Path) -> Classifier:
    """The model of a finished fold (its folder ``model``), as ``Classifier.save`` wrote it."""
    head = read_json(folder / HEAD_CONFIG)
    tokenizer = load_tokenizer(str(folder), [])
    load = load_blstm if head["architecture"] == "blstm" else load_encoder
    encoder = load(str(folder), tokenizer)
    model = build_model(
        encoder, n_labels=len(head["labels"]), pooling=head["pooling"], dropout=head["dropout"]
    )
    try:
        weights = load_file(folder / HEAD_WEIGHTS)
    except (OSError, ValueError, SafetensorError) as error:
        raise InputError(f"{folder / HEAD_WEIGHTS}: cannot be read ({error}); train the fold anew") from error
    own = _head_weights(model)
    if weights.keys() != own.keys():
        raise InputError(
            f"{folder / HEAD_WEIGHTS}: holds other weights than {HEAD_CONFIG} says; train the fold anew"
        )
    for name, variable in own.items():
        variable.assign(weights[name])
    return Classifier(model, encoder, tokenizer, head)


def _head_weights(model: tf.keras.Model) -> dict[str, tf.Variable]:
    """What is learnt above the encoder, by name."""
    kernel, bias = model.classify.get_layer("logits").weights
    own = enumerate(model.classify.get_layer("pooling").weights)
    return {"kernel": kernel, "bias": bias, **{f"pooling_{index}": weight for index, weight in own}}
