"""The report: made from the fold files, one page that works offline, in which no text acts."""

import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from browsing import set_width
from conftest import table_of
from huggingface_hub import ModelCard
from sklearn.metrics import auc

from pooled_bert.base.files import output
from pooled_bert.base.shown_text import WordMask, visible
from pooled_bert.results.curves import calibration, calibration_error, roc_curves
from pooled_bert.results.fold_scores import fold_scores, pooled
from pooled_bert.runs.finished_runs import read_run

HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(2)>&lt;b&gt; {{ 7*7 }} \u202egnp.exe \x1b[31mred\x07"
)


class Elements(HTMLParser):
    """All elements of a page with their attributes."""

    def __init__(self, html):
        super().__init__()
        self.found = []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))


@pytest.fixture(scope="module")
def data(tmp_path_factory, sample):
    """The sample with hostile texts, positive for everything, so that they are among the worst mistakes."""
    folder = tmp_path_factory.mktemp("hostile")
    for path in sample.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    train = pd.read_csv(folder / "train.csv", dtype=str).head(500)
    train.loc[:4, "comment_text"] = [f"{HOSTILE} {number}" for number in range(5)]
    train.iloc[:5, 2:] = "1"
    train.to_csv(folder / "train.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def workspace(tmp_path_factory, run_command, data, encoder_folder):
    folder = tmp_path_factory.mktemp("workspace")
    options = ("--data", data, "--workspace", folder, "--n-folds", 2)
    tiny = ("--encoder", encoder_folder, "--epochs", 1, "--max-length", 32, "--learning-rate", 1e-2)
    run_command("train_folds.py", *options, *tiny, "--no-test")
    run_command("train_folds.py", *options, "--model", "linear", "--no-test")
    return folder


@pytest.fixture(scope="module")
def page(workspace, data, run_process):
    options = ("--data", data, "--workspace", workspace)
    run_process("report.py", *options, "--run", "bert", "linear", "--raw")
    return (workspace / "folds" / "jigsaw" / "report" / "report.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_page_needs_nothing_from_elsewhere_and_runs_nothing(page):
    elements = Elements(page).found
    assert not {"script", "img", "iframe", "link", "object", "form"} & {tag for tag, _ in elements}
    links = [
        value for _, attributes in elements for name, value in attributes.items() if name.endswith("href")
    ]
    assert links
    assert all(link.startswith("#") for link in links)
    assert not [name for _, attributes in elements for name in attributes if name.startswith("on")]
    assert not re.search(r"url\((?!#)", page)
    policy = [a["content"] for tag, a in elements if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'; media-src data:"]


@pytest.mark.slow
def test_hostile_texts_are_shown_as_text(page):
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "&amp;lt;b&amp;gt; {{ 7*7 }} ⟨202E⟩gnp.exe ⟨001B⟩[31mred⟨0007⟩" in page


@pytest.mark.slow
def test_page_and_pictures_hold_every_part(page, workspace):
    for part in (
        "Runs",
        "Data and folds",
        "Run bert",
        "Run linear",
        "Worst mistakes",
        "Curves",
        "fold assignment",
    ):
        assert part in page
    assert "made-up sample" in page
    pictures = {path.name for path in (workspace / "folds" / "jigsaw" / "report").glob("*.png")}
    kinds = ("histogram", "confusion")
    assert {f"{run}-{kind}.png" for run in ("bert", "linear") for kind in kinds} <= pictures
    assert {
        "runs.png",
        "roc.png",
        "precision-recall.png",
        "calibration.png",
        "lengths.png",
        "balance.png",
        "labels.png",
        "bert-history.png",
        "bert-tokens.png",
    } <= pictures
    assert "linear-history.png" not in pictures


@pytest.mark.slow
def test_page_opens_with_a_verdict_whose_links_lead_somewhere(page):
    elements = Elements(page).found
    assert [tag for tag, _ in elements if tag in ("h1", "h2")][:2] == ["h1", "h2"]
    assert re.search(r'id="headline">Best of 3: ', page)
    assert "95 % interval" in page
    assert "bert, linear: made-up sample" in page
    names = {attributes.get("id") for _, attributes in elements}
    links = [attributes["href"] for tag, attributes in elements if tag == "a"]
    assert {"#verdict", "#runs", "#mistakes", "#curves", "#run-bert", "#data"} <= set(links)
    assert all(link[1:] in names for link in links)


@pytest.mark.slow
def test_runs_are_overlaid_and_figures_say_what_is_seen(page):
    assert re.search(r"(bert|linear) is above (bert|linear) for \d of \d labels: ROC AUC from", page)
    assert re.search(r"rate differs between folds by .* % at most", page)
    assert page.count("<figure") == page.count('class="seen"')


@pytest.mark.slow
def test_groups_without_scores_are_named_in_a_sentence(page):
    assert "Too few texts name: gay" in page
    assert '<th role="rowheader" scope="row">gay' not in page


@pytest.mark.slow
def test_mistakes_of_a_run_with_models_are_explained_on_a_click(page, masked):
    for shown in (page, masked):
        assert "Words that count most" in shown
        assert re.search(r'<span style="background: rgba\(var\(--raise\), 0\.\d\d\)" title="\+\d', shown)
    assert not re.search("onerror|egnp|script", re.sub(r"o•+|s•+", "", masked.split("</style>")[1]))


@pytest.mark.slow
def test_explanations_can_be_left_out(workspace, data, run_command):
    options = ("--data", data, "--workspace", workspace, "--run", "bert", "--no-explanations")
    run_command("report.py", *options, "--output", workspace / "quick")
    page = (workspace / "quick" / "report.html").read_text(encoding="utf-8")
    assert "Worst mistakes" in page
    assert "Words that count most" not in page


@pytest.mark.slow
def test_in_a_browser_links_open_what_is_folded_and_nothing_is_cut(page, workspace, browser, accessibility):
    browser.get((workspace / "folds" / "jigsaw" / "report" / "report.html").as_uri())
    assert accessibility() == []
    for width in (390, 1280):
        set_width(browser, width)
        browser.execute_script("for (const part of document.querySelectorAll('details')) part.open = true")
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
        tables = "[...document.querySelectorAll('table')].map((table) => table.getBoundingClientRect().right)"
        assert max(browser.execute_script(f"return {tables}")) <= width
    browser.execute_script("for (const part of document.querySelectorAll('details')) part.open = false")
    assert not browser.execute_script("return document.getElementById('data').checkVisibility()")
    browser.execute_script("document.querySelector('nav a[href=\"#data\"]').click()")
    assert browser.execute_script("return document.getElementById('data').checkVisibility()")


@pytest.fixture(scope="module")
def draw_masked(workspace, data, run_command):
    """Return a function that makes the page of one run as a user gets it by default, and returns it."""

    def draw(name):
        options = ("--data", data, "--workspace", workspace, "--run", "bert")
        run_command("report.py", *options, "--output", workspace / name)
        return (workspace / name / "report.html").read_text(encoding="utf-8")

    return draw


@pytest.fixture(scope="module")
def masked(draw_masked):
    return draw_masked("masked")


@pytest.mark.slow
def test_same_files_make_the_same_page(masked, draw_masked):
    assert draw_masked("again") == masked


@pytest.mark.slow
def test_words_of_labelled_texts_are_masked_unless_asked_for(page, masked):
    assert "onerror" in page
    assert "onerror" not in masked
    assert "o••••••" in masked


@pytest.mark.slow
def test_encoder_of_a_folder_is_shown_by_name_and_checksum_without_its_path(page, workspace, encoder_folder):
    card = (workspace / "folds" / "jigsaw" / "runs" / "bert" / "README.md").read_text(encoding="utf-8")
    for shown in (page, card):
        assert f"{encoder_folder.name} (sha256:" in shown
        assert str(encoder_folder.parent) not in shown


@pytest.mark.slow
def test_model_card_tells_scores_limits_and_that_rows_are_made_up(page, workspace):
    card = (workspace / "folds" / "jigsaw" / "runs" / "bert" / "README.md").read_text(encoding="utf-8")
    for part in ("pooled", "## Limits", "## Intended use", "max_length | 32", "made-up sample"):
        assert part in card


@pytest.mark.slow
def test_metadata_of_the_model_card_are_what_the_hub_reads(page, workspace, data, run_command):
    options = ("--data", data, "--workspace", workspace, "--run", "bert")
    run_command("report.py", *options, "--license", "apache-2.0", "--base-model", "someone/encoder")
    run = read_run(workspace / "folds" / "jigsaw" / "runs" / "bert")
    found = ModelCard.load(workspace / "folds" / "jigsaw" / "runs" / "bert" / "README.md").data
    assert (found.license, found.base_model, found.language) == ("apache-2.0", "someone/encoder", "en")
    assert found.datasets is None  # the rows are made up
    assert found.metrics == ["roc_auc", "accuracy"]
    area, accuracy = found.eval_results
    assert (area.metric_type, area.task_type) == ("roc_auc", "text-classification")
    assert area.dataset_name.startswith("made-up rows")
    assert area.metric_value == pytest.approx(run.recorded_auc, abs=1e-4)
    assert accuracy.metric_value == pytest.approx(
        np.mean([fold.metrics["accuracy"] for fold in run.folds]), abs=1e-4
    )
    run_command("report.py", *options)
    found = ModelCard.load(workspace / "folds" / "jigsaw" / "runs" / "bert" / "README.md")
    assert (found.data.license, found.data.base_model) == (None, None)  # the encoder is a folder
    assert "Not stated" in found.content


@pytest.mark.slow
def test_wrong_names_and_data_are_refused(workspace, sample, data, run_command):
    options = ("--workspace", workspace)
    missing = run_command("report.py", *options, "--data", data, "--run", "nothing", status=2).stderr
    assert "has no finished fold" in missing
    other = run_command("report.py", *options, "--data", sample, "--run", "bert", status=2).stderr
    assert "different train rows" in other
    empty = run_command("report.py", "--workspace", workspace / "empty", "--data", data, status=2).stderr
    assert "has no finished fold" in empty


@pytest.mark.slow
def test_report_that_another_process_writes_is_refused_and_may_be_in_the_current_folder(
    workspace, data, run_command, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    options = ("--data", data, "--workspace", workspace, "--run", "linear", "--output", ".")
    with output(tmp_path / "report.html", overwrite=True):
        refused = run_command("report.py", *options, status=2).stderr
    assert "report.html: another process is writing it" in refused
    assert not list(tmp_path.iterdir())
    run_command("report.py", *options)
    assert (tmp_path / "report.html").is_file()


def test_words_that_mark_labelled_texts_are_masked():
    texts = [
        "you are a fiend",
        "you fiend, you",
        "a friend of mine",
        "fine",
        "a fiend's friend",
        "zyx friend",
    ]
    mask = WordMask(texts, np.array([1, 1, 0, 0, 0, 1], bool), [0, 5])
    assert mask(texts[0]) == "y•• a•• a f••••"  # "you" stands in nothing but labelled texts either
    assert mask("A Fiend, a FIEND!") == "A F••••, a F••••!"
    assert mask(texts[5]) == "z•• friend"


def test_words_that_name_people_are_never_masked():
    texts = ["gay fiends", "a gay man"]
    assert WordMask(texts, np.array([True, True]), [0, 1], ["gay"])("Gay fiends") == "Gay f•••••"


def test_what_acts_in_a_text_is_spelt_out_and_the_rest_stays():
    assert visible("a\x00b\x1b[2J\u200b\u2066\ud800") == "a⟨0000⟩b⟨001B⟩[2J⟨200B⟩⟨2066⟩⟨D800⟩"
    assert visible("tab\tline\nнаука 👨\u200d👩\u200d👧 é") == "tab\tline\nнаука 👨\u200d👩\u200d👧 é"


class _Run:
    def __init__(self, oof):
        self.oof = oof


def test_out_of_fold_rows_meet_their_own_labels():
    train = table_of(["a", "b", "c", "d"], [[1, 0], [0, 1], [1, 1], [0, np.nan]])
    parts = [
        pd.DataFrame({"id": ids, "toxic": 0.5, "obscene": 0.25}) for ids in (["r00003", "r00001"], ["r00002"])
    ]
    folds = fold_scores(_Run(dict(enumerate(parts))), train, ("toxic", "obscene"))
    assert folds[0].rows.tolist() == [3, 1]
    assert np.array_equal(pooled(folds).labels, [[0, np.nan], [0, 1], [1, 1]], equal_nan=True)


def test_areas_of_curves_are_those_of_the_curves():
    random = np.random.default_rng(0)
    truth = random.random(4000) < 0.3
    curves = roc_curves([(truth, truth + random.normal(size=4000))])
    assert auc(curves.x, curves.y[0]) == pytest.approx(curves.areas[0], abs=1e-3)


def test_calibrated_scores_have_no_calibration_error():
    random = np.random.default_rng(0)
    scores = random.random(100_000)
    table = calibration(random.random(100_000) < scores, scores)
    assert calibration_error(table) < 0.01
    assert ((table["low"] < table["observed"]) & (table["observed"] < table["high"])).all()
    assert calibration_error(calibration(random.random(100_000) < scores**3, scores)) > 0.2
