"""What identifies a run: settings that decide its result, and checksums."""

from pathlib import Path

from ..base.files import checksum, file_checksum
from ..training.settings import ModelSettings, RunSettings, decisive

PER_FOLD = ("fold", "pseudo_labels")  # what differs in the identities of the folds of one run


def first_difference(left: dict, right: dict, ignore: tuple[str, ...] = (), prefix: str = "") -> str | None:
    """The first field in which two nested records differ, with both values, or None."""
    for name in sorted(left.keys() | right.keys()):
        if name in ignore or left.get(name) == right.get(name):
            continue
        if isinstance(left.get(name), dict) and isinstance(right.get(name), dict):
            difference = first_difference(left[name], right[name], (), f"{prefix}{name}.")
            if difference:
                return difference
            continue  # they differ in a field that is absent here and null there
        return f"{prefix}{name} is {left.get(name)!r} there and {right.get(name)!r} here"
    return None


def identity_settings(run: RunSettings, model: ModelSettings) -> dict:
    """The settings that a run must keep."""
    settings = {**decisive(run), **decisive(model)}
    if "encoder" in settings:
        settings["encoder"] = encoder_identity(settings["encoder"])
    return settings


def encoder_identity(encoder: str) -> str:
    """What tells encoders apart: the name, or for a directory the checksum of what it holds (not its path)."""
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
    )
    found = [folder / name for name in names if (folder / name).is_file()]
    return "sha256:" + checksum(part for path in found for part in (path.name, file_checksum(path)))[:16]
