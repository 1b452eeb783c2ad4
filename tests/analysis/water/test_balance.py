"""The water balance: published formulas to their printed digits, cells that close, a city whose figures are known."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityctl.analysis.water.balancing import formulas
from cityctl.analysis.water.balancing.cells import CELLS, Inputs, Volume, balance, of_supplied, unread
from cityctl.analysis.water.balancing.indicators import Network
from cityctl.errors import UsageProblem
from cityctl.result import Result
from cityctl.units import convert
from tests.analysis.conftest import rows_of, slots

CITY = """
name: Made
time_zone: UTC
networks: {water: {kind: water}}
zones:
  all: {network: water, kind: dma, inflow: in, connections: 4000, mains: 80 km, pressure: 40 m}
  part: {network: water, kind: dma, inflow: part_in, parent: all, connections: 1000, mains: 20 km}
tariffs: {water: {network: water, price: 2}}
points:
  in: {unit: m3/h, every: 1h, zone: all}
  part_in: {unit: m3/h, every: 1h, zone: part}
  c1: {unit: m3, kind: counter, every: 30d, zone: all, role: consumption}
  c2: {unit: L, kind: interval, every: 1h, zone: part, role: consumption}
"""


def made(gap: int = 0) -> dict[str, Any]:
    """60 m³/h in; a register of 500 m³ a day that is read every 30 days; 24 L in each hour of the other meter."""
    hours, months = slots("2026-01-01", "2026-02-01", 60), slots("2025-12-10", "2026-03-20", 30 * 1440)
    flow = np.full(len(hours), 60.0)
    since = (months - months[0]) / np.timedelta64(1, "D")
    return {
        "in": (hours[gap:], flow[gap:]),
        "part_in": (hours, flow / 4),
        "c1": (months, 1000 + 500 * since),
        "c2": (hours, np.full(len(hours), 0.024)),
    }


def cells_of(result: Result) -> dict[str, dict[str, Any]]:
    by_name = {name: key for key, (name, _) in CELLS.items()}
    return {by_name[row["balance_cell"]]: row for row in rows_of(result, "balance")}


def test_unavoidable_losses_in_both_systems() -> None:
    """18 x 80 + 0.8 x 4 000 + 25 x 20 = 5 140 L/day and m; x 40 m = 205.6 m³/day. AWWA's coefficients: within 1 %."""
    assert formulas.unavoidable(80, 4000, 20, 40) == pytest.approx(205.6)
    assert formulas.unavoidable_us(50, 4000, 12, 57) == pytest.approx((270.5 + 600 + 90) * 57)


@given(
    st.floats(1, 5000),
    st.floats(20, 200),
    st.floats(0, 0.05),
    st.floats(25, 100),
)
def test_both_unit_systems_agree_within_a_hundredth(
    mains: float, density: float, private: float, head: float
) -> None:
    network = Network(mains, mains * density, private, head)
    in_gallons = convert(network.unavoidable(us=True), "gal", "m3")
    assert in_gallons == pytest.approx(network.unavoidable(us=False), rel=0.01)


@pytest.mark.parametrize(("exponent", "printed"), [(0.5, "5.13"), (1.0, "10.00"), (1.5, "14.62")])
def test_published_savings_of_a_lower_pressure(exponent: float, printed: str) -> None:
    """30 -> 27 m of head: the published 5.13 / 10.0 / 14.62 %."""
    assert f"{100 * (1 - formulas.favad(30, 27, exponent)):.2f}" == printed


def test_bands_and_frequency() -> None:
    assert [formulas.band(one) for one in (0.9, 2.0, 3.9, 4.0, 7.9, 8.0)] == list("ABBCCD")
    assert [formulas.band(one, developing=True) for one in (3.9, 4, 8, 16)] == list("ABCD")
    # sqrt(0.789 x 90 000 / (0.30 x 400)) by hand
    assert formulas.intervention_months(90_000, 0.30, 400) == pytest.approx(math.sqrt(591.75))
    assert formulas.background(10, 1000, 50) == pytest.approx(1.45)  # 200 + 1 250 L/h at 50 m


def test_validity() -> None:
    assert formulas.doubts(100, 5000, 50) == []
    assert len(formulas.doubts(200, 3000, 110)) == 3
    # What is just outside is not told as what is just inside.
    assert formulas.doubts(200.1, 4000, 24.9) == [
        "19.99 connections a km are not more than 20",
        "24.9 m of head are not within 25 to 100 m",
    ]


volumes = st.builds(Volume, st.floats(0, 1e8), st.floats(0, 1e7))


