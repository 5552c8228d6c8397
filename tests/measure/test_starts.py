import pytest

from pooled_bert.base.errors import InputError
from pooled_bert.measure.starts import starts


@pytest.mark.slow
def test_the_next_fold_begins_sooner_than_the_first():
    (found,) = starts("tiny", 1)
    assert 0 < found.next < found.first  # nothing is imported, and nothing is compiled again


def test_training_that_fails_is_told(tmp_path):
    with pytest.raises(InputError, match="cannot be loaded"):
        starts(str(tmp_path), 1)
