"""Conversions. Expected factors: NIST SP 811 appendix B.8 and the definitions it cites."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityctl import units
from cityctl.errors import UsageProblem


@pytest.mark.parametrize(
    ("value", "source", "target", "expected"),
    [
        (1, "L/s", "m3/h", 3.6),
        (1, "MGD", "m3/d", 3785.411784),
        (1, "Mgal/d", "m3/d", 3785.411784),
        (1, "gal/min", "L/s", 0.0630901964),
        (1, "ft3/s", "m3/h", 101.940647),
        (1, "acre-ft", "m3", 1233.48183754752),
        (1, "psi", "bar", 0.0689475729),
        (10, "mH2O", "bar", 0.980665),
        (1, "therm", "MJ", 105.4804),
        (1, "MMBtu", "kWh", 293.07107),
        (1, "hp", "W", 745.6998716),
        (68, "degF", "degC", 20.0),
        (273.15, "K", "degC", 0.0),
        (32, "degF", "K", 273.15),
        (1, "ccf", "m3", 2.8316846592),
        (1, "Impgal", "L", 4.54609),
        (12.5, "%", "1", 0.125),
        (1, "kWh/Mgal", "kWh/m3", 1 / 3785.411784),
        (24, "L/d", "L/h", 1.0),
        (1, "ft3/min", "m3/h", 1.69901079552),
    ],
)
def test_factors(value, source, target, expected):
    assert units.convert(value, source, target) == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize(
    ("said", "meant"),
    [("m³/h", "m3/h"), ("l/s", "L/s"), ("kwh", "kWh"), ("°C", "degC"), ("m of head", "mH2O"),
     ("µS/cm", "uS/cm"), ("MW", "MW"), ("mA", "mA"), ("C", "degC"), ("GPM", "gal/min"), ("Ω", "Ohm"), ("NTU", "NTU")],
)  # fmt: skip
def test_units_are_read_as_people_write_them(said, meant):
    assert units.unit(said).symbol == meant


@pytest.mark.parametrize(
    ("said", "meant"),
    [("m³/Std.", "m3/h"), ("cbm/h", "m3/h"), ("m^3/hr", "m3/h"), ("m3/day", "m3/d"), ("l/sec", "L/s"),
     ("ltr/min.", "L/min"), ("Liter/h", "L/h"), ("Ml/day", "ML/d"), ("gals/day", "gal/d"), ("MGal/day", "MGD"),
     ("cfs", "ft3/s"), ("cfm", "ft3/min"), ("gph", "gal/h"), ("LPH", "L/h"), ("acre-feet", "acre-ft"), ("dm³", "L"),
     ("mw", "MW"), ("mWS", "mH2O"), ("MWS", "mH2O"), ("M3/H", "m3/h"), ("M3", "m3"), ("MBAR", "mbar"), ("MM", "mm"),
     ("CMH", "m3/h"), ("cumecs", "m3/s")],
)  # fmt: skip
def test_flows_are_read_as_utilities_write_them(said, meant):
    assert units.unit(said).symbol == meant


@pytest.mark.parametrize("said", ["ml/day", "Nm3", "Nm³/h", "Sm3", "m3/y", "kW/h", "MWs", "1/m3/h"])
def test_what_may_mean_something_else_is_no_unit(said):
    """Gas at its norm is no m³ of a meter, 1 ml a day no megalitre, and a megawatt-second no metre of head."""
    with pytest.raises(UsageProblem):
        units.unit(said)


def test_case_tells_milli_from_mega():
    assert units.convert(1, "MW", "mW") == pytest.approx(1e9)
    with pytest.raises(UsageProblem):
        units.unit("mPa")  # millipascal is not kept; megapascal must not be guessed
    assert units.convert(1, "ML", "mL") == pytest.approx(1e9)


def test_an_unknown_unit_gets_the_near_match():
    with pytest.raises(UsageProblem) as caught:
        units.unit("kWhh")
    assert caught.value.hint == "did you mean `kWh`?"


def test_quantities_do_not_mix():
    with pytest.raises(UsageProblem, match="of flow and `kWh` of energy"):
        units.convert(1, "m3/h", "kWh")
    with pytest.raises(UsageProblem) as caught:
        units.convert(1, "m3", "kWh")
    assert "calorific" in (caught.value.hint or "")


@given(st.sampled_from(sorted(units.UNITS)), st.floats(-1e6, 1e6))
def test_there_and_back_is_the_same(symbol, value):
    unit = units.UNITS[symbol]
    kept = units.canonical(unit.quantity).symbol
    back = units.convert(units.convert(value, symbol, kept), kept, symbol)
    assert back == pytest.approx(value, rel=1e-9, abs=1e-6)


@given(st.sampled_from(sorted(units.UNITS)))
def test_what_is_printed_reads_back(symbol):
    shown = units.pretty(symbol)
    if shown:
        assert units.unit(shown).quantity == units.UNITS[symbol].quantity or symbol == "delta_K"


def test_every_quantity_has_one_canonical_unit_of_factor_one():
    for quantity in units.QUANTITIES:
        unit = units.canonical(quantity)
        assert (unit.factor, unit.offset, unit.quantity) == (1.0, 0.0, quantity)


def test_amounts_take_head_for_pressure_and_decimal_commas():
    assert units.amount("42 m", "mH2O") == pytest.approx(42)
    assert units.amount("8,8 km", "km") == pytest.approx(8.8)
    assert units.amount("60 psi", "mH2O") == pytest.approx(42.1849, rel=1e-4)  # 60 x 0.703070 m (NIST)
    assert units.amount(14, "km") == 14
    with pytest.raises(UsageProblem):
        units.amount("many", "km")
