import os
from pathlib import Path

import pytest

from pooled_bert.base.errors import InputError, run_command
from pooled_bert.base.files import (
    _machine,
    atomic_path,
    checksum,
    delete_folder,
    file_checksum,
    file_checksums,
    make_folder,
    output,
    read_json,
    recover,
    write_json,
)


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


class Killed(BaseException):
    """Stands for SIGKILL: nothing but the clean-up of context managers runs after it."""


def write_folder(path, name):
    with atomic_path(path) as temporary:
        temporary.mkdir()
        (temporary / name).touch()


def test_old_folder_is_never_lost_and_comes_back_when_its_replacement_is_killed(tmp_path, monkeypatch):
    path = tmp_path / "model"
    write_folder(path, "first")

    def kill(*_):
        assert [file.name for file in tmp_path.rglob("first")], (
            "the old folder is gone before the new one is there"
        )
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", kill)
        with pytest.raises(Killed):
            write_folder(path, "second")
    with pytest.raises(RuntimeError), atomic_path(path):
        assert [file.name for file in path.iterdir()] == ["first"]
        raise RuntimeError
    assert [file.name for file in path.iterdir()] == ["first"]
    write_folder(path, "third")
    assert [file.name for file in path.iterdir()] == ["third"]
    assert list(tmp_path.iterdir()) == [path]


def test_old_folder_that_comes_back_is_known_as_what_the_command_made(tmp_path):
    path = tmp_path / "model"
    write_folder(path.with_name(".model.old"), "mark")  # as a kill leaves it
    with output(path, overwrite=True, is_own=(path / "mark").is_file):
        assert path.exists()


def test_files_and_new_folders_are_on_the_disk_before_they_get_their_names(tmp_path, monkeypatch):
    synced, fsync, replace = [], os.fsync, Path.replace

    def note(descriptor):
        synced.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        fsync(descriptor)

    def check(temporary, path):
        assert {str(temporary), str(temporary / "x"), str(tmp_path), str(tmp_path / "a")} <= set(synced)
        synced.clear()
        return replace(temporary, path)

    monkeypatch.setattr(os, "fsync", note)
    monkeypatch.setattr(Path, "replace", check)
    write_folder(tmp_path / "a" / "b" / "model", "x")
    assert synced == [str(tmp_path / "a" / "b")]


def test_folder_that_another_process_makes_at_the_same_time_is_no_error(tmp_path, monkeypatch):
    first_looks, is_dir = iter([False]), Path.is_dir
    monkeypatch.setattr(Path, "is_dir", lambda path: next(first_looks, True) and is_dir(path))
    make_folder(tmp_path)
    assert next(first_looks, None) is None


def test_deleted_folder_is_gone_on_the_disk_too(tmp_path, monkeypatch):
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "file").touch()
    synced, fsync = [], os.fsync
    monkeypatch.setattr(os, "fsync", lambda file: synced.append(os.fstat(file).st_ino) or fsync(file))
    for _ in range(2):
        delete_folder(tmp_path / "old")
    assert not list(tmp_path.iterdir())
    assert synced == [tmp_path.stat().st_ino]


def test_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"file/x\.json: cannot be written"):
        write_json(tmp_path / "file" / "x.json", {})


def test_json_round_trips_and_damage_is_named(tmp_path):
    path = tmp_path / "x.json"
    write_json(path, {"b": [1, None], "a": "ü"})
    assert read_json(path) == {"a": "ü", "b": [1, None]}
    for damage in (
        "{",
        "[]",
        "",
        "[" * 100_000,
        '{"a": NaN}',
        '{"a": 1e400}',
        '{"a": 1, "a": 2}',
        '{"a": "\0"}',
    ):
        path.write_text(damage)
        with pytest.raises(InputError, match=r"x\.json: is damaged .*; make it again"):
            read_json(path, remedy="make it again")


def test_checksums_of_many_files_are_those_of_each(tmp_path):
    paths = [tmp_path / name for name in "abc"]
    for path in paths:
        path.write_text(path.name * 10_000)
    assert file_checksums(paths) == {path: file_checksum(path) for path in paths}


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


def test_output_that_another_process_makes_is_refused_and_free_again_when_it_ends(tmp_path):
    path = tmp_path / "out"
    with output(path, overwrite=False):
        refused = pytest.raises(
            InputError, match="out: another process is writing it; wait for it, or stop it"
        )
        with refused, output(path, overwrite=True):
            pass
        assert not path.exists()
    with output(path, overwrite=False), atomic_path(path) as temporary:
        temporary.write_text("one")
    assert [file.name for file in tmp_path.iterdir()] == ["out"]


def test_current_folder_exists_already_whatever_it_is_called(tmp_path, monkeypatch):
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path / "out")
    for path in (Path(), Path("..")):
        with pytest.raises(InputError, match="exists already"), output(path, overwrite=False):
            pass
    with pytest.raises(InputError, match="cannot be written"):
        write_folder(Path(), "new")
    assert [file.name for file in tmp_path.rglob("*")] == ["out"]


def test_output_is_looked_at_again_when_the_lock_is_held(tmp_path):
    (tmp_path / "out").mkdir()
    refused = pytest.raises(InputError, match="was not made by this command")
    with refused, output(tmp_path / "out", overwrite=True, is_own=lambda: False):
        pass
    with pytest.raises(InputError, match="exists already"), output(tmp_path / "out", overwrite=False):
        pass


def test_what_another_machine_writes_is_left_alone_until_it_is_a_day_old(tmp_path):
    path, foreign = tmp_path / "x.json", tmp_path / ".x.json.0badcafe.1.00000000.part"
    own = tmp_path / f".x.json.{_machine()}.{2**30}.00000000.part"  # no process has such a number
    foreign.touch()
    own.touch()
    recover(path)
    assert [file.name for file in tmp_path.iterdir()] == [foreign.name]
    os.utime(foreign, (0, 0))
    recover(path)
    assert not list(tmp_path.iterdir())


def test_folder_is_whole_whenever_two_processes_replace_it(tmp_path):
    def replace(number):
        for _ in range(40):
            with atomic_path(tmp_path / "folder") as temporary:
                temporary.mkdir()
                for name in "ab":
                    (temporary / name).write_text(str(number))

    pids = []
    for number in range(2):
        pid = os.fork()
        if pid == 0:
            try:
                replace(number)
                os._exit(0)
            finally:
                os._exit(1)
        pids.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in pids] == [0, 0]
    assert len({(tmp_path / "folder" / name).read_text() for name in "ab"}) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
