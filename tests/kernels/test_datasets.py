"""What is uploaded to the stand-in of Kaggle, which unpacks archives, arrives in kernels as it left."""

import subprocess
import sys
import tarfile

import pytest
from conftest import ROOT
from kaggle_runs import client_of, finished_fold
from kaggle_server import FakeClock, Kaggle

from pooled_bert.base.errors import InputError
from pooled_bert.base.places import Workspace
from pooled_bert.kernels.clock import Clock
from pooled_bert.kernels.datasets import upload_folder, upload_run
from pooled_bert.kernels.environment import pack_environment
from pooled_bert.kernels.inside import EXTRA, FOLDS, find_dataset, unpack_folds


@pytest.fixture
def kaggle(tmp_path, monkeypatch):
    clock = FakeClock()
    monkeypatch.setattr(Clock, "now", lambda self: clock.now())
    monkeypatch.setattr(Clock, "sleep", lambda self, seconds: clock.sleep(seconds))
    with Kaggle(lambda slug, _: tmp_path) as server:
        server.log_in(monkeypatch, tmp_path)
        yield server


@pytest.mark.parametrize("method", ["StartBlobUpload", "CreateDataset", "GetDatasetStatus"])
@pytest.mark.parametrize("trouble", ["cut", "html", 503])
def test_folder_arrives_whatever_breaks_on_the_way(kaggle, tmp_path, method, trouble):
    folder = tmp_path / "encoder"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "weights.zip").write_bytes(b"not unpacked")
    kaggle.faults = [(method, trouble)]
    assert upload_folder(client_of().connection, folder, "my-encoder") == "someone/my-encoder"
    kaggle.mount("someone/my-encoder", tmp_path / "input" / "my-encoder")
    found = find_dataset(tmp_path / "input", "someone/my-encoder", "config.json")
    assert sorted(path.name for path in found.iterdir()) == ["config.json", "weights.zip.kept"]


def test_second_upload_is_the_next_version(kaggle, tmp_path):
    folder = tmp_path / "encoder"
    folder.mkdir()
    with pytest.raises(InputError, match="holds no file to upload"):
        upload_folder(client_of().connection, folder, "my-encoder")
    for content in ("{}", '{"new": 1}'):
        (folder / "config.json").write_text(content)
        upload_folder(client_of().connection, folder, "my-encoder")
    assert kaggle.requests.count("CreateDatasetVersion") == 1
    assert kaggle.datasets["someone/my-encoder"] == {"config.json": b'{"new": 1}'}


def test_run_for_pseudo_labels_arrives_without_models(kaggle, tmp_path):
    (output,) = finished_fold(tmp_path, "x-fold-1").glob("folds/jigsaw/runs/bert")
    dataset = upload_run(client_of().connection, output, "pseudo")
    kaggle.mount(dataset, tmp_path / "input" / "pseudo")
    workspace = Workspace(tmp_path / "workspace")
    unpack_folds(find_dataset(tmp_path / "input", dataset, FOLDS) / FOLDS, workspace)
    names = sorted(path.name for path in (workspace.run("jigsaw", "bert") / "fold_1").iterdir())
    assert names == ["config.json", "metrics.json", "oof.csv", "test.csv"]


def test_command_uploads_and_says_which_option_uses_it(kaggle, run_command, tmp_path):
    (tmp_path / "config.json").write_text("{}")
    told = run_command("kaggle_kernels.py", "upload", "encoder", tmp_path).stdout
    assert "build with --encoder-dataset someone/pooled-bert-encoder" in told
    rows = tmp_path / "rows.csv"
    rows.write_text("id,comment_text,toxic\nx1,you are a pig,1\n")
    run_command("kaggle_kernels.py", "upload", "extra", rows, "--name", "my-rows")
    assert kaggle.datasets["someone/my-rows"] == {EXTRA: rows.read_bytes()}
    rows.write_text("id,comment_text\nx1,you are a pig\n")
    for what, said in (
        (("extra", rows), "has none of the label columns"),
        (("encoder", tmp_path / "none"), "is not the folder of an encoder"),
        (("pseudo", "nothing"), "has no finished fold"),
        (("extra",), "upload extra: see upload --help"),
        (("environment", "what"), "upload environment: see upload --help"),
    ):
        result = run_command("kaggle_kernels.py", "upload", *what, "--workspace", tmp_path, status=2)
        assert said in result.stderr


def test_environment_is_fetched_for_kaggles_platform_and_packed(tmp_path, monkeypatch):
    """Commands are recorded; that of uv leaves a Python where the real one leaves it."""
    commands = []

    def run(command, **_):
        commands.append(command)
        if "--install-dir" in command:
            folder = command[command.index("--install-dir") + 1]
            python = f"{folder}/cpython-3.11.13-linux-x86_64-gnu/bin"
            subprocess.check_call(["mkdir", "-p", python])
            subprocess.check_call(["touch", f"{python}/python3"])
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr("pooled_bert.kernels.environment.subprocess.run", run)
    monkeypatch.setattr("shutil.which", lambda name: f"/bin/{name}")
    for _ in range(2):
        pack_environment(tmp_path / "packed", gpu=True)
    pip, uv, _ = commands  # Python is fetched once
    assert pip[:4] == [sys.executable, "-m", "pip", "download"]
    assert pip[-2:] == ["-r", str(ROOT / "requirements-cuda.lock")]
    assert {"--require-hashes", "manylinux_2_17_x86_64", "cp311"} <= set(pip)
    assert uv[-1] == "cpython-3.11-linux-x86_64-gnu"
    with tarfile.open(tmp_path / "packed" / "cpython-3.11.13-linux-x86_64-gnu.tar.gz") as archive:
        assert "python/bin/python3" in archive.getnames()


def test_environment_that_cannot_be_fetched_is_told(tmp_path, monkeypatch):
    failed = subprocess.CompletedProcess([], 1, "", "ERROR: first\nERROR: no matching distribution\n")
    monkeypatch.setattr("pooled_bert.kernels.environment.subprocess.run", lambda *_, **__: failed)
    with pytest.raises(InputError, match="pip download failed: ERROR: no matching distribution"):
        pack_environment(tmp_path / "packed", gpu=False)
    monkeypatch.setattr("pooled_bert.kernels.environment._run", lambda command: None)
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(InputError, match="uv is missing"):
        pack_environment(tmp_path / "packed", gpu=False)
