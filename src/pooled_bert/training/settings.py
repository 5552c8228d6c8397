"""Dataclasses that define all settings, one per architecture; ``runs/options.py`` makes the command line from them."""

from dataclasses import dataclass
from typing import ClassVar

from ..base.errors import require
from ..base.rules import COUNT, LINE, N_FOLDS, PATH_TEXT, SEED, SIMILARITY, Number
from ..benchmarks.registry import DEFAULT
from .neural_settings import EPOCHS, RATE, NeuralSettings, as_in, check_settings, option
from .sound_settings import UNITS, SoundBlstmSettings, SoundLinearSettings

TOKENS = Number(int, 3, 512)


@dataclass(frozen=True)
class TextSettings(NeuralSettings):
    """Settings of the neural models that read texts."""

    encoder: str = option(
        "bert-base-uncased",
        "pretrained weights: a Hugging Face name, a directory, or 'tiny' (random, for trying things out)",
        PATH_TEXT,
    )
    max_length: int = option(
        128, "largest number of tokens per text or pair, [CLS] and [SEP] included", TOKENS
    )
    truncation: str = option(
        "head",
        "part of a longer text that is kept: its start (head), or its start and its end (head_tail)",
        choices=("head", "head_tail"),
    )
    windows: str | None = option(
        None,
        "predict a longer text whole, in windows of --max-length tokens that overlap by half: by the mean of the"
        " windows' log-odds, or by the largest probability",
        type=str,
        choices=("mean", "max"),
    )


@dataclass(frozen=True)
class BertSettings(TextSettings):
    """Pooled BERT. The defaults are the article's, except for the schedule and the weights that are kept."""

    architecture: ClassVar[str] = "bert"
    layer_decay: float | None = option(
        None,
        "learning rate of each layer as a share of the rate of the layer above",
        Number(float, 0, 1, above=True),
    )

    def __post_init__(self):
        """Raise InputError for values that cannot be trained with."""
        super().__post_init__()
        require(self.pooling != "last", "--pooling", "last", "another value; last belongs to --model blstm")


@dataclass(frozen=True)
class BlstmSettings(TextSettings):
    """Bidirectional LSTM on the encoder's word embeddings: the article's second pair of models."""

    architecture: ClassVar[str] = "blstm"
    epochs: int = as_in(NeuralSettings, "epochs", default=5)
    learning_rate: float = as_in(NeuralSettings, "learning_rate", default=2e-3)
    pooling: str = as_in(NeuralSettings, "pooling", default="last")
    dropout: float = as_in(NeuralSettings, "dropout", default=0.3)
    units: int = option(128, "units of the LSTM, in each direction", UNITS)

    def __post_init__(self):
        """Raise InputError for values that cannot be trained with."""
        super().__post_init__()
        require(self.pooling != "cls", "--pooling", "cls", "another value; cls belongs to --model bert")


@dataclass(frozen=True)
class LinearSettings:
    """TF-IDF of words and pieces of words, with one logistic regression per label."""

    learner: ClassVar[str] = "linear"
    ngrams: str = option(
        "word_char",
        "features: words and sequences of words (word), or these and pieces of words (word_char); averaged: both, but a"
        " regression of their own for each kind of feature, whose log-odds are averaged",
        choices=("word_char", "word", "averaged"),
    )
    words: int | None = option(
        None,
        "longest sequence of words; every sequence counts that occurs in two texts, and so do words of one letter, !"
        " and ? (default: the 200,000 most frequent words and pairs of words of two letters and more)",
        Number(int, 1, 5),
    )
    naive_bayes: float | None = option(
        None,
        "weigh each feature by how much it tells of the label: its log-count ratio, with this smoothing, e.g. 0.1",
        Number(float, 0, 1000, above=True),
    )
    vectors: int | None = option(
        None,
        "add a vector of this many dimensions for each text, learnt without labels from the training, validation and"
        " test texts, e.g. 300",
        Number(int, 1, 2000),
    )
    passage: int | None = option(
        None,
        "predict by the strongest passage of this many words too, not only by the whole text, e.g. 10; for labels that"
        " one sentence of a long text decides",
        Number(int, 1, 10_000),
    )
    c: float = option(4.0, "inverse strength of the L2 penalty", Number(float, 0, 1_000_000, above=True))

    def __post_init__(self):
        """Raise InputError for values that cannot be used."""
        check_settings(self)


ModelSettings = BertSettings | BlstmSettings | LinearSettings | SoundBlstmSettings | SoundLinearSettings
# medium -> its architectures by name, the usual one first
MODEL_SETTINGS: dict[str, dict[str, type[ModelSettings]]] = {
    "text": {"bert": BertSettings, "blstm": BlstmSettings, "linear": LinearSettings},
    "sound": {"blstm": SoundBlstmSettings, "linear": SoundLinearSettings},
}
MODELS = tuple(dict.fromkeys(name for models in MODEL_SETTINGS.values() for name in models))


@dataclass(frozen=True)
class RunSettings:
    """Settings shared by all architectures."""

    benchmark: str = option(DEFAULT, "name of the benchmark", LINE)
    model: str = option("bert", "the architecture; of sounds: blstm, by default, or linear", choices=MODELS)
    n_folds: int = option(5, "number of folds", N_FOLDS)
    fold_seed: int = option(
        0,
        "seed of the fold assignment, separate from --seed; runs that are to be blended need the same one",
        Number(int, 0, 2**32 - 1),
    )
    group_by: str | None = option(
        None,
        "what shares a fold: what the benchmark's groups are, by default (speaker for emodb; of a TOML file, its group"
        " column), or none (the scores then say nothing about new groups)",
        LINE,
        metavar="GROUP|none",
    )
    near_duplicates: float | None = option(
        None,
        "texts whose shingles are at least this similar (Jaccard, e.g. 0.8) share a fold, not only texts that differ in"
        " case, white space and punctuation",
        SIMILARITY,
        metavar="SIMILARITY",
    )
    seed: int = option(0, "seed of the training", SEED)
    limit: int | None = option(
        None, "use only this many of each fold's training rows, drawn at random", COUNT
    )

    def __post_init__(self):
        """Raise InputError for values that cannot be used."""
        check_settings(self)


@dataclass(frozen=True)
class PretrainingSettings:
    """Masked-LM pre-training. Batches and rate fit a small corpus and a small encoder."""

    encoder: str = as_in(TextSettings, "encoder")
    epochs: int = option(3, "passes over the texts", EPOCHS)
    batch_size: int = as_in(NeuralSettings, "batch_size")
    learning_rate: float = option(1e-4, "peak learning rate of RectifiedAdam", RATE)
    warmup: float = as_in(NeuralSettings, "warmup")
    max_length: int = option(128, "tokens per row; a longer text is cut into several rows", TOKENS)
    masked: float = option(
        0.15, "share of the tokens that are masked", Number(float, 0, 1, above=True, below=True)
    )
    seed: int = as_in(RunSettings, "seed")
    precision: str = as_in(NeuralSettings, "precision")

    def __post_init__(self):
        """Raise InputError for values that cannot be trained with."""
        check_settings(self)