@given(st.builds(Inputs, *[volumes] * 9))
def test_every_cell_closes(inputs: Inputs) -> None:
    cells = balance(inputs)
    value = {key: cell.value for key, cell in cells.items()}
    scale = max(1.0, *map(abs, value.values()))
    for total, parts in (
        ("supplied", ("authorised", "losses")),
        ("supplied", ("billed", "non_revenue")),
        ("losses", ("apparent", "real")),
        ("non_revenue", ("unbilled", "losses")),
        ("authorised", ("billed", "unbilled")),
        ("system_input", ("exported", "billed", "unbilled", "apparent", "real")),
    ):
        assert abs(value[total] - sum(value[part] for part in parts)) <= 1e-9 * scale
    # Real losses have the variance of all nine inputs, non-revenue water that of what is supplied and billed.
    every = sum(getattr(inputs, key).variance for key in inputs.__dataclass_fields__)
    assert cells["real"].half == pytest.approx(1.96 * math.sqrt(every), rel=1e-9, abs=1e-9)


def test_under_registration_and_an_interval_by_hand() -> None:
    """98 m³ read by meters that read 2 % too little were 100 m³; 1 000 ± 30 less 600 ± 40 is 400 ± 50."""
    assert unread(Volume(98.0), 0.02, 0.5) == Volume(pytest.approx(2.0), pytest.approx(1.0))
    nothing = Volume(0.0)
    found = balance(Inputs(Volume(1000, 30), nothing, Volume(600, 40), *[nothing] * 6))["real"]
    assert (found.value, found.half) == (pytest.approx(400), pytest.approx(50))


def test_a_zone_without_customer_meters_is_named(ask: Callable[..., Result]) -> None:
    """All that flows into it would pass for a loss: unless its use is given, that is said."""
    text = CITY.replace("tariffs:", "  new: {network: water, kind: dma, inflow: new_in}\ntariffs:")
    text += "  new_in: {unit: m3/h, every: 1h, zone: new}\n"
    series = {**made(), "new_in": made()["part_in"]}
    found = ask("water/balance", text, series, "2026-01-01", "2026-02-01")
    (missing,) = found.completeness.missing
    assert (missing.what, missing.why) == ("new", "no customer meter in it: all that flows in counts as lost")
    told = ask("water/balance", text, series, "2026-01-01", "2026-02-01", billed_unmetered=9000)
    assert told.completeness.complete


@pytest.mark.parametrize("every", ["5m", "15m", "1h"])
@pytest.mark.parametrize("logged", ["every 15 minutes", "seldom by night"])
def test_what_flowed_in_does_not_hang_on_how_often_it_was_read(
    ask: Callable[..., Result], every: str, logged: str
) -> None:
    """10 m³/h from 22:00 to 06:00 and 40 by day, 31 days long, whatever city.yaml says of the readings."""
    times = slots("2026-01-01", "2026-02-01", 15)
    minute = (times - times.astype("datetime64[D]")) / np.timedelta64(1, "m")
    day = (minute >= 360) & (minute < 1320)
    kept = day | (minute % 60 == 0) if logged == "seldom by night" else np.full(len(times), True)
    text = CITY.replace("in: {unit: m3/h, every: 1h", f"in: {{unit: m3/h, every: {every}")
    series = {**made(), "in": (times[kept], np.where(day, 40.0, 10.0)[kept])}
    found = ask("water/balance", text, series, "2026-01-01", "2026-02-01")
    assert cells_of(found)["system_input"]["balance_volume"] == pytest.approx(31 * (8 * 10 + 16 * 40))


def test_a_city_from_its_meters(ask: Callable[..., Result]) -> None:
    """31 days x 24 x 60 = 44 640 m³ in; 31 x 500 + 744 x 0.024 used. The inner zone's inflow is not counted twice."""
    given_shares = {"under_registration": 0.02, "unauthorised_share": 0.0025, "production_cost": 0.5}
    found = ask("water/balance", CITY, made(), "2026-01-01", "2026-02-01", **given_shares)
    cells = cells_of(found)
    used = 31 * 500 + 744 * 0.024
    assert cells["system_input"]["balance_volume"] == pytest.approx(44_640)
    assert cells["billed_metered"]["balance_volume"] == pytest.approx(used)
    assert cells["meter_inaccuracy"]["balance_volume"] == pytest.approx(used / 0.98 - used)
    real = 44_640 - used - used * 0.0025 - (used / 0.98 - used)
    assert cells["real"]["balance_volume"] == pytest.approx(real)
    assert cells["real"]["balance_cost"] == pytest.approx(real * 0.5)
    assert cells["unauthorised"]["balance_cost"] == pytest.approx(used * 0.0025 * 2)
    rows = {row["indicator"]: row for row in rows_of(found, "indicators")}
    least = (18 * 80 + 0.8 * 4000) * 40 / 1000
    assert rows["Leakage index (ILI)"]["indicator_value"] == pytest.approx(real / 31 / least)
    assert rows["Leakage index (ILI)"]["verdict"].startswith("band C")
    assert rows["Real losses by connection"]["indicator_value"] == pytest.approx(real / 31 / 4)  # L of 4 000
    assert found.completeness.complete
    assert any("exported" in note for note in found.notes)  # not given, and said


