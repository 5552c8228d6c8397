"""Runs -> verdict, mistakes, curves and sections -> the page of a report."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from ..benchmarks.benchmark import Benchmark
from ..results.fold_scores import FoldScores, fold_scores, pooled
from ..results.mistakes import worst_mistakes
from ..results.run_comparison import confusion_table
from ..results.verdict import find_verdict
from ..runs.finished_runs import Run
from .comparison import decision_point, make_head, runs_section
from .curves_section import curves_section
from .mistakes import LabelMistakes, Texts, explanations, rows_of, shown_mistakes
from .page import write_report
from .run_section import run_section
from .sections import Section, data_section

MISTAKES = 5  # of each kind, per label


def make_report(
    shown: Sequence[Run],
    runs: Sequence[Run],
    folder: Path,
    train: pd.DataFrame,
    benchmark: Benchmark,
    *,
    output: Path,
    masked: bool,
    explained: bool,
) -> tuple[Path, list[Section]]:
    """Write the page, and return its path and the section of each run that is shown in full.

    shown : the runs to show in full.  runs : all runs on the same rows and folds, with these first.
    folder : of the runs.  masked : whether words are masked.  explained : whether mistakes are explained.
    """
    verdict = find_verdict(runs, shown, train, benchmark)
    folds = {run.name: fold_scores(run, train, benchmark.labels) for run in shown}
    mistakes, explainable = _mistakes(
        shown, folds, folder, train, benchmark, masked=masked, explained=explained
    )
    ranked = [one for one in verdict.contenders if one.name in folds]
    best = ranked[0].name
    first = next((one.name for one in ranked if one.name in explainable), best)  # whose mistakes come first
    parts = {
        run.name: run_section(
            run, folder / run.name, train, benchmark, () if run.name == first else mistakes[run.name]
        )
        for run in shown
    }
    confusions = {}
    if benchmark.target.is_exclusive:
        confusions = {run.name: confusion_table(run, train, benchmark) for run in shown}
    sections = [
        runs_section(verdict, runs, train, benchmark, confusions),
        _mistakes_section(first, mistakes[first], benchmark),
        curves_section({one.name: folds[one.name] for one in ranked}, ranked, train, benchmark),
        *(parts[one.name] for one in ranked),
        data_section(train, shown[0], benchmark),
    ]
    decided = decision_point(best, folds[best], benchmark)
    head = make_head(verdict, list(folds), len(train), benchmark, [decided])
    path = write_report(
        output,
        benchmark.title,
        head,
        sections,
        noun=benchmark.noun,
        masked=masked,
        explained=bool(explainable),
    )
    return path, [parts[run.name] for run in shown]


def _mistakes(
    shown: Sequence[Run],
    folds: dict[str, list[FoldScores]],
    folder: Path,
    train: pd.DataFrame,
    benchmark: Benchmark,
    *,
    masked: bool,
    explained: bool,
) -> tuple[dict[str, list[LabelMistakes]], set[str]]:
    """Return the mistakes of each run, and the names of the runs whose mistakes are explained."""
    everything = {name: pooled(parts) for name, parts in folds.items()}
    found = {
        name: worst_mistakes(scores, benchmark.labels, n=MISTAKES) for name, scores in everything.items()
    }
    rows = {name: rows_of(mistakes) for name, mistakes in found.items()}
    texts = Texts(train, sorted({row for own in rows.values() for row in own}), benchmark, masked=masked)
    why = {
        run.name: explanations(run, folder / run.name, folds[run.name], texts, rows[run.name])
        if explained and texts.are_texts
        else {}
        for run in shown
    }
    probabilities = {
        name: dict(zip(scores.rows.tolist(), scores.scores, strict=True))
        for name, scores in everything.items()
    }
    mistakes = {
        name: shown_mistakes(found[name], benchmark.labels, texts, why[name], probabilities) for name in found
    }
    return mistakes, {name for name, found in why.items() if found}


def _mistakes_section(run: str, mistakes: Sequence[LabelMistakes], benchmark: Benchmark) -> Section:
    gist = f"of run {run}: the {benchmark.noun}s whose scores are farthest from their labels"
    return Section("mistakes", "Worst mistakes", gist, True, mistakes=mistakes)
