"""What figures show, as one sentence each: the titles above them."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ..base.numbers import decimals, number, percent
from ..results.curves import Curves, calibration_error

ONE_SIDED = 0.7  # of the distances from the line of calibration: then the direction is worth a word
ALIKE = 0.02  # a mean distance from the line of calibration that is not worth a word


def area_finding(what: str, curves: Mapping[str, Mapping[str, Curves]]) -> str:
    """Say which label has the largest area and which the smallest, and which of two runs is above the other.

    curves : by label, then by run.
    """
    first = {label: next(iter(runs.values())).areas for label, runs in curves.items()}
    means = {label: float(areas.mean()) for label, areas in first.items()}
    best, worst = max(means, key=means.__getitem__), min(means, key=means.__getitem__)
    (run, *others) = next(iter(curves.values()))
    if len(means) == 1:
        sentence = f"{what} {_mean(first[best])}"
    else:
        sentence = f"{what} from {_mean(first[worst])} ({worst}) to {_mean(first[best])} ({best})"
    if len(others) != 1 or any(len(runs) != 2 for runs in curves.values()):
        return f"{run}: {sentence}" if others else sentence
    (other,) = others
    n_above = sum(runs[run].areas.mean() > runs[other].areas.mean() for runs in curves.values())
    if len(means) == 1:
        return f"{run} is {'above' if n_above else 'below'} {other}: {sentence}"
    return f"{run} is above {other} for {n_above} of {len(means)} labels: {sentence}"


def _mean(areas: np.ndarray) -> str:
    places = decimals(float(areas.std(ddof=1))) if len(areas) > 1 else 3
    return number(float(areas.mean()), places)


def calibration_finding(tables: Mapping[str, Mapping[str, pd.DataFrame]]) -> str:
    """Say for which label the first run's probabilities are farthest off, and in which direction."""
    first = {label: next(iter(runs.values())) for label, runs in tables.items()}
    errors = {label: calibration_error(table) for label, table in first.items()}
    worst = max(errors, key=errors.__getitem__)
    run = next(iter(tables[worst]))
    if errors[worst] < ALIKE:
        return (
            f"{run}: probabilities are near the shares that are observed, off by {errors[worst]:.3f} at most"
        )
    table = first[worst]
    differences = table["n"] * (table["predicted"] - table["observed"])
    one_sided = differences.sum() / differences.abs().sum()
    how = "too high" if one_sided > ONE_SIDED else "too low" if one_sided < -ONE_SIDED else "off"
    label = f" of {worst}" if len(errors) > 1 else ""
    return f"{run}: probabilities{label} are {how}, by {errors[worst]:.3f} on average"


def histogram_finding(label: str, truth: np.ndarray, scores: np.ndarray) -> str:
    """Say which share of a label's positives and of its negatives lies above 0.5."""
    shares = [percent(float((scores[own] > 0.5).mean())) for own in (truth, ~truth)]
    return f"{label}: {shares[0]} of the positives lie above 0.5, and {shares[1]} of the negatives"


def misses_finding(outcomes: Mapping[str, Mapping[str, float]]) -> str:
    """Say which label is missed most; ``outcomes``: by label, the counts FN and TP."""
    shares = {
        label: counts["FN"] / (counts["FN"] + counts["TP"])
        for label, counts in outcomes.items()
        if counts["FN"] + counts["TP"]
    }
    if not shares:
        return "No row has a label"
    worst = max(shares, key=shares.__getitem__)
    most = "Most missed: " if len(shares) > 1 else "Missed: "
    return f"{most}{percent(shares[worst])} of the rows with {worst}"


def confusion_finding(counts: pd.DataFrame) -> str:
    """Say which class is taken for which other class most often; rows: true, columns: assigned."""
    values = counts.to_numpy().copy()
    np.fill_diagonal(values, 0)
    if not values.any():
        return "No class is taken for another"
    true, assigned = (int(place) for place in np.unravel_index(values.argmax(), values.shape))
    n, total = values[true, assigned], counts.iloc[true].sum()
    return (
        f"Most often confused: {counts.index[true]} taken for {counts.columns[assigned]}, {n:,} of {total:,}"
    )


def history_finding(histories: Sequence[pd.DataFrame]) -> str:
    """Say at which epoch the validation loss, mean over the folds, was lowest."""
    losses = pd.concat([table.set_index("epoch")["log_loss"] for table in histories], axis=1).mean(axis=1)
    lowest, last = losses.idxmin(), losses.index.max()
    if lowest == last:
        return "Validation loss is lowest at the last epoch: more epochs may help"
    return f"Validation loss is lowest at epoch {lowest} of {last}, and rises after it"


def tokens_finding(lengths: np.ndarray, limit: int, noun: str) -> str:
    """Say how many texts are longer than the model reads."""
    longer = float((lengths > limit).mean())
    if not longer:
        return f"No {noun} is longer than the {limit} tokens that the model reads"
    return f"{percent(longer)} of the {noun}s are longer than the {limit} tokens that the model reads"


def lengths_finding(lengths: np.ndarray, unit: str, noun: str, places: int = 0) -> str:
    """Say how long a usual and a long item are."""
    median, long = (f"{np.quantile(lengths, share):.{places}f}" for share in (0.5, 0.95))
    return f"Half of the {noun}s have up to {median} {unit}, and one in twenty more than {long}"


def balance_finding(rates: pd.DataFrame) -> str:
    """Say by how much a label's rate in a fold differs from its mean rate at most; rows: folds, columns: labels.

    A label that no row has is left out.
    """
    differences = (rates / rates.mean() - 1).abs().max().dropna()
    if differences.empty:
        return "No row has a label"
    worst = differences.idxmax()
    return f"A label's rate differs between folds by {percent(float(differences[worst]))} at most ({worst})"


def correlation_finding(matrix: pd.DataFrame) -> str:
    """Say which two labels go together most; a correlation is NaN if a label has the same value in all rows."""
    pairs = np.triu(np.ones(matrix.shape, bool), k=1)
    values = np.where(pairs, matrix, np.nan)
    if np.isnan(values).all():
        return "No correlations: fewer than two labels occur in some rows and not in others"
    row, column = (int(place) for place in np.unravel_index(np.nanargmax(values), values.shape))
    first, second = matrix.index[row], matrix.columns[column]
    return f"{first} and {second} go together most (φ {number(float(values[row, column]), 2)})"


def classes_finding(counts: Mapping[str, int]) -> str:
    """Say which class has the most rows, and which the fewest."""
    most, fewest = max(counts, key=counts.__getitem__), min(counts, key=counts.__getitem__)
    return f"Most rows are of {most} ({counts[most]:,}), the fewest of {fewest} ({counts[fewest]:,})"
