"""Every term of a tariff on loads that are worked out by hand, and all of them together by a plain loop."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from cityctl.tariff.charges import bills
from cityctl.tariff.lines import Bill
from cityctl.tariff.model import Tariff
from cityctl.tariff.scenarios import prices
from cityctl.tariff.use import Use

MARCH, APRIL = 2024 * 12 + 2, 2024 * 12 + 3
WHOLE = {APRIL: (date(2024, 4, 1), date(2024, 5, 1))}


def use(
    first: date, power: list[float], minutes: int = 60, reactive: list[float] | None = None, fed: Any = None
) -> Use:
    """Mean powers [kW] of windows that follow each other from the local midnight of a day on."""
    times = [
        datetime(first.year, first.month, first.day) + timedelta(minutes=minutes * n)
        for n in range(len(power))
    ]
    hours = minutes / 60
    return Use(
        energy=np.array(power, float) * hours,
        hours=np.full(len(power), hours),
        month=np.array([one.year * 12 + one.month - 1 for one in times]),
        minute=np.array([one.hour * 60 + one.minute for one in times]),
        weekday=np.array([one.weekday() for one in times]),
        holiday=np.zeros(len(power), bool),
        day=np.array([one.toordinal() - date(1970, 1, 1).toordinal() for one in times]),
        reactive=None if reactive is None else np.array(reactive, float) * hours,
        fed=None if fed is None else np.array(fed, float) * hours,
    )


def april(power: float = 10.0) -> Use:
    return use(date(2024, 4, 1), [power] * 720)


def told(*versions: dict[str, Any]) -> Tariff:
    return Tariff.model_validate({"tariff": "t", "versions": list(versions)})


def billed(tariff: Tariff, of: Use, days: Any = None) -> Bill:
    return bills(tariff, of, days or WHOLE)[0]


def test_standing_charges_for_kw_days_and_years() -> None:
    """250 kW at 1.20 a month, 30 days at 0.50, 30 of the 366 days of 2024 at 366: by hand 300 + 15 + 30."""
    standing = [
        {"name": "contracted", "price": 1.2, "times": 250, "unit": "kW"},
        {"name": "meter", "price": 0.5, "per": "day"},
        {"name": "basic", "price": 366, "per": "year"},
    ]
    lines = billed(told({"standing": standing}), april()).lines
    assert [round(line.cost, 9) for line in lines] == [300, 15, 30]
    assert [line.unit for line in lines] == ["kW month", "day", "year"]


@pytest.mark.parametrize(
    ("per", "above", "first_tier"),
    [("month", 3000, 3000), ("day", 100, 3000), ("kW", 300, 3000), ("kW day", 10, 3000)],
)
def test_tiers_by_month_day_and_hours_of_use(per: str, above: float, first_tier: float) -> None:
    """7 200 kWh at 10 kW in 30 days: 100 kWh a day are 3 000, and so are 300 h of 10 kW, and 10 h of 10 kW a day."""
    energy = [{"price": 1}, {"name": "more", "price": 2, "above": above, "above_per": per}]
    lines = billed(told({"energy": energy}), april()).lines
    assert [line.billed for line in lines] == pytest.approx([first_tier, 7200 - first_tier])


def test_a_group_counts_its_tiers_over_several_times() -> None:
    """By day 12 kWh an hour from 12:00 on: 3 000 kWh are full at noon of day 21 + 6 h of 24: worked out by a loop."""
    power = [2.0 if hour % 24 < 12 else 12.0 for hour in range(720)]
    energy = [
        {"name": "night", "price": 1, "hours": "0-12", "group": "g"},
        {"name": "day", "price": 2, "hours": "12-24", "group": "g"},
        {"name": "night", "price": 3, "hours": "0-12", "group": "g", "above": 3000},
        {"name": "day", "price": 4, "hours": "12-24", "group": "g", "above": 3000},
    ]
    expected = counted = 0.0
    for hour, used in enumerate(power):
        below = min(used, max(3000 - counted, 0))
        counted += used
        dear = hour % 24 >= 12
        expected += below * (2 if dear else 1) + (used - below) * (4 if dear else 3)
    assert billed(told({"energy": energy}), use(date(2024, 4, 1), power)).total == pytest.approx(expected)


def test_demand_in_tiers_and_by_day() -> None:
    """A peak of 80 kW: 50 at 4 and 30 at 6 are 380; 30 days of 10 kW, one of which peaks at 80, are 370 kW d."""
    power = [10.0] * 720
    power[100] = 80.0
    load = use(date(2024, 4, 1), power)
    tiers = told({"window": "60m", "demand": [{"price": 4}, {"price": 6, "above": 50}]})
    assert [line.billed for line in billed(tiers, load).lines] == [50, 30]
    assert billed(tiers, load).total == pytest.approx(380)
    daily = billed(told({"window": "60m", "demand": [{"price": 1, "per": "day"}]}), load).lines[0]
    assert (daily.billed, daily.unit) == (pytest.approx(29 * 10 + 80), "kW d")


def test_a_ratchet_looks_at_other_seasons_too() -> None:
    """March peaks at 200 kW under summer's price, April at 100 under its own: 80 % of 200 are billed."""
    power = [100.0] * (31 + 30) * 24
    power[7] = 200.0
    load = use(date(2024, 3, 1), power)
    ratchet = {"share": 0.8, "months": 1}
    demand = [
        {"price": 5, "months": "1-3", "ratchet": ratchet},
        {"price": 3, "months": "4-12", "ratchet": ratchet},
    ]
    line = billed(told({"window": "60m", "demand": demand}), load).lines[0]
    assert (line.billed, line.price) == (pytest.approx(160), 3)
    only = [{**one, "ratchet": {**ratchet, "of": "6-9"}} for one in demand]
    assert billed(told({"window": "60m", "demand": only}), load).lines[0].billed == pytest.approx(100)


