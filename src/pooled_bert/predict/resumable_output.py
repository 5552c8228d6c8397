"""A prediction file that is written chunk by chunk, and resumes where a killed process stopped."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from ..base.errors import InputError
from ..base.files import checksum, held, read_json, write_json
from ..runs.identity import first_difference
from .sound_paths import SoundFile
from .text_files import Text


@contextlib.contextmanager
def open_predictions(
    path: Path, *, identity: dict, header: bytes, overwrite: bool
) -> Iterator["PredictionFile"]:
    """Open a file that gets its name ``path`` if the block succeeds; otherwise the next call resumes it.

    ``identity``: everything, besides the texts, that determines the content. Raises InputError if ``path`` exists and
    may not be overwritten, another process is writing it, or it was begun with a different identity.
    """
    lock = path.with_name(f".{path.name}.lock")
    with held(lock, f"{path}: another process is writing it; wait for it, or stop it"):
        check_free(path, overwrite)
        file = PredictionFile(path, identity, header)
        try:
            yield file
            file.finish()
        finally:
            file.close()
            if not file.partial.exists():
                lock.unlink(missing_ok=True)


def check_free(path: Path, overwrite: bool) -> None:
    """Raise InputError if ``path`` is a folder, or exists and may not be overwritten."""
    if path.is_dir():
        raise InputError(f"{path}: is a folder; name a file")
    if path.exists() and not overwrite:
        raise InputError(f"{path}: exists already; give another name, or --overwrite")


class PredictionFile:
    """A prediction file in progress: written to a hidden partial file; a second hidden file records the progress.

    Use ``open_predictions`` to create it. A chunk is done when the second file records it.
    """

    def __init__(self, path: Path, identity: dict, header: bytes):
        """Resume an existing partial file; raises InputError if its ``identity`` differs."""
        self.path, self.identity = path, identity
        self.partial = path.with_name(f".{path.name}.partial")
        self.state_path = path.with_name(f".{path.name}.partial.json")
        self.chunks, self.digest = 0, ""  # of the input read so far
        self.state = self._read_state() or {"chunks": 0, "bytes": len(header), "texts": ""}
        with self._clear_writing():
            if self.state["chunks"]:
                self.stream = self.partial.open("r+b")
                self.stream.truncate(self.state["bytes"])
                self.stream.seek(0, os.SEEK_END)
            else:
                self.state_path.unlink(missing_ok=True)  # before writing, because it belongs to an older file
                self.stream = self.partial.open("wb")
                self.stream.write(header)

    def has(self, chunk: list[Text] | list[SoundFile]) -> bool:
        """Return whether the next chunk of the input is already written; raises InputError if its texts differ."""
        self.chunks += 1
        self.digest = checksum([self.digest, *(part for text in chunk for part in text.fingerprint)])
        if self.chunks == self.state["chunks"] and self.digest != self.state["texts"]:
            raise self._other_texts()
        return self.chunks <= self.state["chunks"]

    def write(self, content: bytes) -> None:
        """Append the predictions of the chunk for which ``has`` was called last."""
        with self._clear_writing():
            self.stream.write(content)
            self.stream.flush()
        self.state = {"chunks": self.chunks, "bytes": self.stream.tell(), "texts": self.digest}
        write_json(self.state_path, {"identity": self.identity, **self.state})

    def finish(self) -> None:
        """Give the file its final name after the last chunk; raises InputError if the input has fewer chunks."""
        if self.chunks < self.state["chunks"]:
            raise self._other_texts()
        with self._clear_writing():
            self.partial.replace(self.path)
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
        state = read_json(self.state_path)
        difference = first_difference(state.get("identity", {}), self.identity)
        if difference:
            raise InputError(
                f"{self.path}: was begun with different settings: {difference}; give the same options, or delete"
                f" {self.partial}"
            )
        return state if self.partial.stat().st_size >= state["bytes"] else None

    def _other_texts(self) -> InputError:
        return InputError(
            f"{self.path}: was begun with other texts than the input has now; give the same texts, or delete"
            f" {self.partial}"
        )

    @contextlib.contextmanager
    def _clear_writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise InputError(f"{self.path}: cannot be written ({error.strerror or error})") from error
