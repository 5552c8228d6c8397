"""The section about one run in a report: scores, curves, decisions, mistakes, tokens, settings."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from tokenizers import Tokenizer

from ..base.pairs import separated
from ..base.places import fold_folder, model_folder
from ..base.shown_text import visible
from ..benchmarks.benchmark import Benchmark
from ..benchmarks.metrics import confusion_counts
from ..inputs.batches import shuffled_batches
from ..results.class_intervals import decisions, group_table, interval_table, row_groups
from ..results.curves import calibration, precision_recall_curves, roc_curves
from ..results.fairness import FAIRNESS_NOTE, fairness_table
from ..results.fold_scores import FoldScores, fold_scores, known_columns, pooled
from ..results.mistakes import worst_mistakes
from ..results.score_tables import run_notes, score_table
from ..results.thresholds import ARTICLE, decide, decision_figures
from ..runs.fold_files import Run
from .figures import (
    Figure,
    Panel,
    draw_calibration,
    draw_confusion,
    draw_curves,
    draw_histogram,
    draw_history,
    draw_lengths,
)
from .sections import Recording, Section, Table, as_table, confusion_panel
from .sound_parts import attention_figures, example_recordings

MOST_GROUPS = 50  # with more, no table of scores by group is shown
TOKENISED = 4_000  # texts whose tokens are counted, drawn at random
MISTAKES = 5  # of each kind, per label
TOKENS_NOTE = f"measured on up to {TOKENISED:,} training texts, drawn at random."
DECISIONS_NOTE = (
    "Decisions: the threshold has the best F1 on all out-of-fold rows (use it with predict.py --thresholds tuned)."
    " Precision, recall and F1 are nested: each fold is decided by the best threshold of the other folds; a single fold"
    " is decided at 0.5."
)

CLASSES_NOTE = (
    "Decisions: the likeliest class. Precision, recall and F1 are out of fold, for each class against all"
    " others."
)


def run_section(run: Run, folder: Path, train: pd.DataFrame, benchmark: Benchmark) -> Section:
    """Make the section about a run: scores, curves, decisions, mistakes, settings. ``folder``: the run's folder."""
    labels = benchmark.labels
    folds = fold_scores(run, train, labels)
    everything = pooled(folds)
    target = benchmark.target
    best_thresholds, assigned = decide(folds, target)
    thresholds = {} if best_thresholds is None else dict(zip(labels, best_thresholds.tolist(), strict=True))
    scores = score_table(run.oof, train, benchmark)
    tables = [
        as_table(scores, f"Out of fold: ROC AUC, and scores of decisions {target.decision_rule}.", "fold"),
        _decisions(everything, labels, thresholds, assigned),
    ]
    if target.is_exclusive:
        tables += _interval_tables(everything, train, benchmark)
    if benchmark.identity_terms:
        fairness = fairness_table(everything, train["text"], benchmark.identity_terms)
        tables.append(as_table(fairness, FAIRNESS_NOTE.format(label=labels[0]), "text names"))
    figures = [
        *_curve_figures(folds, labels),
        _confusion(everything, labels, thresholds, assigned),
        *_history_figures(run, folder),
    ]
    lengths = token_lengths(folder, run, train["text"], benchmark) if "text" in train else None
    if lengths is not None:
        settings = run.identity["settings"]
        tables.append(_padding_table(lengths, settings["max_length"], settings["batch_size"]))
        drawn = draw_lengths(lengths, unit="tokens", limit=settings["max_length"])
        caption = f"Number of tokens per {benchmark.noun}, {TOKENS_NOTE}"
        figures.append(Figure("tokens", caption, [Panel("tokens", drawn)]))
    recordings: list[Recording] = []
    if benchmark.medium == "sound":
        figures += attention_figures(run, folder, train, benchmark)
        recordings = example_recordings(everything, train, benchmark)
    return Section(
        run.name,
        f"Run {run.name}",
        notes=run_notes(run, benchmark),
        tables=tables,
        figures=[replace(figure, name=f"{run.name}-{figure.name}") for figure in figures],
        mistakes=worst_mistakes(everything, labels, n=MISTAKES),
        recordings=recordings,
        facts=_facts(run),
        thresholds=thresholds,
    )


