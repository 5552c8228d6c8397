import numpy as np
import pandas as pd
import pytest

from pooled_bert.base.errors import InputError
from pooled_bert.base.files import file_checksum, read_json
from pooled_bert.benchmarks.imdb import IMDB
from pooled_bert.benchmarks.jigsaw import JIGSAW
from pooled_bert.results.submission import submission_table, submit, write_submission

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


def test_benchmark_without_a_competition_cannot_be_submitted(tmp_path):
    with pytest.raises(InputError, match="no competition"):
        submit(tmp_path / "x.csv", IMDB, "message")


@pytest.mark.parametrize(
    ("says", "taken"), [("Successfully submitted to X", True), ("400 - Bad Request", False)]
)
def test_submission_is_believed_only_when_the_client_says_so(tmp_path, monkeypatch, capsys, says, taken):
    client = tmp_path / "kaggle"
    client.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/arguments\necho "{says}"\n')  # exits 0 either way
    client.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    if taken:
        submit(tmp_path / "x.csv", JIGSAW, "my words")
        assert says in capsys.readouterr().out
    else:
        with pytest.raises(InputError, match="did not confirm"):
            submit(tmp_path / "x.csv", JIGSAW, "my words")
    arguments = (tmp_path / "arguments").read_text()
    assert arguments == f"competitions submit -c {JIGSAW.competition} -f {tmp_path}/x.csv -m my words\n"
