from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from cityctl.sim.town.records import QUARTER
from cityctl.sim.town.scenario import Scenario
from cityctl.sim.town.whole import Town
from cityctl.sim.truth import Truth, truth


@pytest.fixture(scope="module")
def told(town: Town, now: datetime) -> Truth:
    return truth(town, now)


def test_the_burst_in_the_records_is_the_one_that_is_told(town: Town, told: Truth, now: datetime):
    """Recorded inflow of the zone, less the inflow of a city of the same seed without the burst (its faults
    placed a month later), is the volume that the truth says."""
    burst = next(leak for leak in told.leaks if leak.kind == "burst")
    later = Town(Scenario(town.scenario.day + timedelta(days=30)), now.timestamp)
    start, end = int(burst.start.timestamp()) // QUARTER * QUARTER, int(now.timestamp())
    with_, without = (one.records.recorded("HAFEN.FT01", start, end, end)[1] for one in (town, later))
    assert (with_ - without).sum() / 4.0 == pytest.approx(burst.lost_m3, rel=0.001)
    assert burst.night_flow_m3h == pytest.approx(12.6, abs=0.2)


def test_the_savings_in_the_meters_are_those_that_are_told(town: Town, told: Truth, now: datetime):
    """The meters of the same seed, with the work done later than now, are the true counterfactual."""
    later = Town(Scenario(town.scenario.day + timedelta(days=400)), now.timestamp)
    assert len(told.savings) == 5
    for saving in told.savings:
        begin = datetime(saving.date.year, saving.date.month, saving.date.day, tzinfo=town.scenario.zone)
        hours = np.arange(int(begin.timestamp()), int(now.timestamp()), 3600, dtype=np.int64)
        used, without = (one.loads[saving.building].energy(hours).sum() for one in (town, later))
        assert without - used == pytest.approx(saving.saved_kwh, rel=1e-9)
        assert 1.0 - used / without == pytest.approx(saving.share, rel=1e-9)
    shares = {saving.building: saving.share for saving in told.savings}
    assert shares["pool"] < -0.05
    assert min(share for name, share in shares.items() if name != "pool") > 0.05


def test_the_other_faults_are_told(town: Town, told: Truth):
    assert [sensor.zone for sensor in told.stuck_sensors] == ["weststadt"]
    assert told.healthy_zones == ("altstadt",)
    assert [building.building for building in told.wasteful_buildings] == ["depot"]
    assert {pump.pump: pump.badly_run for pump in told.pumps} == {"pump_1": False, "pump_2": True}
    good, bad = told.pumps
    assert good.wire_to_water > 0.6 > 0.5 > bad.wire_to_water
    # 0.002725 kWh a m³ and metre of head over the efficiency, for the 55 m of this plant
    assert bad.specific_energy_kwh_m3 == pytest.approx(0.002725 * 55 / bad.wire_to_water, rel=0.05)


def test_the_truth_is_plain_json(told: Truth):
    assert json.loads(json.dumps(told.described()))["leaks"][0]["zone"] == "hafen"


@pytest.mark.parametrize(
    "now",
    [
        datetime(2026, 3, 29, 1, 30, tzinfo=UTC),  # within the hour after the clocks were put forward
        datetime(2026, 10, 25, 12, tzinfo=UTC),
        datetime(2027, 1, 1, 0, 10, tzinfo=UTC),
        datetime(2028, 2, 29, 18, tzinfo=UTC),
    ],
)
def test_any_day_shows_the_faults(now: datetime):
    scenario = Scenario.at(now)
    burst = next(leak for leak in scenario.leaks if leak.kind == "burst")
    # at least four whole nights with the burst, and its first one among the last seven days
    assert timedelta(days=4, hours=10) < now - burst.start < timedelta(days=5, hours=12)
    assert scenario.stuck_sensors[0].start < now - timedelta(days=2)
    for done in scenario.interventions:
        assert (scenario.day - done.date).days >= 80
        assert (done.date - scenario.history_start.astimezone(scenario.zone).date()).days >= 400
    told = truth(Town(scenario, now.timestamp), now)
    assert 12.0 < told.leaks[0].night_flow_m3h < 13.0
