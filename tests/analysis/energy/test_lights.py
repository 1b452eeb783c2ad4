"""The sun against astral 3.2 and pvlib's SPA, and circuits that burn by day or stay dark."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from cityctl.analysis.energy.lighting.burning import shares
from cityctl.analysis.energy.lighting.sun import CIVIL, HORIZON, Crossing, crossing
from cityctl.result import Result
from tests.analysis.conftest import rows_of, slots

CITY = """
name: Prague
time_zone: Europe/Prague
location: {latitude: 50.0755, longitude: 14.4378}
networks: {power: {kind: power}}
zones: {old-town: {network: power, kind: feeder}}
points:
  lamps: {unit: kW, every: 5m, zone: old-town, role: lighting}
  switch: {unit: "1", kind: state, every: 5m, zone: old-town, role: lighting}
"""


def test_sun_lies_within_a_minute(shared: Path) -> None:
    expected = json.loads((shared / "data/quality/street_light_expected.json").read_text())["cities"]
    for place in expected.values():
        for day, events in place["astral"].items():
            for low, up, down in ((HORIZON, "sunrise", "sunset"), (CIVIL, "civil_dawn", "civil_dusk")):
                found = crossing(
                    place["lat"], place["lon"], date.fromisoformat(day), low, ZoneInfo(place["tz"])
                )
                for moment, key in ((found.up, up), (found.down, down)):
                    assert moment is not None
                    assert abs(moment - datetime.fromisoformat(events[key])) < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("latitude", "longitude", "zone", "day", "low", "up", "down"),
    [
        (-0.18, -78.47, "America/Guayaquil", "2026-02-09", HORIZON, "06:24:24", "18:31:39"),
        (-33.87, 151.2, "Australia/Sydney", "2026-04-05", HORIZON, "06:10:01", "17:45:26"),
        (-54.8, -68.3, "America/Argentina/Ushuaia", "2026-12-21", CIVIL, "03:53:57", "23:08:45"),
        (64.15, -21.94, "Atlantic/Reykjavik", "2026-06-21", HORIZON, "02:55:06", "00:03:50"),
        (60.17, 24.94, "Europe/Helsinki", "2026-05-27", CIVIL, "02:58:34", "23:39:02"),
        (69.65, 18.96, "Europe/Oslo", "2026-01-20", HORIZON, "10:36:05", "13:15:04"),
    ],
)
def test_sun_of_other_latitudes(
    latitude: float, longitude: float, zone: str, day: str, low: float, up: str, down: str
) -> None:
    """Local times of pvlib 0.16.1's SPA (nrel_numpy, geometric elevation, steps of 10 s)."""
    found = crossing(latitude, longitude, date.fromisoformat(day), low, ZoneInfo(zone))
    for moment, said in ((found.up, up), (found.down, down)):
        assert moment is not None
        wanted = datetime.fromisoformat(f"{day}T{said}").replace(tzinfo=ZoneInfo(zone))
        assert abs(moment - wanted) < timedelta(seconds=30)


@pytest.mark.parametrize(
    ("latitude", "day", "day_hours"),
    [
        (69.65, "2026-06-21", 24),
        (69.65, "2026-12-21", 0),
        (-69.65, "2026-06-21", 0),
        (-69.65, "2026-12-21", 24),
    ],
)
def test_polar_day_and_night(latitude: float, day: str, day_hours: float) -> None:
    """Beyond the circles the sun stays up, or down; in the south at the other end of the year."""
    found = crossing(latitude, 18.96, date.fromisoformat(day), HORIZON, ZoneInfo("Europe/Oslo"))
    assert (found.up, found.down) == (None, None)
    for parts, hours in ((found.above, day_hours), (found.below, 24 - day_hours)):
        assert sum((end - start).total_seconds() for start, end in parts) == hours * 3600


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-21", 24)])
def test_light_and_dark_make_the_whole_local_day(day: str, hours: float) -> None:
    found = crossing(50.0755, 14.4378, date.fromisoformat(day), CIVIL, ZoneInfo("Europe/Prague"))
    parts = [*found.above, *found.below]
    assert sum((end - start).total_seconds() for start, end in parts) == hours * 3600


def test_hours_of_night_in_a_year(ask: Callable[..., Result], shared: Path) -> None:
    """pvlib's SPA, minute by minute: 4 284.25 h below -0.833 degrees in Prague in 2026."""
    expected = json.loads((shared / "data/quality/street_light_expected.json").read_text())["cities"][
        "Prague"
    ]
    times = slots("2026-01-01", "2026-01-02", 5)
    series = {"lamps": (times, np.ones(len(times)))}
    found = ask("energy/lights", CITY, series, "2026-01-01", "2027-01-01")
    hours = sum(row["night_length"] for row in rows_of(found, "sun"))
    assert hours == pytest.approx(expected["annual_hours_sun_below_-0.833deg"], abs=6)  # a minute a day
    assert len(rows_of(found, "sun")) == 365