def test_us_units_agree_within_a_hundredth(ask: Callable[..., Result]) -> None:
    asked = ("water/balance", CITY, made(), "2026-01-01", "2026-02-01")
    metric, us = ask(*asked), ask(*asked, units="us")
    gallons = cells_of(us)["real"]["balance_volume"] * 1000
    assert convert(gallons, "gal", "m3") == pytest.approx(cells_of(metric)["real"]["balance_volume"])
    index = [
        {row["indicator"]: row["indicator_value"] for row in rows_of(one, "indicators")}[
            "Leakage index (ILI)"
        ]
        for one in (metric, us)
    ]
    assert index[0] == pytest.approx(index[1], rel=0.01)


def test_a_gap_is_raised_and_named(ask: Callable[..., Result]) -> None:
    found = ask("water/balance", CITY, made(gap=74), "2026-01-01", "2026-02-01")
    assert cells_of(found)["system_input"]["balance_volume"] == pytest.approx(44_640)
    assert [(one.what, one.why) for one in found.completeness.missing] == [
        ("in", "90 % of the interval metered, raised to all of it")
    ]


def test_given_volumes_need_no_meter_and_doubts_are_said(ask: Callable[..., Result]) -> None:
    wanted = {
        "system_input": "1 ML",
        "billed_metered": "1200 m3",
        "connections": 100,
        "mains": "10 km",
        "survey_cost": 90_000,
        "production_cost": 0.30,
        "rate_of_rise": 400,
    }
    found = ask("water/balance", CITY, made(), "2026-01-01", "2026-02-01", **wanted)
    assert found.findings[0].text.startswith("real losses are below zero")
    rows = {row["indicator"]: row for row in rows_of(found, "indicators")}
    assert rows["Unavoidable real losses (UARL)"]["verdict"].startswith("OUTSIDE VALIDITY 100 connections")
    assert rows["Real losses by length of mains"]["indicator_unit"] == "m³/km/day"
    assert rows["Economic intervention frequency"]["indicator_value"] == pytest.approx(24.33, abs=0.01)


def test_without_meters_it_says_what_to_give(ask: Callable[..., Result]) -> None:
    bare = CITY.replace(", role: consumption", "")
    with pytest.raises(UsageProblem, match="no customer meter"):
        ask("water/balance", bare, made(), "2026-01-01", "2026-02-01")


def test_intervals_against_drawing_the_inputs_at_random() -> None:
    """200 000 draws of nine independent normal inputs: the middle 95 % of every cell, to 2 % of its width."""
    rng = np.random.default_rng(11)
    shares = (0.02, 0.03, 0.015, 0.2, 0.02, 0.5, 0.5, 0.4, 0.3)
    values = (1e6, 5e4, 6e5, 4e4, 1e4, 1.2e4, 2e3, 1.3e4, 1e3)
    names = list(Inputs.__dataclass_fields__)
    drawn = {
        name: rng.normal(value, value * share / 1.96, 200_000)
        for name, value, share in zip(names, values, shares, strict=True)
    }
    cells = balance(
        Inputs(*[Volume(value, value * share) for value, share in zip(values, shares, strict=True)])
    )
    for key, (_, made_of) in CELLS.items():
        if key not in drawn:
            drawn[key] = sum(sign * drawn[part] for part, sign in made_of.items())
        low, high = np.quantile(drawn[key], [0.025, 0.975])
        assert high - low == pytest.approx(2 * cells[key].half, rel=0.02), key
        assert drawn[key].mean() == pytest.approx(cells[key].value, abs=0.02 * cells[key].half), key


EXPORTING = """
name: Made
time_zone: UTC
networks: {water: {kind: water}}
zones:
  all: {network: water, kind: dma, inflow: north + south - sold - tank.area * rate(level), connections: 4000}
assets: {tank: {kind: tank, area: 100 m2}}
points:
  north: {unit: m3/h, every: 1h, zone: all}
  south: {unit: m3/h, every: 1h, zone: all}
  sold: {unit: m3/h, every: 1h, zone: all, role: export}
  level: {unit: m, every: 1h, zone: all}
  c1: {unit: m3/h, every: 1h, zone: all, role: consumption}
  own: {unit: m3/h, every: 1h, zone: all, role: unbilled}
"""


