"""A file of predictions that grows chunk by chunk, and goes on where a killed process left it."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from ..base.errors import InputError
from ..base.files import checksum, held, read_json, write_json
from ..runs.identity import first_difference
from .text_files import Text


@contextlib.contextmanager
def open_predictions(
    path: Path, *, identity: dict, header: bytes, overwrite: bool
) -> Iterator["PredictionFile"]:
    """A file that is given its name ``path`` when the block ends well, and kept to go on with when it does not.

    ``identity`` is what decides the content, beside the texts. Raises InputError when ``path`` exists and may not be
    overwritten, another process is writing it, or it was begun with another identity.
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
    """Raise InputError when ``path`` exists and may not be overwritten."""
    if path.is_dir():
        raise InputError(f"{path}: is a folder; name a file")
    if path.exists() and not overwrite:
        raise InputError(f"{path}: exists already; give another name, or --overwrite")


class PredictionFile:
    """``path`` while it is made: a hidden file beside it holds what is written, another says how far that is.

    Made by ``open_predictions``. A chunk counts as done once the second file says so.
    """

    def __init__(self, path: Path, identity: dict, header: bytes):
        """Go on with what is there; raises InputError when that was begun otherwise (``identity`` differs)."""
        self.path, self.identity = path, identity
        self.partial = path.with_name(f".{path.name}.partial")
        self.state_path = path.with_name(f".{path.name}.partial.json")
        self.chunks, self.digest = 0, ""  # met so far
        self.state = self._left_behind() or {"chunks": 0, "bytes": len(header), "texts": ""}
        with self._told_clearly():
            if self.state["chunks"]:
                self.stream = self.partial.open("r+b")
                self.stream.truncate(self.state["bytes"])
                self.stream.seek(0, os.SEEK_END)
            else:
                self.state_path.unlink(missing_ok=True)  # first, as it is not of the file that begins here
                self.stream = self.partial.open("wb")
                self.stream.write(header)

    def has(self, chunk: list[Text]) -> bool:
        """Whether the next chunk of the input is written already; raises InputError if another one is."""
        self.chunks += 1
        self.digest = checksum([self.digest, *(part for text in chunk for part in text)])
        if self.chunks == self.state["chunks"] and self.digest != self.state["texts"]:
            raise self._other_texts()
        return self.chunks <= self.state["chunks"]

    def write(self, content: bytes) -> None:
        """Add what was predicted from the chunk that ``has`` was asked about last."""
        with self._told_clearly():
            self.stream.write(content)
            self.stream.flush()
        self.state = {"chunks": self.chunks, "bytes": self.stream.tell(), "texts": self.digest}
        write_json(self.state_path, {"identity": self.identity, **self.state})

    def finish(self) -> None:
        """All chunks are written: give the file its name."""
        if self.chunks < self.state["chunks"]:
            raise self._other_texts()
        with self._told_clearly():
            self.partial.replace(self.path)
            self.state_path.unlink(missing_ok=True)

    def close(self) -> None:
        """Leave the file as it is, to go on with; one without a chunk is not kept."""
        with contextlib.suppress(OSError):  # a full disk, which ``write`` has told
            self.stream.close()
        if not self.state["chunks"]:
            self.partial.unlink(missing_ok=True)

    def _left_behind(self) -> dict | None:
        """How far an earlier process came, None where it left nothing to go on with."""
        if not (self.state_path.exists() and self.partial.exists()):
            return None
        state = read_json(self.state_path)
        difference = first_difference(state.get("identity", {}), self.identity)
        if difference:
            raise InputError(
                f"{self.path}: was begun otherwise: {difference}; give the same options, or delete {self.partial}"
            )
        return state if self.partial.stat().st_size >= state["bytes"] else None

    def _other_texts(self) -> InputError:
        return InputError(
            f"{self.path}: was begun with other texts than those of the input now; give the same, or delete"
            f" {self.partial}"
        )

    @contextlib.contextmanager
    def _told_clearly(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise InputError(f"{self.path}: cannot be written ({error.strerror or error})") from error
