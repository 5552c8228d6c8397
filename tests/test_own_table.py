"""A table of a user's own goes through every command by a file of a few lines."""

import json
import random

import pandas as pd
import pytest
from conftest import rows_of

from pooled_bert.base.errors import InputError
from pooled_bert.base.files import read_json
from pooled_bert.base.places import Workspace
from pooled_bert.benchmarks.registry import find_benchmark
from pooled_bert.data.folds import assign_folds
from pooled_bert.data.rows import (
    find_data,
    read_answers,
    read_extra,
    read_rows,
    read_texts,
    table_checksum,
)
from pooled_bert.kernels.submit import message_for
from pooled_bert.predict.play_text import TextApp
from pooled_bert.predict.predictor import load_predictor

WORDS = {"1": ["awful", "boring"], "3": ["plain", "usual"], "5": ["great", "lovely"]}
PLAIN = ["we", "saw", "a", "film", "there", "that", "it", "was", "quite", "of", "kind"]
TOML = 'train = "reviews.csv"\ntext = "review"\nclass = "stars"\n'


def texts_of(classes):
    source = random.Random(1)
    return [" ".join([*source.sample(PLAIN, 6), source.choice(WORDS[name])]) for name in classes]


def write(folder, content=TOML, name="films.toml", n_rows=90):
    """Write a table of reviews, every tenth without a class, and the file that describes it."""
    folder.mkdir(exist_ok=True)
    classes = [list(WORDS)[row % 3] for row in range(n_rows)]
    table = pd.DataFrame(
        {"review": texts_of(classes), "stars": classes, "user": [f"u{row // 6}" for row in range(n_rows)]}
    )
    table.loc[::10, "stars"] = ""
    table.to_csv(folder / "reviews.csv", index=False)
    test = pd.DataFrame({"key": [f"k{row}" for row in range(9)], "review": texts_of(list(WORDS) * 3)})
    test.to_csv(folder / "test.csv", index=False)
    (folder / name).write_text(content)
    return folder / name


@pytest.fixture(scope="module")
def films(tmp_path_factory, run_command):
    """Options that name the table and a workspace with two linear runs."""
    folder = tmp_path_factory.mktemp("own")
    options = (
        "--benchmark",
        write(folder, TOML + 'test = "test.csv"\nscore = "log_loss"\n'),
        "--workspace",
        folder,
    )
    for run in (("linear",), ("words", "--ngrams", "word")):
        run_command("train_folds.py", *options, "--model", "linear", "--n-folds", 2, "--run", *run)
    return options


def test_classes_are_found_in_the_table_in_the_order_of_their_numbers(tmp_path):
    rows = rows_of(write(tmp_path))
    assert rows.benchmark.labels == ("1", "3", "5")
    assert rows.train["1"].isna().sum() == 9
    assert (rows.train[["1", "3", "5"]].sum(axis=1) == rows.train["1"].notna()).all()


def test_rows_of_one_group_share_a_fold_and_rows_without_group_are_free(tmp_path):
    path = write(tmp_path, TOML + 'group = "user"\n')
    table = pd.read_csv(tmp_path / "reviews.csv")
    table.loc[:3, "user"] = None
    table.to_csv(tmp_path / "reviews.csv", index=False)
    rows = rows_of(path)
    folds = assign_folds(rows.train, rows.benchmark.target, 3, 0, "user")
    assert pd.Series(folds).groupby(rows.train["group"]).nunique().max() == 1
    assert rows.train["group"].nunique() == 4 + 15


def test_extra_rows_need_the_column_of_groups_unless_groups_are_ignored(tmp_path, run_command):
    path = write(tmp_path, TOML + 'group = "user"\n')
    extra = tmp_path / "extra.csv"
    pd.read_csv(tmp_path / "reviews.csv", dtype=str).drop(columns="user").to_csv(extra, index=False)
    options = (
        "--benchmark",
        path,
        "--workspace",
        tmp_path,
        "--model",
        "linear",
        "--extra",
        extra,
        "--n-folds",
        2,
    )
    assert "extra.csv: has no column 'user'" in run_command("train_folds.py", *options, status=2).stderr


def test_score_that_counts_comes_first_and_chooses_the_best_run(films, run_command):
    said = run_command("compare_runs.py", *films, "--run", "words", "linear").stdout
    assert "films, compared with words" in said
    assert run_command("report.py", *films).stdout.splitlines()[1].endswith("runs/linear/README.md")
    page = (Workspace(films[-1]).report("films") / "report.html").read_text()
    assert page.index(">log loss [95 % interval]</th>") < page.index(">mean AUC</th>")
    assert "Log loss out of fold" in page


