"""Substations by hand: volumes, heats and temperatures whose excess flow can be told, and meters that do not fit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cityctl.analysis.energy.heating.excess_flow import excess_flow, register_difference
from cityctl.result import Result
from tests.analysis.conftest import rows_of, slots

CITY = """
name: Heat
time_zone: Europe/Berlin
networks: {heat: {kind: heat}}
zones: {town: {network: heat}, school: {network: heat, parent: town}, pool: {network: heat, parent: town}}
assets: {sub: {kind: substation, zone: town}}
points:
  plant: {unit: MWh, kind: counter, every: 1h, zone: town, role: supply}
  school-heat: {unit: kWh, kind: counter, every: 1h, zone: school, role: consumption}
  school-volume: {unit: m3, kind: counter, every: 1h, zone: school}
  school-supply: {unit: degC, every: 30m, zone: school, role: supply}
  school-return: {unit: degC, every: 30m, zone: school, role: return}
  pool-heat: {unit: kW, every: 1h, zone: pool, role: consumption}
  pool-flow: {unit: m3/h, every: 1h, zone: pool}
  sub-heat: {unit: GJ, kind: counter, every: 1d, asset: sub, role: consumption}
  sub-volume: {unit: m3, kind: counter, every: 1d, asset: sub}
  sub-warm: {unit: m3*degC, kind: counter, every: 1d, asset: sub, role: supply}
  sub-cold: {unit: m3*degC, kind: counter, every: 1d, asset: sub, role: return}
