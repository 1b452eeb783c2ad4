from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from cityctl.sim.town.blueprint import TANK, WATER_ZONES
from cityctl.sim.town.records import QUARTER
from cityctl.sim.town.whole import Town


def _second(moment: datetime) -> int:
    return int(moment.timestamp())


def test_a_recorded_mean_is_the_mean_of_what_the_meter_showed(town: Town, now: datetime):
    start = _second(now - timedelta(days=2))
    starts, values = town.records.recorded("HAFEN.FT01", start, start + QUARTER, _second(now))
    minutes = np.arange(start, start + QUARTER, 60, dtype=np.int64)
    assert starts.tolist() == [start]
    assert values[0] == pytest.approx(town.hydraulics.shown_inflow("hafen", minutes).mean(), abs=0.005)


def test_a_window_is_a_part_of_the_whole(town: Town, now: datetime):
    end = _second(now)
    all_starts, all_values = town.records.recorded("PUMPE2.JT01", 0, end, end)
    assert all_starts[0] == _second(town.scenario.history_start)
    begin = end - 100 * 86400 + 17
    starts, values = town.records.recorded("PUMPE2.JT01", begin, begin + 5 * 86400, end)
    assert starts[0] >= begin
    assert starts[-1] < begin + 5 * 86400
    inside = np.isin(all_starts, starts)
    assert np.array_equal(values, all_values[inside])


def test_nothing_is_recorded_before_it_is_over(town: Town, now: datetime):
    end = _second(now) + 600
    starts, _ = town.records.recorded("HAFEN.FT01", _second(now) - 3600, end + 86400, end)
    assert starts[-1] + QUARTER <= end


def test_the_records_balance_over_the_tank(town: Town, now: datetime):
    """What the pumps lift, less what all zones take, is what the level gains: in every recorded day without
    the stuck meter."""
    end = _second(now - timedelta(days=10))
    start = end - 86400

    def mean(tag: str) -> float:
        _, values = town.records.recorded(tag, start, end, _second(now))
        assert values.size == 96
        return float(values.mean())

    lifted = mean("PUMPE1.FT01") + mean("PUMPE2.FT01")
    taken = sum(mean(f"{zone.tag}.FT01") for zone in WATER_ZONES.values())
    _, levels = town.records.recorded(f"{TANK.tag}.LT01", start, end + QUARTER, _second(now))
    gained = TANK.area_m2 * (levels[-1] - levels[0]) / 24.0
    # six series rounded to 0.01 m³/h and a level rounded to 0.1 mm
    assert lifted - taken == pytest.approx(gained, abs=0.03)


def test_the_outage_is_missing_in_scada_and_not_in_the_weather(town: Town, now: datetime):
    outage = town.scenario.outages[0]
    for tag, missing in (("HAFEN.PT01", 18), ("air_temperature", 0)):
        starts, _ = town.records.recorded(
            tag, _second(outage.start) - 86400, _second(outage.end) + 86400, _second(now)
        )
        gaps = np.diff(starts)
        step = town.records.series[tag].every
        assert int((gaps // step - 1).sum()) == missing


def test_a_counter_counts_what_flows(town: Town, now: datetime):
    end = _second(now) + 42
    day = town.records.total("shown/altstadt", end) - town.records.total("shown/altstadt", end - 86400)
    seconds = np.arange(end - 86400, end, 6, dtype=np.int64)
    assert day == pytest.approx(town.hydraulics.shown_inflow("altstadt", seconds).mean() * 24, rel=1e-6)
    assert town.records.total("shown/altstadt", _second(town.scenario.history_start)) == 0.0


def test_a_year_is_recorded_fast(town: Town, now: datetime):
    begun = datetime.now(UTC)
    town.records.recorded("NORDSTADT.FT01", 0, _second(now), _second(now))
    assert (datetime.now(UTC) - begun).total_seconds() < 5.0  # 0.1 s on an idle machine
