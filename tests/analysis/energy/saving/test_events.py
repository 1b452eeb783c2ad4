"""Non-routine events on made-up days, and in the account of a meter."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from cityctl.analysis.energy.saving import events
from cityctl.result import Result
from tests.analysis.conftest import rows_of
from tests.analysis.energy.saving.test_methods import HOUSE, house

DAYS = [date(2024, 1, 1) + timedelta(days=k) for k in range(365)]
WARM = 12 - 10 * np.cos(np.arange(365) / 58)


def made(seed: int = 0) -> tuple[Any, Any]:
    """(use, expected) of a year that saves 20 %, kWh a day."""
    random = np.random.default_rng(seed)
    expected = 100 + 40 * np.cos(np.arange(365) / 58)
    return 0.8 * expected * random.normal(1, 0.05, 365), expected


@pytest.mark.parametrize("seed", range(5))
def test_an_ordinary_year_has_no_event(seed: int) -> None:
    use, expected = made(seed)
    assert events.shutdowns(DAYS, use, expected, 5.0, 0) == []
    assert events.step(DAYS, use, expected, WARM) is None


def test_a_shutdown_is_told_to_the_day() -> None:
    use, expected = made()
    use[100:120] = 8.0
    (found,) = events.shutdowns(DAYS, use, expected, 5.0, 0)
    assert (found.first, found.last) == (DAYS[100], DAYS[119])
    assert found.kwh == pytest.approx(float((expected[100:120] - 8.0).sum()))
    assert str(found) == "shutdown 2024-04-10 to 2024-04-29 (20 days) set apart"


def test_a_closure_that_the_baseline_knows_is_routine() -> None:
    use, expected = made()
    use[100:120] = 8.0
    assert events.longest_run(use, expected, 5.0) == 20
    assert events.shutdowns(DAYS, use, expected, 5.0, 20) == []


def test_a_step_is_told_within_days() -> None:
    use, expected = made()
    use[200:] -= 30
    found = events.step(DAYS, use, expected, WARM)
    assert found is not None
    assert abs((found.first - DAYS[200]).days) <= 3
    assert found.kwh == pytest.approx(-30, abs=5)


@pytest.mark.parametrize(("heating", "cooling"), [(0.7, 1.0), (1.0, 0.7), (0.7, 0.8)])
def test_a_measure_that_saves_in_winter_or_summer_alone_is_no_step(heating: float, cooling: float) -> None:
    """A house from July to March at such a share of what it took to heat and to cool; a tenant besides is a step."""
    random = np.random.default_rng(1)
    warm = 12 + 12 * np.cos(np.arange(270) / 58) + random.normal(0, 3, 270)
    heat, cool = 6 * np.maximum(14 - warm, 0), 8 * np.maximum(warm - 18, 0)
    use = (80 + heating * heat + cooling * cool) * random.normal(1, 0.04, 270)
    expected = 80 + heat + cool
    assert events.step(DAYS[:270], use, expected, warm) is None
    use[120:] += 40
    found = events.step(DAYS[:270], use, expected, warm)
    assert found is not None
    assert abs((found.first - DAYS[120]).days) <= 3
    assert found.kwh == pytest.approx(40, abs=8)


def test_a_shutdown_is_not_booked_as_a_saving(ask: Callable[..., Result]) -> None:
    times, degrees, use = house()
    use = use * np.random.default_rng(2).normal(1, 0.05, len(use))
    shut = (times >= np.datetime64("2024-03-01")) & (times < np.datetime64("2024-04-15"))
    series = {"temperature": (times, degrees), "meter": (times, np.where(shut, 0.3, use))}
    asked = ("2024-01-01", "2025-01-01")
    found = ask("energy/savings", HOUSE.replace("EVERY", "1h"), series, *asked, evidence=True)
    row = rows_of(found, "savings")[0]
    assert "shutdown 2024-03-01 to 2024-04-14 (45 days) set apart" in row["reasons"]
    (cusum,) = (plot for plot in found.plots if plot.key == "meter-cusum")
    assert cusum.lines[0].values[-1] == pytest.approx(row["avoided_kwh"])  # it ends at what is booked
    facts = {fact["what"]: fact["known"] for fact in rows_of(found, "facts_meter")}
    assert facts["reporting days"] == "2024-01-01 to 2024-12-31: 366, of which 321 count"
    assert row["saving_pct"] == pytest.approx(20.0, abs=1.0)
    assert row["days"] == 366 - 45
    billed = ask(
        "energy/savings", HOUSE.replace("EVERY", "1h"), series, "2024-01-01", "2025-01-01", method="billing"
    )
    row = rows_of(billed, "savings")[0]
    told = "shutdown 2024-03-01 to 2024-04-14 (45 days) set apart, with 2 bills in which it lies"
    assert told in row["reasons"]
    assert row["days"] == 366 - 61
    assert row["saving_pct"] == pytest.approx(20.0, abs=1.0)


@pytest.mark.parametrize("method", ["caltrack2", "split", "towt", "billing"])
def test_a_closure_in_the_baseline_sets_apart_what_is_expected_too_low(
    ask: Callable[..., Result], method: str
) -> None:
    """Shut for 56 days of 2023 and for none of 2024; with these days stated it saves its 20 %, as it does."""
    times, degrees, use = house()
    use = use * np.random.default_rng(2).normal(1, 0.05, len(use))
    shut = (times >= np.datetime64("2023-10-03")) & (times < np.datetime64("2023-11-28"))
    series = {"temperature": (times, degrees), "meter": (times, np.where(shut, 0.2 * use, use))}
    text, asked = HOUSE.replace("EVERY", "1h"), ("2024-01-01", "2025-01-01")
    (row,) = rows_of(ask("energy/savings", text, series, *asked, method=method), "savings")
    assert row["saving_pct"] < 15
    assert row["verdict"].startswith("SET APART shut from 2023-1")
    assert "too little is expected since; state it under `non_routine`" in row["verdict"]
    text += "non_routine: [{first: 2023-10-03, last: 2023-11-27, what: painters}]\n"
    (row,) = rows_of(ask("energy/savings", text, series, *asked, method=method), "savings")
    assert row["verdict"] == "proven"
    assert row["saving_pct"] == pytest.approx(20.0, abs=1.5)


def by_month(times: Any, kwh: Any) -> tuple[Any, Any]:
    """Readings of an hour as bills: (first days, amounts)."""
    months = times.astype("datetime64[M]")
    first, which = np.unique(months, return_inverse=True)
    return first.astype("datetime64[h]"), np.bincount(which, kwh)


@pytest.mark.parametrize(
    ("first", "days", "verdict"),
    [
        ("2024-03-10", 0, "proven"),
        ("2024-03-10", 14, "SET APART 1 bill"),
        ("2024-03-20", 25, "SET APART 2 bills"),
    ],
)
def test_a_shutdown_over_parts_of_bills_is_not_proven_as_a_saving(
    ask: Callable[..., Result], first: str, days: int, verdict: str
) -> None:
    """No bill is as low as half of the usual, and no day says when it was: what remains is the doubt."""
    times, degrees, use = house()
    use = use * np.random.default_rng(2).normal(1, 0.05, len(use))
    begin = np.datetime64(first)
    shut = (times >= begin) & (times < begin + np.timedelta64(days, "D"))
    series = {"temperature": (times, degrees), "meter": by_month(times, np.where(shut, 0.2 * use, use))}
    text = HOUSE.replace(", every: EVERY, zone", ", zone").replace("EVERY", "1h")
    (row,) = rows_of(
        ask("energy/savings", text, series, "2024-01-01", "2025-01-01", method="billing"), "savings"
    )
    assert row["verdict"].startswith(verdict)
    assert ("far below the others, the first from 2024-03-01 on: was it shut" in row["verdict"]) == bool(days)


def test_a_saving_in_winter_only_makes_no_bill_doubtful() -> None:
    """Half of the heating saved: winter bills lie 35 % lower, those of summer where they were."""
    expected = 100 + 160 * np.maximum(np.cos(np.arange(12) / 12 * 2 * np.pi), 0)
    use = (100 + 0.5 * (expected - 100)) * np.random.default_rng(4).normal(1, 0.01, 12)
    assert events.low_bills(DAYS[::30][:12], use, expected, 2.0) is None
    use[4:6] *= 0.8
    found = events.low_bills(DAYS[::30][:12], use, expected, 2.0)
    assert found is not None
    assert (found.first, found.last, found.kwh) == (DAYS[120], DAYS[150], 2)


def test_a_bill_beside_a_shutdown_that_lies_low_belongs_to_it() -> None:
    expected = np.full(12, 3000.0)
    use = 0.9 * expected
    use[5], use[6] = 600.0, 2000.0
    (found,) = events.shutdowns(DAYS[::30][:12], use, expected, 30.0, 0, least=1)
    assert (found.first, found.last) == (DAYS[150], DAYS[180])


def test_days_of_a_shutdown_that_scatter_about_half_are_one_run() -> None:
    """45 % left: now and then a day lies above a half of the usual."""
    random = np.random.default_rng(3)
    expected = np.full(365, 100.0)
    use = expected * random.normal(1, 0.05, 365)
    use[100:140] = 45 * random.normal(1, 0.15, 40)
    assert (use[100:140] > 50).sum() >= 5
    (found,) = events.shutdowns(DAYS, use, expected, 5.0, 0)
    assert (found.first, found.last) == (DAYS[100], DAYS[139])


def test_short_runs_count_together() -> None:
    """Five days at 30 % are 0.96 % of what is expected; twice five are no small matter."""
    expected = np.full(365, 100.0)
    use = expected.copy()
    use[100:105] = 30
    assert [one.kind for one in events.shutdowns(DAYS, use, expected, 2.0, 0)] == ["pause"]
    use[200:205] = 30
    assert [one.kind for one in events.shutdowns(DAYS, use, expected, 2.0, 0)] == ["shutdown"] * 2


def test_a_week_of_work_hides_neither_a_shutdown_nor_a_step(ask: Callable[..., Result]) -> None:
    """An office at a third of its use for 92 days, workdays twice its weekends: by weather alone a workday looks half
    as large as it is, and the days that were shut hardly below the scatter. Without them it saves 20 %."""
    times, degrees, use = house()
    office = use * np.random.default_rng(2).normal(1, 0.05, len(use))
    shut = (times >= np.datetime64("2024-03-01")) & (times < np.datetime64("2024-06-01"))
    asked = (HOUSE.replace("EVERY", "1h"), "2024-01-01", "2025-01-01")

    def row(kwh: Any) -> dict[str, Any]:
        series = {"temperature": (times, degrees), "meter": (times, kwh)}
        return rows_of(ask("energy/savings", asked[0], series, *asked[1:]), "savings")[0]

    closed = row(np.where(shut, 0.33 * office, office))
    assert closed["reasons"] == "shutdown 2024-03-01 to 2024-05-31 (92 days) set apart"
    assert closed["saving_pct"] == pytest.approx(20.0, abs=1.0)
    grown = row(np.where(times >= np.datetime64("2024-06-01"), 1.2 * office, office))
    assert "a day on 2024-0" in grown["reasons"]
    assert grown["reasons"].endswith("and stayed: what changed?")


def test_co2_is_that_of_the_hours(ask: Callable[..., Result]) -> None:
    """Use and saving lie in the hours of the night, where power is clean: the flat mean would tell too much."""
    times, degrees, use = house()
    hour = (times.astype("datetime64[h]").astype(int)) % 24
    night = np.where(hour < 8, 3.0, 0.001)
    intensity = np.where(hour < 8, 0.1, 0.5)
    city = (
        HOUSE.replace("EVERY", "1h")
        .replace("power: {kind: power}", "power: {kind: power, carbon: grid}")
        .replace("  temperature: {unit", "  grid: {unit: kg/kWh, every: 1h}\n  temperature: {unit", 1)
    )
    series = {"temperature": (times, degrees), "meter": (times, use * night), "grid": (times, intensity)}
    row = rows_of(ask("energy/savings", city, series, "2024-01-01", "2025-01-01"), "savings")[0]
    assert row["saved_co2"] / row["avoided_kwh"] == pytest.approx(0.1, rel=0.01)
    assert row["enpi"] == pytest.approx(0.8, abs=0.01)
    flat = HOUSE.replace("EVERY", "1h").replace(
        "power: {kind: power}", "power: {kind: power, carbon: 250 g/kWh}"
    )
    row = rows_of(ask("energy/savings", flat, series, "2024-01-01", "2025-01-01"), "savings")[0]
    assert row["saved_co2"] == pytest.approx(0.25 * row["avoided_kwh"])


@pytest.mark.parametrize(("since", "factor"), [("2023-05-10", 1000), ("2024-03-02", 0.001)])
def test_a_change_of_unit_is_no_use(ask: Callable[..., Result], since: str, factor: float) -> None:
    times, degrees, use = house()
    wrong = np.where(times >= np.datetime64(since), use * factor, use)
    series = {"temperature": (times, degrees), "meter": (times, wrong)}
    row = rows_of(
        ask("energy/savings", HOUSE.replace("EVERY", "1h"), series, "2024-01-01", "2025-01-01"), "savings"
    )[0]
    assert row["avoided_kwh"] is None
    assert f"use jumps by a factor of {factor:g} on {since}: did the unit change?" in row["verdict"]


def test_a_season_is_no_change_of_unit() -> None:
    use, _ = made()
    summer = np.where((np.arange(365) > 120) & (np.arange(365) < 250), use / 50, use)
    assert events.unit_jump(DAYS, summer, 50 - 20 * np.cos(np.arange(365) / 58)) is None