def test_what_is_exported_and_what_is_not_billed_come_from_their_meters(ask: Callable[..., Result]) -> None:
    """A net inflow of 90 m³/h of which 10 m³/h were taken off: 100 came in, 10 were sold; 50 billed, 2 not."""
    hours = slots("2026-01-01", "2026-02-01", 60)
    series = {
        name: (hours, np.full(len(hours), float(flow)))
        for name, flow in {"all/inflow": 90, "sold": 10, "c1": 50, "own": 2}.items()
    }
    found = ask("water/balance", EXPORTING, series, "2026-01-01", "2026-02-01")
    cells = {key: row["balance_volume"] for key, row in cells_of(found).items()}
    assert cells["system_input"] == pytest.approx(744 * 100)
    assert cells["exported"] == pytest.approx(744 * 10)
    assert cells["supplied"] == pytest.approx(744 * 90)
    assert cells["unbilled_metered"] == pytest.approx(744 * 2)
    assert cells["real"] == pytest.approx(744 * 38)
    rows = cells_of(found)
    assert rows["system_input"]["balance_from"] == "1 inflow meter, and what was exported"
    # 2 % of 90 and 2 % of 10, independent of each other
    half = (rows["system_input"]["balance_high"] - rows["system_input"]["balance_low"]) / 2
    assert half == pytest.approx(744 * math.hypot(1.8, 0.2))


def test_a_band_names_those_that_its_interval_reaches(ask: Callable[..., Result]) -> None:
    def band(**given_: Any) -> str:
        found = ask("water/balance", CITY, made(), "2026-01-01", "2026-02-01", **given_)
        rows = {row["indicator"]: row for row in rows_of(found, "indicators")}
        return str(rows["Leakage index (ILI)"]["verdict"])

    # UARL is 185.6 m³/day: 31 days of 4 x that and half of it more are 25 891 m³ of real losses
    volumes_ = {"billed_metered": "20 ML", "system_input": f"{20_000 + 31 * 4.5 * 185.6} m3"}
    assert band(**volumes_, system_input_error="0", billed_metered_error="0") == "band C, developed country"
    assert (
        band(**volumes_, system_input_error="10 %")
        == "band C (B to C within the interval), developed country"
    )
    assert band(system_input="10 ML", billed_metered="20 ML").startswith("NOT ASSESSABLE no real losses")


def test_an_interval_without_readings_is_incomplete_and_no_wrong_use(ask: Callable[..., Result]) -> None:
    found = ask("water/balance", CITY, made(), "2024-01-01", "2024-02-01")
    assert rows_of(found, "balance") == []
    assert (found.completeness.wanted, found.completeness.had) == (3, 0)
    assert found.summary == "no meter was read: nothing to balance"


def test_customers_of_a_zone_whose_inflow_nobody_knows_are_left_out_and_named(
    ask: Callable[..., Result],
) -> None:
    text = CITY.replace("tariffs:", "  dry: {network: water, kind: dma}\ntariffs:", 1)
    text += "  c3: {unit: m3/h, every: 1h, zone: dry, role: consumption}\n"
    hours = slots("2026-01-01", "2026-02-01", 60)
    series = {**made(), "c3": (hours, np.full(len(hours), 7.0))}
    found = ask("water/balance", text, series, "2026-01-01", "2026-02-01")
    assert cells_of(found)["billed_metered"]["balance_volume"] == pytest.approx(31 * 500 + 744 * 0.024)
    assert [one.what for one in found.completeness.missing] == ["dry"]


def test_a_gauge_tells_the_pressure_that_city_yaml_does_not(ask: Callable[..., Result]) -> None:
    """3 bar for half of the time and 5 for the other are 4 bar, 40.79 m of head; a suspect reading does not count."""
    gauges = "  high: {unit: bar, every: 1h, zone: part}\n  low: {unit: bar, every: 1h, zone: all}\n"
    city = CITY.replace(", pressure: 40 m", "") + gauges
    series = made()
    hours = series["in"][0]
    bar = np.where(np.arange(len(hours)) % 2 == 0, 3.0, 5.0)
    series |= {"low": (hours, bar - 1), "high": (np.append(hours, hours[-1] + 1), np.append(bar + 1, 90.0))}
    doubted = np.zeros(len(hours) + 1, np.uint8)
    doubted[-1] = 2
    found = ask("water/balance", city, series, "2026-01-01", "2026-02-01", quality={"high": doubted})
    rows = {row["indicator"]: row for row in rows_of(found, "indicators")}
    assert rows["Mean pressure"]["indicator_value"] == pytest.approx(4 / 0.0980665)
    assert rows["Mean pressure"]["verdict"] == "mean of 2 gauges"
    assert rows["Unavoidable real losses (UARL)"]["indicator_value"] == pytest.approx(
        4640 * 40.789 / 1000, rel=1e-4
    )
    assert rows["Leakage index (ILI)"]["indicator_value"] is not None
    # Gauges are no meters: without them the balance is whole, and only its index is lacking.
    silent = ask("water/balance", city, made(), "2026-01-01", "2026-02-01")
    assert silent.completeness.wanted == found.completeness.wanted == 3
    (index,) = (row for row in rows_of(silent, "indicators") if row["indicator"].startswith("Leakage index"))
    assert index["verdict"] == "NOT ASSESSABLE without pressure"


