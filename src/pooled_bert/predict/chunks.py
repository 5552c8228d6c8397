"""Prediction of many texts, one chunk at a time: memory use does not grow with the number of texts."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from ..base.files import file_checksum
from ..base.places import fold_folder
from ..base.progress import progress_bar
from .output_formats import Layout
from .predictor import Predictor
from .resumable_output import PredictionFile
from .text_files import Lines, Text, chunks

if TYPE_CHECKING:
    from .sound_paths import SoundFile

CHUNK = 2000  # texts; the texts of a chunk are batched by length, so chunk boundaries affect the rounding of results


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

    lines : the file that ``texts`` come from; if given, a progress bar shows how many of its bytes are read.
    """
    count = 0
    with progress_bar(
        total=lines and lines.size,
        desc="predicting",
        unit="B",
        unit_scale=True,
        leave=False,
        disable=lines is None,
    ) as bar:
        for chunk in chunks(texts, CHUNK):
            if not output.has(chunk):
                probabilities = predictor.predict_proba([item.item for item in chunk])
                output.write(layout.chunk(chunk, probabilities))
            count += len(chunk)
            bar.set_postfix_str(f"{count:,} texts", refresh=False)
            bar.update(lines.read - bar.n if lines else 0)
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
