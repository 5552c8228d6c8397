import subprocess
import sys

import pytest
from conftest import ROOT

from pooled_bert.base.errors import InputError
from pooled_bert.runs.fold_files import write_config
from pooled_bert.runs.run_folder import RunFolder


@pytest.fixture
def place(tmp_path):
    return RunFolder(tmp_path / "runs" / "bert")


def finish(place, fold, content="old"):
    place.fold(fold).mkdir(parents=True)
    identity = {"fold": fold, "settings": {"n_folds": 5}, "assignment": content}
    write_config(place.fold(fold), identity, {})
    (place.fold(fold) / "metrics.json").write_text(content)


def content(place, fold):
    path = place.fold(fold) / "metrics.json"
    return path.read_text() if path.exists() else None


def test_second_process_on_a_fold_is_refused_and_another_fold_is_not(place):
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"import signal, sys; sys.path.insert(0, {str(ROOT / 'src')!r})\n"
            "from pathlib import Path; from pooled_bert.runs.run_folder import RunFolder\n"
            f"with RunFolder(Path({str(place.path)!r})).lock(0): print('held', flush=True); signal.pause()",
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(InputError, match="fold_0: another process is training this fold"), place.lock(0):
        pass
    with place.lock(1):
        pass
    holder.kill()
    holder.wait()
    with place.lock(0):  # a killed process leaves no lock behind
        pass


def test_finished_fold_waits_aside_until_its_successor_is_done(place):
    finish(place, 0)
    place.set_aside([0], lambda fold: True)
    assert content(place, 0) is None
    assert (place.path / "replaced_fold_0" / "metrics.json").read_text() == "old"
    finish(place, 0, "new")
    place.drop_replaced(0)
    assert [path.name for path in place.path.glob("*fold_0")] == ["fold_0"]


def test_replacing_that_was_cut_short_goes_on_where_it_was(place):
    for fold in (0, 1):
        finish(place, fold)
    place.set_aside([0, 1], lambda fold: True)
    finish(place, 0, "new")
    place.drop_replaced(0)
    place.set_aside([0, 1], lambda fold: True)  # the same command again
    assert content(place, 0) == "new"
    assert content(place, 1) is None
    finish(place, 1, "new")
    place.drop_replaced(1)
    place.set_aside([0, 1], lambda fold: True)  # and once more, when all was done
    assert content(place, 0) is content(place, 1) is None


def test_successors_of_other_settings_are_replaced_too(place):
    for fold in (0, 1):
        finish(place, fold)
    place.set_aside([0, 1], lambda fold: False)
    finish(place, 0, "new")
    place.drop_replaced(0)
    place.set_aside([0, 1], lambda fold: False)
    assert content(place, 0) is None
    assert (place.path / "replaced_fold_0" / "metrics.json").read_text() == "new"
    assert (place.path / "replaced_fold_1" / "metrics.json").read_text() == "old"


def test_failed_replacement_brings_the_old_folds_back(place):
    for fold in (0, 1):
        finish(place, fold)
    place.set_aside([0, 1], lambda fold: True)
    place.put_back(0, 5)
    assert content(place, 0) == content(place, 1) == "old"


@pytest.mark.parametrize("by_another_process", [False, True])
def test_failed_replacement_brings_nothing_back_beside_a_fold_of_other_settings(place, by_another_process):
    for fold in (0, 1, 2):
        finish(place, fold)
    place.set_aside([0, 1, 2], lambda fold: True)
    finish(place, 0, "new")
    place.drop_replaced(0)
    (RunFolder(place.path) if by_another_process else place).put_back(1, 5)
    assert content(place, 0) == "new"
    assert content(place, 1) is content(place, 2) is None


def test_failed_replacement_brings_the_old_folds_back_beside_one_that_was_not_to_be_replaced(place):
    for fold in (0, 1, 2):
        finish(place, fold)
    place.set_aside([0, 1], lambda fold: True)
    place.put_back(0, 5)
    assert content(place, 0) == content(place, 1) == content(place, 2) == "old"


def test_failed_replacement_leaves_folds_of_other_processes_alone(place):
    for fold in (0, 1):
        finish(place, fold)
    place.set_aside([0, 1], lambda fold: True)
    with place.lock(0), place.lock(1):  # a lock of the same process refuses like that of another one
        place.put_back(0, 5)
    assert content(place, 0) == "old"
    assert content(place, 1) is None


def test_nothing_is_set_aside_while_one_of_the_folds_is_being_trained(place):
    finish(place, 0)
    with place.lock(1), pytest.raises(InputError, match="fold_1: another process"):
        place.set_aside([0, 1], lambda fold: True)
    assert content(place, 0) == "old"