def test_runs_are_blended_into_probabilities_of_the_classes(films, run_command):
    greedy = ("--weights", "greedy", "--name", "blend")
    said = run_command("make_submission.py", *films, "--run", "linear", "words", *greedy).stdout
    assert "what the mean over folds of the log loss loses without the run" in said
    table = pd.read_csv(Workspace(films[-1]).submissions / "blend.csv")
    assert list(table.columns) == ["id", "1", "3", "5"]
    assert table[["1", "3", "5"]].idxmax(axis=1).tolist() == ["1", "3", "5"] * 3


def test_run_does_not_depend_on_where_the_file_lies_but_on_what_it_says(films, run_command, tmp_path):
    moved = ("--benchmark", write(tmp_path, films[1].read_text()), *films[2:])
    train = ("train_folds.py", *moved, "--model", "linear", "--n-folds", 2)
    assert "TF-IDF of" not in run_command(*train).stdout  # both folds are finished
    moved[1].write_text(films[1].read_text().replace('"stars"', '"user"'))
    assert "table.labels is ['stars'] there and ['user'] here" in run_command(*train, status=2).stderr


@pytest.mark.parametrize(
    ("header", "expected"), [(["key", "5", "1", "3"], None), (["key", "rating"], ["1", "3", "5"] * 3)]
)
def test_submission_has_the_columns_of_the_sample_submission(tmp_path, run_command, header, expected):
    path = write(tmp_path, TOML + 'test = "test.csv"\nsample_submission = "sample.csv"\nid = "key"\n')
    table = pd.read_csv(tmp_path / "reviews.csv", dtype=str)
    table.assign(key=[f"t{row}" for row in range(len(table))]).to_csv(tmp_path / "reviews.csv", index=False)
    ids = [f"k{row}" for row in reversed(range(9))]
    pd.DataFrame({name: ids if name == "key" else 0 for name in header}).to_csv(
        tmp_path / "sample.csv", index=False
    )
    options = ("--benchmark", path, "--workspace", tmp_path)
    run_command("train_folds.py", *options, "--model", "linear", "--n-folds", 2)
    run_command("make_submission.py", *options, "--run", "linear", "--name", "own")
    table = pd.read_csv(tmp_path / "submissions" / "own.csv", dtype=str)
    assert list(table.columns) == header
    assert table["key"].tolist() == ids
    if expected:
        assert table["rating"].tolist() == expected[::-1]


def test_folds_without_an_auc_are_blended_and_submitted(tmp_path, run_command):
    """One label, with fewer positives than folds."""
    (tmp_path / "films.toml").write_text(
        'train = "reviews.csv"\ntext = "review"\nlabels = ["bad"]\ntest = "test.csv"\n'
    )
    table = pd.DataFrame({"review": texts_of(list(WORDS) * 10), "bad": [1, 1] + [0] * 28})
    table.to_csv(tmp_path / "reviews.csv", index=False)
    table[["review"]].head().to_csv(tmp_path / "test.csv", index=False)
    options = ("--benchmark", tmp_path / "films.toml", "--workspace", tmp_path)
    for run in (("linear",), ("words", "--ngrams", "word")):
        run_command("train_folds.py", *options, "--model", "linear", "--n-folds", 3, "--run", *run)
    blend = ("make_submission.py", *options, "--run", "linear", "words")
    run_command(*blend, "--weights", "greedy")
    metrics = tmp_path.glob("folds/films/runs/linear/fold_*/metrics.json")
    (without,) = [fold for fold in map(read_json, metrics) if fold["mean_auc"] is None]
    run_command(*blend, "--folds", without["fold"], "--output", tmp_path / "x.csv")
    record = read_json(tmp_path / "x.json")
    assert record["oof_mean_auc"] is None
    assert message_for(tmp_path / "x.csv") == "logit of linear, words"


def test_answers_have_the_columns_of_the_table(tmp_path):
    path = write(tmp_path, TOML + 'test = "test.csv"\nid = "key"\n')
    reviews = pd.read_csv(tmp_path / "reviews.csv", dtype=str)
    reviews.assign(key=[f"r{row}" for row in range(len(reviews))]).to_csv(
        tmp_path / "reviews.csv", index=False
    )
    answers = pd.DataFrame({"key": [f"k{row}" for row in range(9)], "stars": ["1", "3", "5"] * 3})
    answers.to_csv(tmp_path / "answers.csv", index=False)
    assert read_answers(tmp_path / "answers.csv", rows_of(path))["3"].tolist() == [0.0, 1.0, 0.0] * 3


