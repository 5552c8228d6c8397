import numpy as np
import pytest
from conftest import table_of

from pooled_bert.base.errors import InputError
from pooled_bert.base.files import read_json, write_json
from pooled_bert.benchmarks.targets import ONE_CLASS, SEVERAL_LABELS
from pooled_bert.data.folds import assign_folds, check_manifest, rare_labels
from pooled_bert.data.groups import text_key, without_groups_of


def random_table(n_rows=600, n_labels=3, seed=0):
    random = np.random.default_rng(seed)
    labels = (random.random((n_rows, n_labels)) < [0.2, 0.1, 0.05][:n_labels]).astype(float)
    return table_of([f"text number {row}" for row in range(n_rows)], labels, names=("a", "b", "c")[:n_labels])


def test_every_row_is_in_one_fold_and_all_folds_are_used():
    folds = assign_folds(random_table(), SEVERAL_LABELS, 5, fold_seed=0)
    assert folds.shape == (600,)
    assert sorted(set(folds.tolist())) == [0, 1, 2, 3, 4]


def test_assignment_is_repeatable_and_depends_on_its_seed():
    table = random_table()
    assert (assign_folds(table, SEVERAL_LABELS, 5, 0) == assign_folds(table, SEVERAL_LABELS, 5, 0)).all()
    assert (assign_folds(table, SEVERAL_LABELS, 5, 0) != assign_folds(table, SEVERAL_LABELS, 5, 1)).any()


def test_assignment_follows_the_id_not_the_position():
    table = random_table()
    shuffled = table.sample(frac=1, random_state=3)
    by_id = dict(zip(table["id"], assign_folds(table, SEVERAL_LABELS, 5, 0), strict=True))
    assert [by_id[row_id] for row_id in shuffled["id"]] == assign_folds(
        shuffled, SEVERAL_LABELS, 5, 0
    ).tolist()


@pytest.mark.parametrize("n_labels", [1, 3])
def test_label_counts_differ_by_few_rows_between_folds(n_labels):
    table = random_table(n_labels=n_labels)
    folds = assign_folds(table, SEVERAL_LABELS, 5, 0)
    sizes = np.bincount(folds)
    assert sizes.max() - sizes.min() <= 6
    for name in ("a", "b", "c")[:n_labels]:
        positives = np.bincount(folds, weights=table[name])
        assert positives.max() - positives.min() <= 3


def test_near_identical_texts_share_a_fold():
    table = random_table()
    table["text"] = [f"Text number {row // 3}" + ("", "!!", "\n...")[row % 3] for row in range(len(table))]
    folds = assign_folds(table, SEVERAL_LABELS, 5, 0)
    assert (folds.reshape(-1, 3) == folds[::3, None]).all()


def test_texts_of_punctuation_alone_are_not_all_one_text():
    assert text_key("!!!") != text_key("???")
    assert text_key("It's  FINE.") == text_key("its fine")


def test_unknown_labels_are_spread_and_not_taken_for_positive():
    table = random_table()
    unknown = np.random.default_rng(1).random(len(table)) < 0.3
    table.loc[unknown, "a"] = np.nan
    folds = assign_folds(table, SEVERAL_LABELS, 5, 0)
    for counted in (unknown, (table["a"] == 1).to_numpy()):
        counts = np.bincount(folds, weights=counted)
        assert counts.max() - counts.min() <= 3


def test_more_folds_than_texts_are_refused():
    with pytest.raises(InputError, match="cannot be cut into 5 folds"):
        assign_folds(table_of(["a", "b", "B!"]), SEVERAL_LABELS, 5, 0)


def test_extra_rows_near_identical_to_validation_rows_are_left_out():
    kept = without_groups_of(table_of(["hello you!"]), table_of(["Hello, you", "new"]))
    assert kept["text"].tolist() == ["new"]


def test_extra_rows_of_the_groups_of_validation_rows_are_left_out():
    valid, extra = table_of(["one"]).assign(group="anna"), table_of(["two", "three"])
    extra["group"] = ["anna", "ben"]
    assert without_groups_of(valid, extra, by_group=True)["text"].tolist() == ["three"]
    assert len(without_groups_of(valid, extra)) == 2


def test_near_duplicates_share_a_fold_if_that_is_asked_for(tmp_path):
    texts = [f"this is comment {number} of many, about subject {number % 7}" for number in range(40)]
    pairs = [f"{text} and it goes on like this for a while" for text in texts for _ in (0, 1)]
    table = table_of([f"{text}, edited" if row % 2 else text for row, text in enumerate(pairs)])
    apart = assign_folds(table, SEVERAL_LABELS, 5, 0).reshape(-1, 2)
    together = assign_folds(table, SEVERAL_LABELS, 5, 0, near_duplicates=0.8).reshape(-1, 2)
    assert (apart[:, 0] != apart[:, 1]).any()
    assert (together[:, 0] == together[:, 1]).all()
    options = {"data_checksum": "d" * 64, "fold_seed": 0, "near_duplicates": 0.8}
    check_manifest(tmp_path, table, together.reshape(-1), **options)
    assert read_json(tmp_path / "dddddddddddd-5folds-seed0-near-0.8.json")["near_duplicates"] == 0.8


def test_labels_rarer_than_the_folds_are_told_and_still_cut():
    table = random_table(n_rows=60)
    table["b"] = 0.0
    table.loc[[3, 7], "b"] = 1.0
    assert rare_labels(table, 5)["b"] == 2
    assert "a" not in rare_labels(table, 5)
    assert np.bincount(assign_folds(table, SEVERAL_LABELS, 5, 0), weights=table["b"]).max() == 1


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("rows_of_class", [3, 40])
def test_groups_of_rare_classes_are_cut_without_a_warning(rows_of_class):
    """Three rows of each class cannot be in five folds."""
    labels = np.repeat(np.eye(4), rows_of_class, axis=0)[: 4 * rows_of_class - 2]
    table = table_of([f"text {row}" for row in range(len(labels))], labels, names="abcd")
    table["group"] = [f"g{row % 6}" for row in range(len(labels))]
    folds = assign_folds(table, ONE_CLASS, 5, 0, group_by="user")
    assert set(folds) == set(range(5))
    assert table["group"].groupby(folds).nunique().sum() == 6


def test_manifest_is_written_once_and_then_held_against(tmp_path):
    table = random_table()
    folds = assign_folds(table, SEVERAL_LABELS, 5, 0)
    first = check_manifest(tmp_path, table, folds, data_checksum="d" * 64, fold_seed=0)
    (path,) = tmp_path.iterdir()
    assert check_manifest(tmp_path, table, folds, data_checksum="d" * 64, fold_seed=0) == first
    manifest = read_json(path)
    assert sum(manifest["rows"]) == len(table)
    assert manifest["positives"]["a"] == np.bincount(folds, weights=table["a"]).astype(int).tolist()
    write_json(path, manifest | {"assignment": "0" * 64})
    with pytest.raises(InputError, match="written for another assignment"):
        check_manifest(tmp_path, table, folds, data_checksum="d" * 64, fold_seed=0)
