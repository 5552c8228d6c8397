"""Runs this project inside a Kaggle kernel: unpack the sources, get their Python environment, start.

`python src/kaggle_kernels.py build` appends the task and the sources and the call of `main`. This part runs on
whatever Python the kernel has, and needs nothing else.
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

HOME = Path(tempfile.gettempdir()) / "pooled-bert"  # not in the working folder, all of which becomes output
INPUT = Path.cwd().parent / "input"


def main(task: dict, sources: dict[str, str]) -> None:
    """Unpack, prepare, run the package's kernels/inside.py, and end as it ends: a failure fails the kernel."""
    unpack(sources, task["checksum"])
    python = prepare_python(HOME / "requirements.txt", with_cuda=task["gpu"])
    libraries = sorted(python.parent.parent.glob("lib/python3.11/site-packages/nvidia/*/lib"))
    known = [os.environ["LD_LIBRARY_PATH"]] if os.environ.get("LD_LIBRARY_PATH") else []
    environment = {
        **os.environ,
        "LD_LIBRARY_PATH": os.pathsep.join([*map(str, libraries), *known]),
        "PYTHONPATH": str(HOME / "src"),
    }
    command = [str(python), "-m", "pooled_bert.kernels.inside", json.dumps(task)]
    sys.exit(subprocess.run(command, env=environment).returncode)


def unpack(sources: dict[str, str], checksum: str) -> None:
    """Write the sources; refuse them when they are not what was built."""
    digest = hashlib.sha256(json.dumps(sources, sort_keys=True).encode()).hexdigest()
    if digest != checksum:
        sys.exit("the sources in this script are damaged; build and push it again")
    for name, text in sources.items():
        path = HOME / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def prepare_python(requirements: Path, with_cuda: bool) -> Path:
    """The Python to run with: this one if it has all pins, else one made from a dataset, else by uv."""
    pins = requirements.read_text(encoding="utf-8")
    if is_satisfied(pins):
        return Path(sys.executable)
    if with_cuda:  # CUDA libraries of the versions that this TensorFlow wants, whatever the kernel has
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
    uv, place = HOME / "uv" / "bin" / "uv", HOME / "environment"
    run([uv, "venv", "--quiet", "--clear", "--python", "3.11", place])
    python = place / "bin" / "python"
    run([uv, "pip", "install", "--quiet", "--python", python, "-r", requirements])
    return python


def is_satisfied(pins: str) -> bool:
    """Whether this interpreter has every pinned version."""
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
    """Run a command; when it fails the kernel fails."""
    print("$", *command, flush=True)
    status = subprocess.run(list(map(str, command))).returncode
    if status:
        sys.exit(f"the environment could not be made: {Path(command[0]).name} ended with status {status}")
