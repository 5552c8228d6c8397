"""Small random encoders of every family, and classifiers on top of them."""

from pathlib import Path

import numpy as np
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers

from pooled_bert.benchmarks.targets import SEVERAL_LABELS
from pooled_bert.inputs.tokens import TextReader
from pooled_bert.models.classifier import Classifier
from pooled_bert.models.encoders import load_encoder, load_tokenizer, longest_text
from pooled_bert.models.families import FAMILIES
from pooled_bert.models.network import build_model

SIZES = {
    "vocab_size": 46,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 40,
}
OTHER_SIZES = {
    "distilbert": {
        "vocab_size": 46, "dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 32, "max_position_embeddings": 40,
    },
    "electra": {**SIZES, "embedding_size": 8},
    "albert": {**SIZES, "embedding_size": 8},
    "deberta": {**SIZES, "relative_attention": True, "pos_att_type": ["p2c", "c2p"]},
    "deberta-v2": {**SIZES, "relative_attention": True, "pos_att_type": ["p2c", "c2p"]},
}  # fmt: skip


def save_encoder(folder: Path, name: str, **options) -> None:
    """Write the random encoder of a family, with dropout in every layer, and its tokenizer into a folder."""
    family = FAMILIES[name]
    sizes = {**OTHER_SIZES.get(name, SIZES), **options}
    encoder = family.model(getattr(transformers, f"{family.name}Config")(**sizes))
    encoder.build_in_name_scope()
    random = np.random.default_rng(0)
    encoder.set_weights([values + 0.1 * random.normal(size=values.shape) for values in encoder.get_weights()])
    encoder.save_pretrained(folder, safe_serialization=True)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"w{number}" for number in range(41))]
    vocabulary = {word: number for number, word in enumerate(words)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    marks = {f"{mark}_token": f"[{mark.upper()}]" for mark in ("pad", "unk", "cls", "sep", "mask")}
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, **marks)
    fast.save_pretrained(folder)


def classifier_of(folder: str, *, target=SEVERAL_LABELS, **options) -> Classifier:
    """Return a new classifier of two labels on top of an encoder."""
    tokenizer = load_tokenizer(folder, [])
    encoder = load_encoder(folder, tokenizer)
    reader = TextReader(tokenizer, longest_text(encoder), "head", None)
    options = {"pooling": "mean", "dropout": 0.1, **options}
    model = build_model(encoder, reader.signature, target=target, n_labels=2, **options)
    head = {
        "architecture": "bert",
        "target": target.name,
        "labels": ["a", "b"],
        **options,
        **reader.settings(),
    }
    return Classifier(reader, head, model, encoder)
