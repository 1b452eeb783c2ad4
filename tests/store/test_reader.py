"""`cityctl.open(...).readings(...)`: Arrow, pandas and DuckDB give the same readings, in the city's units and time."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta

import pytest

import cityctl
from cityctl.errors import StoreProblem, UsageProblem
from cityctl.store import Store

DAY1 = datetime(2026, 12, 1, tzinfo=UTC)
CITY = """
name: Test
time_zone: Europe/Berlin
networks: {water: {kind: water}, power: {kind: power}}
zones:
  hafen: {network: water, kind: dma}
  kai: {network: water, kind: dma, parent: hafen}
  hall: {network: power, kind: building}
points:
  flow: {unit: L/s, every: 1h, zone: hafen}
  kai_flow: {unit: m3/h, every: 1h, zone: kai}
  hall_kwh: {unit: kWh, kind: counter, every: 1h, zone: hall}
  both: {formula: flow + kai_flow, unit: m3/h, zone: hafen}
"""


@pytest.fixture
def city(project, table, monkeypatch):
    """27 hours from midnight of 25 October 2026, the day of 25 hours in Berlin."""
    monkeypatch.delenv("CITYCTL_STORE", raising=False)
    folder = project(CITY)
    begin = datetime(2026, 10, 24, 22, tzinfo=UTC)
    rows = [
        (point, begin + timedelta(hours=hour), factor * hour, 1 if hour == 3 else 0)
        for point, factor in (("flow", 3.6), ("kai_flow", 1.0), ("hall_kwh", 10.0))
        for hour in range(27)
    ]
    with cityctl.open(folder) as opened:
        with Store.open(opened.project.store_folder) as store:
            store.add(table(rows), source="x", received=DAY1, points=opened.city.points())
        yield opened


def test_importing_cityctl_loads_nothing():
    heavy = ("pandas", "numpy", "duckdb", "pyarrow", "pydantic", "yaml", "cityctl.store")
    code = f"import sys, cityctl; print(*[name for name in {heavy!r} if name in sys.modules], cityctl.open.__name__)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == ["open"]


def test_all_forms_hold_the_same_readings(city):
    found = city.readings("flow", since="2026-10-25", until="2026-10-25")
    table = found.arrow()
    assert table.column_names == ["point", "time", "value", "unit", "quality"]
    assert str(table.schema.field("time").type) == "timestamp[us, tz=UTC]"
    # A local day of 25 hours; the store keeps m³/h, and 3.6 m³/h are 1 L/s.
    assert table["value"].to_pylist() == pytest.approx([float(hour) for hour in range(25)])
    assert set(table["unit"].to_pylist()) == {"L/s"}
    assert [row for row in table["quality"].to_pylist() if row != "good"] == ["estimated"]
    assert [row for batch in found.batches(size=7) for row in batch.to_pylist()] == table.to_pylist()
    relation = found.relation().order("time")
    assert [row[2] for row in relation.fetchall()] == table["value"].to_pylist()
    frame = found.pandas()
    assert list(frame["value"]) == table["value"].to_pylist()
    assert str(frame.index.tz) == "Europe/Berlin"
    # 02:00 comes twice that night, first in summer time, then in winter time.
    assert [str(moment) for moment in frame.index[2:4]] == [
        "2026-10-25 02:00:00+02:00",
        "2026-10-25 02:00:00+01:00",
    ]


def test_pandas_wide_has_a_column_a_point(city):
    frame = city.readings(zone="hafen", since="2026-10-25T00:00", until="2026-10-25T02:00").pandas(wide=True)
    assert list(frame.columns) == ["both", "flow", "kai_flow"]
    # A formula without numbers adds up what is there: 1 L/s and 1 m³/h are 4.6 m³/h.
    assert [round(value, 9) for value in frame["both"]] == [0.0, 4.6]


def test_points_are_chosen_by_zone_network_and_pattern(city):
    def points(*words, **choice):
        return sorted(set(city.readings(*words, **choice).arrow()["point"].to_pylist()))

    assert points() == ["both", "flow", "hall_kwh", "kai_flow"]
    assert points(zone="kai") == ["kai_flow"]
    assert points(zone="hafen") == ["both", "flow", "kai_flow"]  # with the zones below it
    assert points(network="power") == ["hall_kwh"]
    assert points("*flow") == ["flow", "kai_flow"]
    assert points(["flow", "hall_kwh"], network="power") == ["hall_kwh"]
    assert points([]) == []
    assert [point.id for point in city.meters()] == ["hall_kwh"]
    assert [point.id for point in city.points(zone="kai")] == ["kai_flow"]
    assert (city.zones, city.networks, city.devices) == (["hafen", "kai", "hall"], ["water", "power"], [])


def test_a_unit_can_be_asked_for(city):
    table = city.readings("flow", unit="m3/d", until=date(2026, 10, 25)).arrow()
    assert table["value"].to_pylist()[1] == pytest.approx(86.4)
    assert set(table["unit"].to_pylist()) == {"m3/d"}
    with pytest.raises(UsageProblem, match=r"energy|kWh"):
        city.readings("hall_kwh", unit="m3/h")


def test_instants_with_and_without_an_offset(city):
    aware = city.readings("flow", since=datetime(2026, 10, 25, 5, tzinfo=UTC), until="2026-10-25T08:00")
    local = city.readings("flow", since=datetime(2026, 10, 25, 6), until="2026-10-25T08:00")
    assert aware.arrow().num_rows == 2
    assert aware.arrow() == local.arrow()


def test_what_is_not_there_is_named_with_what_was_meant(city, project):
    with pytest.raises(UsageProblem, match="no zone named `hafne`") as problem:
        city.readings(zone="hafne")
    assert problem.value.hint == "did you mean `hafen`?"
    with pytest.raises(UsageProblem, match="no point `flwo`"):
        city.readings("flwo")
    with pytest.raises(StoreProblem, match="no readings yet"), cityctl.open(project(CITY, "empty")) as empty:
        empty.readings()


def test_a_notebook_shows_what_was_asked_and_what_was_meant(city):
    assert repr(city).startswith("<Test: 4 points in ")
    asked = city.readings(["flow", "kai_flow"], since="2026-10-25", until="2026-10-25")
    assert repr(asked).startswith(
        "<readings of flow, kai_flow, 2026-10-25 00:00 to 2026-10-26 00:00, Europe/Berlin; ask .arrow()"
    )
    assert repr(city.readings([])).startswith("<readings of no points; ask")
    with pytest.raises(UsageProblem) as refused:
        city.readings("flwo")
    assert refused.value.__notes__ == ["hint: did you mean `flow`?"]
    with pytest.raises(UsageProblem, match="20261025 is no time"):
        city.readings("flow", since=20261025)
