"""PV by hand: ratios that were put in, limits that were set, and one plant that fell behind its neighbours."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cityctl.analysis.energy import solar
from cityctl.analysis.energy.sunlight.yields import Plant, Steps, days_below, perform
from cityctl.city.load import load
from cityctl.result import Result
from tests.analysis.conftest import days, rows_of, slots

CITY = """
name: Roofs
time_zone: UTC
networks: {power: {kind: power}}
zones: {depot: {network: power, kind: site}}
assets:
  a: {kind: pv, zone: depot, solar: {peak: 100 kW, inverter: 90 kW, temperature_coefficient: -0.4}}
  b: {kind: pv, zone: depot, solar: {peak: 50 kW}}
  c: {kind: pv, zone: depot, solar: {peak: 20 kW}}
points:
  a-power: {unit: kW, every: 15m, asset: a, role: generation}
  a-module: {unit: degC, every: 15m, asset: a, role: module}
  a-limit: {unit: "%", every: 15m, asset: a, role: limit}
  b-energy: {unit: kWh, kind: counter, every: 15m, asset: b, role: generation}
  c-energy: {unit: kWh, kind: interval, every: 15m, asset: c, role: generation}
  sun: {unit: W/m2, every: 15m, zone: depot}
"""
TIMES = slots("2026-06-01", "2026-06-15", 15)
HOUR = np.arange(len(TIMES)) / 4 % 24
DAY = np.arange(len(TIMES)) // 96
CLOUD = np.array([1, 0.6, 0.9, 0.3, 1, 0.8, 0.5, 0.95, 0.7, 1, 0.4, 0.85, 0.75, 0.9])
SUN = np.clip(900 * np.sin((HOUR - 5) / 14 * np.pi), 0, None) * (HOUR > 5) * (HOUR < 19) * CLOUD[DAY]


def asked(ask: Callable[..., Result], series: Any) -> tuple[Result, dict[Any, Any]]:
    found = ask("energy/solar", CITY, {"sun": (TIMES, SUN), **series}, "2026-06-01", "2026-06-15")
    return found, {row["plant"]: row for row in rows_of(found, "plants")}


def test_a_register_counts_to_the_end_of_an_interval_that_ends_by_day(
    ask: Callable[..., Result], project: Callable[[str], Path]
) -> None:
    """PR 75 % put in; a day of Tokyo ends at 15:00 UTC, in the sun: the reading then ends its last quarter."""
    text = CITY.replace("UTC", "Asia/Tokyo")
    city = load(project(text))
    read = solar.window(days("2026-06-02", "2026-06-03", city.zone_info), {}, city)
    end = np.datetime64(read.end.astimezone(UTC).replace(tzinfo=None), "us")
    seen = np.asarray(TIMES) < end
    counter = np.concatenate([[0], np.cumsum(0.75 * 50 * SUN / 1000 / 4)[:-1]])
    times = np.asarray(TIMES)[seen]
    series = {"sun": (times, SUN[seen]), "b-energy": (times, counter[seen])}
    (row,) = rows_of(ask("energy/solar", text, series, "2026-06-02", "2026-06-03"), "plants")
    assert row["generated_kwh"] == pytest.approx(0.75 * 50 * SUN[60:156].sum() / 4000)
    assert row["solar_metered"] == 1.0


def test_yields_and_ratio(ask: Callable[..., Result]) -> None:
    """80 % of 100 kWp x sun: PR 80 %; 50 kWp of a counter at 75 %; modules at 45 °C with -0.4 %/K give 0.8 / 0.92."""
    counter = np.concatenate([[0], np.cumsum(0.75 * 50 * SUN / 1000 / 4)[:-1]])
    series = {
        "a-power": (TIMES, 0.80 * 100 * SUN / 1000),
        "a-module": (TIMES, np.full(len(TIMES), 45.0)),
        "b-energy": (TIMES, counter),
        "c-energy": (TIMES, 0.7 * 20 * SUN / 1000 / 4),
    }
    found, rows = asked(ask, series)
    hours = SUN.sum() / 4000
    assert rows["a"]["reference_yield"] == pytest.approx(hours)
    assert rows["a"]["final_yield"] == pytest.approx(0.8 * hours)
    assert rows["a"]["performance_ratio"] == pytest.approx(0.80)
    assert rows["a"]["corrected_ratio"] == pytest.approx(0.8 / 0.92)
    assert rows["b"]["performance_ratio"] == pytest.approx(0.75)
    assert rows["b"]["corrected_ratio"] is None
    made, expected = next(plot.lines for plot in found.plots if plot.key == "days:b")
    by_day = 0.75 * 50 * np.bincount(DAY, SUN) / 4000
    assert made.values[1:] == pytest.approx(
        by_day[1:].tolist()
    )  # the first reading of a counter has none before it
    assert expected.values == pytest.approx(by_day.tolist(), rel=0.02)
    assert rows["c"]["performance_ratio"] == pytest.approx(0.70)
    assert {row["verdict"] for row in rows.values()} == {"normal"}
    assert rows_of(found, "below") == []
    assert found.completeness.complete


def test_ratios_equal_other_tools() -> None:
    """A day of hours: PR of pvanalytics 0.2.2 (performance_ratio_nrel), DC energy of pvlib 0.16.1 (pvwatts_dc).

    NREL's ratio is corrected to the day's own mean temperature, weighted by the sun: that leaves the plain one.
    """
    sun = [0.0, 0.0, 0.03, 13.16, 52.64, 175.38, 232.33, 349.22, 451.23, 527.2, 569.8, 575.17, 288.14, 252.5, 201.74,
           141.19, 78.6, 27.0, 9.33, 0.31, 0.0, 0.0, 0.0, 0.0]  # fmt: skip
    module = [15.38, 14.75, 14.35, 14.57, 15.79, 19.57, 21.77, 25.81, 29.57, 32.7, 34.9, 36.02, 28.96, 28.61, 27.62,
              26.09, 24.23, 22.42, 21.3, 20.22, 19.25, 18.21, 17.18, 16.21]  # fmt: skip
    power = [0.0, 0.0, 0.0, 0.65, 3.99, 14.46, 19.19, 28.64, 36.57, 42.24, 45.26, 45.48, 23.24, 20.33, 16.2, 11.23,
             6.04, 1.69, 0.26, 0.0, 0.0, 0.0, 0.0, 0.0]  # fmt: skip
    steps = Steps(1.0, np.array(power), np.array(sun), np.array(module), np.full(24, np.nan))
    found = perform(Plant(100.0, None, -0.004), steps)
    assert found.ratio == pytest.approx(0.7996765501385309, rel=1e-12)
    assert found.corrected == pytest.approx(315.47 / 387.04599152, rel=1e-12)


def test_limits_are_apart_and_their_loss_is_told(ask: Callable[..., Result]) -> None:
    """A limit of 30 % of the inverter's 90 kW (27 kW) over noon of three days; what is above it is lost."""
    free = 0.80 * 100 * SUN / 1000
    noon = (HOUR >= 11) & (HOUR < 14) & np.isin(DAY, [0, 4, 9])
    power = np.where(noon, np.minimum(free, 27.0), free)
    series = {"a-power": (TIMES, power), "a-limit": (TIMES, np.where(noon, 30.0, 100.0))}
    found, rows = asked(ask, series)
    assert rows["a"]["curtailed_h"] == pytest.approx(9.0)
    assert rows["a"]["curtailed_kwh"] == pytest.approx((free - power).sum() / 4, rel=1e-6)
    assert rows["a"]["performance_ratio"] == pytest.approx(0.80)
    assert rows["a"]["verdict"].startswith("CURTAILED 9.0 h")
    # the same without a point of the limit: the plateau tells
    _, rows = asked(ask, {"a-power": (TIMES, power)})
    assert rows["a"]["curtailed_h"] == pytest.approx(9.0)
    assert rows["a"]["curtailed_kwh"] == pytest.approx((free - power).sum() / 4, rel=1e-6)
    assert rows_of(found, "below") == []
    # a limit that does not bind curtails nothing
    _, rows = asked(ask, {"a-power": (TIMES, free), "a-limit": (TIMES, np.full(len(TIMES), 85.0))})
    assert rows["a"]["curtailed_h"] == 0.0
    assert len(found.findings) == 1


