"""Buildings with several fuels that were made: use that moves from gas to power is told with both, or with neither."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.analysis.conftest import rows_of
from tests.analysis.energy.town_hall import Ask, city, year

START = np.datetime64("2025-01-01")
BATHS = "  baths_kwh: {unit: kWh, kind: interval, every: 1h, zone: baths, role: consumption}"
TEXT = city().replace(
    BATHS, BATHS.replace("baths_kwh", "hall_gas").replace("zone: baths", "zone: hall, network: gas")
)
BOILER, PUMP = 0.9, 3.0  # efficiency of the boiler, and kWh of heat for each kWh of the heat pump


def building(moved: float) -> dict[str, Any]:
    """A gas boiler of which a heat pump takes over a share of the heat on 1 January 2025; 3 % of scatter by the day."""
    times, index, daily = year()
    rng = np.random.default_rng(14)
    after = np.arange(len(daily)) >= (START - np.datetime64("2023-12-30")).astype(int)
    gas = (30 + 20 * np.maximum(58 - daily, 0)) * (1 + 0.03 * rng.normal(0, 1, len(daily)))
    power = (300 + 3 * np.maximum(daily - 68, 0)) * (1 + 0.03 * rng.normal(0, 1, len(daily)))
    power += np.where(after, moved * gas * BOILER / PUMP, 0.0)
    gas *= np.where(after, 1 - moved, 1.0)
    return {
        "hall_gas": (times, gas[index] / 24),
        "hall_kwh": (times, power[index] / 24),
        "temperature": (times, (daily[index] - 32) / 1.8),
    }


def told(ask: Ask, series: dict[str, Any], text: str = TEXT) -> tuple[dict[str, str], Any, Any, Any]:
    """(verdict by meter, the building's row, the portfolio's, the result)."""
    result = ask("energy/savings", text, series, "2025-01-01", "2026-01-01")
    verdicts = {row["meter"]: row["verdict"] for row in rows_of(result, "savings")}
    (one,) = rows_of(result, "buildings")
    return verdicts, one, rows_of(result, "portfolio"), result


@pytest.mark.parametrize("moved", [0.9, 1.0])
def test_a_heat_pump_for_a_boiler_is_told_with_both_its_fuels(ask: Ask, moved: float) -> None:
    """Of each kWh of gas that is no longer burnt 0.9 / 3 kWh of power are taken: 70 % of it is saved."""
    series = building(moved)
    verdicts, one, (portfolio,), result = told(ask, series)
    assert verdicts["hall_gas"] == f"moved to power: use fell by {100 * moved:.0f} %"
    assert verdicts["hall_kwh"].startswith("moved from gas: use rose by 2")
    since = (series["hall_gas"][0] >= START) & (series["hall_gas"][0] < np.datetime64("2026-01-01"))
    gas = building(0.0)["hall_gas"][1][since].sum()
    assert one["avoided_kwh"] == pytest.approx(moved * gas * (1 - BOILER / PUMP), rel=0.02)
    assert one["avoided_low"] < one["avoided_kwh"] < one["avoided_high"]
    assert one["verdict"] == "proven, moved to power"
    assert (one["zone"], one["fuels"], one["meters"]) == ("hall", "gas, power", 2)
    assert portfolio["avoided_kwh"] == pytest.approx(one["avoided_kwh"])
    assert not result.findings  # nothing rose
    assert "2 moved between fuels in 1 building, 0 set apart, 0 cannot be judged" in result.summary


def test_use_that_rises_where_the_other_fuel_is_no_longer_read_is_not_booked(ask: Ask) -> None:
    series = building(1.0)
    times, gas = series["hall_gas"]
    series["hall_gas"] = (times[times < START], gas[times < START])
    verdicts, one, portfolio, _ = told(ask, series)
    assert verdicts["hall_kwh"].startswith("SET APART use rose by 23 % where hall_gas ended")
    assert one["verdict"] == "NOT ASSESSABLE hall_gas: no valid day since the measure"
    assert portfolio == []


def test_a_fuel_that_falls_where_a_meter_of_another_one_begins_is_not_booked(ask: Ask) -> None:
    """The heat pump has a meter of its own, which knows nothing of the time before it."""
    series, before = building(0.4), building(0.0)
    times, power = series["hall_kwh"]
    since = times >= START
    series["pump"] = (times[since], (power - before["hall_kwh"][1])[since])
    series["hall_kwh"] = before["hall_kwh"]
    text = TEXT.replace(
        "points:\n", "points:\n" + BATHS.replace("baths_kwh", "pump").replace("baths", "hall") + "\n"
    )
    verdicts, one, (portfolio,), _ = told(ask, series, text)
    assert verdicts["hall_gas"].startswith("SET APART use fell by 40 % where pump began")
    assert verdicts["hall_kwh"].startswith("not proven")
    assert one["verdict"] == "NOT ASSESSABLE pump: no readings before the measure"
    assert portfolio["meters"] == 1


def test_a_saving_of_one_fuel_alone_stays_what_it_is(ask: Ask) -> None:
    series = building(0.0)
    times, power = series["hall_kwh"]
    series["hall_kwh"] = (times, power * np.where(times >= START, 0.85, 1.0))
    verdicts, one, (portfolio,), _ = told(ask, series)
    assert verdicts["hall_kwh"] == "proven"
    assert verdicts["hall_gas"].startswith("not proven")
    assert one["verdict"] == "proven"
    assert one["avoided_kwh"] == pytest.approx(portfolio["avoided_kwh"])


def test_buildings_of_one_fuel_have_no_such_table(ask: Ask) -> None:
    series = building(0.0)
    gas = {"baths_kwh": series.pop("hall_gas")}
    result = ask("energy/savings", city(), series | gas, "2025-01-01", "2026-01-01")
    assert [table.key for table in result.tables] == ["savings", "portfolio"]
