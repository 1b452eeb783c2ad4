"""Lines of a bill: published worked examples, real tariffs computed by another tool, and laws."""

from __future__ import annotations

import csv
import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityctl.tariff.charges import bills
from cityctl.tariff.model import Tariff, from_text
from cityctl.tariff.scenarios import capped, shifted
from cityctl.tariff.shapes import recipe_text
from cityctl.tariff.use import Use


def tariff(version: dict[str, Any]) -> Tariff:
    return Tariff.model_validate({"tariff": "t", "versions": [version]})


def month(power: float, factor: float | None = None, days: int = 30) -> Use:
    """A month of hours at one power [kW] and one power factor, from Monday 1 April 2024 on."""
    hours = np.arange(days * 24)
    energy = np.full(len(hours), power)
    reactive = None if factor is None else energy * np.sqrt(1 / factor**2 - 1)
    number = np.full(len(hours), 2024 * 12 + 3)
    return Use(
        energy,
        np.ones(len(hours)),
        number,
        hours % 24 * 60,
        hours // 24 % 7,
        np.zeros(len(hours), bool),
        DAY_0 + hours // 24,
        reactive,
    )


DAY_0 = date(2024, 4, 1).toordinal() - date(1970, 1, 1).toordinal()
APRIL = {2024 * 12 + 3: (date(2024, 4, 1), date(2024, 5, 1))}


def test_demand_in_kva() -> None:
    """800 kW at a power factor of 0.80 are 1 000 kVA, at 10 each 10 000: a worked example that is published often."""
    bill = bills(tariff({"demand": [{"price": 10, "of": "kVA"}]}), month(800, 0.8), APRIL)[0]
    assert bill.lines[0].billed == pytest.approx(1000)
    assert bill.total == pytest.approx(10_000)


def test_demand_adjusted_for_the_power_factor() -> None:
    """kW x target / power factor: 100 kW at 0.80 with a target of 0.95 are 118.75 kW; by hand."""
    bill = bills(
        tariff({"demand": [{"price": 10}], "power_factor": {"target": 0.95}}), month(100, 0.8), APRIL
    )[0]
    assert bill.lines[0].billed == pytest.approx(118.75)
    better = bills(
        tariff({"demand": [{"price": 10}], "power_factor": {"target": 0.95}}), month(100, 0.97), APRIL
    )[0]
    assert better.lines[0].billed == pytest.approx(100)


def test_reactive_energy_beyond_the_free_share() -> None:
    """72 000 kWh at 0.8: 54 000 kvarh, of which 36 000 are free; 18 000 x 0.01 = 180, by hand."""
    bill = bills(tariff({"reactive": {"price": 0.01, "free": 0.5}}), month(100, 0.8), APRIL)[0]
    assert bill.total == pytest.approx(180)


def test_tiers_are_of_the_months_use() -> None:
    """1 000 kWh: 300 at 0.20 and 700 at 0.10, by hand."""
    two = {"energy": [{"price": 0.2}, {"price": 0.1, "above": 300}]}
    bill = bills(tariff(two), month(1000 / 720), APRIL)[0]
    assert [line.billed for line in bill.lines] == pytest.approx([300, 700])
    assert bill.total == pytest.approx(130)


def test_a_ratchet_bills_a_share_of_earlier_peaks() -> None:
    """March peaks at 200 kW, April at 100: 80 % of 200 are billed."""
    april, march = month(100), month(100)
    energy = march.energy.copy()
    energy[5] = 200
    both = Use(
        np.concatenate([energy, april.energy]), np.ones(1440), np.repeat([2024 * 12 + 2, 2024 * 12 + 3], 720),
        np.tile(april.minute, 2), np.tile(april.weekday, 2), np.zeros(1440, bool),
        np.concatenate([april.day - 30, april.day]),
    )  # fmt: skip
    held = tariff({"demand": [{"price": 1, "ratchet": {"share": 0.8, "months": 1}}]})
    assert bills(held, both, APRIL)[0].lines[0].billed == pytest.approx(160)
    longer = tariff({"demand": [{"price": 1, "ratchet": {"share": 0.8, "months": 11}}]})
    assert bills(longer, both, APRIL)[0].remarks == ["ratchet looks at 1 of 11 months before"]


def test_a_version_holds_from_its_day() -> None:
    told = Tariff.model_validate(
        {"tariff": "t", "versions": [{"from": "2024-02-01", "energy": [{"price": 1}]},
                                     {"from": "2024-04-01", "energy": [{"price": 2}]}]}
    )  # fmt: skip
    use = month(1)
    assert bills(told, use, APRIL)[0].total == pytest.approx(1440)
    early = Use(use.energy, use.hours, use.month - 3, use.minute, use.weekday, use.holiday, use.day - 91)
    bill = bills(told, early, {2024 * 12: (date(2024, 1, 1), date(2024, 2, 1))})[0]
    assert bill.lines == []
    assert bill.remarks == ["the tariff has no prices before 2024-02-01"]


def test_hours_without_a_price_are_named() -> None:
    bill = bills(tariff({"energy": [{"price": 1, "hours": "6-22"}]}), month(1), APRIL)[0]
    assert bill.remarks == ["240 kWh in hours without a price"]


def test_a_public_holiday_may_count_as_a_sunday() -> None:
    use = month(1)
    holiday = np.zeros(720, bool)
    holiday[:24] = True  # Monday 1 April 2024 was Easter Monday
    use = Use(use.energy, use.hours, use.month, use.minute, use.weekday, holiday, use.day)
    weekdays = {"energy": [{"price": 1, "days": "weekdays", "holidays": "as-sunday"}]}
    assert bills(tariff(weekdays), use, APRIL)[0].total == 21 * 24  # 22 weekdays, of which one is a holiday


