"""The scores of a blend, how similar its runs are, and how much each run counts."""

import pandas as pd

from ..benchmarks.benchmark import Benchmark
from ..benchmarks.targets import SCORE_TITLES
from .blend import Blend, correlation
from .score_tables import as_text, format_scores, rank_scores, score_table


def blend_scores(
    blend: Blend, train: pd.DataFrame, benchmark: Benchmark
) -> tuple[dict[str, float], pd.DataFrame]:
    """Return a blend's out-of-fold scores: by name, for its provenance, and as a table.

    Weights that were found on out-of-fold rows are scored by nested cross-validation: each fold is scored with weights
    found on the other folds. The table also has the score of the final weights on the rows that they were found on,
    as optimistic.
    """
    table = score_table(blend.oof(), train, benchmark)
    whole = ["mean", "pooled"] if len(blend.folds) > 1 else [table.index[0]]
    scores = {
        "oof_mean_auc": table["mean AUC"][whole[0]],
        "pooled_oof_mean_auc": table["mean AUC"][whole[-1]],
    }
    if blend.is_chosen:
        optimistic = score_table(blend.optimistic_oof(), train, benchmark).loc[whole]
        scores["optimistic_oof_mean_auc"] = optimistic["mean AUC"][whole[0]]
        table = pd.concat([table, optimistic.rename(index="{}, optimistic".format)])
    if blend.how == "rank":
        table = rank_scores(table, benchmark)
    return {name: float(score) for name, score in scores.items()}, table


def blend_report(blend: Blend, table: pd.DataFrame, benchmark: Benchmark, notes: list[str]) -> str:
    """Return as text: the table of ``blend_scores``, how similar the runs are, and their weights."""
    shares = blend.shares()
    has_weights = len(shares.columns) > 1
    runs = ", ".join(run.name for run in blend.runs)
    title = f"{benchmark.name}, {blend.find}{' weights' * has_weights}, {blend.how} of {runs}"
    if blend.is_chosen:
        title += f", each fold by {'weights' if has_weights else blend.find} found on the others"
    lost = f"contribution: what the mean over folds of the {SCORE_TITLES[blend.score]} loses without the run"
    return (
        f"{format_scores(title, table, notes)}\n\nrank correlation of the runs' out-of-fold predictions\n"
        f"{as_text(correlation(blend.runs))}\n\n{'weight of each run; ' * has_weights}{lost}\n{as_text(shares)}"
    )
