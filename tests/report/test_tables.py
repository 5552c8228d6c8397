"""Numbers have the digits that their interval carries; tables and pictures keep to them."""

import numpy as np
import pandas as pd
import pytest

from pooled_bert.base.numbers import decimals, number, percent
from pooled_bert.report.drawings import draw_intervals
from pooled_bert.report.tables import as_table, places_by_count, places_by_spread
from pooled_bert.results.resampling import Estimate


@pytest.mark.parametrize(
    ("half_width", "places"),
    [(0.0017, 4), (0.0045, 3), (0.013, 3), (0.033, 2), (0.17, 2), (0.5, 1), (2.0, 1), (40.0, 0), (1e-9, 4)],
)
def test_interval_keeps_two_digits_if_it_begins_with_1_or_2_and_one_otherwise(half_width, places):
    assert decimals(half_width) == places


@pytest.mark.parametrize("half_width", [0.0, np.nan, np.inf])
def test_number_without_interval_has_four_places(half_width):
    assert decimals(half_width) == 4


def test_numbers_as_text():
    assert Estimate(0.95678, 0.9467, 0.9658).as_text() == "0.957 [0.947, 0.966]"
    assert Estimate(-0.0041, -0.0132, 0.005).as_text(sign=True) == "−0.004 [−0.013, +0.005]"
    assert Estimate(0.9, np.nan, np.nan).as_text() == "0.9000"
    assert number(np.nan) == "–"
    assert [percent(share) for share in (0.0021, 0.0949, 0.0995, 0.5, np.nan)] == [
        "0.2 %",
        "9.5 %",
        "10 %",
        "50 %",
        "–",
    ]


def test_columns_have_the_digits_of_their_spread():
    frame = pd.DataFrame({"a": [0.91234, 0.01], "b": [0.91234, 0.2]}, index=["mean", "sd"])
    assert as_table(frame, places=places_by_spread(frame)).rows[0] == ["mean", "0.912", "0.91"]


def test_rows_have_the_digits_of_their_counts():
    frame = pd.DataFrame({"F1": [0.71234, 0.71234], "rows": [30, 90_000]}, index=["few", "many"]).astype(
        {"rows": object}
    )
    rows = as_table(frame, places=places_by_count({"few": 30, "many": 90_000})).rows
    assert rows == [["few", "0.71", "30"], ["many", "0.712", "90,000"]]


def test_run_that_is_far_off_does_not_squeeze_the_others():
    from matplotlib.figure import Figure

    rows = {"best": 0.96, "good": 0.95, "fair": 0.94, "none": 0.5}
    axes = Figure().subplots()
    draw_intervals({name: Estimate(value, value - 0.01, value + 0.01) for name, value in rows.items()}, "")(
        axes
    )
    assert axes.get_xlim()[0] > 0.9
    assert any("0.500" in text.get_text() for text in axes.texts)
    assert [label.get_text() for label in axes.get_yticklabels()] == list(rows)
