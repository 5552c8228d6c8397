import importlib.util
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from conftest import ROOT
from kaggle_server import Kaggle

from pooled_bert.kernels.datasets import kept_name


@pytest.fixture
def bootstrap(tmp_path, monkeypatch):
    """kernels/bootstrap.py, in a tree of its own, with a record of the commands that it would run."""
    spec = importlib.util.spec_from_file_location("bootstrap", ROOT / "kernels" / "bootstrap.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.HOME, module.INPUT, module.commands = tmp_path / "home", tmp_path / "input", []
    module.INPUT.mkdir()
    module.really_run = module.run
    monkeypatch.setattr(
        module, "run", lambda command: module.commands.append([str(word) for word in command])
    )
    return module


@pytest.fixture
def prepare(bootstrap):
    """Prepare a Python for pins, and a lock beside them."""

    def run(pins):
        bootstrap.HOME.mkdir()
        requirements, lock = bootstrap.HOME / "requirements.txt", bootstrap.HOME / "requirements-cuda.lock"
        requirements.write_text(pins)
        return bootstrap.prepare_python(requirements, lock)

    return run


def test_python_that_has_all_pins_is_used(bootstrap, prepare):
    assert str(prepare((ROOT / "requirements.txt").read_text())) == sys.executable
    assert bootstrap.commands == []


@pytest.mark.parametrize("pins", ["numpy==1.0.0  # too old\n", "a-package-that-is-nowhere==1.0\n"])
def test_other_python_gets_the_locked_packages_by_uv(bootstrap, prepare, pins):
    assert prepare(pins) == bootstrap.HOME / "environment" / "bin" / "python"
    install_uv, make, install = bootstrap.commands
    assert install_uv[-1].startswith("uv==")
    assert make[make.index("--python") + 1] == "3.11"
    assert "--require-hashes" in install
    assert install[-2:] == ["-r", str(bootstrap.HOME / "requirements-cuda.lock")]


def test_dataset_with_python_and_wheels_needs_no_internet(bootstrap, prepare, tmp_path):
    python = tmp_path / "python" / "bin" / "python3"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\n")
    brought = tmp_path / "brought"
    brought.mkdir()
    with tarfile.open(brought / "cpython-3.11.9-linux-x86_64-gnu.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "python", "python")
    with zipfile.ZipFile(brought / "numpy-1.0.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("numpy/__init__.py", "")
    server = Kaggle(lambda slug, _: tmp_path)
    server.datasets["me/plain"] = {path.name: path.read_bytes() for path in brought.iterdir()}
    server.datasets["me/kept"] = {kept_name(path.name): path.read_bytes() for path in brought.iterdir()}
    server.mount("me/plain", tmp_path / "plain")
    assert not list(tmp_path.glob("plain/*.whl"))  # unpacked
    server.mount("me/kept", bootstrap.INPUT / "datasets" / "me" / "kept")
    found = prepare("numpy==1.0.0\n")
    assert found == bootstrap.HOME / "python" / "bin" / "python3"
    assert found.exists()
    (install,) = bootstrap.commands
    assert "--no-index" in install
    wheels = Path(install[install.index("--find-links") + 1])
    assert zipfile.ZipFile(wheels / "numpy-1.0.0-py3-none-any.whl").namelist() == ["numpy/__init__.py"]


def test_settings_of_the_image_do_not_reach_the_installation(bootstrap, monkeypatch, capfd):
    monkeypatch.setattr(bootstrap, "run", bootstrap.really_run)
    monkeypatch.setenv("UV_CONSTRAINT", "/nowhere")
    monkeypatch.setenv("PIP_INDEX_URL", "nowhere")
    bootstrap.run(["env"])
    told = capfd.readouterr().out
    assert "nowhere" not in told
    assert "PIP_CONFIG_FILE=/dev/null" in told


def test_installation_that_hangs_ends_the_kernel(bootstrap):
    bootstrap.LONGEST_INSTALLATION = 0.1
    with pytest.raises(SystemExit, match="sleep hung for"):
        bootstrap.really_run(["sleep", "60"])


def test_command_that_fails_ends_the_kernel(bootstrap):
    with pytest.raises(SystemExit, match="the environment could not be made: false ended with status 1"):
        bootstrap.really_run(["false"])
