"""Predictions of folds and runs -> one prediction: a sum on one scale by equal or found weights, or trees."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from ..base.errors import InputError
from ..benchmarks.targets import Target, gain
from ..runs.comparable_runs import check_same_rows, in_one_order
from ..runs.finished_runs import Run
from .blend_search import FINDERS, contributions, find_nested
from .blend_values import Combination, FoldValues, fold_score
from .blend_weights import equal_weights
from .row_facts import facts_of, row_facts


def blend(
    tables: Sequence[pd.DataFrame],
    target: Target,
    how: str,
    weights: Combination | None = None,
    facts: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Blend tables of probabilities (id + labels, the same ids in the same order); None: with equal weights.

    facts : of ``row_facts``, about these rows and maybe others; None: there are none.  Raises InputError if the tables
    have different rows or labels.
    """
    first = tables[0]
    for table in tables[1:]:
        if not table["id"].equals(first["id"]) or list(table.columns) != list(first.columns):
            raise InputError(
                "the predictions to be blended are not of the same rows and labels; train the runs again"
            )
    labels = first.columns[1:]
    values = np.stack([target.to_scale(table[labels].to_numpy(np.float64), how) for table in tables])
    weights = weights or equal_weights(len(tables), len(labels))
    combined = weights.combine(values, facts_of(facts, first["id"]))
    result = pd.DataFrame(target.from_scale(combined, how), columns=labels)
    result.insert(0, "id", first["id"].to_numpy())
    return result


