"""Files that kernels need, as Kaggle datasets: under names of which Kaggle unpacks nothing."""

import shutil
import tarfile
import tempfile
from datetime import timedelta
from pathlib import Path

from ..base.errors import InputError
from ..runs.finished_runs import read_run
from .connection import Connection, Refused

SERVICE = "datasets.DatasetApiService"
KEPT = ".kept"  # added to the names of archives, which Kaggle would unpack
EXTRA, FOLDS = "extra.csv", "folds.tar" + KEPT
LICENSE = "other"  # the dataset is private
LONGEST_PROCESSING = timedelta(hours=2)
ARCHIVES = (".whl", ".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".zst")


def upload_folder(connection: Connection, folder: Path, name: str) -> str:
    """Upload the files of a folder as a private dataset, or as its next version; returns ``owner/name``.

    Archives get the ending KEPT. Raises InputError if the folder holds no file, or if Kaggle refuses it.
    """
    files = sorted(path for path in folder.iterdir() if path.is_file())
    if not files:
        raise InputError(f"{folder}: holds no file to upload")
    owner = connection.owner()
    tokens = [_upload(connection, path) for path in files]
    answer = _version(connection, owner, name, tokens) if _status(connection, owner, name) else None
    answer = answer or _create(connection, owner, name, tokens)
    if answer.get("error") or str(answer.get("status")).lower() == "error":
        raise InputError(f"{owner}/{name}: was not uploaded; Kaggle reports: {answer.get('error')}")
    _wait_until_ready(connection, owner, name)
    return f"{owner}/{name}"


def upload_file(connection: Connection, path: Path, name: str) -> str:
    """Upload the rows of --extra as a dataset; returns ``owner/name``."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copyfile(path, Path(folder) / EXTRA)
        return upload_folder(connection, Path(folder), name)


def upload_run(connection: Connection, run_folder: Path, name: str) -> str:
    """Upload the finished folds of a run, without models, for --pseudo; returns ``owner/name``.

    Raises InputError if a fold is damaged.
    """
    run = read_run(run_folder)
    place = Path(*run_folder.parts[-4:])  # folds/<benchmark>/runs/<run>
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(Path(folder) / FOLDS, "w") as archive:
            for fold in run.folds:
                for path in sorted((run_folder / f"fold_{fold.fold}").glob("*.*")):
                    archive.add(path, place / path.parent.name / path.name)
        return upload_folder(connection, Path(folder), name)


def kept_name(name: str) -> str:
    """Return the name under which Kaggle leaves a file alone."""
    return name + KEPT if name.endswith(ARCHIVES) else name


def _upload(connection: Connection, path: Path) -> str:
    """Upload one file; returns Kaggle's token for it."""
    from kagglesdk.blobs.types.blob_api_service import ApiBlobType, ApiStartBlobUploadRequest

    request = ApiStartBlobUploadRequest()
    request.type, request.name = ApiBlobType.DATASET, kept_name(path.name)
    request.content_length = path.stat().st_size
    request.last_modified_epoch_seconds = int(path.stat().st_mtime)
    answer = connection.call("blobs.BlobApiService", "StartBlobUpload", request)
    if not (answer.get("token") and answer.get("createUrl")):
        raise InputError(f"{path}: was not uploaded; Kaggle's answer is {answer}")
    connection.upload(path, str(answer["createUrl"]))
    return str(answer["token"])


def _status(connection: Connection, owner: str, name: str) -> str | None:
    """Return Kaggle's word for the state of a dataset; None if there is none of this name."""
    from kagglesdk.datasets.types.dataset_api_service import ApiGetDatasetStatusRequest

    request = ApiGetDatasetStatusRequest()
    request.owner_slug, request.dataset_slug = owner, name
    try:
        return str(connection.call(SERVICE, "GetDatasetStatus", request).get("status")).lower()
    except Refused as error:
        if error.status in (403, 404):
            return None
        raise


def _wait_until_ready(connection: Connection, owner: str, name: str) -> None:
    """Wait while Kaggle processes a dataset: a kernel that is pushed before lacks it."""
    started = connection.clock.now()
    while (status := _status(connection, owner, name)) != "ready":
        if status in ("failed", "deleted"):
            raise InputError(f"{owner}/{name}: Kaggle could not process the dataset; it is {status}")
        if connection.clock.now() - started > LONGEST_PROCESSING:
            raise InputError(
                f"{owner}/{name}: Kaggle still processes the dataset ({status}); build and run later"
            )
        connection.clock.sleep(10)


def _create(connection: Connection, owner: str, name: str, tokens: list[str]) -> dict:
    from kagglesdk.datasets.types.dataset_api_service import ApiCreateDatasetRequest

    request = ApiCreateDatasetRequest()
    request.owner_slug, request.slug, request.title = owner, name, name.replace("-", " ")
    request.license_name, request.is_private = LICENSE, True
    request.files = _new_files(tokens)
    return connection.call(SERVICE, "CreateDataset", request)


def _version(connection: Connection, owner: str, name: str, tokens: list[str]) -> dict:
    from kagglesdk.datasets.types.dataset_api_service import (
        ApiCreateDatasetVersionRequest,
        ApiCreateDatasetVersionRequestBody,
    )

    request = ApiCreateDatasetVersionRequest()
    request.owner_slug, request.dataset_slug = owner, name
    request.body = ApiCreateDatasetVersionRequestBody()
    request.body.version_notes = "uploaded again"
    request.body.files = _new_files(tokens)
    return connection.call(SERVICE, "CreateDatasetVersion", request)


def _new_files(tokens: list[str]) -> list:
    from kagglesdk.datasets.types.dataset_api_service import ApiDatasetNewFile

    files = [ApiDatasetNewFile() for _ in tokens]
    for file, token in zip(files, tokens, strict=True):
        file.token = token
    return files
