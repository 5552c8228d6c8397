"""What the figures of a report draw: each function returns one that draws into a pair of axes."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from ..base.numbers import decimals, number
from ..results.curves import Curves, calibration_error
from ..results.resampling import Estimate
from .figures import BLUE, CYCLE, GREY, INK, ORANGE

FAR = 4  # times the median distance from the best


def draw_curves(
    curves: Mapping[str, Curves], *, x: str, y: str, chance: float | None
) -> Callable[[Axes], None]:
    """Draw the mean of the folds' curves of each run; the band of a single run reaches from lowest to highest.

    curves : by run.  chance : height of the dotted line of chance, None for the line y = x.
    """

    def draw(axes: Axes) -> None:
        for (name, found), colour in zip(curves.items(), CYCLE, strict=False):
            alpha = 0.25 if len(curves) == 1 else 0.1
            axes.fill_between(
                found.x, found.y.min(axis=0), found.y.max(axis=0), color=colour, alpha=alpha, lw=0
            )
            axes.plot(found.x, found.y.mean(axis=0), color=colour, label=f"{name} {_area(found)}")
        axes.plot([0, 1], [0, 1] if chance is None else [chance, chance], ":", color=INK, lw=0.8)
        axes.set(xlabel=x, ylabel=y, xlim=(0, 1), ylim=(0, 1.02))
        axes.legend(loc="lower right" if chance is None else "lower left", handlelength=1.2)

    return draw


def _area(curves: Curves) -> str:
    """Return the mean area under the folds' curves, ± its standard deviation."""
    if len(curves.areas) < 2:
        return number(float(curves.areas.mean()))
    spread = float(curves.areas.std(ddof=1))
    places = decimals(spread)
    return f"{number(float(curves.areas.mean()), places)} ± {number(spread, places)}"