def _interval_tables(everything: FoldScores, train: pd.DataFrame, benchmark: Benchmark) -> list[Table]:
    """Make the tables of pooled scores with intervals, and of each group if the rows have groups."""
    groups = row_groups(train, everything.rows)
    run = decisions(everything.labels, everything.scores, benchmark.target, groups)
    drawn = f"{benchmark.group}s" if groups is not None else "rows"
    note = f"Scores of the likeliest class, all folds pooled, with 95 % intervals by a bootstrap of {drawn}."
    tables = [as_table(interval_table(run), note, "score")]
    if groups is not None and len(np.unique(groups)) <= MOST_GROUPS:
        note = f"Scores by {benchmark.group}, out of fold, over the classes that occur."
        tables.append(as_table(group_table(run), note, str(benchmark.group)))
    return tables


def _curve_figures(folds: Sequence[FoldScores], labels: Sequence[str]) -> list[Figure]:
    """Draw ROC, precision–recall, calibration and histograms: one panel per label that has both classes."""
    roc, precision, calibrated, counts = [], [], [], []
    for column, label in enumerate(labels):
        columns = known_columns(folds, column)
        if not columns:
            continue
        truth, scores = (np.concatenate(parts) for parts in zip(*columns, strict=True))
        words = {"x": "false-positive rate", "y": "true-positive rate", "area": "AUC"}
        roc.append(Panel(label, draw_curves(roc_curves(columns), **words, chance=None)))
        words = {"x": "recall", "y": "precision", "area": "average precision"}
        curves = precision_recall_curves(columns)
        precision.append(Panel(label, draw_curves(curves, **words, chance=float(truth.mean()))))
        calibrated.append(Panel(label, draw_calibration(calibration(truth, scores))))
        counts.append(Panel(label, draw_histogram(truth, scores)))
    band = "mean of the folds; the band reaches from the lowest fold to the highest, and the dotted line is chance."
    captions = {
        "roc": f"ROC: {band}",
        "precision-recall": f"Precision and recall: {band}",
        "calibration": "Calibration, all folds: predicted probability, and the share of these rows that have the label."
        " On the dotted line the two agree. Bars are 95 % intervals; larger dots stand for more rows. The error is the"
        " mean distance from the line, weighted by rows.",
        "histogram": "Number of rows by predicted probability (logarithmic scale).",
    }
    panels = (roc, precision, calibrated, counts)
    return [Figure(name, captions[name], part) for name, part in zip(captions, panels, strict=True) if part]


def _decisions(
    everything: FoldScores, labels: Sequence[str], thresholds: dict[str, float], assigned: np.ndarray
) -> Table:
    if thresholds:
        return as_table(decision_table(everything, thresholds, assigned), DECISIONS_NOTE, "label")
    return as_table(class_table(everything, labels, assigned), CLASSES_NOTE, "class")


def decision_table(
    everything: FoldScores, thresholds: dict[str, float], assigned: np.ndarray
) -> pd.DataFrame:
    """Return one row per label: its best threshold on all rows, and nested and optimistic scores of the decisions."""
    rows = {}
    for column, (label, threshold) in enumerate(thresholds.items()):
        truth, scores = everything.labels[:, column], everything.scores[:, column]
        nested = decision_figures(truth, assigned[:, column])
        rows[label] = {
            "threshold": threshold,
            **{name: nested[name] for name in ("precision", "recall", "F1")},
            "F1, optimistic": decision_figures(truth, scores > threshold)["F1"],
            "F1 at 0.5": decision_figures(truth, scores > ARTICLE)["F1"],
        }
    table = pd.DataFrame.from_dict(rows, orient="index")
    if len(thresholds) > 1:
        table.loc["mean"] = table.mean().where(table.columns != "threshold")
    return table


def class_table(everything: FoldScores, labels: Sequence[str], assigned: np.ndarray) -> pd.DataFrame:
    """Return one row per class: its number of rows, and precision, recall and F1 of the decisions."""
    rows = {}
    for column, label in enumerate(labels):
        figures = decision_figures(everything.labels[:, column], assigned[:, column])
        scores = {name: figures[name] for name in ("precision", "recall", "F1")}
        rows[label] = {"rows": figures["TP"] + figures["FN"], **scores}
    table = pd.DataFrame.from_dict(rows, orient="index")
    mean = table.mean()
    table = table.astype({"rows": object})  # whole numbers beside a row that has none
    table.loc["mean"] = [None, *mean.drop("rows")]
    return table


