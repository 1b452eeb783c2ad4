"""Bills of a meter with others beside it: of reactive energy, of export, of the same use told once more."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from cityctl.result import Result
from tests.analysis.conftest import rows_of, slots
from tests.analysis.energy.test_bill import CITY, HALF, city


def test_power_factor_comes_from_the_meter_beside(billed: Callable[..., Result]) -> None:
    times = slots("2024-03-01", "2024-04-01", 15)
    series = {"b40_elec": (times, np.full(len(times), 200.0)), "var": (times, np.full(len(times), 150.0))}
    more = "  var: {unit: kvarh, kind: interval, every: 15m, zone: house}"
    kva = HALF.replace("price: 5}", "price: 10, of: kVA}")
    found = billed(city(every="15m", more=more), kva, series, "2024-03-01", "2024-04-01")
    assert rows_of(found, "bills")[0]["power_factor"] == pytest.approx(0.8)
    demand = next(row for row in rows_of(found, "lines") if row["charge"] == "demand")
    assert (demand["billed"], demand["bill_due"]) == pytest.approx((1000, 10_000))


@pytest.mark.parametrize(
    ("minutes", "beside", "point"),
    [
        (15, 60, "{unit: kvarh, kind: interval, every: 1h"),
        (60, 15, "{unit: kvarh, kind: interval, every: 15m"),
        (15, 15, "{unit: kvar, kind: gauge, every: 15m"),
        (60, 1, "{unit: kvar, kind: gauge, every: 1m"),
    ],
)
def test_reactive_energy_may_be_read_more_or_less_often(
    billed: Callable[..., Result], minutes: int, beside: int, point: str
) -> None:
    """800 kW and 600 kvar all month: 1 000 kVA, and 446 400 kvarh of which 297 600 are beyond half of the kWh."""
    times, others = (slots("2024-03-01", "2024-04-01", one) for one in (minutes, beside))
    power = 600.0 if "gauge" in point else 600 * beside / 60
    series = {
        "b40_elec": (times, np.full(len(times), 800 * minutes / 60)),
        "var": (others, np.full(len(others), power)),
    }
    terms = HALF.replace("price: 5}", "price: 10, of: kVA}").replace("window: 15m", f"window: {minutes}m")
    text = city(every=f"{minutes}m", more=f"  var: {point}, zone: house}}")
    terms += "    reactive: {name: kvarh, price: 1, free: 0.25}\n"
    found = billed(text, terms, series, "2024-03-01", "2024-04-01")
    lines = {row["charge"]: row["billed"] for row in rows_of(found, "lines")}
    assert (lines["demand"], lines["kvarh"]) == pytest.approx((1000, 446_400 - 0.25 * 595_200))
    assert found.completeness.complete
    told = "reactive energy is read each 60 min: demand in kVA of 15 min is understated"
    assert (told in (rows_of(found, "bills")[0]["note"] or "")) == (beside > minutes)


def test_a_meter_of_reactive_energy_is_no_customer_without_a_tariff(billed: Callable[..., Result]) -> None:
    """A register of meters makes each of them `consumption`: the kvarh are priced with the kWh beside them."""
    times = slots("2024-03-01", "2024-04-01", 15)
    series = {name: (times, np.full(len(times), 100.0)) for name in ("b40_elec", "var")}
    more = "  var: {unit: kvarh, kind: interval, every: 15m, zone: house, role: consumption}\n"
    found = billed(city(every="15m", more=more), HALF, series, "2024-03-01", "2024-04-01")
    assert {row["meter"] for row in rows_of(found, "bills")} == {"b40_elec"}
    assert found.completeness.complete


def test_reactive_energy_and_export_that_were_not_metered_are_named(billed: Callable[..., Result]) -> None:
    times = slots("2024-03-01", "2024-04-01", 15)
    known = times < np.datetime64("2024-03-25")
    by_day = known & (times.astype("datetime64[h]").astype(int) % 24 < 12)
    more = "  var: {unit: kvarh, kind: interval, every: 15m, zone: house}\n"
    more += "  out: {unit: kWh, kind: interval, every: 15m, zone: house, role: export}\n"
    series = {
        name: (times[which], np.ones(int(which.sum())))
        for name, which in {"b40_elec": times == times, "var": known, "out": by_day}.items()
    }
    terms = HALF.replace("price: 5}", "price: 10, of: kVA}")
    found = billed(city(every="15m", more=more), terms, series, "2024-03-01", "2024-04-01")
    lacks = "reactive energy was metered for 77.4 % of the time", "energy fed in was not metered on 7 days"
    assert [one.why for one in found.completeness.missing] == [f"2024-03: {one}" for one in lacks]
    assert "; ".join(lacks) in rows_of(found, "bills")[0]["note"]


def test_what_lies_below_zero_was_fed_in(billed: Callable[..., Result]) -> None:
    """15 days of 96 x 1 kWh used, 16 days of 96 x 0.5 kWh fed in: a tariff without a price for it is doubted."""
    times = slots("2024-03-01", "2024-04-01", 15)
    series = {"b40_elec": (times, np.where(np.arange(len(times)) < 15 * 96, 1.0, -0.5))}
    flat = "tariff: t\nversions: [{energy: [{price: 0.3}]%s}]\n"
    plain = billed(city(every="15m"), flat % "", series, "2024-03-01", "2024-04-01")
    assert rows_of(plain, "bills")[0]["bill_due"] == pytest.approx(0.3 * 1440)
    assert "1 536 readings below zero" in plain.completeness.missing[0].why


def test_a_meter_of_export_beside_it_is_paid(billed: Callable[..., Result]) -> None:
    times = slots("2024-03-01", "2024-04-01", 15)
    ones = np.ones(len(times))
    sold = "tariff: t\nversions: [{energy: [{price: 0.3}], sell: [{price: 0.1}]}]\n"
    more = "  out: {unit: kWh, kind: interval, every: 15m, zone: house, role: export}"
    series = {"b40_elec": (times, ones), "out": (times, 2 * ones)}
    found = billed(city(every="15m", more=more), sold, series, "2024-03-01", "2024-04-01")
    assert rows_of(found, "bills")[0]["bill_due"] == pytest.approx(0.3 * 2976 - 0.1 * 2 * 2976)
    assert found.completeness.complete


def test_what_was_fed_in_is_counted_in_the_months_that_are_billed(billed: Callable[..., Result]) -> None:
    """Two quarter-hours below zero in February; the hundred of January only make the ratchet's months."""
    times = slots("2023-12-31", "2024-03-02", 15)
    back = (times >= np.datetime64("2024-01-05")) & (times < np.datetime64("2024-01-06T01:00"))
    back |= (times >= np.datetime64("2024-02-05")) & (times < np.datetime64("2024-02-05T00:30"))
    tariff = (
        "tariff: t\ncurrency: EUR\nversions:\n  - energy: [{name: all, price: 0.2}]\n"
        "    demand: [{name: demand, price: 10, ratchet: {share: 0.8, months: 11}}]\n"
    )
    city = CITY.format(zone="UTC", country="DE", every="15m", more="")
    found = billed(city, tariff, {"b40_elec": (times, np.where(back, -1.0, 1.0))}, "2024-02-01", "2024-03-01")
    assert [one.why for one in found.completeness.missing] == [
        "2 readings below zero billed as none: does it feed in?"
    ]


