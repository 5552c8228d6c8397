import shutil

import numpy as np
import pytest
from conftest import table_of

from pooled_bert.benchmarks.jigsaw import JIGSAW
from pooled_bert.data.rows import Rows
from pooled_bert.results.data_check import find_repeats, repeats_table, suspicious_labels
from pooled_bert.results.fold_scores import FoldScores

LONG = "this is a rather long comment about the history of the railway station in a small town"


def rows_of(train, labels, test):
    table = table_of(train, np.pad(np.array([labels], float).T, ((0, 0), (0, 5))), JIGSAW.labels)
    return Rows(JIGSAW, table, table_of(test, names=()), None, None, made_up=True)


def test_repeats_contradictions_and_rows_of_the_test_table_are_counted():
    rows = rows_of(["Same text", "same text!", "other", LONG], [1, 0, 0, 0], ["OTHER", "new", LONG + "ship"])
    by_key, near = find_repeats(rows, JIGSAW, None), find_repeats(rows, JIGSAW, 0.8)
    assert by_key.n_repeated == near.n_repeated == 1
    assert by_key.contradicting.tolist() == [0, 1]
    assert by_key.in_test.tolist() == [2]
    assert near.in_test.tolist() == [2, 3]
    table = repeats_table({"key": by_key, "near": near})
    assert table.loc["near"].tolist() == [1, 2, 2]


def test_suspicious_labels_name_their_rows():
    rows = rows_of([f"text {number}" for number in range(6)], [1, 1, 0, 0, 0, 0], [])
    labels = rows.train[list(JIGSAW.labels)].to_numpy(float)
    scores = labels * 0.9
    scores[4, 0] = 0.99
    order = np.array([3, 4, 0, 1, 2, 5])
    table = suspicious_labels(FoldScores(-1, order, labels[order], scores[order]), rows.train, JIGSAW)
    assert table[["id", "label", "given"]].to_numpy().tolist() == [["r00004", "toxic", 0]]
    assert table["text"].tolist() == ["text 4"]


def test_ids_and_texts_that_a_spreadsheet_would_calculate_get_an_apostrophe():
    rows = rows_of(["=1+1", "plain", "@a", "x=1"], [0, 0, 0, 0], [])
    rows.train["id"] = ["-a", "+b", "c", "=d"]
    labels = rows.train[list(JIGSAW.labels)].to_numpy(float)
    labels[3, 0] = 1
    scores = labels * 0.9
    scores[:3, 0] = 0.99
    table = suspicious_labels(FoldScores(-1, np.arange(4), labels, scores), rows.train, JIGSAW)
    found = dict(zip(table["id"], table["text"], strict=True))
    assert found == {"'-a": "'=1+1", "'+b": "plain", "c": "'@a", "'=d": "x=1"}


@pytest.fixture(scope="module")
def finished(sample, tmp_path_factory, run_command):
    folder = tmp_path_factory.mktemp("check")
    options = ("--data", sample, "--workspace", folder)
    run_command("train_folds.py", *options, "--model", "linear", "--n-folds", 2)
    return options


def test_command_prints_counts_and_writes_the_labels(finished, run_command):
    said = run_command("check_data.py", *finished, "--run", "linear").stdout
    assert "same key (they share a fold)" in said
    assert "near-duplicates (with --near-duplicates 0.8, they do too)" in said
    path = finished[-1] / "folds" / "jigsaw" / "report" / "linear-suspicious-labels.csv"
    assert path.read_text().splitlines()[0] == "id,label,given,probability of the opposite,text"
    without = run_command("check_data.py", *finished, "--similarity", 0.9)
    assert "give --run NAME" in without.stderr


def test_command_names_the_folds_that_it_judges_if_some_are_missing(finished, run_command, tmp_path):
    shutil.copytree(finished[-1], tmp_path, dirs_exist_ok=True)
    shutil.rmtree(tmp_path / "folds/jigsaw/runs/linear/fold_1")
    said = run_command("check_data.py", *finished[:-1], tmp_path, "--run", "linear").stderr
    assert "note: not all folds of run 'linear' are finished; only fold 0 is used" in said


def test_command_refuses_a_similarity_that_is_none(finished, run_command):
    assert (
        "--similarity is 0.5" in run_command("check_data.py", *finished, "--similarity", 0.5, status=2).stderr
    )
