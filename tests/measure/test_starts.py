import time

import pytest

from pooled_bert.base.errors import InputError
from pooled_bert.measure.starts import starts


@pytest.mark.slow
def test_both_waits_of_a_training_are_measured():
    began = time.monotonic()
    (found,) = starts("tiny", 1)
    assert min(found.first, found.next) > 0
    assert found.first + found.next < time.monotonic() - began


def test_training_that_fails_is_told(tmp_path):
    with pytest.raises(InputError, match="cannot be loaded"):
        starts(str(tmp_path), 1)
