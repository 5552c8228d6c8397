import numpy as np
import pytest

from pooled_bert.training.checkpoints import Checkpoints

ARRAYS = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.array(7, np.int64)}


@pytest.fixture
def checkpoints(tmp_path):
    return Checkpoints(tmp_path / "checkpoints", minutes=5)


def save(checkpoints, step):
    checkpoints.save(step, {**ARRAYS, "b": np.array(step)}, {"loss": 0.1 + step, "epoch": step})


def test_what_is_saved_is_loaded_to_the_bit(checkpoints):
    checkpoints.save(3, ARRAYS, {"loss": 0.1, "scores": [1e-300, None]})
    arrays, record = checkpoints.load()
    assert {name: array.dtype for name, array in arrays.items()} == {"a": np.float32, "b": np.int64}
    assert all((arrays[name] == array).all() for name, array in ARRAYS.items())
    assert record == {"loss": 0.1, "scores": [1e-300, None]}


def test_scores_that_are_undefined_are_kept(checkpoints):
    checkpoints.save(3, ARRAYS, {"history": [{"auc_threat": np.nan}]})
    _, record = checkpoints.load()
    assert np.isnan(record["history"][0]["auc_threat"])


def test_nothing_saved_loads_as_none(checkpoints):
    assert checkpoints.load() is None
    assert not checkpoints.exist


def test_newest_two_are_kept(checkpoints):
    for step in (5, 50, 500):
        save(checkpoints, step)
    assert sorted(path.name for path in checkpoints.folder.iterdir()) == [
        "step_000000050.npz",
        "step_000000500.npz",
    ]
    assert checkpoints.load()[1]["epoch"] == 500


@pytest.mark.parametrize("damage", ["truncated", "empty", "one bit", "other file"])
def test_damaged_state_is_named_and_the_one_before_it_serves(checkpoints, capsys, damage):
    save(checkpoints, 1)
    save(checkpoints, 2)
    path = checkpoints.folder / "step_000000002.npz"
    content = bytearray(path.read_bytes())
    if damage == "one bit":
        content[content.index(np.arange(6, dtype=np.float32).tobytes()) + 9] ^= 1
    path.write_bytes(
        {"truncated": content[:-40], "empty": b"", "other file": b"x" * 900}.get(damage, content)
    )
    assert checkpoints.load()[1]["epoch"] == 1
    assert "step_000000002.npz: is damaged" in capsys.readouterr().err


def test_every_single_flipped_bit_is_noticed_or_harmless(checkpoints, capsys):
    save(checkpoints, 1)
    path = checkpoints.folder / "step_000000001.npz"
    content = path.read_bytes()
    noticed = 0
    for place in range(0, len(content), 3):
        flipped = bytearray(content)
        flipped[place] ^= 1 << place % 8
        path.write_bytes(flipped)
        loaded = checkpoints.load()
        if loaded is None:
            noticed += 1
        else:  # a date, say
            assert loaded[1] == {"loss": 1.1, "epoch": 1}
            assert (loaded[0]["a"] == ARRAYS["a"]).all()
    assert noticed > len(content) / 3 / 2


def test_all_damaged_loads_as_none(checkpoints, capsys):
    save(checkpoints, 1)
    (checkpoints.folder / "step_000000001.npz").write_bytes(b"")
    assert checkpoints.load() is None
