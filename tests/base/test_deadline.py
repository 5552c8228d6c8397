import pytest

from pooled_bert.base.deadline import Deadline
from pooled_bert.base.errors import TimeLimitReached


def test_no_limit_leaves_any_time():
    assert Deadline().leaves(1e12)
    Deadline().check(1e12)


def test_what_would_end_after_the_limit_is_not_begun():
    deadline = Deadline(2)
    assert deadline.leaves(100)
    assert not deadline.leaves(121)
    deadline.check(100)
    with pytest.raises(TimeLimitReached, match="time limit of 2 minutes"):
        deadline.check(121)
