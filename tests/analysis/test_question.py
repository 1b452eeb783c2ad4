"""Parameters as people and recipes say them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from cityctl.analysis.question import Parameter, settle
from cityctl.errors import UsageProblem

ONES = (
    Parameter("threshold", "number", 2.0, "m3/h", "a flow", least=0),
    Parameter("confidence", "share", 0.9, None, "a share", least=0.5, most=1),
    Parameter("count", "integer", 3, None, "a count"),
    Parameter("method", "choice", "mean", None, "a method", choices=("mean", "lowest_hour")),
    Parameter("night", "time", 120, None, "a time of day"),
    Parameter("history", "duration", timedelta(days=365), None, "a length"),
    Parameter("day", "date", None, None, "a day"),
    Parameter("each", "flag", False, None, "yes or no"),
    Parameter("zones", "text", "*", None, "names"),
)


def test_defaults_stand_where_nothing_is_given() -> None:
    settled = settle(ONES, {})
    assert settled["threshold"] == 2.0
    assert settled["day"] is None
    assert settled["night"] == 120


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("threshold", "1 L/s", 3.6),  # 1 L/s is 3.6 m³/h
        ("threshold", 5, 5.0),
        ("confidence", "68 %", 0.68),
        ("confidence", 0.95, 0.95),
        ("count", "7", 7),
        ("method", "lowest_hour", "lowest_hour"),
        ("night", "03:30", 210),
        ("night", "24:00", 1440),
        ("history", "2w", timedelta(days=14)),
        ("day", "2019-01-01", date(2019, 1, 1)),
        ("each", "yes", True),
        ("each", False, False),
        ("zones", "north,south", "north,south"),
    ],
)
def test_values_are_read(name: str, given: object, value: object) -> None:
    assert settle(ONES, {name: given})[name] == value


@pytest.mark.parametrize(
    ("given", "said", "hint"),
    [
        ({"treshold": 1}, "no parameter `treshold`", "did you mean `threshold`?"),
        ({"threshold": "many"}, "`threshold`", None),
        ({"threshold": "3 bar"}, "no conversion", None),
        ({"threshold": -1}, "below 0 m3/h", None),
        ({"confidence": "40 %"}, "below 0.5", None),
        ({"count": 1.5}, "not a whole number", None),
        ({"method": "maen"}, "none of mean, lowest_hour", "did you mean `mean`?"),
        ({"night": "25:00"}, "not a time of day", None),
        ({"night": "24:30"}, "not a time of day", None),
        ({"day": "soon"}, "not a date", None),
        ({"each": "perhaps"}, "none of", None),
        ({"history": "long"}, "no duration", None),
    ],
)
def test_what_cannot_be_read_is_said(given: dict[str, Any], said: str, hint: str | None) -> None:
    with pytest.raises(UsageProblem) as caught:
        settle(ONES, given)
    assert said in caught.value.message
    if hint is not None:
        assert caught.value.hint == hint
