"""The sentences above the figures."""

import pandas as pd

from pooled_bert.report.findings import balance_finding, correlation_finding


def test_labels_that_go_together_most_are_two_different_ones():
    rows = pd.DataFrame({"a": [1, 0, 1, 0], "constant": [0, 0, 0, 0], "b": [1, 0, 1, 1]})
    assert correlation_finding(rows.corr()).startswith("a and b go together most (φ 0.58")


def test_label_that_no_row_has_does_not_count_in_the_balance():
    rates = pd.DataFrame({"never": [0.0, 0.0], "sometimes": [0.2, 0.3]})
    assert balance_finding(rates).endswith("by 20 % at most (sometimes)")
    assert balance_finding(rates[["never"]]) == "No row has a label"


def test_labels_without_a_correlation_are_reported_as_such():
    rows = pd.DataFrame({"a": [1, 0, 1, 0], "constant": [0, 0, 0, 0]})
    assert correlation_finding(rows.corr()).startswith("No correlations")