"""
SPAN = ("2026-01-05", "2026-01-09")
TIMES = slots("2026-01-04T23:00", "2026-01-09T00:00", 60)  # 96 hours in Berlin, and the reading after them
DAYS = slots("2026-01-04T23:00", "2026-01-09T00:00", 1440)
HALVES = slots("2026-01-04T23:00", "2026-01-09T00:00", 30)


def series() -> dict[str, Any]:
    """School: 2 m³/h by day at 80/65 °C and 1 by night at 80/50; pool: 1 m³/h, 30 K; sub: 24 m³ a day, 40 K.

    Heat is 1.16 x volume x difference; the plant feeds a tenth more than is taken.
    """
    day = np.arange(len(TIMES)) % 24 < 12
    volume, difference = np.where(day, 2.0, 1.0), np.where(day, 15.0, 30.0)
    school = 1.16 * volume * difference
    taken = school + 1.16 * 30 + 1.16 * 40
    return {
        "plant": (TIMES, np.concatenate([[0], np.cumsum(taken / 0.9)[:-1]])),
        "school-heat": (TIMES, np.concatenate([[0], np.cumsum(school)[:-1]])),
        "school-volume": (TIMES, np.concatenate([[0], np.cumsum(volume)[:-1]])),
        "school-supply": (HALVES, np.full(len(HALVES), 80.0)),
        "school-return": (HALVES, 80 - np.repeat(difference, 2)[: len(HALVES)]),
        "pool-heat": (TIMES, np.full(len(TIMES), 1.16 * 30)),
        "pool-flow": (TIMES, np.ones(len(TIMES))),
        "sub-heat": (DAYS, 1.16 * 24 * 40 * np.arange(len(DAYS))),
        "sub-volume": (DAYS, 24.0 * np.arange(len(DAYS))),
        "sub-warm": (DAYS, 24.0 * 85 * np.arange(len(DAYS))),
        "sub-cold": (DAYS, 24.0 * 45 * np.arange(len(DAYS))),
    }


def asked(ask: Callable[..., Result], data: Any, **parameters: Any) -> tuple[Result, dict[Any, Any]]:
    found = ask("energy/heat", CITY, data, *SPAN, **parameters)
    return found, {row["substation"]: row for row in rows_of(found, "substations")}


def test_substations_are_ranked_by_excess_flow(ask: Callable[..., Result]) -> None:
    """School: 96 and 48 m³ at 15 and 30 K: 1.16 x 2 880 kWh need 96 m³ at 30 K, 48 m³ are too many; 20 K by volume."""
    found, rows = asked(ask, series())
    assert list(rows) == ["school", "pool", "sub"]
    school = rows["school"]
    assert school["flow_m3"] == pytest.approx(144.0)
    assert school["delta_t"] == pytest.approx(20.0)
    assert school["return_c"] == pytest.approx(60.0)  # (96 x 65 + 48 x 50) / 144; a plain mean says 57.5
    assert school["excess_m3"] == pytest.approx(48.0)
    assert school["excess_share"] == pytest.approx(1 / 3)
    assert school["excess_of_all"] == pytest.approx(1.0)
    assert school["verdict"] == "EXCESS FLOW 48 m³, 33 % of its volume: 20.0 K where 30 K are wanted"
    assert rows["pool"]["excess_m3"] == pytest.approx(0.0, abs=1e-9)
    assert rows["sub"]["excess_m3"] == pytest.approx(96 - 96 * 40 / 30)
    assert rows["sub"]["delta_t"] == pytest.approx(40.0)
    assert {row["heat_metered"] for row in rows.values()} == {1.0}
    (finding,) = found.findings
    assert (finding.evidence["zone"], finding.evidence["meter"]) == ("school", "school-heat")
    assert (finding.evidence["excess_m3"], finding.evidence["delta_t"]) == pytest.approx((48.0, 20.0))
    assert found.completeness.complete
    _, rows = asked(ask, series(), wanted=40)
    assert rows["pool"]["excess_share"] == pytest.approx(0.25)


def test_plots_show_how_each_day_was_cooled(ask: Callable[..., Result]) -> None:
    """School: each day 24 m³ at 15 K and 12 at 30 are 20 K by volume, and go back with 60 °C; the pool rests once."""
    data = series()
    times, flow = data["pool-flow"]
    silent = (times >= np.datetime64("2026-01-06T23:00")) & (times < np.datetime64("2026-01-07T23:00"))
    data["pool-flow"] = (times[~silent], flow[~silent])
    difference, back = asked(ask, data)[0].plots
    assert (difference.unit, back.unit) == ("K", "degC")
    told = {line.label: line.values for line in difference.lines}
    assert told["school"] == pytest.approx([20.0] * 4)
    assert told["pool"] == [pytest.approx(30.0), pytest.approx(30.0), None, pytest.approx(30.0)]
    assert told["wanted"] == [30.0] * 4
    (school,) = back.lines  # the only one with a return temperature
    assert school.values == pytest.approx([60.0] * 4)
    assert asked(ask, data, plots=0)[0].plots == []


def test_the_network_loses_a_tenth(ask: Callable[..., Result]) -> None:
    found, _ = asked(ask, series())
    (town,) = rows_of(found, "networks")
    assert town["balance_days"] == 4
    assert town["heat_loss_share"] == pytest.approx(0.1)
    taken = 1.16 * 2880 + 96 * 1.16 * 70
    assert town["heat_taken_kwh"] == pytest.approx(taken)
    data = series()
    del data["pool-heat"]
    found, _ = asked(ask, data)
    (town,) = rows_of(found, "networks")
    assert town["verdict"] == "NOT ASSESSABLE: no whole day of pool-heat"
    assert town["heat_loss_share"] is None
    assert {one.what: one.why for one in found.completeness.missing}[
        "pool"
    ] == "no hour or day with both volume and heat"


def test_meters_that_do_not_fit_are_named(ask: Callable[..., Result]) -> None:
    data = series()
    data["school-supply"] = (HALVES, np.full(len(HALVES), 76.0))  # a sensor 4 K low: 16 K of 20 K
    data["pool-flow"] = (TIMES, np.full(len(TIMES), 0.1))  # a tenth of the flow: 300 K
    data["sub-warm"] = (DAYS, 24.0 * 95 * np.arange(len(DAYS)))  # the registers say 50 K, the heat 40 K
    _, rows = asked(ask, data)
    assert rows["school"]["verdict"].startswith("DOUBTFUL: volume and temperatures mean -20 % of its heat")
    assert rows["pool"]["verdict"] == "IMPLAUSIBLE: its heat and volume mean 300 K: check their units"
    assert rows["sub"]["heat_check"] == pytest.approx(0.25)


def test_registers_need_the_volume_of_a_register(ask: Callable[..., Result]) -> None:
    """Beside a flow of 1 m³/h the rises of m³ x °C (80 and 50 each hour) are no differences; the heat tells 30 K."""
    city = CITY.replace(
        "  sub-heat:",
        "  pool-warm: {unit: m3*degC, kind: counter, every: 1h, zone: pool, role: supply}\n"
        "  pool-cold: {unit: m3*degC, kind: counter, every: 1h, zone: pool, role: return}\n  sub-heat:",
    )
    data = series()
    data["pool-flow"] = (TIMES, 1 + 0.5 * (np.arange(len(TIMES)) % 2))
    data["pool-heat"] = (TIMES, 1.16 * 30 * (1 + 0.5 * (np.arange(len(TIMES)) % 2)))
    data["pool-warm"], data["pool-cold"] = ((TIMES, step * np.arange(len(TIMES))) for step in (100.0, 62.5))
    found = ask("energy/heat", city, data, *SPAN)
    row = next(row for row in rows_of(found, "substations") if row["substation"] == "pool")
    assert row["delta_t"] == pytest.approx(30.0)
    assert row["verdict"] == "normal"


def test_an_hour_counts_as_metered_for_as_long_as_it_was(ask: Callable[..., Result]) -> None:
    """One quarter of each hour is there of both: 25 % are metered, and the figures are of these."""
    city = CITY.replace("every: 1h, zone: pool", "every: 15m, zone: pool")
    quarters = slots("2026-01-04T23:00", "2026-01-09T00:00", 60)
    data = {
        "pool-heat": (quarters, np.full(len(quarters), 34.8)),
        "pool-flow": (quarters, np.ones(len(quarters))),
    }
    found = ask("energy/heat", city, data, *SPAN)
    row = next(row for row in rows_of(found, "substations") if row["substation"] == "pool")
    assert row["heat_metered"] == pytest.approx(0.25)
    assert row["flow_m3"] == pytest.approx(24.0)
    said = {one.what: one.why for one in found.completeness.missing}
    assert said["pool"] == "volume and heat are metered in 25 % of the interval"


def test_a_new_meter_does_not_count_backwards() -> None:
    """The registers of a new meter begin at zero: that step is left out."""
    volume = np.array([100.0, 110, 0, 10])
    assert register_difference(volume, volume * 80, volume * 45) == pytest.approx(35.0)
    assert register_difference(volume[:1], volume[:1], volume[:1]) is None


def test_without_temperatures_the_heat_tells() -> None:
    """116 kWh from 10 m³: 10 K, and at 40 K 2.5 m³ would do."""
    nothing = np.array([np.nan])
    found = excess_flow(np.array([10.0]), np.array([116.0]), nothing, nothing, 40.0)
    assert found is not None
    assert found.difference == pytest.approx(10.0)
    assert found.excess == pytest.approx(7.5)
    assert found.apart is None
    assert excess_flow(np.array([0.0]), np.array([0.0]), nothing, nothing, 40.0) is None


def test_a_wrong_unit_tops_no_list_and_gaps_are_told(ask: Callable[..., Result]) -> None:
    """The pool's flow a hundred times too large is no excess flow; half of the school's volume is missing."""
    data = series()
    data["pool-flow"] = (TIMES, np.full(len(TIMES), 100.0))
    data["pool-heat"] = (TIMES, np.full(len(TIMES), -5.0))
    times, volume = data["school-volume"]
    data["school-volume"] = (times[:49], volume[:49])
    found, rows = asked(ask, data)
    assert rows["pool"]["verdict"].startswith("IMPLAUSIBLE")
    assert (next(iter(rows)), list(rows)[-1]) == ("school", "pool")
    assert rows["pool"]["excess_of_all"] is None
    assert found.summary == "24 m³ of excess flow in 1 of 3 substations"
    assert {one.what: one.why for one in found.completeness.missing}["school"] == (
        "volume and heat are metered in 50 % of the interval"
    )


def test_a_meter_that_is_read_once_a_day_is_whole_on_the_day_of_25_hours(ask: Callable[..., Result]) -> None:
    """Midnights of Berlin from 24 to 27 October: 22:00 UTC, and 23:00 after the clocks went back."""
    stamps = ("2026-10-23T22:00", "2026-10-24T22:00", "2026-10-25T23:00", "2026-10-26T23:00")
    midnights = np.array(stamps, "datetime64[m]")
    hours = slots("2026-10-23T22:00", "2026-10-27T00:00", 60)
    data = {
        "plant": (hours, 50.0 * np.arange(len(hours))),
        "sub-heat": (midnights, 1080.0 * np.arange(4)),
        "sub-volume": (midnights, 24.0 * np.arange(4)),
    }
    city = CITY
    for name in ("school-heat", "school-volume", "school-supply", "school-return", "pool-heat", "pool-flow"):
        city = "\n".join(line for line in city.split("\n") if not line.strip().startswith(f"{name}:"))
    found = ask("energy/heat", city, data, "2026-10-24", "2026-10-27")
    (row,) = rows_of(found, "networks")
    assert (row["balance_days"], row["uneven_days"]) == (3, 0)
    assert row["heat_taken_kwh"] == pytest.approx(3 * 1080)
    assert row["heat_fed_kwh"] == pytest.approx(73 * 50)


def test_every_heat_meter_of_a_zone_is_taken_from_the_network(ask: Callable[..., Result]) -> None:
    """A second meter in the pool's zone is none of the losses; which of the two the volume belongs to, nobody knows."""
    text = CITY.replace(
        "  pool-flow:", "  pool-slide: {unit: kW, every: 1h, zone: pool, role: consumption}\n  pool-flow:"
    )
    data = series()
    fed, values = data["plant"]
    data["pool-slide"] = (TIMES, np.full(len(TIMES), 9.0))
    data["plant"] = (fed, values + 10.0 * np.arange(len(TIMES)))  # of which a tenth is lost
    found = ask("energy/heat", text, data, *SPAN)
    (town,) = rows_of(found, "networks")
    assert town["heat_taken_kwh"] == pytest.approx(1.16 * 2880 + 96 * 1.16 * 70 + 96 * 9)
    assert town["heat_loss_share"] == pytest.approx(0.1)
    assert {one.what: one.why for one in found.completeness.missing} == {
        "pool": "2 meters of heat in it: an asset for each tells which volume is whose"
    }


