"""Submissions to the stand-in of Kaggle: once each, whatever happens on the way."""

import pytest
from kaggle_runs import client_of
from kaggle_server import Kaggle

from pooled_bert.base.errors import InputError
from pooled_bert.base.files import file_checksum
from pooled_bert.benchmarks.imdb import IMDB
from pooled_bert.benchmarks.jigsaw import JIGSAW
from pooled_bert.kernels.submit import submit, wait_for_score


@pytest.fixture
def kaggle(tmp_path, monkeypatch):
    with Kaggle(lambda slug, _: tmp_path) as server:
        server.log_in(monkeypatch, tmp_path)
        yield server


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("id,toxic\na,0.5\n")
    return path


@pytest.mark.parametrize("trouble", [None, "cut", "cut after", "html", 503])
def test_file_is_submitted_once_and_its_score_waited_for(kaggle, path, trouble):
    kaggle.faults = [("CreateSubmission", trouble)] if trouble else []
    connection = client_of().connection
    message = submit(connection, path, JIGSAW, "my words")
    assert message == f"my words [{file_checksum(path)[:8]}]"
    (entry,) = kaggle.submissions
    assert entry["content"] == path.read_bytes()
    assert entry["fileName"] == "x.csv"
    score = wait_for_score(connection, JIGSAW, message, poll_seconds=60)
    assert score == "0.98123 (public), 0.98045 (private), no medal (bronze from 0.98639)"
    submit(connection, path, JIGSAW, "my words")  # the command was started again
    assert len(kaggle.submissions) == 1


def test_file_that_kaggle_cannot_score_is_told(kaggle, path):
    connection = client_of().connection
    message = submit(connection, path, JIGSAW, "my words")
    kaggle.submissions[0] |= {"status": "ERROR", "errorDescription": "ids are missing"}
    with pytest.raises(InputError, match="could not score the submission: ids are missing"):
        wait_for_score(connection, JIGSAW, message, poll_seconds=60)


def test_refused_file_is_told_with_kaggles_words(kaggle, path):
    kaggle.faults = [("CreateSubmission", "other shape")]
    with pytest.raises(InputError, match="the other words"):
        submit(client_of().connection, path, JIGSAW, "my words")


def test_benchmark_without_a_competition_cannot_be_submitted(kaggle, path):
    with pytest.raises(InputError, match="no competition"):
        submit(client_of().connection, path, IMDB, "message")
