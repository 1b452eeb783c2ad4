"""Gaps and spikes are named, and leave the nights to be judged by what else is there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cityctl.analysis.water.sensors.oddities import Run, coarse, gaps, spikes, topped
from cityctl.result import Result
from tests.analysis.conftest import rows_of
from tests.analysis.water.made import CITY, inflow


def told(kind: Callable[..., list[list[Run]]], *lines: Any) -> list[Run]:
    """Of one sensor, which beside a restless one that has neither is told the same."""
    noise = np.random.default_rng(1).uniform(20.0, 21.0, len(lines[0]))
    first, own, last = kind(*(np.stack([noise, line, noise]) for line in lines))
    assert first == last == []
    return own


def test_gaps_within_a_week_are_one() -> None:
    """Half of part 20, all of 21 and 30 are missing: 3 + 6 + 6 hours; what a month later is missing stands apart."""
    readings = np.full(400, 24.0)
    readings[:5] = 0  # before the first reading nothing is missing
    readings[20], readings[21], readings[30] = 11.0, 0.0, 0.0
    readings[398:] = 0
    assert told(gaps, readings) == [(20, 31, pytest.approx(6 * 13 / 24 + 12)), (398, None, 12.0)]


def test_a_meter_that_is_read_once_a_day_has_no_gaps() -> None:
    assert told(gaps, np.tile([0.0, 0.0, 1.0, 0.0], 50)) == []
    assert told(gaps, np.zeros(40)) == []


def test_spikes_stand_out_from_the_usual_of_their_part_of_the_day() -> None:
    mean = np.tile([8.0, 30.0, 20.0, 24.0], 60)
    swing = np.tile([1.0, 12.0, 4.0, 9.0], 60)
    readings, most = np.full(240, 24.0), mean + swing
    assert told(spikes, readings, mean, mean - swing, most) == []
    most[[100, 107]] = 400.0
    assert told(spikes, readings, mean, mean - swing, most) == []  # two may be a hydrant
    most[113] = 400.0
    assert told(spikes, readings, mean, mean - swing, most) == [(100, 114, 3.0)]
    assert (
        told(spikes, readings, mean, np.where(mean < 10, 0.0, mean - swing), most) == []
    )  # a pump that rests


def test_they_are_rows_of_the_sensors_table_and_the_zone_is_judged(ask: Callable[..., Result]) -> None:
    times, flow = inflow("2026-01-01", "2026-06-01", seed=3)
    _, sound = inflow("2026-01-01", "2026-06-01", seed=4)
    struck = flow.copy()
    at = np.random.default_rng(1).choice(
        np.flatnonzero(times > np.datetime64("2026-05-10")), 30, replace=False
    )
    struck[at] *= 12.0
    there = (times < np.datetime64("2026-05-12T08:00")) | (times >= np.datetime64("2026-05-13T08:00"))
    series = {"hafen_inflow": (times, struck), "altstadt_inflow": (times[there], sound[there])}
    result = ask("water/leaks", CITY, series, "2026-05-01", "2026-06-01")
    rows = {row["sensor"]: row for row in rows_of(result, "sensors")}
    assert rows["hafen_inflow"]["trouble"] == "spikes"
    assert (rows["altstadt_inflow"]["trouble"], rows["altstadt_inflow"]["note"]) == (
        "gaps",
        "24 h without readings",
    )
    assert [row["verdict"] for row in rows_of(result, "zones")] == ["normal", "normal"]
    assert result.findings == []


def test_a_scale_that_ends_is_told_by_readings_at_its_end() -> None:
    """A morning's peak of 30 to 50 m³/h, of which a scale up to 36 shows no more; whole m³/h lie at many values."""
    rng = np.random.default_rng(3)
    readings, least = np.full(400, 24.0), np.full(400, 5.0)
    peak = np.where(np.arange(400) % 4 == 1, rng.uniform(30.0, 50.0, 400), rng.uniform(10.0, 30.0, 400))
    count = int((peak > 36).sum())
    ((begin, _, parts),) = told(topped, readings, least + 3, least, np.minimum(peak, 36.0))
    assert (begin, parts) == (int(np.argmax(peak > 36)), count)
    assert told(topped, readings, least + 3, least, peak) == []
    assert told(topped, readings, least + 3, least, np.round(peak)) == []
    assert told(topped, readings, 0 * least + 3, 0 * least, np.minimum(peak, 36.0)) == []  # a pump that rests


def test_pulses_are_coarse_steps() -> None:
    """A pulse is 10 m³, 40 m³/h in a quarter of an hour: one to three in each; tenths of m³/h are no such step."""
    rng = np.random.default_rng(4)
    readings, pulses = np.full(400, 24.0), rng.integers(1, 4, 400)
    none, one = np.zeros(400), np.full(400, 40.0)
    assert told(coarse, readings, none, 40.0 * pulses) == [(0, None, 40.0)]
    assert told(coarse, readings, none, one) == [(0, None, 40.0)]
    assert told(coarse, readings, none, np.round(rng.uniform(5, 40, 400), 1)) == []
    assert told(coarse, readings, one, one) == []  # it stands still
    assert (
        told(coarse, readings, none, np.where(np.arange(400) % 4 < 2, one, none)) == []
    )  # a pump that rests by night


def test_a_zone_whose_inflow_comes_in_pulses_is_not_said_to_be_dry(ask: Callable[..., Result]) -> None:
    times, flow = inflow("2026-03-01", "2026-05-10")
    pulses = np.diff(np.floor(np.cumsum(flow / 4) / 10), prepend=0.0) * 40
    series = {"hafen_inflow": (times, pulses), "altstadt_inflow": (times, np.minimum(flow, 25.0))}
    found = ask("water/night_flow", CITY, series, "2026-05-01", "2026-05-08")
    verdicts = {row["zone"]: row["verdict"] for row in rows_of(found, "zones")}
    assert verdicts["Hafen"] == "UNKNOWN its inflow comes in steps of 40 m³/h, too coarse for a night"
    assert verdicts["Altstadt"] == "normal; a meter at the end of its scale?"
    notes = {row["trouble"]: row["note"] for row in rows_of(found, "sensors")}
    assert notes["coarse"] == "flows in steps of 40 m³/h"
    assert notes["full"].endswith("the end of its scale?")
