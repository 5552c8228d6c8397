import shutil

import numpy as np
import pandas as pd
import pytest
from conftest import table_of

from pooled_bert.base.errors import InputError
from pooled_bert.benchmarks.targets import SEVERAL_LABELS
from pooled_bert.runs.fold_files import (
    fold_folder,
    is_done,
    on_same_folds,
    read_fold,
    read_run,
    read_runs,
    write_config,
    write_fold,
)
from pooled_bert.training.problem import Outcome

VALID = table_of(["a", "b", "c", "d"], [[1, 0], [0, 0], [1, np.nan], [0, 0]])
TEST_IDS = pd.Series(["t1", "t2"])


def write(run_folder, fold, learning_rate=1.0, save_model=None):
    folder = fold_folder(run_folder, fold)
    write_config(
        folder,
        {"fold": fold, "settings": {"n_folds": 2, "learning_rate": learning_rate}, "assignment": "a"},
        {},
    )
    random = np.random.default_rng(fold)
    outcome = Outcome(
        oof=random.random((4, 2), np.float32),
        test=random.random((2, 2), np.float32),
        save_model=save_model,
        history=[{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.4}],
    )
    write_fold(
        folder, outcome, SEVERAL_LABELS, valid=VALID, test_ids=TEST_IDS, facts={"fold": fold, "made_up": True}
    )
    return outcome


def test_what_is_written_is_read_to_the_bit_in_the_order_of_the_rows(tmp_path):
    outcome = write(tmp_path, 1)
    result = read_fold(fold_folder(tmp_path, 1), 1)
    assert result.oof["id"].tolist() == VALID["id"].tolist()
    assert (result.oof[["toxic", "obscene"]].to_numpy(np.float32) == outcome.oof).all()
    assert (result.test[["toxic", "obscene"]].to_numpy(np.float32) == outcome.test).all()


def test_label_of_one_class_has_no_auc_in_the_metrics(tmp_path):
    write(tmp_path, 0)
    metrics = read_fold(fold_folder(tmp_path, 0), 0).metrics
    assert metrics["auc"]["obscene"] is None
    assert metrics["mean_auc"] == metrics["auc"]["toxic"]


def test_fold_that_fails_while_being_written_is_not_done(tmp_path):
    def fail(folder):
        (folder / "half").write_text("x")
        raise OSError(28, "No space left on device")

    with pytest.raises(InputError, match=r"model: cannot be written .No space left"):
        write(tmp_path, 0, save_model=fail)
    assert not is_done(fold_folder(tmp_path, 0))
    assert not list(tmp_path.rglob("half"))


def test_folds_of_other_settings_are_not_one_run(tmp_path):
    write(tmp_path, 0)
    write(tmp_path, 1)
    assert read_run(tmp_path).is_complete
    write(tmp_path, 1, learning_rate=2.0)
    with pytest.raises(InputError, match=r"settings.learning_rate is 1.0 there and 2.0 here"):
        read_run(tmp_path)


def reorder(content):
    header, *rows = content.splitlines(keepends=True)
    return header + "".join(rows[::-1])


@pytest.mark.parametrize("name", ["oof.csv", "test.csv", "history.csv", "metrics.json", "config.json"])
@pytest.mark.parametrize(
    "damage",
    [
        reorder,
        lambda content: content[: len(content) // 2],
        lambda content: content.replace("0", "1", 1),
        lambda content: "",
        None,
    ],
    ids=["reordered", "truncated", "changed", "emptied", "missing"],
)
def test_damaged_file_is_named_with_the_way_to_redo_its_fold(tmp_path, name, damage):
    write(tmp_path, 0)
    write(tmp_path, 1)
    path = fold_folder(tmp_path, 1) / name
    changed = damage(path.read_text()) if damage else None
    path.unlink()
    if changed is not None:
        path.write_text(changed)
    with pytest.raises(InputError, match=rf"{path if changed is not None else ''}.*--fold 1"):
        read_run(tmp_path, [0, 1])


@pytest.mark.parametrize("name", ["oof.csv", "metrics.json", "config.json"])
def test_file_of_another_fold_is_refused(tmp_path, name):
    write(tmp_path, 0)
    write(tmp_path, 1)
    shutil.copy(fold_folder(tmp_path, 0) / name, fold_folder(tmp_path, 1) / name)
    with pytest.raises(InputError, match=r"fold_1.*train it again with --fold 1 --overwrite"):
        read_run(tmp_path)


def test_other_run_that_is_damaged_is_told_and_left_out(tmp_path, capsys):
    for name in ("good", "whole", "damaged"):
        write(tmp_path / name, 0)
    (fold_folder(tmp_path / "damaged", 0) / "oof.csv").write_text("")
    runs = on_same_folds(read_run(tmp_path / "good"), read_runs(tmp_path))
    assert [run.name for run in runs] == ["good", "whole"]
    assert "damaged/fold_0/oof.csv: is missing or was changed after it was written" in capsys.readouterr().err


def test_missing_fold_is_named(tmp_path):
    write(tmp_path, 0)
    assert not read_run(tmp_path).is_complete
    with pytest.raises(InputError, match=r"fold 1 is not finished"):
        read_run(tmp_path, [0, 1])
    with pytest.raises(InputError, match="has no finished fold"):
        read_run(tmp_path / "nothing")
