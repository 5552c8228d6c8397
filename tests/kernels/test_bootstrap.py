import importlib.util
import sys
import tarfile

import pytest
from conftest import ROOT


@pytest.fixture
def bootstrap(tmp_path, monkeypatch):
    """kernels/bootstrap.py, in a tree of its own, with a record of the commands that it would run."""
    spec = importlib.util.spec_from_file_location("bootstrap", ROOT / "kernels" / "bootstrap.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.HOME, module.INPUT, module.commands = tmp_path / "home", tmp_path / "input", []
    module.INPUT.mkdir()
    monkeypatch.setattr(
        module, "run", lambda command: module.commands.append([str(word) for word in command])
    )
    return module


def requirements(bootstrap, text):
    bootstrap.HOME.mkdir()
    path = bootstrap.HOME / "requirements.txt"
    path.write_text(text)
    return path


def test_python_that_has_all_pins_is_used(bootstrap):
    path = requirements(bootstrap, (ROOT / "requirements.txt").read_text())
    assert str(bootstrap.prepare_python(path, with_cuda=True)) == sys.executable
    assert bootstrap.commands == []


@pytest.mark.parametrize("pins", ["numpy==1.0.0  # too old\n", "a-package-that-is-nowhere==1.0\n"])
def test_other_python_gets_an_environment_by_uv(bootstrap, pins):
    path = requirements(bootstrap, pins)
    assert (
        bootstrap.prepare_python(path, with_cuda=False) == bootstrap.HOME / "environment" / "bin" / "python"
    )
    install_uv, make, install = bootstrap.commands
    assert install_uv[-1] == "uv"
    assert make[make.index("--python") + 1] == "3.11"
    assert install[-2:] == ["-r", str(path)]


def test_gpu_gets_cuda_libraries_of_tensorflows_own(bootstrap):
    path = requirements(bootstrap, "tensorflow==1.0\ntensorflow-addons==0.1\n")
    bootstrap.prepare_python(path, with_cuda=True)
    assert path.read_text() == "tensorflow[and-cuda]==1.0\ntensorflow-addons==0.1\n"


def test_dataset_with_python_and_wheels_needs_no_internet(bootstrap, tmp_path):
    path = requirements(bootstrap, "numpy==1.0.0\n")
    python = tmp_path / "python" / "bin" / "python3"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\n")
    dataset = bootstrap.INPUT / "datasets" / "someone" / "wheels"
    dataset.mkdir(parents=True)
    with tarfile.open(
        dataset / "cpython-3.11.9-x86_64-unknown-linux-gnu-install_only.tar.gz", "w:gz"
    ) as archive:
        archive.add(tmp_path / "python", "python")
    found = bootstrap.prepare_python(path, with_cuda=False)
    assert found == bootstrap.HOME / "python" / "bin" / "python3"
    assert found.exists()
    (install,) = bootstrap.commands
    assert "--no-index" in install
    assert install[install.index("--find-links") + 1] == str(dataset)


def test_command_that_fails_ends_the_kernel(bootstrap, monkeypatch):
    monkeypatch.undo()
    with pytest.raises(SystemExit, match="the environment could not be made: false ended with status 1"):
        bootstrap.run(["false"])