def test_what_city_yaml_or_the_question_says_goes_before_a_gauge(ask: Callable[..., Result]) -> None:
    city = CITY + "  g: {unit: bar, every: 1h, zone: all}\n"
    series = made() | {"g": (made()["in"][0], np.full(31 * 24, 9.0))}
    for given_, head, source in (({}, 40.0, "city.yaml"), ({"pressure": "50 m"}, 50.0, "given")):
        found = ask("water/balance", city, series, "2026-01-01", "2026-02-01", **given_)
        (row,) = (row for row in rows_of(found, "indicators") if row["indicator"] == "Mean pressure")
        assert (row["indicator_value"], row["verdict"]) == (pytest.approx(head), source)


TWO = """
name: Made
time_zone: UTC
networks: {water: {kind: water}}
zones:
  west: {network: water, kind: dma, inflow: west_in, connections: 4000, mains: 80 km, pressure: 40 m}
  east: {network: water, kind: dma, inflow: east_in, connections: 6000, mains: 90 km, pressure: 60 m}
points:
  west_in: {unit: m3/h, every: 1h, zone: west}
  east_in: {unit: m3/h, every: 1h, zone: east}
  w: {unit: m3/h, every: 1h, zone: west, role: consumption}
  e: {unit: m3/h, every: 1h, zone: east, role: consumption}
"""


def test_a_zone_whose_inflow_is_silent_is_left_out_with_its_customers(ask: Callable[..., Result]) -> None:
    """West alone: 60 - 40 = 20 m³/h lost of a network of 4 000 connections at 40 m. Its neighbour's use is no gain."""
    hours = made()["in"][0]
    flow = {"west_in": 60.0, "w": 40.0, "e": 50.0}
    series = {name: (hours, np.full(len(hours), one)) for name, one in flow.items()}
    found = ask("water/balance", TWO, series, "2026-01-01", "2026-02-01")
    assert cells_of(found)["real"]["balance_volume"] == pytest.approx(744 * 20)
    rows = {row["indicator"]: row["indicator_value"] for row in rows_of(found, "indicators")}
    assert rows["Unavoidable real losses (UARL)"] == pytest.approx((18 * 80 + 0.8 * 4000) * 40 / 1000)
    assert rows["Real losses by connection"] == pytest.approx(744 * 20 * 1000 / 31 / 4000)
    assert [(one.what, one.why) for one in found.completeness.missing] == [
        ("east_in", "no readings: what it feeds is left out")
    ]
    del series["west_in"]
    nothing = ask("water/balance", TWO, series, "2026-01-01", "2026-02-01")
    assert nothing.summary == "no inflow was read: nothing to balance"
    assert (rows_of(nothing, "balance"), nothing.completeness.had) == ([], 2)


@pytest.mark.parametrize(("billed", "supplied_error"), [(850_000.0, 0.02), (300_000.0, 0.05)])
def test_shares_of_what_is_supplied_hold_their_truth(billed: float, supplied_error: float) -> None:
    """What is lost is supplied less billed: a misread supply moves both. 95 % of 20 000 draws, to a hundredth."""
    rng = np.random.default_rng(3)
    inputs = [Volume(1e6, supplied_error * 1e6), Volume(0.0), Volume(billed, 0.02 * billed)]
    cells = balance(Inputs(*inputs, Volume(4e4, 8e3), *[Volume(0.0)] * 5))
    told = of_supplied(cells, "non_revenue")
    supplied, metered, flat = (
        rng.normal(one.value, one.half / 1.96, 20_000) for one in (*inputs[::2], Volume(4e4, 8e3))
    )
    drawn = 1 - (metered + flat) / supplied
    assert np.mean((told.low <= drawn) & (drawn <= told.high)) == pytest.approx(0.95, abs=0.01)
