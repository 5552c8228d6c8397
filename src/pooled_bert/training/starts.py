"""What the training of each neural model begins with: the reader of its items, and its encoder."""

from collections.abc import Callable
from dataclasses import asdict

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


def _bert(problem: Problem, settings: BertSettings) -> tuple[TextReader, TFPreTrainedModel]:
    reader = _text_reader(problem, settings)
    encoder = load_encoder(settings.encoder, reader.tokenizer)
    _check_length(settings, longest_text(encoder))
    if settings.layer_decay and not find_family(encoder.config.model_type).has_layers:
        raise InputError(
            "--layer-decay: all layers of this encoder share their weights; leave the option out"
        )
    return reader, encoder


def _blstm(problem: Problem, settings: BlstmSettings) -> tuple[TextReader, Blstm]:
    reader = _text_reader(problem, settings)
    encoder = make_blstm(settings.encoder, reader.tokenizer, units=settings.units, dropout=settings.dropout)
    return reader, encoder


def _sound_blstm(problem: Problem, settings: SoundBlstmSettings) -> tuple[FrameReader, Blstm]:
    change = settings.speed_change
    speeds = (1 - change, 1 + change) if change else ()
    reader = FrameReader(settings.max_seconds, settings.normalise == "speaker", speeds)
    reader = reader.fitted(problem.items, problem.train, cache=problem.cache)
    width = len(reader.mean)
    return reader, Blstm(BlstmConfig(0, width, settings.units, settings.input_dropout))


STARTS: dict[type, Callable] = {
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
