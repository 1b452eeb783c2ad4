"""Nights from readings: spikes among many readings, and zones by the hundred."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cityctl.result import Result
from tests.analysis.conftest import rows_of
from tests.analysis.water.made import CITY, inflow

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
