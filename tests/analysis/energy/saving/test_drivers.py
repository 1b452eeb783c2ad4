"""Causes beside the weather: a plant whose use follows what it makes, and every model fitted one by one."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityctl.analysis.energy.models import billing, causes, hourly_causes, split_causes
from cityctl.analysis.energy.models.parts import design
from tests.analysis.conftest import rows_of, slots
from tests.analysis.energy.town_hall import Ask, ask_one, city, made, use, year

ADDED = "hall_kwh: {"
DRIVEN = "output: {unit: kg, kind: interval, every: 1d, zone: hall, role: driver}\n  hall_kwh: {"
DAYS = slots("2023-12-30", "2026-01-02", 1440)


def plant(growth: float = 1.5, saved: float = 0.1, a_kg: float = 0.5) -> dict[str, Any]:
    """The town hall, and 0.5 kWh for each kg that it makes: 200 a day, a quarter on weekends; more since 2025."""
    times, index, daily = year()
    rng = np.random.default_rng(9)
    weekend = (DAYS.astype("datetime64[D]").astype(int) + 3) % 7 >= 5
    since = np.arange(len(DAYS)) >= (np.datetime64("2025-01-01") - np.datetime64("2023-12-30")).astype(int)
    output = rng.uniform(150, 250, len(DAYS)) * np.where(weekend, 0.25, 1) * np.where(since, growth, 1)
    kwh = (use(daily)[: len(DAYS)] + a_kg * output) * np.where(since, 1 - saved, 1) / 24
    return {"output": (DAYS, output), "hall_kwh": (times, kwh[index]), "temperature": made()["temperature"]}


def test_what_a_plant_makes_is_no_rise(ask: Ask) -> None:
    """It makes half as much again and saves a tenth: by weather alone its use rose, by weather and output it fell."""
    series = plant()
    alone = ask_one(ask, {key: value for key, value in series.items() if key != "output"})
    assert alone["saving_pct"] < -3
    row = ask_one(ask, series, city(**{ADDED: DRIVEN}))
    assert row["saving_pct"] == pytest.approx(10, abs=1e-6)
    assert row["model"] == "heating and cooling and output"
    assert row["drivers"] == "output: 0.5 kWh/kg"
    assert (row["heating_balance_point"], row["cooling_balance_point"]) == (55, 70)
    assert (row["beta_heating"], row["beta_cooling"]) == pytest.approx((5, 8), rel=1e-6)
    assert row["r2_adj"] == pytest.approx(1)
    assert row["verdict"] == "proven"
    assert row["beyond_days"] > 100  # it had never made so much
    assert "days beyond the weather, or the output, that the baseline knew: extrapolated" in row["reasons"]


def test_days_of_which_a_cause_is_not_known_are_no_evidence(ask: Ask) -> None:
    series = plant(growth=1.0)
    days, output = series["output"]
    known = (days < np.datetime64("2025-05-03")) | (days >= np.datetime64("2025-05-10"))
    row = ask_one(ask, {**series, "output": (days[known], output[known])}, city(**{ADDED: DRIVEN}))
    assert row["days"] == 365 - 7
    assert row["reasons"] == "7 days without output left out"
    assert row["saving_pct"] == pytest.approx(10, abs=1e-6)
    gapped = {**series, "output": (days[known], output[known])}
    found = ask("energy/savings", city(**{ADDED: DRIVEN}), gapped, "2025-01-01", "2026-01-01", meters="hall_kwh",
                evidence=True)  # fmt: skip
    left = rows_of(found, "left_out_hall_kwh")
    assert [one["reason"] for one in left] == ["what drives it beside the weather is not known"] * 7
    late = days >= np.datetime64("2024-09-01")
    row = ask_one(ask, {**series, "output": (days[late], output[late])}, city(**{ADDED: DRIVEN}))
    assert row["verdict"] == "NOT ASSESSABLE baseline has 33 % of its days"
    assert "243 days without output left out" in row["reasons"]


def test_a_cause_that_never_changes_is_none(ask: Ask) -> None:
    series = {**plant(), "output": (DAYS, np.full(len(DAYS), 200.0))}
    assert ask_one(ask, series, city(**{ADDED: DRIVEN}))["verdict"] == "NOT ASSESSABLE no model fits"


def test_weekends_have_a_base_of_their_own_and_less_output(ask: Ask) -> None:
    """By weather and output alone the 60 kWh of a weekday would be the output's, and its growth would save too much."""
    series = plant()
    times, index, _ = year()
    weekday = (DAYS.astype("datetime64[D]").astype(int) + 3) % 7 < 5
    more = np.where(weekday, 60.0, 0.0)[index] * np.where(times >= np.datetime64("2025-01-01"), 0.9, 1) / 24
    series["hall_kwh"] = (times, series["hall_kwh"][1] + more)
    text = city(**{ADDED: DRIVEN})
    assert abs(ask_one(ask, series, text)["saving_pct"] - 10) > 1
    row = ask_one(ask, series, text, method="split")
    assert row["saving_pct"] == pytest.approx(10, abs=1e-3)
    assert row["drivers"] == "output: 0.5 kWh/kg"
    assert row["model"] == "weekdays: heating and cooling; weekends: heating and cooling; output"


