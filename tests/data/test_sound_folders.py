import shutil
import zipfile

import numpy as np
import pytest

from pooled_bert.base.errors import InputError
from pooled_bert.benchmarks.emodb import EMODB, EMODB_SIX
from pooled_bert.data.folds import assign_folds
from pooled_bert.data.rows import find_data, labels_of, read_rows, table_checksum
from pooled_bert.data.sample import write_sample


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("emodb")
    write_sample(folder, EMODB, rows=70, test_rows=0, seed=3)
    return folder


def zipped(folder, path):
    with zipfile.ZipFile(path, "w") as archive:
        for sound in sorted((folder / "wav").iterdir()):
            archive.write(sound, f"wav/{sound.name}")
    return path


def read(benchmark, data):
    return read_rows(benchmark, find_data(benchmark, str(data))).train


def test_names_say_emotion_and_speaker(folder):
    table = read(EMODB, folder)
    row = table.set_index("id").loc["03a01Fa"]
    assert row["group"] == row["sound"].speaker == "03"
    assert row[list(EMODB.labels)].to_dict() == {name: float(name == "happiness") for name in EMODB.labels}
    assert (labels_of(table).sum(axis=1) == 1).all()


def test_folder_zip_and_the_folder_of_sounds_itself_hold_the_same_rows(folder, tmp_path):
    checksums = {
        table_checksum(read(EMODB, place))
        for place in (folder, folder / "wav", zipped(folder, tmp_path / "any.zip"), tmp_path)
    }
    assert len(checksums) == 1


def test_rows_depend_on_the_sounds(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")
    shutil.copy(copy / "wav" / "01a01Wa.wav", copy / "wav" / "02a01Wa.wav")
    assert table_checksum(read(EMODB, copy)) != table_checksum(read(EMODB, folder))


def test_classes_that_are_left_out_have_no_rows(folder):
    table = read(EMODB_SIX, folder)
    assert len(table) == 60
    assert "boredom" not in table
    assert not table["id"].str.contains("L").any()


def test_several_zips_are_refused_until_one_is_named(folder, tmp_path):
    one, _ = zipped(folder, tmp_path / "one.zip"), zipped(folder, tmp_path / "two.zip")
    with pytest.raises(InputError, match=r"one\.zip and two\.zip hold sounds"):
        find_data(EMODB, str(tmp_path))
    assert len(read(EMODB, one)) == 70


def test_name_outside_the_scheme_is_refused(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")
    shutil.copy(copy / "wav" / "01a01Wa.wav", copy / "wav" / "01a01Xa.wav")
    with pytest.raises(InputError, match=r"01a01Xa.wav: its name does not follow the scheme"):
        read(EMODB, copy)


@pytest.mark.parametrize("instead", [b"\0" * 60, b""])
def test_damaged_member_of_a_zip_is_named(folder, tmp_path, instead):
    path = zipped(folder, tmp_path / "damaged.zip")
    content = path.read_bytes()
    path.write_bytes(content[:200] + instead + content[260:])
    with pytest.raises(InputError, match=r"damaged.zip, wav/01a01Aa.wav: (is a damaged zip|cannot be read)"):
        read(EMODB, path)


def test_folder_without_sounds_names_the_download(tmp_path):
    with pytest.raises(InputError, match="kaggle datasets download"):
        find_data(EMODB, str(tmp_path))


def test_no_speaker_is_on_both_sides(folder):
    table = read(EMODB, folder)
    for n_folds in (2, 5, 10):
        folds = assign_folds(table, EMODB.target, n_folds, 0, "speaker")
        assert sorted(set(folds.tolist())) == list(range(n_folds))
        assert (table["group"].groupby(table["group"]).size() == 7).all()
        assert all(len(set(folds[table["group"] == speaker])) == 1 for speaker in table["group"].unique())


def test_without_groups_speakers_are_on_both_sides_and_classes_are_balanced(folder):
    table = read(EMODB, folder)
    folds = assign_folds(table, EMODB.target, 2, 0, "none")
    assert any(len(set(folds[table["group"] == speaker])) == 2 for speaker in table["group"].unique())
    per_fold = labels_of(table).groupby(folds).sum()
    assert (np.abs(per_fold.loc[0] - per_fold.loc[1]) <= 2).all()


def test_more_folds_than_speakers_are_refused(folder):
    with pytest.raises(InputError, match="10 speakers cannot be cut into 11 folds"):
        assign_folds(read(EMODB, folder), EMODB.target, 11, 0, "speaker")


def test_speakers_who_share_a_recording_share_a_fold(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")
    shutil.copy(copy / "wav" / "01a01Wa.wav", copy / "wav" / "02a01Wa.wav")
    table = read(EMODB, copy)
    folds = dict(zip(table["id"], assign_folds(table, EMODB.target, 5, 0, "speaker"), strict=True))
    assert folds["01a01Na"] == folds["02a01Na"]


def test_same_seed_makes_the_same_sounds(folder, tmp_path):
    write_sample(tmp_path, EMODB, rows=70, test_rows=0, seed=3)
    assert table_checksum(read(EMODB, tmp_path)) == table_checksum(read(EMODB, folder))
