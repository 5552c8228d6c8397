"""Tables of strings in files of any format: CSV, TSV, JSONL, Parquet."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from ..base.errors import InputError
from ..base.schemas import unique_names
from .csv_files import TableFile, clear_reading, file_lines, read_csv, text_lines


def read_table(path: Path) -> TableFile:
    """Read a table of strings, in the format of the file's name; raises InputError with file and line.

    CSV, TSV and JSONL may be in a zip file. Missing cells are empty strings, truth values 1 and 0, and whole numbers
    have no decimal point.
    """
    ending = Path(path.stem).suffix if path.suffix == ".zip" else path.suffix
    return READERS.get(ending, read_csv)(path)


def _read_tsv(path: Path) -> TableFile:
    return read_csv(path, delimiter="\t")


def _read_jsonl(path: Path) -> TableFile:
    """Read a JSON object per line; an object may lack names that others have."""
    records, lines = [], []
    for number, line in text_lines(path, file_lines(path)):
        if not line.isspace():
            place = f"{path}, line {number}"
            record = json_value(line, place)
            if not isinstance(record, dict):
                raise InputError(f'{place}: expected an object, as in {{"text": "…"}}')
            records.append({name: _cell(value, f"{place}: {name!r}") for name, value in record.items()})
            lines.append(number)
    if not records:
        raise InputError(f"{path}: has no rows")
    return TableFile(path, pd.DataFrame(records, dtype=object).fillna(""), np.array(lines))


def _read_parquet(path: Path) -> TableFile:
    try:
        with clear_reading(path):
            table = pd.read_parquet(path)
    except ImportError as error:
        raise InputError(
            f"{path}: Parquet is read with the package pyarrow, which is not installed; install it with"
            " pip install pyarrow, or save the table as CSV"
        ) from error
    except ValueError as error:  # pyarrow's errors are ValueErrors
        raise InputError(f"{path}: is not a Parquet file ({error})") from error
    if table.empty:
        raise InputError(f"{path}: has no rows")
    cells = {
        str(name): [
            "" if is_missing else _cell(value, f"{path}, row {row}: {name!r}")
            for row, (value, is_missing) in enumerate(zip(column, column.isna(), strict=True), start=1)
        ]
        for name, column in table.items()
    }
    return TableFile(path, pd.DataFrame(cells, dtype=object), np.arange(1, len(table) + 1), unit="row")


READERS: dict[str, Callable[[Path], TableFile]] = {
    ".csv": read_csv,
    ".tsv": _read_tsv,
    ".jsonl": _read_jsonl,
    ".parquet": _read_parquet,
}


def _cell(value, place: str) -> str:
    """Return a cell as a CSV file would hold it."""
    if value is None:
        return ""
    if isinstance(value, bool | np.bool_):
        return str(int(value))
    if isinstance(value, float | np.floating):
        return "" if math.isnan(value) else str(int(value) if float(value).is_integer() else value)
    if isinstance(value, int | np.integer):
        return str(value)
    if isinstance(value, str) and is_writable(value):
        return value
    raise InputError(
        f"{place} is {value!r:.60}, expected a string without NUL characters, a number or nothing"
    )


def json_value(line: str, place: str):
    """Return the value of a line of JSON; raises InputError with ``place`` (file, line)."""
    try:
        return json.loads(line, object_pairs_hook=unique_names)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{place}: is not JSON ({error})") from error


def is_writable(text: str) -> bool:
    """Return whether ``text`` has no NUL and can be encoded as UTF-8.

    Strings from JSON and command lines can have lone surrogates (half a character), which UTF-8 cannot encode.
    """
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False
