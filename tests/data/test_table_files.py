"""Tables of every format are read as the same strings."""

import json
import zipfile

import pandas as pd
import pytest

from pooled_bert.base.errors import InputError
from pooled_bert.data import table_files
from pooled_bert.data.table_files import read_table

CELLS = [["a, b", "1", ""], ['say "x"\nor\ty', "0", "2.5"]]
RECORDS = [
    {"text": "a, b", "flag": True, "number": None},
    {"text": CELLS[1][0], "flag": False, "number": 2.5},
]


def write(path, form):
    if form == "jsonl":
        path.write_text("\n".join(map(json.dumps, RECORDS)) + "\n")
    else:
        table = pd.DataFrame(CELLS, columns=["text", "flag", "number"])
        table.to_csv(path, sep="\t" if form == "tsv" else ",", index=False)
    return path


@pytest.mark.parametrize("form", ["csv", "tsv", "jsonl"])
@pytest.mark.parametrize("is_zipped", [False, True])
def test_formats_hold_the_same_table(tmp_path, form, is_zipped):
    path = write(tmp_path / f"x.{form}", form)
    if is_zipped:
        with zipfile.ZipFile(tmp_path / f"x.{form}.zip", "w") as archive:
            archive.write(path, path.name)
        path = tmp_path / f"x.{form}.zip"
    file = read_table(path)
    assert list(file.table.columns) == ["text", "flag", "number"]
    assert file.table.to_numpy().tolist() == CELLS


def test_parquet_holds_the_same_table(tmp_path, monkeypatch):
    frame = pd.DataFrame(RECORDS).assign(whole=pd.array([1, None], dtype="Int64"))
    monkeypatch.setattr(pd, "read_parquet", lambda path: frame)
    file = read_table(tmp_path / "x.parquet")
    assert file.table.to_numpy().tolist() == [[*CELLS[0], "1"], [*CELLS[1], ""]]
    assert file.where(1).endswith("x.parquet, row 2")


def test_parquet_without_its_package_is_refused_with_the_remedy(tmp_path, monkeypatch):
    def missing(path):
        raise ImportError

    monkeypatch.setattr(table_files.pd, "read_parquet", missing)
    with pytest.raises(InputError, match="pip install pyarrow, or save the table as CSV"):
        read_table(tmp_path / "x.parquet")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"a": "b"}\n"c"\n', "line 2: expected an object"),
        ('{"a": ["b"]}\n', r"line 1: 'a' is \['b'\], expected a string"),
        ('{"a": "b"\n', "line 1: is not JSON"),
        ("\n", "has no rows"),
    ],
)
def test_damaged_json_lines_are_refused_with_their_line(tmp_path, content, said):
    path = tmp_path / "x.jsonl"
    path.write_text(content)
    with pytest.raises(InputError, match=said):
        read_table(path)


def test_names_that_an_object_lacks_are_empty_cells(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text('{"a": 1}\n{"b": 2.0}\n')
    assert read_table(path).table.to_numpy().tolist() == [["1", ""], ["", "2"]]
