import zipfile
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from pooled_bert.base.errors import InputError
from pooled_bert.benchmarks.imdb import IMDB
from pooled_bert.benchmarks.jigsaw import JIGSAW
from pooled_bert.data.rows import find_data, read_extra, read_rows
from pooled_bert.data.table_columns import stable_ids

HEADER = "id,comment_text,toxic,severe_toxic,obscene,threat,insult,identity_hate\n"
TRAIN = HEADER + 'a,"two\nlines, ""quoted""",1,0,0,0,1,0\nb,plain,0,0,0,0,0,-1\n'


def write_jigsaw(folder, train=TRAIN, test="id,comment_text\nc,x\nd,y\n", sample_ids=("d", "c")):
    folder.mkdir(exist_ok=True)
    (folder / "train.csv").write_text(train, encoding="utf-8")
    (folder / "test.csv").write_text(test, encoding="utf-8")
    lines = [f"{row_id},0.5,0.5,0.5,0.5,0.5,0.5\n" for row_id in sample_ids]
    (folder / "sample_submission.csv").write_text(HEADER.replace(",comment_text", "") + "".join(lines))
    return folder


def test_multi_line_quoted_texts_and_unlabelled_cells_are_read(tmp_path):
    rows = read_rows(JIGSAW, write_jigsaw(tmp_path))
    assert rows.train["text"].tolist() == ['two\nlines, "quoted"', "plain"]
    assert rows.train["toxic"].tolist() == [1.0, 0.0]
    assert np.isnan(rows.train["identity_hate"].iloc[1])


def test_texts_that_look_like_missing_values_stay_texts(tmp_path):
    rows = read_rows(JIGSAW, write_jigsaw(tmp_path, HEADER + "1,NA,1,0,0,0,0,0\n02,null,0,0,0,0,0,0\n"))
    assert rows.train["text"].tolist() == ["NA", "null"]
    assert rows.train["id"].tolist() == ["1", "02"]


def test_zipped_files_give_the_same_rows(tmp_path):
    plain, packed = write_jigsaw(tmp_path / "plain"), tmp_path / "packed"
    packed.mkdir()
    for path in plain.iterdir():
        with zipfile.ZipFile(packed / f"{path.name}.zip", "w") as archive:
            archive.write(path, path.name)
    assert read_rows(JIGSAW, plain).checksums() == read_rows(JIGSAW, packed).checksums()


def test_template_keeps_the_order_of_the_sample_submission(tmp_path):
    assert read_rows(JIGSAW, write_jigsaw(tmp_path)).template.tolist() == ["d", "c"]


def test_unscored_test_labels_are_nan(tmp_path):
    write_jigsaw(tmp_path)
    (tmp_path / "test_labels.csv").write_text(
        HEADER.replace(",comment_text", "") + "c,1,0,0,0,0,0\nd,-1,-1,-1,-1,-1,-1\n"
    )
    labels = read_rows(JIGSAW, tmp_path).test_labels
    assert labels["toxic"].iloc[0] == 1.0
    assert labels.drop(columns="id").iloc[1].isna().all()


def test_reviews_without_ids_get_stable_distinct_ones(tmp_path):
    (tmp_path / "IMDB Dataset.csv").write_text(
        "review,sentiment\ngood,positive\nbad,negative\ngood,positive\n", encoding="utf-8"
    )
    rows = read_rows(IMDB, tmp_path)
    assert rows.train["id"].is_unique
    assert rows.train["positive"].tolist() == [1.0, 0.0, 1.0]
    assert stable_ids(pd.Series(["good"]))[0] == rows.train["id"][0]
    assert rows.test is None


def test_review_folders_give_the_official_split(tmp_path):
    for split in ("train", "test"):
        for name in ("pos", "neg"):
            folder = tmp_path / "aclImdb" / split / name
            folder.mkdir(parents=True)
            (folder / "0_9.txt").write_text(f"{split} {name}", encoding="utf-8")
    rows = read_rows(IMDB, find_data(IMDB, str(tmp_path)))
    assert rows.train["text"].tolist() == ["train neg", "train pos"]
    assert rows.test["id"].tolist() == ["test/neg/0_9", "test/pos/0_9"]
    assert rows.test_labels["positive"].tolist() == [0.0, 1.0]


def test_extra_rows_may_know_some_labels_only(tmp_path):
    path = tmp_path / "extra.csv"
    path.write_text("comment_text,toxic\nhello,1\nbye,-1\n")
    extra = read_extra(path, JIGSAW)
    assert list(extra.columns) == ["id", "text", *JIGSAW.labels]
    assert extra["toxic"].iloc[0] == 1.0
    assert extra["toxic"].isna().tolist() == [False, True]
    assert extra["insult"].isna().all()


def test_misspelt_label_of_extra_rows_is_refused_and_missing_ones_are_told(tmp_path, capsys):
    path = tmp_path / "extra.csv"
    path.write_text("comment_text,toxik,insult\none,1,0\n")
    with pytest.raises(
        InputError, match=r"column 'toxik' is no label \(did you mean 'toxic'\?\); rename it, or leave"
    ):
        read_extra(path, JIGSAW)
    path.write_text("comment_text,toxic,source\none,1,web\n")
    read_extra(path, JIGSAW)
    assert (
        "extra.csv: has no severe_toxic, obscene, threat, insult, identity_hate; these"
        in capsys.readouterr().err
    )


