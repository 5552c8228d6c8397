"""Starts this project inside a Kaggle kernel: unpacks the sources, prepares the Python environment, runs the task.

`python src/kaggle_kernels.py build` appends a call of `main` with the task and the sources. This file runs on any
Python that the kernel has, with the standard library only.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from importlib import metadata
from pathlib import Path

# outside the working folder, because all of that becomes the kernel's output
HOME = Path(tempfile.gettempdir()) / "pooled-bert"
INPUT = Path.cwd().parent / "input"
UV = "uv==0.13.9"
KEPT = ".kept"  # the ending of archives in a dataset, without which Kaggle would unpack them
LONGEST_INSTALLATION = 40 * 60  # seconds; 3 minutes are usual


def main(task: dict, sources: dict[str, str]) -> None:
    """Unpack, prepare, run the package's kernels/inside.py, and exit with its status: a failure fails the kernel."""
    unpack(sources, task["checksum"])
    python = prepare_python(HOME / "requirements.txt", HOME / task["lock"])
    libraries = sorted(python.parent.parent.glob("lib/python3.11/site-packages/nvidia/*/lib"))
    existing = [os.environ["LD_LIBRARY_PATH"]] if os.environ.get("LD_LIBRARY_PATH") else []
    environment = {
        **os.environ,
        "LD_LIBRARY_PATH": os.pathsep.join([*map(str, libraries), *existing]),
        "PYTHONPATH": str(HOME / "src"),
        "HF_HUB_DISABLE_XET": "1",  # its downloads have been seen to hang
    }
    command = [str(python), "-m", "pooled_bert.kernels.inside", json.dumps(task)]
    status = subprocess.run(command, env=environment).returncode
    if status:
        sys.exit(status)


def unpack(sources: dict[str, str], checksum: str) -> None:
    """Write the sources to HOME; exit if they differ from what was built."""
    digest = hashlib.sha256(json.dumps(sources, sort_keys=True).encode()).hexdigest()
    if digest != checksum:
        sys.exit("the sources in this script are damaged; build and push it again")
    for name, text in sources.items():
        path = HOME / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def prepare_python(requirements: Path, lock: Path) -> Path:
    """Return the Python to use: this one if it has all pinned packages, else one from a dataset, else one by uv.

    The last two get exactly the packages of ``lock``.
    """
    if is_satisfied(requirements.read_text(encoding="utf-8")):
        return Path(sys.executable)
    archive = next(INPUT.rglob(f"cpython-3.11*.tar.gz{KEPT}"), None)
    return python_from_dataset(archive, lock) if archive else python_by_uv(lock)


def python_from_dataset(archive: Path, lock: Path) -> Path:
    """Unpack the Python of a dataset, and install the wheels beside it; needs no internet."""
    with tarfile.open(archive) as packed:
        packed.extractall(HOME, filter="data")
    wheels = HOME / "wheels"
    shutil.rmtree(wheels, ignore_errors=True)  # of an earlier run of the same notebook
    wheels.mkdir()
    for wheel in archive.parent.glob(f"*.whl{KEPT}"):
        (wheels / wheel.name.removesuffix(KEPT)).symlink_to(wheel)
    python = HOME / "python" / "bin" / "python3"
    run(
        [
            python,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--no-index",
            "--find-links",
            wheels,
            "-r",
            lock,
        ]
    )
    return python


def python_by_uv(lock: Path) -> Path:
    """Make an environment with uv, from the package index."""
    run([sys.executable, "-m", "pip", "install", "--quiet", "--target", HOME / "uv", UV])
    uv, environment = HOME / "uv" / "bin" / "uv", HOME / "environment"
    run([uv, "venv", "--quiet", "--clear", "--python", "3.11", environment])
    python = environment / "bin" / "python"
    run([uv, "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--python", python, "-r", lock])
    return python


def is_satisfied(pins: str) -> bool:
    """Return whether this interpreter has every pinned version."""
    if sys.version_info[:2] != (3, 11):
        return False
    for line in pins.splitlines():
        name, _, version = line.partition("#")[0].strip().partition("==")
        try:
            if name and metadata.version(name) != version:
                return False
        except metadata.PackageNotFoundError:
            return False
    return True


def run(command: list) -> None:
    """Run a command; exit, which fails the kernel, if the command fails or hangs.

    It does not see the image's own settings of uv and pip, which can name files that are not there.
    """
    print("$", *command, flush=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("UV_", "PIP_"))}
    environment |= {"PIP_CONFIG_FILE": os.devnull, "UV_NO_CONFIG": "1"}
    name = Path(command[0]).name
    try:
        status = subprocess.run(
            list(map(str, command)), env=environment, timeout=LONGEST_INSTALLATION
        ).returncode
    except subprocess.TimeoutExpired:
        sys.exit(f"the environment could not be made: {name} hung for {LONGEST_INSTALLATION // 60} minutes")
    if status:
        sys.exit(f"the environment could not be made: {name} ended with status {status}")
