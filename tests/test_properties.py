"""Contracts that hold for any table, found out with hypothesis: folds, blends, submissions."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pooled_bert.base.errors import InputError
from pooled_bert.benchmarks.jigsaw import JIGSAW
from pooled_bert.benchmarks.targets import SEVERAL_LABELS
from pooled_bert.data.folds import assign_folds
from pooled_bert.data.groups import text_key
from pooled_bert.results.blend import blend
from pooled_bert.results.submission import submission_table

TEXTS = st.text(st.characters(blacklist_categories=["Cs"]), max_size=8)
LABELS = st.sampled_from([0.0, 1.0, np.nan])
UNIT = st.floats(0, 1)


@st.composite
def tables(draw, max_rows=30):
    """Id, text (often repeated), and one or three labels, some unknown."""
    n_rows, n_labels = draw(st.integers(1, max_rows)), draw(st.sampled_from([1, 3]))
    pool = draw(st.lists(TEXTS, min_size=1, max_size=n_rows))
    texts = draw(st.lists(st.sampled_from(pool), min_size=n_rows, max_size=n_rows))
    table = pd.DataFrame({"id": [f"r{row}" for row in draw(st.permutations(range(n_rows)))], "text": texts})
    for label in range(n_labels):
        table[f"label{label}"] = draw(st.lists(LABELS, min_size=n_rows, max_size=n_rows))
    return table


@given(table=tables(), n_folds=st.integers(2, 6), fold_seed=st.integers(0, 3), data=st.data())
def test_any_table_is_cut_into_whole_folds_or_refused(table, n_folds, fold_seed, data):
    keys = table["text"].map(text_key)
    if keys.nunique() < n_folds:
        with pytest.raises(InputError, match=rf"cannot be cut into {n_folds} folds"):
            assign_folds(table, SEVERAL_LABELS, n_folds, fold_seed)
        return
    folds = assign_folds(table, SEVERAL_LABELS, n_folds, fold_seed)
    assert set(folds.tolist()) == set(range(n_folds))  # no fold is empty
    assert (
        pd.Series(folds).groupby(keys.to_numpy()).nunique().max() == 1
    )  # near-identical texts stay together
    order = data.draw(st.permutations(range(len(table))))
    assert (assign_folds(table.iloc[order], SEVERAL_LABELS, n_folds, fold_seed) == folds[order]).all()


@st.composite
def predictions(draw, n_tables=1):
    """Tables of probabilities for the same rows."""
    n_rows = draw(st.integers(1, 12))
    values = st.lists(st.lists(UNIT, min_size=6, max_size=6), min_size=n_rows, max_size=n_rows)
    ids = [f"r{row}" for row in range(n_rows)]
    made = [pd.DataFrame(draw(values), columns=list(JIGSAW.labels)) for _ in range(n_tables)]
    for table in made:
        table.insert(0, "id", ids)
    return made


@given(tables=predictions(n_tables=3), how=st.sampled_from(["mean", "rank", "logit"]), data=st.data())
def test_any_blend_can_be_submitted_and_lies_between_what_it_blends(tables, how, data):
    blended = blend(tables, SEVERAL_LABELS, how)
    template = pd.Series(data.draw(st.permutations(blended["id"].tolist())))
    submitted = submission_table(blended, template, JIGSAW)
    assert submitted["id"].tolist() == template.tolist()
    if how != "rank":
        stacked = np.stack([table[list(JIGSAW.labels)].to_numpy() for table in tables])
        values = blended[list(JIGSAW.labels)].to_numpy()
        assert (values >= stacked.min(axis=0) - 1e-6).all()
        assert (values <= stacked.max(axis=0) + 1e-6).all()


@given(tables=predictions(n_tables=2), data=st.data())
def test_rank_blend_of_equal_orders_keeps_the_order(tables, data):
    table = tables[0]
    powered = table.copy()
    powered[list(JIGSAW.labels)] = table[list(JIGSAW.labels)] ** 2 / 2
    blended = blend([table, powered], SEVERAL_LABELS, "rank")
    for label in JIGSAW.labels:
        ties = powered[label].nunique() < table[label].nunique()  # squares of tiny numbers may meet at 0
        if not ties:
            assert (blended[label].rank() == table[label].rank()).all()


MUTATIONS = {
    "row dropped": lambda table, row, label: table.drop(index=row),
    "row doubled": lambda table, row, label: pd.concat([table, table.loc[[row]]]),
    "row renamed": lambda table, row, label: table.assign(id=table["id"].where(table.index != row, "other")),
    "row added": lambda table, row, label: pd.concat([table, table.loc[[row]].assign(id="other")]),
    "column dropped": lambda table, row, label: table.drop(columns=label),
    "column added": lambda table, row, label: table.assign(other=0.5),
    "column renamed": lambda table, row, label: table.rename(columns={label: label + "s"}),
    **{
        f"value {value}": lambda table, row, label, value=value: table.assign(
            **{label: table[label].where(table.index != row, value)}
        )
        for value in (np.nan, np.inf, -np.inf, 1.0001, -1e-9)
    },
}


@pytest.mark.parametrize("mutation", MUTATIONS)
@given(tables=predictions(), data=st.data())
def test_any_broken_submission_is_refused(mutation, tables, data):
    table = tables[0]
    row, label = data.draw(st.sampled_from(range(len(table)))), data.draw(st.sampled_from(JIGSAW.labels))
    template = table["id"].iloc[::-1]
    assert len(submission_table(table, template, JIGSAW)) == len(table)
    with pytest.raises(InputError, match=r"^predictions"):
        submission_table(MUTATIONS[mutation](table, row, label), template, JIGSAW)
