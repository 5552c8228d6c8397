"""Explanations: weights of the words that are there, that add up, and that a model really goes by."""

import numpy as np
import pandas as pd
import pytest

from pooled_bert.base.deadline import Deadline
from pooled_bert.base.errors import InputError
from pooled_bert.base.places import Workspace
from pooled_bert.benchmarks.jigsaw import JIGSAW
from pooled_bert.benchmarks.targets import SEVERAL_LABELS
from pooled_bert.data.rows import read_rows
from pooled_bert.measure.deletion import RANDOM, deletion_drops, drop_table, without_words
from pooled_bert.predict.explanation import BINS, Explanation, explain
from pooled_bert.predict.explanation_view import parts, terminal_view, write_explanations
from pooled_bert.predict.predictor import load_predictor
from pooled_bert.runs.cross_validation import CrossValidation
from pooled_bert.training.settings import BertSettings, RunSettings

LONG = "lovely " * 30 + "horrid"
ODD = ["", " ", "one", "😀 one\n\ttwo", "日本 one", "<b>one</b> & two", "x" * 300, "\x1b[31mone\u202e two"]


@pytest.fixture(scope="module")
def predictor(tiny_run):
    return load_predictor(tiny_run, [0])


@pytest.fixture(scope="module")
def texts(sample):
    return pd.read_csv(sample / "train.csv")["comment_text"].tolist()


@pytest.fixture(scope="module")
def attentive(sample, tmp_path_factory):
    model = BertSettings(
        encoder="tiny", epochs=1, batch_size=16, max_length=16, pooling="attention", precision="float32"
    )
    run = RunSettings(n_folds=2, limit=64)
    folder = tmp_path_factory.mktemp("attentive")
    work = CrossValidation(
        read_rows(JIGSAW, sample), run, model, name="attentive", workspace=Workspace(folder)
    )
    work.start([0], overwrite=False)
    work.train_fold(0, checkpoint_minutes=5, deadline=Deadline(None))
    return load_predictor(Workspace(folder).run("jigsaw", "attentive"))


@pytest.mark.parametrize("method", ["occlusion", "gradients"])
@pytest.mark.parametrize("text", ODD)
def test_any_text_is_explained_and_none_of_it_is_lost(predictor, method, text):
    found = explain(predictor, text, method)
    assert found.weights.shape == (len(found.spans), len(predictor.labels))
    assert np.isfinite(found.weights).all()
    assert "".join(piece for piece, _ in parts(found, 0)) == text
    assert np.array_equal(found.probabilities, predictor.predict_proba([text])[0])


@pytest.mark.numerical
def test_occlusion_is_what_a_mask_in_the_place_of_the_word_takes_away(predictor, texts):
    text = " ".join(texts[0].split()[:6])
    found = explain(predictor, text, "occlusion")
    start, stop = found.spans[2]
    masked = f"{text[:start]}[MASK]{text[stop:]}"
    before, after = SEVERAL_LABELS.to_scale(
        predictor.predict_proba([text, masked]).astype(np.float64), "logit"
    )
    assert found.weights[2] == pytest.approx(before - after, abs=1e-4)


@pytest.mark.numerical
def test_gradients_add_up_to_the_difference_from_a_text_of_masks(predictor, texts):
    text = " ".join(texts[1].split()[:8])
    found = explain(predictor, text, "gradients")
    masks = " ".join(["[MASK]"] * len(found.spans))
    full, empty = SEVERAL_LABELS.to_scale(predictor.predict_proba([text, masks]).astype(np.float64), "logit")
    assert found.weights.sum(axis=0) == pytest.approx(full - empty, abs=0.05 * np.abs(full - empty).max())


@pytest.mark.parametrize("windows", ["mean", "max"])
@pytest.mark.parametrize("method", ["occlusion", "gradients"])
def test_word_in_a_late_window_of_a_long_text_counts(tiny_run, windows, method):
    text = " ".join(LONG.split()[-18:])  # two windows
    found = explain(load_predictor(tiny_run, [0], windows=windows), text, method)
    assert len(found.spans) == 18
    assert np.abs(found.weights[-1]).max() > 0


@pytest.mark.numerical
def test_words_that_are_cut_off_carry_nothing(tiny_run):
    found = explain(load_predictor(tiny_run, [0], windows="none"), LONG, "occlusion")
    assert np.abs(found.weights[:14]).max() > 0
    assert not found.weights[14:].any()


def test_attention_is_shared_out_and_the_same_for_all_labels(attentive):
    found = explain(attentive, "one two three four", "attention")
    assert (found.weights >= 0).all()
    assert 0 < found.weights[:, 0].sum() < 1
    assert (found.weights == found.weights[:, :1]).all()
    assert found.bins().shape == (BINS, len(attentive.labels))
    assert found.bins().sum() == pytest.approx(found.weights.sum())
    assert "tenths" in terminal_view(found, np.full(6, 0.5), coloured=False)


