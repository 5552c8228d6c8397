"""Python and the locked packages as files for kernels without internet: for Kaggle's platform, whatever this one is."""

import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from ..base.errors import InputError
from ..base.files import atomic_path
from ..base.places import LOCKS

PYTHON, PLATFORM = "3.11", "linux-x86_64-gnu"  # of Kaggle's machines, as uv names them
TAGS = ("manylinux_2_28", "manylinux_2_17", "manylinux2014", "manylinux_2_12", "manylinux2010", "manylinux1")


def pack_environment(folder: Path, *, gpu: bool) -> None:
    """Write a Python and the wheels of the locked packages into ``folder``; what is there already is not fetched again.

    Needs the commands uv, which brings the Python, and pip. Raises InputError if one of them fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    platforms = [word for tag in TAGS for word in ("--platform", f"{tag}_x86_64")]
    abis = [word for abi in ("cp311", "abi3", "none") for word in ("--abi", abi)]
    python = [
        "--python-version",
        PYTHON,
        "--implementation",
        "cp",
        *abis,
        *platforms,
        "--only-binary",
        ":all:",
    ]
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes", *python]
    _run([*pip, "--dest", str(folder), "-r", str(LOCKS[gpu])])
    if not list(folder.glob(f"cpython-{PYTHON}*.tar.gz")):
        _pack_python(folder)


def _pack_python(folder: Path) -> None:
    uv = shutil.which("uv")
    if uv is None:
        raise InputError(
            "uv is missing, which brings the Python for Kaggle; install it: see https://docs.astral.sh/uv"
        )
    with tempfile.TemporaryDirectory() as temporary:
        name = f"cpython-{PYTHON}-{PLATFORM}"
        _run([uv, "python", "install", "--quiet", "--no-bin", "--install-dir", temporary, name])
        (python,) = (path for path in Path(temporary).glob("cpython-*") if not path.is_symlink())
        with (
            atomic_path(folder / f"{python.name}.tar.gz") as packed,
            tarfile.open(packed, "w:gz") as archive,
        ):
            archive.add(python, "python")


def _run(command: list[str]) -> None:
    result = subprocess.run(command, stderr=subprocess.PIPE, text=True)
    if result.returncode:
        name = " ".join([Path(command[0]).name, *command[1:4]])
        reason = result.stderr.strip().splitlines()[-1:] or ["no reason given"]
        raise InputError(f"{name} failed: {reason[0]}")
