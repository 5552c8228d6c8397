import pytest

from pooled_bert.base.errors import InputError, run_command
from pooled_bert.base.files import atomic_path, checksum, read_json, write_json


def test_failure_while_writing_keeps_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("old")
    with pytest.raises(RuntimeError), atomic_path(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_folder_replaces_a_folder_whole(tmp_path):
    for name in ("first", "second"):
        with atomic_path(tmp_path / "model") as temporary:
            temporary.mkdir()
            (temporary / name).touch()
    assert [path.name for path in (tmp_path / "model").iterdir()] == ["second"]


def test_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"file/x\.json: cannot be written"):
        write_json(tmp_path / "file" / "x.json", {})


def test_json_round_trips_and_damage_is_named(tmp_path):
    path = tmp_path / "x.json"
    write_json(path, {"b": [1, None], "a": "ü"})
    assert read_json(path) == {"a": "ü", "b": [1, None]}
    for damage in ("{", "[]", ""):
        path.write_text(damage)
        with pytest.raises(InputError, match=r"x\.json: is damaged"):
            read_json(path)


def test_checksum_keeps_parts_apart():
    assert checksum(["ab", "c"]) != checksum(["a", "bc"])
    assert checksum(["ab"]) == checksum([b"ab"])


@pytest.mark.parametrize(
    ("error", "status"), [(InputError("x.csv: is empty"), 2), (KeyboardInterrupt(), 130)]
)
def test_commands_end_with_one_line_and_the_status(capsys, error, status):
    def main():
        raise error

    with pytest.raises(SystemExit) as ended:
        run_command(main)
    assert ended.value.code == status
    assert capsys.readouterr().err.count("\n") == 1
