"""A table with two columns of texts goes through every command as pairs."""

import json

import numpy as np
import pandas as pd
import pytest
from conftest import rows_of
from werkzeug.test import Client

from pooled_bert.base.errors import InputError
from pooled_bert.base.pairs import SEPARATOR, joined
from pooled_bert.base.places import Workspace
from pooled_bert.benchmarks.registry import find_benchmark
from pooled_bert.data.folds import assign_folds
from pooled_bert.data.rows import find_data, read_extra, read_rows
from pooled_bert.predict.explanation import explain
from pooled_bert.predict.explanation_view import terminal_view
from pooled_bert.predict.play_text import TextApp
from pooled_bert.predict.predictor import load_predictor

TOPICS = ("bread", "cheese", "tea", "rain", "trains")
TOML = 'train = "answers.csv"\ntext = ["question", "answer"]\nclass = "fits"\n'
SMALL = ("--n-folds", 2, "--epochs", 1, "--encoder", "tiny", "--max-length", 16, "--batch-size", 8)


def write(folder, content=TOML, name="faq.toml", n_rows=80):
    """Write a table of questions and answers, its test rows, and the file that describes it."""
    folder.mkdir(exist_ok=True)
    rows = [
        {
            "question": f"what do you know of {TOPICS[row % 5]}, number {row // 4}?",
            "answer": f"I know {row} things of {TOPICS[row % 5 if row % 2 else (row + 1) % 5]}",
            "fits": "yes" if row % 2 else "no",
        }
        for row in range(n_rows)
    ]
    pd.DataFrame(rows).to_csv(folder / "answers.csv", index=False)
    test = pd.DataFrame(rows[:6]).drop(columns="fits").assign(id=[f"t{row}" for row in range(6)])
    test["answer"] += " or so"
    test.to_csv(folder / "test.csv", index=False)
    (folder / name).write_text(content)
    return folder / name


@pytest.fixture(scope="module")
def faq(tmp_path_factory, run_command):
    """Options that name the table and a workspace with a run of each model; that of BERT can be explained."""
    folder = tmp_path_factory.mktemp("pairs")
    path = write(folder, TOML + 'test = "test.csv"\nis_offensive = true\nexamples = [["why?", "because"]]\n')
    options = ("--benchmark", path, "--workspace", folder)
    run_command("train_folds.py", *options, "--model", "linear", "--n-folds", 2)
    run_command("train_folds.py", *options, *SMALL, "--pooling", "attention")
    run_command("train_folds.py", *options, *SMALL, "--model", "blstm", "--units", 8, "--fold", 0)
    return options


@pytest.fixture(scope="module")
def predictor(faq):
    return load_predictor(Workspace(faq[-1]).run("faq", "bert"))


def test_rows_hold_both_texts(tmp_path):
    rows = rows_of(write(tmp_path, TOML + 'test = "test.csv"\n'))
    table = pd.read_csv(tmp_path / "answers.csv")
    assert rows.train["text"].tolist() == (table["question"] + SEPARATOR + table["answer"]).tolist()
    assert rows.test["text"].str.count(SEPARATOR).eq(1).all()
    extra = read_extra(tmp_path / "answers.csv", rows.benchmark)
    assert extra["text"].equals(rows.train["text"])


def test_rows_of_one_question_can_share_a_fold(tmp_path):
    path = write(tmp_path, TOML + 'group = "question"\n')
    table = pd.read_csv(tmp_path / "answers.csv")
    table["question"] = table["question"].str.replace(r", number.*", "?", regex=True)
    table.to_csv(tmp_path / "answers.csv", index=False)
    rows = rows_of(path)
    folds = assign_folds(rows.train, rows.benchmark.target, 2, 0, "question")
    assert pd.Series(folds).groupby(table["question"]).nunique().max() == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda table: table.assign(answer="a\x1eb"), r"answers\.csv, line 2: the text 'a\\x1eb' holds .* U\+001E"),
        (lambda table: table.rename(columns={"answer": "anser"}), r"faq\.toml, line 2: .*column 'answer' is missing"),
    ],
)  # fmt: skip
def test_table_that_holds_no_pairs_is_refused_with_its_line(tmp_path, run_command, change, said):
    path = write(tmp_path)
    change(pd.read_csv(tmp_path / "answers.csv")).to_csv(tmp_path / "answers.csv", index=False)
    with pytest.raises(InputError, match=said):
        rows_of(path)
    options = ("--benchmark", path, "--workspace", tmp_path, "--model", "linear")
    assert "Traceback" not in run_command("train_folds.py", *options, status=2).stderr


