"""What is given to be predicted, checked: texts, pairs of texts, sounds."""

from collections.abc import Callable, Sequence
from pathlib import Path

from ..base.errors import InputError
from ..base.pairs import SEPARATOR, joined
from ..base.sound import Sound
from ..data.audio_files import read_sound_file
from ..data.table_files import is_writable


def checked_texts(texts: Sequence[str], place: str = "") -> list[str]:
    """Return the texts as a list; raises InputError for a text that is not a string, or has NUL or a lone surrogate.

    ``place`` begins the message.
    """
    if isinstance(texts, str):
        raise InputError("expected a list of texts, got one string; put it in brackets: [text]")
    texts = list(texts)
    for number, text in enumerate(texts):
        if not isinstance(text, str):
            raise InputError(f"{place}text {number} is {text!r:.60}, expected a string")
        if not is_writable(text):
            raise InputError(
                f"{place}text {number} is {text!r:.60}, expected Unicode without NUL and lone surrogates"
            )
    return texts


def checked_pairs(pairs: Sequence[Sequence[str]]) -> list[str]:
    """Return the pairs, each joined to one string; raises InputError for what is no pair of texts.

    A pair is a tuple or list of two texts, or is joined already, as in tables of rows.
    """
    if isinstance(pairs, str):
        raise InputError("expected a list of pairs, got one string; give [(text, text)]")
    return [_checked_pair(pair, number) for number, pair in enumerate(pairs)]


def _checked_pair(pair: Sequence[str], number: int) -> str:
    texts = pair.split(SEPARATOR) if isinstance(pair, str) else pair
    if not isinstance(texts, tuple | list) or len(texts) != 2:
        raise InputError(f"pair {number} is {pair!r:.60}, expected two texts, as in [(text, text)]")
    return joined(checked_texts(texts, f"pair {number}: "), f"pair {number}: ")


def checked_sounds(sounds: Sequence[Sound | Path | str]) -> list[Sound]:
    """Return the sounds as a list, paths read from their files; raises InputError, see ``read_sound``."""
    if isinstance(sounds, str | Path):
        raise InputError("expected a list of sounds, got one path; put it in brackets: [path]")
    return [sound if isinstance(sound, Sound) else read_sound_file(Path(sound)) for sound in sounds]


CHECKS: dict[str, Callable[[Sequence], list]] = {
    "text": checked_texts,
    "pair": checked_pairs,
    "sound": checked_sounds,
}