def test_a_split_with_causes_is_one_fit_of_both() -> None:
    """Coefficients of the parts that were taken, and of the causes, as numpy's least squares tells them together."""
    rng = np.random.default_rng(4)
    day = np.arange(365)
    t = 55 - 27 * np.cos(2 * np.pi * day / 365) + rng.normal(0, 4, 365)
    weekend = (day % 7 >= 5).astype(int)
    values = np.column_stack([rng.uniform(50, 90, 365) * (1 - 0.7 * weekend), rng.normal(0, 1, 365)])
    y = 100 + 40 * (1 - weekend) + 5 * np.maximum(55 - t, 0) + values @ [0.8, 3.0] + rng.normal(0, 4, 365)
    found = split_causes.fit(t, y, 3 * weekend, values, cooling=True)
    assert found is not None
    columns = np.column_stack([design(found.split.parts, t, 3 * weekend), values - values.mean(axis=0)])
    told = np.linalg.lstsq(columns, y, rcond=None)[0]
    assert found.betas == pytest.approx(told[-2:].tolist(), rel=1e-3)
    assert found.betas == pytest.approx((0.8, 3.0), abs=0.25)
    assert len(found.split.parts) > 1


def by_month(days: Any, values: Any) -> tuple[Any, Any]:
    """Sums of a series by calendar month, stamped with its first day."""
    first, which = np.unique(days.astype("datetime64[M]"), return_inverse=True)
    return first.astype("datetime64[m]"), np.bincount(which, values)


BILLED = {"hall_kwh: {unit: kWh, kind: interval, every: 1h": "hall_kwh: {unit: kWh, kind: interval"}
MONTHLY = DRIVEN.replace("every: 1d", "every: 30d")


@pytest.mark.parametrize("monthly", [False, True])
def test_bills_know_of_it_too(ask: Ask, monthly: bool) -> None:
    """By the weather alone the use of a plant that makes half as much again rose; its bills tell the tenth that it
    saves. Output may be told by the month, as bills are.
    """
    series = plant()
    alone = ask_one(ask, {key: value for key, value in series.items() if key != "output"}, method="billing")
    assert alone["saving_pct"] < -3
    text = city(**{ADDED: DRIVEN})
    if monthly:
        series = {**series, **{key: by_month(*series[key]) for key in ("output", "hall_kwh")}}
        text = city(**{ADDED: MONTHLY, **BILLED})
    row = ask_one(ask, series, text, method="billing")
    assert row["saving_pct"] == pytest.approx(10, abs=0.5)
    assert row["model"] == "heating and cooling and output"
    assert row["drivers"].startswith("output: 0.")
    assert row["beyond_days"] > 100
    assert (row["verdict"], row["days"]) == ("proven", 365)


def test_the_evidence_of_bills_tries_models_on_what_output_leaves(ask: Ask) -> None:
    found = ask("energy/savings", city(**{ADDED: DRIVEN}), plant(), "2025-01-01", "2026-01-01", method="billing",
                meters="hall_kwh", evidence=True)  # fmt: skip
    row, first = rows_of(found, "savings")[0], rows_of(found, "candidates_hall_kwh")[0]
    assert first["status"] == "taken"
    assert (first["heating_balance_point"], first["cooling_balance_point"]) == (
        row["heating_balance_point"],
        row["cooling_balance_point"],
    )


