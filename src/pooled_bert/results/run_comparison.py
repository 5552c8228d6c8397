"""Runs compared with the first of them, on the same rows: paired differences with intervals, decisions, cost."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..base.errors import InputError
from ..benchmarks.benchmark import Benchmark
from ..benchmarks.metrics import confusion_counts
from ..benchmarks.targets import mean_of_known
from ..runs.comparable_runs import in_one_order
from ..runs.finished_runs import Run
from .class_intervals import decisions, difference_table
from .draws import row_groups
from .resampling import estimate, resampled_aucs
from .score_tables import as_text, format_scores, notes_on
from .thresholds import decision_figures


def check_labels(without: Sequence[str], benchmark: Benchmark) -> None:
    """Raise InputError for an unknown label in ``without``, or if no label would be left."""
    unknown = set(without) - set(benchmark.labels)
    if unknown:
        raise InputError(f"--without {min(unknown)}: is not one of {', '.join(benchmark.labels)}")
    if set(without) == set(benchmark.labels):
        raise InputError(f"--without {' '.join(without)}: leaves no label to compare; name fewer labels")


def comparison_report(
    runs: Sequence[Run],
    train: pd.DataFrame,
    benchmark: Benchmark,
    *,
    without: Sequence[str] = (),
    confusion: bool = False,
) -> str:
    """Return the comparison as text; with ``without``, also the AUCs without these labels.

    ``confusion``: whether to add each run's confusion matrices.
    """
    runs = in_one_order(runs)
    table = auc_table(runs, train, benchmark.labels).join(cost_column(runs))
    parts = [
        *verdicts(table),
        format_scores(f"{benchmark.name}, compared with {runs[0].name}", table, notes_on(runs, benchmark)),
    ]
    rest = [label for label in benchmark.labels if label not in without]
    if without:
        parts.append(f"without {', '.join(without)}\n{as_text(auc_table(runs, train, rest))}")
    if benchmark.target.is_exclusive:
        parts.append(_class_differences(runs, train, benchmark))
    else:
        means = as_text(decision_table(runs, train, benchmark))
        parts.append(f"decisions {benchmark.target.decision_rule}, means over labels\n{means}")
    if confusion:
        parts += [f"{run.name}\n{confusion_table(run, train, benchmark).to_string()}" for run in runs]
    return "\n\n".join(parts)


def verdicts(table: pd.DataFrame) -> list[str]:
    """Return, as one text of one line per run but the first of ``auc_table``, how it compares with the first."""
    first, lines = table.index[0], []
    for name, row in table.iloc[1:].iterrows():
        interval = (
            f"{row['difference']:+.4f} mean AUC (95 % interval {row['low']:+.4f} to {row['high']:+.4f})"
        )
        if np.isnan(row["difference"]):
            lines.append(f"{name} and {first}: no fold of both has an AUC")
        elif not (row["low"] > 0 or row["high"] < 0):
            lines.append(f"{name} and {first}: no clear difference, {interval}")
        else:
            lines.append(f"{name} is {'better' if row['low'] > 0 else 'worse'} than {first}: {interval}")
    return ["\n".join(lines)] if lines else []


def auc_table(
    runs: Sequence[Run], train: pd.DataFrame, labels: Sequence[str], *, seed: int = 0
) -> pd.DataFrame:
    """Return one row per run: mean AUC over ``labels``, its spread over folds, and its difference from the first run.

    Each run is compared with the first on the folds that both have. ``low`` and ``high`` are the bounds of the 95 %
    interval of the difference, by the paired bootstrap of ``resampling``.
    """
    resampled = {run.name: resampled_aucs(run.oof, train, labels, seed) for run in runs}
    base = resampled[runs[0].name]
    rows = {}
    for name, aucs in resampled.items():
        common = sorted(base.keys() & aucs.keys())
        if not common:
            raise InputError(
                f"runs {runs[0].name!r} and {name!r} have no finished fold in common; train the same fold of both"
            )
        means = pd.Series({fold: float(mean_of_known(aucs[fold][:, 0])) for fold in common})
        rows[name] = {"folds": len(common), "mean AUC": means.mean(), "sd": means.std(ddof=1)}
        if name != runs[0].name:
            differences = [mean_of_known(aucs[fold] - base[fold]) for fold in common]
            found = estimate(mean_of_known(np.array(differences)))
            rows[name] |= {"difference": found.value, "low": found.low, "high": found.high}
    return pd.DataFrame.from_dict(rows, orient="index").astype({"folds": int})


def decision_table(runs: Sequence[Run], train: pd.DataFrame, benchmark: Benchmark) -> pd.DataFrame:
    """Return one row per run: accuracy, and precision, recall and F1 averaged over labels; all rows pooled.

    This is the article's table. Precision is 0 for a label that is never assigned.
    """
    rows = {}
    for run in runs:
        truth, scores = _pooled(run, train, benchmark.labels)
        assigned = benchmark.target.decide(scores)
        figures = [decision_figures(*column) for column in zip(truth.T, assigned.T, strict=True)]
        means = {
            name: np.mean([figure[name] for figure in figures]) for name in ("precision", "recall", "F1")
        }
        rows[run.name] = {"accuracy": benchmark.target.scores(truth, scores)["accuracy"], **means}
    return pd.DataFrame.from_dict(rows, orient="index")


def _class_differences(runs: Sequence[Run], train: pd.DataFrame, benchmark: Benchmark) -> str:
    """Return the scores of the likeliest class, pooled over the folds that all runs have, with paired intervals."""
    common = sorted(set.intersection(*(set(run.oof) for run in runs)))
    if not common:
        raise InputError(
            "these runs have no finished fold in common; train the same fold of all, or name fewer runs"
        )
    by_run = {}
    for run in runs:
        predictions = pd.concat([run.oof[fold] for fold in common])
        rows = train.set_index("id").index.get_indexer(pd.Index(predictions["id"]))
        labels = train[list(benchmark.labels)].to_numpy(np.float64)[rows]
        scores = predictions[list(benchmark.labels)].to_numpy(np.float64)
        by_run[run.name] = decisions(labels, scores, benchmark.target, row_groups(train, rows))
    drawn = f"{benchmark.group}s" if "group" in train else "rows"
    title = (
        f"decisions {benchmark.target.decision_rule}, {len(common)} folds pooled; 95 % intervals of differences by a"
        f" bootstrap of {drawn}"
    )
    return f"{title}\n{as_text(difference_table(by_run))}"


def confusion_table(run: Run, train: pd.DataFrame, benchmark: Benchmark) -> pd.DataFrame:
    """Return how many out-of-fold rows are decided correctly and wrongly.

    For several labels: one row per label, with its true and false negatives and positives. For one class out of
    several: one row per true class, one column per assigned class.
    """
    truth, scores = _pooled(run, train, benchmark.labels)
    assigned = benchmark.target.decide(scores)
    if benchmark.target.is_exclusive:
        known = ~np.isnan(truth).any(axis=1)
        counts = confusion_counts(truth[known], assigned[known])
        return pd.DataFrame(counts, index=list(benchmark.labels), columns=list(benchmark.labels))
    rows = {}
    for name, *column in zip(benchmark.labels, truth.T, assigned.T, strict=True):
        figures = decision_figures(*column)
        rows[name] = {count: figures[count] for count in ("TN", "FP", "FN", "TP")}
    return pd.DataFrame.from_dict(rows, orient="index")


def cost_column(runs: Sequence[Run]) -> pd.Series:
    """Return the median training time per fold, in seconds, by run."""
    seconds = {
        run.name: np.median([fold.config["information"].get("seconds", np.nan) for fold in run.folds])
        for run in runs
    }
    return pd.Series(seconds, name="seconds per fold")


def _pooled(run: Run, train: pd.DataFrame, labels: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    predictions = pd.concat(run.oof.values())
    truth = train.set_index("id").loc[predictions["id"], list(labels)]
    return truth.to_numpy(np.float64), predictions[list(labels)].to_numpy(np.float64)
