"""Pressure sensors that cannot be believed, and in which unit pressures are told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cityctl.result import Result
from tests.analysis.conftest import rows_of, slots

CITY = """
name: Made
time_zone: Europe/Berlin
networks: {water: {kind: water}}
zones: {hafen: {name: Hafen, network: water, kind: dma, people: 2500, inflow: inflow}}
points:
  inflow: {unit: m3/h, every: 15m, zone: hafen}
  gauge: {unit: bar, every: 15m, zone: hafen}
"""
SPAN = ("2026-03-02", "2026-03-14")


def made() -> dict[str, Any]:
    """10 m³/h and 4 bar with a hundredth of noise; the store keeps pressures in bar."""
    times = slots("2026-03-01", "2026-03-14", 15)
    rng = np.random.default_rng(1)
    return {
        name: (times, mean * rng.normal(1, 0.01, len(times)))
        for name, mean in (("inflow", 10.0), ("gauge", 4.0))
    }


@pytest.mark.parametrize(
    ("showed", "verdict"),
    [
        (lambda bar, late: np.where(late, 4.1, bar), "FROZEN since Tue 10 Mar 01:00"),
        (lambda bar, late: np.where(late, 0.0, bar), "FROZEN since Tue 10 Mar 01:00"),
        (lambda bar, late: np.full(len(bar), 4.1), "FROZEN at 41.8 m"),
        (
            lambda bar, late: 100 * bar,
            "IMPLAUSIBLE 4079.3 m: check its unit and its sensor",
        ),  # kPa taken for bar
        (lambda bar, late: bar - 6, "IMPLAUSIBLE -20.4 m: check its unit and its sensor"),
    ],
)
def test_a_sensor_that_tells_nothing_judges_no_zone(
    ask: Callable[..., Result], showed: Callable[[Any, Any], Any], verdict: str
) -> None:
    series = made()
    times, bar = series["gauge"]
    series["gauge"] = (times, showed(bar, times >= np.datetime64("2026-03-10")))
    found = ask("water/pressure", CITY, series, *SPAN, history="1d")
    (sensor,) = rows_of(found, "sensors")
    assert (sensor["verdict"], sensor["daily_changes"]) == (verdict, None)
    assert (
        rows_of(found, "lower_pressure")[0]["verdict"]
        == "NOT ASSESSABLE no sensor to tell how far it may fall"
    )


@pytest.mark.parametrize(
    ("stands", "verdict"),
    [
        (
            [50, 44, 52, 40, 54, 46, 60],
            "normal",
        ),  # a valve holds it, and its tenth of a bar changes every other day
        ([50, 44, 52, 40, 54, 46, 122], "FROZEN since Thu 12 Mar 22:00"),
        ([1, 1, 110, 1, 1, 1, 53], "FROZEN since Thu 5 Mar 19:00"),  # it froze before, once
    ],
)
def test_a_coarse_sensor_may_stand_still_as_long_as_it_does(
    ask: Callable[..., Result], stands: list[int], verdict: str
) -> None:
    """Hours at 4.0 and 4.1 bar in turn, the last one up to the interval's end, which is a day long."""
    hours = np.repeat(np.arange(len(stands)) % 2, stands)
    times = slots("2026-03-01", "2026-04-01", 60)[: len(hours)]
    since, until = (str((times[-1] + np.timedelta64(hour, "h")).astype("datetime64[D]")) for hour in (-23, 1))
    series = {"gauge": (times, 4.0 + 0.1 * hours), "inflow": (times, np.full(len(times), 10.0))}
    city = CITY.replace("15m", "1h").replace("Europe/Berlin", "UTC")
    found = ask("water/pressure", city, series, since, until)
    assert rows_of(found, "sensors")[0]["verdict"] == verdict


def test_where_all_sensors_speak_psi_so_does_the_report(ask: Callable[..., Result]) -> None:
    """4 bar are 40.79 m or 58.02 psi; 54.4 psi after a tenth of the night's pressure is taken off."""
    psi = CITY.replace("unit: bar", "unit: psi")
    for city, unit, mean in ((CITY, "mH2O", 40.79), (psi, "psi", 58.02)):
        found = ask("water/pressure", city, made(), *SPAN, history="1d", least_pressure="60 psi")
        table = next(one for one in found.tables if one.key == "sensors")
        assert {one.unit for one in table.columns if one.key.startswith("head")} == {unit}
        (row,) = rows_of(found, "sensors")
        assert row["head_mean"] == pytest.approx(mean, rel=1e-3)
        (saving,) = rows_of(found, "lower_pressure")
        assert saving["head_night"] == pytest.approx(mean, rel=3e-3)
    assert row["verdict"] == "LOW below 60 psi in 5 % of the time or more"
    assert saving["verdict"] == "LIMITED gauge would fall to 51 psi"