def test_a_bill_of_which_a_cause_is_not_known_is_left_out(ask: Ask) -> None:
    series = plant(growth=1.0)
    days, output = series["output"]
    known = (days < np.datetime64("2025-05-03")) | (days >= np.datetime64("2025-05-10"))
    row = ask_one(
        ask, {**series, "output": (days[known], output[known])}, city(**{ADDED: DRIVEN}), method="billing"
    )
    assert row["days"] == 365 - 31
    assert "1 bill left out (2025-05-01 to 2025-06-01" in row["reasons"]
    assert row["reasons"].endswith("output lacks on more than 10 % of its days")
    never = {**plant(), "output": (DAYS, np.full(len(DAYS), 200.0))}
    row = ask_one(ask, never, city(**{ADDED: DRIVEN}), method="billing")
    assert row["verdict"] == "NOT ASSESSABLE no model fits"


@pytest.mark.parametrize("seed", range(4))
def test_bills_with_causes_are_fitted_as_one_by_one(seed: int) -> None:
    """Every pair of whole degrees by weighted least squares, bills weighing as many days as they have."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(28, 34, 12)
    period = np.repeat(np.arange(12), lengths)
    t = 55 - 25 * np.cos(2 * np.pi * np.arange(len(period)) / 365) + rng.normal(0, 4, len(period))
    values = rng.uniform(100, 300, (12, 2))
    daily = 100 + 5 * np.maximum(55 - t, 0) + 4 * np.maximum(t - 68, 0)
    a_day = np.bincount(period, daily) / lengths + values @ [0.5, -0.2] + rng.normal(0, 5, 12)
    bills = billing.Bills(a_day * lengths, lengths, t, period, values)
    found = billing.fit(bills)
    assert found is not None
    root = np.sqrt(lengths)
    mean = (lengths * a_day).sum() / lengths.sum()
    total = (lengths * (a_day - mean) ** 2).sum()
    away = values - (lengths @ values) / lengths.sum()
    best: tuple[float, Any, Any, Any] = (-9.0, None, None, None)
    for low, high in [*product(range(30, 91), range(30, 91)), *((one, None) for one in range(30, 91))]:
        if high is not None and low > high:
            continue
        sides = [np.maximum(low - t, 0)] + ([] if high is None else [np.maximum(t - high, 0)])
        if any(side.sum() < 20 for side in sides):
            continue
        columns = np.column_stack(
            [np.ones(12), *(np.bincount(period, side) / lengths for side in sides), away]
        )
        told, *_ = np.linalg.lstsq(columns * root[:, None], a_day * root, rcond=None)
        if (told[: 1 + len(sides)] <= 0).any():
            continue
        sse = (lengths * (a_day - columns @ told) ** 2).sum()
        r2 = 1 - sse / total * 11 / (11 - len(sides) - 2)
        if r2 > best[0] + 1e-12:
            best = (r2, low, high, told)
    assert found.r2_adj == pytest.approx(best[0], abs=1e-9)
    assert (found.heating, found.cooling) == (best[1], best[2])
    assert (found.intercept, *found.betas) == pytest.approx((best[3][0], *best[3][-2:]))
    assert found.expected(bills).sum() == pytest.approx(bills.amount.sum())


def test_the_model_by_the_hour_knows_of_it_too(ask: Ask) -> None:
    """As for the day: without the output its use rose; a day of which it is not known is no evidence."""
    series = plant()
    alone = ask_one(ask, {key: value for key, value in series.items() if key != "output"}, method="towt")
    assert alone["saving_pct"] < -3
    row = ask_one(ask, series, city(**{ADDED: DRIVEN}), method="towt")
    assert row["saving_pct"] == pytest.approx(10, abs=0.2)
    assert row["drivers"].startswith("output: 0.")
    assert row["model"] == "time of week and temperature and output"
    assert (row["verdict"], row["days"]) == ("proven", 365)
    assert row["beyond_days"] > 100
    days, output = series["output"]
    known = (days < np.datetime64("2025-05-03")) | (days >= np.datetime64("2025-05-10"))
    gapped = {**series, "output": (days[known], output[known])}
    row = ask_one(ask, gapped, city(**{ADDED: DRIVEN}), method="towt")
    assert (row["days"], row["reasons"].count("7 days without output left out")) == (358, 1)
    never = {**series, "output": (days, np.full(len(days), 200.0))}
    assert "no model fits" in ask_one(ask, never, city(**{ADDED: DRIVEN}), method="towt")["verdict"]


def test_a_cause_in_a_line_beside_time_and_weather_is_told_by_the_hour() -> None:
    """A year of hours made of a week's pattern, heating below 55 degF and 0.7 for each unit of the day, by hand."""
    hours = np.arange(365 * 24)
    rng = np.random.default_rng(7)
    day, week_hour, month = hours // 24, hours % 168, np.minimum(hours // 730, 11) + 1
    degrees = 50 - 20 * np.cos(2 * np.pi * hours / 8760) + rng.normal(0, 5, 365)[day]
    values = np.column_stack([rng.uniform(50, 150, 365), rng.integers(0, 2, 365)])[day]
    kwh = 5 + np.sin(week_hour / 24) + 0.3 * np.maximum(55 - degrees, 0) + values @ [0.7, -12] / 24
    model = hourly_causes.fit(degrees, kwh, week_hour, month, day, values)
    assert model is not None
    assert model.betas == pytest.approx((0.7, -12), rel=1e-3)
    assert model.means == pytest.approx(values.mean(axis=0))
    assert hourly_causes.fit(degrees, np.full(len(hours), np.nan), week_hour, month, day, values) is None
    twice = np.column_stack([values[:, 0], 2 * values[:, 0]])
    assert hourly_causes.fit(degrees, kwh, week_hour, month, day, twice) is None


