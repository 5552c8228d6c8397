import pytest

from pooled_bert.base.errors import InputError
from pooled_bert.measure.starts import starts


@pytest.mark.slow
def test_both_waits_of_a_training_are_measured():
    (found,) = starts("tiny", 1)
    assert found.first > 0
    assert found.next > 0


def test_training_that_fails_is_told(tmp_path):
    with pytest.raises(InputError, match="cannot be loaded"):
        starts(str(tmp_path), 1)
