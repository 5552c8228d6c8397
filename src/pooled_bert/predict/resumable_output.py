"""A prediction file that is written chunk by chunk, and resumes where a killed process stopped."""

import contextlib
import os
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NotRequired, TypedDict

from ..base.errors import InputError
from ..base.files import check_output, checksum, make_folder, output, put_on_disk, read_record, write_record
from ..base.rules import Number
from ..runs.identity import first_difference
from .text_files import Text

if TYPE_CHECKING:
    from .sound_paths import SoundFile


@contextlib.contextmanager
def open_predictions(
    path: Path, *, identity: dict, header: bytes, overwrite: bool
) -> Iterator["PredictionFile"]:
    """Open a file that gets its name ``path`` if the block succeeds; otherwise the next call resumes it.

    ``identity``: everything, besides the texts, that determines the content. Raises InputError if ``path`` exists and
    may not be overwritten, another process is writing it, or it was begun with a different identity.
    """
    is_named = _named_progress(path, identity) is not None
    with output(path, overwrite=overwrite or is_named):
        file = PredictionFile(path, identity, header)
        try:
            yield file
            file.finish()
        finally:
            file.close()


def check_free(path: Path, overwrite: bool) -> None:
    """Raise InputError if ``path`` is a folder, or exists and may not be overwritten.

    A file that a killed process had finished, but for deleting its progress, may be: it is not written again.
    """
    if path.is_dir():
        raise InputError(f"{path}: is a folder; name a file")
    check_output(path, overwrite=overwrite or _progress(path).exists())


def _partial(path: Path) -> Path:
    return path.with_name(f".{path.name}.partial")


def _progress(path: Path) -> Path:
    return path.with_name(f".{path.name}.partial.json")


def _named_progress(path: Path, identity: dict) -> "State | None":
    """Return the progress of a process that was killed after it had named ``path``, before it deleted the progress."""
    if _partial(path).exists() or not path.is_file():
        return None
    with contextlib.suppress(InputError):  # then it is of another file
        state = read_record(_progress(path), State, remedy="delete it")
        is_same = first_difference(state["identity"], identity) is None
        return state if is_same and state["bytes"] == path.stat().st_size else None
    return None


class State(TypedDict):
    """The progress of a prediction file: the chunks and bytes written, and the checksum of their texts."""

    identity: dict
    chunks: Annotated[int, Number(int, 0, 2**62)]
    bytes: Annotated[int, Number(int, 0, 2**62)]
    texts: str
    checksum: NotRequired[str]  # earlier revisions wrote none


class PredictionFile:
    """A prediction file in progress: written to a hidden partial file; a second hidden file records the progress.

    Use ``open_predictions`` to create it. A chunk is done when the second file records it.
    """

    def __init__(self, path: Path, identity: dict, header: bytes):
        """Resume an existing partial file; raises InputError if its ``identity`` differs."""
        self.path, self.identity = path, identity
        self.partial, self.state_path = _partial(path), _progress(path)
        self.chunks, self.digest = 0, ""  # of the input read so far
        self.unwritten: deque[tuple[int, str]] = (
            deque()
        )  # number and digest of chunks that are being predicted
        named = _named_progress(path, identity)
        self.file = self.partial if named is None else path
        self.state = named or self._read_state() or {"chunks": 0, "bytes": len(header), "texts": ""}
        with self._clear_writing():
            make_folder(path.parent)
            if self.state["chunks"]:
                self.stream = self.file.open("r+b")
                self.stream.truncate(self.state["bytes"])
                self.stream.seek(0, os.SEEK_END)
            else:
                self.state_path.unlink(missing_ok=True)  # before writing, because it belongs to an older file
                self.stream = self.partial.open("wb")
                self.stream.write(header)

    def has(self, chunk: "list[Text] | list[SoundFile]") -> bool:
        """Return whether the next chunk of the input is already written; raises InputError if its texts differ."""
        self.chunks += 1
        self.digest = checksum([self.digest, *(part for text in chunk for part in text.fingerprint)])
        is_written = self.chunks <= self.state["chunks"]
        if not is_written:
            self.unwritten.append((self.chunks, self.digest))
        is_other = self.chunks == self.state["chunks"] and self.digest != self.state["texts"]
        if is_other or (self.file == self.path and not is_written):
            raise self._other_texts()
        return is_written

    def write(self, content: bytes) -> None:
        """Append the predictions of the first chunk that ``has`` did not find and that was not written since."""
        chunks, digest = self.unwritten.popleft()
        with self._clear_writing():
            self.stream.write(content)
            self.stream.flush()
            os.fsync(self.stream.fileno())  # before the progress says that it is done
        self.state = {"chunks": chunks, "bytes": self.stream.tell(), "texts": digest}
        write_record(self.state_path, {"identity": self.identity, **self.state})

    def finish(self) -> None:
        """Give the file its final name after the last chunk; raises InputError if the input has fewer chunks."""
        if self.chunks < self.state["chunks"]:
            raise self._other_texts()
        with self._clear_writing():
            if self.file != self.path:
                self.partial.replace(self.path)
                put_on_disk(self.path.parent, whole=False)
            self.state_path.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the partial file; it is kept to be resumed, but deleted if it has no chunk."""
        with contextlib.suppress(OSError):  # of a full disk, which ``write`` has reported
            self.stream.close()
        if not self.state["chunks"]:
            self.partial.unlink(missing_ok=True)

    def _read_state(self) -> dict | None:
        """Read the progress of an earlier process, None if there is nothing to resume."""
        if not (self.state_path.exists() and self.partial.exists()):
            return None
        state = read_record(self.state_path, State, remedy=f"delete {self.partial} to begin again")
        difference = first_difference(state["identity"], self.identity)
        if difference:
            raise InputError(
                f"{self.path}: was begun with different settings: {difference}; give the same options, or delete"
                f" {self.partial}"
            )
        return state if self.partial.stat().st_size >= state["bytes"] else None

    def _other_texts(self) -> InputError:
        return InputError(
            f"{self.path}: was begun with other texts than the input has now; give the same texts, or delete"
            f" {self.file}"
        )

    @contextlib.contextmanager
    def _clear_writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise InputError(f"{self.path}: cannot be written ({error.strerror or error})") from error
