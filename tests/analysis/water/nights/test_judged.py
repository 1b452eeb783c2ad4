"""Nights from readings: spikes among many readings, and zones by the hundred."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cityctl.result import Result
from tests.analysis.conftest import rows_of
from tests.analysis.water.made import CITY, Leak, inflow

Ask = Callable[..., Result]
SPAN = ("2026-09-28", "2026-11-23")
WEEKS = ("2026-10-27", "2026-11-23")


def town(minutes: int) -> dict[str, Any]:
    return {
        "hafen_inflow": inflow(*SPAN, minutes=minutes, night=14.0, day=16.0),
        "altstadt_inflow": inflow(*SPAN, minutes=minutes, seed=2, night=8.0),
    }


def read_every(minutes: int) -> str:
    return CITY.replace("every: 15m", f"every: {minutes}m")


def spiking(series: dict[str, Any], times_what: float) -> dict[str, Any]:
    """One reading in a hundred as so many times what it was, from 2 November on."""
    times, flow = series["hafen_inflow"]
    struck = (np.random.default_rng(7).random(len(times)) < 0.01) & (times >= np.datetime64("2026-11-02"))
    return {**series, "hafen_inflow": (times, np.where(struck, times_what * flow, flow))}


def nights(ask: Ask, minutes: int, series: dict[str, Any]) -> dict[Any, float]:
    result = ask("water/night_flow", read_every(minutes), series, *WEEKS, each_night="yes")
    assert rows_of(result, "events") == []
    return {row["date"]: row["mnf"] for row in rows_of(result, "nights") if row["zone"] == "Hafen"}


@pytest.mark.parametrize(("minutes", "times_what"), [(1, 20.0), (5, 8.0), (15, 4.0)])
def test_a_spiking_sensor_is_no_leak(ask: Ask, minutes: int, times_what: float) -> None:
    """A few readings of a window lift its mean by a fifth to a half, too little for its median to stand in.

    Without them a night is what the others say, whose scatter is 4 % a reading.
    """
    sound = nights(ask, minutes, town(minutes))
    struck = nights(ask, minutes, spiking(town(minutes), times_what))
    assert struck.keys() == sound.keys()
    usual = np.median(list(sound.values()))
    assert max(abs(struck[day] - sound[day]) for day in sound) < 0.04 * usual
    parts = ask("water/night_use", read_every(minutes), spiking(town(minutes), times_what), *WEEKS)
    (row,) = [one for one in rows_of(parts, "night_parts") if one["zone"] == "Hafen"]
    assert row["night_mean"] == pytest.approx(usual, rel=0.01)


def test_water_that_is_drawn_for_some_minutes_is_counted(ask: Ask) -> None:
    """Five minutes of 60 m³/h in a night's window of two hours: 5 x 60 / 120 = 2.5 m³/h more, and no spike."""
    series = town(1)
    times, flow = series["hafen_inflow"]
    drawn = (times >= np.datetime64("2026-11-12T01:30")) & (times < np.datetime64("2026-11-12T01:35"))
    more = nights(ask, 1, {**series, "hafen_inflow": (times, flow + 60.0 * drawn)})
    sound = nights(ask, 1, series)
    told = {str(day): more[day] - sound[day] for day in sound}
    assert told.pop("2026-11-12") == pytest.approx(2.5)
    assert max(map(abs, told.values())) < 1e-9


def test_each_zone_gets_its_own_nights(ask: Ask) -> None:
    """300 zones, in city.yaml and by the alphabet in another order than by their flow; two share one."""
    count = 300
    order = np.random.default_rng(5).permutation(count)
    times, flow = inflow("2026-11-01", "2026-11-20", minutes=60, noise=0.0)
    zones = [f"  z{at}: {{network: water, kind: dma, inflow: p{at}}}" for at in order]
    text = "\n".join(
        [
            "name: Many", "time_zone: UTC", "networks: {water: {kind: water}}", "zones:", *zones,
            "  twin: {network: water, kind: dma, inflow: p7}", "points:",
            *(f"  p{at}: {{unit: m3/h, every: 1h, zone: z{at}}}" for at in range(count)),
        ]
    )  # fmt: skip
    series = {f"p{at}": (times, flow + at) for at in range(count)}
    result = ask("water/night_flow", text, series, "2026-11-05", "2026-11-20")
    mnf = {row["zone"]: row["mnf"] for row in rows_of(result, "zones")}
    assert {zone: mnf[zone] - mnf["z0"] for zone in mnf} == pytest.approx(
        {**{f"z{at}": at for at in range(count)}, "twin": 7}
    )


TANK = """
name: Made
time_zone: Europe/Berlin
networks: {water: {kind: water}}
zones: {hafen: {name: Hafen, network: water, kind: dma, inflow: pump - tank.area * rate(level)}}
assets: {tank: {kind: tank, zone: hafen, area: AREA m2}}
points:
  pump: {unit: m3/h, every: 15m, zone: hafen}
  level: {unit: m, every: 15m, zone: hafen, asset: tank}
"""


