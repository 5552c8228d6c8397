"""Figures of a report, as PNG and as SVG; the SVG uses the colours of the page that contains it."""

import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from ..base.files import atomic_path

# In an SVG these two colours are replaced by the page's colours, light or dark.
INK, FAINT = "#010102", "#c9c9ca"
THEMED = {INK: "var(--ink)", FAINT: "var(--faint)"}
BLUE, ORANGE, GREEN, RED = "#3f83c8", "#dd8122", "#2f9e73", "#d2505e"  # visible on white and on near-black
GREY = "#7f8791"
CYCLE = (BLUE, ORANGE, GREEN, RED, "#8f6cc0", "#9c7a55", "#c969a8", GREY, "#a3a12f", "#2aa5b8")
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",  # keeps text as text
    "text.parse_math": False,  # a class may be called $5 to $10
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
    """Panels that belong together. ``name``: of the PNG file.

    title : a sentence that says what is seen.  caption : how the panels are to be read.
    """

    name: str
    title: str
    caption: str
    panels: Sequence[Panel]

    def svgs(self) -> list[str]:
        """Draw each panel as an SVG without scripts, in the page's colours; the page sets size and arrangement."""
        return [_svg(panel, f"{self.name}-{index}") for index, panel in enumerate(self.panels)]

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


def _svg(panel: Panel, name: str) -> str:
    """Return the SVG, the same bytes for the same panel; ``name`` tells its ids from those of other pictures."""
    stream = io.StringIO()
    with matplotlib.rc_context({**STYLE, "svg.hashsalt": name}):
        canvas = Canvas(figsize=(panel.width, panel.height), layout="constrained")
        _draw(panel, canvas.subplots())
        canvas.savefig(stream, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = stream.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' width="[\d.]+pt" height="[\d.]+pt"', "", svg, count=1)
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)  # ids that nothing refers to
    svg = re.sub(r"'DejaVu Sans'[^;\"]*", "system-ui, sans-serif", svg)
    for colour, variable in THEMED.items():
        svg = svg.replace(colour, variable)
    return svg