def test_unlabelled_texts_may_be_pre_trained_on(tmp_path):
    path = write(tmp_path)
    pd.DataFrame({"review": ["a", "b"]}).to_csv(tmp_path / "more.csv", index=False)
    assert read_texts(tmp_path / "more.csv", find_benchmark(str(path)))["text"].tolist() == ["a", "b"]


def test_extra_rows_are_checked_before_the_classes_are_known(tmp_path):
    benchmark = find_benchmark(str(write(tmp_path)))
    assert len(read_extra(tmp_path / "reviews.csv", benchmark)) == 90
    with pytest.raises(InputError, match="none of the label columns stars"):
        read_extra(tmp_path / "test.csv", benchmark)


def test_labels_of_test_rows_are_scored_and_unknown_classes_refused(tmp_path):
    path = write(tmp_path, TOML + 'test = "test.csv"\n')
    test = pd.read_csv(tmp_path / "test.csv").assign(stars=["1", "3", "5"] * 3)
    test.to_csv(tmp_path / "test.csv", index=False)
    assert rows_of(path).test_labels["5"].sum() == 3
    test.assign(stars=7).to_csv(tmp_path / "test.csv", index=False)
    with pytest.raises(
        InputError, match=r"test\.csv, line 2: column 'stars' is '7', expected 1 or 3 or 5, the classes"
    ):
        rows_of(path)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("reviews.csv", "revews.csv", r"films\.toml, line 1: there is no file .*did you mean 'reviews\.csv'"),
        ("review\"", "reviw\"", r"films\.toml, line 2: .*column 'reviw' is missing \(did you mean 'review'"),
        ("stars", "stas", r"films\.toml, line 3: .*column 'stas' is missing \(did you mean 'stars'"),
        ('class = "stars"', 'class = "user"\nid = "stars"', r"films\.toml, line 4: .*line 2: the id is empty"),
        ('class = "stars"', 'class = "id"', r"line 3: .*column 'id' is missing"),
        ('text = "review"\nclass = "stars"', 'text = "stars"\nclass = "review"', r"line 3: .* different values in"),
        ('class = "stars"', 'labels = ["stars"]', r"line 3: column 'stars' is '3', .*class = \"stars\""),
    ],
)  # fmt: skip
def test_what_the_file_says_of_the_table_is_checked(tmp_path, old, new, said):
    with pytest.raises(InputError, match=said):
        rows_of(write(tmp_path, TOML.replace(old, new)))


def test_table_of_one_class_is_refused(tmp_path):
    path = write(tmp_path)
    pd.DataFrame({"review": ["a", "b"], "stars": [1, 1]}).to_csv(tmp_path / "reviews.csv", index=False)
    with pytest.raises(InputError, match=r"line 3: column 'stars' .* holds only the class '1'; two classes"):
        rows_of(path)


def test_class_with_fewer_rows_than_folds_is_noted(tmp_path, run_command):
    path = write(tmp_path)
    table = pd.read_csv(tmp_path / "reviews.csv", dtype=str)
    table.loc[1, "stars"] = "2"
    table.to_csv(tmp_path / "reviews.csv", index=False)
    options = ("--benchmark", path, "--workspace", tmp_path, "--model", "linear", "--n-folds", 2, "--fold", 0)
    assert "2 has 1 positives for 2 folds" in run_command("train_folds.py", *options).stderr


def test_folder_of_the_table_can_be_another_one(tmp_path):
    path = write(tmp_path / "a")
    write(tmp_path / "b", n_rows=60)
    benchmark = find_benchmark(str(path))
    assert len(read_rows(benchmark, find_data(benchmark, str(tmp_path / "b"))).train) == 60


def test_extra_rows_may_lack_the_class(tmp_path):
    path = write(tmp_path)
    benchmark = rows_of(path).benchmark
    pd.DataFrame({"review": ["a", "b"], "stars": ["5", None]}).to_csv(tmp_path / "extra.csv", index=False)
    extra = read_extra(tmp_path / "extra.csv", benchmark)
    assert extra["5"].tolist()[0] == 1
    assert extra[["1", "3", "5"]].isna().sum().sum() == 3