def test_ids_in_a_column_of_another_spelling_are_told(tmp_path, capsys):
    path = tmp_path / "extra.csv"
    path.write_text("ID,comment_text,toxic\na,one,1\n")
    assert read_extra(path, replace(JIGSAW, id_column=None))["id"].tolist() != ["a"]
    assert "column 'ID' is not read as ids; rename it to 'id'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("train", "expected"),
    [
        (HEADER + 'a,"x\ny",1,0,0,0,1,0\nb,z,2,0,0,0,0,0\n', r"train\.csv, line 4: column 'toxic' is '2'"),
        (HEADER + "a,x,yes,0,0,0,1,0\n", "line 2: column 'toxic' is 'yes', expected 0, 1, or -1"),
        (HEADER + "a,x,1,0,0,0,1,0\na,y,1,0,0,0,1,0\n", "line 3: id 'a' is repeated"),
        (HEADER + ",x,1,0,0,0,1,0\n", "line 2: the id is empty"),
        (HEADER + '"a\n",x,1,0,0,0,1,0\n', r"line 2: id 'a\\n' holds a line break"),
        (
            HEADER.replace("threat", "treat") + "a,x,1,0,0,0,1,0\n",
            r"'threat' is missing \(did you mean 'treat'",
        ),
        (HEADER, "header but no rows"),
        (HEADER + "a,x,-1,-1,-1,-1,-1,-1\n", "no row has a label of toxic, severe_toxic"),
        (HEADER + "a,x,0.5,0,0,0,1,0\n", "line 2: column 'toxic' is '0.5', expected 0, 1, or -1"),
        (HEADER + "a,x,nan,0,0,0,1,0\n", "line 2: column 'toxic' is 'nan', expected 0, 1, or -1"),
        (HEADER + "c,x,1,0,0,0,1,0\n", r"train\.csv: id 'c' is in .*test\.csv too \(1 such ids\)"),
    ],
)
def test_bad_training_files_are_refused_with_the_place(tmp_path, train, expected):
    with pytest.raises(InputError, match=expected):
        read_rows(JIGSAW, write_jigsaw(tmp_path, train))


def test_template_ids_that_are_not_test_ids_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"id 'e' is not in .*test.csv"):
        read_rows(JIGSAW, write_jigsaw(tmp_path, sample_ids=("c", "e")))


def test_unknown_sentiment_is_refused(tmp_path):
    (tmp_path / "IMDB Dataset.csv").write_text("review,sentiment\ngood,Positive\n")
    with pytest.raises(InputError, match="'Positive', expected negative or positive"):
        read_rows(IMDB, tmp_path)


def test_data_found_nowhere_names_rules_login_download_and_demo(tmp_path):
    with pytest.raises(InputError) as error:
        find_data(JIGSAW, str(tmp_path))
    parts = ("jigsaw-toxic-comment-classification-challenge/rules", "kaggle auth login")
    for part in (*parts, "kaggle competitions download jigsaw-toxic-comment", "make demo"):
        assert part in str(error.value)
    with pytest.raises(InputError) as error:  # a dataset has no rules to accept
        find_data(IMDB, str(tmp_path))
    assert "rules" not in str(error.value)


def test_checksum_sees_a_changed_label_text_and_order(tmp_path):
    first = read_rows(JIGSAW, write_jigsaw(tmp_path)).checksums()["train"]
    for changed in (
        TRAIN.replace("plain,0", "plain,1"),
        TRAIN.replace("plain", "plain."),
        TRAIN.replace("b,plain", "c2,plain"),
    ):
        assert read_rows(JIGSAW, write_jigsaw(tmp_path, changed)).checksums()["train"] != first


def write_reviews(folder, parts=("train/pos", "train/neg", "test/pos", "test/neg")):
    for part in parts:
        (folder / "aclImdb" / part).mkdir(parents=True)
        (folder / "aclImdb" / part / "0_9.txt").write_text(f"a review of {part}")
    return folder


@pytest.mark.parametrize("missing", ["train/pos", "train/neg", "test/pos", "test/neg"])
def test_review_folders_with_a_class_missing_are_refused(tmp_path, missing):
    parts = {"train/pos", "train/neg", "test/pos", "test/neg"} - {missing}
    data = find_data(IMDB, str(write_reviews(tmp_path, parts)))
    with pytest.raises(InputError, match=f"{missing}: holds no texts"):
        read_rows(IMDB, data)


@pytest.mark.parametrize(
    ("content", "expected"), [(b"\xff\xfe", "is not UTF-8"), (b"a\0b", "holds a NUL byte")]
)
def test_unreadable_review_is_named(tmp_path, content, expected):
    (write_reviews(tmp_path) / "aclImdb/train/pos/1_8.txt").write_bytes(content)
    with pytest.raises(InputError, match=f"1_8.txt: {expected}"):
        read_rows(IMDB, tmp_path)


def test_training_rows_alone_are_enough_but_a_test_file_that_was_lost_is_missed(tmp_path):
    write_jigsaw(tmp_path)
    (tmp_path / "test.csv").unlink()
    with pytest.raises(InputError, match=r"test\.csv: is missing, but sample_submission\.csv exists"):
        read_rows(JIGSAW, tmp_path)
    (tmp_path / "sample_submission.csv").unlink()
    assert read_rows(JIGSAW, tmp_path).test is None


def test_folder_in_place_of_a_file_is_refused(tmp_path):
    write_jigsaw(tmp_path)
    (tmp_path / "test.csv").unlink()
    (tmp_path / "test.csv").mkdir()
    with pytest.raises(InputError, match=r"test\.csv: cannot be read \(Is a directory"):
        read_rows(JIGSAW, tmp_path)
