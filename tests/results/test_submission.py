import shutil

import numpy as np
import pandas as pd
import pytest

from pooled_bert.base.errors import InputError
from pooled_bert.base.files import file_checksum, read_json
from pooled_bert.benchmarks.jigsaw import JIGSAW
from pooled_bert.results.submission import submission_of_predictions, submission_table, write_submission

TEMPLATE = pd.Series(["c", "a", "b"], name="id")


def predictions():
    table = pd.DataFrame({"id": ["a", "b", "c"]})
    return table.assign(**{label: [0.1, 0.2, 0.3] for label in JIGSAW.labels})


def test_ids_that_look_like_formulas_stay_as_they_are(tmp_path):
    ids = pd.Series(["=1+1", "+a", "-b", "@c"], name="id")
    predictions = pd.DataFrame({"id": ids, **dict.fromkeys(JIGSAW.labels, 0.5)})
    write_submission(tmp_path / "x.csv", submission_table(predictions, ids, JIGSAW), {})
    written = pd.read_csv(tmp_path / "x.csv", dtype={"id": str})
    assert written["id"].tolist() == ids.tolist()


def test_ids_order_and_columns_are_the_templates():
    table = submission_table(
        predictions()[["threat", "id", *JIGSAW.labels[:3], *JIGSAW.labels[4:]]], TEMPLATE, JIGSAW
    )
    assert list(table.columns) == ["id", *JIGSAW.labels]
    assert table["id"].tolist() == ["c", "a", "b"]
    assert table["threat"].tolist() == [0.3, 0.1, 0.2]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda table: table.iloc[:2], "1 ids of the submission are missing, first 'c'"),
        (lambda table: pd.concat([table, table.iloc[:1]]), "id 'a' is repeated"),
        (lambda table: pd.concat([table, table.iloc[:1].assign(id="z")]), "1 ids are not of the submission"),
        (lambda table: table.assign(threat=[0.1, np.nan, 0.2]), "threat of id 'b' is nan"),
        (lambda table: table.assign(toxic=[np.inf, 0.1, 0.2]), "toxic of id 'a' is inf"),
        (lambda table: table.assign(toxic=[0.1, 0.1, 1.01]), "toxic of id 'c' is 1.01"),
        (lambda table: table.assign(toxic=[0.1, 0.1, -0.01]), "toxic of id 'c' is -0.01"),
        (lambda table: table.drop(columns="insult"), "predictions have columns"),
    ],
)
def test_what_cannot_be_submitted_is_refused_with_the_reason(change, expected):
    with pytest.raises(InputError, match=expected):
        submission_table(change(predictions()), TEMPLATE, JIGSAW)


def test_provenance_names_the_file_by_its_checksum(tmp_path):
    path = tmp_path / "x.csv"
    write_submission(path, predictions(), {"blend": "mean"})
    written = read_json(tmp_path / "x.json")
    assert written == {"file": "x.csv", "sha256": file_checksum(path), "blend": "mean"}


def test_only_submissions_are_replaced_by_one_whole_or_not(tmp_path):
    for name in ("table.csv", "settings.json"):
        (tmp_path / name).write_text("{}")
        with pytest.raises(InputError, match=f"{name}: was not made by this command, so it is not replaced"):
            write_submission((tmp_path / name).with_suffix(".csv"), predictions(), {})
        assert (tmp_path / name).read_text() == "{}"
    path = tmp_path / "x.csv"
    for _ in range(2):
        write_submission(path, predictions(), {})
    path.unlink()  # as a kill between the two files leaves them
    write_submission(path, predictions(), {})
    assert read_json(tmp_path / "x.json")["sha256"] == file_checksum(path)


def test_predictions_alone_make_a_submission_in_their_order():
    table = submission_of_predictions(predictions(), JIGSAW)
    assert list(table["id"]) == ["a", "b", "c"]
    with pytest.raises(InputError, match=r"toxic of id 'b' is 2\.0"):
        submission_of_predictions(predictions().assign(toxic=[0.1, 2.0, 0.3]), JIGSAW)


def test_runs_make_the_same_submission_where_the_data_are_not(
    tiny_run, sample, tmp_path, run_command, monkeypatch
):
    shutil.copytree(tiny_run, tmp_path / "folds/jigsaw/runs/bert")
    place = ("--workspace", tmp_path, "--run", "bert")
    run_command("make_submission.py", *place, "--data", sample, "--name", "with")
    monkeypatch.setattr("pooled_bert.data.rows.usual_data_folders", lambda benchmark: [tmp_path / "none"])
    result = run_command("make_submission.py", *place, "--name", "without")
    assert "ids are those of the test predictions" in result.stderr
    assert "bert: mean AUC ." in result.stdout.replace("0.", ".")
    there, here = (pd.read_csv(tmp_path / f"submissions/{name}.csv") for name in ("with", "without"))
    assert here.set_index("id").loc[there["id"]].equals(there.set_index("id"))
    refused = run_command("make_submission.py", *place, "--weights", "greedy", status=2)
    assert "--weights greedy: needs the labels of the training rows; give --data" in refused.stderr
    missing = run_command("make_submission.py", "--workspace", tmp_path, "--run", "nothing", status=2)
    assert "kaggle competitions download" in missing.stderr