def pumped(times: Any, used: Any, area: float) -> dict[str, Any]:
    """A tank's level switches a pump of 45 m³/h; its flow is the mean until the next reading, the level is of now."""
    level, running, flows, levels = 3.0, False, [], []
    for use in used:
        running = level < 2.2 or (running and level <= 3.8)
        flows.append(45.0 * running)
        levels.append(round(level, 2))
        level += (flows[-1] - use) / 4 / area
    flow, shown = np.array(flows), np.array(levels)
    inflow_ = flow - area * 4 * np.diff(shown, prepend=shown[0])
    return {"pump": (times, flow), "level": (times, shown), "hafen/inflow": (times, inflow_)}


@pytest.mark.parametrize("area", [150, 2000])
def test_a_tank_and_a_pump_that_is_switched_make_no_leak(ask: Ask, area: int) -> None:
    """A switch shows as one reading of 45 m³/h in either way, as the pump is a reading ahead of the level.

    In a tank of 2 000 m² a centimetre is 80 m³/h in one reading: there the last digit is the flow, and nothing of it
    is left out.
    """
    times, used = inflow("2026-01-01", "2026-07-01", night=6.0, day=24.0)
    city = TANK.replace("AREA", str(area))
    result = ask("water/leaks", city, pumped(times, used, area), "2026-02-01", "2026-07-01", each_night="yes")
    assert rows_of(result, "events") == []
    flows = np.array([row["mnf"] for row in rows_of(result, "nights")], float)
    assert float(np.nanmean(flows)) == pytest.approx(6.5, abs=0.6)
    if area == 150:
        assert np.nanquantile(np.abs(flows - np.nanmedian(flows)), 0.95) < 1.5


def test_a_meter_that_is_read_once_a_day_tells_no_night(ask: Ask) -> None:
    times = np.arange(np.datetime64("2026-01-01"), np.datetime64("2026-06-01"))
    city = CITY.replace(
        "hafen_inflow: {unit: m3/h, every: 15m", "hafen_inflow: {unit: m3, kind: interval, every: 1d"
    )
    result = ask(
        "water/leaks", city, {"hafen_inflow": (times, np.full(len(times), 300.0))}, "2026-05-01", "2026-06-01"
    )
    verdicts = {row["zone"]: row["verdict"] for row in rows_of(result, "zones")}
    assert verdicts["Hafen"] == "UNKNOWN a reading in 1d tells no night flow"
    assert rows_of(result, "zones")[0]["expected"] is None
    assert verdicts["Altstadt"] == "UNKNOWN no valid night"


@pytest.mark.parametrize("scale", [0.01, 1.0])
def test_a_zone_that_was_shut_for_months_comes_back_without_a_leak(ask: Ask, scale: float) -> None:
    """It shows nothing for a winter, which is a frozen sensor: neither its mean inflow nor its scatter are nothing."""
    times, flow = inflow("2025-09-01", "2026-05-01", seed=3)
    shut = (times > np.datetime64("2025-12-01")) & (times < np.datetime64("2026-03-01"))
    series = {"hafen_inflow": (times, np.where(shut, 0.0, flow * scale))}
    result = ask("water/leaks", CITY, series, "2026-02-20", "2026-04-10")
    assert rows_of(result, "events") == []
    (fault,) = rows_of(result, "sensors")
    assert (fault["trouble"], fault["note"]) == ("frozen", "shows 0 all the time: shut, or dead?")


def test_a_leak_loses_nothing_in_days_without_inflow(ask: Ask) -> None:
    """3 m³/h from 1 March on; the zone is shut from 1 to 16 April, which a meter at 0 does not tell from a dead one.

    Until 1 May the leak runs for 61 days less 15, of which the first and the last are whole nights but for some hours.
    """
    times, flow = inflow("2025-11-01", "2026-05-01", seed=3, minutes=60, leaks=[Leak("2026-03-01", 3.0)])
    shut = (times >= np.datetime64("2026-04-01")) & (times < np.datetime64("2026-04-16"))
    series = {"hafen_inflow": (times, np.where(shut, 0.0, flow))}
    result = ask("water/leaks", read_every(60), series, "2026-02-20", "2026-05-01")
    (leak,) = rows_of(result, "events")
    assert leak["volume_m3"] == pytest.approx(leak["flow_m3h"] * 24 * (61 - 15), rel=0.03)
    assert leak["flow_m3h"] == pytest.approx(3.0, rel=0.1)
    assert "14 days without inflow left out" in result.findings[0].text
    by_day = {
        str(row["date"]): row["leakage_m3h"] for row in rows_of(result, "daily") if row["zone"] == "Hafen"
    }
    assert by_day["2026-04-10"] is None
    assert by_day["2026-03-25"] == pytest.approx(3.0, rel=0.1)
    within = ask("water/leaks", read_every(60), series, "2026-02-20", "2026-04-12")
    zones = {row["zone"]: row["verdict"] for row in rows_of(within, "zones")}
    assert zones["Hafen"] == "SENSOR hafen_inflow at 0 since Wed 1 Apr 02:00: shut, or dead?"
    assert within.summary == "1 zone leaks, 2 cannot be judged"  # Altstadt has no readings
