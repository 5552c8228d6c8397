import numpy as np
import pytest

from pooled_bert.benchmarks.targets import SEVERAL_LABELS
from pooled_bert.inputs.batches import prediction_batches, shuffled_batches
from pooled_bert.inputs.tokens import Tokens, Windows, encode, encode_windows

TEXTS = ["one two three", "", "one two three four five six seven eight nine ten", "ten! two"]


def tokens_of(tokenizer, texts=TEXTS, cache=None, **options):
    return encode(texts, tokenizer, **{"max_length": 16, "truncation": "head", **options}, cache=cache)


def words(tokenizer, tokens, row):
    return tokenizer.convert_ids_to_tokens(
        tokens.flat[tokens.offsets[row] : tokens.offsets[row + 1]].tolist()
    )


def test_texts_round_trip_between_cls_and_sep(tokenizer):
    tokens = tokens_of(tokenizer)
    assert words(tokenizer, tokens, 0) == ["[CLS]", "one", "two", "three", "[SEP]"]
    assert words(tokenizer, tokens, 1) == ["[CLS]", "[SEP]"]
    assert (
        tokenizer.decode(tokens.flat[tokens.offsets[3] : tokens.offsets[4]], skip_special_tokens=True)
        == "ten! two"
    )


def test_text_of_a_million_characters_is_cut_like_any_other(tokenizer):
    tokens = tokens_of(tokenizer, ["one two " * 125_000, "x" * 1_000_000])
    assert tokens.lengths.tolist() == [16, 3]  # a word that long is unknown as a whole


def test_head_keeps_the_start_of_a_long_text(tokenizer):
    tokens = tokens_of(tokenizer, max_length=6)
    assert words(tokenizer, tokens, 2) == ["[CLS]", "one", "two", "three", "four", "[SEP]"]


def test_head_tail_keeps_a_quarter_from_the_start_and_the_rest_from_the_end(tokenizer):
    tokens = tokens_of(tokenizer, max_length=6, truncation="head_tail")
    assert words(tokenizer, tokens, 2) == ["[CLS]", "one", "eight", "nine", "ten", "[SEP]"]


def test_encoding_is_that_of_the_tokenizer_itself(tokenizer):
    expected = tokenizer(TEXTS)["input_ids"]
    assert tokens_of(tokenizer).flat.tolist() == [token for ids in expected for token in ids]


def test_cache_is_used_and_made_anew_when_damaged_or_for_other_texts(tokenizer, tmp_path):
    first = tokens_of(tokenizer, cache=tmp_path)
    (path,) = tmp_path.iterdir()
    written = path.stat().st_mtime_ns
    assert (tokens_of(tokenizer, cache=tmp_path).flat == first.flat).all()
    assert path.stat().st_mtime_ns == written
    path.write_bytes(b"damaged")
    assert (tokens_of(tokenizer, cache=tmp_path).flat == first.flat).all()
    tokens_of(tokenizer, texts=TEXTS[:2], cache=tmp_path)
    tokens_of(tokenizer, max_length=5, cache=tmp_path)
    assert len(list(tmp_path.iterdir())) == 3


def test_padded_batch_is_as_wide_as_its_longest_row_and_masks_the_rest(tokenizer):
    tokens = tokens_of(tokenizer)
    batch = tokens.padded(np.array([3, 0]))
    assert batch["input_ids"].shape == (2, 5)
    assert (batch["attention_mask"].sum(axis=1) == tokens.lengths[[3, 0]]).all()
    assert (batch["input_ids"][batch["attention_mask"] == 0] == 0).all()


def test_take_keeps_the_order_asked_for(tokenizer):
    tokens = tokens_of(tokenizer)
    taken = tokens.take(np.array([2, 0]))
    assert words(tokenizer, taken, 1) == words(tokenizer, tokens, 0)
    assert len(tokens.take(np.array([], int))) == 0


@pytest.fixture
def lengths():
    return np.random.default_rng(0).lognormal(4, 0.8, 5000).astype(int).clip(3, 192)


def test_shuffled_batches_hold_every_row_once_and_follow_seed_and_epoch(lengths):
    batches = shuffled_batches(lengths, 32, seed=0, epoch=1)
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
    again = shuffled_batches(lengths, 32, seed=0, epoch=1)
    assert all((left == right).all() for left, right in zip(batches, again, strict=True))
    for seed, epoch in ((0, 2), (1, 1)):
        assert np.concatenate(shuffled_batches(lengths, 32, seed=seed, epoch=epoch)).tolist() != (
            np.concatenate(batches).tolist()
        )


def test_shuffled_batches_pad_little(lengths):
    batches = shuffled_batches(lengths, 32, seed=0, epoch=1)
    computed = sum(len(rows) * lengths[rows].max() for rows in batches)
    assert 1 - lengths.sum() / computed < 0.05


def test_prediction_batches_hold_every_row_once_longest_first(lengths):
    batches = list(prediction_batches(lengths, 8192))
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
    longest = [lengths[rows].max() for rows in batches]
    assert longest == sorted(longest, reverse=True)


def test_no_rows_give_no_batches():
    assert list(prediction_batches(np.array([], int), 8192)) == []
    assert len(Tokens(np.zeros(0, np.int32), np.zeros(1, np.int64))) == 0


def test_windows_cover_a_long_text_and_overlap_by_half(tokenizer, tmp_path):
    for _ in range(2):  # made, and from the cache
        windows = encode_windows(TEXTS, tokenizer, max_length=6, pooling="mean", cache=tmp_path)
        assert windows.first.tolist() == [0, 1, 2, 6, 7]
        pieces = [words(tokenizer, windows.tokens, row)[1:-1] for row in range(2, 6)]
        long = TEXTS[2].split()
        assert pieces == [long[0:4], long[2:6], long[4:8], long[6:10]]
    taken = windows.take(np.array([3, 2]))
    assert (len(taken), taken.first.tolist()) == (2, [0, 1, 5])
    assert words(tokenizer, taken.tokens, 1)[1:-1] == long[0:4]


def test_last_window_ends_with_the_text_and_is_full(tokenizer):
    windows = encode_windows(["one two three four five"], tokenizer, max_length=6, pooling="max", cache=None)
    assert words(tokenizer, windows.tokens, 1)[1:-1] == ["two", "three", "four", "five"]


def test_windows_are_pooled_by_text():
    odds = np.array([[0.5], [0.2], [0.8], [0.9]], np.float32)
    tokens = Tokens(np.zeros(0, np.int32), np.zeros(5, np.int64))
    first = np.array([0, 1, 3, 4])
    assert Windows(tokens, first, "max").pooled(odds, SEVERAL_LABELS).ravel().tolist() == pytest.approx(
        [0.5, 0.8, 0.9]
    )
    assert Windows(tokens, first, "mean").pooled(odds, SEVERAL_LABELS).ravel().tolist() == pytest.approx(
        [0.5, 0.5, 0.9]
    )


def test_no_texts_have_no_windows(tokenizer):
    windows = encode_windows([], tokenizer, max_length=6, pooling="mean", cache=None)
    assert len(windows) == 0
    assert windows.pooled(np.zeros((0, 2), np.float32), SEVERAL_LABELS).shape == (0, 2)
