"""A device's values, kept a row an answer: the same as a mapping of single values."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cityctl.modbus.values import Row, Value, Values
from cityctl.reading import Quality

FIRST, SECOND = (datetime(2026, 11, 29, 6, 0, second, tzinfo=UTC) for second in (1, 2))
FLOW = Value("flow", 2.5, Quality.GOOD, FIRST)
TOTAL = Value("total", None, Quality.BAD, FIRST)
NAME = Value("name", "north", Quality.GOOD, SECOND)


def two_rows() -> Values:
    values = Values()
    values.rows.append(Row({"flow": 0, "total": 1}, [2.5, None], [Quality.GOOD, Quality.BAD], FIRST))
    values.rows.append(Row({"name": 0}, ["north"], [Quality.GOOD], SECOND))
    return values


def test_a_mapping_of_single_values():
    values = two_rows()
    assert dict(values) == {"flow": FLOW, "total": TOTAL, "name": NAME}
    assert values == {"flow": FLOW, "total": TOTAL, "name": NAME}
    assert list(values.items()) == [("flow", FLOW), ("total", TOTAL), ("name", NAME)]
    assert list(values.values()) == [FLOW, TOTAL, NAME]
    assert len(values) == len(values.items()) == 3
    assert "total" in values
    assert "pressure" not in values
    with pytest.raises(KeyError, match="pressure"):
        values["pressure"]


def test_a_point_is_dropped_from_its_row_alone():
    values = two_rows()
    shared = values.rows[0].places
    values.drop("flow")
    values.drop("pressure")
    assert dict(values) == {"total": TOTAL, "name": NAME}
    assert list(shared) == ["flow", "total"]  # the places are those of every device of the model


def test_none_at_first_and_none_once_cleared():
    values = two_rows()
    assert not Values()
    assert values
    values.clear()
    assert not values
    assert list(values.values()) == []
