import shutil

import numpy as np
import pandas as pd
import pytest
from conftest import table_of

from pooled_bert.base.errors import InputError
from pooled_bert.base.files import file_checksum, read_json, write_record
from pooled_bert.base.places import fold_folder
from pooled_bert.benchmarks.targets import SEVERAL_LABELS
from pooled_bert.runs.comparable_runs import on_same_folds, with_folds_of
from pooled_bert.runs.finished_runs import read_run, read_runs
from pooled_bert.runs.fold_files import (
    check_models,
    check_unchanged,
    is_done,
    read_fold,
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
        {
            "fold": fold,
            "settings": {"n_folds": 2, "learning_rate": learning_rate},
            "data": {"train": "t"},
            "assignment": "a",
        },
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


@pytest.fixture
def by_folder(tmp_path):
    return lambda run: {fold_folder(tmp_path, fold.fold): fold for fold in run.folds}


def save_model(folder):
    (folder / "weights").write_bytes(b"123")
    (folder / "parts").mkdir()
    (folder / "parts" / "head.json").write_text("{}")


@pytest.mark.parametrize("name", ["model/weights", "model/parts/head.json"])
@pytest.mark.parametrize("damage", [lambda path: path.write_bytes(b"124"), lambda path: path.unlink()])
def test_model_that_was_changed_is_named_when_it_is_to_be_loaded(tmp_path, by_folder, name, damage):
    for fold in (0, 1):
        write(tmp_path, fold, save_model=save_model)
    run = read_run(tmp_path)
    check_models(by_folder(run))
    damage(fold_folder(tmp_path, 1) / name)
    with pytest.raises(InputError, match=rf"fold_1/{name}: is missing or was changed .*--fold 1 --overwrite"):
        check_models(by_folder(read_run(tmp_path)))


def test_fold_that_is_trained_again_while_it_is_read_is_noticed(tmp_path):
    write(tmp_path, 0)
    folder = fold_folder(tmp_path, 0)
    fold = read_fold(folder, 0)
    check_unchanged(folder, fold)
    path = folder / "metrics.json"
    metrics = read_json(path)
    write_record(path, {**metrics, "rows": metrics["rows"] + 1})
    with pytest.raises(InputError, match="fold_0: was trained again while it was read"):
        check_unchanged(folder, fold)
    path.unlink()
    with pytest.raises(InputError, match="fold_0: was trained again while it was read"):
        check_unchanged(folder, fold)


def test_fold_of_an_earlier_revision_is_read_with_a_word_about_its_model(tmp_path, by_folder, capsys):
    write(tmp_path, 0, save_model=save_model)
    path = fold_folder(tmp_path, 0) / "metrics.json"
    metrics = read_json(path)
    metrics["files"] = {name: digest for name, digest in metrics["files"].items() if "model" not in name}
    write_record(path, {name: value for name, value in metrics.items() if name != "checksum"})
    check_models(by_folder(read_run(tmp_path)))
    assert (
        "fold 0 was finished by an earlier revision, without checksums of its model"
        in capsys.readouterr().err
    )


@pytest.mark.parametrize(
    "name", ["fold_00", "fold_0.bak", "fold_0 copy", "fold_", "fold_-1", "replaced_fold_1"]
)
def test_folder_with_another_name_than_a_fold_is_no_fold(tmp_path, name):
    write(tmp_path / "run", 0)
    shutil.copytree(fold_folder(tmp_path / "run", 0), tmp_path / "run" / name)
    shutil.copytree(tmp_path / "run" / name, tmp_path / "other" / name)
    assert [fold.fold for fold in read_run(tmp_path / "run").folds] == [0]
    assert [run.name for run in read_runs(tmp_path)] == ["run"]


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("metrics.json", {"auc": []}),
        ("metrics.json", {"auc": {"toxic": "high"}}),
        ("metrics.json", {"fold": 10**18}),
        ("metrics.json", {"files": {}}),
        ("metrics.json", {"files": []}),
        ("config.json", {"identity": []}),
        ("config.json", {"identity": {"fold": 0, "settings": {"n_folds": 10**18}, "assignment": "a"}}),
        ("config.json", {"information": {"seconds": "long"}}),
    ],
)
def test_shape_that_no_revision_wrote_is_refused_although_its_checksum_is_right(tmp_path, name, change):
    write(tmp_path, 0)
    path = fold_folder(tmp_path, 0) / name
    content = {field: value for field, value in read_json(path).items() if field != "checksum"}
    write_record(path, {**content, **change})
    with pytest.raises(InputError, match=rf"{name}.*train it again with --fold 0 --overwrite"):
        read_run(tmp_path)


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"checksum": NaN}', '{"checksum": 1e400}', "[]", "1", '{"checksum": null}']
)
@pytest.mark.parametrize("name", ["metrics.json", "config.json"])
def test_json_that_is_none_of_ours_is_refused_in_one_message(tmp_path, name, text):
    write(tmp_path, 0)
    (fold_folder(tmp_path, 0) / name).write_text(text)
    with pytest.raises(InputError, match=rf"{name}: is damaged .*train it again with --fold 0 --overwrite"):
        read_run(tmp_path)


@pytest.mark.parametrize(
    ("old", "new"), [("id,", "ID,"), ("toxic", "x"), ("\n", ",1\n"), (",0.", ",7."), (",0.", ",x")]
)
def test_table_of_another_form_is_refused_although_its_checksum_is_right(tmp_path, old, new):
    write(tmp_path, 0)
    folder = fold_folder(tmp_path, 0)
    (folder / "oof.csv").write_text((folder / "oof.csv").read_text().replace(old, new))
    metrics = read_json(folder / "metrics.json")
    del metrics["checksum"]
    metrics["files"]["oof.csv"] = file_checksum(folder / "oof.csv")
    write_record(folder / "metrics.json", metrics)
    with pytest.raises(InputError, match=r"oof\.csv: is not a table of ids, each once.*--fold 0 --overwrite"):
        read_run(tmp_path)


def test_other_run_that_is_damaged_is_told_and_left_out(tmp_path, capsys):
    for name in ("good", "whole", "damaged"):
        write(tmp_path / name, 0)
    (fold_folder(tmp_path / "damaged", 0) / "oof.csv").write_text("")
    runs = on_same_folds(read_run(tmp_path / "good"), read_runs(tmp_path))
    assert [run.name for run in runs] == ["good", "whole"]
    assert "damaged/fold_0/oof.csv: is missing or was changed after it was written" in capsys.readouterr().err


def test_runs_are_compared_on_the_folds_of_the_first(tmp_path):
    for name, folds in (("new", [0]), ("whole", [0, 1]), ("other", [1])):
        for fold in folds:
            write(tmp_path / name, fold)
    runs = with_folds_of(read_run(tmp_path / "new"), read_runs(tmp_path))
    assert [(run.name, [fold.fold for fold in run.folds]) for run in runs] == [("new", [0]), ("whole", [0])]


def test_missing_fold_is_named(tmp_path):
    write(tmp_path, 0)
    assert not read_run(tmp_path).is_complete
    with pytest.raises(InputError, match=r"fold 1 is not finished"):
        read_run(tmp_path, [0, 1])


@pytest.mark.parametrize("folds", [None, [0]])
def test_runs_are_named_beside_one_that_does_not_exist(tmp_path, folds):
    for name in ("bert", "linear"):
        write(tmp_path / name, 0)
    (tmp_path / "unfinished" / "fold_0").mkdir(parents=True)
    with pytest.raises(InputError, match=r"brt: has no finished fold; .*name another run: bert, linear$"):
        read_run(tmp_path / "brt", folds)