def test_a_register_and_a_state_drive_as_well(ask: Ask) -> None:
    """What was made is counted up by the hour; the hall is open on some days."""
    series = plant(growth=1.0)
    times, index, _ = year()
    _, output = series["output"]
    counted = np.concatenate([[0], np.cumsum((output / 24)[index])[:-1]])
    is_open = np.random.default_rng(2).integers(0, 2, len(DAYS)).astype(float)
    text = city(**{
        ADDED: "output: {unit: kg, kind: counter, every: 1h, zone: hall, role: driver}\n"
        "  open: {unit: state, kind: state, every: 1h, zone: hall, role: driver}\n"
        "  hall_kwh: {"
    })  # fmt: skip
    since = times >= np.datetime64("2025-01-01")
    kwh = series["hall_kwh"][1] + (40 * is_open / 24)[index] * np.where(since, 0.9, 1)
    given = {**series, "output": (times, counted), "open": (times, is_open[index]), "hall_kwh": (times, kwh)}
    row = ask_one(ask, given, text)
    assert row["drivers"] == "open: 40 kWh each; output: 0.5 kWh/kg"
    assert row["saving_pct"] == pytest.approx(10, abs=1e-6)


def test_the_evidence_tells_the_cause_and_hashes_it(ask: Ask) -> None:
    def told(growth: float) -> dict[str, str]:
        found = ask("energy/savings", city(**{ADDED: DRIVEN}), plant(growth), "2025-01-01", "2026-01-01",
                    meters="hall_kwh", evidence=True, normal=True)  # fmt: skip
        assert "no normal year: no one knows" in rows_of(found, "savings")[0]["reasons"]
        assert rows_of(found, "candidates_hall_kwh")[0]["heating_balance_point"] == 55
        return {row["what"]: row["known"] for row in rows_of(found, "facts_hall_kwh")}

    assert told(1.5)["cause"].startswith("output: 0.5 kWh for each unit; in the baseline 38.")
    assert told(1.5)["input"] != told(1.4)["input"]


