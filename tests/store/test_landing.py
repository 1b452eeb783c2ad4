"""Polled readings: durable and visible at once, taken once, and laid over what is stored."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest

from cityctl.city.points import Point
from cityctl.errors import ConfigInvalid
from cityctl.reading import Quality, Reading
from cityctl.store import Store

DAY1 = datetime(2026, 3, 1, tzinfo=UTC)
DAY2 = DAY1 + timedelta(days=1)


def test_a_batch_is_taken_once(store, rows, at):
    batch = [Reading("a", at(0), 1.0), Reading("b", at(0), None, Quality.BAD)]
    assert store.land(batch, batch="poll-1", received=DAY1) == 2
    assert store.land(batch, batch="poll-1", received=DAY1) == 0
    assert rows(store) == [("a", at(0), 1.0, 0), ("b", at(0), None, 3)]


def test_another_process_sees_it_at_once(store, folder, rows, at):
    store.land([Reading("a", at(0), 1.0)], batch="1", received=DAY1)
    with Store.open(folder) as other:
        assert rows(other) == [("a", at(0), 1.0, 0)]


def test_landed_readings_lie_over_stored_ones_by_received(store, table, rows, at):
    store.add(table([("a", at(0), 1.0), ("a", at(3), 3.0)]), source="x", received=DAY1)
    store.land([Reading("a", at(0), 9.0)], batch="later", received=DAY2)
    store.land([Reading("a", at(3), 9.0)], batch="earlier", received=DAY1 - timedelta(days=1))
    expected = [("a", at(0), 9.0, 0), ("a", at(3), 3.0, 0)]
    assert rows(store) == expected
    store.compact()
    assert store.list.landed_rows() == 0
    assert rows(store) == expected


def test_of_two_landed_versions_the_later_received_wins(store, rows, at):
    store.land([Reading("a", at(0), 2.0)], batch="2", received=DAY2)
    store.land([Reading("a", at(0), 1.0)], batch="1", received=DAY1)
    assert rows(store) == [("a", at(0), 2.0, 0)]


def test_an_add_knows_what_has_landed(store, table, rows, at):
    store.land([Reading("a", at(0), 1.0)], batch="1", received=DAY1)
    same = store.add(table([("a", at(0), 1.0)]), source="x", received=DAY2)
    assert (same.total.new, same.total.unchanged) == (0, 1)
    other = store.add(table([("a", at(0), 5.0)]), source="x", received=DAY2)
    assert (other.total.new, other.total.revised) == (0, 1)
    assert rows(store) == [("a", at(0), 5.0, 0)]
    store.compact()
    assert rows(store) == [("a", at(0), 5.0, 0)]


def test_points_and_interval_narrow_landed_readings_too(store, rows, at):
    from cityctl.clock import Interval

    batch = [Reading(point, at(hour), float(hour)) for point in "ab" for hour in range(4)]
    store.land(batch, batch="1", received=DAY1)
    half_open = Interval(at(1), at(3), UTC)
    assert rows(store, points=["b"], interval=half_open) == [("b", at(1), 1.0, 0), ("b", at(2), 2.0, 0)]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_becomes_no_value_of_quality_bad(store, rows, at, value):
    store.land([Reading("a", at(0), value)], batch="1", received=DAY1)
    assert rows(store) == [("a", at(0), None, 3)]


def test_a_changed_quantity_is_refused_before_anything_is_taken(store, rows, at):
    flow = {"a": Point("a", "flow", "m3/h", "m3/h", "gauge")}
    store.land([Reading("a", at(0), 1.0)], batch="1", received=DAY1, points=flow)
    pressure = {"a": Point("a", "pressure", "bar", "bar", "gauge")}
    with pytest.raises(ConfigInvalid, match=r"stored as flow \[m3/h\] and cannot become pressure"):
        store.land([Reading("a", at(1), 1.0)], batch="2", received=DAY2, points=pressure)
    assert list(store.conflicts(pressure)) == ["a"]
    assert rows(store) == [("a", at(0), 1.0, 0)]


def test_microseconds_survive(store, rows, at):
    moment = at(0, microseconds=123457)
    store.land([Reading("a", moment, 1.0)], batch="1", received=DAY1)
    store.compact()
    assert rows(store) == [("a", moment, 1.0, 0)]


def test_a_value_outranks_none_where_both_were_received_together(store, table, rows, at):
    """Found by the law of any order: comparing with a missing value must not end in `unknown`."""
    store.add(table([("a", at(0), -1.0)]), source="x", received=DAY1)
    store.land([Reading("a", at(0), None)], batch="1", received=DAY1)
    assert rows(store) == [("a", at(0), -1.0, 0)]
    store.compact()
    assert rows(store) == [("a", at(0), -1.0, 0)]
