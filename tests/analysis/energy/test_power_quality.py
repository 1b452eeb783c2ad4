"""EN 50160 by week: counts that can be told by hand, on both sides of each edge."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cityctl.analysis.energy.grid.voltage_quality import RULES, blocks, judge
from cityctl.errors import UsageProblem
from cityctl.result import Result
from tests.analysis.conftest import rows_of, slots

CITY = """
name: Feeders
time_zone: Europe/Berlin
networks: {power: {kind: power}}
zones: {north: {network: power, kind: feeder}, hall: {network: power, voltage: 400 V}}
points:
  l1: {unit: V, every: 10m, zone: north, role: voltage}
  l2: {unit: V, every: 1m, zone: north, role: voltage}
  uneven: {unit: "%", every: 10m, zone: north, role: unbalance}
  flicker: {unit: "", quantity: ratio, every: 2h, zone: north, role: plt}
  short: {unit: "", quantity: ratio, every: 10m, zone: north, role: pst}
  distortion: {unit: "%", every: 10m, zone: north, role: thd}
  event: {unit: state, kind: state, every: 10m, zone: north, role: flagged}
  l12: {unit: V, every: 10m, zone: hall, role: voltage}
"""
WEEK = ("2026-01-04T23:00", "2026-01-11T23:00")  # Monday 5 to Sunday 11 January, in Berlin


def asked(ask: Callable[..., Result], series: Any, *span: str, **parameters: Any) -> tuple[Result, Any]:
    found = ask("energy/power_quality", CITY, series, *(span or ("2026-01-05", "2026-01-12")), **parameters)
    return found, {(row["point"], row["rule"]): row for row in rows_of(found, "weeks")}


def voltage(bad: int, value: float, size: int = 1008) -> Any:
    volts = np.full(size, 231.0)
    volts[:bad] = value
    return volts


@pytest.mark.parametrize(("bad", "said", "left"), [(50, "passes", 0), (51, "FAILS", -1)])
def test_fifty_of_1008_blocks_may_lie_outside(
    ask: Callable[..., Result], bad: int, said: str, left: int
) -> None:
    found, rows = asked(ask, {"l1": (slots(*WEEK, 10), voltage(bad, 206.0))})  # 206 V: 10.4 % below
    row = rows["l1", "voltage within Un ± 10 %"]
    assert row["verdict"].startswith(said)
    assert (row["blocks"], row["outside_blocks"], row["allowed_blocks"], row["allowance_left"]) == (
        1008,
        bad,
        50,
        left,
    )
    assert row["worst_mean"] == pytest.approx(206.0)
    assert "EN 50160, 4.2.2" in row["verdict"]
    assert rows["l1", "voltage within Un + 10 / - 15 %"]["verdict"].startswith("passes")
    assert len(found.findings) == (bad > 50)


@pytest.mark.parametrize(
    ("value", "said"), [(195.5, "passes"), (195.4, "FAILS"), (253.0, "passes"), (253.1, "FAILS")]
)
def test_no_block_may_leave_the_wide_band(ask: Callable[..., Result], value: float, said: str) -> None:
    """230 V - 15 % = 195.5 V; 230 V + 10 % = 253 V: the edge itself is inside."""
    _, rows = asked(ask, {"l1": (slots(*WEEK, 10), voltage(1, value))})
    assert rows["l1", "voltage within Un + 10 / - 15 %"]["verdict"].startswith(said)


def test_flagged_blocks_are_left_out_and_lower_the_allowance(ask: Callable[..., Result]) -> None:
    """20 of 1 008 flagged leave 988 blocks, of which 49 may lie outside."""
    quality = np.zeros(1008, np.uint8)
    quality[:10] = 2
    state = np.zeros(1008)
    state[10:15] = 1
    volts = voltage(15, 150.0)
    volts[15:20] = 3.0  # an interruption: below 5 % of 230 V
    series = {"l1": (slots(*WEEK, 10), volts), "event": (slots(*WEEK, 10), state)}
    _, rows = asked(ask, series, quality={"l1": quality})
    row = rows["l1", "voltage within Un ± 10 %"]
    assert (row["flagged_blocks"], row["valid_blocks"], row["allowed_blocks"]) == (20, 988, 49)
    assert row["outside_blocks"] == 0
    assert row["block_coverage"] == 1.0


def test_a_week_with_too_few_blocks_is_not_assessable(ask: Callable[..., Result]) -> None:
    times = slots(*WEEK, 10)
    found, rows = asked(ask, {"l1": (times[:500], voltage(50, 200.0, 500))})
    assert rows["l1", "voltage within Un ± 10 %"]["verdict"] == (
        "NOT ASSESSABLE: voltage within Un ± 10 % for 95 % of the week (EN 50160, 4.2.2): 500 of 1008 blocks recorded"
    )
    assert found.findings == []
    assert found.exit_code() != 0
    _, strict = asked(ask, {"l1": (times[1:], voltage(0, 0, 1007))}, least="100 %")
    assert {row["verdict"][:14] for row in strict.values()} == {"NOT ASSESSABLE"}
    _, rows = asked(ask, {"l1": (times[10:], voltage(45, 200.0, 998))})  # 10 lost + 45 outside > 50
    assert "45 blocks outside, 10 lost" in rows["l1", "voltage within Un ± 10 %"]["verdict"]


def test_a_block_of_half_its_readings_is_none() -> None:
    """80 % of two readings are two, of ten eight; of a reading each 7 min a block has one or two: one is enough."""
    minute = 60_000_000

    def kept(each: int, *at: int) -> bool:
        stamps = np.array(at) * minute
        return bool(np.isfinite(blocks(stamps, np.full(len(at), 230.0), 0, 1, 10, 60.0 * each, "square")[0]))

    assert (kept(5, 0), kept(5, 0, 5)) == (False, True)
    assert (kept(1, *range(7)), kept(1, *range(8))) == (False, True)
    assert (kept(7, 3), kept(10, 0)) == (True, True)


def test_minutes_become_root_mean_squares_of_ten(ask: Callable[..., Result]) -> None:
    """Five minutes of 200 V and five of 260 V: the root of the mean square is 231.95 V, the mean 230 V."""
    times = slots(*WEEK, 1)
    volts = np.where(np.arange(len(times)) % 10 < 5, 200.0, 260.0)
    _, rows = asked(ask, {"l2": (times, volts)})
    row = rows["l2", "voltage within Un ± 10 %"]
    assert row["worst_mean"] == pytest.approx(np.sqrt((200**2 + 260**2) / 2))
    assert (row["valid_blocks"], row["outside_blocks"]) == (1008, 0)


def test_flicker_of_two_hours(ask: Callable[..., Result]) -> None:
    """84 blocks of two hours: 4 may lie outside. P_st of 1.2 for one in 12, else 0.6: the cubic mean."""
    plt = np.full(84, 0.5)
    plt[:5] = 1.01
    short = np.full(1008, 0.6)
    short[::12] = 1.2
    series = {"flicker": (slots(*WEEK, 120), plt), "short": (slots(*WEEK, 10), short)}
    _, rows = asked(ask, series)
    row = rows["flicker", "flicker P_lt at most 1"]
    assert (row["blocks"], row["allowed_blocks"], row["outside_blocks"]) == (84, 4, 5)
    assert row["verdict"].startswith("FAILS")
    worst = rows["short", "flicker P_lt at most 1"]["worst_mean"]
    assert worst == pytest.approx(((11 * 0.6**3 + 1.2**3) / 12) ** (1 / 3))


def test_unbalance_and_distortion(ask: Callable[..., Result]) -> None:
    uneven, distortion = np.full(1008, 1.9), np.full(1008, 7.9)
    uneven[:51], distortion[:50] = 2.1, 8.1
    series = {"uneven": (slots(*WEEK, 10), uneven), "distortion": (slots(*WEEK, 10), distortion)}
    _, rows = asked(ask, series)
    assert rows["uneven", "unbalance at most 2 %"]["verdict"].startswith("FAILS")
    assert rows["distortion", "THD of the voltage at most 8 %"]["verdict"].startswith("passes")


def test_the_nominal_voltage_comes_from_the_zone_and_is_doubted(ask: Callable[..., Result]) -> None:
    times = slots(*WEEK, 10)
    found, rows = asked(ask, {"l12": (times, np.full(1008, 401.0)), "l1": (times, np.full(1008, 401.0))})
    assert rows["l12", "voltage within Un ± 10 %"]["verdict"].startswith("passes")
    assert "401 V against 230 V" in {one.what: one.why for one in found.completeness.missing}["l1"]


def test_weeks_of_a_clock_change_and_of_no_monday(ask: Callable[..., Result]) -> None:
    times = slots("2026-03-22T23:00", "2026-03-29T22:00", 10)  # 167 hours
    _, rows = asked(ask, {"l1": (times, np.full(len(times), 230.0))}, "2026-03-23", "2026-03-30")
    assert rows["l1", "voltage within Un ± 10 %"]["blocks"] == 1002
    assert rows["l1", "voltage within Un ± 10 %"]["block_coverage"] == 1.0
    times = slots("2026-01-06T23:00", "2026-01-13T23:00", 10)  # Wednesday to Wednesday
    _, rows = asked(ask, {"l1": (times, np.full(1008, 230.0))}, "2026-01-07", "2026-01-14")
    assert rows["l1", "voltage within Un ± 10 %"]["valid_blocks"] == 1008
    times = slots("2026-03-24T23:00", "2026-03-31T22:00", 10)  # Wednesday to Wednesday, over the change
    _, rows = asked(ask, {"l1": (times, np.full(1002, 230.0))}, "2026-03-25", "2026-04-01")
    assert rows["l1", "voltage within Un ± 10 %"]["blocks"] == 1002
    with pytest.raises(UsageProblem, match="no whole week"):
        asked(ask, {"l1": (times, np.full(1002, 230.0))}, "2026-01-07", "2026-01-13")


def test_a_block_needs_most_of_its_readings() -> None:
    at = np.arange(0, 1_200_000_000, 60_000_000)  # 20 minutes by the minute
    kept = np.concatenate([at[:8], at[10:17]])
    found = blocks(kept, np.full(15, 230.0), 0, 2, 10, 60.0, "square")
    assert found[0] == pytest.approx(230.0)
    assert np.isnan(found[1])


def test_a_week_that_is_mostly_flagged_is_not_assessable() -> None:
    marked = np.zeros(1008, bool)
    marked[:505] = True
    week = judge(RULES["voltage"][0], np.ones(1008), marked, 0.95)
    assert week.fails is None
    assert week.why == "505 of 1008 blocks flagged"


def test_a_unit_that_does_not_fit_its_role_is_named(ask: Callable[..., Result]) -> None:
    """P_lt in the unit `1` is one of parts and is taken; an ampere is no voltage, and is not passed over."""
    text = CITY.replace('unit: "", quantity: ratio, every: 2h', 'unit: "1", every: 2h').replace(
        "unit: V", "unit: A"
    )
    series = {"flicker": (slots(*WEEK, 120), np.full(84, 50.0))}  # the store keeps parts in per cent
    found = ask("energy/power_quality", text, series, "2026-01-05", "2026-01-12")
    assert rows_of(found, "weeks")[0]["worst_mean"] == pytest.approx(0.5)
    assert any(
        "is about voltage, and its unit A is one of current" in one.why for one in found.completeness.missing
    )