def test_order_of_the_two_texts_matters_and_pairs_are_predicted_independently(predictor):
    pairs = [("what of tea?", "rain"), ("rain", "what of tea?"), ("", "")]
    probabilities = predictor.predict_proba(pairs)
    assert np.abs(probabilities[0] - probabilities[1]).max() > 1e-6
    assert predictor.predict_proba(pairs[:1]) == pytest.approx(probabilities[:1], abs=1e-5)
    assert predictor.predict_proba([joined(pairs[0])]) == pytest.approx(probabilities[:1], abs=1e-5)
    frame = pd.DataFrame(pairs, columns=["q", "a"], index=[5, 6, 7])
    found = predictor.predict_frame(frame)
    assert (found.to_numpy() == probabilities).all()
    assert found.index.tolist() == [5, 6, 7]
    assert "Predictor of pairs" in repr(predictor)


@pytest.mark.parametrize(
    ("items", "said"),
    [
        ("text", r"expected a list of pairs, got one string"),
        (["text"], r"pair 0 is 'text', expected two texts, as in \[\(text, text\)\]"),
        ([("a", "b"), ("a", "b", "c")], r"pair 1 is \('a', 'b', 'c'\), expected two texts"),
        ([("a", 5)], r"pair 0: text 1 is 5, expected a string"),
        ([("a", "b\x1e")], r"pair 0: the text 'b\\x1e' holds .* U\+001E"),
    ],
)
def test_what_is_no_pair_is_refused(predictor, items, said):
    with pytest.raises(InputError, match=said):
        predictor.predict_proba(items)


@pytest.mark.parametrize("method", ["occlusion", "gradients", "attention"])
def test_words_of_both_texts_are_explained_and_none_is_lost(predictor, method):
    pair = ("what, of tea?", "rain 😀 and tea")
    found = explain(predictor, pair, method)
    assert "".join(piece for piece, _ in found.pieces()) == joined(pair)
    words = [found.text[slice(*span)] for span in found.spans]
    assert words == ["what", ",", "of", "tea", "?", "rain", "😀", "and", "tea"]
    assert found.weights.shape == (9, 2)
    assert np.abs(found.weights).max(axis=1).min() > 0
    shown = terminal_view(found, None, coloured=True)
    assert SEPARATOR not in shown
    assert " ‖ " in shown


@pytest.mark.numerical
def test_occlusion_of_a_pair_is_what_a_mask_in_the_place_of_the_word_takes_away(predictor):
    found = explain(predictor, ("what of tea", "rain and tea"), "occlusion")
    given = [("what of tea", "rain and tea"), ("what of tea", "rain and [MASK]")]
    before, after = predictor.target.to_scale(predictor.predict_proba(given).astype(np.float64), "logit")
    assert found.weights[-1] == pytest.approx(before - after, abs=1e-4)


def test_command_predicts_pairs_two_by_two_and_from_files(faq, predictor, tmp_path, run_command):
    typed = run_command("predict.py", *faq, "q one", "a one", "q two", "a two", "--output-format", "jsonl")
    answers = [json.loads(line) for line in typed.stdout.splitlines()]
    assert [answer["id"] for answer in answers] == ["1", "2"]
    expected = predictor.predict_proba([("q one", "a one"), ("q two", "a two")])
    assert [answer["no"] for answer in answers] == pytest.approx(expected[:, 0].tolist(), rel=1e-6)
    odd = run_command("predict.py", *faq, "q one", "a one", "q two", status=2).stderr
    assert "has pairs (question, answer); give two texts for each, not 3 in all" in odd
    table = pd.DataFrame({"id": ["x", "y"], "question": ["q one", "q two"], "answer": ["a one", "a two"]})
    table.to_csv(tmp_path / "t.csv", index=False)
    table.rename(columns={"question": "1", "answer": "2"}).to_json(
        tmp_path / "t.jsonl", orient="records", lines=True
    )
    for file in (("t.csv",), ("t.jsonl", "--column", "1", "2")):
        said = run_command("predict.py", *faq, "--file", tmp_path / file[0], *file[1:]).stdout
        assert said.splitlines()[1].split(",")[:2] == ["x", f"{answers[0]['no']:.9g}"]


@pytest.mark.parametrize(
    ("name", "content", "options", "said"),
    [
        ("t.csv", "question,answer\nq,a\nq,b\x1e\n", (), "t.csv, line 3: the text 'b\\x1e' holds"),
        ("t.csv", "question,text\nq,a\n", (), "column 'answer' is missing"),
        ("t.csv", "question,text\nq,a\n", ("--column", "question"), "--column question: expected two names"),
        ("t.txt", "q\ta\n", (), "t.txt: a line of plain text is no pair"),
        ("t.jsonl", '"q"\n', (), "t.jsonl, line 1: is 'q', expected an object with both texts"),
        ("t.jsonl", '{"question": "q", "answer": 1}\n', (), "t.jsonl, line 1: the text is 1, expected a string"),
        ("t.csv", "question,answer\nq,a\n", ("--windows", "mean"), "pairs are not read in windows"),
    ],
)  # fmt: skip
def test_file_that_holds_no_pairs_is_refused(faq, tmp_path, run_command, name, content, options, said):
    (tmp_path / name).write_text(content)
    assert said in run_command("predict.py", *faq, "--file", tmp_path / name, *options, status=2).stderr


