"""Writes that a kill or a power cut can neither lose nor tear, locks, JSON and array files, checksums."""

import contextlib
import errno
import functools
import glob
import hashlib
import json
import os
import platform
import secrets
import shutil
import sys
import time
import uuid
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import filelock
import numpy as np

from .errors import InputError
from .schemas import parse_json

DAY = 24 * 60 * 60  # seconds


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary name (for a file or a folder) that replaces ``path`` if the block succeeds.

    Everything is on the disk before it gets its name, so that whoever finds ``path`` finds all of it, and an old file
    or folder is kept until then. Raises InputError if the disk is full or read-only. No half-written file stays behind.
    """
    temporary = _beside(path, f"{_machine()}.{os.getpid()}.{secrets.token_hex(4)}.part")
    try:
        make_folder(path.parent)
        recover(path)
        yield temporary
        put_on_disk(temporary)
        _replace(path, temporary)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error})") from error
    finally:
        _remove(temporary)


def _replace(path: Path, temporary: Path) -> None:
    """Give ``temporary`` its name. A folder in its place is first set aside, where ``recover`` finds it."""
    aside = _aside(path)
    with _alone(path) if temporary.is_dir() else contextlib.nullcontext():
        if path.is_dir():
            path.rename(aside)
        try:
            temporary.replace(path)
        except OSError:
            if aside.exists():
                aside.rename(path)
            raise
        put_on_disk(path.parent, whole=False)
        _remove(aside)


def _alone(path: Path) -> contextlib.AbstractContextManager[None]:
    """Keep other processes, for a moment, from replacing or recovering the same folder."""
    message = f"{path}: another process is replacing it; wait for it, or stop it"
    return held(_beside(path, "old.lock"), message, seconds=60, is_kept=False)


def _aside(path: Path) -> Path:
    return _beside(path, "old")


def _beside(path: Path, ending: str) -> Path:
    """Return a hidden file or folder that belongs to ``path``; the current folder, ``.``, has a name when absolute."""
    path = path.absolute()
    return path.with_name(f".{path.name}.{ending}")


def recover(path: Path) -> None:
    """Bring back the old folder ``path`` if a process was killed while it replaced it, and delete what it left."""
    aside = _aside(path)
    if aside.exists():
        with _alone(path):
            if aside.exists() and not path.exists():
                aside.rename(path)
            _remove(aside)
    for leftover in aside.parent.glob(f"{glob.escape(aside.stem)}.*.*.*.part"):
        if _is_left(leftover):
            _remove(leftover)


def check_output(path: Path, *, overwrite: bool, is_own: Callable[[], bool] = lambda: True) -> None:
    """Raise InputError if ``path`` exists and must not be replaced: without ``overwrite``, or if it is not ``is_own``.

    A folder that a killed process left aside is brought back first, and only then looked at.
    """
    recover(path)
    if path.exists() and not overwrite:
        raise InputError(f"{path}: exists already; give another name, or --overwrite")
    if path.exists() and not is_own():
        raise InputError(f"{path}: was not made by this command, so it is not replaced; give another name")


@contextlib.contextmanager
def output(path: Path, *, overwrite: bool, is_own: Callable[[], bool] = lambda: True) -> Iterator[None]:
    """Hold an output, a file or a folder, against other processes while the block makes it; see ``check_output``.

    Raises InputError if another process is making it.
    """
    message = f"{path}: another process is writing it; wait for it, or stop it"
    with held(_beside(path, "lock"), message, is_kept=False):
        check_output(path, overwrite=overwrite, is_own=is_own)
        yield


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, so that a power cut cannot lose what is put there later."""
    if not folder.is_dir():
        make_folder(folder.parent)
        try:
            folder.mkdir(exist_ok=True)
        except FileExistsError as error:
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR)) from error
        put_on_disk(folder.parent, whole=False)


def delete_folder(folder: Path) -> None:
    """Delete a folder, if there is one, so that no power cut brings it back."""
    if folder.exists():
        shutil.rmtree(folder, ignore_errors=True)
        put_on_disk(folder.parent, whole=False)


