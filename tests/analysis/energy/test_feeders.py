"""Feeders by hand: losses that were put in, a silent meter, power that flows back, and cars at the peak."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityctl.analysis.energy.basis.network_balance import Reverse, balance, charging, reverse_of
from cityctl.errors import UsageProblem
from cityctl.result import Result
from tests.analysis.conftest import rows_of, slots

CITY = """
name: Grid
time_zone: Europe/Berlin
networks: {power: {kind: power}}
zones:
  f1: {network: power, kind: feeder}
  house: {network: power, parent: f1, kind: building}
  shop: {network: power, parent: f1, kind: building}
assets:
  box: {kind: charger, zone: f1, power: 22 kW}
points:
  f1-power: {unit: kW, every: 15m, zone: f1, role: supply}
  house-meter: {unit: kWh, kind: counter, every: 15m, zone: house, role: consumption}
  shop-meter: {unit: kWh, kind: interval, every: 1h, zone: shop, role: consumption}
  roof: {unit: kW, every: 15m, zone: shop, role: generation}
  box-power: {unit: kW, every: 15m, asset: box, role: ev}
  wallbox: {unit: kW, every: 15m, zone: house, role: ev}
"""
TIMES = slots("2026-05-31T22:00", "2026-06-04T22:00", 15)  # four days in Berlin
HOURS = slots("2026-05-31T22:00", "2026-06-04T22:00", 60)
HOUR = np.arange(len(TIMES)) / 4 % 24


def series() -> dict[str, Any]:
    """The house takes 10 kW, its wallbox 4 of them from 18 to 20; the shop 5; a charger 20 from 18 to 19; the roof 30
    from 12 to 14; losses 2 kW.
    """
    evening, noon = (HOUR >= 18) & (HOUR < 19), (HOUR >= 12) & (HOUR < 14)
    box, roof = np.where(evening, 20.0, 0.0), np.where(noon, 30.0, 0.0)
    wallbox = np.where((HOUR >= 18) & (HOUR < 20), 4.0, 0.0)
    return {
        "f1-power": (TIMES, 10.0 + 5 + box - roof + 2),
        "house-meter": (slots("2026-05-31T22:00", "2026-06-04T22:15", 15), 500 + 2.5 * np.arange(385)),
        "shop-meter": (HOURS, np.full(len(HOURS), 5.0)),
        "roof": (TIMES, roof),
        "box-power": (TIMES, box),
        "wallbox": (TIMES, wallbox),
    }


def asked(ask: Callable[..., Result], data: Any, **parameters: Any) -> tuple[Result, Any, Any]:
    found = ask("energy/feeders", CITY, data, "2026-06-01", "2026-06-05", **parameters)
    cars = rows_of(found, "charging")
    return found, rows_of(found, "feeders")[0], cars[0] if cars else None


def test_losses_and_reverse_power(ask: Callable[..., Result]) -> None:
    """Of a day 24 x 15 + 20 kWh are used, 2 x 13 went back up and 48 are lost."""
    found, row, _ = asked(ask, series())
    assert (row["balance_days"], row["uneven_days"]) == (4, 0)
    assert row["taken_kwh"] == pytest.approx(4 * 406)
    assert row["lost_kwh"] == pytest.approx(4 * 48)
    assert row["loss_share"] == pytest.approx(48 / 454)
    assert row["reverse_h"] == pytest.approx(8.0)  # 17 - 30 = -13 kW, two hours on four days
    assert row["reverse_peak_kw"] == pytest.approx(13.0)
    assert row["reverse_kwh"] == pytest.approx(104.0)
    assert row["verdict"] == "HIGH LOSSES: 10.6 % of what was fed in; REVERSE POWER for 8.0 h, up to 13 kW"
    found, row, _ = asked(ask, series(), most="12 %")
    assert row["verdict"] == "REVERSE POWER for 8.0 h, up to 13 kW"
    assert [one.severity for one in found.findings] == ["note"]


def test_gas_of_a_building_is_no_use_of_its_feeder(ask: Callable[..., Result]) -> None:
    text = CITY.replace("{power: {kind: power}}", "{power: {kind: power}, gas: {kind: gas}}").replace(
        "points:\n",
        "points:\n  boiler: {unit: kWh, kind: interval, every: 1h, zone: shop, network: gas, role: consumption}\n",
    )
    data = series() | {"boiler": (HOURS, np.full(len(HOURS), 9.0))}
    (row,) = rows_of(ask("energy/feeders", text, data, "2026-06-01", "2026-06-05"), "feeders")
    assert row["lost_kwh"] == pytest.approx(4 * 48)


def test_cars_at_the_peak(ask: Callable[..., Result]) -> None:
    """The feeder peaks at 37 kW, 20 + 4 of them charging; the chargers could take 22 and took at most 4: 24 of 26."""
    _, _, cars = asked(ask, series())
    assert cars["chargers"] == 2
    assert cars["feeder_peak_kw"] == pytest.approx(37.0)
    assert cars["ev_at_peak_kw"] == pytest.approx(24.0)
    assert cars["ev_share"] == pytest.approx(24 / 37)
    assert cars["coincidence"] == pytest.approx(24 / 26)
    assert cars["peak_without_kw"] == pytest.approx(17.0)


def test_each_day_has_its_highest_and_lowest_power(ask: Callable[..., Result]) -> None:
    """37 kW with the cars and 17 without; -13 at noon; on the second day the supply is silent."""
    data = series()
    times, power = data["f1-power"]
    silent = (times >= np.datetime64("2026-06-01T22:00")) & (times < np.datetime64("2026-06-02T22:00"))
    data["f1-power"] = (times[~silent], power[~silent])
    (plot,) = asked(ask, data)[0].plots
    assert (plot.key, plot.unit, plot.title) == ("peaks:f1", "kW", "f1: power of each day")
    told = {line.label: line.values for line in plot.lines}
    assert told == {
        "highest of the day": [37.0, None, 37.0, 37.0],
        "highest without EV charging": [17.0, None, 17.0, 17.0],
        "lowest of the day": [-13.0, None, -13.0, -13.0],
    }
    rating = "transformer: {rated: 50, no_load_loss: 100, load_loss: 900}"
    city = CITY.replace("assets:", f"assets:\n  t1: {{kind: transformer, zone: f1, {rating}}}").replace(
        "points:", "points:\n  t1-load: {unit: kVA, every: 15m, asset: t1, role: load}"
    )
    (plot,) = ask("energy/feeders", city, data, "2026-06-01", "2026-06-05").plots
    assert (plot.lines[-1].label, plot.lines[-1].values) == ("transformers, rated kVA", [50.0] * 4)


def test_a_silent_meter_is_no_loss(ask: Callable[..., Result]) -> None:
    data = series()
    del data["shop-meter"]
    found, row, _ = asked(ask, data)
    assert row["loss_share"] is None
    assert row["verdict"].startswith("NOT ASSESSABLE: no whole day of shop-meter")
    assert found.exit_code() != 0
    data = series()
    stamps, used = data["shop-meter"]
    data["shop-meter"] = (
        np.delete(stamps, slice(30, 40)),
        np.delete(used, slice(30, 40)),
    )  # hours of the 2nd day
    _, row, _ = asked(ask, data)
    assert (row["balance_days"], row["uneven_days"]) == (3, 1)
    assert row["loss_share"] == pytest.approx(48 / 454)


def test_a_minute_without_a_reading_is_no_gain(ask: Callable[..., Result]) -> None:
    """The supply is read each 5 minutes and loses one reading a day: 287 of 288 are a day, and not 0.35 % less."""
    city = CITY.replace("f1-power: {unit: kW, every: 15m", "f1-power: {unit: kW, every: 5m")
    data = series()
    fine = slots("2026-05-31T22:00", "2026-06-04T22:00", 5)
    kept = np.arange(len(fine)) % 288 != 100
    data["f1-power"] = (fine[kept], np.repeat(data["f1-power"][1], 3)[kept])
    (row,) = rows_of(ask("energy/feeders", city, data, "2026-06-01", "2026-06-05"), "feeders")
    assert row["balance_days"] == 4
    assert row["fed_in_kwh"] == pytest.approx(4 * 454, rel=5e-4)  # 5.7 kWh less, as it was, are 33e-4


def test_a_reading_too_many_stays_in_its_window(ask: Callable[..., Result]) -> None:
    """At 12:05 of the first day somebody read 3 000 kW: the quarter from 12:00 is in doubt, not the one after it."""
    data = series()
    times, power = data["f1-power"]
    at = int(np.flatnonzero(HOUR == 12)[0]) + 1
    data["f1-power"] = (
        np.insert(times.astype("datetime64[m]"), at, times[at - 1] + np.timedelta64(5, "m")),
        np.insert(power, at, 3013.0),
    )
    (row,) = rows_of(ask("energy/feeders", CITY, data, "2026-06-01", "2026-06-05"), "feeders")
    assert row["feeder_peak_kw"] == pytest.approx(1500.0)  # (3 013 - 13) / 2
    assert row["reverse_h"] == pytest.approx(8.0 - 0.25)  # of the 8 h in which 13 kW flow back


def test_the_rise_of_a_counter_over_a_gap_is_no_peak(ask: Callable[..., Result]) -> None:
    city = CITY.replace("f1-power: {unit: kW,", "f1-power: {unit: kWh, kind: counter,")
    data = series()
    del data["box-power"], data["wallbox"], data["roof"]
    counter = 17 / 4 * np.arange(len(TIMES))
    data["f1-power"] = (np.delete(TIMES, slice(100, 120)), np.delete(counter, slice(100, 120)))
    found = ask("energy/feeders", city, data, "2026-06-01", "2026-06-05")
    assert rows_of(found, "feeders")[0]["feeder_peak_kw"] == pytest.approx(17.0)


def test_more_metered_than_fed_in_is_implausible(ask: Callable[..., Result]) -> None:
    data = series()
    data["shop-meter"] = (HOURS, np.full(len(HOURS), 9.0))  # 4 kW more, 2 of which the losses hide
    found, row, _ = asked(ask, data)
    assert row["verdict"].startswith("IMPLAUSIBLE: 10.6 % more metered than fed in")
    assert found.findings[0].severity == "warning"
    assert found.findings[0].evidence["loss_share"] == pytest.approx(-48 / 454)


def test_a_city_without_supply(ask: Callable[..., Result]) -> None:
    with pytest.raises(UsageProblem, match="no feeder"):
        ask(
            "energy/feeders",
            CITY.replace("role: supply", "role: other"),
            series(),
            "2026-06-01",
            "2026-06-05",
        )


AMOUNTS = st.lists(st.one_of(st.floats(0, 1e6), st.just(float("nan"))), min_size=6, max_size=6)


@given(AMOUNTS, AMOUNTS, AMOUNTS)
def test_only_common_days_are_balanced(supply: list[float], one: list[float], two: list[float]) -> None:
    found = balance({"s": np.array(supply)}, {"a": np.array(one), "b": np.array(two)})
    common = [day for day in zip(supply, one, two, strict=True) if not np.isnan(day).any()]
    assert found.days == len(common)
    assert found.lost == pytest.approx(sum(day[0] - day[1] - day[2] for day in common), abs=1e-3)


def test_noise_of_meters_is_no_reverse_power() -> None:
    assert reverse_of(np.array([100.0, 0.0, -0.05, 0.1 + 0.2 - 0.3000000001]), 0.25) == Reverse(0.0, 0.0, 0.0)
    assert reverse_of(np.array([100.0, -0.5, -20.0]), 0.25) == Reverse(0.5, 20.0, pytest.approx(5.125))


def test_gaps_neither_flow_back_nor_peak() -> None:
    net = np.array([5.0, np.nan, -2.0, -1.0])
    back = reverse_of(net, 0.25)
    assert (back.hours, back.peak, back.energy) == (0.5, 2.0, 0.75)
    found = charging(net, {"c": np.array([1.0, 9.0, np.nan, 0.0])}, {"c": None})
    assert found is not None
    assert (found.at_peak, found.share_of_peak) == (1.0, 0.2)
    assert charging(net[1:2], {"c": np.array([9.0])}, {}) is None


PLAIN = """
name: Grid
time_zone: {zone}
networks: {{power: {{kind: power}}}}
zones: {{f1: {{name: North, network: power}}, f2: {{name: North, network: power}}}}
points:
  up1: {{unit: kW, every: 30m, zone: f1, role: supply}}
  house1: {{unit: kW, every: 30m, zone: f1, role: consumption}}
  up2: {{unit: kW, every: 30m, zone: f2, role: supply}}
  house2: {{unit: kW, every: 30m, zone: f2, role: consumption}}
