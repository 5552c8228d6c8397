"""The package as pip installs it: what is in it, and what works without a checkout around it."""

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT

from pooled_bert.predict.predictor import load_predictor


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A wheel built from a copy of the checkout, without the network: TensorFlow brings setuptools and wheel."""
    folder = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "requirements.txt"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    command = "-m pip wheel --quiet --no-build-isolation --no-deps --wheel-dir dist ."
    subprocess.run([sys.executable, *command.split()], cwd=folder, check=True)
    (path,) = (folder / "dist").glob("*.whl")
    return zipfile.ZipFile(path)


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """A folder that holds what the wheel installs."""
    folder = tmp_path_factory.mktemp("site-packages")
    wheel.extractall(folder)
    return folder


def run(code, installed):
    """Return what code prints, run outside the checkout."""
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(installed)!r})\n{code}"]
    return subprocess.check_output(command, cwd=installed.parent, text=True)


def test_wheel_holds_the_whole_package_and_no_command(wheel):
    package = ROOT / "src" / "pooled_bert"
    kinds = (".py", ".html", ".css", ".js")
    files = {path.relative_to(ROOT / "src").as_posix() for path in package.rglob("*") if path.suffix in kinds}
    found = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert found == files


def test_wheel_needs_what_requirements_txt_pins(wheel):
    (metadata,) = (name for name in wheel.namelist() if name.endswith("/METADATA"))
    lines = wheel.read(metadata).decode().splitlines()
    needed = [line.removeprefix("Requires-Dist: ") for line in lines if line.startswith("Requires-Dist: ")]
    pins = [line.partition("#")[0].strip() for line in (ROOT / "requirements.txt").read_text().splitlines()]
    assert needed == [pin for pin in pins if pin]
    assert "Requires-Python: <3.12,>=3.11" in lines


def test_importing_the_installed_package_loads_no_library(installed):
    file, loaded = run(
        "import pooled_bert\n"
        "print(pooled_bert.__file__, sorted({'numpy', 'tensorflow', 'transformers'} & set(sys.modules)))",
        installed,
    ).split(" ", 1)
    assert Path(file).parent.parent == installed
    assert loaded.strip() == "[]"


WITHOUT_CHECKOUT = """
from pooled_bert.base.environment import revision
from pooled_bert.base.errors import InputError
from pooled_bert.base.places import TEMPLATES, Workspace, command, usual_data_folders
print(revision(), (TEMPLATES / "report.html").is_file())
for call in (Workspace, lambda: command("report.py"), lambda: usual_data_folders("jigsaw")):
    try:
        call()
    except InputError as error:
        print(error)
"""


def test_installed_package_says_what_needs_a_checkout(installed):
    first, *refusals = run(WITHOUT_CHECKOUT, installed).splitlines()
    assert first == "unknown True"
    assert len(refusals) == 3
    assert all("only predicts (load_predictor)" in refusal for refusal in refusals)


PROGRAM = """
import tensorflow as tf
tf.keras.layers.Dense(2)(tf.zeros([1, 2]))
from pooled_bert import load_predictor
print(load_predictor({!r}, [0]).predict_proba(["one two"]).tolist())
tf.random.normal([1])  # would be refused without a seed if operations had become deterministic
"""


@pytest.mark.slow
def test_installed_package_predicts_in_a_program_that_used_tensorflow_before(installed, tiny_run):
    found = json.loads(run(PROGRAM.format(str(tiny_run)), installed))
    np.testing.assert_allclose(found, load_predictor(tiny_run, [0]).predict_proba(["one two"]), atol=1e-5)