def test_training_refuses_windows_and_lengths_without_room_for_both_texts(faq, run_command):
    train = ("train_folds.py", *faq, *SMALL, "--run", "other")
    assert (
        "pairs are not read in windows: a window" in run_command(*train, "--windows", "max", status=2).stderr
    )
    short = run_command(*train, "--max-length", 4, status=2).stderr
    assert "--max-length is 4, expected at least 5: one token of each text" in short


def test_run_of_pairs_is_not_used_for_single_texts(faq, run_command):
    single = faq[1].with_name("single.toml")
    single.write_text(TOML.replace('["question", "answer"]', '"question"') + 'name = "faq"\n')
    options = ("--benchmark", single, *faq[2:])
    said = run_command("predict.py", *options, "--run", "bert", "a text", status=2).stderr
    assert "run 'bert' learnt from pairs, but --benchmark" in said
    train = ("train_folds.py", *options, "--model", "linear", "--n-folds", 2)
    assert "table.text is ['question', 'answer'] there" in run_command(*train, status=2).stderr


def test_report_card_blend_and_data_check_show_both_texts(faq, run_command):
    run_command("report.py", *faq, "--run", "bert", "linear")
    workspace = Workspace(faq[-1])
    page = (workspace.report("faq") / "report.html").read_text()
    assert SEPARATOR not in page
    assert "? ‖ " in page
    assert "but the pair does not have the label" in page
    card = (workspace.run("faq", "bert") / "README.md").read_text()
    assert "Ranking and sorting pairs" in card
    assert '--run bert "a text" "a text"' in card
    run_command("make_submission.py", *faq, "--run", "bert", "linear", "--blend", "logit", "--name", "both")
    assert len(pd.read_csv(workspace.submissions / "both.csv")) == 6
    run_command("check_data.py", *faq, "--run", "linear")
    table = pd.read_csv(workspace.report("faq") / "linear-suspicious-labels.csv")
    assert table["text"].str.startswith("what do you know").all()
    assert table["second text"].str.startswith("I know").all()


def test_page_takes_both_texts(faq, predictor):
    client = Client(TextApp({"bert": predictor}, find_benchmark(str(faq[1]))))
    host = {"Host": "127.0.0.1:80"}
    about = client.get("/about", headers=host).json
    assert about["columns"] == ["question", "answer"]
    assert about["examples"] == [["why?", "because"]]
    content = {"run": "bert", "text": ["what of tea?", "rain\x1e"]}
    answer = client.post("/predict", json=content, headers=host)
    expected = predictor.predict_proba([("what of tea?", "rain\ufffd")])
    assert answer.json["probabilities"] == pytest.approx(expected[0].tolist())
    explained = client.post("/explain", json={**content, "method": "gradients"}, headers=host).json
    assert "".join(piece for piece, _ in explained["pieces"]) == "what of tea? ‖ rain\ufffd"
    for text in ("one", ["one"], ["one", 2], ["a", "b", "c"], None):
        assert client.post("/predict", json={**content, "text": text}, headers=host).status_code == 400


def test_recurrent_model_reads_the_order_of_the_two_texts(faq):
    predictor = load_predictor(Workspace(faq[-1]).run("faq", "blstm"))
    one, other = predictor.predict_proba([("what of tea?", "rain"), ("rain", "what of tea?")])
    assert np.abs(one - other).max() > 1e-6


def test_exported_model_knows_token_types(faq, tmp_path, run_command):
    said = run_command(
        "export.py", *faq, "--fold", 0, "--format", "huggingface", "--output", tmp_path / "model"
    ).stdout
    assert "differ from the fold's by at most" in said
    assert json.loads((tmp_path / "model" / "export.json").read_text())["pairs"] is True


def test_made_up_pairs_are_pairs(tmp_path, run_command):
    path = write(tmp_path, TOML + 'test = "test.csv"\ngroup = "question"\n')
    run_command("make_sample.py", tmp_path / "s", "--benchmark", path, "--rows", 60, "--test-rows", 5)
    benchmark = find_benchmark(str(path))
    rows = read_rows(benchmark, find_data(benchmark, str(tmp_path / "s")))
    assert rows.made_up
    assert rows.benchmark.labels == ("no", "yes")
    assert (len(rows.train), len(rows.test)) == (60, 5)
    assert rows.train["text"].map(lambda pair: pair.split(SEPARATOR)).map(all).all()