def test_a_day_of_a_zone_with_quarter_hours_is_its_own(ask: Callable[..., Result]) -> None:
    """Kathmandu's day begins at 18:15 UTC: its 24 hours of 1 m³, not one of the day after in place of its first."""
    text = CITY.replace("Europe/Berlin", "Asia/Kathmandu")
    times = slots("2026-01-04T17:15", "2026-01-05T20:15", 60)
    flow = np.where(
        (times >= np.datetime64("2026-01-04T18:15")) & (times < np.datetime64("2026-01-05T18:15")), 1.0, 9.0
    )
    series = {"pool-flow": (times, flow), "pool-heat": (times, 1.16 * 30 * flow)}
    found = ask("energy/heat", text, series, "2026-01-05", "2026-01-06")
    row = next(row for row in rows_of(found, "substations") if row["substation"] == "pool")
    assert (row["flow_m3"], row["heat_metered"]) == pytest.approx((24, 1))


def test_heat_that_is_fed_in_and_told_twice_counts_once(ask: Callable[..., Result]) -> None:
    """The plant's power beside its counter: a tenth is lost all the same."""
    data = series()
    times, count = data["plant"]
    data["plant-kw"] = (times[:-1], np.diff(count))
    city = CITY + "  plant-kw: {unit: kW, every: 1h, zone: town, role: supply}\n"
    found = ask("energy/heat", city, data, *SPAN)
    (row,) = rows_of(found, "networks")
    assert row["heat_loss_share"] == pytest.approx(0.1, abs=1e-6)
    assert [(one.what, one.why.partition(":")[0]) for one in found.completeness.missing] == [
        ("plant-kw", "it tells what plant does")
    ]
