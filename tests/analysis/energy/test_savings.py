"""Savings of buildings that were made: every figure can be worked out by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from cityctl.result import Result
from tests.analysis.conftest import local_hours, rows_of, slots

Ask = Callable[..., Result]

CITY = """
name: Small
time_zone: {zone}
networks: {{power: {{kind: power}}, gas: {{kind: gas}}}}
zones:
  hall: {{name: Town hall, network: power, kind: building}}
  baths: {{name: Baths, network: gas, kind: building}}
points:
  temperature: {{unit: degC, every: 1h}}
  hall_kwh: {{unit: kWh, kind: {kind}, every: 1h, zone: hall, role: consumption}}
  baths_kwh: {{unit: kWh, kind: interval, every: 1h, zone: baths, role: consumption}}
weather: {{temperature: temperature}}
tariffs: {{power: {{network: power, price: 0.25}}}}
interventions: [{{date: 2025-01-01, what: night setback}}]
"""
BERLIN, ONE = ZoneInfo("Europe/Berlin"), {"meters": "hall_kwh"}


def city(zone: str = "UTC", kind: str = "interval", **changes: str) -> str:
    text = CITY.format(zone=zone, kind=kind)
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    return text


def year(zone: str = "UTC", seed: int = 5) -> tuple[Any, Any, Any]:
    """(hourly stamps over two years, their local day's index, that day's mean temperature [degF])."""
    times = slots("2023-12-30", "2026-01-02", 60)
    day, _ = local_hours(times, ZoneInfo(zone))
    index = (day - day[0]).astype(int)
    rng = np.random.default_rng(seed)
    count = index[-1] + 1
    daily = 55 - 27 * np.cos(2 * np.pi * (np.arange(count) - 18) / 365.25) + rng.normal(0, 4, count)
    return times, index, daily


def use(fahrenheit: Any, base: float = 120.0, heating: float = 5.0, cooling: float = 8.0) -> Any:
    """A building that heats below 55 and cools above 70 degF [kWh a day]."""
    return base + heating * np.maximum(55 - fahrenheit, 0) + cooling * np.maximum(fahrenheit - 70, 0)


def made(
    saved: float = 0.1, zone: str = "UTC", noise: float = 0.0, seed: int = 5, **more: Any
) -> dict[str, Any]:
    """Hourly readings of town hall and temperature; from 2025 on the hall uses a share less."""
    times, index, daily = year(zone, seed)
    rng = np.random.default_rng(seed + 1)
    scatter = 1 + noise * rng.normal(0, 1, len(daily))
    start = (np.datetime64("2025-01-01") - np.datetime64("2023-12-30")).astype(int)
    share = np.where(np.arange(len(daily)) >= start, 1 - saved, 1.0)
    kwh = (use(daily, **more) * scatter * share)[index] / 24  # a local day of 23 hours takes 23/24 of it
    return {"hall_kwh": (times, kwh), "temperature": (times, (daily[index] - 32) / 1.8)}


def only(result: Result) -> dict[str, Any]:
    (row,) = rows_of(result, "savings")
    return row


def ask_one(ask: Ask, series: dict[str, Any], text: str | None = None, **parameters: Any) -> dict[str, Any]:
    given = {"since": "2025-01-01", "until": "2026-01-01", **ONE, **parameters}
    since, until = given.pop("since"), given.pop("until")
    return only(ask("energy/savings", text or city(), series, since, until, **given))


def test_the_law_is_found_exactly(ask: Ask) -> None:
    row = ask_one(ask, made())
    assert (row["heating_balance_point"], row["cooling_balance_point"]) == (55, 70)
    assert row["intercept"] == pytest.approx(120, rel=1e-9)
    assert row["beta_heating"] == pytest.approx(5, rel=1e-9)
    assert row["beta_cooling"] == pytest.approx(8, rel=1e-9)
    assert row["r2_adj"] == pytest.approx(1, abs=1e-12)
    assert row["saving_pct"] == pytest.approx(10, rel=1e-9)
    assert row["avoided_kwh"] == pytest.approx(row["counterfactual_kwh"] - row["observed_kwh"])
    assert row["saved_money"] == pytest.approx(0.25 * row["avoided_kwh"])
    assert row["verdict"] == "proven"
    assert row["model"] == "heating and cooling"
    assert row["days"] == 365


@pytest.mark.parametrize(("unit", "heats", "slope"), [("degC", (55 - 32) / 1.8, 9.0), ("degF", 55.0, 5.0)])
def test_the_model_is_told_in_the_degrees_that_the_city_speaks(
    ask: Ask, unit: str, heats: float, slope: float
) -> None:
    """5 kWh for each °F are 9 for each K; what CalTRACK writes stays in °F."""
    text = city().replace("temperature: {unit: degC", f"temperature: {{unit: {unit}")
    result = ask("energy/savings", text, made(), "2025-01-01", "2026-01-01", **ONE)
    row = only(result)
    assert (row["heats_below"], row["heating_per_degree"]) == (pytest.approx(heats), pytest.approx(slope))
    assert (row["heating_balance_point"], row["beta_heating"]) == (55, pytest.approx(5))
    units = {column.key: column.unit for column in result.tables[0].columns}
    assert (units["heats_below"], units["beta_heating"]) == (unit, "kWh/°F/d")


def test_local_days_make_the_law_hold_over_changes_of_the_clocks(ask: Ask) -> None:
    """In UTC days the days of 23 and 25 hours would each lie between two temperatures."""
    row = ask_one(ask, made(zone="Europe/Berlin"), city("Europe/Berlin"))
    assert row["beta_heating"] == pytest.approx(5, rel=1e-9)
    assert row["saving_pct"] == pytest.approx(10, rel=1e-6)


@pytest.mark.parametrize("kind", ["counter", "power"])
def test_registers_and_powers_tell_the_same_as_intervals(ask: Ask, kind: str) -> None:
    series = made()
    times, kwh = series["hall_kwh"]
    if kind == "counter":
        series["hall_kwh"] = (times, 1e6 + np.concatenate([[0], np.cumsum(kwh)[:-1]]))
        text = city(kind="counter")
    else:
        text = city().replace("hall_kwh: {unit: kWh, kind: interval", "hall_kwh: {unit: kW, kind: gauge")
    row = ask_one(ask, series, text)
    assert row["beta_cooling"] == pytest.approx(8, rel=1e-6)
    assert row["saving_pct"] == pytest.approx(10, rel=1e-6)


def test_a_register_read_once_a_day_ends_with_the_read_after_the_last_day(ask: Ask) -> None:
    series = made()
    times, kwh = series["hall_kwh"]
    series["hall_kwh"] = (times[::24], 1e6 + np.concatenate([[0], np.cumsum(kwh)[23:-1:24]]))
    row = ask_one(ask, series, city(kind="counter").replace("every: 1h, zone: hall", "every: 1d, zone: hall"))
    assert row["days"] == 365
    assert row["saving_pct"] == pytest.approx(10, rel=1e-6)


def test_use_that_the_weather_does_not_move_gets_the_lowest_threshold(ask: Ask) -> None:
    """From the warmest day on all heating thresholds fit alike: which is taken must not hang on the last digits."""
    series = made()
    times, index, daily = year()
    daily = np.minimum(daily, 62.5)
    series["temperature"] = (times, (daily[index] - 32) / 1.8)
    series["hall_kwh"] = (times, (120 + 2 * (80 - daily[index])) / 24)
    row = ask_one(ask, series)
    assert (row["model"], row["heating_balance_point"]) == ("heating", 63)
    assert row["intercept"] == pytest.approx(120 + 2 * (80 - 63))


def test_a_reset_register_loses_its_hour_only(ask: Ask) -> None:
    series = made()
    times, kwh = series["hall_kwh"]
    register = 1e6 + np.concatenate([[0], np.cumsum(kwh)[:-1]])
    register[9000:] -= register[9000]
    series["hall_kwh"] = (times, register)
    assert ask_one(ask, series, city(kind="counter"))["saving_pct"] == pytest.approx(10, rel=1e-3)


def test_a_day_needs_half_of_its_hours(ask: Ask) -> None:
    """12 of 24 hours of an even day make it whole again, 11 make it missing."""
    series = made()
    times, kwh = series["hall_kwh"]
    hour = np.arange(len(times)) % 24
    kept = (hour < 12) | (times < np.datetime64("2025-03-01")) | (times >= np.datetime64("2025-04-01"))
    row = ask_one(ask, {**series, "hall_kwh": (times[kept], kwh[kept])})
    assert row["days"] == 365
    assert row["reasons"] == "31 days with missing readings: filled with their own mean"
    assert row["saving_pct"] == pytest.approx(10, rel=1e-9)
    kept &= (hour != 11) | (times < np.datetime64("2025-03-01")) | (times >= np.datetime64("2025-04-01"))
    row = ask_one(ask, {**series, "hall_kwh": (times[kept], kwh[kept])})
    assert row["days"] == 365 - 31
    assert row["saving_pct"] == pytest.approx(10, rel=1e-9)
    assert "91 % of the days since the measure are compared" not in (row["reasons"] or "")


def test_zeros_are_missing_for_electricity_and_kept_for_gas(ask: Ask) -> None:
    series = made()
    times, kwh = series["hall_kwh"]
    summer = (times >= np.datetime64("2025-06-01")) & (times < np.datetime64("2025-09-01"))
    row = ask_one(ask, {**series, "hall_kwh": (times, np.where(summer, 0.0, kwh))})
    assert row["days"] == 365 - 92
    assert "74 % of the days since the measure are compared" in row["reasons"]
    times, index, daily = year()
    gas = np.maximum(60 - daily, 0)[index] / 24 * 10  # off above 60 degF: 0 in summer
    result = ask(
        "energy/savings", city(), {"baths_kwh": (times, gas), "temperature": series["temperature"]},
        "2025-01-01", "2026-01-01", meters="baths_kwh",
    )  # fmt: skip
    row = only(result)
    assert row["days"] == 365
    assert (row["heating_balance_point"], row["cooling_balance_point"]) == (60, None)
    assert row["beta_heating"] == pytest.approx(10, rel=1e-9)


def test_gas_gets_no_cooling_unless_it_is_asked_for(ask: Ask) -> None:
    times, index, daily = year()
    series = {"baths_kwh": (times, use(daily)[index] / 24), "temperature": made()["temperature"]}
    asked = ("energy/savings", city(), series, "2025-01-01", "2026-01-01")
    assert only(ask(*asked, meters="baths_kwh"))["cooling_balance_point"] is None
    assert only(ask(*asked, meters="baths_kwh", gas_cooling=True))["cooling_balance_point"] == 70


def lacking(row: dict[str, Any]) -> str:
    assert row["avoided_kwh"] is None
    assert row["saving_pct"] is None
    assert row["verdict"].startswith("NOT ASSESSABLE")
    return str(row["reasons"])


def part(series: dict[str, Any], point: str, keep: Callable[[Any], Any]) -> dict[str, Any]:
    times, values = series[point]
    kept = keep(times)
    return {**series, point: (times[kept], values[kept])}


def test_sufficiency_failures_are_named_and_nothing_is_figured(ask: Ask) -> None:
    series = made()
    half = part(series, "hall_kwh", lambda times: times >= np.datetime64("2024-05-23"))
    assert lacking(ask_one(ask, half)) == "baseline has 61 % of its days"  # 223 of 365
    three = part(series, "hall_kwh", lambda times: times >= np.datetime64("2024-12-29"))
    assert "baseline has 0 % of its days" in lacking(ask_one(ask, three))
    cold = part(series, "temperature", lambda times: times >= np.datetime64("2024-04-01"))
    assert "outdoor temperature has 75 % of the baseline's days" in lacking(ask_one(ask, cold))
    silent = part(series, "hall_kwh", lambda times: times < np.datetime64("2025-01-01"))
    assert lacking(ask_one(ask, silent)) == "no valid day since the measure"
    assert lacking(ask_one(ask, {"temperature": series["temperature"]})) == "no readings before the measure"
    assert "no outdoor temperature" in lacking(
        ask_one(ask, series, city(**{"weather: {temperature: temperature}": ""}))
    )
    none = city(**{"interventions: [{date: 2025-01-01, what: night setback}]": ""})
    assert "no date of a measure" in lacking(ask_one(ask, series, none))
    late = city(**{"2025-01-01, what": "2027-01-01, what"})
    assert "after the interval" in lacking(ask_one(ask, series, late))


def test_negative_readings_are_not_taken_for_use(ask: Ask) -> None:
    series = made()
    times, kwh = series["hall_kwh"]
    kwh = kwh.copy()
    kwh[5000:5010] = -1
    assert "10 negative readings" in lacking(ask_one(ask, {**series, "hall_kwh": (times, kwh)}))


def test_a_shutdown_is_no_saving(ask: Ask) -> None:
    times, index, daily = year()
    gas = use(daily, cooling=0)[index] / 24
    closed = (times >= np.datetime64("2025-03-01")) & (times < np.datetime64("2025-05-01"))
    series = {"baths_kwh": (times, np.where(closed, 0.0, gas)), "temperature": made()["temperature"]}
    row = only(ask("energy/savings", city(), series, "2025-01-01", "2026-01-01", meters="baths_kwh"))
    assert "0 on 61 days since 2025-03-01" in lacking(row)


def test_a_boiler_that_rests_in_summer_is_judged(ask: Ask) -> None:
    """Zeros from June to September, deeper than any change of unit, and back in October."""
    times, index, daily = year()
    gas = 12 * np.maximum(60 - daily, 0)[index] / 24
    month = times.astype("datetime64[M]").astype(int) % 12 + 1
    resting = (month >= 6) & (month <= 9)
    saved = np.where(times >= np.datetime64("2025-01-01"), 0.9, 1.0)
    series = {
        "baths_kwh": (times, np.where(resting, 0.0004, gas + 0.4) * saved),
        "temperature": made()["temperature"],
    }
    row = only(ask("energy/savings", city(), series, "2025-01-01", "2026-01-01", meters="baths_kwh"))
    assert row["saving_pct"] == pytest.approx(10, abs=1.5)
    assert row["verdict"] == "proven"


def test_a_week_of_other_units_is_set_apart(ask: Ask) -> None:
    series = made()
    times, kwh = series["hall_kwh"]
    week = (times >= np.datetime64("2025-05-05")) & (times < np.datetime64("2025-05-12"))
    row = ask_one(ask, {**series, "hall_kwh": (times, np.where(week, 1000 * kwh, kwh))})
    assert row["verdict"].startswith(
        "SET APART 7 days with more than 30 times what 95 % of the days stay below"
    )
    assert row["avoided_kwh"] is not None


def test_bad_readings_count_for_nothing(ask: Ask) -> None:
    series = made()
    times, kwh = series["hall_kwh"]
    flags = np.where(np.arange(len(times)) % 500 == 0, 3, 0)
    spoilt = np.where(flags == 3, 1e6, kwh)
    row = ask_one(ask, {**series, "hall_kwh": (times, spoilt)}, quality={"hall_kwh": flags})
    assert row["saving_pct"] == pytest.approx(10, rel=1e-6)


def test_the_baseline_is_the_year_before(ask: Ask) -> None:
    """A fortnight that lies more than 365 days before the measure changes nothing."""
    series = made()
    times, kwh = series["hall_kwh"]
    before = np.where(times < np.datetime64("2024-01-02"), 50 * kwh, kwh)  # 2024 has 366 days: the 1st is out
    row = ask_one(ask, {**series, "hall_kwh": (times, before)})
    assert row["intercept"] == pytest.approx(120, rel=1e-9)


def test_more_use_with_proof_is_a_finding_and_less_is_none(ask: Ask) -> None:
    asked = ("energy/savings", city())
    span = ("2025-01-01", "2026-01-01")
    rose = ask(*asked, made(saved=-0.08, noise=0.05), *span, **ONE)
    assert rows_of(rose, "savings")[0]["verdict"] == "USE ROSE proven"
    (finding,) = rose.findings
    assert finding.subject == "Town hall"
    assert "use rose by" in finding.text
    assert not ask(*asked, made(saved=0.08, noise=0.05), *span, **ONE).findings


def test_two_meters_of_a_building_have_findings_of_their_own(ask: Ask) -> None:
    """Both go by the building's name: a finding is known again by its subject."""
    series = made(saved=-0.1)
    text = city().replace(
        "  baths_kwh",
        "  annex: {unit: kWh, kind: interval, every: 1h, zone: hall, role: consumption}\n  baths_kwh",
    )
    times, kwh = series["hall_kwh"]
    series["annex"] = (times, kwh * np.where(times >= np.datetime64("2025-01-01"), 3.0, 1.0))
    found = ask("energy/savings", text, series, "2025-01-01", "2026-01-01", meters="hall_kwh,annex")
    told = {one.subject: one.text for one in found.findings}
    assert set(told) == {"Town hall, hall_kwh", "Town hall, annex"}
    assert told["Town hall, hall_kwh"].startswith("use rose by 10.0 %")
    assert told["Town hall, annex"].startswith(
        "SET APART use rose by 230 %: another supply or purpose?; use rose"
    )