def test_the_inverters_rating_is_clipping_and_stays_in_the_ratio() -> None:
    sun = np.concatenate([np.linspace(100, 940, 37), 1100 + 50.0 * (np.arange(8) % 3)])
    free = 0.9 * 100 * sun / 1000
    power = np.minimum(free, 85.0)
    nothing = np.full(len(sun), np.nan)
    found = perform(Plant(100, 85.0), Steps(0.25, power, sun, nothing, nothing))
    assert found.curtailed_hours == 0.0
    assert found.clipped_hours == pytest.approx(2.0)
    assert found.clipped == pytest.approx((free[37:] - 85).sum() / 4)
    assert found.ratio == pytest.approx(power.sum() / (100 * sun / 1000).sum())
    # the same plateau far below the rating is curtailment
    found = perform(Plant(100, 100.0), Steps(0.25, power, sun, nothing, nothing))
    assert found.curtailed_hours == pytest.approx(2.0)
    assert found.ratio == pytest.approx(0.9, rel=0.01)


def test_clouds_between_clipped_quarters_hide_none_of_them() -> None:
    """85 kW of 100 kWp at 90 %: each second quarter has 1 100 W/m² and gives 99 kW less 14, the others 45 kW."""
    sun = np.tile([1100.0, 500.0], 40)
    power = np.minimum(0.9 * 100 * sun / 1000, 85.0)
    nothing = np.full(len(sun), np.nan)
    found = perform(Plant(100, 85.0), Steps(0.25, power, sun, nothing, nothing))
    assert found.clipped_hours == pytest.approx(10.0)
    assert found.clipped == pytest.approx(40 * 14 / 4)
    assert found.curtailed_hours == 0.0
    unknown = perform(
        Plant(100), Steps(0.25, power, sun, nothing, nothing)
    )  # no rating: a plateau has to tell it
    assert unknown.clipped_hours == 0.0


