from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest

from cityctl.sim.town.blueprint import PUMPS, TANK, WATER_ZONES
from cityctl.sim.town.hydraulics import Hydraulics, pump_head, pump_power
from cityctl.sim.town.localtime import DAY
from cityctl.sim.town.scenario import Scenario
from cityctl.sim.town.weather import Weather
from cityctl.sim.town.whole import Town


def _span(start: datetime, days: float, step: int = 60) -> np.ndarray:
    begin = int(start.timestamp())
    return np.arange(begin, begin + int(days * DAY), step, dtype=np.int64)


def _night(town: Town, days_ago: int) -> np.ndarray:
    """Minutes from 02:00 to 04:00 local."""
    begin = town.scenario.instant(-days_ago, 2)
    return _span(begin, 2 / 24)


def test_one_instant_is_what_it_is_in_a_year(town: Town, now: datetime):
    year = _span(now - timedelta(days=365), 365, 601)
    for zone in WATER_ZONES:
        for ask in (town.hydraulics.shown_inflow, town.hydraulics.pressure):
            together = ask(zone, year)
            for place in (0, 777, year.size - 1):
                assert ask(zone, year[place : place + 1])[0] == together[place]
    pumped = town.hydraulics.pumped(year)
    assert town.hydraulics.pumped(year[99:100])[0] == pumped[99]


def test_the_same_scenario_is_the_same_city_and_another_seed_another(now: datetime):
    minutes = _span(now - timedelta(days=2), 1)
    flows = []
    for seed in (1, 1, 2):
        scenario = Scenario.at(now, seed)
        flows.append(Hydraulics(scenario, Weather(scenario)).inflow("hafen", minutes))
    assert np.array_equal(flows[0], flows[1])
    assert not np.array_equal(flows[0], flows[2])


def test_the_past_before_the_faults_does_not_depend_on_the_day_of_the_scenario(now: datetime):
    minutes = _span(now - timedelta(days=80), 3)
    one, other = (Scenario(date(2026, 11, 23)), Scenario(date(2026, 11, 20)))
    flows = [Hydraulics(each, Weather(each)).inflow("hafen", minutes) for each in (one, other)]
    assert np.array_equal(flows[0], flows[1])


@pytest.mark.parametrize("days_ago", [1, 29.5, 200])
def test_the_tank_gains_what_flows_in_less_what_flows_out(town: Town, now: datetime, days_ago: float):
    minutes = _span(now - timedelta(days=days_ago), 1)
    water = town.hydraulics
    gained = TANK.area_m2 * (water.level(minutes[-1:] + 60)[0] - water.level(minutes[:1])[0])
    balance = (water.pumped(minutes) - water.outflow(minutes)).sum() / 60.0
    assert balance == pytest.approx(gained, abs=1e-6)
    pumps = sum(water.pump_flow(pump, minutes) for pump in PUMPS)
    assert np.array_equal(pumps, water.pumped(minutes))


def test_nothing_is_impossible_in_a_year(town: Town, now: datetime):
    year = _span(now - timedelta(days=365), 365, 421)
    level, pumped = town.hydraulics.level(year), town.hydraulics.pumped(year)
    assert level.min() > 0.5
    assert level.max() < TANK.height_m
    assert pumped.min() > 20.0
    for id_, zone in WATER_ZONES.items():
        flow, head = town.hydraulics.inflow(id_, year), town.hydraulics.pressure(id_, year)
        assert flow.min() > 0.15 * zone.mean_m3h
        assert flow.max() < 3.0 * zone.mean_m3h
        assert head.min() > 20.0
        assert head.max() < zone.pressure_m + 1.0


