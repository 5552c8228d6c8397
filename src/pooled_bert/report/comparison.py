"""The head of a report: a verdict in sentences, and one figure and one table that compare all runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..base.numbers import MOST, decimals, number, percent
from ..benchmarks.benchmark import Benchmark
from ..benchmarks.targets import SCORE_TITLES, gain
from ..results.fold_scores import FoldScores, pooled
from ..results.resampling import Estimate
from ..results.score_tables import score_table
from ..results.thresholds import decide, decision_figures
from ..results.verdict import Caution, Contender, Verdict
from ..runs.finished_runs import Run
from .drawings import draw_intervals
from .figures import Figure, Panel
from .findings import confusion_finding
from .sections import Section, confusion_panel
from .tables import Table, places_by_spread

NAMED = 3  # contenders that the verdict names
RUNS, CURVES, DATA = "runs", "curves", "data"  # names of sections, which are the places that links lead to


@dataclass(frozen=True)
class Point:
    """A sentence of the verdict, and the section that it is from. ``kind``: "good", "fact" or "warning"."""

    text: str
    place: str
    kind: str = "fact"


@dataclass(frozen=True)
class Head:
    """What the page opens with. ``score``: as text, with ``interval``; ``about``: what was learnt from what."""

    about: str
    headline: str
    score_title: str
    score: str
    interval: str
    points: Sequence[Point]
    warnings: Sequence[Point]
    figure: Figure | None


def run_place(name: str) -> str:
    """Return the name of a run's section."""
    return f"run-{name}"


def make_head(
    verdict: Verdict, shown: Sequence[str], n_rows: int, benchmark: Benchmark, more: Sequence[Point] = ()
) -> Head:
    """Put the verdict into words; ``shown``: the names of the runs that have a section; ``more``: further sentences."""
    best, title = verdict.best, SCORE_TITLES[benchmark.score]
    score = best.score
    places = decimals(score.half_width)
    kind = "classes" if benchmark.target.is_exclusive else "labels" if len(benchmark.labels) > 1 else "label"
    n_folds = len(best.oof)
    interval = (
        ""
        if np.isnan(score.low)
        else f"95 % interval {number(score.low, places)} to {number(score.high, places)}"
    )
    return Head(
        f"{n_rows:,} {benchmark.noun}s, {len(benchmark.labels)} {kind}, {n_folds} fold{'s' * (n_folds > 1)}."
        " Every score is out of fold: of rows that the model never saw.",
        _headline(verdict),
        title,
        number(score.value, places),
        interval,
        [*_leads(verdict, title), *_weakness(verdict), *_folds(verdict, benchmark), *more],
        _warnings(verdict.warnings, shown),
        runs_figure(verdict, benchmark),
    )


def _headline(verdict: Verdict) -> str:
    best, n = verdict.best, len(verdict.contenders)
    name = f"the blend of {' and '.join(best.runs)}" if best.is_blend else f"run {best.name}"
    if n == 1:
        return name[0].upper() + name[1:]
    return f"Best of {n}: {name}"


def _named(contender: Contender) -> str:
    return f"the blend of {' and '.join(contender.runs)}" if contender.is_blend else contender.name


def _leads(verdict: Verdict, title: str) -> list[Point]:
    """Say what the best is better than, and by how much."""
    if len(verdict.contenders) == 1:
        text = (
            "There is nothing to compare with: train another run on the same folds, e.g. with --model linear"
        )
        return [Point(text, RUNS)]
    points = []
    for other in verdict.contenders[1 : 1 + NAMED]:
        found = verdict.lead(other)
        common = sorted(verdict.best.oof.keys() & other.oof.keys())
        if not common:
            continue
        amount = found.as_text(sign=True)
        if len(common) < len(verdict.best.oof):
            amount += f", on fold{'s' * (len(common) > 1)} {', '.join(map(str, common))}"
        if not other.is_honest:
            points.append(Point(f"Not ranked: {other.name}, whose score is optimistic ({amount})", RUNS))
        elif found.is_clear:
            word, kind = ("Better", "good") if found.value > 0 else ("Worse", "fact")
            points.append(Point(f"{word} than {_named(other)} in {title}: {amount}", RUNS, kind))
        else:
            points.append(Point(f"Not clearly better than {_named(other)} in {title}: {amount}", RUNS))
    left = len(verdict.contenders) - 1 - NAMED
    return [*points, *([Point(f"And {left} more", RUNS)] if left > 0 else [])]


