"""Derived points against figures worked out by hand, and L-Town's inflows against plain SQL over its files."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from cityctl.city.load import load
from cityctl.clock import Interval
from cityctl.engine.duck import Engine
from cityctl.errors import CityctlError, ConfigInvalid
from cityctl.store import Store

DAY1 = datetime(2026, 12, 1, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
START = datetime(2026, 5, 1, tzinfo=UTC)


def _city(project, points: str, zones: str = ""):
    indented = "\n".join(f"  {line.strip()}" for line in points.strip().splitlines())
    return load(
        project(
            "name: T\ntime_zone: Europe/Berlin\nnetworks: {water: {kind: water}}\n"
            f"assets: {{tank_1: {{kind: tank, area: 200 m2}}}}\n{zones}points:\n{indented}\n"
        )
    )


@pytest.fixture
def derived(store, table, rows, project):
    """The readings of point `d`, as {minutes after START: (value, quality)}."""

    def work_out(points: str, readings, **choice):
        city = _city(project, points)
        listed = [(point, START + timedelta(minutes=minute), *rest) for point, minute, *rest in readings]
        store.add(table(listed), source="x", received=DAY1, points=city.points())
        found = rows(store, city, points=["d"], **choice)
        return {
            int((time - START).total_seconds() / 60): (value, quality) for _, time, value, quality in found
        }

    return work_out


def test_gauges_are_averaged_in_a_slot(derived):
    points = """
        a: {unit: m3/h, every: 5m}
        b: {unit: m3/h, every: 15m}
        d: {formula: a + b, unit: m3/h, every: 15m}
    """
    readings = [("a", 0, 1.0), ("a", 5, 2.0), ("a", 10, 6.0), ("a", 15, 4.0), ("b", 0, 10.0), ("b", 15, 20.0)]
    assert derived(points, readings) == {0: (13.0, 0), 15: (24.0, 0)}


def test_intervals_are_added_up_and_an_incomplete_slot_has_no_value(derived):
    points = """
        a: {unit: kWh, kind: interval, every: 15m}
        d: {formula: 2 * a, unit: kWh, kind: interval, every: 1h}
    """
    readings = [("a", 15 * n, 1.0) for n in range(7)]  # the eighth quarter of the two hours is missing
    assert derived(points, readings) == {0: (8.0, 0)}


def test_delta_rate_and_prev_look_at_the_last_reading_of_the_slot_before(derived):
    points = """
        level: {unit: m, every: 5m}
        d: {formula: delta(level) + 10 * rate(level) + 100 * prev(level), unit: m, every: 15m}
    """
    # Last of each slot: 3, 5, 4. Slot 15: 2 + 10 * 2 / 0.25 h + 100 * 3; slot 30: -1 - 40 + 500.
    readings = [
        ("level", 0, 1.0),
        ("level", 10, 3.0),
        ("level", 15, 9.0),
        ("level", 25, 5.0),
        ("level", 30, 4.0),
    ]
    assert derived(points, readings) == {15: (2 + 80 + 300, 0), 30: (-1 - 40 + 500, 0)}


def test_after_a_missing_slot_no_change_is_known(derived):
    points = """
        level: {unit: m, every: 15m}
        d: {formula: delta(level), unit: m, every: 15m}
    """
    readings = [("level", 0, 1.0), ("level", 15, 2.0), ("level", 45, 5.0), ("level", 60, 6.5)]
    assert derived(points, readings) == {15: (1.0, 0), 60: (1.5, 0)}


def test_a_counter_that_falls_gives_no_change(derived):
    points = """
        meter: {unit: m3, kind: counter, every: 15m}
        d: {formula: delta(meter), unit: m3, kind: interval, every: 15m}
    """
    readings = [("meter", 0, 100.0), ("meter", 15, 103.0), ("meter", 30, 1.0), ("meter", 45, 4.0)]
    assert derived(points, readings) == {15: (3.0, 0), 45: (3.0, 0)}


def test_there_is_a_value_only_where_every_source_has_one(derived):
    points = """
        a: {unit: m3/h, every: 15m}
        b: {unit: m3/h, every: 15m}
        d: {formula: "max(a, b, 3) - min(a, b)", unit: m3/h, every: 15m}
    """
    readings = [
        ("a", 0, 1.0),
        ("b", 0, 5.0),
        ("a", 15, 1.0),
        ("b", 30, 5.0),
        ("a", 45, 1.0),
        ("b", 45, None, 3),
    ]
    assert derived(points, readings) == {0: (4.0, 0)}


def test_the_quality_is_the_worst_of_the_sources(derived):
    points = """
        a: {unit: m3/h, every: 15m}
        b: {unit: m3/h, every: 15m}
        d: {formula: a + delta(b), unit: m3/h, every: 15m}
    """
    readings = [
        ("a", 0, 1.0),
        ("b", 0, 1.0, 2),
        ("a", 15, 1.0),
        ("b", 15, 1.0),
        ("a", 30, 1.0, 1),
        ("b", 30, 1.0),
    ]
    # Slot 15 looks back at b's suspect reading of slot 0; slot 30 has an estimated a.
    assert derived(points, readings) == {15: (1.0, 2), 30: (1.0, 1)}


def test_a_division_by_zero_gives_no_value(derived):
    points = """
        a: {unit: m3/h, every: 15m}
        b: {unit: m3/h, every: 15m}
        d: {formula: abs(a) / b, unit: m3/h, every: 15m}
    """
    readings = [("a", 0, -6.0), ("b", 0, 3.0), ("a", 15, 6.0), ("b", 15, 0.0)]
    assert derived(points, readings) == {0: (2.0, 0)}


def test_derived_points_may_use_derived_points_of_another_grid(derived):
    points = """
        a: {unit: m3/h, every: 15m}
        d: {formula: twice + 1, unit: m3/h, every: 1h}
        twice: {formula: 2 * a, unit: m3/h, every: 15m}
    """
    readings = [("a", 15 * n, float(n)) for n in range(8)]
    # Hour 0: mean of 0, 2, 4, 6 plus 1; hour 1: mean of 8, 10, 12, 14 plus 1.
    assert derived(points, readings) == {0: (4.0, 0), 60: (12.0, 0)}


def test_an_interval_gives_the_same_as_a_cut_of_the_whole(derived, rows, store, project):
    points = """
        level: {unit: m, every: 5m}
        change: {formula: rate(level), unit: m, every: 15m}
        d: {formula: prev(change) + delta(change), unit: m, every: 30m}
    """
    readings = [("level", 5 * n, float((n * 7) % 11)) for n in range(100)]
    whole = derived(points, readings)
    cut = Interval(START + timedelta(minutes=97), START + timedelta(minutes=307), UTC)
    city = _city(project, points)
    part = rows(store, city, points=["d"], interval=cut)
    assert [(int((time - START).total_seconds() / 60), value) for _, time, value, _ in part] == [
        (minute, value) for minute, (value, _) in whole.items() if 97 <= minute < 307
    ]
    assert len(part) == 7


def test_days_are_those_of_the_city(derived):
    """29 March 2026 has 23 hours in Berlin, 25 October 25: each hourly kWh counts in its own local day."""
    points = """
        a: {unit: kWh, kind: interval, every: 1h}
        d: {formula: a * 1, unit: kWh, kind: interval, every: 1d}
    """
    first = datetime(2026, 3, 28, tzinfo=BERLIN).astimezone(UTC)
    second = datetime(2026, 10, 24, tzinfo=BERLIN).astimezone(UTC)
    readings = [
        ("a", int((begin - START).total_seconds() / 60) + 60 * hour, 1.0)
        for begin, hours in ((first, 71), (second, 73))
        for hour in range(hours)
    ]
    found = derived(points, readings)
    local = {(START + timedelta(minutes=m)).astimezone(BERLIN): value for m, (value, _) in found.items()}
    assert {f"{time:%m-%d %H:%M}": value for time, value in local.items()} == {
        "03-28 00:00": 24.0,
        "03-29 00:00": 23.0,
        "03-30 00:00": 24.0,
        "10-24 00:00": 24.0,
        "10-25 00:00": 25.0,
        "10-26 00:00": 24.0,
    }


def test_a_formula_takes_the_place_of_readings_once_stored_under_its_name(store, table, rows, project):
    store.add(table([("d", START, 99.0), ("a", START, 1.0)]), source="x", received=DAY1)
    city = _city(project, "a: {unit: m3/h, every: 15m}\nd: {formula: 2 * a, unit: m3/h}")
    assert rows(store, city) == [("a", START, 1.0, 0), ("d", START, 2.0, 0)]


def test_amounts_cannot_be_split(project, store, rows):
    points = "a: {unit: kWh, kind: interval, every: 1h}\nd: {formula: a * 1, unit: kWh, kind: interval, every: 15m}"
    with pytest.raises(ConfigInvalid, match=r"every 15m, finer than the amounts of `a`, which come every 1h"):
        rows(store, _city(project, points))


def test_a_slot_needs_a_length(project, store, rows):
    with pytest.raises(CityctlError, match="every"):
        rows(store, _city(project, "a: {unit: m3/h}\nd: {formula: a * 2, unit: m3/h}"))


def test_readings_before_1970_have_their_slots_too(derived):
    points = """
        a: {unit: m3/h, every: 15m}
        d: {formula: a * 1, unit: m3/h, every: 1h}
    """
    back = int((datetime(1969, 12, 31, 22, 30, tzinfo=UTC) - START).total_seconds() / 60)
    assert derived(points, [("a", back, 1.0), ("a", back + 15, 3.0), ("a", back + 30, 8.0)]) == {
        back - 30: (2.0, 0),
        back + 30: (8.0, 0),
    }


LTOWN = """
  p227: {unit: m3/h, every: 5m}
  p235: {unit: m3/h, every: 5m}
  pump_1: {unit: m3/h, every: 5m}
  t1: {unit: m, every: 5m}
