import numpy as np
import pandas as pd
import pytest

from pooled_bert.benchmarks.registry import BENCHMARKS
from pooled_bert.data.groups import text_key
from pooled_bert.data.rows import read_rows
from pooled_bert.data.sample import write_sample
from pooled_bert.data.sample_sentences import voice_of, write_text


@pytest.mark.parametrize("name", ["jigsaw", "imdb"])
def test_sample_is_repeatable_readable_and_marked_as_made_up(tmp_path, name):
    for folder in ("first", "second"):
        write_sample(tmp_path / folder, BENCHMARKS[name], rows=50, test_rows=10, seed=3)
    first, second = (read_rows(BENCHMARKS[name], tmp_path / folder) for folder in ("first", "second"))
    assert first.checksums() == second.checksums()
    assert first.made_up
    assert len(first.test) == len(first.template) == 10


def test_sample_has_what_real_comments_have(sample):
    train = read_rows(BENCHMARKS["jigsaw"], sample).train
    for character in ("\n", '"', ",", "😀", "ï"):
        assert train["text"].str.contains(character, regex=False).any()
    assert train["text"].map(text_key).duplicated().any()
    rates = train[list(BENCHMARKS["jigsaw"].labels)].mean()
    assert rates["toxic"] > 4 * rates["threat"] > 0
    assert train.loc[train["severe_toxic"] == 1, "toxic"].mean() > 0.9


@pytest.mark.parametrize("label", ["insult", "positive", "late_delivery"])
def test_sentences_hold_the_same_words_whether_a_label_applies_or_not(label):
    random = np.random.default_rng(0)
    texts = {applies: [write_text({label: applies}, random) for _ in range(200)] for applies in (True, False)}
    for phrase in voice_of(label).phrases:
        assert all(any(phrase in text for text in some) for some in texts.values())
    assert not set(texts[True]) & set(texts[False])


def test_command_writes_as_many_rows_as_asked_for(run_process, tmp_path):
    said = run_process("make_sample.py", tmp_path / "sample", "--rows", 50, "--test-rows", 10).stdout
    assert "50 training rows and 10 test rows, all made up" in said
    tables = pd.read_csv(tmp_path / "sample" / "train.csv"), pd.read_csv(tmp_path / "sample" / "test.csv")
    assert [len(table) for table in tables] == [50, 10]
