"""Times of a charge as recipes write them."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from cityctl.tariff.when import When


def test_what_is_read() -> None:
    when = When.model_validate({"months": "11-3", "hours": [" 22-6 ", "12:30-13"], "days": "sat, mon-wed"})
    assert when.months == {11, 12, 1, 2, 3}
    assert when.hours == ((1320, 1440), (0, 360), (750, 780))
    assert when.days == {0, 1, 2, 5}


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("months", "13", "months are 1 to 12"),
        ("months", "may", "are no months"),
        ("hours", "6", "are no hours"),
        ("hours", "6-25", "no time of day"),
        ("hours", "6-6", "holds no hour"),
        ("days", "someday", "are no days"),
    ],
)
def test_a_mistake_says_what_is_wanted(key: str, value: str, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        When.model_validate({key: value})


def test_when_it_holds() -> None:
    minute = np.array([359, 360, 599, 600])
    ones = np.ones(4, int)
    holds = When.model_validate({"hours": "6-10"}).holds(ones, minute, ones, np.zeros(4, bool))
    assert holds.tolist() == [False, True, True, False]
    never = When.model_validate({"holidays": "never"}).holds(ones, minute, ones, np.array([1, 0, 1, 0], bool))
    assert never.tolist() == [False, True, False, True]
