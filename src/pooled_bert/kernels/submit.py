"""Submissions to a competition, and their scores."""

import logging
from pathlib import Path
from typing import TypedDict

from ..base.errors import InputError
from ..base.files import file_checksum, read_json
from ..benchmarks.benchmark import Benchmark
from .connection import Connection, Unanswered

SERVICE = "competitions.CompetitionApiService"
MOST_ATTEMPTS = 3
PAUSE = 60.0  # seconds until Kaggle lists a submission


class _Run(TypedDict):
    name: str


class Record(TypedDict):
    """What the file beside a submission says, as far as it is read here."""

    made_up: bool
    blend: str
    runs: list[_Run]
    oof_mean_auc: float | None


log = logging.getLogger(__name__)


def message_for(path: Path, given: str | None = None) -> str:
    """Return the message beside a submission: the one that is given, or the blend, its runs and its score.

    The last three are read from the file beside ``path``. Raises InputError if the rows were made up.
    """
    record = read_json(path.with_suffix(".json"), Record, remedy="make the submission again")
    if record["made_up"]:
        raise InputError(f"{path}: was made from made-up rows, so it is not submitted; leave out --submit")
    runs = ", ".join(run["name"] for run in record["runs"])
    score = record["oof_mean_auc"]
    return given or f"{record['blend']} of {runs}" + ("" if score is None else f": {score:.4f} out of fold")


def submit(connection: Connection, path: Path, benchmark: Benchmark, message: str) -> str:
    """Submit a file; returns the message that Kaggle shows beside it, which ends with the start of its checksum.

    A file that was submitted with this message is not submitted again. Raises InputError if there is no competition, or
    if Kaggle refuses the file.
    """
    if benchmark.competition is None:
        raise InputError(f"{benchmark.title} has no competition to submit to; leave out --submit")
    message = f"{message} [{file_checksum(path)[:8]}]"
    for _ in range(MOST_ATTEMPTS):
        if _find(connection, benchmark.competition, message) is not None:
            return message
        try:
            _send(connection, path, benchmark.competition, message)
            return message
        except Unanswered as error:
            log.warning("%s: submitted, but %s", path, error)
            connection.clock.sleep(PAUSE)
    raise InputError(f"{path}: Kaggle did not confirm the submission; look at the competition's page")


def wait_for_score(connection: Connection, benchmark: Benchmark, message: str, *, poll_seconds: float) -> str:
    """Wait until Kaggle has scored the submission with this message; returns its scores in words.

    Raises InputError if Kaggle cannot score it.
    """
    while True:
        found = _find(connection, str(benchmark.competition), message) or {}
        status = str(found.get("status")).upper().removeprefix("SUBMISSION_STATUS_")
        if status == "ERROR":
            raise InputError(
                f"Kaggle could not score the submission: {found.get('errorDescription') or 'no reason given'}"
            )
        scores = [
            f"{found[f'{name}Score']} ({name})" for name in ("public", "private") if found.get(f"{name}Score")
        ]
        if status == "COMPLETE":
            if benchmark.medals and found.get("privateScore"):
                scores.append(benchmark.medals.named(float(found["privateScore"])))
            return ", ".join(scores) or "no score is shown"
        connection.clock.sleep(poll_seconds)


def _find(connection: Connection, competition: str, message: str) -> dict | None:
    """Return the submission with this message among the newest ones; None if there is none."""
    from kagglesdk.competitions.types.competition_api_service import ApiListSubmissionsRequest

    request = ApiListSubmissionsRequest()
    request.competition_name = competition
    answer = connection.call(SERVICE, "ListSubmissions", request)
    entries = [entry for entry in answer.get("submissions") or [] if isinstance(entry, dict)]
    return next((entry for entry in entries if entry.get("description") == message), None)


def _send(connection: Connection, path: Path, competition: str, message: str) -> None:
    from kagglesdk.competitions.types.competition_api_service import (
        ApiCreateSubmissionRequest,
        ApiStartSubmissionUploadRequest,
    )

    start = ApiStartSubmissionUploadRequest()
    start.competition_name, start.file_name = competition, path.name
    start.content_length, start.last_modified_epoch_seconds = path.stat().st_size, int(path.stat().st_mtime)
    answer = connection.call(SERVICE, "StartSubmissionUpload", start)
    if not (answer.get("createUrl") and answer.get("token")):
        raise Unanswered(f"Kaggle's answer is {answer}")
    connection.upload(path, str(answer["createUrl"]))
    request = ApiCreateSubmissionRequest()
    request.competition_name, request.submission_description = competition, message
    request.blob_file_tokens = str(answer["token"])
    connection.call(SERVICE, "CreateSubmission", request, is_repeatable=False)
