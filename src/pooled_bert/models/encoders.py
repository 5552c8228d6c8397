"""Pretrained weights and their tokenizer, by Hugging Face name, from a directory, or made on the spot."""

import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import requests
import tensorflow as tf
from tokenizers.implementations import BertWordPieceTokenizer
from transformers import (
    BertConfig,
    BertTokenizerFast,
    PreTrainedTokenizerFast,
    TFBertForMaskedLM,
    TFBertModel,
)

from ..base.errors import InputError

TINY = "tiny"  # a small random BERT for the demo and the tests
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def load_tokenizer(encoder: str, texts: Iterable[str]) -> PreTrainedTokenizerFast:
    """The encoder's tokenizer, which neither truncates nor pads (tokens.py does).

    ``texts`` give ``tiny`` its vocabulary and are not looked at otherwise.
    """
    if encoder == TINY:
        tokenizer = _tiny_tokenizer(texts)
    else:
        with _loading(encoder, ("vocab.txt", "tokenizer.json")):
            tokenizer = BertTokenizerFast.from_pretrained(encoder)
            if None in (tokenizer.cls_token_id, tokenizer.sep_token_id):
                raise ValueError("its tokenizer has no [CLS] or [SEP]")
    tokenizer.model_max_length = int(1e9)  # the library would warn of every long text
    tokenizer.backend_tokenizer.no_truncation()  # some directories bring these settings along
    tokenizer.backend_tokenizer.no_padding()
    return tokenizer


def load_encoder(encoder: str, tokenizer: PreTrainedTokenizerFast) -> TFBertModel:
    """The encoder with its weights, without the pooling layer, which mean pooling would leave untrained."""
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
        model.build_in_name_scope()  # makes its weights
        return model
    return _pretrained(TFBertModel, encoder, tokenizer, add_pooling_layer=False)


class WordEmbeddings(tf.keras.layers.Layer):
    """An encoder's table of word embeddings: int32 [batch, length] -> [batch, length, width]."""

    def __init__(self, encoder, **options):
        super().__init__(**options)
        self.table = encoder.get_input_embeddings()

    def call(self, input_ids):
        """Look up."""
        return tf.gather(self.table.weight, input_ids)


def embedded(encoder, inputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Return a model's inputs with ``inputs_embeds`` [batch, length, width] in place of ``input_ids``."""
    rest = {name: value for name, value in inputs.items() if name != "input_ids"}
    words = WordEmbeddings(encoder, name="word_embeddings")(inputs["input_ids"])
    return {"inputs_embeds": words, **rest}


def load_language_model(encoder: str, tokenizer: PreTrainedTokenizerFast) -> TFBertForMaskedLM:
    """The encoder under a masked-language-model head: its own, or a fresh one where its weights have none.

    The head's last layer is the word embeddings.
    """
    if encoder == TINY:
        model = TFBertForMaskedLM(load_encoder(TINY, tokenizer).config)
        model.build_in_name_scope()
        return model
    return _pretrained(TFBertForMaskedLM, encoder, tokenizer, may_lack="predictions")


def _pretrained(
    architecture, encoder: str, tokenizer: PreTrainedTokenizerFast, *, may_lack: str = "", **options
):
    """Weights from a directory or the hub; all must be there but those named ``may_lack``."""
    with _loading(encoder, ("config.json",)):
        kind = BertConfig.get_config_dict(encoder)[0].get("model_type", "bert")
        if kind != "bert":
            raise ValueError(f"it is a {kind}")
        model, report = architecture.from_pretrained(encoder, output_loading_info=True, **options)
        missing = sorted(name for name in report["missing_keys"] if not may_lack or may_lack not in name)
        if missing:  # the library would fill them with random numbers
            raise ValueError(f"its weights lack {missing[0]} and {len(missing) - 1} more")
        if len(tokenizer) > model.config.vocab_size:
            raise ValueError(
                f"its tokenizer has {len(tokenizer)} pieces, its weights have {model.config.vocab_size}"
            )
        return model


@contextlib.contextmanager
def clear_when_full() -> Iterator[None]:
    """Raise OSError for what the libraries raise on a full disk, which is none, the tokenizers' even bare."""
    try:
        yield
    except Exception as error:
        raise OSError(str(error)) from error


@contextlib.contextmanager
def _loading(encoder: str, needed: tuple[str, ...]) -> Iterator[None]:
    """Turn whatever loading meets in foreign files into one message. A directory must hold one of ``needed``."""
    folder = Path(encoder)
    try:
        if folder.is_dir() and not any((folder / name).is_file() for name in needed):
            raise OSError(f"there is no {' or '.join(needed)}")
        yield
    except Exception as error:  # the libraries raise what they like, the tokenizers one a bare Exception
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        if isinstance(error, requests.exceptions.ConnectionError):
            reason = "the hub cannot be reached"
        if isinstance(error, tf.errors.InvalidArgumentError):
            reason = "its weights have other shapes than its config.json says"
        raise InputError(
            f"--encoder {encoder}: cannot be loaded as a BERT ({reason}). Give a Hugging Face name that this machine"
            " can fetch, or a directory with config.json, vocab.txt or tokenizer.json, and model.safetensors"
            " or tf_model.h5"
        ) from error


def _tiny_tokenizer(texts: Iterable[str], n_words: int = 2000, n_characters: int = 200) -> BertTokenizerFast:
    """A WordPiece vocabulary of the commonest words and characters, ordered by count, then spelling.

    (The trainer of the tokenizers library gives another vocabulary in each process.)
    """
    splitter = BertWordPieceTokenizer(lowercase=True)
    words: Counter[str] = Counter()
    for text in texts:
        normal = splitter.normalizer.normalize_str(text)
        words.update(word for word, _ in splitter.pre_tokenizer.pre_tokenize_str(normal))
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