def draw_calibration(tables: Mapping[str, pd.DataFrame]) -> Callable[[Axes], None]:
    """Draw the share of positives over the predicted probability, with intervals; larger dots have more rows.

    tables : of ``calibration``, by run.
    """

    def draw(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], ":", color=INK, lw=0.8)
        for (name, table), colour in zip(tables.items(), CYCLE, strict=False):
            axes.vlines(table["predicted"], table["low"], table["high"], color=colour, alpha=0.5)
            if len(tables) > 1:
                axes.plot(table["predicted"], table["observed"], color=colour, lw=0.8, alpha=0.6)
            sizes = 8 + 60 * np.sqrt(table["n"] / table["n"].max())
            label = f"{name}: error {calibration_error(table):.3f}"
            axes.scatter(table["predicted"], table["observed"], s=sizes, color=colour)
            axes.plot([], [], "o", ms=5, color=colour, label=label)
        axes.set(xlabel="predicted", ylabel="observed", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
        axes.legend(loc="upper left", handletextpad=0.2, borderaxespad=0.2)

    return draw


def draw_histogram(truth: np.ndarray, scores: np.ndarray) -> Callable[[Axes], None]:
    """Draw histograms of the probabilities of positives and of negatives, on a logarithmic scale."""

    def draw(axes: Axes) -> None:
        bins = np.linspace(0, 1, 41)
        for name, in_class, colour in (("negative", ~truth, BLUE), ("positive", truth, ORANGE)):
            counts = np.histogram(scores[in_class], bins)[0]
            axes.stairs(counts, bins, fill=True, color=colour, alpha=0.3)
            axes.stairs(counts, bins, color=colour, label=name)
        axes.set_yscale("symlog", linthresh=1)
        axes.set(xlabel="predicted", ylabel="rows", xlim=(0, 1), ylim=(0, None))
        axes.legend(loc="upper center", ncols=2)

    return draw


def draw_confusion(outcomes: dict[str, float], threshold: float) -> Callable[[Axes], None]:
    """Draw the counts TN, FP, FN and TP as a matrix, shaded by their share of the true class."""

    def draw(axes: Axes) -> None:
        counts = np.array([[outcomes["TN"], outcomes["FP"]], [outcomes["FN"], outcomes["TP"]]])
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        cells = [f"{n:,}\n{share:.1%}" for n, share in zip(counts.flat, shares.flat, strict=True)]
        _matrix(axes, shares, [cells[:2], cells[2:]])
        axes.set_xticks([0, 1], ["predicted\nnegative", "predicted\npositive"])
        axes.set_yticks([0, 1], ["truly\nnegative", "truly\npositive"])
        axes.set_xlabel(f"threshold {threshold:.3f}")

    return draw


def draw_class_confusion(counts: pd.DataFrame) -> Callable[[Axes], None]:
    """Draw the rows of each true class by the class that was assigned, shaded by their share of the true class."""

    def draw(axes: Axes) -> None:
        values = counts.to_numpy()
        shares = values / np.maximum(values.sum(axis=1, keepdims=True), 1)
        _matrix(axes, shares, [[f"{n:,}" for n in row] for row in values])
        numbers = range(len(counts))
        axes.set_xticks(numbers, counts.columns, rotation=40, ha="right")
        axes.set_yticks(numbers, counts.index)
        axes.set(xlabel="assigned", ylabel="true")

    return draw


def draw_counts(counts: dict[str, int]) -> Callable[[Axes], None]:
    """Draw a bar per class, with its number of rows."""

    def draw(axes: Axes) -> None:
        bars = axes.bar(list(counts), list(counts.values()), color=BLUE, alpha=0.6)
        axes.bar_label(bars, fontsize=8)
        axes.set_xticks(range(len(counts)), list(counts), rotation=40, ha="right")
        axes.set_ylabel("rows")
        axes.grid(visible=False, axis="x")

    return draw


def draw_seconds(seconds: np.ndarray) -> Callable[[Axes], None]:
    """Draw a histogram of how long sounds last."""

    def draw(axes: Axes) -> None:
        axes.hist(seconds, np.linspace(0, max(seconds.max() * 1.02, 0.5), 41), color=BLUE, alpha=0.6)
        axes.set(xlabel="seconds per sound", ylabel="sounds")
        note = f"median {np.median(seconds):.1f} s\nlongest {seconds.max():.1f} s"
        axes.text(0.98, 0.97, note, transform=axes.transAxes, va="top", ha="right")

    return draw


def draw_attention(shares: np.ndarray, seconds: float) -> Callable[[Axes], None]:
    """Draw shares of the attention [n_bins] as bars, each ``seconds`` wide, beside a dotted line of even shares."""

    def draw(axes: Axes) -> None:
        starts = np.arange(len(shares)) * seconds
        axes.bar(starts, shares, width=seconds * 0.92, align="edge", color=BLUE, alpha=0.6)
        axes.axhline(1 / len(shares), color=INK, lw=0.8, ls=":")
        axes.set(
            xlabel="seconds from the start", ylabel="share of attention", xlim=(0, len(shares) * seconds)
        )
        axes.set_ylim(0, max(0.5, shares.max() * 1.1))

    return draw


def draw_correlation(matrix: pd.DataFrame) -> Callable[[Axes], None]:
    """Draw a square of correlations, with their numbers."""

    def draw(axes: Axes) -> None:
        values = matrix.to_numpy()
        _matrix(axes, values, [[f"{value:.2f}" for value in row] for row in values])
        positions = range(len(matrix))
        axes.set_xticks(positions, matrix.columns, rotation=40, ha="right")
        axes.set_yticks(positions, matrix.index)

    return draw


def _matrix(axes: Axes, shades: np.ndarray, cells: Sequence[Sequence[str]]) -> None:
    # rectangles, because imshow would embed a bitmap in the SVG
    for (row, column), shade in np.ndenumerate(np.clip(np.nan_to_num(shades), 0, 1)):
        axes.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, color=BLUE, alpha=0.75 * shade, lw=0))
    axes.set(xlim=(-0.5, shades.shape[1] - 0.5), ylim=(shades.shape[0] - 0.5, -0.5))
    axes.grid(False)
    for row, line in enumerate(cells):
        for column, cell in enumerate(line):
            axes.text(column, row, cell, ha="center", va="center", fontsize=8)


def draw_history(histories: dict[int, pd.DataFrame], columns: dict[str, str]) -> Callable[[Axes], None]:
    """Draw columns of history.csv over epochs, one line per fold; ``columns``: column -> its name in the legend."""

    def draw(axes: Axes) -> None:
        for (column, name), colour in zip(columns.items(), CYCLE, strict=False):
            for index, table in enumerate(histories.values()):
                label = name if index == 0 else None
                axes.plot(table["epoch"], table[column], "o-", ms=3, lw=1, color=colour, label=label)
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend()

    return draw


