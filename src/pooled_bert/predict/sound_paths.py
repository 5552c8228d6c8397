"""Sounds to predict, read one by one from files, folders, or a CSV file of paths."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from ..base.errors import InputError
from ..base.rules import PLACE
from ..base.sound import Sound
from ..benchmarks.benchmark import Benchmark
from ..data.audio_files import read_sound_file
from ..data.csv_files import listed, misspelt, read_csv
from ..data.sound_folders import is_sound

COLUMNS = ("path", "file", "sound")  # the usual names of the column of paths


class SoundFile(NamedTuple):
    """A sound and its id."""

    id: str
    item: Sound

    @property
    def medium(self) -> str:
        """What it is."""
        return "sound"

    @property
    def shown(self) -> str:
        """What a table shows of it."""
        return f"{self.item.seconds:.2f} s"

    @property
    def fingerprint(self) -> tuple[str, str]:
        """What tells it apart from others."""
        return self.id, self.item.checksum


class Source(NamedTuple):
    """A file, the id of its sound, and the speaker ("" if unknown)."""

    id: str
    path: Path
    speaker: str


def find_sources(paths: Sequence[str], benchmark: Benchmark) -> list[Source]:
    """Return the sound files that the paths name, those in a folder sorted by name.

    The id is the path, and the speaker is known if the name follows the benchmark's scheme. Raises InputError for a
    path that does not exist, and for a folder without sounds.
    """
    files = []
    for path in (PLACE.read("a sound", path) for path in paths):
        if path.is_dir():
            inside = sorted(file for file in path.iterdir() if is_sound(file.name))
            if not inside:
                raise InputError(f"{path}: holds no sound files")
            files += inside
        elif path.exists():
            files.append(path)
        else:
            raise InputError(f"{path}: does not exist; --benchmark {benchmark.name} takes sound files")
    return [Source(str(path), path, speaker_in(path.name, benchmark)) for path in files]


def sources_in_csv(table: Path, column: str | None, benchmark: Benchmark) -> list[Source]:
    """Return the sound files that a CSV file lists; relative paths are relative to its folder.

    ``column`` names the column of paths; None: one of COLUMNS, or the only column. A column ``id`` gives the ids, and
    one called like the benchmark's group (``speaker``) the speakers. Raises InputError with file and line.
    """
    file = read_csv(table)
    columns = list(file.table.columns)
    if column is None:
        usual = [name for name in COLUMNS if name in columns] or (columns if len(columns) == 1 else [])
        if not usual:
            raise InputError(
                f"{table}: which column holds the paths? Name it with --column; available: {listed(columns)}"
            )
        column = usual[0]
    file.require_columns([column])
    other = None if "id" in columns else misspelt("id", columns)
    if other not in (None, column):
        raise InputError(f"{table}: column {other!r} holds no ids; rename it to 'id', or to another name")
    sources = []
    for row, record in enumerate(file.table.to_dict("records")):
        path = PLACE.read(file.where(row), str(table.parent / record[column]))
        if not path.is_file():
            raise InputError(f"{file.where(row)}: {record[column]!r} is no file")
        speaker = record.get(benchmark.group or "", "") or speaker_in(path.name, benchmark)
        sources.append(Source(record.get("id", record[column]), path, speaker))
    return sources


def read_sources(sources: Sequence[Source]) -> Iterator[SoundFile]:
    """Yield the sounds, read one by one; raises InputError when the iterator reaches a file that cannot be used."""
    for source in sources:
        yield SoundFile(source.id, read_sound_file(source.path, source.speaker))


def speaker_in(name: str, benchmark: Benchmark) -> str:
    """Return the speaker that a file's name says by the benchmark's scheme, or ""."""
    match = re.fullmatch(benchmark.file_name or "", Path(name).stem)
    return match["group"] if match else ""


def speaker_note(sources: Sequence[Source], *, by_speaker: bool) -> str | None:
    """Return what a user must know about sounds whose speaker is unknown, for a run that normalises by speaker."""
    unknown = [source for source in sources if not source.speaker]
    if not (by_speaker and unknown):
        return None
    return (
        f"this run normalises by speaker: {len(unknown)} sounds of unknown speakers count as one speaker's. Name their"
        " speakers in a CSV file (columns path, speaker); a speaker with fewer than about ten sounds is scored badly"
    )
