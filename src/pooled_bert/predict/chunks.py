"""Prediction of many texts, one chunk at a time: memory use does not grow with the number of texts."""

import sys
import threading
from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..base.errors import InputError
from ..base.files import file_checksum
from ..base.places import fold_folder
from ..base.progress import progress_bar
from ..models.prediction import while_wanted
from .output_formats import Layout
from .predictor import Predictor
from .resumable_output import PredictionFile
from .text_files import Lines, Text, chunks

if TYPE_CHECKING:
    from .sound_paths import SoundFile

CHUNK = 2000  # texts; the texts of a chunk are batched by length, so chunk boundaries affect the rounding of results

AHEAD = 1  # chunk that is predicted while others are read and written


class StandardOutput:
    """Standard output with the methods of a PredictionFile; nothing can be resumed."""

    def has(self, _: list) -> bool:
        """Return False: no chunk is already written."""
        return False

    def write(self, content: bytes) -> None:
        """Write and flush ``content``."""
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()


def predict_texts(
    predictor: Predictor,
    texts: "Iterable[Text] | Iterable[SoundFile]",
    layout: Layout,
    output: PredictionFile | StandardOutput,
    *,
    lines: Lines | None = None,
) -> int:
    """Predict the texts that are not yet in ``output``, and write the predictions; returns the number of all texts.

    While a chunk is predicted, those before it are written and the next ones are read.

    lines : the file that ``texts`` come from; if given, a progress bar shows how many of its bytes are read.
    """
    waiting: deque[tuple[list, Future | None]] = deque()
    count, is_stopped = 0, threading.Event()
    bar = progress_bar(
        total=lines and lines.size,
        desc="predicting",
        unit="B",
        unit_scale=True,
        leave=False,
        disable=lines is None,
    )

    def predict(chunk: list) -> np.ndarray:
        with while_wanted(lambda: not is_stopped.is_set()):
            return predictor.predict_proba([item.item for item in chunk])

    def write_first() -> None:
        nonlocal count
        chunk, future = waiting.popleft()
        if future:
            output.write(layout.chunk(chunk, future.result()))
        count += len(chunk)
        bar.set_postfix_str(f"{count:,} texts", refresh=False)
        bar.update(lines.read - bar.n if lines else 0)

    with bar, ThreadPoolExecutor(AHEAD) as pool:
        try:
            for chunk in chunks(texts, CHUNK):
                waiting.append((chunk, None if output.has(chunk) else pool.submit(predict, chunk)))
                if len(waiting) > AHEAD:
                    write_first()
        except InputError:  # there is no further chunk, but those before it are good
            while waiting:
                write_first()
            raise
        except BaseException:
            is_stopped.set()
            raise
        while waiting:
            write_first()
    return count


def identity(predictor: Predictor, run_folder: Path, layout: Layout) -> dict:
    """Return everything, besides the texts, that determines the content of a prediction file."""
    folders = {fold.fold: fold_folder(run_folder, fold.fold) for fold in predictor.run.folds}
    return {
        "folds": {str(fold): file_checksum(folder / "metrics.json") for fold, folder in folders.items()},
        "windows": predictor.windows,
        "precision": predictor.precision,
        "layout": type(layout).__name__,
        "columns": layout.columns,
        "thresholds": None if layout.thresholds is None else layout.thresholds.tolist(),
        "chunk": CHUNK,
    }