def draw_lengths(
    lengths: np.ndarray, *, unit: str, noun: str, limit: int | None = None
) -> Callable[[Axes], None]:
    """Draw a histogram of the lengths of texts or pairs, on a logarithmic scale, with a line at ``limit``."""

    def draw(axes: Axes) -> None:
        bins = np.geomspace(1, max(lengths.max(), 2) + 1, 41)
        axes.hist(np.maximum(lengths, 1), bins, color=BLUE, alpha=0.6)
        axes.set_xscale("log")
        axes.set(xlabel=f"{unit} per {noun}", ylabel=f"{noun}s")
        note = f"median {np.median(lengths):.0f}\n95 % below {np.quantile(lengths, 0.95):.0f}"
        if limit:
            axes.axvline(limit, color=ORANGE)
            note += f"\n{(lengths > limit).mean():.1%} above {limit}"
        axes.text(0.02, 0.97, note, transform=axes.transAxes, va="top")

    return draw


def draw_balance(rates: pd.DataFrame) -> Callable[[Axes], None]:
    """Draw how much each label's rate in a fold differs from its mean rate, in percent of that; one dot per fold."""

    def draw(axes: Axes) -> None:
        differences = 100 * (rates / rates.mean() - 1)
        offsets = np.linspace(-0.2, 0.2, len(differences))  # so that no dot hides another
        for offset, (_, fold_differences) in zip(offsets, differences.iterrows(), strict=True):
            axes.plot(offset + np.arange(len(fold_differences)), fold_differences, "o", ms=4)
        axes.axhline(0, color=INK, lw=0.8)
        axes.set_xticks(range(rates.shape[1]), rates.columns, rotation=40, ha="right")
        axes.set_ylabel("difference, %")
        axes.margins(x=0.15, y=0.25)

    return draw


def draw_intervals(
    estimates: Mapping[str, Estimate],
    xlabel: str,
    *,
    dots: Mapping[str, Sequence[float]] | None = None,
    zero: bool = False,
) -> Callable[[Axes], None]:
    """Draw the value and the interval of each row, the first row on top.

    A row that is so far off that it would squeeze the others is an arrow at the edge, with its value.

    dots : by row, the values of single folds, drawn small.  zero : whether the values are differences from the first
    row; those whose interval holds 0 are then grey, beside a line at 0.
    """
    best = next(iter(estimates.values())).value
    is_far = _far([found.value for found in estimates.values()])

    def draw(axes: Axes) -> None:
        if zero:
            axes.axvline(0, color=INK, lw=0.8, ls=":")
        for y, (name, found) in enumerate(estimates.items()):
            if is_far[y]:
                text = number(found.value, decimals(found.half_width))
                x, side, text = (
                    (0.01, "left", f"◂ {text}") if found.value < best else (0.99, "right", f"{text} ▸")
                )
                axes.text(x, y, text, ha=side, va="center", fontsize=8, transform=axes.get_yaxis_transform())
                continue
            colour = ORANGE if y == 0 else GREY if zero and not found.is_clear else BLUE
            axes.plot([found.low, found.high], [y, y], color=colour, lw=2.2, solid_capstyle="round")
            axes.plot(found.value, y, "o", ms=6, color=colour)
            places = (dots or {}).get(name, [])
            axes.plot(places, np.full(len(places), y + 0.24), "|", ms=5, color=colour, alpha=0.8)
        axes.margins(x=0.12 if is_far.any() else 0.05)
        axes.set_yticks(range(len(estimates)), estimates)
        axes.set_ylim(len(estimates) - 0.4, -0.6)
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.grid(visible=False, axis="y")
        axes.set_xlabel(xlabel)

    return draw


def _far(values: Sequence[float]) -> np.ndarray:
    """Find the values that are much farther below the first, which is the best, than most others; bool [n_values]."""
    gaps = np.abs(np.array(values) - values[0])
    return gaps > FAR * np.median(gaps[1:]) if len(gaps) > 2 else np.zeros(len(gaps), bool)
