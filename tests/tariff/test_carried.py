"""What one month hands to the next, beside NREL's utilityrate5 (PySAM 7.1.1) and by hand; the least of a year."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from cityctl.tariff.charges import bills
from cityctl.tariff.lines import Bill
from cityctl.tariff.use import Use
from tests.tariff.test_terms import told, use

YEAR = {
    2018 * 12 + at: (date(2018, at + 1, 1), date(2018 + (at + 1) // 12, (at + 1) % 12 + 1, 1))
    for at in range(12)
}
PEAK = {"days": "weekdays", "hours": "16-20"}
REST: list[dict[str, Any]] = [{"days": "weekdays", "hours": ["0-16", "20-24"]}, {"days": "weekends"}]
COMMON: dict[str, Any] = {"window": "60m", "standing": [{"price": 20}], "demand": [{"price": 4}]}
ONE = {"energy": [{"price": 0.25}], "sell": [{"price": 0.08}], "net_metering": True, **COMMON}
TWO = {
    "energy": [
        {"name": "peak", "price": 0.4, **PEAK},
        *({"name": "rest", "price": 0.2, **one} for one in REST),
    ],
    "sell": [
        {"name": "peak", "price": 0.2, **PEAK},
        *({"name": "rest", "price": 0.15, **one} for one in REST),
    ],
    **COMMON,
}


def solar_house() -> Use:
    """2018 begins on a Monday, as every year of utilityrate5: a house that takes 5 kW and has 30 kW of panels."""
    at = np.arange(8760)
    hour, day = at % 24, at // 24
    load = 5 + 3 * np.sin(2 * np.pi * (hour - 6) / 24)
    sun = (
        np.maximum(np.sin(np.pi * (hour - 6) / 12), 0)
        * (0.55 - 0.45 * np.cos(2 * np.pi * (day - 10) / 365))
        * 30
    )
    return use(date(2018, 1, 1), np.maximum(load - sun, 0).tolist(), fed=np.maximum(sun - load, 0).tolist())


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        # ur_metering_option 0, 1, 2 and 3 over the same year
        ({**ONE, "carry": "kWh", "true_up": {"price": 0.03}},
         [781.1052, 591.8459, 353.714, 40, 40, 40, 40, 40, 40, 40, 40, -211.1627]),
        ({**ONE, "carry": "money", "true_up": {}},
         [781.1052, 591.8459, 353.714, 40, 40, 40, 40, 40, 40, 40, 40, 98.5754]),
        (TWO, [720.5655, 550.942, 368.7813, 99.8751, -141.8414, -299.6469, -360.4939, -277.3167, -86.5485, 169.7236,
               423.6493, 649.4961]),
        ({**TWO, "carry": "money", "true_up": {}},
         [720.5655, 550.942, 368.7813, 99.8751, 40, 40, 40, 40, 40, 40, 40, 40]),
    ],
    ids=["kWh roll over", "money rolls over", "net billing", "net billing, carried"],
)  # fmt: skip
def test_a_year_equals_utilityrate5(terms: dict[str, Any], expected: list[float]) -> None:
    assert [bill.total for bill in bills(told(terms), solar_house(), YEAR)] == pytest.approx(
        expected, abs=1e-4
    )


def lines(bill: Bill) -> dict[str, float]:
    return {line.name: round(line.cost, 9) for line in bill.lines}


def two_months(first: float, second: float) -> tuple[Use, dict[int, tuple[date, date]]]:
    """kWh of November and of December 2018, below zero: fed in."""
    power = np.concatenate([np.full(720, first / 720), np.full(744, second / 744)])
    house = use(date(2018, 11, 1), np.maximum(power, 0).tolist(), fed=np.maximum(-power, 0).tolist())
    return house, {number: YEAR[number] for number in (2018 * 12 + 10, 2018 * 12 + 11)}


def test_what_is_left_of_kwh_is_taken_off_the_next_month() -> None:
    """300 kWh fed in, then 500 used: 200 at 0.50; with tiers from 150 on at 1.00, 150 x 0.5 + 50 x 1."""
    plain = {"energy": [{"price": 0.5}], "net_metering": True, "carry": "kWh"}
    november, december = bills(told(plain), *two_months(-300, 500))
    assert [(line.name, round(line.billed, 6)) for line in november.lines] == [
        ("carried to the next month", 300)
    ]
    assert december.total == pytest.approx(200 * 0.5)
    tiers = {**plain, "energy": [{"price": 0.5}, {"price": 1.0, "above": 150}]}
    assert bills(told(tiers), *two_months(-300, 500))[1].total == pytest.approx(150 * 0.5 + 50)


def test_money_pays_for_energy_alone_and_expires() -> None:
    """300 kWh at 0.10 are 30; December asks 12 for energy and 7 for the meter, and 18 expire."""
    terms = {
        "standing": [{"price": 7}],
        "energy": [{"price": 0.5}],
        "sell": [{"price": 0.1}],
        "carry": "money",
    }
    november, december = bills(told({**terms, "true_up": {"month": 12}}), *two_months(-300, 24))
    assert november.remarks == ["what was carried from the months before is not known, and not counted"]
    assert lines(november) == {"standing charge": 7, "feed-in": -30, "carried to the next month": 30}
    assert lines(december) == {
        "standing charge": 7,
        "energy": 12,
        "from the months before": -30,
        "expires": 18,
    }
    paid = bills(told({**terms, "true_up": {"month": 12, "paid": True}}), *two_months(-300, 24))[1]
    assert paid.total == pytest.approx(7 + 12 - 30)


def test_the_least_of_a_year_is_asked_for_in_december() -> None:
    """12 months of 20 come to 240: 60 lack of 300. Of a part of the year nothing is asked for, and that is said."""
    terms = {"standing": [{"price": 20}], "annual_minimum": 300}
    whole = bills(told(terms), use(date(2018, 1, 1), [0.0] * 8760), YEAR)
    assert [round(bill.total, 9) for bill in whole] == [20] * 11 + [80]
    _, december = bills(told(terms), *two_months(0, 0))
    assert december.total == pytest.approx(20)
    assert december.remarks == ["the least of a year is left out: 2 of 12 months are billed"]


def test_a_bill_below_nothing_without_a_least_is_paid_out() -> None:
    assert bills(told({"sell": [{"price": 0.1}]}), *two_months(-300, -300))[0].total == pytest.approx(-30)


def test_a_least_by_the_day() -> None:
    assert bills(told({"minimum": 2, "minimum_per": "day"}), *two_months(0, 0))[1].total == pytest.approx(62)


def test_demand_at_the_peaks_of_the_network() -> None:
    """3 half-hours of November at 10, 20 and 60 kW: their mean of 30 is billed, whatever the highest one is."""
    power = [100.0] * 1440
    at = {"2018-11-05T17:30:00": 10.0, "2018-11-12T17:00:00": 20.0, "2018-11-29T18:10:00": 60.0}
    for stamp, kw in at.items():
        day, clock = stamp[8:10], stamp[11:16].split(":")
        power[(int(day) - 1) * 48 + int(clock[0]) * 2 + int(clock[1]) // 30] = kw
    terms = {"window": "30m", "demand": [{"name": "triad", "price": 5, "at": list(at)}]}
    november, december = bills(told(terms), use(date(2018, 11, 1), power + [100.0] * 1488, minutes=30),
                               two_months(0, 0)[1])  # fmt: skip
    assert [(line.billed, line.cost) for line in november.lines] == [(30, 150)]
    assert december.lines == []


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ({"carry": "kWh"}, "needs `net_metering: true`"),
        ({"true_up": {}}, "needs `carry`"),
        ({"demand": [{"price": 1, "at": ["2018-11-05T17:30:00Z"]}]}, "local times"),
        ({"demand": [{"price": 1, "at": ["2018-11-05T17:30:00"], "per": "day"}]}, "not billed by the day"),
    ],
)
def test_terms_that_do_not_fit_are_refused(terms: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        told(terms)