def test_a_change_within_its_uncertainty_is_not_proven(ask: Ask) -> None:
    result = ask("energy/savings", city(), made(saved=0.002, noise=0.3), "2025-01-01", "2026-01-01", **ONE)
    row = rows_of(result, "savings")[0]
    assert row["fsu"] > 0.5
    assert row["verdict"].startswith("not proven")
    assert not result.findings
    assert row["avoided_low"] < row["avoided_kwh"] < row["avoided_high"]


def test_weeks_unlike_the_others_widen_the_interval_and_leave_fsu_to_the_formula(ask: Ask) -> None:
    """A hall that takes 5 % more for 45 days and 5 % less for the next 45: the formula alone would prove 2 %."""
    series = made(saved=0.02, noise=0.03)
    times, kwh = series["hall_kwh"]
    days = (times - times[0]) / np.timedelta64(1, "D")
    series["hall_kwh"] = (times, kwh * np.where(days % 90 < 45, 1.05, 0.95))
    result = ask("energy/savings", city(), series, "2025-01-01", "2026-01-01", **ONE)
    row, (total,) = only(result), rows_of(result, "portfolio")
    half = (row["avoided_high"] - row["avoided_low"]) / 2
    assert row["fsu"] < 0.5 < half / row["avoided_kwh"]
    assert row["verdict"] == f"not proven, uncertainty {half / row['avoided_kwh']:.0%} of it"
    assert total["verdict"] == "not proven"
    for key in ("fsu", "avoided_low", "avoided_high"):  # of one meter the total tells the same
        assert total[key] == pytest.approx(row[key])
    assert f"± {half / row['avoided_kwh']:.0%} of it" in (result.summary or "")


