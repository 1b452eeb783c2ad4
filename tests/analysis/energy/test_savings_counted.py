"""Which days and readings count for savings, and what is named where they do not."""

from __future__ import annotations

import numpy as np
import pytest

from cityctl.analysis.energy.saving import baseline
from tests.analysis.conftest import rows_of
from tests.analysis.energy.town_hall import (
    Ask,
    ask_one,
    city,
    lacking,
    made,
    only,
    part,
    use,
    year,
)


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
    times, kwh = series["hall_kwh"]
    assert lacking(ask_one(ask, {**series, "hall_kwh": (times, 0.0 * kwh)})) == (
        "no day has enough readings: 17 520 readings of 0 taken as missing"  # 24 hours of 365 + 365 days
    )
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


@pytest.mark.parametrize("method", ["caltrack2", "split", "towt", "billing"])
def test_what_a_register_counted_over_missing_hours_is_booked_once(ask: Ask, method: str) -> None:
    """Since the measure eight hours around each midnight are not read: the register has counted them all the same."""
    series = made()
    times, kwh = series["hall_kwh"]
    register = 1e6 + np.concatenate([[0], np.cumsum(kwh)[:-1]])
    hour = np.arange(len(times)) % 24
    read = ((hour >= 4) & (hour < 20)) | (times < np.datetime64("2025-01-01"))
    gapped = {**series, "hall_kwh": (times[read], register[read])}
    row = ask_one(ask, gapped, city(kind="counter"), method=method)
    assert row["saving_pct"] == pytest.approx(
        10, abs=0.02
    )  # of hours around a midnight it is not known whose they are
    assert row["verdict"] == "proven"


def test_a_register_whose_step_city_yaml_does_not_say(ask: Ask) -> None:
    series = made()
    times, kwh = series["hall_kwh"]
    register = 1e6 + np.concatenate([[0], np.cumsum(kwh)[:-1]])
    hour = np.arange(len(times)) % 24
    read = (hour < 3) | (hour >= 11) | (times < np.datetime64("2025-01-01"))
    gapped = {**series, "hall_kwh": (times[read], register[read])}
    text = city(kind="counter", **{"kind: counter, every: 1h": "kind: counter"})
    row = ask_one(ask, gapped, text)
    assert row["saving_pct"] == pytest.approx(10, rel=1e-9)
    assert row["reasons"] is None


@pytest.mark.parametrize("method", ["caltrack2", "split", "towt", "billing"])
def test_a_meter_that_used_nothing_gets_no_figure(ask: Ask, method: str) -> None:
    times, _, _ = year()
    series = {"baths_kwh": (times, np.zeros(len(times))), "temperature": made()["temperature"]}
    asked = ("energy/savings", city(), series, "2025-01-01", "2026-01-01")
    assert lacking(only(ask(*asked, meters="baths_kwh", method=method))).startswith(
        "it used nothing before the measure"
    )


@pytest.mark.parametrize("method", ["caltrack2", "towt"])
def test_registers_are_the_same_in_parts(ask: Ask, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    """Three registers, a part for each or one for all; each has its own reset, gap and use."""
    series = made()
    times, kwh = series["hall_kwh"]
    text = city(kind="counter")
    line = next(one for one in text.splitlines() if "hall_kwh" in one)
    names = ["a_kwh", "b_kwh", "c_kwh"]
    text = text.replace(line, "\n".join(line.replace("hall_kwh", name) for name in names))
    given = {"temperature": series["temperature"]}
    for place, name in enumerate(names):
        register = 1e6 + np.concatenate([[0], np.cumsum(kwh * (place + 1))[:-1]])
        register[9000 + place :] -= register[9000 + place]
        read = (np.arange(len(times)) + place) % 100 > 5
        given[name] = (times[read], register[read])
    asked = ("energy/savings", text, given, "2025-01-01", "2026-01-01")
    whole = rows_of(ask(*asked, method=method, meters="?_kwh"), "savings")
    monkeypatch.setattr(baseline, "PART", 1)
    apart = rows_of(ask(*asked, method=method, meters="?_kwh"), "savings")
    assert [row["meter"] for row in whole] == ["c_kwh", "b_kwh", "a_kwh"]
    for one, other in zip(whole, apart, strict=True):
        assert other["avoided_kwh"] == pytest.approx(one["avoided_kwh"], rel=1e-9)
        assert one["saving_pct"] == pytest.approx(10, abs=0.1)


@pytest.mark.parametrize("method", ["caltrack2", "split", "towt", "billing"])
def test_a_step_that_city_yaml_does_not_say_is_not_that_of_the_day_of_25_hours(ask: Ask, method: str) -> None:
    """8 760 hourly readings of 2025 are their plain sum, however many of them the fullest day has."""
    text = city(
        "Europe/Berlin",
        **{"hall_kwh: {unit: kWh, kind: interval, every: 1h,": "hall_kwh: {unit: kWh, kind: interval,"},
    )
    series = made(zone="Europe/Berlin")
    times, kwh = series["hall_kwh"]
    of_2025 = (times >= np.datetime64("2024-12-31T23:00")) & (times < np.datetime64("2025-12-31T23:00"))
    row = ask_one(ask, series, text, method=method)
    assert row["observed_kwh"] == pytest.approx(kwh[of_2025].sum(), rel=1e-9)


@pytest.mark.parametrize("used", [0.0, 4.0])
def test_what_a_boiler_uses_in_summer_is_no_share_of_nothing(ask: Ask, used: float) -> None:
    """Nothing was expected: 0 kWh are no saving of 100 %, and 4 kWh a day are a rise of no per cent."""
    times, index, daily = year()
    summer = times >= np.datetime64("2025-06-20")
    kwh = (3.0 * np.maximum(50 - daily, 0) / 24)[index] + np.where(summer, used / 24, 0)
    series = {"baths_kwh": (times, kwh), "temperature": made()["temperature"]}
    text = city(**{"date: 2025-01-01": "date: 2025-06-20"})
    found = ask("energy/savings", text, series, "2025-06-20", "2025-08-20", meters="baths_kwh")
    (row,) = rows_of(found, "savings")
    assert (row["counterfactual_kwh"], row["enpi"]) == (0.0, None)
    assert row["avoided_kwh"] == pytest.approx(-61 * used)
    assert row["verdict"] == ("USE ROSE proven" if used else "not proven, no change to be seen")
    assert [one.text.partition(",")[0] for one in found.findings] == ["use rose by 244 kWh"] * bool(used)
