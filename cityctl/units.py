"""Quantities and units: what may be converted into what, and by which factor.

The store and every analysis work in the canonical unit of a quantity; other units live at the edge. Factors
are exact by definition where one exists (NIST SP 811, appendix B.8; the SI brochure).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from cityctl.errors import UsageProblem, near

_INCH = 0.0254
_FOOT = 0.3048
_US_GALLON = 231 * _INCH**3  # 0.003785411784 m³, by definition
_IMPERIAL_GALLON = 0.00454609
_CUBIC_FOOT = _FOOT**3
_ACRE_FOOT = 43560 * _FOOT**2 * _FOOT
_PSI = 0.45359237 * 9.80665 / _INCH**2  # Pa
_HEAD = 9806.65  # Pa per m of water at 4 °C and standard gravity (conventional mH2O)
_KWH = 3.6e6  # J
_BTU = 1055.05585262  # J, International Table
_HP = 745.69987158227022  # W, mechanical

# quantity: (canonical unit, {symbol: factor to the canonical unit})
_TABLE: dict[str, tuple[str, dict[str, float]]] = {
    "flow": (
        "m3/h",
        {
            "m3/h": 1.0,
            "m3/s": 3600.0,
            "m3/min": 60.0,
            "m3/d": 1 / 24,
            "L/s": 3.6,
            "L/min": 0.06,
            "L/h": 0.001,
            "ML/d": 1000 / 24,
            "gal/min": _US_GALLON * 60,
            "gal/h": _US_GALLON,
            "gal/d": _US_GALLON / 24,
            "MGD": _US_GALLON * 1e6 / 24,
            "ImpMGD": _IMPERIAL_GALLON * 1e6 / 24,
            "ft3/s": _CUBIC_FOOT * 3600,
            "ft3/h": _CUBIC_FOOT,
        },
    ),
    "volume": (
        "m3",
        {
            "m3": 1.0,
            "L": 0.001,
            "hL": 0.1,
            "mL": 1e-6,
            "ML": 1000.0,
            "dam3": 1000.0,
            "gal": _US_GALLON,
            "kgal": _US_GALLON * 1e3,
            "Mgal": _US_GALLON * 1e6,
            "Impgal": _IMPERIAL_GALLON,
            "ft3": _CUBIC_FOOT,
            "ccf": _CUBIC_FOOT * 100,
            "acre-ft": _ACRE_FOOT,
        },
    ),
    "pressure": (
        "bar",
        {
            "bar": 1.0,
            "mbar": 0.001,
            "Pa": 1e-5,
            "hPa": 1e-3,
            "kPa": 0.01,
            "MPa": 10.0,
            "psi": _PSI / 1e5,
            "mH2O": _HEAD / 1e5,
            "ftH2O": _HEAD * _FOOT / 1e5,
            "atm": 1.01325,
        },
    ),
    "length": (
        "m",
        {"m": 1.0, "mm": 0.001, "cm": 0.01, "km": 1000.0, "ft": _FOOT, "in": _INCH, "mi": 5280 * _FOOT},
    ),
    "area": ("m2", {"m2": 1.0, "ha": 1e4, "km2": 1e6, "ft2": _FOOT**2, "acre": 43560 * _FOOT**2}),
    "energy": (
        "kWh",
        {
            "kWh": 1.0,
            "Wh": 0.001,
            "MWh": 1000.0,
            "GWh": 1e6,
            "J": 1 / _KWH,
            "kJ": 1e3 / _KWH,
            "MJ": 1e6 / _KWH,
            "GJ": 1e9 / _KWH,
            "therm": 105480400 / _KWH,  # US
            "thermEC": 105505585.262 / _KWH,
            "Btu": _BTU / _KWH,
            "kBtu": _BTU * 1e3 / _KWH,
            "MMBtu": _BTU * 1e6 / _KWH,
        },
    ),
    "power": (
        "kW",
        {
            "kW": 1.0,
            "W": 0.001,
            "mW": 1e-6,
            "MW": 1000.0,
            "GW": 1e6,
            "MJ/h": 1 / 3.6,
            "Btu/h": _BTU / _KWH,
            "hp": _HP / 1000,
        },
    ),
    "reactive energy": ("kvarh", {"kvarh": 1.0, "varh": 0.001, "Mvarh": 1000.0}),
    "apparent energy": ("kVAh", {"kVAh": 1.0, "VAh": 0.001, "MVAh": 1000.0}),
    "reactive power": ("kvar", {"kvar": 1.0, "var": 0.001, "Mvar": 1000.0}),
    "apparent power": ("kVA", {"kVA": 1.0, "VA": 0.001, "MVA": 1000.0}),
    "voltage": ("V", {"V": 1.0, "mV": 0.001, "kV": 1000.0}),
    "current": ("A", {"A": 1.0, "mA": 0.001, "kA": 1000.0}),
    "frequency": ("Hz", {"Hz": 1.0, "mHz": 0.001, "kHz": 1000.0}),
    "resistance": ("Ohm", {"Ohm": 1.0, "kOhm": 1000.0, "MOhm": 1e6}),
    "temperature": ("degC", {"degC": 1.0, "K": 1.0, "degF": 5 / 9}),
    "temperature difference": ("delta_K", {"delta_K": 1.0, "delta_degF": 5 / 9}),
    "mass": ("kg", {"kg": 1.0, "g": 0.001, "t": 1000.0, "lb": 0.45359237}),
    "mass flow": ("kg/h", {"kg/h": 1.0, "kg/s": 3600.0, "t/h": 1000.0}),
    "density": ("kg/m3", {"kg/m3": 1.0, "g/L": 1.0, "g/cm3": 1000.0}),
    "concentration": ("mg/L", {"mg/L": 1.0, "ug/L": 0.001, "g/m3": 1.0, "ppm": 1.0, "ppb": 0.001}),
    "conductivity": ("uS/cm", {"uS/cm": 1.0, "mS/cm": 1000.0, "S/m": 1e4, "mS/m": 10.0}),
    "turbidity": ("NTU", {"NTU": 1.0, "FNU": 1.0, "mNTU": 0.001}),
    "acidity": ("pH", {"pH": 1.0}),
    "absorbance": ("1/m", {"1/m": 1.0, "1/cm": 100.0}),
    "speed": ("m/s", {"m/s": 1.0, "ft/s": _FOOT, "km/h": 1 / 3.6}),
    "rotation": ("rpm", {"rpm": 1.0, "1/s": 60.0}),
    "time": ("h", {"h": 1.0, "s": 1 / 3600, "min": 1 / 60, "d": 24.0}),
    "share": ("%", {"%": 1.0, "1": 100.0, "permille": 0.1}),
    "ratio": ("", {"": 1.0}),
    "count": ("count", {"count": 1.0, "starts": 1.0}),
    "state": ("state", {"state": 1.0}),
    "angle": ("deg", {"deg": 1.0, "rad": 57.29577951308232}),
    "specific energy": (
        "kWh/m3",
        {"kWh/m3": 1.0, "Wh/m3": 0.001, "kWh/ML": 0.001, "kWh/Mgal": 1 / (_US_GALLON * 1e6)},
    ),
    "irradiance": ("W/m2", {"W/m2": 1.0, "kW/m2": 1000.0}),
    "carbon intensity": ("kg/kWh", {"kg/kWh": 1.0, "g/kWh": 0.001}),
    "thermal volume": ("m3*degC", {"m3*degC": 1.0}),
    "humidity": ("%RH", {"%RH": 1.0}),
}  # fmt: skip

_OFFSETS = {"K": -273.15, "degF": -160 / 9}

_ALIASES = {
    "cmh": "m3/h",
    "l/s": "L/s",
    "lps": "L/s",
    "l/min": "L/min",
    "l/h": "L/h",
    "gpm": "gal/min",
    "gpd": "gal/d",
    "mgd": "MGD",
    "cfs": "ft3/s",
    "l": "L",
    "liter": "L",
    "litre": "L",
    "ltr": "L",
    "usgal": "gal",
    "hcf": "ccf",
    "kwh": "kWh",
    "wh": "Wh",
    "mwh": "MWh",
    "kw": "kW",
    "w": "W",
    "therms": "therm",
    "btu": "Btu",
    "mh2o": "mH2O",
    "mwc": "mH2O",
    "mwg": "mH2O",
    "mofhead": "mH2O",
    "ftofhead": "ftH2O",
    "mhead": "mH2O",
    "mws": "mH2O",
    "°c": "degC",
    "c": "degC",
    "celsius": "degC",
    "°f": "degF",
    "f": "degF",
    "°": "deg",
    "ohm": "Ohm",
    "ω": "Ohm",
    "mg/l": "mg/L",
    "ug/l": "ug/L",
    "us/cm": "uS/cm",
    "ms/cm": "mS/cm",
    "ntu": "NTU",
    "fnu": "FNU",
    "ph": "pH",
    "percent": "%",
    "none": "",
    "-": "",
    "hour": "h",
    "hours": "h",
    "sec": "s",
    "days": "d",
    "meter": "m",
    "metre": "m",
    "feet": "ft",
    "miles": "mi",
    "sqft": "ft2",
    "kvarh": "kvarh",
    "kva": "kVA",
    "va": "VA",
    "hz": "Hz",
    "v": "V",
    "a": "A",
    "m-1": "1/m",
    "m^-1": "1/m",
}

_PRETTY = {
    "degC": "°C",
    "degF": "°F",
    "delta_K": "K",
    "mH2O": "m of head",
    "ftH2O": "ft of head",
    "Ohm": "Ω",
    "kOhm": "kΩ",
    "state": "",
    "count": "",
    "m3*degC": "m³·°C",
}


@dataclass(frozen=True)
class Unit:
    """A unit of a quantity: canonical value = value * factor + offset."""

    symbol: str
    quantity: str
    factor: float
    offset: float = 0.0


UNITS: dict[str, Unit] = {
    symbol: Unit(symbol, quantity, factor, _OFFSETS.get(symbol, 0.0))
    for quantity, (_, symbols) in _TABLE.items()
    for symbol, factor in symbols.items()
}
QUANTITIES: tuple[str, ...] = tuple(_TABLE)


def _plain(text: str) -> str:
    said = text.strip().replace("³", "3").replace("²", "2").replace("·", "*").replace("⁻¹", "-1")
    said = said.replace("°C", "degC").replace("°F", "degF")
    return said.replace("µ", "u").replace("μ", "u").replace("ℓ", "L").replace("Ω", "Ohm")


@lru_cache(maxsize=1024)
def unit(text: str) -> Unit:
    """The unit that a text means, such as `m³/h`, `L/s`, `MGD`, `kWh` or `m of head`.

    Upper and lower case only matter where they tell units apart (mW is not MW). Raises UsageProblem with the
    near match.
    """
    if text in UNITS:
        return UNITS[text]
    said = _plain(text)
    if said in UNITS:
        return UNITS[said]
    folded = re.sub(r"\s+", "", said).casefold()
    if folded in _ALIASES:
        return UNITS[_ALIASES[folded]]
    same = [symbol for symbol in UNITS if symbol.casefold() == folded and not _milli_or_mega(symbol, said)]
    if len(same) == 1:
        return UNITS[same[0]]
    match = near(said, [*UNITS, *_ALIASES])
    raise UsageProblem(
        f"`{text}` is no unit that cityctl knows",
        hint=f"did you mean `{match}`?" if match else "`cityctl help units` lists them",
    )


def _milli_or_mega(symbol: str, said: str) -> bool:
    """Whether reading `said` as `symbol` would take milli for mega, or the other way round."""
    return symbol[:1] in ("m", "M") and said[:1] != symbol[:1]


def canonical(quantity: str) -> Unit:
    """The unit in which a quantity is kept. Raises UsageProblem for an unknown quantity."""
    if quantity not in _TABLE:
        match = near(quantity, _TABLE)
        raise UsageProblem(
            f"`{quantity}` is no quantity that cityctl knows",
            hint=f"did you mean `{match}`?" if match else "`cityctl help units` lists them",
        )
    return UNITS[_TABLE[quantity][0]]


@lru_cache(maxsize=1024)
def linear(source: str, target: str) -> tuple[float, float]:
    """(a, b) with value in `target` = a * value in `source` + b.

    Raises UsageProblem where the two units measure different quantities.
    """
    first, second = unit(source), unit(target)
    if first.quantity != second.quantity:
        gas = {first.quantity, second.quantity} == {"volume", "energy"}
        raise UsageProblem(
            f"`{source}` is a unit of {first.quantity} and `{target}` of {second.quantity}: no conversion",
            hint="gas in m³ becomes kWh only with a calorific value" if gas else None,
        )
    if first.symbol == second.symbol:
        return 1.0, 0.0
    return first.factor / second.factor, (first.offset - second.offset) / second.factor


def convert(value: float, source: str, target: str) -> float:
    """A value in another unit of the same quantity. Raises UsageProblem."""
    a, b = linear(source, target)
    return value * a + b


def pretty(symbol: str) -> str:
    """A unit as it is printed: m³/h, °C, µS/cm."""
    if symbol in _PRETTY:
        return _PRETTY[symbol]
    said = re.sub(r"(?<=m)3", "³", symbol)
    said = re.sub(r"(?<=m)2", "²", said)
    said = re.sub(r"(?<=ft)([23])", lambda found: "²³"[int(found[1]) - 2], said)
    return re.sub(r"^u(?=[SgA])", "µ", said)


_AMOUNT = re.compile(r"\s*([-+]?\d+(?:[.,]\d+)?(?:[eE][-+]?\d+)?)\s*(.*?)\s*")


def amount(text: str | float, target: str) -> float:
    """`14.2 km`, `42 m` or a bare number (already in `target`) as a number in `target`.

    A length of water stands for a pressure where a pressure is asked for (42 m is 42 m of head), and the
    other way round is refused. Raises UsageProblem.
    """
    if isinstance(text, int | float):
        return float(text)
    found = _AMOUNT.fullmatch(text)
    if not found:
        raise UsageProblem(f"`{text}` is no number with a unit", hint=f"write for example 12.5 {target}")
    number = float(found[1].replace(",", "."))
    symbol = found[2]
    if not symbol:
        return number
    if unit(target).quantity == "pressure" and unit(symbol).quantity == "length":
        symbol = {"m": "mH2O", "ft": "ftH2O"}.get(unit(symbol).symbol, symbol)
    return convert(number, symbol, target)


# Species: molar masses [g/mol], IUPAC standard atomic weights 2021, abridged.
_SPECIES_PER_MOLE_OF_N = {"NO3": 62.005, "NO2": 46.006, "NH4": 18.039, "NH3": 17.031, "N": 14.007}
_SPECIES_PER_MOLE_OF_P = {"PO4": 94.970, "P": 30.974}


def species_factor(source: str, target: str) -> float:
    """Mass of `target` per mass of `source` with the same amount of its element: 50 mg/L NO3 is 11.3 as N.

    Raises UsageProblem where the species hold no common element.
    """
    for family in (_SPECIES_PER_MOLE_OF_N, _SPECIES_PER_MOLE_OF_P):
        if source in family and target in family:
            return family[target] / family[source]
    if source == target:
        return 1.0
    raise UsageProblem(f"`{source}` cannot be told as `{target}`: they share no element that cityctl knows")