def put_on_disk(path: Path, *, whole: bool = True) -> None:
    """Wait until a file, or a folder and (``whole``) all that is in it, is on the disk and not only in memory."""
    is_folder = path.is_dir()
    for inside in path.iterdir() if is_folder and whole else ():
        put_on_disk(inside)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if not (is_folder and error.errno == errno.EINVAL):  # some file systems sync folders by themselves
            raise
    finally:
        os.close(descriptor)


def _is_left(temporary: Path) -> bool:
    """Return whether the process that wrote it has ended; that of another machine counts as ended after a day."""
    machine, pid, _, _ = temporary.name.split(".")[-4:]
    if machine == _machine() and pid.isdecimal():
        return not _is_running(int(pid))
    with contextlib.suppress(FileNotFoundError):  # it just got its name
        return time.time() - temporary.stat().st_mtime > DAY
    return False


@functools.cache
def _machine() -> str:
    """Return what tells this machine, or this container, from others that share its folders."""
    return hashlib.sha256(f"{platform.node()} {uuid.getnode()}".encode()).hexdigest()[:8]


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)  # signal 0 only checks that the process exists
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # it runs, as another user
    return True


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):  # the file may never have been created
            path.unlink()


@contextlib.contextmanager
def held(path: Path, message: str, *, seconds: float = 0, is_kept: bool = True) -> Iterator[None]:
    """Hold the lock file ``path`` during the block; the system releases the lock of a process that dies.

    Raises InputError with ``message`` if another process holds the lock for so many ``seconds``. ``is_kept``: whether
    the file stays in the end; whoever opened it before it is deleted does not get the lock.
    """
    try:
        make_folder(path.parent)
        lock = filelock.FileLock(path, timeout=seconds)
        lock.acquire(poll_interval=0.01)
    except filelock.Timeout as error:
        raise InputError(message) from error
    except (OSError, NotImplementedError) as error:  # NotImplementedError: the file system has no locks
        raise InputError(f"{path}: cannot be locked ({error})") from error
    try:
        yield
    finally:
        if not is_kept:
            path.unlink(missing_ok=True)
        lock.release()


def write_json(path: Path, content: dict) -> None:
    """Write ``content`` as sorted, indented JSON, atomically."""
    with atomic_path(path) as temporary:
        text = json.dumps(content, indent=2, sort_keys=True, allow_nan=False, ensure_ascii=False)
        temporary.write_text(text + "\n", encoding="utf-8")


def read_json(path: Path, shape: Any = dict, *, remedy: str = "") -> Any:
    """Read a JSON file of the given shape, see ``schemas``; raises InputError with the file's name and ``remedy``."""
    hint = f"; {remedy}" if remedy else ""
    try:
        return parse_json(path.read_bytes(), shape)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}){hint}") from error
    except ValueError as error:
        raise InputError(f"{path}: is damaged ({error}){hint}") from error


def json_checksum(content: dict) -> str:
    """Return the SHA-256, in hex, of what a JSON file holds, in whatever order."""
    return checksum([json.dumps(content, sort_keys=True)])


def write_record(path: Path, content: dict) -> None:
    """Write ``content`` as JSON with its checksum, atomically."""
    write_json(path, {**content, "checksum": json_checksum(content)})


def read_record(path: Path, shape: Any, *, remedy: str) -> Any:
    """Read what ``write_record`` wrote; raises InputError with ``remedy`` if it was changed.

    A file without a checksum, if its shape allows that, was written by an earlier revision, which is reported.
    """
    content = read_json(path, shape, remedy=remedy)
    recorded = content.pop("checksum", None)
    if recorded is None:
        print(f"note: {path}: was written by an earlier revision, without a checksum", file=sys.stderr)
    elif recorded != json_checksum(content):
        raise InputError(f"{path}: was changed after it was written; {remedy}")
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


def file_checksums(paths: Iterable[Path]) -> dict[Path, str]:
    """Return the SHA-256, in hex, of many files; several large ones at a time, because hashing frees Python's lock."""
    paths = list(paths)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(paths, pool.map(file_checksum, paths), strict=True))