def test_bert_of_an_own_table_predicts_its_files(films, run_command):
    small = ("--encoder", "tiny", "--epochs", 1, "--max-length", 16, "--n-folds", 2, "--fold", 0, "--no-test")
    run_command("train_folds.py", *films, *small)
    said = run_command(
        "predict.py", *films, "--file", films[1].with_name("test.csv"), "--output-format", "jsonl"
    ).stdout
    answers = [json.loads(line) for line in said.splitlines()]
    assert [set(answer) for answer in answers] == [{"id", "1", "3", "5", "class"}] * 9
    predictor = load_predictor(Workspace(films[-1]).run("films", "bert"), [0])
    assert TextApp({"bert": predictor}, find_benchmark(str(films[1]))).about()["labels"] == (
        "1",
        "3",
        "5",
    )


def test_guessed_file_describes_the_table(tmp_path, run_command):
    write(tmp_path)
    said = run_command("new_benchmark.py", tmp_path / "reviews.csv").stdout
    assert '# 3 different values: 1, 3, 5\nclass = "stars"' in said
    assert 'into the same fold: group = "user"' in said
    assert "python src/make_submission.py --benchmark" in said
    guessed, written = (rows_of(tmp_path / name) for name in ("reviews.toml", "films.toml"))
    assert table_checksum(guessed.train) == table_checksum(written.train)
    assert len(guessed.test) == 9
    assert "exists already" in run_command("new_benchmark.py", tmp_path / "reviews.csv", status=2).stderr
    (tmp_path / "reviews.csv").rename(tmp_path / ".tokens.csv")  # hidden, and a name that is taken
    said = run_command("new_benchmark.py", tmp_path / ".tokens.csv").stdout
    assert 'name = "my-tokens"' in said
    assert find_benchmark(str(tmp_path / "tokens.toml")).name == "my-tokens"


def test_guess_prefers_labels_that_the_test_rows_lack(tmp_path, run_command):
    table = pd.DataFrame(
        {
            "key": [f"r{row}" for row in range(8)],
            "body": [f"a text {row}" for row in range(8)],
            "long": [0, 1] * 4,
        }
    ).assign(spam=[0, 1, -1, 0, 1, 0, 0, 1])
    table.to_csv(tmp_path / "imdb.tsv", sep="\t", index=False)
    table.drop(columns="spam").to_json(tmp_path / "test.jsonl", orient="records", lines=True)
    run_command("new_benchmark.py", tmp_path / "imdb.tsv")
    benchmark = find_benchmark(str(tmp_path / "imdb.toml"))
    assert (benchmark.name, benchmark.labels, benchmark.id_column) == ("my-imdb", ("spam",), "key")
    assert (benchmark.text_column, benchmark.test_file) == ("body", "test.jsonl")
    assert rows_of(tmp_path / "imdb.toml").train["spam"].isna().sum() == 1


def test_table_without_labels_is_not_guessed(tmp_path, run_command):
    (tmp_path / "x.csv").write_text("a,b\nlong text,1\nlonger text,2\n")
    assert (
        "no column looks like labels" in run_command("new_benchmark.py", tmp_path / "x.csv", status=2).stderr
    )
    assert not (tmp_path / "x.toml").exists()


def test_made_up_rows_never_replace_a_users_table(tmp_path, run_command):
    path = write(tmp_path, TOML + 'test = "test.csv"\nid = "key"\ngroup = "user"\n')
    table = pd.read_csv(tmp_path / "reviews.csv", dtype=str)
    table.assign(key=range(len(table))).to_csv(tmp_path / "reviews.csv", index=False)
    refused = run_command("make_sample.py", tmp_path, "--benchmark", path, status=2)
    assert "is not replaced by made-up rows" in refused.stderr
    run_command("make_sample.py", tmp_path / "s", "--benchmark", path, "--rows", 60, "--test-rows", 5)
    benchmark = find_benchmark(str(path))
    rows = read_rows(benchmark, find_data(benchmark, str(tmp_path / "s")))
    assert rows.made_up
    assert rows.benchmark.labels == ("1", "3", "5")


@pytest.mark.parametrize("lines", ["what a film,1\nterrible,0\n", "x" * 61 + ",good\nfine,bad\n"])
def test_first_line_that_seems_to_be_a_row_is_refused(run_command, tmp_path, lines):
    path = tmp_path / "films.csv"
    path.write_text(lines * 3 if lines.startswith("x") else lines)
    said = run_command("new_benchmark.py", path, status=2).stderr
    assert "its first line seems to be a row" in said
    assert "put a line with the names of the columns above it, such as text,label" in said