def _weakness(verdict: Verdict) -> list[Point]:
    weak = verdict.weakest
    if weak is None:
        return []
    rows = f"{weak.positives:,} rows have it"
    return [Point(f"Weakest: {weak.name}, AUC {weak.auc.as_text()}; {rows}", CURVES)]


def _folds(verdict: Verdict, benchmark: Benchmark) -> list[Point]:
    """Say whether the folds agree, and which one does not."""
    folds = verdict.folds
    if folds is None:
        return []
    known = [score for score in folds.scores.values() if not np.isnan(score)]
    if not known:
        return []
    places = decimals(float(np.std(known, ddof=1))) if len(known) > 1 else 3
    if folds.outlier is None:
        low, high = number(min(known), places), number(max(known), places)
        return [Point(f"The folds agree: {low} to {high}", RUNS, "good")]
    score, others = folds.scores[folds.outlier], folds.others
    is_better = gain(benchmark.score, score) > gain(benchmark.score, others)
    text = (
        f"Fold {folds.outlier} is {'better' if is_better else 'worse'} than chance explains: {number(score, places)},"
        f" the others {number(others, places)} on average"
    )
    return [Point(text, RUNS)]


def decision_point(run: str, folds: Sequence[FoldScores], benchmark: Benchmark) -> Point:
    """Say how often the decisions of a run are right: of its first label, or of all classes."""
    everything = pooled(folds)
    _, assigned = decide(folds, benchmark.target)
    if benchmark.target.is_exclusive:
        known = ~np.isnan(everything.labels).any(axis=1)
        right = float((assigned & (everything.labels == 1))[known].any(axis=1).mean())
        text = f"The likeliest class by {run} is right for {percent(right)} of the {benchmark.noun}s"
        return Point(text, run_place(run))
    label = benchmark.labels[0]
    figures = decision_figures(everything.labels[:, 0], assigned[:, 0])
    text = (
        f"At its best threshold, {run} finds {percent(figures['recall'])} of {label}, and"
        f" {percent(figures['precision'])} of what it finds is {label}"
    )
    return Point(text, run_place(run))


def _warnings(warnings: Sequence[Caution], shown: Sequence[str]) -> list[Point]:
    """Return one sentence for all warnings about the same runs, and one for each that is about the data."""
    by_runs: dict[tuple[str, ...], list[str]] = {}
    points = []
    for warning in warnings:
        if warning.runs:
            by_runs.setdefault(warning.runs, []).append(warning.text)
        else:
            points.append(Point(warning.text[0].upper() + warning.text[1:], DATA, "warning"))
    about_runs = []
    for runs, texts in by_runs.items():
        names = [name for name in runs if name in shown]
        about = ", ".join(runs) if len(runs) <= NAMED else f"{len(runs)} runs"
        place = run_place(names[0]) if names else RUNS
        about_runs.append(Point(f"{about}: {'; '.join(texts)}", place, "warning"))
    return [*about_runs, *points]


def runs_figure(verdict: Verdict, benchmark: Benchmark) -> Figure | None:
    """Draw the score of every contender, and how far it is behind the best; None if there is only one."""
    if len(verdict.contenders) == 1:
        return None
    title, best = SCORE_TITLES[benchmark.score], verdict.best
    height = 0.9 + 0.3 * len(verdict.contenders)
    scores = {one.name: one.score for one in verdict.contenders}
    folds = {
        one.name: [float(values[0]) for values in one.resampled.score.values()] for one in verdict.contenders
    }
    leads = {one.name: verdict.lead(one) for one in verdict.contenders if one is not best}
    behind = {best.name: Estimate(0, 0, 0), **{name: found.negative for name, found in leads.items()}}
    panels = [
        Panel("score", draw_intervals(scores, title, dots=folds), 3.6, height),
        Panel("behind the best", draw_intervals(behind, f"difference in {title}", zero=True), 3.6, height),
    ]
    caption = (
        f"{title[0].upper()}{title[1:]} out of fold, mean over the folds, with 95 % intervals; small strokes are single"
        " folds. Second: the difference from the best, on the same rows for both (paired bootstrap); grey: not clear."
    )
    return Figure("runs", _lead_finding(best.name, leads), caption, panels)


