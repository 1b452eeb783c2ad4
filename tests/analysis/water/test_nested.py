"""Zones within zones: what their customers use, what flows in by night, and what is balanced, each counted once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cityctl.result import Result
from tests.analysis.conftest import rows_of, slots
from tests.analysis.water.test_balance import cells_of

HEAD = "name: Made\ntime_zone: UTC\nnetworks: {water: {kind: water}}\nzones:\n"
AROUND = "  around: {network: water, kind: supply, inflow: main}\n"
WITHIN = "  within: {network: water, kind: dma, parent: around, inflow: part}\n"
POINTS = """
points:
  main: {unit: m3/h, every: 30m}
  part: {unit: m3/h, every: 30m}
  one: {unit: m3/h, every: 30m, zone: around, role: consumption}
  two: {unit: m3/h, every: 30m, zone: within, role: consumption}
"""
NET = AROUND.replace("inflow: main", "inflow: main - part")


def made() -> dict[str, Any]:
    """10 m³/h into the zone around, 4 of them into the one within; customers use 5 beside it and 3 within it."""
    times = slots("2026-02-15", "2026-03-29", 30)
    rng = np.random.default_rng(6)
    flows = {"main": 10.0, "part": 4.0, "one": 5.0, "two": 3.0}
    return {name: (times, flow * (1 + 0.002 * rng.normal(0, 1, len(times)))) for name, flow in flows.items()}


@pytest.mark.parametrize("zones", [AROUND + WITHIN, WITHIN + AROUND], ids=["around first", "within first"])
def test_customers_of_a_zone_within_use_what_flows_into_the_one_around(
    ask: Callable[..., Result], zones: str
) -> None:
    """5 + 3 = 8 m³/h of 10 are used, 3 of 4 within; 10 m³/h flow in by night in all, in either order of city.yaml."""
    found = ask("water/night_use", HEAD + zones + POINTS, made(), "2026-03-01", "2026-03-28")
    told = {row["zone"]: row for row in rows_of(found, "night_parts")}
    assert told["around"]["used_by_night"] == pytest.approx(8, rel=0.01)
    assert told["around"]["use_from"] == "2 customer meters"
    assert told["within"]["used_by_night"] == pytest.approx(3, rel=0.01)
    assert found.summary == "2 zones, 10.0 m³/h by night in all"


@pytest.mark.parametrize("zones", [AROUND + WITHIN, WITHIN + AROUND], ids=["around first", "within first"])
def test_the_balances_of_both_zones_are_closed_by_their_customers(
    ask: Callable[..., Result], zones: str
) -> None:
    """A leak of 1 m³/h within, from 10 March on, flows into both; both are told by what is not metered."""
    series = made()
    late = series["main"][0] >= np.datetime64("2026-03-10")
    for name in ("main", "part"):
        times, flow = series[name]
        series[name] = (times, flow + 1.0 * late)
    found = ask("water/leaks", HEAD + zones + POINTS, series, "2026-03-01", "2026-03-28", history="28d")
    events = rows_of(found, "events")
    for zone in ("around", "within"):
        row = max((row for row in events if row["zone"] == zone), key=lambda one: float(one["flow_m3h"]))
        assert row["flow_m3h"] == pytest.approx(1, abs=0.1)
        assert row["evidence"].startswith("inflow less metered use rose")
        lies_in = "; within, which lies in it, has one since " in row["evidence"]
        assert lies_in == (zone == "around")


def test_what_an_inflow_takes_off_for_a_zone_is_not_used_in_it(ask: Callable[..., Result]) -> None:
    """A cascade: 10 - 4 = 6 m³/h stay in the zone around, of which 5 are used; both are balanced, 10 in and 8 used."""
    text = HEAD + NET + WITHIN + POINTS
    series = made()
    times, flow = series["main"]
    series["around/inflow"] = times, flow - series["part"][1]
    found = ask("water/night_use", text, series, "2026-03-01", "2026-03-28")
    told = {row["zone"]: row for row in rows_of(found, "night_parts")}
    assert told["around"]["used_by_night"] == pytest.approx(5, rel=0.01)
    assert found.summary == "2 zones, 10.0 m³/h by night in all"
    cells = cells_of(ask("water/balance", text, series, "2026-03-01", "2026-03-29"))
    assert cells["system_input"]["balance_volume"] == pytest.approx(28 * 24 * 10, rel=1e-3)
    assert cells["real"]["balance_volume"] == pytest.approx(28 * 24 * 2, rel=1e-2)
