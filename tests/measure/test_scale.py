import json

import pytest

from pooled_bert.benchmarks.jigsaw import JIGSAW
from pooled_bert.data.rows import read_rows
from pooled_bert.measure.scale import write_rows


def test_made_up_rows_have_the_competitions_lengths(tmp_path):
    write_rows(tmp_path / "data", 1000)
    rows = read_rows(JIGSAW, tmp_path / "data")
    assert (len(rows.train), len(rows.test)) == (1000, 960)
    words = rows.train["text"].str.count(" ") + 1
    assert 33 < words.median() < 42
    assert 180 < words.quantile(0.95) < 300


@pytest.mark.slow
def test_command_measures_the_sizes_asked_for_and_writes_table_and_plot(run_command, tmp_path):
    out = run_command("measure.py", "scale", "--rows", 100, "--output", tmp_path / "scale").stdout
    assert "tokens from cache" in out
    records = json.loads((tmp_path / "scale.json").read_text())["records"]
    assert [record["rows"] for record in records] == [100]
    assert all(seconds > 0 for record in records for seconds in record.values())
    assert (tmp_path / "scale.png").read_bytes().startswith(b"\x89PNG")
