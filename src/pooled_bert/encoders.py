"""Pretrained weights and their tokenizer, by Hugging Face name, from a directory, or made on the spot."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import requests
from tokenizers.implementations import BertWordPieceTokenizer
from transformers import BertConfig, BertTokenizerFast, PreTrainedTokenizerFast, TFBertModel

from .errors import InputError

TINY = "tiny"  # a small random BERT for the demo and the tests
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def load_tokenizer(encoder: str, texts: Iterable[str]) -> PreTrainedTokenizerFast:
    """The encoder's tokenizer, which neither truncates nor pads (tokens.py does).

    ``texts`` give ``tiny`` its vocabulary and are not looked at otherwise.
    """
    tokenizer = _tiny_tokenizer(texts) if encoder == TINY else _load(BertTokenizerFast, encoder)
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
        return TFBertModel(config, add_pooling_layer=False)
    return _load(TFBertModel, encoder, add_pooling_layer=False)


def _load(cls: type, encoder: str, **options):
    folder = Path(encoder)
    try:
        if folder.is_dir() and not (folder / "config.json").is_file():
            raise OSError("there is no config.json")
        return cls.from_pretrained(encoder, **options)
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        if isinstance(error, requests.exceptions.ConnectionError):
            reason = "the hub cannot be reached"
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
