"""Strict reading: what is accepted is read exactly, what is damaged is refused with its line."""

import csv
import io
import zipfile

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pooled_bert.base.errors import InputError
from pooled_bert.data.csv_files import read_csv

CELLS = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=12)
TABLES = st.integers(2, 4).flatmap(
    lambda width: st.lists(st.lists(CELLS, min_size=width, max_size=width), min_size=1, max_size=6)
)


def as_csv(rows, *, line_end="\n", quoting=csv.QUOTE_MINIMAL):
    stream = io.StringIO(newline="")
    csv.writer(stream, lineterminator=line_end, quoting=quoting).writerows(rows)
    return stream.getvalue()


def as_file(folder, content, name="x.csv"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("mark", [";", "\t", "|"])
def test_table_with_another_separator_is_no_table_of_one_column(tmp_path, mark):
    path = as_file(tmp_path, mark.join(["id", "text"]) + "\n" + mark.join(["a", "one, two"]) + "\n")
    with pytest.raises(InputError, match=r"x\.csv: seems to be separated by .* save it as CSV with ','"):
        read_csv(path)


def test_tab_separated_table_with_commas_is_told_by_its_name(tmp_path):
    with pytest.raises(InputError, match=r"x\.tsv: seems to be separated by ','"):
        read_csv(as_file(tmp_path, "id,text\na,b\n", "x.tsv"), delimiter="\t")


def test_message_about_many_columns_is_short(tmp_path):
    header = ",".join(f"c{number}" for number in range(20_000))
    file = read_csv(as_file(tmp_path, f"{header}\n{'1,' * 19_999}1\n"))
    with pytest.raises(InputError, match=r"column 'text' is missing.* and 19,970 more$") as refused:
        file.require_columns(["text"])
    assert len(str(refused.value)) < 1000


@given(
    rows=TABLES,
    line_end=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    mark=st.sampled_from(["", "\ufeff"]),
    zipped=st.booleans(),
)
def test_any_table_is_read_as_it_was_written(tmp_path_factory, rows, line_end, quoting, mark, zipped):
    # Python's writer leaves a lone carriage return without quotes, and so without a meaning
    assume(quoting == csv.QUOTE_ALL or not any("\r" in cell for row in rows for cell in row))
    header = [f"c{number}" for number in range(len(rows[0]))]
    content = (mark + as_csv([header, *rows], line_end=line_end, quoting=quoting)).encode()
    path = tmp_path_factory.mktemp("any") / ("x.csv.zip" if zipped else "x.csv")
    if zipped:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("x.csv", content)
    else:
        path.write_bytes(content)
    file = read_csv(path)
    assert list(file.table.columns) == header
    assert file.table.to_numpy().tolist() == rows


@given(rows=TABLES, place=st.integers(0, 5), more=st.booleans())
def test_row_with_a_field_too_many_or_too_few_is_refused_with_its_line(tmp_path_factory, rows, place, more):
    place %= len(rows)
    rows[place] = [*rows[place], "x"] if more else rows[place][:-1]
    header = [f"c{number}" for number in range(len(rows[place]) + (-1 if more else 1))]
    content = as_csv([header, *rows], quoting=csv.QUOTE_ALL)
    line = 2 + sum(
        len(io.StringIO(as_csv([row], quoting=csv.QUOTE_ALL), newline="").readlines()) for row in rows[:place]
    )
    with pytest.raises(InputError, match=rf"x\.csv, line {line}: has \d+ fields"):
        read_csv(as_file(tmp_path_factory.mktemp("any"), content))


def test_places_count_the_lines_within_texts_and_blank_ones(tmp_path):
    file = read_csv(as_file(tmp_path, 'id,text\na,"1\n2\r\n3"\n\nb,x\n'))
    assert file.lines.tolist() == [2, 6]
    assert file.where(1).endswith("x.csv, line 6")


def test_text_of_a_million_characters_and_an_empty_one_are_read(tmp_path):
    file = read_csv(as_file(tmp_path, f"id,text\na,{'x' * 1_000_000}\nb,\n"))
    assert file.table["text"].str.len().tolist() == [1_000_000, 0]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "is empty"),
        (b"id,text\n", "header but no rows"),
        (b"id,text,id\na,b,c\n", "duplicate column 'id'"),
        (b'id,text\na,"never closed\nb,x\n', "line 2: a quote is not closed"),
        (b'id,text\na,"swallows\nb,"the next"\n', "line 2: a quote is not closed"),
        (
            b'id,text\na,"un"doubled"\n',
            "line 2: a quote is not closed, or a quote within a text is not doubled",
        ),
        (b"id,text\na,x\0y\n", "line 2: holds a NUL byte"),
        ("id,text\na,x\nb,naïve\n".encode("latin-1"), "line 3: is not UTF-8"),
        ("id,text\na,x\n".encode("utf-16"), "line 1: is not UTF-8"),
        ("id,text\na,x\n".encode("utf-16-le"), "line 1: holds a NUL byte; is it UTF-16"),
    ],
)
def test_damaged_content_is_refused(tmp_path, content, expected):
    with pytest.raises(InputError, match=rf"x\.csv.*{expected}"):
        read_csv(as_file(tmp_path, content))


def test_missing_file_and_folder_in_its_place_are_named(tmp_path):
    with pytest.raises(InputError, match=r"x\.csv: cannot be read \(No such file"):
        read_csv(tmp_path / "x.csv")
    (tmp_path / "x.csv").mkdir()
    with pytest.raises(InputError, match=r"x\.csv: cannot be read \(Is a directory"):
        read_csv(tmp_path / "x.csv")


def zip_of(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_zip_is_read_by_the_name_of_its_member(tmp_path):
    members = {
        "readme.txt": "hello",
        "__MACOSX/._x.csv": "junk",
        "folder/x.csv": "id\na\n",
        "y.csv": "id\nb\n",
    }
    assert read_csv(zip_of(tmp_path / "x.csv.zip", members)).table["id"].tolist() == ["a"]


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"other.csv": "id\na\n"}, r"should hold x\.csv, but holds 'other\.csv'"),
        ({}, "but holds nothing"),
        ({"two\nlines.csv": "id\na\n"}, r"but holds 'two\\nlines\.csv'"),
        ({"a/x.csv": "id\na\n", "b/x.csv": "id\nb\n"}, r"but holds 'a/x\.csv', 'b/x\.csv'"),
    ],
)
def test_zip_without_the_one_member_is_refused(tmp_path, members, expected):
    with pytest.raises(InputError, match=expected):
        read_csv(zip_of(tmp_path / "x.csv.zip", members))


@pytest.mark.parametrize("keep", [0, 10, 60, -1])
def test_truncated_zip_is_refused(tmp_path, keep):
    path = zip_of(tmp_path / "x.csv.zip", {"x.csv": "id,text\n" + "a,b\n" * 50})
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(InputError, match="damaged zip file"):
        read_csv(path)


def test_encrypted_zip_is_refused(tmp_path):
    path = zip_of(tmp_path / "x.csv.zip", {"x.csv": "id\na\n"})
    content = bytearray(path.read_bytes())
    content[6] |= 1  # the flag of encryption, in the local header and in the directory
    content[content.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match="cannot be unpacked"):
        read_csv(path)