def test_windows_are_as_long_as_the_tariff_says() -> None:
    """Quarters of 0, 0, 80, 80, 80, 0 ... kW: 80 by the quarter, (80+80)/4 = 40 by the hour, 60 where it slides."""
    power = [0.0] * 96 * 30
    power[2:5] = [80.0] * 3
    load = use(date(2024, 4, 1), power, 15)

    def demand(**version: Any) -> float:
        return billed(told({"demand": [{"price": 1}], **version}), load).lines[0].billed

    assert [demand(window=one) for one in ("15m", "30m", "60m")] == pytest.approx([80, 80, 40])
    assert demand(window="60m", slide="15m") == pytest.approx(60)


def test_a_window_that_slides_is_no_longer_than_what_was_metered() -> None:
    load = use(date(2024, 4, 1), [10.0, 90.0, 90.0], 15)
    gone = load.of(np.array([True, False, True]))
    assert len(load.in_windows(30, 15).energy) == 2
    assert len(gone.in_windows(30, 15).energy) == 0


def test_prices_that_change_within_a_month() -> None:
    """10 days of 240 kWh at 1, 20 at 2; a month's charge of 30 and a demand of 10 kW by the days' share: by hand."""
    old = {
        "from": "2024-01-01",
        "standing": [{"price": 30}],
        "energy": [{"price": 1}],
        "demand": [{"price": 3}],
    }
    new = {
        "from": "2024-04-11",
        "standing": [{"price": 60}],
        "energy": [{"price": 2}],
        "demand": [{"price": 6}],
    }
    bill = billed(told({**old, "window": "60m"}, {**new, "window": "60m"}), april())
    assert [line.cost for line in bill.lines] == pytest.approx([10, 2400, 10, 40, 9600, 40])
    assert bill.remarks == ["prices change on 2024-04-11"]


def test_a_month_in_part_has_its_days_share_of_demand_and_of_tiers() -> None:
    """10 of 30 days at 10 kW: a third of 30, of the 3 000 kWh below which 1 is paid, and of 10 kW at 3: by hand."""
    version = {
        "window": "60m",
        "standing": [{"price": 30}],
        "energy": [{"price": 1}, {"price": 2, "above": 3000}],
        "demand": [{"price": 3}],
    }
    bill = billed(told(version), april(), {APRIL: (date(2024, 4, 11), date(2024, 4, 21))})
    assert [line.cost for line in bill.lines] == pytest.approx([10, 1000, 2800, 10])
    assert bill.remarks == ["10 of 30 days are billed"]


