"""The section about one run in a report: scores by fold, decisions, fairness, training, tokens, settings."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from tokenizers import Tokenizer

from ..base.numbers import decimals, number, percent
from ..base.pairs import separated
from ..base.places import fold_folder, model_folder
from ..base.shown_text import visible
from ..benchmarks.benchmark import Benchmark
from ..benchmarks.metrics import confusion_counts
from ..benchmarks.targets import SCORE_TITLES
from ..inputs.batches import shuffled_batches
from ..results.class_intervals import decisions, group_table, interval_table
from ..results.draws import row_groups
from ..results.fairness import FAIRNESS_NOTE, fairness_table, groups_without_scores
from ..results.fold_scores import FoldScores, fold_scores, known_columns, pooled
from ..results.score_tables import run_notes, score_table
from ..results.thresholds import ARTICLE, decide, decision_figures
from ..runs.finished_runs import Run
from .comparison import run_place
from .drawings import draw_confusion, draw_histogram, draw_history, draw_lengths
from .figures import Figure, Panel
from .findings import confusion_finding, histogram_finding, history_finding, misses_finding, tokens_finding
from .mistakes import LabelMistakes
from .sections import Recording, Section, confusion_panel
from .sound_parts import attention_figures, example_recordings
from .tables import Table, as_table, places_by_count, places_by_spread

MOST_GROUPS = 50  # with more, no table of scores by group is shown
TOKENISED = 4_000  # texts whose tokens are counted, drawn at random
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


def run_section(
    run: Run,
    folder: Path,
    train: pd.DataFrame,
    benchmark: Benchmark,
    mistakes: Sequence[LabelMistakes] = (),
) -> Section:
    """Make the section about a run: scores, decisions, training, settings. ``folder``: the run's folder.

    The first two tables are the scores by fold, and the decisions by label. ``mistakes``: those to show here.
    """
    labels = benchmark.labels
    folds = fold_scores(run, train, labels)
    everything = pooled(folds)
    target = benchmark.target
    best_thresholds, assigned = decide(folds, target)
    thresholds = {} if best_thresholds is None else dict(zip(labels, best_thresholds.tolist(), strict=True))
    scores = score_table(run.oof, train, benchmark)
    note = f"Out of fold: ROC AUC, and scores of decisions {target.decision_rule}."
    tables = [
        as_table(scores, note, "fold", places_by_spread(scores)),
        _decisions(everything, labels, thresholds, assigned),
    ]
    if target.is_exclusive:
        tables += _interval_tables(everything, train, benchmark)
    if benchmark.identity_terms:
        tables += _fairness(everything, train, benchmark)
    figures = [
        *_histograms(folds, labels),
        _confusion(everything, labels, thresholds, assigned),
        *_history_figures(run, folder),
    ]
    lengths = token_lengths(folder, run, train["text"], benchmark) if "text" in train else None
    if lengths is not None:
        settings = run.identity["settings"]
        limit = settings["max_length"]
        tables.append(_padding_table(lengths, limit, settings["batch_size"]))
        drawn = draw_lengths(lengths, unit="tokens", noun=benchmark.noun, limit=limit)
        caption = f"Number of tokens per {benchmark.noun}, {TOKENS_NOTE}"
        title = tokens_finding(lengths, limit, benchmark.noun)
        figures.append(Figure("tokens", title, caption, [Panel("tokens", drawn)]))
    recordings: list[Recording] = []
    if benchmark.medium == "sound":
        figures += attention_figures(run, folder, train, benchmark)
        recordings = example_recordings(everything, train, benchmark)
    title = SCORE_TITLES[benchmark.score]
    row = "mean" if "mean" in scores.index else scores.index[0]
    places = places_by_spread(scores).get(title, 3)
    return Section(
        run_place(run.name),
        f"Run {run.name}",
        f"{title} {number(float(scores[title][row]), places)}; folds, decisions, training, settings",
        notes=run_notes(run, benchmark),
        tables=tables,
        figures=[replace(figure, name=f"{run.name}-{figure.name}") for figure in figures],
        mistakes=mistakes,
        recordings=recordings,
        facts=_facts(run),
        thresholds=thresholds,
    )


def _fairness(everything: FoldScores, train: pd.DataFrame, benchmark: Benchmark) -> list[Table]:
    """Make the table of fairness, without groups that have no score; their names are in its note."""
    table = fairness_table(everything, train["text"], benchmark.identity_terms)
    empty = groups_without_scores(table)
    note = FAIRNESS_NOTE.format(label=benchmark.labels[0])
    if empty:
        note += f" Too few texts name: {', '.join(empty)}."
    return [as_table(table.drop(index=empty), note, "text names")]


def _interval_tables(everything: FoldScores, train: pd.DataFrame, benchmark: Benchmark) -> list[Table]:
    """Make the tables of pooled scores with intervals, and of each group if the rows have groups."""
    groups = row_groups(train, everything.rows)
    run = decisions(everything.labels, everything.scores, benchmark.target, groups)
    drawn = f"{benchmark.group}s" if groups is not None else "rows"
    note = f"Scores of the likeliest class, all folds pooled, with 95 % intervals by a bootstrap of {drawn}."
    intervals = interval_table(run)
    places = {
        name: decimals((high - low) / 2)
        for name, (_, low, high) in zip(intervals.index, intervals.to_numpy(), strict=True)
    }
    tables = [as_table(intervals, note, "score", places)]
    if groups is not None and len(np.unique(groups)) <= MOST_GROUPS:
        note = f"Scores by {benchmark.group}, out of fold, over the classes that occur."
        by_group = group_table(run)
        places = places_by_count(dict(zip(by_group.index.astype(str), by_group["rows"], strict=True)))
        tables.append(as_table(by_group, note, str(benchmark.group), places))
    return tables


def _histograms(folds: Sequence[FoldScores], labels: Sequence[str]) -> list[Figure]:
    """Draw histograms of probabilities: one panel per label that has both classes in a fold."""
    panels, title = [], ""
    for column, label in enumerate(labels):
        columns = known_columns(folds, column)
        if columns:
            truth, scores = (np.concatenate(parts) for parts in zip(*columns, strict=True))
            panels.append(Panel(label, draw_histogram(truth, scores)))
            title = title or histogram_finding(label, truth, scores)
    caption = "Number of rows by predicted probability (logarithmic scale)."
    return [Figure("histogram", title, caption, panels)] if panels else []


def _decisions(
    everything: FoldScores, labels: Sequence[str], thresholds: dict[str, float], assigned: np.ndarray
) -> Table:
    positives = np.nansum(everything.labels == 1, axis=0).tolist()
    places = places_by_count({**dict(zip(labels, positives, strict=True)), "mean": min(positives)})
    if thresholds:
        return as_table(decision_table(everything, thresholds, assigned), DECISIONS_NOTE, "label", places)
    return as_table(class_table(everything, labels, assigned), CLASSES_NOTE, "class", places)


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
        return Figure("confusion", confusion_finding(table), caption, [confusion_panel("classes", table)])
    outcomes = {
        label: decision_figures(everything.labels[:, column], assigned[:, column])
        for column, label in enumerate(thresholds)
    }
    panels = [
        Panel(label, draw_confusion(outcomes[label], threshold)) for label, threshold in thresholds.items()
    ]
    caption = "Confusion matrices, each fold decided by the F1-best threshold of the other folds."
    return Figure("confusion", misses_finding(outcomes), caption, panels)


def _history_figures(run: Run, folder: Path) -> list[Figure]:
    """Draw loss and AUC by epoch; no figure for a model that does not learn in epochs."""
    paths = {fold.fold: fold_folder(folder, fold.fold) / "history.csv" for fold in run.folds}
    histories = {fold: pd.read_csv(path) for fold, path in paths.items() if path.exists()}
    if not histories:
        return []
    loss = draw_history(histories, {"loss": "training loss", "log_loss": "validation log loss"})
    auc = draw_history(histories, {"mean_auc": "validation mean AUC"})
    caption = "Loss and AUC by epoch; one line per fold."
    title = history_finding(list(histories.values()))
    return [Figure("history", title, caption, [Panel("loss", loss), Panel("AUC", auc)])]


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
    rows = [[way, percent(float(1 - cut.sum() / total))] for way, total in tokens_read.items()]
    note = f"Share of padding among the tokens that the model reads, {TOKENS_NOTE}"
    return Table(["padded", "padding"], rows, note)


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