def test_a_halved_use_is_set_apart(ask: Ask) -> None:
    result = ask("energy/savings", city(), made(saved=0.7), "2025-01-01", "2026-01-01", **ONE)
    assert rows_of(result, "savings")[0]["verdict"].startswith("SET APART use fell by 70 %")
    assert rows_of(result, "portfolio") == []


def test_days_beyond_the_baselines_weather_are_counted(ask: Ask) -> None:
    series = made()
    times, degrees = series["temperature"]
    hot = (times >= np.datetime64("2025-07-01")) & (times < np.datetime64("2025-08-01"))
    row = ask_one(ask, {**series, "temperature": (times, np.where(hot, 45.0, degrees))})
    assert row["beyond_days"] >= 31
    assert "extrapolated" in row["reasons"]


def test_the_total_combines_uncertainties_as_independent(ask: Ask) -> None:
    series = made(noise=0.1)
    times, index, daily = year(seed=9)
    rng = np.random.default_rng(3)
    gas = (use(daily, cooling=0) * (1 + 0.1 * rng.normal(0, 1, len(daily))))[index] / 24
    both = {**series, "baths_kwh": (times, np.where(times >= np.datetime64("2025-01-01"), 0.8, 1.0) * gas)}
    result = ask("energy/savings", city(), both, "2025-01-01", "2026-01-01")
    rows, (total,) = rows_of(result, "savings"), rows_of(result, "portfolio")
    halves = [row["avoided_high"] - row["avoided_kwh"] for row in rows]
    assert total["meters"] == 2
    assert total["avoided_kwh"] == pytest.approx(sum(row["avoided_kwh"] for row in rows))
    assert total["avoided_high"] - total["avoided_kwh"] == pytest.approx(np.hypot(*halves))