def test_what_an_inverter_clips_is_no_fault_of_a_sunny_day(ask: Callable[..., Result]) -> None:
    """100 kWp behind 48 kW give 48 of up to 72 kW on clear days; beside two plants that clip nothing, and by itself."""
    text = CITY.replace("inverter: 90 kW", "inverter: 48 kW")
    series = {
        "sun": (TIMES, SUN),
        "a-power": (TIMES, np.minimum(0.80 * 100 * SUN / 1000, 48.0)),
        "b-energy": (TIMES, np.concatenate([[0], np.cumsum(0.75 * 50 * SUN / 1000 / 4)[:-1]])),
        "c-energy": (TIMES, 0.7 * 20 * SUN / 1000 / 4),
    }
    for these in (series, {"sun": series["sun"], "a-power": series["a-power"]}):
        found = ask("energy/solar", text, these, "2026-06-01", "2026-06-15")
        row = next(row for row in rows_of(found, "plants") if row["plant"] == "a")
        assert row["clipped_kwh"] == pytest.approx((0.08 * SUN - series["a-power"][1]).sum() / 4, rel=0.05)
        assert row["verdict"] == "normal"


def weather(seed: int) -> tuple[Any, Any]:
    """60 days by quarters of an hour, half of them cloudy: sun [W/m²], and the power of 100 kWp whose modules warm up,
    both with 1 % of noise.
    """
    noise = np.random.default_rng(seed)
    size = 96 * 60
    hour = np.arange(size) / 4 % 24
    clear = np.clip(1000 * np.sin((hour - 5) / 14 * np.pi), 0, None) * (hour > 5) * (hour < 19)
    cloudy = (noise.random(60) < 0.5)[np.arange(size) // 96]
    sun = clear * np.where(cloudy, np.clip(noise.normal(0.5, 0.25, size), 0.1, 1), 1.0)
    module = 15 + 10 * np.sin((hour - 9) / 24 * 2 * np.pi) + 0.03 * sun
    power = 0.085 * sun * (1 - 0.004 * (module - 25)) * (1 + noise.normal(0, 0.01, size))
    return sun * (1 + noise.normal(0, 0.01, size)), power


@pytest.mark.parametrize("seed", range(4))
def test_clouds_and_warm_modules_are_not_curtailment(seed: int) -> None:
    sun, power = weather(seed)
    nothing = np.full(len(sun), np.nan)
    found = perform(Plant(100, 110), Steps(0.25, power, sun, nothing, nothing))
    assert found.curtailed_hours <= 0.5
    assert found.clipped_hours <= 0.5
    hour = np.arange(len(sun)) / 4 % 24
    cut = (np.arange(len(sun)) // 96 % 5 == 0) & (hour >= 10) & (hour < 15)
    held = np.where(cut, np.minimum(power, 40 + np.random.default_rng(9).normal(0, 0.15, len(sun))), power)
    found = perform(Plant(100, 110), Steps(0.25, held, sun, nothing, nothing))
    assert found.curtailed == pytest.approx(
        (power - held).sum() / 4, rel=0.15
    )  # plateaus below an hour are missed


def test_a_day_that_the_others_do_not_have(ask: Callable[..., Result]) -> None:
    """On the 6th a string of plant c is out: half of its power; clouds hit all three alike."""
    half = np.where(DAY == 5, 0.5, 1.0)
    series = {
        "a-power": (TIMES, 0.80 * 100 * SUN / 1000),
        "b-energy": (TIMES, np.concatenate([[0], np.cumsum(0.75 * 50 * SUN / 1000 / 4)[:-1]])),
        "c-energy": (TIMES, 0.7 * 20 * SUN / 1000 / 4 * half),
    }
    found, rows = asked(ask, series)
    (day,) = rows_of(found, "below")
    assert (day["plant"], day["date"].day, day["judged_by"]) == ("c", 6, "other plants")
    assert day["gave_kwh"] == pytest.approx(day["could_kwh"] / 2)
    assert rows["c"]["verdict"] == "BELOW on 1 day"
    found, _ = asked(ask, {"c-energy": series["c-energy"]})  # alone: its own sun tells the same
    (alone,) = rows_of(found, "below")
    assert (alone["date"].day, alone["judged_by"]) == (6, "its own sun")
    assert alone["could_kwh"] == pytest.approx(day["could_kwh"])


def test_a_wrong_unit_or_no_sun_is_named(ask: Callable[..., Result]) -> None:
    found, rows = asked(ask, {"a-power": (TIMES, 0.8 * 100 * SUN)})  # W in place of kW
    assert rows["a"]["verdict"].startswith("IMPLAUSIBLE: PR 80000 %")
    said = {one.what: one.why for one in found.completeness.missing}
    assert said == {"b": "no readings of its production", "c": "no readings of its production"}
    free = {"a-power": (TIMES, 0.8 * 100 * SUN / 1000), "sun": (TIMES[:0], SUN[:0])}
    found, rows = asked(ask, free)
    assert rows["a"]["performance_ratio"] is None
    assert "no irradiance" in {one.what: one.why for one in found.completeness.missing}["a"]


def test_eight_days_are_needed() -> None:
    energy = np.array([1.0, 1, 1, 1, 1, 1, 0.5, 1])
    assert [one.day for one in days_below(energy, np.ones(8))] == [6]
    assert days_below(energy[:7], np.ones(7)) == []


def test_gaps_and_production_below_zero_are_named(ask: Callable[..., Result]) -> None:
    """Three of 14 days of plant a; plant c is wired the wrong way round. The ratio is of what was metered."""
    few = np.datetime64("2026-06-04") > TIMES
    series = {
        "a-power": (TIMES[few], 0.8 * 100 * SUN[few] / 1000),
        "c-energy": (TIMES, -0.7 * 20 * SUN / 1000 / 4),
    }
    found, rows = asked(ask, series)
    assert rows["a"]["performance_ratio"] == pytest.approx(0.8)
    said = {one.what: one.why for one in found.completeness.missing}
    assert said["a"] == "production and sun are metered in 21 % of the interval"
    assert said["c"].startswith("production below zero in ")
    assert rows["c"]["verdict"].startswith("IMPLAUSIBLE: it took more than it gave")
    assert (found.completeness.wanted, found.completeness.had) == (3, 0)


def test_hours_in_which_a_register_was_not_read_are_no_limit(ask: Callable[..., Result]) -> None:
    """From 8 to 12 of each day the register is not read: spread over these hours its rise would look like a plateau."""
    counter = np.concatenate([[0], np.cumsum(0.75 * 50 * SUN / 1000 / 4)[:-1]])
    read = (HOUR <= 8) | (HOUR >= 12)
    found, rows = asked(ask, {"b-energy": (TIMES[read], counter[read])})
    assert (rows["b"]["curtailed_h"], rows["b"]["clipped_h"]) == (0, 0)
    assert rows["b"]["performance_ratio"] == pytest.approx(0.75)
    said = {one.what: one.why for one in found.completeness.missing}
    assert said["b"] == "production and sun are metered in 83 % of the interval"


def test_the_others_judge_a_plant_without_a_sun_of_its_own(ask: Callable[..., Result]) -> None:
    """Else it would be missing in every run, and a finding of it never closed."""
    text = CITY.replace(
        "asset: b, role: generation}",
        "asset: b, role: generation}\n  b-sun: {unit: W/m2, every: 15m, asset: b}",
    )
    text = text.replace(
        "  sun: {unit: W/m2, every: 15m, zone: depot}\n", "  a-sun: {unit: W/m2, every: 15m, asset: a}\n"
    )
    counter = np.concatenate([[0], np.cumsum(0.75 * 50 * SUN / 1000 / 4)[:-1]])
    series = {
        "a-power": (TIMES, 0.80 * 100 * SUN / 1000),
        "b-energy": (TIMES, counter),
        "c-energy": (TIMES, 0.7 * 20 * SUN / 1000 / 4 * np.where(DAY == 6, 0.5, 1)),
        "a-sun": (TIMES, SUN),
        "b-sun": (TIMES, SUN),
    }
    found = ask("energy/solar", text, series, "2026-06-01", "2026-06-15")
    assert found.completeness.complete
    assert found.notes[-1] == "Limits: of c no irradiance: yields only, no performance ratio."
    assert [one.subject for one in found.findings] == ["c"]
    del series["b-energy"]  # two plants are too few to judge one of them by
    found = ask("energy/solar", text, series, "2026-06-01", "2026-06-15")
    assert {one.what: one.why for one in found.completeness.missing}["c"].startswith("no irradiance")


def test_a_point_for_each_inverter_is_not_taken_for_the_plant(ask: Callable[..., Result]) -> None:
    """The first of them alone counted: half of the yield, and half of the ratio."""
    text = CITY.replace(
        "  b-energy:", "  a-other: {unit: kW, every: 15m, asset: a, role: generation}\n  b-energy:"
    )
    half = 0.40 * 100 * SUN / 1000
    series = {"sun": (TIMES, SUN), "a-power": (TIMES, half), "a-other": (TIMES, half)}
    found = ask("energy/solar", text, series, "2026-06-01", "2026-06-15")
    why = {one.what: one.why for one in found.completeness.missing}["a"]
    assert why.startswith("a-power, a-other all have `role: generation`")
    assert "a" not in {row["plant"] for row in rows_of(found, "plants")}
