"""One file per text, in one folder per value of the label: the layout of the original IMDB reviews."""

from pathlib import Path

import pandas as pd

from ..base.errors import InputError
from ..benchmarks.benchmark import Benchmark


def read_review_folders(folder: Path, benchmark: Benchmark) -> pd.DataFrame:
    """Read ``folder/<name>/*.txt`` for each name in ``benchmark.folders``, sorted by file name; raises InputError."""
    records = []
    for name, value in (benchmark.folders or {}).items():
        paths = sorted((folder / name).glob("*.txt"))
        if not paths:
            raise InputError(
                f"{folder / name}: holds no texts (*.txt); unpack the whole archive ({benchmark.archive})"
            )
        for path in paths:
            text = _read_text(path)
            records.append((f"{folder.name}/{name}/{path.stem}", text, value))
    return pd.DataFrame(records, columns=["id", "text", *benchmark.labels])


def _read_text(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not UTF-8 ({error.reason})") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
    if "\0" in text:
        raise InputError(f"{path}: holds a NUL byte; is it damaged?")
    return text


def find_review_folders(benchmark: Benchmark, data: Path) -> Path | None:
    """Return the archive's folder inside ``data``, or ``data`` itself, whichever holds ``train/<name>``; or None."""
    for folder in (data / (benchmark.archive or ""), data):
        if any((folder / "train" / name).is_dir() for name in benchmark.folders or ()):
            return folder
    return None
