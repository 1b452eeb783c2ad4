"""Pressure that is changed by the clock: learnt from the days, and told only where it departs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from cityctl.analysis.water.pressures.heads import Told
from cityctl.analysis.water.pressures.schedule import Change, departed, plan
from cityctl.result import Result
from tests.analysis.conftest import rows_of, slots

DAYS = [date(2026, 3, 2) + timedelta(days=step) for step in range(28)]  # from a Monday on
WEEKENDS = {day for day in DAYS if day.weekday() >= 5}


def nightly(days: list[date], minute: int = 22 * 60, size: float = -12.0) -> list[Change]:
    return [Change(day, minute + day.day % 3 * 5, 1, size) for day in days]


def test_what_comes_each_day_is_planned() -> None:
    changes = nightly(DAYS) + nightly(DAYS, 5 * 60, 12.0)
    planned = plan(changes, DAYS, WEEKENDS)
    assert [one.said(Told()) for one in planned] == ["05:05 +12.0 m", "22:05 -12.0 m"]
    told = departed(planned, changes, DAYS, 5.0, WEEKENDS)
    assert (told.steps, told.left_out) == (0, {})


def test_workdays_have_their_own_plan_and_holidays_are_weekends() -> None:
    holiday = DAYS[9]
    free = WEEKENDS | {holiday}
    workdays = [day for day in DAYS if day.weekday() < 5 and day != holiday]
    planned = plan(nightly(workdays), DAYS, free)
    assert [one.said(Told()) for one in planned] == ["workdays 22:05 -12.0 m"]
    assert departed(planned, nightly(workdays), DAYS, 5.0, free).left_out == {}
    # On a Saturday the same change is beside the plan.
    odd = Change(DAYS[5], 22 * 60, 1, -12.0)
    assert departed(planned, [*nightly(workdays), odd], DAYS, 5.0, free).steps == 1


@pytest.mark.parametrize(
    "odd",
    [
        Change(DAYS[20], 3 * 60, 1, -12.0),
        Change(DAYS[20], 22 * 60, 1, 12.0),
        Change(DAYS[20], 22 * 60, 1, -30.0),
    ],
)
def test_another_hour_another_way_and_another_size_depart(odd: Change) -> None:
    planned = plan([*nightly(DAYS), odd], DAYS, WEEKENDS)
    told = departed(planned, [*nightly(DAYS), odd], DAYS, 5.0, WEEKENDS)
    assert (told.steps, told.largest) == (1, abs(odd.size))


def test_a_night_without_its_reduction_is_told() -> None:
    changes = nightly([day for day in DAYS if day not in (DAYS[10], DAYS[11])])
    (own,) = planned = plan(changes, DAYS, WEEKENDS)
    assert departed(planned, changes, DAYS, 5.0, WEEKENDS).left_out == {own: [DAYS[10], DAYS[11]]}
    # A step that is hardly one comes and goes by itself.
    small = nightly(DAYS[:26], size=-5.5)
    assert departed(plan(small, DAYS, WEEKENDS), small, DAYS, 5.0, WEEKENDS).left_out == {}


def test_steps_at_random_hours_are_no_plan() -> None:
    rng = np.random.default_rng(1)
    changes = [Change(day, int(rng.integers(0, 1440)), 1, float(rng.choice([-8, 8]))) for day in DAYS]
    assert plan(changes, DAYS, WEEKENDS) == []
    assert departed([], changes, DAYS, 5.0, WEEKENDS).steps == 28


CITY = """
name: Made
time_zone: Europe/Berlin
networks: {water: {kind: water}}
zones: {hafen: {name: Hafen, network: water, kind: dma, inflow: in}}
points:
  in: {unit: m3/h, every: 15m, zone: hafen}
  gauge: {unit: bar, every: 15m, zone: hafen}
"""


def managed(stuck: str | None = None, burst: str | None = None) -> dict[str, Any]:
    """5 bar by day and 3.5 from 23:00 to 05:00, local time, over a change of clocks; valve stuck, or a burst."""
    times = slots("2026-03-01", "2026-04-11", 15)
    local = times + np.where(times < np.datetime64("2026-03-29T01:00"), 1, 2) * np.timedelta64(1, "h")
    hour = (local - local.astype("datetime64[D]")) / np.timedelta64(1, "h")
    low = (hour >= 23) | (hour < 5)
    if stuck is not None:
        low &= ~((local >= np.datetime64(stuck)) & (local < np.datetime64(stuck) + np.timedelta64(8, "h")))
    bar = np.where(low, 3.5, 5.0) + 0.02 * np.random.default_rng(2).normal(0, 1, len(times))
    if burst is not None:
        bar -= 1.2 * (times == np.datetime64(burst))
    return {"in": (times, 10 + hour), "gauge": (times, bar)}


def _verdict(result: Result) -> str:
    (gauge,) = rows_of(result, "sensors")
    assert gauge["daily_changes"].startswith("05:00 +15")
    assert "23:00 -15" in gauge["daily_changes"]
    return str(gauge["verdict"])


def test_a_schedule_in_local_time_is_normal(ask: Callable[..., Result]) -> None:
    found = ask("water/pressure", CITY, managed(), "2026-03-22", "2026-04-11")
    assert _verdict(found) == "normal"
    assert found.findings == []


def test_a_stuck_valve_and_a_burst_are_told(ask: Callable[..., Result]) -> None:
    found = ask("water/pressure", CITY, managed(stuck="2026-04-03T22:00"), "2026-03-22", "2026-04-11")
    verdict = _verdict(found)
    assert verdict.count("LEFT OUT") == 2
    assert "LEFT OUT 23:00" in verdict
    assert "on 1 day, the last Fri 3 Apr" in verdict
    found = ask("water/pressure", CITY, managed(burst="2026-04-05T12:00"), "2026-03-22", "2026-04-11")
    assert _verdict(found).startswith("STEPS 2 of 5 m or more beside those by schedule, the largest 12.")


def test_a_reduction_that_stopped_before_the_interval_is_told(ask: Callable[..., Result]) -> None:
    series = managed()
    times, bar = series["gauge"]
    bar[times >= np.datetime64("2026-04-08T12:00")] = 5.0 + 0.01 * (
        np.arange((times >= np.datetime64("2026-04-08T12:00")).sum()) % 3
    )
    found = ask("water/pressure", CITY, series, "2026-04-09", "2026-04-11")
    assert "LEFT OUT" in _verdict(found)