def blend_test(
    runs: Sequence[Run],
    target: Target,
    how: str,
    weights: Combination | None = None,
    facts: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return test predictions: the average over each run's folds, then the runs by their weights."""
    return blend([blend(_test_tables(run), target, how) for run in runs], target, how, weights, facts)


def _test_tables(run: Run) -> list[pd.DataFrame]:
    tables = [fold.test for fold in run.folds if fold.test is not None]
    if len(tables) < len(run.folds):
        raise InputError(
            f"run {run.name!r} has no test predictions: it was trained with --no-test, or on data without test rows"
        )
    return tables


def blend_oof(
    runs: Sequence[Run],
    target: Target,
    how: str,
    weights: Sequence[Combination] | None = None,
    facts: pd.DataFrame | None = None,
) -> dict[int, pd.DataFrame]:
    """Blend the runs' out-of-fold predictions: one table per fold, each with its own weights; None: equal weights."""
    folds = list(zip(*(run.folds for run in runs), strict=True))
    return {
        parts[0].fold: blend(
            [part.oof for part in parts], target, how, weights[index] if weights else None, facts
        )
        for index, parts in enumerate(folds)
    }


@dataclass(frozen=True)
class Blend:
    """Runs, and how they are combined.

    weights : found on all out-of-fold rows.  nested : per fold, found on the other folds.  score : what they are for.
    train_facts, test_facts : of ``row_facts``, or None if the blend needs none.
    """

    runs: Sequence[Run]
    target: Target
    how: str
    find: str
    folds: Sequence[FoldValues]
    weights: Combination
    nested: Sequence[Combination]
    score: str
    train_facts: pd.DataFrame | None = None
    test_facts: pd.DataFrame | None = None

    @property
    def is_chosen(self) -> bool:
        """Whether the weights depend on the labels."""
        return self.find != "equal"

    def oof(self) -> dict[int, pd.DataFrame]:
        """Return out-of-fold predictions by the nested weights: their scores are honest."""
        return blend_oof(self.runs, self.target, self.how, self.nested, self.train_facts)

    def optimistic_oof(self) -> dict[int, pd.DataFrame]:
        """Return out-of-fold predictions by weights found on the same rows: their scores are optimistic."""
        weights = [self.weights] * len(self.nested)
        return blend_oof(self.runs, self.target, self.how, weights, self.train_facts)

    def test(self) -> pd.DataFrame:
        """Return test predictions."""
        return blend_test(self.runs, self.target, self.how, self.weights, self.test_facts)

    def test_of_fold(self, index: int) -> pd.DataFrame:
        """Return test predictions by one fold's models alone, and by the weights found on the other folds."""
        parts = [replace(run, folds=(run.folds[index],)) for run in self.runs]
        return blend_test(parts, self.target, self.how, self.nested[index], self.test_facts)

    def shares(self) -> pd.DataFrame:
        """Return one row per run: how much it counts, and what the score loses without it."""
        labels = list(self.runs[0].folds[0].oof.columns[1:])
        table = pd.DataFrame(self.weights.shares(labels), index=[run.name for run in self.runs])
        return table.assign(contribution=contributions(self.folds, FINDERS[self.find].find, self.nested))


def make_blend(
    runs: Sequence[Run],
    target: Target,
    how: str,
    find: str,
    train: pd.DataFrame,
    score: str = "mean_auc",
    test: pd.DataFrame | None = None,
) -> Blend:
    """Find the weights and return the blend; raises InputError if they cannot be found and scored honestly.

    train, test : the rows (id, items; of the training rows also labels).  score : the score that counts; ranks have a
    mean AUC only, which then takes its place.
    """
    score = "mean_auc" if how == "rank" else score
    finder = FINDERS[find]
    if find != "equal" and len(runs[0].folds) < 2:
        raise InputError(
            f"--weights {find}: one fold is not enough, because weights are scored on a fold they were not found on;"
            " train a second fold, or use --weights equal"
        )
    if finder.of_log_odds and how != "logit":
        raise InputError(f"--weights {find}: needs log-odds; use --blend logit")
    runs = in_one_order(runs)
    train_facts = row_facts(train) if finder.reads_facts else None
    folds = fold_values(runs, target, how, train, score, train_facts)
    return Blend(
        runs,
        target,
        how,
        find,
        folds,
        weights=finder.find(folds),
        nested=find_nested(folds, finder.find),
        score=score,
        train_facts=train_facts,
        test_facts=row_facts(test) if finder.reads_facts and test is not None else None,
    )


def blend_equally(runs: Sequence[Run], target: Target, how: str) -> Blend:
    """Return the blend with equal weights of runs whose labels are not known here; it can only predict."""
    weights = equal_weights(len(runs), len(runs[0].folds[0].oof.columns) - 1)
    return Blend(runs, target, how, "equal", [], weights, [], "mean_auc")


def fold_values(
    runs: Sequence[Run],
    target: Target,
    how: str,
    train: pd.DataFrame,
    score: str = "mean_auc",
    facts: pd.DataFrame | None = None,
) -> list[FoldValues]:
    """Return the data that weights are found on: per fold, all runs' predictions on the scale ``how``, and labels."""

    def score_of(labels: np.ndarray, values: np.ndarray) -> float:
        return gain(score, target.scores(labels, target.from_scale(values, how))[score])

    # the first is faster; the AUCs of classes change when their values are made to add up to 1
    scorer = fold_score if score == "mean_auc" and not target.is_exclusive else score_of
    values_of_folds = []
    truth = train.set_index("id")
    for parts in zip(*(run.folds for run in runs), strict=True):
        names = list(parts[0].oof.columns[1:])
        values = [target.to_scale(part.oof[names].to_numpy(np.float64), how) for part in parts]
        ids = parts[0].oof["id"]
        labels = truth.loc[ids, names].to_numpy(np.float64)
        values_of_folds.append(FoldValues(np.stack(values), labels, facts_of(facts, ids), scorer))
    return values_of_folds


def correlation(runs: Sequence[Run]) -> pd.DataFrame:
    """Return the rank correlation (Spearman) of the runs' out-of-fold predictions, mean over folds and labels.

    It is 0 for predictions that are all the same.
    """
    matrices = []
    for parts in zip(*(run.folds for run in runs), strict=True):
        ranks = np.stack([rankdata(part.oof.drop(columns="id").to_numpy(), axis=0) for part in parts])
        with np.errstate(invalid="ignore"):  # the correlation with a constant is NaN
            matrices += [np.corrcoef(ranks[:, :, label]) for label in range(ranks.shape[2])]
    names = [run.name for run in runs]
    return pd.DataFrame(np.mean(np.nan_to_num(matrices), axis=0), index=names, columns=names)


def check_blendable(runs: Sequence[Run], data: dict[str, str | None]) -> None:
    """Raise InputError for runs on other data than ``data`` (checksums), or with different assignments or folds.

    The settings of the trainings may differ.
    """
    check_same_rows(runs, data)
    for run in runs:
        if [fold.fold for fold in run.folds] != [fold.fold for fold in runs[0].folds]:
            raise InputError(
                f"runs {runs[0].name!r} and {run.name!r} have different finished folds; train the missing folds,"
                " or name folds that both have with --folds"
            )
