"""A folder or a zip of sound files, whose names say the class and the group (speaker) of each -> a table of rows."""

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pandas as pd

from ..base.errors import InputError
from ..base.progress import progress_bar
from ..base.sound import Sound
from ..benchmarks.benchmark import Benchmark
from .audio_files import read_sound, read_sound_file
from .csv_files import clear_reading

MANY = 2_000  # files; reading fewer takes a second or two, and needs no progress bar
ENDINGS = (".wav", ".flac", ".ogg", ".mp3", ".aiff", ".aif", ".au")


def find_sounds(benchmark: Benchmark, data: Path) -> Path | None:
    """Return the folder or the zip that holds the sounds, or None.

    Looked at are: ``data`` itself, ``data/<train_file>``, and the zips in ``data`` that hold sounds. Raises InputError
    if several zips do.
    """
    if data.is_file():
        return data if zipfile.is_zipfile(data) and _members(data) else None
    for folder in (data / benchmark.train_file, data):
        if folder.is_dir() and any(is_sound(path.name) for path in folder.iterdir()):
            return folder
    archives = [path for path in sorted(data.glob("*.zip")) if zipfile.is_zipfile(path) and _members(path)]
    if len(archives) > 1:
        names = " and ".join(path.name for path in archives)
        raise InputError(f"{data}: {names} hold sounds; name the one to use: --data {archives[0]}")
    return archives[0] if archives else None


def read_sounds(benchmark: Benchmark, source: Path) -> pd.DataFrame:
    """Return id, sound, group and labels of all sounds in a folder or zip, sorted by name; raises InputError.

    Every name must follow the pattern ``benchmark.file_name``. Sounds of the classes ``left_out`` are skipped.
    """
    names = _members(source) if source.is_file() else _files(source)
    pattern = re.compile(benchmark.file_name or "")
    records = []
    for name, sound, match in progress_bar(
        iterable=_wanted(source, names, pattern, benchmark),
        total=len(names),
        desc="reading sounds",
        unit=" files",
        leave=False,
        disable=len(names) < MANY,
    ):
        word = match["word"]
        labels = [benchmark.label_words[label][word] for label in benchmark.labels]
        records.append((PurePosixPath(name).stem, sound, match["group"], *labels))
    if not records:
        raise InputError(f"{source}: holds no sound of {', '.join(benchmark.labels)}")
    table = pd.DataFrame(records, columns=["id", "sound", "group", *benchmark.labels])
    repeated = table["id"][table["id"].duplicated()]
    if len(repeated):
        raise InputError(f"{source}: {repeated.iloc[0]!r} occurs twice; names must be unique")
    return table


def _wanted(
    source: Path, names: list[str], pattern: re.Pattern, benchmark: Benchmark
) -> Iterator[tuple[str, Sound, re.Match]]:
    archive = zipfile.ZipFile(source) if source.is_file() else None
    for name in names:
        place = f"{source}, {name}" if archive else str(source / name)
        match = pattern.fullmatch(PurePosixPath(name).stem)
        if match is None:
            raise InputError(
                f"{place}: its name does not follow the scheme of {benchmark.title}; move it elsewhere, or rename it"
            )
        if match["word"] in benchmark.left_out:
            continue
        if archive is None:
            yield name, read_sound_file(source / name, match["group"]), match
        else:
            with clear_reading(place):
                content = archive.read(name)
            yield name, read_sound(content, place, match["group"]), match


def _members(archive: Path) -> list[str]:
    with clear_reading(archive), zipfile.ZipFile(archive) as file:
        return sorted(name for name in file.namelist() if is_sound(PurePosixPath(name).name))


def _files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if is_sound(path.name))


def is_sound(name: str) -> bool:
    """Return whether a file's name is that of a sound."""
    return name.lower().endswith(ENDINGS) and not name.startswith(".")  # macOS' archives hold ._name.wav
