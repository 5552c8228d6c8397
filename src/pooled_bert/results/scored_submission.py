"""Runs -> their blend, the table to submit, and the report that is printed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from ..benchmarks.benchmark import Benchmark
from ..data.rows import Rows
from ..runs.finished_runs import Run
from .blend import Blend, blend_equally, check_blendable, make_blend
from .blend_report import blend_report, blend_scores
from .blend_run import check_is_new, write_blend_run
from .score_tables import (
    best_alone,
    comparison,
    format_scores,
    headline,
    notes_on,
    rank_scores,
    score_row,
)
from .submission import submission_of_predictions, submission_table, submitted


@dataclass(frozen=True)
class ScoredSubmission:
    """A blend, its out-of-fold scores by name, the table to submit (None: no test rows), and a report to print."""

    blend: Blend
    scores: dict[str, float]
    table: pd.DataFrame | None
    report: str


def scored_submission(
    runs: Sequence[Run],
    scored_runs: Sequence[Run],
    rows: Rows,
    *,
    name: str,
    how: str,
    find: str,
    answers: pd.DataFrame | None,
    kept_as: Path | None,
) -> ScoredSubmission:
    """Blend runs, and score them and their blend.

    runs : their folds predict the test rows.  scored_runs : the same runs with the folds that all of them have, on
    which the blend is found and scored.  how, find : the scale, and the way of finding the weights.  answers : labels
    of the test rows (id + labels).  kept_as : folder of the run that the blend is kept as.
    Raises InputError if the runs cannot be blended, or the run exists.
    """
    benchmark = rows.benchmark
    if kept_as:
        check_is_new(kept_as)
    check_blendable(scored_runs, rows.checksums())
    blend = make_blend(scored_runs, benchmark.target, how, find, rows.train, benchmark.score, rows.test)
    notes = notes_on(scored_runs, benchmark)
    scores, table = blend_scores(blend, rows.train, benchmark)
    lines = [headline("out of fold", table, benchmark, notes)]
    if len(runs) == 1:
        details = [format_scores(f"{benchmark.name} {runs[0].name}", table)]
    else:
        lines.append(best_alone(scored_runs, benchmark))
        each = format_scores("each run alone", comparison(scored_runs, benchmark), notes)
        details = [blend_report(blend, table, benchmark, notes), each]
    if kept_as:
        write_blend_run(kept_as, blend, rows)
    blend = replace(blend, runs=runs)
    submission = None
    if rows.template is not None:
        predictions = submission_table(blend.test(), rows.template, benchmark)
        submission = submitted(predictions, rows)
        if answers is not None:
            scored = score_row(predictions, answers, benchmark, "test")
            scored = rank_scores(scored, benchmark) if how == "rank" else scored
            lines.append(headline(name, scored, benchmark, []))
            if benchmark.medals and not rows.made_up:
                medal = benchmark.medals.named(scored["mean AUC"].iloc[0])
                lines.append(f"on the private leaderboard: {medal}")
            details.append(format_scores(f"{benchmark.name} {name}", scored, notes, of="test"))
    return ScoredSubmission(blend, scores, submission, "\n\n".join(["\n".join(lines), *details]))


def submission_without_rows(
    runs: Sequence[Run], scored_runs: Sequence[Run], benchmark: Benchmark, how: str
) -> ScoredSubmission:
    """Blend runs with equal weights where the benchmark's files are not on this machine.

    The ids are those of the test predictions, and the scores those that the trainings of each run recorded.
    runs, scored_runs : as for ``scored_submission``. Raises InputError if the runs are of different rows.
    """
    data = runs[0].identity.get("data", {})
    check_blendable(scored_runs, {name: data.get(name) for name in ("train", "test")})
    report = "\n".join(
        f"{run.name}: mean AUC {run.recorded_auc:.4f} (mean over {len(run.folds)} folds, out of fold)"
        for run in runs
    )
    blend = blend_equally(runs, benchmark.target, how)
    scores = {"oof_mean_auc": sum(run.recorded_auc for run in runs) / len(runs)}
    return ScoredSubmission(blend, scores, submission_of_predictions(blend.test(), benchmark), report)
