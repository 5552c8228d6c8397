"""The sentences above the figures."""

import pandas as pd

from pooled_bert.report.findings import correlation_finding


def test_labels_that_go_together_most_are_two_different_ones():
    rows = pd.DataFrame({"a": [1, 0, 1, 0], "constant": [0, 0, 0, 0], "b": [1, 0, 1, 1]})
    assert correlation_finding(rows.corr()).startswith("a and b go together most (φ 0.58")


def test_labels_without_a_correlation_are_reported_as_such():
    rows = pd.DataFrame({"a": [1, 0, 1, 0], "constant": [0, 0, 0, 0]})
    assert correlation_finding(rows.corr()).startswith("No correlations")
