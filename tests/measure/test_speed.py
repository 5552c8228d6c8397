import json

import numpy as np
import pytest

from pooled_bert.inputs.tokens import Tokens
from pooled_bert.measure.speed import VARIANTS, Timing, rates
from pooled_bert.measure.speed_worker import _operations, _padded, _padding, _part, _training_batches


def tokens_of(lengths):
    return Tokens(np.arange(sum(lengths), dtype=np.int32), np.concatenate([[0], np.cumsum(lengths)]))


def test_times_are_paired_by_round_and_the_median_counts():
    base = {"train": [1.0, 2.0, 4.0], "predict": [1.0, 1.0, 1.0]}
    ours = Timing(VARIANTS["ours"], {"padding": 0.1}, base, base)
    other = Timing(VARIANTS["unsorted"], {}, {"train": [3.0, 4.0, 12.0], "predict": [2.0, 2.0, 9.0]}, base)
    first, second = rates([ours, other], n_rows=14, n_tokens=700)
    assert first["train time"] == 1
    assert second["train time"] == 3  # of 3, 2, 3
    assert second["predict time"] == 2
    assert first["train examples/s"] == 2
    assert first["train tokens/s"] == 100
    assert first["padding"] == 0.1


def test_rounds_are_parts_of_one_epoch():
    lengths = np.random.default_rng(0).integers(3, 60, 400)
    batches = _training_batches(VARIANTS["ours"], lengths, 8)
    parts = [_part(batches, lengths, number, 3) for number in range(3)]
    assert sorted(row for part in parts for batch in part for row in batch) == list(range(400))
    work = [sum(lengths[batch].sum() for batch in part) for part in parts]
    assert max(work) < 1.2 * min(work)


@pytest.mark.parametrize(("name", "share"), [("ours", 0.0), ("unsorted", 0.25), ("article-128", 1 - 6 / 256)])
def test_padding_is_the_share_of_tokens_computed_for_nothing(name, share):
    tokens = tokens_of([2, 4])
    batch_size = 1 if name == "ours" else 2
    assert _padding(VARIANTS[name], tokens, batch_size) == pytest.approx(share)


def test_every_variant_trains_on_every_row_once():
    lengths = np.random.default_rng(0).integers(3, 60, 50)
    for variant in VARIANTS.values():
        rows = np.concatenate(_training_batches(variant, lengths, 8))
        assert sorted(rows.tolist()) == list(range(50))


def test_articles_way_pads_and_cuts_to_its_width():
    inputs = _padded(VARIANTS["article-128"], tokens_of([2, 200]), np.array([0, 1]))
    assert inputs["input_ids"].shape == (2, 128)
    assert inputs["attention_mask"].sum(axis=1).tolist() == [2, 128]


def test_operations_are_six_a_parameter_and_token_and_those_of_attention():
    class Layer:
        class config:
            num_hidden_layers, hidden_size, intermediate_size = 2, 8, 32

    class Model:
        class classify:
            layers = (object(), Layer())

    parameters = 2 * (4 * 8 * 8 + 2 * 8 * 32)
    attention = 2 * 3 * 4 * 8 * (3**2 + 5**2)  # layers, forward and backward, two products, width, lengths
    assert _operations(Model(), np.array([3, 5])) == 6 * parameters * 8 + attention


@pytest.mark.slow
def test_command_measures_and_writes_table_and_plot(
    run_command, run_process, sample, encoder_folder, tmp_path
):
    options = ["--data", sample, "--encoder", encoder_folder, "--rows", 40, "--rounds", 2]
    options += ["--output", tmp_path / "speed", "--variants"]
    out = run_process("measure.py", "speed", *options, "ours", "article-128").stdout
    assert "share of ceiling" in out
    written = json.loads((tmp_path / "speed.json").read_text())
    assert written["made_up"]
    ours, article = written["variants"]
    assert len(article["train seconds"]) == 2
    assert ours["padding"] < article["padding"] < 1
    assert (tmp_path / "speed.png").read_bytes().startswith(b"\x89PNG")
    refused = run_command("measure.py", "speed", *options, "ours", "trainer", status=2)
    assert "--variants trainer needs --peer" in refused.stderr
