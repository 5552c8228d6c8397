"""Figures of a report, as PNG and as SVG; the SVG uses the colours of the page that contains it."""

import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from ..base.files import atomic_path
from ..results.curves import Curves, calibration_error

# In an SVG these two colours are replaced by the page's colours, light or dark.
INK, FAINT = "#010102", "#c9c9ca"
THEMED = {INK: "var(--ink)", FAINT: "var(--faint)"}
BLUE, ORANGE, GREEN, RED = "#3f83c8", "#dd8122", "#2f9e73", "#d2505e"  # visible on white and on near-black
CYCLE = (BLUE, ORANGE, GREEN, RED, "#8f6cc0", "#9c7a55", "#c969a8", "#7f8791", "#a3a12f", "#2aa5b8")
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",  # keeps text as text
    "svg.hashsalt": "report",  # makes the same figure the same bytes
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.prop_cycle": cycler(color=CYCLE),
    "axes.grid": True,
    "grid.color": FAINT,
    "grid.linewidth": 0.5,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "legend.fontsize": 8,
    **dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), INK),
}


@dataclass(frozen=True)
class Panel:
    """One pair of axes; ``width`` and ``height`` in inches."""

    title: str
    draw: Callable[[Axes], None]
    width: float = 3.4
    height: float = 2.9


@dataclass(frozen=True)
class Figure:
    """Panels that belong together. ``name``: of the PNG file; ``caption``: one or two sentences on what they show."""

    name: str
    caption: str
    panels: Sequence[Panel]

    def svgs(self) -> list[str]:
        """Draw each panel as an SVG without scripts, in the page's colours; the page sets size and arrangement."""
        return [_svg(panel) for panel in self.panels]

    def write_png(self, folder: Path) -> None:
        """Draw all panels into one picture, ``folder/<name>.png``."""
        n_columns = min(3, len(self.panels))
        n_rows = -(-len(self.panels) // n_columns)
        with matplotlib.rc_context(STYLE), atomic_path(folder / f"{self.name}.png") as temporary:
            first = self.panels[0]
            canvas = Canvas(figsize=(n_columns * first.width, n_rows * first.height), layout="constrained")
            for index, panel in enumerate(self.panels, 1):
                _draw(panel, canvas.add_subplot(n_rows, n_columns, index))
            canvas.savefig(temporary, format="png", dpi=120, metadata={"Software": None})


def _draw(panel: Panel, axes: Axes) -> None:
    axes.set_title(panel.title)
    panel.draw(axes)


def _svg(panel: Panel) -> str:
    stream = io.StringIO()
    with matplotlib.rc_context(STYLE):
        canvas = Canvas(figsize=(panel.width, panel.height), layout="constrained")
        _draw(panel, canvas.subplots())
        canvas.savefig(stream, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = stream.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' width="[\d.]+pt" height="[\d.]+pt"', "", svg, count=1)
    svg = re.sub(r"'DejaVu Sans'[^;\"]*", "system-ui, sans-serif", svg)
    for colour, variable in THEMED.items():
        svg = svg.replace(colour, variable)
    return svg


def draw_curves(curves: Curves, *, x: str, y: str, area: str, chance: float | None) -> Callable[[Axes], None]:
    """Draw the mean of the folds' curves, in a band from the lowest to the highest curve.

    chance : height of the dotted line of chance, None for the line y = x.
    """

    def draw(axes: Axes) -> None:
        spread = f" ± {curves.areas.std(ddof=1):.4f}" if len(curves.areas) > 1 else ""
        axes.fill_between(curves.x, curves.y.min(axis=0), curves.y.max(axis=0), color=BLUE, alpha=0.25, lw=0)
        axes.plot(curves.x, curves.y.mean(axis=0), color=BLUE)
        axes.plot([0, 1], [0, 1] if chance is None else [chance, chance], ":", color=INK, lw=0.8)
        axes.set(xlabel=x, ylabel=y, xlim=(0, 1), ylim=(0, 1.02))
        text_x, side = (0.03, "left") if chance is not None else (0.97, "right")
        axes.text(text_x, 0.06, f"{area} {curves.areas.mean():.4f}{spread}", ha=side)

    return draw


def draw_calibration(table: pd.DataFrame) -> Callable[[Axes], None]:
    """Draw the share of positives over the predicted probability, with intervals; larger dots have more rows."""

    def draw(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], ":", color=INK, lw=0.8)
        axes.vlines(table["predicted"], table["low"], table["high"], color=BLUE, alpha=0.5)
        sizes = 8 + 60 * np.sqrt(table["n"] / table["n"].max())
        axes.scatter(table["predicted"], table["observed"], s=sizes, color=BLUE)
        axes.set(xlabel="predicted", ylabel="observed", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
        axes.text(0.03, 0.93, f"error {calibration_error(table):.4f}")

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
    """Rows of each true class by the class that was assigned, shaded by their share of the true class."""

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


def draw_lengths(lengths: np.ndarray, *, unit: str, limit: int | None = None) -> Callable[[Axes], None]:
    """Draw a histogram of text lengths, on a logarithmic scale, with a line at ``limit``."""

    def draw(axes: Axes) -> None:
        bins = np.geomspace(1, max(lengths.max(), 2) + 1, 41)
        axes.hist(np.maximum(lengths, 1), bins, color=BLUE, alpha=0.6)
        axes.set_xscale("log")
        axes.set(xlabel=f"{unit} per text", ylabel="texts")
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


def draw_runs(scores: dict[str, np.ndarray], title: str) -> Callable[[Axes], None]:
    """Draw the score ``title`` of each run: one dot per fold, and a bar at the mean of the folds."""

    def draw(axes: Axes) -> None:
        for y, fold_scores in enumerate(scores.values()):
            axes.plot(fold_scores, np.full(len(fold_scores), y), "o", ms=4, alpha=0.6, color=BLUE)
            axes.plot(np.nanmean(fold_scores), y, "|", ms=14, mew=2, color=ORANGE)
        axes.set_yticks(range(len(scores)), scores)
        axes.invert_yaxis()
        axes.margins(y=0.5 / max(len(scores), 1))
        axes.set_xlabel(title)

    return draw