@settings(max_examples=15)
@given(seed=st.integers(0, 10_000), cooling=st.booleans())
def test_it_is_the_best_of_all_models_fitted_one_by_one(seed: int, cooling: bool) -> None:
    rng = np.random.default_rng(seed)
    t = rng.uniform(50, 66, 80)
    x = rng.normal(0, 1, (80, 2)) + 0.05 * t[:, None]
    y = 50 + rng.uniform(0, 3) * np.maximum(60 - t, 0) + x @ rng.uniform(-4, 4, 2) + rng.normal(0, 2, 80)
    found = causes.fit(t, y, x, cooling=cooling)
    assert found is not None
    total, best = float(((y - y.mean()) ** 2).sum()), -1.0
    grid = [None, *range(45, 72)]
    for low, high in product(grid, grid if cooling else [None]):
        if low is not None and high is not None and low > high:
            continue
        below = [] if low is None else [np.maximum(low - t, 0)]
        sides = below + ([] if high is None else [np.maximum(t - high, 0)])
        if any((one > 0).sum() < 10 or one.sum() < 20 for one in sides):
            continue
        design = np.column_stack([np.ones(80), *sides, x])
        told, _, rank, _ = np.linalg.lstsq(design, y, rcond=None)
        slopes = told[1 : 1 + len(sides)]
        base = y.mean() - sum(slope * one.mean() for slope, one in zip(slopes, sides, strict=True))
        if rank < design.shape[1] or (slopes <= 0).any() or (sides and base < 0):
            continue
        sse = float(((y - design @ told) ** 2).sum())
        best = max(best, 1 - sse / total * 79 / (80 - design.shape[1]))
    assert found.r2_adj == pytest.approx(best, abs=1e-9)


def test_few_bills_leave_open_what_later_ones_take() -> None:
    """Of a mean of 12 bills, over 6 more: the variance is theirs, and half as much again for the mean's own."""
    rng = np.random.default_rng(1)
    before, after = (
        billing.Bills(rng.normal(3000, 90, count), np.full(count, 30), np.full(30 * count, 60.0),
                      np.repeat(np.arange(count), 30))
        for count in (12, 6)
    )  # fmt: skip
    model = billing.fit(before)
    assert model is not None
    assert model.model == "intercept only"
    drift = billing.beside(before, after, model)
    assert drift.variance == pytest.approx(before.amount.var(ddof=1) / 30 * 1.5)
    assert drift.stretches == 12


@pytest.mark.parametrize("seed", [1, 7])
def test_another_model_may_be_chosen_of_few_bills(seed: int) -> None:
    """Of 12 bills: each is left out in turn, all is fitted anew, and the variance of the jackknife taken by numpy."""
    rng = np.random.default_rng(seed)
    days, degrees = (
        np.full(12, 30),
        62 - 12 * np.cos(2 * np.pi * np.arange(360) / 360) + rng.normal(0, 6, 360),
    )
    amount = (50 + np.maximum(58 - degrees, 0)).reshape(12, 30).sum(axis=1) * rng.normal(1, 0.05, 12)

    def bills(kept: list[int], colder: float = 0.0) -> billing.Bills:
        warm = degrees.reshape(12, 30)[kept].ravel() - colder
        return billing.Bills(amount[kept], days[kept], warm, np.repeat(np.arange(len(kept)), 30))

    every = list(range(12))
    known, later = bills(every), bills(every, colder=4)
    model = billing.fit(known)
    assert model is not None
    told, words = [], {model.model}
    for out in every:
        other = billing.fit(bills([one for one in every if one != out]))
        assert other is not None
        told.append(other.expected(later).sum())
        words.add(other.model)
    coefficients = 1 + 2 * model.terms  # base, slopes and balance points
    scatter = ((amount - model.expected(known)) ** 2 / 30).sum() / (12 - coefficients)
    drift = billing.beside(known, later, model)
    assert drift.variance == pytest.approx(scatter + 11 * np.var(told) / 360)
    assert drift.stretches == 13 - coefficients
    assert len(words) > 1


def test_more_output_than_ever_leaves_more_open(ask: Ask) -> None:
    """The same scatter, half as much again made: what a kg uses is known from 12 bills only."""
    rng = np.random.default_rng(8)
    found = []
    for growth in (1.0, 1.5):
        series = plant(growth=growth)
        times, kwh = series["hall_kwh"]
        noise = np.repeat(rng.normal(1, 0.03, 25), 31 * 24)[: len(kwh)]
        row = ask_one(
            ask, {**series, "hall_kwh": (times, kwh * noise)}, city(**{ADDED: DRIVEN}), method="billing"
        )
        found.append((row["avoided_high"] - row["avoided_low"]) / row["counterfactual_kwh"])
    assert found[1] > 1.5 * found[0]
