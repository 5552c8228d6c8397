"""What a result may depend on beside its settings and data. It is told, not enforced."""

import platform
import resource
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version

from .places import REVISION, SOURCE

PACKAGES = (
    "tensorflow",
    "tensorflow-addons",
    "transformers",
    "numpy",
    "scikit-learn",
    "iterative-stratification",
)


def environment() -> dict:
    """Revision of this code, versions, machine."""
    return {
        "revision": revision(),
        "packages": {name: version(name) for name in PACKAGES},
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
    }


def peak_memory() -> float:
    """The most memory that this process has held so far, in GB."""
    unit = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss, in bytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9


def changes(then: dict, now: dict) -> Iterator[str]:
    """The fields of ``now`` (packages one by one) that were otherwise, as ``name then, now value``."""
    for name, value in now.items():
        earlier = then.get(name)
        if isinstance(value, dict):
            yield from changes(earlier if isinstance(earlier, dict) else {}, value)
        elif earlier != value:
            yield f"{name} {earlier}, now {value}"


def revision() -> str:
    """The git revision of this code, with ``-dirty`` where files differ from it; ``unknown`` outside git.

    Copies that go without git (kernels/build.py) have it in the file REVISION.
    """
    if REVISION.is_file():
        return REVISION.read_text(encoding="utf-8").strip()
    git = [
        "git",
        "--no-optional-locks",
        "-C",
        str(SOURCE),
    ]  # looks, and never writes to the repository
    command = [*git, "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
