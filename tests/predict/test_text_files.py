"""Files of texts: read exactly, row by row, and refused with their place."""

import csv
import io
import json
import zipfile

import pytest
from made_up_texts import HOSTILE, texts_in, written

from pooled_bert.base.errors import InputError


def csv_of(rows):
    stream = io.StringIO(newline="")
    csv.writer(stream, quoting=csv.QUOTE_ALL).writerows(rows)
    return stream.getvalue()


def test_hostile_texts_are_read_exactly_from_csv_zip_and_jsonl(tmp_path):
    rows = [(f"id {number},", text) for number, text in enumerate(HOSTILE)]
    content = csv_of([("id", "comment_text"), *rows])
    assert texts_in(written(tmp_path, "x.csv", content)) == rows
    with zipfile.ZipFile(tmp_path / "x.csv.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.csv", content)
    assert texts_in(tmp_path / "x.csv.zip") == rows
    lines = [json.dumps({"comment_text": text, "id": name, "more": [1]}) for name, text in rows]
    assert texts_in(written(tmp_path, "x.jsonl", "\n".join(lines))) == rows


def test_plain_text_is_one_text_a_line_numbered_from_1(tmp_path):
    path = written(tmp_path, "x.txt", "one\r\n\n  three, with \x0b and \r within")
    assert texts_in(path) == [("1", "one"), ("2", ""), ("3", "  three, with \x0b and \r within")]


def test_rows_without_an_id_have_their_number(tmp_path):
    assert texts_in(written(tmp_path, "x.csv", "n,text\n5,a\n\n6,b\n")) == [("1", "a"), ("2", "b")]
    lines = '"just a string"\n\n{"text": "a"}\n{"text": "b", "id": 17}\n'
    assert texts_in(written(tmp_path, "x.jsonl", lines)) == [("1", "just a string"), ("2", "a"), ("17", "b")]


@pytest.mark.parametrize(
    ("header", "column", "expected"),
    [
        ("text,comment_text,id", None, "b"),
        ("text,other,id", None, "a"),
        ("text,other,id", "other", "b"),
        ("text,comment_text,id", "id", "c"),
    ],
)
def test_column_of_the_texts(tmp_path, header, column, expected):
    assert texts_in(written(tmp_path, "x.csv", f"{header}\na,b,c\n"), column=column)[0].text == expected


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("x.csv", "a,b\n1,2\n", r"x\.csv: which column holds the texts\? Name it with --column; available: 'a', 'b'"),
        ("x.csv", "id,text\n,2\n", r"x\.csv, line 2: the id is empty"),
        ("x.csv", 'id,text\na,b\n"c\nd",2\n', r"x\.csv, line 3: id 'c\\nd' must be .* without line breaks"),
        ("x.csv", "id,text\na,b,c\n", r"x\.csv, line 2: has 3 fields"),
        ("x.csv", "id,text\n", r"x\.csv: has a header but no rows"),
        ("x.txt", b"a\nb\0\n", r"x\.txt, line 2: holds a NUL byte"),
        ("x.txt", b"a\n\xff\n", r"x\.txt, line 2: is not UTF-8"),
        ("x.txt", "", r"x\.txt: is empty"),
        ("x.jsonl", "\n\n", r"x\.jsonl: is empty"),
        ("x.jsonl", '"a"\n{"text": 5}\n', r"x\.jsonl, line 2: the text is 5, expected a string"),
        ("x.jsonl", '{"text": "a\\u0000"}', r"x\.jsonl, line 1: the text is 'a\\x00', expected a string"),
        ("x.jsonl", '{"text": "a\\ud83d"}', r"x\.jsonl, line 1: the text is 'a\\ud83d', expected a string"),
        ("x.jsonl", '"a"\n{"text": "a"', r"x\.jsonl, line 2: is not JSON"),
        ("x.jsonl", '{"text": "a", "text": "b"}', r"x\.jsonl, line 1: is not JSON \(a name occurs twice"),
        ("x.jsonl", "[" * 100_000, r"x\.jsonl, line 1: is not JSON"),
        ("x.jsonl", '{"text": "a", "id": 1.5}', r"x\.jsonl, line 1: id 1\.5 must be a string or an integer"),
        ("x.csv", "id;text\na;b\n", r"x\.csv: seems to be separated by ';'"),
        ("x.csv", "ID,text\na,b\n", r"x\.csv: column 'ID' holds no ids; rename it to 'id'"),
        ("x.csv", " id,text\na,b\n", r"x\.csv: column ' id' holds no ids"),
        ("x.jsonl", '{"Id": "a", "text": "b"}\n', r"x\.jsonl, line 1: column 'Id' holds no ids"),
        ("x.xlsx", "a", r"x\.xlsx: unknown file format; give --format csv, tsv, txt or jsonl"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_its_place(tmp_path, name, content, expected):
    with pytest.raises(InputError, match=expected):
        texts_in(written(tmp_path, name, content))


def test_first_line_that_may_be_a_text_is_told(tmp_path, capsys):
    assert texts_in(written(tmp_path, "x.csv", "what a film\nfine\n")) == [("1", "fine")]
    assert (
        "x.csv: its first line names the columns, and the texts are in 'what a film'"
        in capsys.readouterr().err
    )
    for column, content in (("text", "text\nfine\n"), ("film", "film\nfine\n")):
        texts_in(written(tmp_path, "x.csv", content), column=column)
    assert not capsys.readouterr().err


def test_misspelt_column_is_named(tmp_path):
    with pytest.raises(InputError, match=r"column 'txt' is missing \(did you mean 'text'\?\)"):
        texts_in(written(tmp_path, "x.csv", "id,text\na,b\n"), column="txt")
