"""Numbers with as many digits as their interval carries."""

import math

MOST = 4  # decimal places
MINUS = "−"


def decimals(half_width: float) -> int:
    """Return how many decimal places a number has that is uncertain by ``half_width`` up and down.

    The interval keeps two significant digits if it begins with 1 or 2, otherwise one. Without an interval: MOST.
    """
    if not math.isfinite(half_width) or half_width <= 0:
        return MOST
    exponent = math.floor(math.log10(half_width))
    return min(max(-exponent + (half_width / 10**exponent < 3), 0), MOST)


def number(value: float, places: int = MOST, *, sign: bool = False) -> str:
    """Return a number as text, with a real minus; a dash for NaN."""
    if math.isnan(value):
        return "–"
    text = f"{value:{'+' if sign else ''}.{places}f}"
    return text.replace("-", MINUS)


def percent(share: float) -> str:
    """Return a share as a percentage, with one decimal place below 10 %."""
    return "–" if math.isnan(share) else f"{100 * share:.{0 if share >= 0.0995 else 1}f} %"
