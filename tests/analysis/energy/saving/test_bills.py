"""Savings from bills of a hall that was made: 100 kWh a day and 2 kWh for each degree Fahrenheit below 60."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cityctl.analysis.energy.saving.periods import LeftOut, Period, kept, merged
from cityctl.city.project import Project
from cityctl.collect.jobs import Options
from cityctl.collect.load import import_files
from cityctl.exports.shape import Shape
from cityctl.report.run import run
from cityctl.result import Result
from tests.analysis.conftest import rows_of, slots
from tests.analysis.energy.town_hall import ask_one, city, made, use, year
from tests.collect.historian import console

CITY = """
name: One hall
time_zone: UTC
networks: {power: {kind: power}}
zones: {hall: {network: power, kind: building}}
points:
  meter: {unit: kWh, kind: interval, zone: hall, role: consumption}
  temperature: {unit: degC, every: 1h}
weather: {temperature: temperature}
interventions: [{date: 2024-01-01}]
"""
NOW = datetime(2025, 6, 1, tzinfo=UTC)
ASKED = ("2024-01-01", "2025-01-01")
TIMES = slots("2022-12-01", "2025-02-01", 60)


def fahrenheit() -> Any:
    """Daily means from 1 Dec 2022 on, one a day, steady within the day."""
    days = np.arange(len(TIMES) // 24)
    return np.round(50 - 22 * np.cos(2 * np.pi * (days - 46) / 365.25) + 6 * np.sin(days * 1.7), 3)


def amount(first: date, until: date, share: float) -> float:
    begin = (first - date(2022, 12, 1)).days
    t = fahrenheit()[begin : begin + (until - first).days]
    return share * float((100 + 2 * np.maximum(60 - t, 0)).sum())


def reads(*, last: date = date(2025, 1, 1)) -> list[date]:
    """The first of each month from 2023 on."""
    months = [date(2023 + at // 12, at % 12 + 1, 1) for at in range(25)]
    return [day for day in months if day <= last]


def series(days: list[date], closed: bool = True) -> dict[str, Any]:
    """Bills from each day to the next; 10 % less from 2024 on. `closed`: the end of the last one is told."""
    amounts = [amount(first, until, 0.9 if first.year >= 2024 else 1.0) for first, until in pairwise(days)]
    stamps = [np.datetime64(day, "us") for day in days[:-1]]
    if closed:
        stamps.append(np.datetime64(days[-1], "us") - np.timedelta64(1, "s"))
        amounts.append(np.nan)
    return {
        "meter": (np.array(stamps), np.array(amounts)),
        "temperature": (TIMES, np.repeat((fahrenheit() - 32) / 1.8, 24)),
    }


def asked(ask: Callable[..., Result], given: dict[str, Any], **parameters: Any) -> Result:
    quality = {"meter": np.where(np.isnan(given["meter"][1]), 3, 0)}
    return ask("energy/savings", CITY, given, *ASKED, method="billing", quality=quality, **parameters)


def test_the_law_is_found_from_bills_whose_last_end_is_told(ask: Callable[..., Result]) -> None:
    (row,) = rows_of(asked(ask, series(reads())), "savings")
    assert row["heating_balance_point"] == 60
    assert row["beta_heating"] == pytest.approx(2, rel=1e-9)
    assert row["intercept"] == pytest.approx(100, rel=1e-9)
    assert row["saving_pct"] == pytest.approx(10, rel=1e-9)
    assert row["days"] == 366
    assert row["reasons"] is None


def test_a_last_bill_without_an_end_is_named(ask: Callable[..., Result]) -> None:
    (row,) = rows_of(asked(ask, series(reads(), closed=False)), "savings")
    kwh = amount(date(2024, 12, 1), date(2025, 1, 1), 0.9)
    assert f"1 bill left out (from 2024-12-01 on; {kwh:,.0f} kWh)".replace(",", " ") in row["reasons"]
    assert row["days"] == 366 - 31


def test_bills_that_are_left_out_say_why(ask: Callable[..., Result]) -> None:
    days = reads()
    days.remove(date(2023, 5, 1))  # one bill of April and May
    days[days.index(date(2024, 1, 1))] = date(2024, 1, 10)  # the measure lies within a bill
    result = asked(ask, series(days), evidence=True)
    (row,) = rows_of(result, "savings")
    lost = {str(one["bill_start"]): one["reason"] for one in rows_of(result, "left_out_meter")}
    assert lost["2023-04-01"] == "61 days long, above 35"
    assert lost["2023-12-01"] == "the measure lies within"
    assert lost["2024-01-10"] == "22 days long, below 25"
    assert "1 bill left out (2023-12-01 to 2024-01-10;" in row["reasons"]


def test_each_model_of_the_evidence_is_fitted_by_itself(ask: Callable[..., Result]) -> None:
    given = series(reads())
    given["meter"] = (given["meter"][0], given["meter"][1] * (1 + 0.02 * np.sin(np.arange(25) * 2.3)))
    result = asked(ask, given, evidence=True)
    (row,) = rows_of(result, "savings")
    taken = rows_of(result, "candidates_meter")[0]
    assert taken["status"] == "taken"
    assert (taken["heating_balance_point"], taken["cooling_balance_point"]) == (
        row["heating_balance_point"],
        row["cooling_balance_point"],
    )
    assert taken["r2_adj"] == pytest.approx(row["r2_adj"], abs=1e-9)
    counted = rows_of(result, "bills_meter")
    assert sum(one["bill_kwh"] for one in counted if one["of"] == "reporting") == pytest.approx(
        row["observed_kwh"]
    )
    assert sum(one["bill_expected"] for one in counted if one["of"] == "reporting") == pytest.approx(
        row["counterfactual_kwh"]
    )


def text_of(days: list[date]) -> str:
    return "start,end,meter [kWh]\n" + "".join(
        f"{first},{until},{amount(first, until, 0.9 if first.year >= 2024 else 1.0):.6f}\n"
        for first, until in pairwise(days)
    )


@pytest.mark.parametrize("order", [("old", "new"), ("new", "old"), ("new", "old", "old"), ("new",)])
def test_files_tell_the_same_in_whatever_order_they_come(
    project: Callable[[str], Path], order: tuple[str, ...]
) -> None:
    """`old` ends with October 2024: where that bill ended, a later one begins, and the end falls on nothing."""
    folder = project(CITY.replace("every: 1h", "every: 1d"))
    weather = "time,temperature [degF]\n" + "".join(
        f"{str(TIMES[at * 24]).replace('T', ' ')},{degrees}\n" for at, degrees in enumerate(fahrenheit())
    )
    files = {"old": text_of(reads(last=date(2024, 11, 1))), "new": text_of(reads()), "weather": weather}
    place = Project(folder)
    for at, name in enumerate(["weather", *order]):
        (folder / f"{name}.csv").write_text(files[name], encoding="utf-8")
        import_files(
            place,
            [folder / f"{name}.csv"],
            Options(Shape()),
            now=NOW + timedelta(hours=at),
            console=console(),
        )
    (row,) = rows_of(
        run("savings", place, now=NOW, since="2024", until="2024", settings=["method=billing"]), "savings"
    )
    assert (row["days"], row["saving_pct"]) == (366, pytest.approx(10, abs=1e-6))


def test_dates_that_are_ends_taken_for_beginnings_are_doubted(ask: Callable[..., Result]) -> None:
    """Each amount stands at the end of its month: against the month after it the weather tells little."""
    given = series(reads())
    stamps, amounts = given["meter"]
    given["meter"] = (np.append(stamps[1:-1], np.datetime64("2025-01-01", "us")), amounts[:-1])
    (row,) = rows_of(asked(ask, given), "savings")
    assert row["verdict"].startswith(
        "SET APART its dates fit the weather better as ends of the bills (R² 1.00, not "
    )
    assert "--stamp end" in row["verdict"]


def test_two_month_bills_keep_a_year_before_the_one_with_the_measure(ask: Callable[..., Result]) -> None:
    """Bills from 15 December 2022 on; the one from mid-December 2023 holds the measure: the six before it count."""
    months = [date(2022, 12, 15), *(date(2023 + at // 12, at % 12 + 1, 15) for at in range(1, 24, 2))]
    (row,) = rows_of(asked(ask, series([*months, date(2025, 1, 15)])), "savings")
    assert row["saving_pct"] == pytest.approx(10, rel=1e-9)
    assert "1 bill left out (2023-12-15 to 2024-02-15" in row["reasons"]
    assert row["baseline_kwh"] == pytest.approx(amount(date(2022, 12, 15), date(2023, 12, 15), 1.0))
    assert (row["baseline_start"], row["baseline_end"]) == (date(2022, 12, 15), date(2023, 12, 15))
    assert row["reporting_start"] == date(2024, 2, 15)


def test_an_estimate_with_the_true_read_after_it_may_reach_70_days() -> None:
    """CalTRACK 2.0, 2.2.3.2: among monthly bills too; two estimates in a row reach further, and so does a long bill."""
    first = [date(2024, month, 1) for month in range(1, 13)]
    rows = [(one, other, 10.0, other.month == 6) for one, other in pairwise(first)]
    out: list[LeftOut] = []
    told = kept(merged(rows), out)
    assert [one.days for one in told] == [31, 29, 31, 30, 61, 31, 31, 30, 31, 30]
    assert not out
    rows = [(one, other, 10.0, other.month in (6, 7)) for one, other in pairwise(first)]
    assert len(kept(merged(rows), out)) == 8
    assert [one.why for one in out] == ["92 days long, above 70"]
    kept(
        [*(Period(one, other, 10.0) for one, other in pairwise(first[:6])), Period(first[6], first[8], 20.0)],
        out,
    )
    assert [one.why for one in out[1:]] == ["62 days long, above 35"]


def test_an_estimate_before_a_gap_is_no_part_of_a_later_bill() -> None:
    """January is estimated, March is read, and nobody knows of February; April is estimated and May makes it true."""
    first = [date(2024, month, 1) for month in range(1, 7)]
    out: list[LeftOut] = []
    rows = [(first[0], first[1], 10.0, True), (first[2], first[3], 20.0, False),
            (first[3], first[4], 5.0, True), (first[4], first[5], 7.0, False)]  # fmt: skip
    both = Period(first[3], first[5], 12.0, estimated=True)
    assert merged(rows, out) == [Period(first[2], first[3], 20.0), both]
    assert [(one.day, one.until, one.amount) for one in out] == [(first[0], first[1], 10.0)]


@pytest.mark.parametrize("measure", ["2025-01-01", "2025-01-10"])
def test_a_leap_year_of_hours_has_twelve_months(ask: Callable[..., Result], measure: str) -> None:
    """365 days before New Year of 2025 begin on 2 January 2024: January is a bill of the baseline nevertheless."""
    text = city(**{"2025-01-01": measure})
    row = ask_one(ask, made(), text, method="billing")
    assert row["baseline_start"] == date(2024, 1, 1)
    assert row["baseline_end"] == date(2025, 1, 1)
    _, _, daily = year()
    of_2024 = use(daily)[2:368]  # the days from 30 December 2023 on
    assert row["baseline_kwh"] == pytest.approx(of_2024.sum())