def test_prices_of_hours_change_on_their_day() -> None:
    tariff = told(
        {"energy": [{"price": 1}]}, {"from": "2024-04-11", "energy": [{"price": 2, "hours": "0-12"}]}
    )
    price = prices(april(), tariff)
    assert (price[:240] == 1).all()
    assert price[240:264].tolist() == [2.0] * 12 + [0.0] * 12


def test_a_surcharge_for_the_power_factor() -> None:
    """0.80 where 0.95 is asked: 15 points of 0.5 % on 7 200 of energy are 540; above the target nothing, or less."""
    wanted = {"target": 0.95, "surcharge": 0.005, "on": ["energy"]}
    load = use(date(2024, 4, 1), [10.0] * 720, reactive=[7.5] * 720)
    line = billed(told({"energy": [{"price": 1}], "power_factor": wanted}), load).lines[-1]
    assert (line.kind, line.cost) == ("power factor", pytest.approx(540))
    good = use(date(2024, 4, 1), [10.0] * 720, reactive=[0.0] * 720)
    version = {"energy": [{"price": 1}], "power_factor": {**wanted, "discount": 0.001}}
    assert billed(told(version), good).lines[-1].cost == pytest.approx(-5 * 0.001 * 7200)
    assert "not metered" in billed(told(version), april()).remarks[0]


def test_the_least_that_a_month_costs_comes_before_tax() -> None:
    version = {"energy": [{"price": 0.01}], "minimum": 100, "taxes": [{"share": 0.2}]}
    bill = billed(told(version), april())
    assert [(line.kind, round(line.cost, 9)) for line in bill.lines] == [
        ("energy", 72),
        ("minimum", 28),
        ("tax", 20),
    ]
    assert billed(told({**version, "minimum": 50}), april()).total == pytest.approx(72 * 1.2)


def test_taxes_on_kinds_and_on_names() -> None:
    version = {
        "standing": [{"name": "meter", "price": 10}],
        "energy": [{"name": "day", "price": 1}],
        "taxes": [
            {"name": "levy", "share": 0.1, "on": ["meter"]},
            {"name": "vat", "share": 0.2, "on": ["energy"]},
        ],
    }
    assert [line.cost for line in billed(told(version), april()).lines[-2:]] == pytest.approx([1, 1440])
    with pytest.raises(ValidationError, match="did you mean `meter`"):
        told({**version, "taxes": [{"share": 0.1, "on": ["metre"]}]})


def test_what_is_fed_in() -> None:
    """7 200 kWh used, 2 400 fed in: paid at 0.3, or taken off; the surplus of hours 12-24 is then paid alone."""
    load = use(date(2024, 4, 1), [10.0] * 720, fed=[20.0 if hour % 24 >= 20 else 0.0 for hour in range(720)])
    sold = told({"energy": [{"price": 1}], "sell": [{"price": 0.3}]})
    assert billed(sold, load).total == pytest.approx(7200 - 0.3 * 2400)
    netted = told({"energy": [{"price": 1}], "net_metering": True})
    assert billed(netted, load).total == pytest.approx(4800)
    times = [{"price": 1, "hours": "0-20"}, {"price": 2, "hours": "20-24"}]
    surplus = told({"energy": times, "net_metering": True, "sell": [{"price": 0.3}]})
    assert billed(surplus, load).total == pytest.approx(6000 - 0.3 * 1200)
    assert billed(told({"energy": [{"price": 1}]}), load).remarks == [
        "2 400.0 kWh were fed in and have no price"
    ]


