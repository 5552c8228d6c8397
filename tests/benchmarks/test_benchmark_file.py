"""A table that a user describes: what the file says becomes the record, and each mistake is answered with its line."""

import pytest

from pooled_bert.base.errors import InputError
from pooled_bert.base.pairs import separated
from pooled_bert.benchmarks.registry import BENCHMARKS, find_benchmark
from pooled_bert.benchmarks.targets import ONE_CLASS, SEVERAL_LABELS

PLAIN = 'train = "t.csv"\ntext = "body"\n'
PAIRS = 'train = "t.csv"\ntext = ["a", "b"]\n'


def described(folder, content, name="own.toml"):
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return str(path)


def test_three_lines_are_enough(tmp_path):
    benchmark = find_benchmark(described(tmp_path, PLAIN + 'class = "kind"'))
    assert (benchmark.name, benchmark.title, benchmark.target) == ("own", "own", ONE_CLASS)
    assert (benchmark.train_file, benchmark.text_column, benchmark.class_column) == ("t.csv", "body", "kind")
    assert (benchmark.labels, benchmark.score, benchmark.test_file) == ((), "mean_auc", None)


def test_every_key_reaches_the_record(tmp_path):
    benchmark = find_benchmark(
        described(
            tmp_path,
            PLAIN + 'labels = ["spam", "toxic"]\nname = "n"\ntitle = "T"\ntest = "e.tsv"\nid = "key"\ngroup = "user"\n'
            'sample_submission = "s.csv"\nscore = "log_loss"\nexamples = ["x"]\nabout = "a"\nlimits = ["l"]\n'
            'language = "de"\nis_offensive = true\n[identity_terms]\nwomen = ["Woman", "women"]\n',
        )
    )  # fmt: skip
    assert benchmark.target is SEVERAL_LABELS
    assert benchmark.labels == ("spam", "toxic")
    assert (benchmark.name, benchmark.title, benchmark.test_file) == ("n", "T", "e.tsv")
    assert (benchmark.id_column, benchmark.group, benchmark.sample_submission) == ("key", "user", "s.csv")
    assert benchmark.shown_scores == ("log_loss", "mean_auc", "accuracy")
    assert benchmark.identity_terms == {"women": ("woman", "women")}
    assert (benchmark.is_offensive, benchmark.language, benchmark.examples) == (True, "de", ("x",))


def test_two_columns_of_texts_are_pairs_of_which_one_can_group_the_rows(tmp_path):
    content = PAIRS + 'class = "c"\ngroup = "a"\nexamples = [["x", "y"]]'
    benchmark = find_benchmark(described(tmp_path, content))
    assert (benchmark.text_columns, benchmark.is_pairs, benchmark.noun) == (("a", "b"), True, "pair")
    assert benchmark.what_is_learnt["text"] == ["a", "b"]
    assert benchmark.group == "a"
    assert [separated(pair) for pair in benchmark.examples] == [("x", "y")]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("train = t.csv", r"own\.toml: is not TOML: .*line 1.*texts are in quotes"),
        ("", r"own\.toml: train is missing"),
        ('train = "t.csv"', r"own\.toml: text is missing"),
        (PLAIN, r"give either labels, .* or class"),
        (PLAIN + 'labels = ["a"]\nclass = "b"', r"line 4: give either labels"),
        (PLAIN + 'clas = "b"', r"line 3: unknown key 'clas' \(did you mean 'class'\?\)"),
        (PLAIN + "class = 5", r"line 3: class: expected a text in quotes"),
        (PLAIN + 'labels = "a"', r"line 3: labels: expected a list of texts"),
        (PLAIN + "labels = []", r"line 3: labels: expected a list of texts"),
        (PLAIN + 'class = "b"\nis_offensive = 1', r"line 4: is_offensive: expected true or false"),
        (PLAIN + 'class = "b"\n\n[identity_terms]\na = "b"', r"line 5: identity_terms: expected lists"),
        ("x = " + 2000 * "[", r"is not TOML"),
        (f'train = "{"t" * 300}"\ntext = "a"\nclass = "b"', r"line 1: train is .*at most 255 bytes"),
        (PLAIN + 'class = "body"', r"line 3: class: column 'body' is named by text already"),
        (PLAIN + 'labels = [\n"a",\n"a"]', r"line 4: labels: column 'a' is named by labels already"),
        (PLAIN + 'labels = [\n"a",\n"accuracy"]', r"line 5: a label or class cannot be called 'accuracy'"),
        (PLAIN + 'class = "b"\nscore = "f1"', r"line 4: score: 'f1' is not one of mean_auc"),
        (PLAIN + 'labels = ["b"]\nscore = "average_recall"', r"line 4: score: 'average_recall' is not one of"),
        (PLAIN + 'class = "b"\nname = "imdb"', r"line 4: the name 'imdb' is taken"),
        (PLAIN + 'class = "b"\nname = "a/b"', r"line 4: name 'a/b': is not a plain name"),
        (PLAIN + 'class = "b"\ngroup = "none"', r"line 4: group: .* must not be called none"),
        (PLAIN + 'class = "b"\nsample_submission = "s.csv"', r"line 4: sample_submission: has no use without test"),
        ('train = "t.csv"\ntext = ["a"]\nclass = "c"', r"line 2: text: expected a column in quotes, or a list of two"),
        ('train = "t.csv"\ntext = ["a", "b", "c"]\nclass = "d"', r"line 2: text: expected a column"),
        ('train = "t.csv"\ntext = [\n"a",\n"a"]\nclass = "c"', r"line 3: text: column 'a' is named by text already"),
        (PAIRS + 'class = "a"', r"line 3: class: column 'a' is named by text already"),
        (PAIRS + 'class = "c"\nexamples = ["a", "b"]', r"line 4: examples: expected a list of pairs of texts"),
        (PAIRS + 'class = "c"\nexamples = [["a\\u001e", "b"]]', r"line 4: the text 'a\\x1e' holds .* U\+001E"),
    ],
)  # fmt: skip
def test_mistakes_are_answered_with_their_line(tmp_path, content, said):
    with pytest.raises(InputError, match=said):
        find_benchmark(described(tmp_path, content))


def test_names_of_built_in_benchmarks_are_found_and_others_refused(tmp_path, monkeypatch):
    assert find_benchmark("imdb") is BENCHMARKS["imdb"]
    with pytest.raises(InputError, match=r"--benchmark imbd: .*did you mean 'imdb'"):
        find_benchmark("imbd")
    described(tmp_path, PLAIN)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"did you mean own\.toml"):
        find_benchmark("own")
    with pytest.raises(
        InputError, match=r"owm\.toml: cannot be read .*did you mean 'own\.toml'.*new_benchmark\.py"
    ):
        find_benchmark("owm.toml")
    with pytest.raises(InputError, match=r"the name 'imdb' is taken"):
        find_benchmark(described(tmp_path, PLAIN + 'class = "x"', "imdb.toml"))
