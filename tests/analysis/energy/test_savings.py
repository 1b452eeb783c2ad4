"""Savings of buildings that were made: the law that was put in is found again."""

from __future__ import annotations

import numpy as np
import pytest

from tests.analysis.energy.town_hall import (
    ONE,
    Ask,
    ask_one,
    city,
    made,
    only,
    year,
)


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