@pytest.fixture(scope="module")
def plant(shared: Path) -> Use:
    """A treatment plant's load of 2021 in 15 minutes."""
    with (shared / "data/quality/tariffs/load_15min.csv").open() as handle:
        rows = list(csv.DictReader(handle))
    times = [datetime.strptime(row["DateTime"], "%m/%d/%Y %H:%M") for row in rows]
    energy = np.array([float(row["grid_to_plant_kW"]) for row in rows]) / 4
    number = np.array([one.year * 12 + one.month - 1 for one in times])
    minute = np.array([one.hour * 60 + one.minute for one in times])
    weekday = np.array([one.weekday() for one in times])
    day = np.array([one.toordinal() for one in times]) - date(1970, 1, 1).toordinal()
    return Use(energy, np.full(len(rows), 0.25), number, minute, weekday, np.zeros(len(rows), bool), day)


WHOLE = {
    2021 * 12: (date(2021, 1, 1), date(2021, 2, 1)),
    2021 * 12 + 6: (date(2021, 7, 1), date(2021, 8, 1)),
}


def test_four_real_tariffs_to_the_cent(shared: Path, plant: Use) -> None:
    """Customer, energy and demand charges of electric-emission-cost 0.0.5, January and July."""
    folder = shared / "data/quality/tariffs"
    expected = json.loads((folder / "expected.json").read_text())["bills"]
    assert len(expected) == 4
    for name, months in expected.items():
        told = from_text(recipe_text(folder / f"{name}.csv", name), Path(f"{name}.yaml"))
        for bill in bills(told, plant, WHOLE):
            by_kind: dict[str, float] = {}
            for line in bill.lines:
                by_kind[line.kind] = by_kind.get(line.kind, 0.0) + line.cost
            other = months[f"{bill.month:%Y-%m}"]["electric"]
            assert by_kind["standing"] == pytest.approx(other["customer"], abs=0.005)
            assert by_kind["energy"] == pytest.approx(other["energy"], abs=0.005)
            assert by_kind["demand"] == pytest.approx(other["demand"], abs=0.005)


LOADS = st.lists(st.floats(0, 500), min_size=48, max_size=48)


def two_days(power: list[float]) -> tuple[Use, Any]:
    hours = np.arange(48)
    use = Use(
        np.array(power),
        np.ones(48),
        np.full(48, 2024 * 12 + 3),
        hours % 24 * 60,
        hours // 24,
        np.zeros(48, bool),
        DAY_0 + hours // 24,
    )
    return use, hours // 24


@settings(max_examples=60)
@given(power=LOADS, cap=st.floats(10, 500))
def test_a_capped_load_keeps_each_days_energy(power: list[float], cap: float) -> None:
    use, day = two_days(power)
    changed = capped(use, day, cap)
    for one in (0, 1):
        before, after = use.energy[day == one], changed.energy[day == one]
        assert after.sum() == pytest.approx(before.sum(), abs=1e-6)
        assert after.max() <= max(cap, before.sum() / 24) + 1e-6
        assert (after >= 0).all()


@settings(max_examples=60)
@given(power=LOADS, share=st.floats(0, 1))
def test_a_shifted_load_costs_no_more(power: list[float], share: float) -> None:
    told = tariff({"energy": [{"price": 0.3, "hours": "8-20"}, {"price": 0.1, "hours": "20-8"}]})
    use, day = two_days(power)
    billed = {2024 * 12 + 3: (date(2024, 4, 1), date(2024, 4, 3))}
    changed = shifted(use, day, share, told, billed)
    assert changed.energy.sum() == pytest.approx(use.energy.sum(), abs=1e-6)
    before, after = (bills(told, one, billed)[0].total for one in (use, changed))
    assert after <= before + 1e-6


def test_a_load_is_shifted_by_the_prices_of_the_tier_that_it_has_reached() -> None:
    """24 kWh of the month are flat; the second day pays by the hour: half of 12 kWh goes from 0.3 to 0.1, 1.2 less.

    The tiers' limit is that of 2 days of 30: 24 kWh of 360.
    """
    group = {"group": "all"}
    told = tariff(
        {
            "energy": [
                {"price": 0.2, **group},
                {"price": 0.3, "hours": "8-20", "above": 360, **group},
                {"price": 0.1, "hours": "20-8", "above": 360, **group},
            ]
        }
    )
    use, day = two_days([1.0] * 48)
    billed = {2024 * 12 + 3: (date(2024, 4, 1), date(2024, 4, 3))}
    changed = shifted(use, day, 0.5, told, billed)
    assert changed.energy[24:].tolist() == pytest.approx([1.5] * 8 + [0.5] * 12 + [1.5] * 4)
    before, after = (bills(told, one, billed)[0].total for one in (use, changed))
    assert (before, after) == pytest.approx((0.2 * 24 + 0.4 * 12, 0.2 * 24 + 0.3 * 6 + 0.1 * 18))


@settings(max_examples=40)
@given(power=LOADS, split=st.integers(1, 23))
def test_a_price_cut_at_any_hour_costs_the_same(power: list[float], split: int) -> None:
    use, _ = two_days(power)
    whole = tariff({"energy": [{"price": 0.2}]})
    cut = tariff({"energy": [{"price": 0.2, "hours": f"0-{split}"}, {"price": 0.2, "hours": f"{split}-24"}]})
    one, other = (bills(each, use, APRIL)[0].total for each in (whole, cut))
    assert one == pytest.approx(other, abs=1e-6)
