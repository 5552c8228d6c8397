"""int8 is used only where it was measured, on these very folds, and costs next to nothing."""

import pytest
from processors import needs_vnni

from pooled_bert.base.errors import InputError
from pooled_bert.predict.predictor import load_predictor
from pooled_bert.runs import int8_check
from pooled_bert.runs.finished_runs import read_run
from pooled_bert.runs.int8_check import check_int8, write_check


@pytest.fixture
def run(tiny_run, tmp_path, monkeypatch):
    monkeypatch.setattr(int8_check, "processor_flags", lambda: {"avx512_vnni"})
    folder = tmp_path / "bert"
    folder.mkdir()
    for fold in (0, 1):
        (folder / f"fold_{fold}").symlink_to(tiny_run / f"fold_{fold}")
    return folder


def test_folds_that_were_not_measured_or_trained_again_are_refused(run):
    folds = read_run(run).folds
    with pytest.raises(InputError, match=r"was not measured; do so with src/measure\.py int8 --run bert"):
        check_int8(run, folds)
    write_check(run, {0: (0.9, 0.9)})
    check_int8(run, folds[:1])
    with pytest.raises(InputError, match="was not measured"):
        check_int8(run, folds)
    write_check(run, {0: (0.9, 0.9), 1: (0.9, 0.9)})
    check_int8(run, folds)
    path = run / "int8.json"
    path.write_text(path.read_text().replace(int8_check._known_by(run, 1), "0" * 64))
    with pytest.raises(InputError, match=r"was changed after it was written; measure again with"):
        check_int8(run, folds)


def test_loss_is_that_of_all_folds_together(run):
    folds = read_run(run).folds
    write_check(run, {0: (0.9, 0.899), 1: (0.9, 0.9004)})
    check_int8(run, folds)
    with pytest.raises(InputError, match=r"costs these folds 0\.0010 of their mean AUC, more than 0\.0005"):
        check_int8(run, folds[:1])


def test_processor_without_the_instructions_is_told_so(run, monkeypatch):
    monkeypatch.setattr(int8_check, "processor_flags", lambda: {"avx2"})
    with pytest.raises(InputError, match="this processor has no instructions for it"):
        load_predictor(run, precision="int8")


@needs_vnni
def test_measured_run_is_predicted_in_int8(run):
    write_check(run, {0: (0.9, 0.9), 1: (0.9, 0.9)})
    predictor = load_predictor(run, precision="int8")
    assert predictor.precision == "int8"
    exact = load_predictor(run).predict_proba(["one two three"])
    assert predictor.predict_proba(["one two three"]) == pytest.approx(exact, abs=0.05)