def burning(since: str, until: str, minutes: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """(times, whether the lamps should be on) by so many minutes: from sunset to sunrise."""
    times = slots(since, until, minutes)
    zone = ZoneInfo("Europe/Prague")
    on = np.zeros(len(times), bool)
    suns: dict[date, Crossing] = {}
    for place, stamp in enumerate(times.astype("datetime64[s]").tolist()):
        moment = stamp.replace(tzinfo=UTC)
        day = moment.astimezone(zone).date()
        sun = suns.setdefault(day, suns.get(day) or crossing(50.0755, 14.4378, day, HORIZON, zone))
        assert sun.up is not None
        assert sun.down is not None
        on[place] = not sun.up <= moment < sun.down
    return times, on


def test_lamps_that_follow_the_sun_are_normal(ask: Callable[..., Result]) -> None:
    times, on = burning("2026-10-22T22:00", "2026-10-28T23:00")  # with the night of the clock change
    series = {"lamps": (times, np.where(on, 12.0, 0.05)), "switch": (times, np.where(on, 1.0, 0.0))}
    found = ask("energy/lights", CITY, series, "2026-10-23", "2026-10-29")
    rows = {row["circuit"]: row for row in rows_of(found, "circuits")}
    assert [row["verdict"] for row in rows.values()] == ["normal", "normal"]
    assert rows["lamps"]["burnt_h"] == pytest.approx(rows["lamps"]["night_h"], abs=1.0)
    assert rows["lamps"]["burnt_kwh"] == pytest.approx(12 * rows["lamps"]["burnt_h"], rel=1e-6)
    assert rows["switch"]["burnt_kwh"] is None
    assert found.findings == []


def test_day_burners_and_dark_circuits(ask: Callable[..., Result]) -> None:
    times, on = burning("2026-10-22T22:00", "2026-10-28T23:00")
    stamps = np.asarray(times).astype("datetime64[m]")
    noon = (stamps >= np.datetime64("2026-10-24T10:00")) & (stamps < np.datetime64("2026-10-24T12:00"))
    out = (stamps >= np.datetime64("2026-10-26T20:00")) & (stamps < np.datetime64("2026-10-26T21:00"))
    series = {
        "lamps": (times, np.where(on | noon, 12.0, 0.0)),
        "switch": (times, np.where(np.asarray(on) & ~out, 1.0, 0.0)),
    }
    found = ask("energy/lights", CITY, series, "2026-10-23", "2026-10-29")
    rows = {row["circuit"]: row for row in rows_of(found, "circuits")}
    assert rows["lamps"]["verdict"] == "BURNS BY DAY on 1 day"
    assert rows["lamps"]["by_day_h"] == pytest.approx(2.0, abs=0.6)
    assert rows["lamps"]["wasted_kwh"] == pytest.approx(24.0, abs=7)
    assert rows["switch"]["verdict"] == "DARK on 1 night"
    assert rows["switch"]["dark_h"] == pytest.approx(1.0, abs=0.3)
    assert {one.evidence["point"] for one in found.findings} == {"lamps", "switch"}


def test_a_night_without_light_is_one_night(ask: Callable[..., Result]) -> None:
    """Dark from dusk of the 24th to dawn of the 25th, but for its controller; the other circuit from then on."""
    times, on = burning("2026-10-22T22:00", "2026-10-28T23:00")
    stamps = np.asarray(times).astype("datetime64[m]")
    failed = stamps >= np.datetime64("2026-10-24T12:00")
    out = failed & (stamps < np.datetime64("2026-10-25T12:00"))
    text = CITY.replace('switch: {unit: "1", kind: state', "switch: {unit: kW")
    assert text != CITY
    series = {
        "lamps": (times, np.where(on & ~out, 12.0, 0.05)),
        "switch": (times, np.where(on & ~failed, 12.0, 0.05)),
    }
    found = ask("energy/lights", text, series, "2026-10-23", "2026-10-29")
    rows = {row["circuit"]: row for row in rows_of(found, "circuits")}
    assert rows["lamps"]["verdict"] == "DARK on 1 night"
    assert rows["switch"]["verdict"] == "DARK on 5 nights"


def test_a_register_tells_the_same_as_the_power(ask: Callable[..., Result]) -> None:
    """12 kW by 5 minutes, counted up: what is on is what the register rises by, not that it stands high."""
    times, on = burning("2026-10-22T22:00", "2026-10-29T01:00")
    kwh = np.where(on, 1.0, 0.0)
    text = CITY.replace("lamps: {unit: kW", "lamps: {unit: kWh, kind: counter")
    assert text != CITY
    switch = np.where(on, 1.0, 0.0)
    series = {"lamps": (times, 5000 + np.concatenate([[0], np.cumsum(kwh)[:-1]])), "switch": (times, switch)}
    found = ask("energy/lights", text, series, "2026-10-23", "2026-10-29")
    rows = {row["circuit"]: row for row in rows_of(found, "circuits")}
    assert rows["lamps"]["verdict"] == "normal"
    assert rows["lamps"]["burnt_h"] == pytest.approx(rows["switch"]["burnt_h"], abs=0.1)
    assert rows["lamps"]["burnt_kwh"] == pytest.approx(12 * rows["lamps"]["burnt_h"], rel=1e-6)
    assert found.completeness.complete


def test_hours_of_a_circuit_that_follows_the_sun_are_normal(ask: Callable[..., Result]) -> None:
    """12 kW by minutes, put together to hours: the hour in which the sun rises is no day burner, nor the dusk dark.

    The register counts 12 kWh for each hour of light; what is switched within an hour is told by its mean.
    """
    minutes, on = burning("2026-10-22T22:00", "2026-10-28T23:00", minutes=1)
    lit = np.where(on, 1.0, 0.0)
    hours = minutes[::60]
    noon = (hours >= np.datetime64("2026-10-24T10:00")) & (hours < np.datetime64("2026-10-24T12:00"))
    text = CITY.replace("every: 5m", "every: 1h").replace(
        "lamps: {unit: kW", "lamps: {unit: kWh, kind: interval"
    )
    mean = lit.reshape(-1, 60).mean(axis=1)
    data = {"lamps": (hours, 12 * mean), "switch": (hours, lit[::60])}
    found = ask("energy/lights", text, data, "2026-10-23", "2026-10-29")
    rows = {row["circuit"]: row for row in rows_of(found, "circuits")}
    assert {name: row["verdict"] for name, row in rows.items()} == {"lamps": "normal", "switch": "normal"}
    assert rows["lamps"]["burnt_h"] == pytest.approx(lit.sum() / 60, abs=0.5)
    assert rows["lamps"]["by_day_h"] == pytest.approx(0.0, abs=0.1)
    data["lamps"] = (hours, np.where(noon, 12.0, 12 * mean))
    found = ask("energy/lights", text, data, "2026-10-23", "2026-10-29")
    row = next(row for row in rows_of(found, "circuits") if row["circuit"] == "lamps")
    assert row["verdict"] == "BURNS BY DAY on 1 day"
    assert row["by_day_h"] == pytest.approx(2.0, abs=0.1)
    assert row["wasted_kwh"] == pytest.approx(24.0, abs=1.0)


def test_dimmed_lamps_burn_all_night() -> None:
    """Of a run the ends alone tell by their mean how long they burnt; a night at half its power is no half night."""
    power = np.array([0, 6, 12, 6, 6, 6, 12, 3, 0], float)
    assert shares(power, power > 1).tolist() == [0, 1.0, 1, 1, 1, 1, 1, 0.5, 0]
    assert shares(np.array([0, 3, 12, 12, 12, 11.9, 0]), np.array([0, 1, 1, 1, 1, 1, 0], bool)).tolist() == [
        0, 0.25, 1, 1, 1, 1, 0,
    ]  # fmt: skip


def test_a_circuit_that_is_read_on_some_days_says_so(ask: Callable[..., Result]) -> None:
    times, on = burning("2026-10-22T22:00", "2026-10-25T22:00")
    found = ask(
        "energy/lights", CITY, {"lamps": (times, np.where(on, 12.0, 0.0))}, "2026-10-23", "2026-10-29"
    )
    told = {one.what: one.why for one in found.completeness.missing}
    assert told == {"lamps": "read in 50 % of the interval", "switch": "no readings"}


def test_an_hour_of_a_month_tells_no_normal_circuit(ask: Callable[..., Result]) -> None:
    """Half of an interval tells `normal`, less of it nothing; a day burner is one whenever it was seen."""
    times, on = burning("2026-10-04T22:00", "2026-10-14T22:00")
    found = {}
    for days, burnt in ((1, False), (4, False), (5, False), (1, True)):
        kept = times < times[0] + np.timedelta64(days, "D")
        lit = on[kept] | burnt
        result = ask(
            "energy/lights",
            CITY,
            {"lamps": (times[kept], np.where(lit, 12.0, 0.0))},
            "2026-10-05",
            "2026-10-15",
        )
        found[days, burnt] = rows_of(result, "circuits")[0]["verdict"], len(result.findings)
    assert found[1, False] == ("NOT ASSESSABLE 10 % of the interval metered", 0)
    assert found[4, False] == ("NOT ASSESSABLE 40 % of the interval metered", 0)
    assert found[5, False] == ("normal", 0)
    assert found[1, True] == ("BURNS BY DAY on 1 day", 1)
