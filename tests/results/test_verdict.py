"""What a report says first: the best run or blend, what it beats, and what to mind."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from pooled_bert.benchmarks.jigsaw import JIGSAW
from pooled_bert.results.verdict import FEW, find_verdict
from pooled_bert.runs.finished_runs import Run
from pooled_bert.runs.fold_files import FoldResult

N_FOLDS, N_ROWS = 4, 300  # rows per fold
RANDOM = np.random.default_rng(0)
IDS = [f"r{row}" for row in range(N_FOLDS * N_ROWS)]
TRUTH = RANDOM.random((len(IDS), 2)) < [0.4, 0.2]
BENCHMARK = replace(JIGSAW, labels=("common", "rare"), identity_terms={})
TRAIN = pd.DataFrame(
    {"id": IDS, "text": "", **dict(zip(BENCHMARK.labels, TRUTH.T.astype(float), strict=True))}
)


def run_of(name, noise, *, folds=range(N_FOLDS), noise_of=None, optimistic=False):
    """A run that sees the truth through noise; ``noise_of``: other noise by fold."""
    results = []
    for fold in folds:
        rows = slice(fold * N_ROWS, (fold + 1) * N_ROWS)
        size = (noise_of or {}).get(fold, noise)
        scores = 1 / (1 + np.exp(-(TRUTH[rows] * 2 - 1 + size * RANDOM.normal(size=(N_ROWS, 2)))))
        oof = pd.DataFrame({"id": IDS[rows], **dict(zip(BENCHMARK.labels, scores.T, strict=True))})
        metrics = {
            "made_up": False,
            "optimistic": optimistic,
            "mean_auc": 0.9,
            "auc": dict.fromkeys(BENCHMARK.labels, 0.9),
        }
        results.append(FoldResult(fold, oof, None, metrics, {"identity": {"settings": {"n_folds": N_FOLDS}}}))
    return Run(name, tuple(results))


def verdict_on(*runs, shown=None, train=TRAIN, benchmark=BENCHMARK):
    return find_verdict(runs, shown or runs[:1], train, benchmark)


def test_best_run_is_named_with_what_it_beats():
    good, bad = run_of("good", 1.0), run_of("bad", 3.0)
    found = verdict_on(bad, good)
    assert [one.name for one in found.contenders] == ["good", "bad"]
    lead = found.lead(found.contenders[1])
    assert lead.is_clear
    assert lead.value == pytest.approx(found.best.score.value - found.contenders[1].score.value)


def test_blend_of_the_shown_runs_competes():
    first, second = run_of("first", 1.5), run_of("second", 1.5)
    found = verdict_on(first, second, run_of("third", 1.5), shown=[first, second])
    assert found.best.name == "first + second"
    assert found.best.is_blend
    assert all(found.lead(other).is_clear for other in found.contenders[1:])


def test_runs_with_unequal_folds_make_no_blend_and_are_compared_on_those_that_both_have():
    whole, part = run_of("whole", 1.5), run_of("part", 0.5, folds=(0, 1))
    found = verdict_on(whole, part, shown=[whole, part])
    assert [one.name for one in found.contenders] == ["whole", "part"]  # the run with more folds counts more
    assert found.lead(found.contenders[1]).high < 0
    assert any(
        "not the folds of whole" in warning.text and warning.runs == ("part",) for warning in found.warnings
    )


def test_optimistic_run_is_not_the_best_while_there_is_another():
    found = verdict_on(run_of("honest", 2.0), run_of("chosen", 0.5, optimistic=True))
    assert found.best.name == "honest"
    assert any("optimistic" in warning.text for warning in found.warnings)
    assert verdict_on(run_of("chosen", 0.5, optimistic=True)).best.name == "chosen"


def test_of_a_loss_the_lowest_is_the_best_and_its_lead_is_above_0():
    benchmark = replace(BENCHMARK, score="log_loss")
    found = verdict_on(run_of("bad", 3.0), run_of("good", 0.5), benchmark=benchmark)
    assert found.best.name == "good"
    assert found.lead(found.contenders[1]).low > 0


def test_weakest_label_has_its_interval_and_its_rows():
    run = run_of("run", 1.0)
    for fold in run.folds:
        fold.oof["rare"] = RANDOM.random(N_ROWS)
    weakest = verdict_on(run).weakest
    assert weakest.name == "rare"
    assert weakest.positives == TRUTH[:, 1].sum()
    assert weakest.auc.low < 0.5 < weakest.auc.high


def test_fold_that_falls_out_is_found_and_chance_is_not():
    assert verdict_on(run_of("run", 1.0)).folds.outlier is None
    folds = verdict_on(run_of("run", 1.0, noise_of={2: 6.0})).folds
    assert folds.outlier == 2
    assert folds.scores[2] < folds.others
    assert verdict_on(run_of("run", 1.0, folds=(0, 1))).folds is None


def test_labels_with_few_rows_are_warned_of():
    few = TRAIN.assign(rare=0.0)
    few.loc[:: N_ROWS // 2, "rare"] = 1.0
    warnings = [warning.text for warning in verdict_on(run_of("run", 1.0), train=few).warnings]
    assert any(f"fewer than {FEW} positives in a fold" in text and "rare (2)" in text for text in warnings)
    assert not [
        warning for warning in verdict_on(run_of("run", 1.0)).warnings if "fewer than" in warning.text
    ]
