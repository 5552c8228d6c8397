"""What a report shows of runs that read sounds: where the attention lies by class, and recordings to listen to."""

import base64
from pathlib import Path

import numpy as np
import pandas as pd

from ..base.places import model_folder
from ..base.sound import Sound
from ..base.tensorflow_setup import start_tensorflow
from ..benchmarks.benchmark import Benchmark
from ..data.audio_files import wav_bytes
from ..inputs.frames import block_seconds
from ..results.fold_scores import FoldScores
from ..runs.finished_runs import Run
from .drawings import draw_attention
from .figures import Figure, Panel
from .sections import Recording

ENOUGH = 0.25  # the attention is shown over the time that all but this share of the sounds last


def attention_figures(run: Run, folder: Path, train: pd.DataFrame, benchmark: Benchmark) -> list[Figure]:
    """Draw the attention over time by true class, out of fold; no figure for a run without attention or models."""
    if run.identity["settings"].get("pooling") != "attention":
        return []
    if not all(model_folder(folder, fold.fold).is_dir() for fold in run.folds):
        return []
    start_tensorflow()
    from ..predict.sound_explanation import SECONDS, attention_bins

    sounds, labels = train["sound"], train[list(benchmark.labels)].to_numpy(np.float64)
    longest = run.identity["settings"]["max_seconds"]
    bounds = [block_seconds(sound, longest) for sound in sounds]
    seconds = np.array([times[-1] for times in bounds])
    n_bins = max(1, int(np.quantile(seconds, ENOUGH) / SECONDS + 1e-6))
    shares: dict[str, list[np.ndarray]] = {label: [] for label in benchmark.labels}
    for row, weights in _attention(run, folder, train):
        if seconds[row] >= n_bins * SECONDS - 1e-6:
            bins = attention_bins(weights, bounds[row])[:n_bins]
            shares[benchmark.labels[int(np.argmax(labels[row]))]].append(bins / bins.sum())
    panels = [
        Panel(f"{label} ({len(parts)} sounds)", draw_attention(np.mean(parts, axis=0), SECONDS), 2.6, 2.2)
        for label, parts in shares.items()
        if parts
    ]
    caption = (
        f"Attention by true class, out of fold: the shares of the first {n_bins * SECONDS:g} s in parts of {SECONDS} s,"
        f" mean over the sounds that last as long. The dotted line is even attention."
    )
    title = f"Where the attention lies in the first {n_bins * SECONDS:g} s, by true class"
    return [Figure("attention", title, caption, panels)]


def _attention(run: Run, folder: Path, train: pd.DataFrame):
    """Yield each validation row and its frames' attention, by the model that never saw it."""
    from ..models.classifier import load_classifier
    from ..models.inference import attention_weights

    row_of = pd.Series(np.arange(len(train)), index=train["id"])
    for fold in run.folds:
        classifier = load_classifier(model_folder(folder, fold.fold))
        rows = row_of.loc[fold.oof["id"]].to_numpy()
        inputs = classifier.reader.encode(train["sound"].tolist(), cache=None).take(rows)
        yield from zip(rows.tolist(), attention_weights(classifier.model, inputs), strict=True)


def example_recordings(everything: FoldScores, train: pd.DataFrame, benchmark: Benchmark) -> list[Recording]:
    """Return, for each class, the recording whose probability of its own class is the median."""
    recordings = []
    ids, sounds = train["id"].tolist(), train["sound"].tolist()
    for column, label in enumerate(benchmark.labels):
        own = np.flatnonzero(everything.labels[:, column] == 1)
        if len(own) == 0:
            continue
        chosen = own[np.argsort(everything.scores[own, column], kind="stable")[len(own) // 2]]
        row, scores = everything.rows[chosen], everything.scores[chosen]
        detected = int(scores.argmax())
        recordings.append(
            Recording(
                label,
                ids[row],
                benchmark.labels[detected],
                float(scores[detected]),
                _uri(sounds[row]),
            )
        )
    return recordings


def _uri(sound: Sound) -> str:
    return f"data:audio/wav;base64,{base64.b64encode(wav_bytes(sound)).decode()}"
