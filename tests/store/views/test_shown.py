"""What an engine sees of a store and a city: half-open intervals, points, calendar days of 23 and 25 hours."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from cityctl.city.load import load
from cityctl.clock import Interval
from cityctl.engine.duck import Engine
from cityctl.errors import ConfigInvalid, StoreProblem
from cityctl.store import Store
from cityctl.store.views.shown import attach_city

DAY1 = datetime(2026, 3, 1, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")

CITY = """
name: Test
time_zone: Europe/Berlin
country: DE
networks: {water: {kind: water}, power: {kind: power}}
zones:
  north:
    {name: North, network: water, kind: dma, mains: 14.2 km, connections: 1280, pressure: 42 m, people: 3100,
     inflow: flow_a - flow_b}
  hall: {network: power, kind: building, parent: null, floor_area: 5200 m2}
points:
  flow_a: {unit: m3/h, every: 15m, zone: north}
  flow_b: {unit: m3/h, every: 15m, zone: north}
  hall_kwh: {unit: kWh, kind: interval, every: 1h, zone: hall, role: consumption}
interventions:
  - {zone: hall, date: 2026-05-01, what: LED lights}
  - {date: 2026-06-01, meters: ["flow_*"], what: new meters}
"""


@pytest.fixture
def city(project):
    return load(project(CITY))


def test_an_interval_is_half_open(store, table, rows, at):
    store.add(table([("a", at(hour), float(hour)) for hour in range(5)]), source="x", received=DAY1)
    assert [row[2] for row in rows(store, interval=Interval(at(1), at(3), UTC))] == [1.0, 2.0]
    assert rows(store, interval=Interval(at(100), at(101), UTC)) == []


def test_a_store_without_readings_has_an_empty_view(store, rows):
    assert rows(store) == []


def test_few_and_many_points_can_be_chosen(store, table, rows, at):
    names = [f"p{n:03d}" for n in range(400)]
    store.add(table([(name, at(0), 1.0) for name in names]), source="x", received=DAY1)
    assert [row[0] for row in rows(store, points=["p002", "p001", "p001", "nowhere"])] == ["p001", "p002"]
    assert [row[0] for row in rows(store, points=names[:300])] == names[:300]
    assert rows(store, points=[]) == []


def test_columns_are_those_of_the_contract(store, table, at):
    store.add(table([("a", at(0), 1.0)]), source="x", received=DAY1)
    with Engine(threads=1) as engine:
        store.attach(engine, None, name="history")
        assert engine.columns("SELECT * FROM history") == [
            ("point", "VARCHAR"),
            ("time", "TIMESTAMP"),
            ("value", "DOUBLE"),
            ("quality", "UTINYINT"),
            ("received", "TIMESTAMP"),
        ]
        assert engine.row("SELECT received FROM history") == (DAY1.replace(tzinfo=None),)


def test_names_with_quotes_are_no_sql(store, table, rows, at):
    strange = "it's; drop view readings"
    store.add(table([(strange, at(0), 1.0)]), source="x", received=DAY1)
    assert rows(store, points=[strange]) == [(strange, at(0), 1.0, 0)]


def test_derived_points_stand_beside_measured_ones(store, table, rows, at, city):
    quarter = [at(0, minutes=15 * n) for n in range(3)]
    store.add(
        table([("flow_a", time, 10.0 + n) for n, time in enumerate(quarter)] + [("flow_b", quarter[0], 4.0)]),
        source="x",
        received=DAY1,
        points=city.points(),
    )
    everything = rows(store, city)
    # Only in the first slot both sources have a value: 10 - 4.
    assert [row for row in everything if row[0] == "north/inflow"] == [("north/inflow", quarter[0], 6.0, 0)]
    assert len(everything) == 5
    assert rows(store, city, points=["north/inflow"]) == [("north/inflow", quarter[0], 6.0, 0)]
    assert [row[0] for row in rows(store, city, points=["flow_b"])] == ["flow_b"]
    assert rows(store, None, points=["north/inflow"]) == []


def test_a_changed_unit_in_city_yaml_is_named(store, table, at, city, project):
    store.add(table([("flow_a", at(0), 1.0)]), source="x", received=DAY1, points=city.points())
    other = load(project(CITY.replace("flow_a: {unit: m3/h", "flow_a: {unit: m3"), "other"))
    with Engine(threads=1) as engine, pytest.raises(ConfigInvalid, match="`flow_a` is stored as flow"):
        store.attach(engine, other)


def test_a_folder_without_a_store_says_how_to_begin(tmp_path):
    with pytest.raises(StoreProblem, match="no readings yet") as problem:
        Store.open(tmp_path / "nothing", create=False)
    assert "data import" in (problem.value.hint or "")
    assert not (tmp_path / "nothing").exists()


def test_points_and_zones_are_tables(city):
    with Engine(threads=1) as engine:
        attach_city(engine, city, Interval(DAY1, DAY1 + timedelta(days=1), BERLIN))
        assert engine.rows(
            "SELECT point, quantity, unit, kind, every_s, zone, role FROM points ORDER BY point"
        ) == [
            ("flow_a", "flow", "m3/h", "gauge", 900.0, "north", None),
            ("flow_b", "flow", "m3/h", "gauge", 900.0, "north", None),
            ("hall_kwh", "energy", "kWh", "interval", 3600.0, "hall", "consumption"),
            ("north/inflow", "flow", "m3/h", "gauge", 900.0, "north", "inflow"),
        ]
        assert engine.rows(
            "SELECT zone, name, network, kind, mains_km, connections, pressure_m, people, floor_area_m2, inflow "
            "FROM zones ORDER BY zone"
        ) == [
            ("hall", None, "power", "building", None, None, None, None, 5200.0, None),
            ("north", "North", "water", "dma", 14.2, 1280, 42.0, 3100, None, "north/inflow"),
        ]
        assert engine.rows("SELECT zone, point, date, what FROM interventions ORDER BY date, point") == [
            ("hall", None, date(2026, 5, 1), "LED lights"),
            (None, "flow_a", date(2026, 6, 1), "new meters"),
            (None, "flow_b", date(2026, 6, 1), "new meters"),
        ]


@pytest.mark.parametrize(
    ("day", "half_hours", "minutes"),
    [
        (date(2026, 3, 28), 48, 1440),
        (date(2026, 3, 29), 46, 1440),  # the clocks skip 02:00 to 03:00
        (date(2026, 10, 25), 50, 1440),  # they show 02:00 to 03:00 twice
    ],
)
def test_local_days_have_their_own_length(city, day, half_hours, minutes):
    start = datetime(2026, 3, 1, tzinfo=BERLIN).astimezone(UTC)
    with Engine(threads=1) as engine:
        attach_city(
            engine, city, Interval(start, datetime(2026, 11, 1, tzinfo=BERLIN).astimezone(UTC), BERLIN)
        )
        slots, first, last = engine.row(
            "SELECT count(*), min(minute), max(minute) FROM calendar WHERE day = $day", {"day": day}
        )
        assert (slots, first, last + 30) == (half_hours, 0, minutes)


def test_the_calendar_agrees_with_the_time_zone_in_every_slot(city):
    """Against zoneinfo, slot by slot, over both changes of the clocks; Kathmandu has an offset of 5 h 45 min."""
    for name in ("Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "UTC"):
        zone = ZoneInfo(name)
        other = city.model_copy(update={"time_zone": name})
        with Engine(threads=1) as engine:
            attach_city(engine, other, Interval(DAY1, DAY1 + timedelta(days=270), zone))
            found = engine.rows("SELECT slot, local, day, minute, weekday FROM calendar ORDER BY slot")
        assert len(found) == 270 * 48
        for slot, local, day, minute, weekday in found:
            expected = slot.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None)
            assert (local, day, minute, weekday) == (
                expected,
                expected.date(),
                expected.hour * 60 + expected.minute,
                expected.isoweekday(),
            )


def test_public_holidays_are_marked(city):
    with Engine(threads=1) as engine:
        attach_city(
            engine,
            city,
            Interval(datetime(2025, 12, 20, tzinfo=UTC), datetime(2026, 1, 3, tzinfo=UTC), BERLIN),
        )
        found = engine.rows("SELECT DISTINCT day FROM calendar WHERE holiday ORDER BY day")
    # Christmas Day, Boxing Day and New Year's Day are holidays in all of Germany.
    assert found == [(date(2025, 12, 25),), (date(2025, 12, 26),), (date(2026, 1, 1),)]
