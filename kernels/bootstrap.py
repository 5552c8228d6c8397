"""Starts this project inside a Kaggle kernel: unpacks the sources, prepares the Python environment, runs the task.

`python src/kaggle_kernels.py build` appends a call of `main` with the task and the sources. This file runs on any
Python that the kernel has, with the standard library only.
"""

import hashlib
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from importlib import metadata
from pathlib import Path

# outside the working folder, because all of that becomes the kernel's output
HOME = Path(tempfile.gettempdir()) / "pooled-bert"
INPUT = Path.cwd().parent / "input"


def main(task: dict, sources: dict[str, str]) -> None:
    """Unpack, prepare, run the package's kernels/inside.py, and exit with its status: a failure fails the kernel."""
    unpack(sources, task["checksum"])
    python = prepare_python(HOME / "requirements.txt", with_cuda=task["gpu"])
    libraries = sorted(python.parent.parent.glob("lib/python3.11/site-packages/nvidia/*/lib"))
    existing = [os.environ["LD_LIBRARY_PATH"]] if os.environ.get("LD_LIBRARY_PATH") else []
    environment = {
        **os.environ,
        "LD_LIBRARY_PATH": os.pathsep.join([*map(str, libraries), *existing]),
        "PYTHONPATH": str(HOME / "src"),
    }
    command = [str(python), "-m", "pooled_bert.kernels.inside", json.dumps(task)]
    sys.exit(subprocess.run(command, env=environment).returncode)


def unpack(sources: dict[str, str], checksum: str) -> None:
    """Write the sources to HOME; exit if they differ from what was built."""
    digest = hashlib.sha256(json.dumps(sources, sort_keys=True).encode()).hexdigest()
    if digest != checksum:
        sys.exit("the sources in this script are damaged; build and push it again")
    for name, text in sources.items():
        path = HOME / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def prepare_python(requirements: Path, with_cuda: bool) -> Path:
    """Return the Python to use: this one if it has all pinned packages, else one from a dataset, else one by uv."""
    pins = requirements.read_text(encoding="utf-8")
    if is_satisfied(pins):
        return Path(sys.executable)
    if with_cuda:  # installs the CUDA versions that this TensorFlow needs, whichever versions the kernel has
        pins = pins.replace("tensorflow==", "tensorflow[and-cuda]==")
        requirements.write_text(pins, encoding="utf-8")
    archive = next(INPUT.rglob("cpython-3.11*.tar.gz"), None)
    if archive:
        with tarfile.open(archive) as packed:
            packed.extractall(HOME, filter="data")
        python = HOME / "python" / "bin" / "python3"
        pip = [python, "-m", "pip", "install", "--quiet", "--no-index", "--find-links", archive.parent]
        run([*pip, "-r", requirements])
        return python
    run([sys.executable, "-m", "pip", "install", "--quiet", "--target", HOME / "uv", "uv"])
    uv, environment = HOME / "uv" / "bin" / "uv", HOME / "environment"
    run([uv, "venv", "--quiet", "--clear", "--python", "3.11", environment])
    python = environment / "bin" / "python"
    run([uv, "pip", "install", "--quiet", "--python", python, "-r", requirements])
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
    """Run a command; exit, which fails the kernel, if the command fails."""
    print("$", *command, flush=True)
    status = subprocess.run(list(map(str, command))).returncode
    if status:
        sys.exit(f"the environment could not be made: {Path(command[0]).name} ended with status {status}")
