"""Substations whose heat, volume and temperatures are read at unlike steps, and meters that count no heat."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cityctl.result import Result
from tests.analysis.conftest import rows_of, slots

CITY = """
name: Heat
time_zone: Europe/Berlin
networks: {{heat: {{kind: heat}}}}
zones: {{school: {{network: heat}}}}
points:
  heat: {{unit: kWh, kind: counter, every: {heat}, zone: school, role: consumption}}
  volume: {{unit: m3, kind: counter, every: {volume}, zone: school}}
  warm: {{unit: degC, every: 1h, zone: school, role: supply}}
  cold: {{unit: degC, every: 1h, zone: school, role: return}}
"""
DAYS = slots("2026-01-04T23:00", "2026-01-09T00:00", 1440)  # 4 days in Berlin, and the reading after them
HOURS = slots("2026-01-04T23:00", "2026-01-09T00:00", 60)
NIGHT = np.arange(len(HOURS)) % 24 < 6


def of_school(
    ask: Callable[..., Result],
    series: Any,
    span: tuple[str, str] = ("2026-01-05", "2026-01-09"),
    **every: str,
) -> tuple[Result, dict[str, Any]]:
    found = ask("energy/heat", CITY.format(**{"heat": "1d", "volume": "1d", **every}), series, *span)
    (row,) = rows_of(found, "substations")
    return found, row


def test_the_temperatures_of_midnight_are_not_those_of_the_day(ask: Callable[..., Result]) -> None:
    """24 m³ a day at 30 K, 6 K of the standing water at night: read once a day, only the heat tells the difference."""
    series = {
        "heat": (DAYS, 1.16 * 24 * 30 * np.arange(len(DAYS))),
        "volume": (DAYS, 24.0 * np.arange(len(DAYS))),
        "warm": (HOURS, np.full(len(HOURS), 80.0)),
        "cold": (HOURS, np.where(NIGHT, 74.0, 50.0)),
    }
    _, row = of_school(ask, series)
    assert (row["delta_t"], row["heat_check"], row["return_c"]) == (pytest.approx(30.0), None, None)
    assert (row["flow_m3"], row["heat_metered"]) == pytest.approx((96.0, 1.0))
    assert row["verdict"] == "normal"


def test_heat_by_the_day_goes_with_volume_by_the_hour(ask: Callable[..., Result]) -> None:
    """By day 18 h of 1 m³ at 30 K, at night 6 h of 0.2 m³ at 6 K: (18 x 30 + 1.2 x 6) / 19.2 = 28.5 K by volume."""
    volume = np.where(NIGHT, 0.2, 1.0)
    heat = 1.16 * volume * np.where(NIGHT, 6.0, 30.0)
    series = {
        "heat": (DAYS, np.concatenate([[0], np.cumsum(heat)])[::24][: len(DAYS)]),
        "volume": (HOURS, np.concatenate([[0], np.cumsum(volume)[:-1]])),
        "warm": (HOURS, np.full(len(HOURS), 80.0)),
        "cold": (HOURS, np.where(NIGHT, 74.0, 50.0)),
    }
    found, row = of_school(ask, series, volume="1h")
    assert row["flow_m3"] == pytest.approx(4 * 19.2)
    assert row["heat_kwh"] == pytest.approx(4 * 1.16 * 547.2)
    assert row["delta_t"] == pytest.approx(547.2 / 19.2)
    assert row["return_c"] == pytest.approx(80 - 547.2 / 19.2)
    assert row["heat_check"] == pytest.approx(0.0, abs=1e-9)
    assert row["excess_m3"] == pytest.approx(4 * (19.2 - 547.2 / 30))
    assert row["heat_metered"] == pytest.approx(1.0)
    assert found.completeness.complete


def test_a_day_of_heat_with_hours_of_no_flow_known_is_left_out(ask: Callable[..., Result]) -> None:
    """5 hours of the second day are missing: the heat of that day is not that of the other 19 hours."""
    city = CITY.format(heat="1d", volume="1h").replace("unit: m3, kind: counter", "unit: m3/h")
    there = np.delete(np.arange(len(HOURS)), slice(30, 35))
    series = {
        "heat": (DAYS, 1.16 * 24 * 30 * np.arange(len(DAYS))),
        "volume": (HOURS[there], np.ones(len(there))),
    }
    (row,) = rows_of(ask("energy/heat", city, series, "2026-01-05", "2026-01-09"), "substations")
    assert (row["flow_m3"], row["delta_t"], row["heat_metered"]) == pytest.approx((72.0, 30.0, 0.75))


def test_a_day_of_25_hours_has_the_volume_of_all_of_them(ask: Callable[..., Result]) -> None:
    """24 to 26 October 2026 in Berlin: 24, 25 and 24 hours of 1 m³ at 30 K."""
    stamps = ("2026-10-23T22:00", "2026-10-24T22:00", "2026-10-25T23:00", "2026-10-26T23:00")
    hours = slots("2026-10-23T22:00", "2026-10-27T00:00", 60)
    series = {
        "heat": (np.array(stamps, "datetime64[m]"), 34.8 * np.array([0, 24, 49, 73])),
        "volume": (hours, 1.0 * np.arange(len(hours))),
    }
    _, row = of_school(ask, series, ("2026-10-24", "2026-10-27"), volume="1h")
    assert (row["flow_m3"], row["heat_kwh"]) == pytest.approx((73.0, 73 * 34.8))
    assert row["delta_t"] == pytest.approx(30.0)


@pytest.mark.parametrize(
    ("warm", "cold", "said"),
    [
        (50.0, 80.0, "IMPLAUSIBLE: its return is 30.0 K warmer than its supply and it counts no heat: "
         "are the sensors swapped?"),
        (80.0, 50.0, "IMPLAUSIBLE: it counts no heat where its water cools by 30.0 K: check the meter"),
    ],
)  # fmt: skip
def test_a_meter_that_counts_no_heat_is_no_excess_flow(
    ask: Callable[..., Result], warm: float, cold: float, said: str
) -> None:
    """A calculator with swapped sensors, or one that stands: its whole volume was told as excess flow, at 0 K."""
    series = {
        "heat": (HOURS, np.full(len(HOURS), 7.0)),
        "volume": (HOURS, 1.0 * np.arange(len(HOURS))),
        "warm": (HOURS, np.full(len(HOURS), warm)),
        "cold": (HOURS, np.full(len(HOURS), cold)),
    }
    found, row = of_school(ask, series, heat="1h", volume="1h")
    assert row["verdict"] == said
    assert row["excess_of_all"] is None
    assert found.summary == "0 m³ of excess flow in 0 of 1 substations"


def test_water_that_hardly_cools_is_excess_flow(ask: Callable[..., Result]) -> None:
    """2 K lie below what a heat meter has to count (3 K): an open bypass, all of its 96 m³ too many."""
    series = {
        "heat": (HOURS, np.full(len(HOURS), 7.0)),
        "volume": (HOURS, 1.0 * np.arange(len(HOURS))),
        "warm": (HOURS, np.full(len(HOURS), 80.0)),
        "cold": (HOURS, np.full(len(HOURS), 78.0)),
    }
    _, row = of_school(ask, series, heat="1h", volume="1h")
    assert row["verdict"].startswith("EXCESS FLOW 96 m³, 100 % of its volume")


def test_heat_below_zero_is_no_matter_of_units(ask: Callable[..., Result]) -> None:
    city = CITY.format(heat="1h", volume="1h").replace("unit: kWh, kind: counter", "unit: kW")
    series = {"heat": (HOURS, np.full(len(HOURS), -34.8)), "volume": (HOURS, 1.0 * np.arange(len(HOURS)))}
    (row,) = rows_of(ask("energy/heat", city, series, "2026-01-05", "2026-01-09"), "substations")
    assert row["verdict"] == (
        "IMPLAUSIBLE: its heat means -30 K: are the sensors swapped, or has it a wrong sign?"
    )
