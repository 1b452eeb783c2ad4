"""What is told of a saving: findings, its interval, what is set apart, totals and intervals of time."""

from __future__ import annotations

import numpy as np
import pytest

from tests.analysis.conftest import rows_of
from tests.analysis.energy.town_hall import (
    ONE,
    Ask,
    ask_one,
    city,
    made,
    only,
    use,
    year,
)


def test_more_use_with_proof_is_a_finding_and_less_is_none(ask: Ask) -> None:
    asked = ("energy/savings", city())
    span = ("2025-01-01", "2026-01-01")
    rose = ask(*asked, made(saved=-0.08, noise=0.05), *span, **ONE)
    assert rows_of(rose, "savings")[0]["verdict"] == "USE ROSE proven"
    (finding,) = rose.findings
    assert finding.subject == "Town hall"
    row = only(rose)
    told = f"uncertainty {100 * row['uncertainty']:.0f} % of it at 68 % confidence"
    assert finding.text.endswith(f" kWh, {told}) against the weather since 2025-01-01")
    assert finding.evidence["uncertainty"] == row["uncertainty"]
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
    assert row["uncertainty"] >= row["fsu"] > 0.5
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
    assert row["uncertainty"] == pytest.approx(half / row["avoided_kwh"])
    assert row["fsu"] < 0.5 < row["uncertainty"]
    assert row["verdict"] == f"not proven, uncertainty {100 * row['uncertainty']:.0f} % of it"
    assert total["verdict"] == "not proven"
    for key in ("uncertainty", "fsu", "avoided_low", "avoided_high"):  # of one meter the total tells the same
        assert total[key] == pytest.approx(row[key])
    assert f"saved, uncertainty {100 * row['uncertainty']:.0f} % of it" in (result.summary or "")


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


def test_a_meter_told_twice_saves_once(ask: Ask) -> None:
    """The hall's power beside its energy: the second one is set apart, and not in the sum."""
    series = made(noise=0.02)
    times, kwh = series["hall_kwh"]
    series["hall_power"] = (times, kwh)
    text = city().replace(
        "  baths_kwh:", "  hall_power: {unit: kW, every: 1h, zone: hall, role: consumption}\n  baths_kwh:"
    )
    found = ask("energy/savings", text, series, "2025-01-01", "2026-01-01", meters="hall_*")
    rows = {row["meter"]: row for row in rows_of(found, "savings")}
    assert rows["hall_kwh"]["verdict"] == "proven"
    assert rows["hall_power"]["verdict"].startswith("SET APART it tells what hall_kwh does")
    (total,) = rows_of(found, "portfolio")
    assert total["avoided_kwh"] == pytest.approx(rows["hall_kwh"]["avoided_kwh"])
