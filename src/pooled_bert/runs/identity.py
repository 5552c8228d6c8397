"""The identity of a run: the settings that change its result, and checksums."""

from pathlib import Path

from ..base.files import checksum, file_checksum
from ..training.neural_settings import decisive
from ..training.settings import ModelSettings, RunSettings

PER_FOLD = ("fold", "pseudo_labels")  # fields that differ between the folds of one run


def first_difference(left: dict, right: dict, ignore: tuple[str, ...] = (), prefix: str = "") -> str | None:
    """Describe the first field in which two nested records differ (``left``: there, ``right``: here); or None.

    Tables and settings, which explain a difference, come before checksums.
    """
    for name in sorted(left.keys() | right.keys(), reverse=True):
        if name in ignore or left.get(name) == right.get(name):
            continue
        if isinstance(left.get(name), dict) and isinstance(right.get(name), dict):
            difference = first_difference(left[name], right[name], (), f"{prefix}{name}.")
            if difference:
                return difference
            continue  # the only difference is a field that one record lacks and the other has as null
        return f"{prefix}{name} is {left.get(name)!r} there and {right.get(name)!r} here"
    return None


def identity_settings(run: RunSettings, model: ModelSettings) -> dict:
    """Return the settings that must stay the same in all folds of a run."""
    settings = {**decisive(run), **decisive(model)}
    if "encoder" in settings:
        settings["encoder"] = encoder_identity(settings["encoder"])
    return settings


def encoder_name(encoder: str) -> str:
    """Return an encoder's name for people: that of the hub, or that of its folder without the folder's path."""
    folder = Path(encoder)
    return folder.absolute().name if folder.is_dir() else encoder


def encoder_identity(encoder: str) -> str:
    """Return what identifies an encoder: its name, or the checksum of a directory's files (not its path)."""
    folder = Path(encoder)
    if not folder.is_dir():
        return encoder
    names = (
        "config.json",
        "model.safetensors",
        "tf_model.h5",
        "vocab.txt",
        "tokenizer.json",
        "tokenizer_config.json",
        "vocab.json",
        "merges.txt",
        "spiece.model",
        "spm.model",
        "sentencepiece.bpe.model",
    )
    shards = sorted(folder.glob("model-*.safetensors"))
    paths = [*(folder / name for name in names if (folder / name).is_file()), *shards]
    return "sha256:" + checksum(part for path in paths for part in (path.name, file_checksum(path)))[:16]