def test_model_without_attention_says_so(predictor):
    with pytest.raises(InputError, match="--pooling attention"):
        explain(predictor, "one", "attention")


def test_deleting_what_an_explanation_puts_first_lowers_the_score_more_than_random_words(predictor, texts):
    scores = predictor.predict_proba(texts[:400])[:, 0]
    chosen = [texts[row] for row in np.argsort(-scores)[:12]]
    drops = deletion_drops(predictor, chosen, 0, ["occlusion", "gradients"])
    for method in ("occlusion", "gradients"):
        assert drops[0.2, method].mean() > drops[0.2, RANDOM].mean() + 0.1
    table = drop_table(drops)
    assert table.loc["20% of the words, occlusion", "above random"] > 0.5
    assert np.isnan(table.loc["20% of the words, random words", "above random"])


def made_up(text, spans, weights, method="occlusion"):
    return Explanation(
        text, method, SEVERAL_LABELS, ("a", "b"), np.array([0.9, 0.1]), spans, np.array(weights, float)
    )


def test_words_are_taken_out_of_the_text_and_nothing_else():
    found = made_up("one, two  three!", [(0, 3), (3, 4), (5, 8), (10, 15), (15, 16)], np.zeros((5, 2)))
    assert without_words(found, np.array([3, 0])) == ", two  !"
    assert without_words(found, np.arange(5)) == "   "


def test_terminal_shows_given_labels_in_colour_and_obeys_no_text():
    found = made_up("one \x1b[2Jtwo", [(0, 3), (8, 11)], [[2.0, 0], [-1.0, 0]])
    shown = terminal_view(found, np.full(2, 0.5), coloured=True)
    assert shown.startswith("a 0.900  b 0.100\na: \x1b[48;5;203;38;5;16mone\x1b[0m ⟨001B⟩[2J\x1b[48;5;159")
    plain = terminal_view(found, np.full(2, 0.5), coloured=False)
    assert "\x1b" not in plain
    assert "a: +2.00 one  -1.00 two" in plain


def test_weak_words_stay_pale():
    found = made_up("one two", [(0, 3), (4, 7)], [[0.2, 0], [-0.1, 0]])
    assert [round(weight, 2) for _, weight in parts(found, 0)] == [0.2, 0.0, -0.1]


def test_page_of_explanations_escapes_texts_and_runs_nothing(tmp_path):
    text = "<script>alert(1)</script> two"
    explanation = made_up(text, [(0, 8), (26, 29)], [[2, 0], [-1, 0]])
    write_explanations(tmp_path / "why.html", [explanation], np.full(2, 0.5), run="run x")
    page = (tmp_path / "why.html").read_text(encoding="utf-8")
    assert "&lt;script&gt;" in page
    assert "<script" not in page
    assert "default-src 'none'" in page
    assert page.count("lowered it") == 1
    heading = "<h2><bdi>&lt;script&gt;alert(1)&lt;/script&gt; two</bdi></h2>"
    for part in ("run x", "Assigned: <b>a</b>", "<b>two</b> −1.00", heading):
        assert part in page
    with pytest.raises(InputError, match="html"):
        write_explanations(tmp_path / "why.csv", [], np.full(2, 0.5), run="x")


@pytest.mark.slow
def test_page_of_explanations_has_nothing_that_axe_finds(tmp_path, browser, accessibility):
    texts = [
        made_up("one two", [(0, 3), (4, 7)], [[2, 0], [-2, 0]], method)
        for method in ("occlusion", "attention")
    ]
    write_explanations(tmp_path / "why.html", texts, np.full(2, 0.5), run="run x")
    browser.get((tmp_path / "why.html").as_uri())
    assert accessibility() == []


def test_unknown_method_is_refused(predictor):
    with pytest.raises(InputError, match="method is lime, expected occlusion or gradients or attention"):
        explain(predictor, "one", "lime")


@pytest.mark.slow
def test_command_explains_on_the_terminal_and_as_a_page(tiny_run, tmp_path, run_command):
    options = ("one two", "--workspace", tiny_run.parents[3], "--run", "bert", "--folds", 0)
    assert "toxic" in run_command("predict.py", *options, "--explain", "gradients").stdout
    after = run_command("predict.py", *options[1:], "--explain", "one two").stdout  # a text, not a method
    assert after == run_command("predict.py", *options, "--explain").stdout
    run_command("predict.py", *options, "--explain", "--output", tmp_path / "why.html")
    assert "toxic" in (tmp_path / "why.html").read_text(encoding="utf-8")
    refused = run_command("predict.py", *options, "--explain", "attention", status=2)
    assert "has no attention" in refused.stderr
