"""EN 50160 where something happened: dips and outages that are marked, weeks in part, voltages it has other rules for.

Expected counts are those of the blocks that were made so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cityctl.result import Result
from tests.analysis.conftest import rows_of, slots

CITY = """
name: Events
time_zone: Europe/Berlin
networks: {power: {kind: power}}
zones: {north: {network: power, kind: feeder}, ring: {network: power, voltage: 20 kV}}
points:
  l1: {unit: V, every: 10m, zone: north, role: voltage}
  l2: {unit: V, every: 10m, zone: north, role: voltage}
  distortion: {unit: "%", every: 10m, zone: north, role: thd}
  flicker: {unit: "", quantity: ratio, every: 2h, zone: north, role: plt}
  dip: {unit: state, kind: state, every: 10m, zone: north, role: flagged}
  swell: {unit: state, kind: state, every: 10m, zone: north, role: flagged}
  told: {unit: state, kind: state, zone: north, role: flagged}
  hourly: {unit: state, kind: state, every: 1h, zone: north, role: flagged}
  ring_u: {unit: kV, every: 10m, zone: ring, role: voltage}
"""
TIMES = slots("2026-01-04T23:00", "2026-01-11T23:00", 10)  # Monday 5 to Sunday 11 January, in Berlin
BAND, WIDE = "voltage within Un ± 10 %", "voltage within Un + 10 / - 15 %"
THD, PLT = "THD of the voltage at most 8 %", "flicker P_lt at most 1"


def asked(ask: Callable[..., Result], series: Any, *span: str) -> tuple[Result, Any]:
    found = ask("energy/power_quality", CITY, series, *(span or ("2026-01-05", "2026-01-12")))
    return found, {(row["point"], row["rule"]): row for row in rows_of(found, "weeks")}


def but(value: float, *changes: tuple[int, int, float]) -> Any:
    """A week of blocks of one value, others from some place to another."""
    made = np.full(1008, value)
    for begin, end, other in changes:
        made[begin:end] = other
    return made


def test_marks_of_dips_and_of_swells_count_both(ask: Callable[..., Result]) -> None:
    series = {
        "l1": (TIMES, but(231.0, (0, 30, 150.0), (30, 60, 280.0))),
        "dip": (TIMES, but(0.0, (0, 30, 1.0))),
        "swell": (TIMES, but(0.0, (30, 60, 1.0))),
    }
    _, rows = asked(ask, series)
    for rule in (BAND, WIDE):
        assert (rows["l1", rule]["flagged_blocks"], rows["l1", rule]["outside_blocks"]) == (60, 0)


def test_a_mark_that_is_told_once_holds_until_it_ends(ask: Callable[..., Result]) -> None:
    """On at 00:13 and off at 01:05 of local time: the blocks from 00:10 to 01:10, six of them."""
    stamps = np.array(["2026-01-04T23:13", "2026-01-05T00:05"], "datetime64[m]")
    series = {"l1": (TIMES, but(231.0, (1, 7, 150.0))), "told": (stamps, np.array([1.0, 0.0]))}
    _, rows = asked(ask, series)
    assert (rows["l1", WIDE]["flagged_blocks"], rows["l1", WIDE]["outside_blocks"]) == (6, 0)
    series["told"] = (stamps[:1], np.array([1.0]))  # never taken back: nothing is known of that week
    _, rows = asked(ask, series)
    assert rows["l1", WIDE]["verdict"].endswith("1007 of 1008 blocks flagged")


def test_a_mark_of_an_hour_holds_for_the_hour(ask: Callable[..., Result]) -> None:
    hours = TIMES[::6]
    series = {
        "l1": (TIMES, but(231.0, (6, 12, 150.0))),
        "hourly": (hours, (np.arange(len(hours)) == 1) * 1.0),
    }
    _, rows = asked(ask, series)
    assert (rows["l1", WIDE]["flagged_blocks"], rows["l1", WIDE]["outside_blocks"]) == (6, 0)


def test_what_is_read_while_supply_is_off_is_no_distortion(ask: Callable[..., Result]) -> None:
    """Ten hours without supply: 60 blocks of voltage and distortion, and the six of two hours that they touch."""
    series = {
        "l1": (TIMES, but(231.0, (100, 160, 0.0))),
        "l2": (TIMES, but(231.0)),
        "distortion": (TIMES, but(3.0, (100, 160, 60.0))),
        "flicker": (TIMES[::12], np.where(np.isin(np.arange(84), np.arange(8, 14)), 4.0, 0.5)),
    }
    found, rows = asked(ask, series)
    assert found.findings == []
    assert (rows["distortion", THD]["flagged_blocks"], rows["distortion", THD]["allowed_blocks"]) == (60, 47)
    assert (rows["flicker", PLT]["flagged_blocks"], rows["flicker", PLT]["outside_blocks"]) == (6, 0)
    assert rows["l2", BAND]["flagged_blocks"] == 0  # the other phase was there, and is judged


def test_what_fails_whatever_was_lost_fails(ask: Callable[..., Result]) -> None:
    """51 blocks outside are more than any week allows; 50 are not, and one block is too many for the wide band."""
    values = but(231.0, (0, 51, 206.0), (60, 61, 190.0))
    _, rows = asked(ask, {"l1": (TIMES[:500], values[:500])})
    assert rows["l1", BAND]["verdict"].startswith("FAILS")
    assert "52 of 500 blocks outside, 50 allowed; 500 of 1008 recorded" in rows["l1", BAND]["verdict"]
    assert rows["l1", WIDE]["verdict"].startswith("FAILS")
    _, rows = asked(ask, {"l1": (TIMES[2:500], values[2:500])})
    assert rows["l1", BAND]["verdict"].startswith("NOT ASSESSABLE")


def test_distortion_by_the_minute_is_a_root_of_mean_squares(ask: Callable[..., Result]) -> None:
    """IEC 61000-4-30, 4.4: five minutes of 2 % and five of 12 % are 8.602 %, above 8 %; their mean is 7 %."""
    minutes = slots("2026-01-04T23:00", "2026-01-11T23:00", 1)
    city = CITY.replace('"%", every: 10m', '"%", every: 1m')
    values = np.where(np.arange(len(minutes)) % 10 < 5, 2.0, 12.0)
    found = ask("energy/power_quality", city, {"distortion": (minutes, values)}, "2026-01-05", "2026-01-12")
    (row,) = rows_of(found, "weeks")
    assert row["worst_mean"] == pytest.approx(np.sqrt((2**2 + 12**2) / 2))
    assert row["outside_blocks"] == 1008


def test_below_zero_stands_for_no_value(ask: Callable[..., Result]) -> None:
    """60 of 1 008 blocks hold -1: they are lost, not beyond a limit, and more than 5 % of the week."""
    _, rows = asked(ask, {"distortion": (TIMES, but(3.0, (0, 60, -1.0)))})
    assert rows["distortion", THD]["verdict"].startswith("NOT ASSESSABLE")
    assert rows["distortion", THD]["outside_blocks"] == 0


def test_medium_voltage_has_other_rules(ask: Callable[..., Result]) -> None:
    """EN 50160:2010 judges 20 kV by clause 5: 99 % of the means within 10 %."""
    found, rows = asked(ask, {"ring_u": (TIMES, but(20_000.0)), "l1": (TIMES, but(231.0))})
    assert {point for point, _ in rows} == {"l1"}
    assert "20 000 V nominal" in {one.what: one.why for one in found.completeness.missing}["ring_u"]


@pytest.mark.parametrize(
    ("until", "said"),
    [("2026-01-12", None), ("2026-01-15", "judged: 1 whole week of the interval; 3 d after lie in none")],
)
def test_days_in_no_whole_week_are_told(ask: Callable[..., Result], until: str, said: str | None) -> None:
    found, _ = asked(ask, {"l1": (TIMES, but(231.0))}, "2026-01-05", until)
    told = [note for note in found.notes if "whole week" in note and "judged" in note]
    assert (said is None and not told) or (said is not None and said in told[0])
