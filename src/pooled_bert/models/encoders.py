"""Pretrained encoders and their tokenizers, by Hugging Face name or from a directory, and a tiny random one."""

import contextlib
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import requests
import tensorflow as tf
import transformers
from tokenizers.implementations import BertWordPieceTokenizer
from transformers import (
    BertConfig,
    BertTokenizerFast,
    PreTrainedTokenizerFast,
    TFBertForMaskedLM,
    TFBertModel,
    TFPreTrainedModel,
)
from transformers.models.auto.tokenization_auto import get_tokenizer_config

from ..base.errors import InputError
from .families import Family, convert_branches, find_family, take_pooler_away

TINY = "tiny"  # a small random BERT for the demo and the tests
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def load_tokenizer(encoder: str, texts: Iterable[str]) -> PreTrainedTokenizerFast:
    """Load the encoder's tokenizer, without truncation and padding (tokens.py does both).

    ``texts`` are used only for the vocabulary of ``tiny``. Raises InputError if the tokenizer cannot be loaded.
    """
    if encoder == TINY:
        tokenizer = _tiny_tokenizer(texts)
    else:
        with _loading(encoder, ("vocab.txt", "tokenizer.json", "vocab.json")):
            tokenizer = _tokenizer_class(encoder).from_pretrained(encoder)
            if None in (tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.mask_token_id):
                raise ValueError("its tokenizer has no [CLS], [SEP] or [MASK]")
    tokenizer.model_max_length = int(1e9)  # otherwise the library warns about every long text
    tokenizer.backend_tokenizer.no_truncation()  # some directories have truncation and padding switched on
    tokenizer.backend_tokenizer.no_padding()
    return tokenizer


def _tokenizer_class(encoder: str) -> type[PreTrainedTokenizerFast]:
    """Return the class that tokenizer_config.json names, or that of the encoder's family."""
    name = get_tokenizer_config(encoder).get("tokenizer_class") or ""
    fast = getattr(transformers, f"{name.removesuffix('Fast')}Fast", None)
    return fast or find_family(_model_type(encoder)).tokenizer


def _model_type(encoder: str) -> str:
    """Return the model type in config.json; old BERTs have none, and a saved Blstm has its own config.json."""
    try:
        return BertConfig.get_config_dict(encoder)[0].get("model_type", "bert")
    except OSError:  # a directory without config.json
        return "bert"


def load_encoder(encoder: str, tokenizer: PreTrainedTokenizerFast) -> TFPreTrainedModel:
    """Load the encoder with its weights; raises InputError if they are damaged or of no family in FAMILIES.

    The encoder's own pooling layer is left out, because this project's pooling would leave it untrained.
    """
    if encoder == TINY:
        config = BertConfig(
            vocab_size=len(tokenizer),
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=64,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        )
        model = TFBertModel(config, add_pooling_layer=False)
        model.build_in_name_scope()  # creates the weights
        return model
    with _loading(encoder, ("config.json",)):
        family = find_family(_model_type(encoder))
    options = {"add_pooling_layer": False} if family.model is TFBertModel else {}
    model, _ = _pretrained(family.model, encoder, tokenizer, may_lack="pooler", **options)
    take_pooler_away(model, family)
    convert_branches(model, family)
    return model


def family_of(encoder) -> Family | None:
    """Return the family of an encoder, or None for one that is not from transformers."""
    model_type = getattr(encoder.config, "model_type", None)
    return None if model_type is None else find_family(model_type)


def longest_text(encoder) -> int:
    """Return how many tokens an encoder can read at once."""
    return encoder.config.max_position_embeddings - find_family(encoder.config.model_type).first_position


class WordEmbeddings(tf.keras.layers.Layer):
    """An encoder's table of word embeddings: int32 [batch, length] -> [batch, length, width]."""

    def __init__(self, encoder, **options):
        super().__init__(**options)
        self.table = encoder.get_input_embeddings()

    def call(self, input_ids):
        """Look up."""
        return tf.gather(self.table.weight, input_ids)