def test_use_has_a_day_and_a_week(town: Town):
    """Five real areas: the night minimum is 0.6 to 0.9 of the mean, the weekday peak near 08:00 is 1.3 to 1.8,
    and Sunday's morning comes later (Battle of Water Demand Forecasting 2024, hourly means)."""
    start = town.scenario.instant(-90)
    minutes = _span(start, 42)
    local = town.scenario.local.local(minutes)
    kind, hour = town.scenario.local.kind(local // DAY), local % DAY // 3600
    for zone in WATER_ZONES:
        flow = town.hydraulics.inflow(zone, minutes) / town.hydraulics.inflow(zone, minutes).mean()
        workday = np.array([flow[(kind == 0) & (hour == h)].mean() for h in range(24)])
        sunday = np.array([flow[(kind == 2) & (hour == h)].mean() for h in range(24)])
        assert 0.2 < workday[2:4].mean() < 0.9
        assert 1.3 < workday.max() < 1.9
        assert workday.argmax() in (7, 8)
        assert sunday.argmax() in (9, 10)


def test_warm_months_use_more(town: Town):
    july, january = (
        town.hydraulics.use("altstadt", _span(start, 28)).mean()
        for start in (datetime(2026, 7, 1, tzinfo=UTC), datetime(2026, 1, 7, tzinfo=UTC))
    )
    assert 1.02 < july / january < 1.25


def test_nights_follow_the_wall_clock_when_the_clocks_change(town: Town):
    """The minimum of the smoothed shape stays between 02:00 and 04:00 local on both sides of 25 October."""
    use = town.hydraulics._uses["altstadt"]
    for day in (-31, -30, -28, -27):
        minutes = _span(town.scenario.instant(day), 1)
        local = town.scenario.local.local(minutes)
        lowest = local[use.mean_shape(minutes).argmin()] % DAY / 3600
        assert 2.0 <= lowest <= 5.0


def test_the_burst_adds_its_flow_to_the_nights_from_its_start_on(town: Town):
    leak = next(leak for leak in town.scenario.leaks if leak.kind == "burst")
    water = town.hydraulics
    before = np.mean([water.inflow(leak.zone, _night(town, ago)).mean() for ago in range(5, 12)])
    after = np.mean([water.inflow(leak.zone, _night(town, ago)).mean() for ago in range(5)])
    # 12.6 m³/h at rest head; night heads are a little lower, and nights scatter by about 0.4 m³/h
    assert after - before == pytest.approx(12.6, abs=0.9)
    start = int(leak.start.timestamp())
    minutes = np.arange(start - 1800, start + 1800, 60, dtype=np.int64)
    lost = water.leak(leak, minutes)
    assert lost[:29].max() == 0.0
    assert lost[-1] > 12.0


def test_the_creeping_leak_only_grows(town: Town):
    leak = next(leak for leak in town.scenario.leaks if leak.kind == "creeping")
    by_night = [town.hydraulics.leak(leak, _night(town, ago)).mean() for ago in range(44, -1, -4)]
    assert all(later > earlier for earlier, later in pairwise(by_night))
    assert by_night[0] < 0.1
    assert 4.0 < by_night[-1] < 6.0


def test_the_stuck_meter_repeats_one_value_while_the_water_flows_on(town: Town):
    sensor = town.scenario.stuck_sensors[0]
    start = int(sensor.start.timestamp())
    minutes = np.arange(start - 600, start + 2 * DAY, 60, dtype=np.int64)
    shown, true = (
        ask(sensor.zone, minutes) for ask in (town.hydraulics.shown_inflow, town.hydraulics.inflow)
    )
    assert np.array_equal(shown[:10], true[:10])
    assert np.unique(shown[10:]).size == 1
    assert true[10:].std() > 3.0


def test_pump_power_follows_flow_head_and_efficiency():
    # by hand: 105 m³/h x (47 + 0.00052 x 105²) m / 367 / 0.71 = 105 x 52.733 / 260.57 = 21.249 kW
    pump = PUMPS["pump_1"]
    flow = np.array([105.0, 0.0])
    assert pump_head(pump, flow).tolist() == pytest.approx([52.733, 0.0])
    assert pump_power(pump, flow).tolist() == pytest.approx([21.249, 0.15], rel=1e-4)