"""


@pytest.mark.parametrize(("zone", "east"), [("Asia/Kolkata", 330), ("Asia/Kathmandu", 345), ("UTC", 0)])
def test_local_days_begin_within_an_hour_of_utc(ask: Callable[..., Result], zone: str, east: int) -> None:
    """Power that rises from one half-hour to the next: a day that begins half an hour off is another one."""
    times = slots("2026-05-31", "2026-06-05", 30)
    power = np.arange(len(times)) / 2.0
    data = {
        name: (times, power * (0.8 if name.startswith("house") else 1))
        for name in ("up1", "house1", "up2", "house2")
    }
    found = ask("energy/feeders", PLAIN.format(zone=zone), data, "2026-06-01", "2026-06-03")
    midnight = np.datetime64("2026-06-01") - np.timedelta64(east, "m")
    within = (times >= midnight) & (times < midnight + np.timedelta64(2, "D"))
    row = rows_of(found, "feeders")[0]
    assert row["fed_in_kwh"] == pytest.approx(power[within].sum() / 2)
    assert row["loss_share"] == pytest.approx(0.2)
    assert [(one.subject, one.evidence["zone"]) for one in found.findings] == [
        ("North, f1", "f1"),
        ("North, f2", "f2"),
    ]


def test_what_flows_back_counts_alike_below_zero_and_by_a_meter_of_its_own(
    ask: Callable[..., Result],
) -> None:
    data = series()
    _, signed, _ = asked(ask, data)
    times, power = data["f1-power"]
    data |= {"f1-power": (times, np.maximum(power, 0)), "f1-back": (times, np.maximum(-power, 0))}
    own = "  f1-back: {unit: kW, every: 15m, zone: f1, role: export}\n"
    found = ask("energy/feeders", CITY + own, data, "2026-06-01", "2026-06-05")
    apart = rows_of(found, "feeders")[0]
    assert {key: apart[key] for key in signed} == pytest.approx(signed)


def test_a_supply_told_as_power_and_as_energy_counts_once(ask: Callable[..., Result]) -> None:
    """A quarter of the power is the energy of a quarter of an hour; of a second cable each has an asset of its own."""
    data = series()
    times, power = data["f1-power"]
    data["f1-energy"] = (times, power / 4)
    twice = "  f1-energy: {unit: kWh, kind: interval, every: 15m, zone: f1, role: supply}"
    found = ask("energy/feeders", f"{CITY}{twice}\n", data, "2026-06-01", "2026-06-05")
    (row,) = rows_of(found, "feeders")
    assert row["loss_share"] == pytest.approx(48 / 454)
    assert row["reverse_peak_kw"] == pytest.approx(13.0)
    assert [one.why for one in found.completeness.missing] == [
        "f1-energy: it tells what f1-power does: one meter told twice? it is counted once; leave `role` to one of them"
    ]
    cables = CITY.replace("assets:", "assets:\n  c1: {kind: cable, zone: f1}\n  c2: {kind: cable, zone: f1}")
    cables = cables.replace("every: 15m, zone: f1, role: supply", "every: 15m, asset: c1, role: supply")
    found = ask(
        "energy/feeders",
        f"{cables}{twice.replace('zone: f1', 'asset: c2')}\n",
        data,
        "2026-06-01",
        "2026-06-05",
    )
    (row,) = rows_of(found, "feeders")
    into, out = (
        2 * (368 + 26) + 60,
        380 + 2 * 26,
    )  # from above and the roof; used, and back through both cables
    assert row["loss_share"] == pytest.approx((into - out) / into)
    assert found.exit_code() == 0