def test_reporting_begins_with_the_interval_and_the_baseline_does_not_move(ask: Ask) -> None:
    row = ask_one(ask, made(), since="2025-07-01")
    assert str(row["reporting_start"]) == "2025-07-01"
    assert str(row["baseline_end"]) == "2025-01-01"
    assert row["days"] == 184


def test_one_date_may_stand_for_all_meters(ask: Ask) -> None:
    row = ask_one(ask, made(), intervention="2025-02-01", since="2025-02-01")
    assert str(row["baseline_end"]) == "2025-02-01"
    assert row["days"] == 334


def test_the_search_is_that_of_plain_least_squares(ask: Ask) -> None:
    """All 2 014 candidates by numpy, as CalTRACK says them, on a noisy building: the same model wins."""
    series = made(noise=0.15, seed=21)
    row = ask_one(ask, series)
    _, index, daily = year(seed=21)
    times, kwh = series["hall_kwh"]
    inside = (times >= np.datetime64("2024-01-02")) & (times < np.datetime64("2025-01-01"))
    y = np.bincount(index[inside], kwh[inside])[index[inside][0] :]
    t = daily[index[inside][0] : index[inside][-1] + 1]
    best = (0.0, None, None, np.array([y.mean()]))
    for heating in [None, *range(30, 91)]:
        for cooling in [None, *range(30, 91)]:
            if heating is not None and cooling is not None and heating > cooling:
                continue
            terms = [np.maximum(heating - t, 0)] if heating is not None else []
            terms += [np.maximum(t - cooling, 0)] if cooling is not None else []
            if not terms or any((one > 0).sum() < 10 or one.sum() < 20 for one in terms):
                continue
            design = np.column_stack([np.ones(len(t)), *terms])
            found, *_ = np.linalg.lstsq(design, y, rcond=None)
            if (found[1:] <= 0).any() or found[0] < 0:
                continue
            left = ((y - design @ found) ** 2).sum() / ((y - y.mean()) ** 2).sum()
            adjusted = 1 - left * (len(y) - 1) / (len(y) - len(terms) - 1)
            if adjusted > best[0]:
                best = (adjusted, heating, cooling, found)
    assert row["heating_balance_point"] == best[1]
    assert row["cooling_balance_point"] == best[2]
    assert row["r2_adj"] == pytest.approx(best[0], rel=1e-9)
    assert row["intercept"] == pytest.approx(best[3][0], rel=1e-7)
