"""The watch's own promise: intervals against published values, and leaks put into a made city."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cityctl.analysis.catalog import find
from cityctl.analysis.question import Question
from cityctl.analysis.water.basis.rows import day_use
from cityctl.analysis.water.nights.seen import Seen
from cityctl.analysis.water.selftest import (
    ALL,
    WITHIN,
    Trial,
    _watched_again,
    _with,
    lie_apart,
    poisson,
    tried,
    wilson,
)
from cityctl.analysis.water.watch.changes import Watchfulness
from cityctl.analysis.water.watch.expected import Assumptions
from cityctl.analysis.water.watch.watching import watch
from cityctl.city.load import load
from cityctl.engine.duck import Engine
from cityctl.store.views.shown import attach_city
from tests.analysis.conftest import days, readings, rows_of
from tests.analysis.water.made import CITY, inflow


def test_wilson_interval() -> None:
    """Brown, Cai and DasGupta (2001), by hand: 8 of 10 gives 0.490 to 0.943, 0 of 10 gives 0 to 0.278."""
    assert wilson(0.8, 10) == pytest.approx((0.490, 0.943), abs=0.001)
    assert wilson(0, 10) == pytest.approx((0.0, 0.278), abs=0.001)
    assert wilson(0, 0) == (0.0, 1.0)


def test_leaks_of_the_same_nights_are_one_try() -> None:
    """Nights 120 to 179 and 180 to 239 of one zone, and of another: with each leak a try, intervals held in 67 %."""
    begins = [(0, 121), (0, 130), (0, 179), (0, 180), (0, 200), (1, 121)]
    assert lie_apart([Trial(row, 0.1, 3.0, begin, 0) for row, begin in begins]) == 3


def test_poisson_interval() -> None:
    """Garwood's table (1936), 95 %: 0 -> 3.689; 1 -> 0.0253 to 5.572; 10 -> 4.795 to 18.390."""
    assert poisson(0) == pytest.approx((0.0, 3.689), abs=0.001)
    assert poisson(1) == pytest.approx((0.0253, 5.572), abs=0.001)
    assert poisson(10) == pytest.approx((4.795, 18.390), abs=0.001)


def test_a_leak_put_in_is_watched_as_if_it_had_been_there() -> None:
    """Taken up shortly before it, and ended when it has to be found, the watch raises what it does over all nights."""
    rng, nights = np.random.default_rng(9), 150
    kinds = np.arange(nights) % 7
    day = 30 + 3 * (kinds == 6) + rng.normal(0, 0.3, (2, nights))
    flow = 6 + 0.3 * (kinds == 6) + rng.normal(0, 0.08, (2, nights))
    flow[1, 92:106] += 2.0
    day[1, 92:106] += 2.0
    parts = np.repeat(day[..., None], 8, axis=2)
    parts[..., -1] = flow
    seen = Seen(flow, day_use(day, flow), kinds, np.full((2, nights), 24.0), day, parts)
    base = watch(Assumptions(), Watchfulness(), seen)
    assert [len(events) for events in base.events] == [0, 1]
    plan = [Trial(0, 0.1, 2.4, 120, 0), Trial(1, 0.1, 2.4, 124, 0)]
    told = dict(_watched_again(seen, plan, base))
    for trial in plan:
        (whole,) = watch(Assumptions(), Watchfulness(), _with(seen, [trial], nights)).events
        until = trial.begin + trial.creep + WITHIN
        expected = [(one.started, one.detected) for one in whole if one.detected <= until]
        assert [(one.started, one.detected) for one in told[trial] if one.detected <= until] == expected
        assert any(0 <= at - trial.begin <= trial.creep + WITHIN for _, at in expected)


@pytest.mark.slow
def test_leaks_put_into_quiet_zones(project: Callable[[str], Any]) -> None:
    folder = project(CITY)
    city = load(folder)
    span = ("2025-11-01", "2026-11-01")
    series = {"hafen_inflow": inflow(*span), "altstadt_inflow": inflow(*span, seed=2)}
    analysis = find("water/night_flow", folder)
    settled = analysis.settle({"history": "0d"})
    interval = days("2025-11-02", "2026-10-31", city.zone_info)
    steps: list[tuple[int, int]] = []
    with Engine(threads=2) as engine:
        engine.keep("readings", readings(series))
        attach_city(engine, city, interval)
        question = Question(city, interval, settled, engine, None, analysis.statements)
        result = tried(question, trials=3, seed=1, advance=lambda done, of: steps.append((done, of)))
        again = tried(question, trials=3, seed=1)
    rows = [row for row in rows_of(result, "promise") if row["zone"] == ALL]
    by_kind = {(row["leak"], row["leak_share"]): row for row in rows}
    assert by_kind["step", 0.2]["detection"] == 1.0
    assert by_kind["step", 0.2]["detection_delay"] <= 3
    assert by_kind["step", 0.2]["put_in"] == 6
    assert by_kind["creeping", 0.2]["detection"] == 1.0
    assert all(row["detection_low"] <= row["detection"] <= row["detection_high"] for row in rows)
    # All of six leaks found: six tries would say 0.61 and more, and they lie in fewer stretches of nights than that.
    assert by_kind["step", 0.2]["detection_low"] < 0.61
    (alarms, *_) = rows_of(result, "alarms")
    assert alarms["alarms"] == 0
    # Two zones, 363 nights each, of which the watch learns from the first fortnight and raises no alarm.
    assert alarms["zone_years"] == pytest.approx(2 * (363 - 14) / 365.25, abs=0.01)
    assert alarms["alarm_high"] == pytest.approx(3.689 / alarms["zone_years"], abs=0.01)
    assert steps[-1] == (36, 36)
    assert rows_of(again, "promise") == rows_of(result, "promise")