"""


def test_inflows_of_l_town(shared, project, tmp_path):
    files = shared / "data" / "water" / "ltown_2018"
    zones = (
        "zones:\n  ab: {network: water, kind: dma, inflow: p227 + p235 - pump_1}\n"
        "  c: {network: water, kind: dma, inflow: pump_1 - 201.06 * rate(t1)}\n"
    )
    city = _city(project, LTOWN, zones)
    with Store.open(tmp_path / "store") as store, Engine() as engine:
        for name in ("flows", "levels"):
            long = engine.arrow(
                "SELECT lower(name) AS point, Timestamp AS time, value::DOUBLE AS value FROM (UNPIVOT "
                f"(SELECT * FROM '{files / name}.parquet') ON COLUMNS(* EXCLUDE Timestamp) INTO NAME name VALUE value)"
            )
            store.add(long, source=name, received=DAY1, points=city.points())
        store.attach(engine, city)
        expected = (
            "SELECT Timestamp AS t, p227::DOUBLE + p235::DOUBLE - PUMP_1::DOUBLE AS ab, PUMP_1::DOUBLE - 201.06 * "
            "(T1::DOUBLE - lag(T1::DOUBLE) OVER (ORDER BY Timestamp)) * 12 AS c "
            f"FROM '{files}/flows.parquet' JOIN '{files}/levels.parquet' USING (Timestamp)"
        )
        for point, column, count in (("ab/inflow", "ab", 105_120), ("c/inflow", "c", 105_119)):
            found, furthest = engine.row(
                f"SELECT count(*), max(abs(value - {column})) FROM readings JOIN ({expected}) ON t = time "
                "WHERE point = $point",
                {"point": point},
            )
            assert found == count
            assert furthest < 1e-9