def test_a_price_with_several_times_is_netted_as_one() -> None:
    """22 workdays take 12 kWh a night, 8 days of weekends feed in 24 kWh each: by hand 264 - 192 kWh."""
    rest = {"name": "rest", "price": 0.2}
    times = [{**rest, "hours": "18-6", "days": "weekdays"}, {**rest, "days": "weekends"}]
    hours = np.arange(720)
    weekend, night = hours // 24 % 7 >= 5, (hours % 24 >= 18) | (hours % 24 < 6)
    load = use(
        date(2024, 4, 1), (night & ~weekend).astype(float).tolist(), fed=weekend.astype(float).tolist()
    )
    netted = {"energy": times, "net_metering": True}
    assert billed(told(netted), load).total == pytest.approx(0.2 * 72)
    assert billed(told({**netted, "carry": "kWh"}), load).total == pytest.approx(0.2 * 72)
    other = {**netted, "energy": [times[0], {**times[1], "name": "weekend"}], "sell": [{"price": 0.1}]}
    assert billed(told(other), load).total == pytest.approx(0.2 * 264 - 0.1 * 192)


def test_a_window_slides_over_the_change_of_the_clocks() -> None:
    """31 March 2024, 01:45 is followed by 03:00: the hour of 40, 80, 80 and 40 kW around it has 60 on average."""
    load = use(date(2024, 3, 31), [0.0] * 6 + [40, 80, 80, 40] + [0.0] * 82, 15)
    start = load.day * 1440 + load.minute
    spring = replace(load, minute=np.where(load.minute < 120, load.minute, load.minute + 60), at=start)
    assert spring.in_windows(60, 15).power.max() == pytest.approx(60)
    gone = spring.of(start % 1440 != 120)
    assert gone.in_windows(60, 15).power.max() < 60


def test_the_hour_that_comes_twice_is_two_windows() -> None:
    """Quarters from 02:00 on, and again: 40 and 80 kW on average, not 60."""
    load = use(date(2024, 10, 27), [40.0] * 4 + [80.0] * 4, 15)
    twice = Use(
        load.energy,
        load.hours,
        load.month,
        np.tile(np.arange(120, 180, 15), 2),
        load.weekday,
        load.holiday,
        load.day,
    )
    assert twice.in_windows(60).power.tolist() == [40, 80]


@settings(max_examples=40)
@given(
    power=st.lists(st.floats(0, 300), min_size=96, max_size=96),
    cuts=st.lists(st.integers(1, 23), min_size=2, max_size=2, unique=True),
    limit=st.floats(10, 3000),
    ratchet=st.floats(0.1, 1.0),
    tax=st.floats(0, 0.3),
)
def test_all_together_by_a_plain_loop(
    power: list[float], cuts: list[int], limit: float, ratchet: float, tax: float
) -> None:
    """The last day of March and the first of April in half-hours: April's bill, hour by hour without arrays."""
    low, high = sorted(cuts)
    version = {
        "window": "60m",
        "standing": [{"price": 30}],
        "energy": [
            {"price": 0.1, "hours": f"{high}-{low}", "group": "g"},
            {"price": 0.3, "hours": f"{low}-{high}", "group": "g"},
            {"price": 0.2, "hours": f"{high}-{low}", "group": "g", "above": limit},
            {"price": 0.5, "hours": f"{low}-{high}", "group": "g", "above": limit},
        ],
        "demand": [{"price": 7, "hours": f"{low}-{high}", "ratchet": {"share": ratchet, "months": 1}}],
        "taxes": [{"share": tax, "on": ["energy", "demand"]}],
    }
    cost = counted = 0.0
    peaks = {3: 0.0, 4: 0.0}
    for step, one in enumerate(power):
        hour = step // 2 % 24
        peak_hours = low <= hour < high
        if step % 2 == 0 and peak_hours:
            month = 3 if step < 48 else 4
            peaks[month] = max(peaks[month], (one + power[step + 1]) / 2)
        if step >= 48:
            below = min(one / 2, max(limit / 30 - counted, 0.0))
            counted += one / 2
            cost += below * (0.3 if peak_hours else 0.1) + (one / 2 - below) * (0.5 if peak_hours else 0.2)
    share = 1 / 30  # of April
    expected = 30 * share + (cost + 7 * share * max(peaks[4], ratchet * peaks[3])) * (1 + tax)
    bill = billed(
        told(version), use(date(2024, 3, 31), power, 30), {APRIL: (date(2024, 4, 1), date(2024, 4, 2))}
    )
    assert math.isclose(bill.total, expected, rel_tol=1e-9, abs_tol=1e-6)
