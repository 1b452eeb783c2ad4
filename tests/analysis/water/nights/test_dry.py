"""Zones without a flow by night: no leak shows there, and none is denied."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cityctl.analysis.water.nights.dry import by_night_alone, dry_by_night
from cityctl.result import Result
from tests.analysis.conftest import local_hours, rows_of
from tests.analysis.water.made import BERLIN, CITY, Leak, inflow

DAYS = np.full(60, 20.0)


@pytest.mark.parametrize(
    ("flows", "dry"),
    [
        (np.zeros(60), True),
        (np.full(60, 0.05), True),  # a sensor's own noise, a four-hundredth of the inflow
        (np.full(60, 0.4), False),  # the night use of some hundred people
        (np.where(np.arange(60) % 7 == 0, 5.0, 0.0), True),  # once a week a tank was filled by night
        (
            np.where(np.arange(60) % 2 == 0, 5.0, 0.0),
            True,
        ),  # water every other day: its nights scatter by all of it
        (np.where((np.arange(60) % 2 == 0) | (np.arange(60) > 54), 5.0, 0.0), False),  # and now every day
        (np.where(np.arange(60) < 59, 0.0, 3.0), False),  # a leak in the last night shows
        (np.where(np.arange(60) < 55, np.nan, 0.0), False),  # five nights tell nothing
    ],
)
def test_nights_are_dry(flows: Any, dry: bool) -> None:
    assert dry_by_night(flows, DAYS) is dry


def test_a_school_may_sleep() -> None:
    assert not dry_by_night(np.zeros(60), np.full(60, 0.5))


@pytest.mark.parametrize(
    ("by_day", "by_night", "alone"),
    [
        ((30.0, 0.0, 0.0, 0.0, 0.0, 0.0), (40.0, 60.0), True),  # a tank is filled from ten to five
        ((0.0, 25.0, 0.0, 0.0, 0.0, 12.0), (60.0, 60.0), True),  # and now and then by day
        (
            (20.0, 12.0, 8.0, 6.0, 8.0, 12.0),
            (40.0, 60.0),
            False,
        ),  # gardens that are watered; people draw by day
        ((20.0, 30.0, 22.0, 20.0, 26.0, 24.0), (9.0, 5.0), False),
        ((0.5, 0.0, 0.0, 0.0, 0.0, 0.5), (1.0, 1.0), False),  # a bakery
    ],
)
def test_a_tank_is_filled_by_night(
    by_day: tuple[float, ...], by_night: tuple[float, float], alone: bool
) -> None:
    course = np.tile((*by_day, *by_night), (40, 1))
    assert by_night_alone(course[:, -1], course) is alone
    late = np.vstack([course, np.full((2, 8), 20.0)])
    assert not by_night_alone(late[:, -1], late)  # the last days are another thing


@pytest.mark.parametrize("report", ["water/night_flow", "water/leaks", "water/night_use"])
def test_a_zone_that_flows_by_night_alone_is_not_called_normal(
    ask: Callable[..., Result], report: str
) -> None:
    times, flow = inflow("2026-01-01", "2026-02-20")
    _, hour = local_hours(times, BERLIN)
    filled = {
        "hafen_inflow": (times, np.where((hour >= 22) | (hour < 6), 3 * flow, 0.0)),
        "altstadt_inflow": (times, flow),
    }
    found = ask(report, CITY, filled, "2026-02-10", "2026-02-20", history="28d")
    assert [one.what for one in found.completeness.missing][:1] == ["Hafen"]
    assert "flow by night alone" in found.completeness.missing[0].why
    if report != "water/night_use":
        assert rows_of(found, "zones")[0]["verdict"].startswith("UNKNOWN flow by night alone")


def by_hours(leaks: tuple[Leak, ...] = ()) -> dict[str, Any]:
    """Two zones, of which Hafen gets water from 5 to 9 and from 17 to 21 only."""
    times, flow = inflow("2025-06-01", "2025-10-01", leaks=leaks)
    _, hour = local_hours(times, BERLIN)
    supplied = ((hour >= 5) & (hour < 9)) | ((hour >= 17) & (hour < 21))
    return {"hafen_inflow": (times, np.where(supplied, 3 * flow, 0.0)), "altstadt_inflow": (times, flow)}


@pytest.mark.parametrize("leaks", [(), (Leak("2025-09-01", 4.0),)], ids=["no leak", "a leak"])
@pytest.mark.parametrize("report", ["water/night_flow", "water/leaks"])
def test_a_zone_that_is_not_supplied_by_night_is_not_called_normal(
    ask: Callable[..., Result], report: str, leaks: tuple[Leak, ...]
) -> None:
    found = ask(report, CITY, by_hours(leaks), "2025-09-10", "2025-10-01")
    hafen, altstadt = rows_of(found, "zones")
    assert hafen["verdict"].startswith("UNKNOWN no flow by night")
    assert altstadt["verdict"].startswith("LEAK" if leaks else "normal")
    assert [one.what for one in found.completeness.missing] == ["Hafen"]
    if report == "water/leaks":
        assert {row["leakage_m3h"] for row in rows_of(found, "daily") if row["zone"] == "Hafen"} == {None}


def test_its_night_flow_has_no_parts(ask: Callable[..., Result]) -> None:
    """3 100 people would use 1.9 m³/h by night: less than nothing would leak."""
    found = ask("water/night_use", CITY, by_hours(), "2025-09-10", "2025-10-01")
    hafen = rows_of(found, "night_parts")[0]
    assert hafen["night_mean"] == 0.0
    assert (hafen["night_leakage"], hafen["bursts"], hafen["leakage_day"]) == (None, None, None)
    assert found.completeness.missing[0].why.startswith("no flow by night")