def _confusion(
    everything: FoldScores, labels: Sequence[str], thresholds: dict[str, float], assigned: np.ndarray
) -> Figure:
    if not thresholds:
        known = ~np.isnan(everything.labels).any(axis=1)
        names = list(labels)
        counts = confusion_counts(everything.labels[known], assigned[known])
        table = pd.DataFrame(counts, index=names, columns=names)
        caption = (
            "Confusion matrix, all folds: rows of each true class by the likeliest class, shaded by recall."
        )
        return Figure("confusion", caption, [confusion_panel("classes", table)])
    panels = []
    for column, (label, threshold) in enumerate(thresholds.items()):
        figures = decision_figures(everything.labels[:, column], assigned[:, column])
        panels.append(Panel(label, draw_confusion(figures, threshold)))
    caption = "Confusion matrices, each fold decided by the F1-best threshold of the other folds."
    return Figure("confusion", caption, panels)


def _history_figures(run: Run, folder: Path) -> list[Figure]:
    """Draw loss and AUC by epoch; no figure for a model that does not learn in epochs."""
    paths = {fold.fold: fold_folder(folder, fold.fold) / "history.csv" for fold in run.folds}
    histories = {fold: pd.read_csv(path) for fold, path in paths.items() if path.exists()}
    if not histories:
        return []
    loss = draw_history(histories, {"loss": "training loss", "log_loss": "validation log loss"})
    auc = draw_history(histories, {"mean_auc": "validation mean AUC"})
    caption = "Loss and AUC by epoch; one line per fold."
    return [Figure("history", caption, [Panel("loss", loss), Panel("AUC", auc)])]


def token_lengths(folder: Path, run: Run, texts: pd.Series, benchmark: Benchmark) -> np.ndarray | None:
    """Count the tokens of up to TOKENISED texts, [CLS] and [SEP] included, int64 [n]; None without a tokenizer.

    Those of a pair are counted together.
    """
    path = model_folder(folder, run.folds[0].fold) / "tokenizer.json"
    if not path.exists():
        return None
    sample = texts.sample(min(TOKENISED, len(texts)), random_state=0).tolist()
    whole = [separated(pair) for pair in sample] if benchmark.is_pairs else sample
    encodings = Tokenizer.from_file(str(path)).encode_batch(whole, add_special_tokens=True)
    return np.array([len(encoding) for encoding in encodings])


def _padding_table(lengths: np.ndarray, max_length: int, batch_size: int) -> Table:
    """Compute the share of padding for three ways of making batches."""
    cut = np.minimum(lengths, max_length)

    def to_longest(batches: list[np.ndarray]) -> int:
        return sum(cut[rows].max() * len(rows) for rows in batches)

    order = np.random.default_rng(0).permutation(len(cut))
    tokens_read = {
        f"all texts to {max_length} tokens": max_length * len(cut),
        "random batches, to their longest text": to_longest(
            np.split(order, range(batch_size, len(cut), batch_size))
        ),
        "batches of similar length, to their longest text": to_longest(
            shuffled_batches(cut, batch_size, seed=0, epoch=1)
        ),
    }
    frame = pd.DataFrame({"padding": {way: 1 - cut.sum() / total for way, total in tokens_read.items()}})
    return as_table(frame, f"Share of padding among the tokens that the model reads, {TOKENS_NOTE}", "padded")


def _facts(run: Run) -> list[Table]:
    """Make the tables of settings, circumstances (revision, machine, time) and checksums."""
    identity, information = run.identity, [fold.config["information"] for fold in run.folds]
    settings = identity["settings"]
    names = ", ".join(sorted({record["encoder"] for record in information if "encoder" in record}))
    if names and names != settings["encoder"]:  # the encoder was a folder, which its checksum identifies
        settings = {**settings, "encoder": f"{visible(names, kept='')} ({settings['encoder']})"}
    circumstances = {
        "revision": ", ".join(sorted({str(record.get("revision")) for record in information})),
        **{name: information[0].get(name) for name in ("precision", "devices", "machine", "python")},
        **information[0].get("packages", {}),
        "seconds by fold": ", ".join(str(record.get("seconds")) for record in information),
        "peak memory by fold, GB": ", ".join(str(record.get("peak_memory_gb")) for record in information),
    }
    checksums = {
        **{f"{name} rows": value for name, value in identity["data"].items()},
        "fold assignment": identity["assignment"],
        **{f"oof.csv of fold {fold.fold}": fold.metrics["files"]["oof.csv"] for fold in run.folds},
    }
    parts = (("setting", settings), ("circumstance", circumstances), ("checksum", checksums))
    return [Table([name, ""], [[key, _fact(value)] for key, value in part.items()]) for name, part in parts]


def _fact(value) -> str:
    if value is None:
        return "–"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