def embedded(encoder, inputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Return a model's inputs with ``inputs_embeds`` [batch, length, width] in place of ``input_ids`` or ``frames``.

    Token types are left out for an encoder that does not tell the two texts of a pair apart by them.
    """
    family = family_of(encoder)
    left_out = {"input_ids", "frames"}
    if family and not (family.has_token_types and encoder.config.type_vocab_size > 1):
        left_out.add("token_type_ids")
    rest = {name: value for name, value in inputs.items() if name not in left_out}
    if "frames" in inputs:
        return {"inputs_embeds": inputs["frames"], **rest}
    words = WordEmbeddings(encoder, name="word_embeddings")(inputs["input_ids"])
    return {"inputs_embeds": words, **rest}


def load_language_model(encoder: str, tokenizer: PreTrainedTokenizerFast) -> TFBertForMaskedLM:
    """Load the encoder with a masked-language-model head; a new one, with a note, if the encoder's files have none.

    The last layer of the head shares its weights with the word embeddings.
    """
    if encoder == TINY:
        model = TFBertForMaskedLM(load_encoder(TINY, tokenizer).config)
        model.build_in_name_scope()
        return model
    with _loading(encoder, ("config.json",)):
        if _model_type(encoder) != "bert":
            raise ValueError(
                f"pre-training works for BERT only, and its model type is {_model_type(encoder)!r}"
            )
    model, lacks = _pretrained(TFBertForMaskedLM, encoder, tokenizer, may_lack="predictions")
    if lacks:
        print(f"note: {encoder}: has no masked-LM head; training begins with a random one", file=sys.stderr)
    return model


def _pretrained(
    architecture, encoder: str, tokenizer: PreTrainedTokenizerFast, *, may_lack: str, **options
) -> tuple[TFPreTrainedModel, list[str]]:
    """Load weights from a directory or the hub; only weights with ``may_lack`` in their name may be missing.

    Returns the model, and the names of its weights that were missing and begin at random.
    """
    with _loading(encoder, ("config.json",)):
        model, report = architecture.from_pretrained(encoder, output_loading_info=True, **options)
        lacks = sorted(report["missing_keys"])
        missing = [name for name in lacks if may_lack not in name]
        if missing:  # the library would fill them with random numbers
            raise ValueError(f"its weights lack {missing[0]} and {len(missing) - 1} more")
        if len(tokenizer) > model.config.vocab_size:
            raise ValueError(
                f"its tokenizer has {len(tokenizer)} word pieces, its weights have {model.config.vocab_size}"
            )
        return model, lacks


@contextlib.contextmanager
def clear_when_full() -> Iterator[None]:
    """Raise OSError for any exception: on a full disk, the libraries raise others (tokenizers: a bare Exception)."""
    try:
        yield
    except Exception as error:
        raise OSError(str(error)) from error


@contextlib.contextmanager
def _loading(encoder: str, needed: tuple[str, ...]) -> Iterator[None]:
    """Raise InputError for every error of loading; a directory must have one of the files ``needed``."""
    folder = Path(encoder)
    try:
        if folder.is_dir() and not any((folder / name).is_file() for name in needed):
            raise OSError(f"there is no {' or '.join(needed)}")
        yield
    except Exception as error:  # the libraries raise many types; that of tokenizers is a bare Exception
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        if isinstance(error, requests.exceptions.ConnectionError):
            reason = "the hub cannot be reached"
        if isinstance(error, tf.errors.InvalidArgumentError):
            reason = "its weights have other shapes than its config.json says"
        raise InputError(
            f"--encoder {encoder}: cannot be loaded ({reason}). Give a Hugging Face name that this machine"
            " can download, or a directory with config.json, vocab.txt or tokenizer.json, and model.safetensors"
            " or tf_model.h5"
        ) from error


def _tiny_tokenizer(texts: Iterable[str], n_words: int = 2000, n_characters: int = 200) -> BertTokenizerFast:
    """Make a tokenizer whose vocabulary is the most common characters and words, by count, then by spelling.

    The trainer of the tokenizers library is not used: it makes another vocabulary in each process.
    """
    splitter = BertWordPieceTokenizer(lowercase=True)
    words: Counter[str] = Counter()
    for text in texts:
        normalized = splitter.normalizer.normalize_str(text)
        words.update(word for word, _ in splitter.pre_tokenizer.pre_tokenize_str(normalized))
    characters: Counter[str] = Counter()
    for word, count in words.items():
        characters.update(dict.fromkeys(word, count))
    letters = _most_common(characters, n_characters)
    pieces = [*_SPECIAL, *letters, *(f"##{letter}" for letter in letters), *_most_common(words, n_words)]
    vocabulary = {piece: index for index, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = BertWordPieceTokenizer(vocab=vocabulary, lowercase=True)
    return BertTokenizerFast(tokenizer_object=tokenizer._tokenizer)


def _most_common(counts: Counter[str], n: int) -> list[str]:
    return sorted(counts, key=lambda item: (-counts[item], item))[:n]