def _lead_finding(best: str, leads: Mapping[str, Estimate]) -> str:
    """Say of whom the best is clearly ahead."""
    ahead = [name for name, found in leads.items() if found.is_clear and found.value > 0]
    others = [name for name in leads if name not in ahead]
    if not others:
        return f"{best} is clearly ahead of {' and '.join(ahead) if len(ahead) <= NAMED else 'all others'}"
    if not ahead:
        return f"{best} is ahead, but not clearly"
    named = f"{len(others)} others" if len(others) > NAMED else " and ".join(others)
    return f"{best} is clearly ahead of {len(ahead) if len(ahead) > NAMED else ' and '.join(ahead)}, but not of {named}"


def runs_section(
    verdict: Verdict,
    runs: Sequence[Run],
    train: pd.DataFrame,
    benchmark: Benchmark,
    confusions: Mapping[str, pd.DataFrame],
) -> Section:
    """Make the section that compares all runs on the same rows and folds, the best first.

    confusions : for one class out of several, the confusion matrix of each run that is shown in full.
    """
    by_name = {run.name: run for run in runs}
    title = SCORE_TITLES[benchmark.score]
    others = [SCORE_TITLES[name] for name in benchmark.shown_scores if name != benchmark.score]
    head = [
        "run",
        f"{title} [95 % interval]",
        "the best is ahead by",
        *others,
        "folds",
        "model",
        "seconds per fold",
    ]
    rows = []
    for one in verdict.contenders:
        run = None if one.is_blend else by_name[one.name]
        marks = [] if one.is_honest else ["optimistic"]
        table = score_table(one.oof, train, benchmark)
        row, places = "mean" if len(one.oof) > 1 else table.index[0], places_by_spread(table)
        lead = "" if one is verdict.best else verdict.lead(one).as_text(sign=True)
        rows.append(
            [
                one.name + "".join(f" ({mark})" for mark in marks),
                one.score.as_text(),
                lead,
                *(number(float(table[score][row]), places.get(score, MOST)) for score in others),
                str(len(one.oof)),
                run.identity["settings"]["model"] if run else "blend",
                _seconds(run),
            ]
        )
    note = (
        "Means over the finished folds. Intervals and differences are by a bootstrap of the validation rows, the same"
        " rows for both runs of a difference; chance of the seed is not in them. A blend is the mean of its runs'"
        " log-odds."
    )
    gist = f"{len(verdict.contenders)} compared" if len(verdict.contenders) > 1 else "one run"
    more = (
        {"AUC of each label": [_label_table(verdict.contenders, benchmark)]}
        if len(benchmark.labels) > 1
        else {}
    )
    return Section(
        RUNS,
        "Runs",
        gist,
        True,
        tables=[Table(head, rows, note)],
        figures=_side_by_side(confusions),
        more=more,
    )


def _label_table(contenders: Sequence[Contender], benchmark: Benchmark) -> Table:
    """Make the table of each contender's AUC by label, each with the digits that its interval warrants."""
    rows = []
    for one in contenders:
        aucs = [one.resampled.auc(column) for column in range(len(benchmark.labels))]
        rows.append([one.name, *(number(auc.value, decimals(auc.half_width)) for auc in aucs)])
    return Table(["run", *benchmark.labels], rows)


def _seconds(run: Run | None) -> str:
    seconds = [fold.config["information"].get("seconds") for fold in run.folds] if run else []
    known = [second for second in seconds if second is not None]
    return f"{round(float(np.median(known))):,}" if known and len(known) == len(seconds) else "–"


def _side_by_side(confusions: Mapping[str, pd.DataFrame]) -> list[Figure]:
    """Draw the confusion matrices of several runs beside each other."""
    if len(confusions) < 2:
        return []
    panels = [confusion_panel(name, counts) for name, counts in confusions.items()]
    caption = (
        "Confusion matrices, all folds: rows of each true class by the likeliest class, shaded by recall."
    )
    name, counts = next(iter(confusions.items()))
    return [Figure("confusions", f"{name}: {confusion_finding(counts)}", caption, panels)]
