"""What the training of each neural model begins with: the reader of its items, and its encoder."""

from collections.abc import Callable
from dataclasses import asdict, dataclass

from transformers import TFPreTrainedModel

from ..base.errors import InputError, require
from ..base.pairs import each_text
from ..inputs.batches import width_multiple
from ..inputs.frames import FrameReader
from ..inputs.pair_tokens import PairReader, text_reader
from ..inputs.tokens import TextReader
from ..models.blstm import Blstm, BlstmConfig, make_blstm
from ..models.encoders import load_encoder, load_tokenizer, longest_text
from ..models.families import find_family
from .problem import Problem
from .settings import BertSettings, BlstmSettings, SoundBlstmSettings, TextSettings


@dataclass(frozen=True)
class Start:
    """The reader of a fold's items, and the encoder that its training begins with.

    size : of the encoder's input, in word pieces or numbers per frame; folds of one size can share an encoder.
    load_encoder : makes the encoder; raises InputError for one that the settings do not go with.
    """

    reader: TextReader | FrameReader
    size: int
    load_encoder: Callable[[], TFPreTrainedModel | Blstm]


def _bert(problem: Problem, settings: BertSettings) -> Start:
    reader = _text_reader(problem, settings)

    def load() -> TFPreTrainedModel:
        encoder = load_encoder(settings.encoder, reader.tokenizer)
        _check_length(settings, longest_text(encoder))
        if settings.layer_decay and not find_family(encoder.config.model_type).has_layers:
            raise InputError(
                "--layer-decay: all layers of this encoder share their weights; leave the option out"
            )
        return encoder

    return Start(reader, len(reader.tokenizer), load)


def _blstm(problem: Problem, settings: BlstmSettings) -> Start:
    reader = _text_reader(problem, settings)
    sizes = {"units": settings.units, "dropout": settings.dropout}
    return Start(
        reader, len(reader.tokenizer), lambda: make_blstm(settings.encoder, reader.tokenizer, **sizes)
    )


def _sound_blstm(problem: Problem, settings: SoundBlstmSettings) -> Start:
    change = settings.speed_change
    speeds = (1 - change, 1 + change) if change else ()
    reader = FrameReader(settings.max_seconds, settings.normalise == "speaker", speeds)
    reader = reader.fitted(problem.items, problem.train, cache=problem.cache)
    config = BlstmConfig(0, len(reader.mean), settings.units, settings.input_dropout)
    return Start(reader, config.width, lambda: Blstm(config))


STARTS: dict[type, Callable[..., Start]] = {
    BertSettings: _bert,
    BlstmSettings: _blstm,
    SoundBlstmSettings: _sound_blstm,
}


def _text_reader(problem: Problem, settings: TextSettings) -> TextReader:
    texts = each_text(problem.items) if problem.pairs else problem.items
    tokenizer = load_tokenizer(settings.encoder, texts)
    reader = text_reader(tokenizer, {**asdict(settings), "pairs": problem.pairs})
    if isinstance(reader, PairReader):
        least = len(reader.marks) + 2
        expected = f"at least {least}: one token of each text, and the marks around them"
        require(settings.max_length >= least, "--max-length", settings.max_length, expected)
    return reader


def _check_length(settings: TextSettings, longest: int) -> None:
    """Raise InputError for a ``--max-length`` above the encoder's number of positions."""
    multiple = width_multiple(settings.xla)
    if -(-settings.max_length // multiple) * multiple > longest:
        raise InputError(
            f"--max-length {settings.max_length}: this encoder reads {longest} tokens at most"
            + (f", {longest // multiple * multiple} with --xla" if settings.xla else "")
            + "; lower --max-length"
        )
