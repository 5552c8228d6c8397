"""Code revision, package versions and machine: recorded with each result; differences are reported, not refused."""

import platform
import resource
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version

from .places import REQUIREMENTS, REVISION, SOURCE

PACKAGES = (
    "tensorflow",
    "tensorflow-addons",
    "transformers",
    "numpy",
    "scikit-learn",
    "iterative-stratification",
)


def environment() -> dict:
    """Return the code's revision, the package versions, the Python version and the machine."""
    return {
        "revision": revision(),
        "packages": {name: version(name) for name in PACKAGES},
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
    }


def peak_memory() -> float:
    """Return the peak memory of this process so far, in GB."""
    bytes_per_unit = 1 if sys.platform == "darwin" else 1024  # the unit of ru_maxrss
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * bytes_per_unit / 1e9


def changes(then: dict, now: dict) -> Iterator[str]:
    """Yield ``"<name> <old value>, now <new value>"`` for each field, or package, that differs from ``then``."""
    for name, value in now.items():
        old_value = then.get(name)
        if isinstance(value, dict):
            yield from changes(old_value if isinstance(old_value, dict) else {}, value)
        elif old_value != value:
            yield f"{name} {old_value}, now {value}"


def revision() -> str:
    """Return the git revision of this code, with ``-dirty`` if files were changed; ``unknown`` outside git.

    Copies without git (kernels/build.py) contain the revision in the file REVISION. An installed package has none: a
    git repository around it, such as the one of a virtual environment's owner, is another project's.
    """
    if not REQUIREMENTS.is_file():
        return "unknown"
    if REVISION.is_file():
        return REVISION.read_text(encoding="utf-8").strip()
    # without optional locks, git never writes to the repository
    git = ["git", "--no-optional-locks", "-C", str(SOURCE)]
    command = [*git, "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