def test_a_meter_told_twice_is_billed_once_in_the_sum(billed: Callable[..., Result]) -> None:
    """10 kWh an hour at 0.20 for the 31 days of January, told as energy and as power: 1 488."""
    times = slots("2024-01-01", "2024-02-01", 60)
    series = {name: (times, np.full(len(times), 10.0)) for name in ("b40_elec", "b40_power")}
    text = city(more="  b40_power: {unit: kW, every: 1h, zone: house, role: consumption}")
    tariff = "tariff: t\ncurrency: EUR\nversions: [{energy: [{price: 0.2}]}]\n"
    found = billed(text, tariff, series, "2024-01-01", "2024-02-01")
    assert found.summary.startswith("2 meters, 1 488.00 EUR")
    assert [one.what for one in found.completeness.missing] == ["b40_power"]


def test_two_meters_of_export_beside_one_of_use_are_named(billed: Callable[..., Result]) -> None:
    """Nobody knows whose each is: no feed-in is paid, and that is said where the tariff pays for it."""
    times = slots("2024-01-01", "2024-02-01", 60)
    export = "zone: house, role: export}"
    more = f"  out: {{unit: kWh, kind: interval, every: 1h, {export}\n  out-kw: {{unit: kW, every: 1h, {export}\n"
    series = {name: (times, np.ones(len(times))) for name in ("b40_elec", "out", "out-kw")}
    terms = "tariff: t\nversions: [{energy: [{price: 0.2}]}]\n"
    asked = (series, "2024-01-01", "2024-02-01")
    assert billed(city(more=more), terms, *asked).completeness.complete
    found = billed(city(more=more), terms.replace("]}]", "], sell: [{price: 0.08}]}]"), *asked)
    assert [one.why for one in found.completeness.missing] == [
        "2 meters of energy fed in beside it, out, out-kw: none counts; an asset for each use tells whose they are"
    ]
