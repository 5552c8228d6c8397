"""Atomic writes, locks, JSON and array files, checksums."""

import contextlib
import glob
import hashlib
import json
import os
import shutil
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import filelock
import numpy as np

from .errors import InputError


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary name (for a file or a folder) that replaces ``path`` if the block succeeds.

    Raises InputError if the disk is full or read-only. No half-written file stays behind.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(path)
        yield temporary
        if path.is_dir():
            shutil.rmtree(path)
        temporary.replace(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error})") from error
    finally:
        _remove(temporary)


def _remove_leftovers(path: Path) -> None:
    """Delete the temporary files of processes that were killed while writing ``path``."""
    for leftover in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        pid = leftover.name.split(".")[-2]
        if pid.isdecimal() and not _is_running(int(pid)):
            _remove(leftover)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)  # signal 0 only checks that the process exists
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # it runs, as another user
    return True


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):  # the file may never have been created
            path.unlink()


@contextlib.contextmanager
def held(path: Path, message: str) -> Iterator[None]:
    """Hold the lock file ``path`` during the block; the system releases the lock of a process that dies.

    Raises InputError with ``message`` if another process holds the lock.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(path, blocking=False)
        lock.acquire()
    except filelock.Timeout as error:
        raise InputError(message) from error
    except (OSError, NotImplementedError) as error:  # NotImplementedError: the file system has no locks
        raise InputError(f"{path}: cannot be locked ({error})") from error
    try:
        yield
    finally:
        lock.release()


def check_name(option: str, name: str) -> str:
    """Return ``name`` if it is a plain file name; raises InputError that names the option."""
    if name != Path(name).name or name.startswith(".") or "\0" in name:
        raise InputError(f"{option} {name!r}: is not a plain name; leave out slashes and a leading dot")
    return name


def write_json(path: Path, content: dict) -> None:
    """Write ``content`` as sorted, indented JSON, atomically."""
    with atomic_path(path) as temporary:
        text = json.dumps(content, indent=2, sort_keys=True, allow_nan=False, ensure_ascii=False)
        temporary.write_text(text + "\n", encoding="utf-8")


def read_json(path: Path) -> dict:
    """Read a JSON object; raises InputError with the file's name if the file is missing or damaged."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise InputError(f"{path}: is damaged ({error})") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: is damaged (not a JSON object)")
    return content


def write_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write named arrays as .npz, atomically."""
    # the format of numpy.savez, written here because numpy.savez leaves its archive open if the disk is full
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as stream:
                np.lib.format.write_array(stream, np.asanyarray(array), allow_pickle=False)


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Read a .npz file; raises FileNotFoundError, or InputError if the file is damaged (all CRCs are checked)."""
    try:
        with zipfile.ZipFile(path) as archive:
            damaged_member = archive.testzip()
            if damaged_member:
                raise zipfile.BadZipFile(f"wrong CRC of {damaged_member}")
        with np.load(path, allow_pickle=False) as arrays:
            return dict(arrays)
    except FileNotFoundError:
        raise
    except (OSError, EOFError, ValueError, KeyError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{path}: is damaged ({error})") from error


def checksum(parts: Iterable[str | bytes]) -> str:
    """Return the SHA-256, in hex, of the parts; each part's length is hashed too, so ("ab", "c") != ("a", "bc")."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()


def file_checksum(path: Path) -> str:
    """Return the SHA-256, in hex, of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
