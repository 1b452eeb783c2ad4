"""Names of columns: found as they are written, else without regard to case and unit, else a clear error."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cityctl.errors import CityctlError, UsageProblem, listed, near
from cityctl.units import Unit, unit

_PHRASES = {
    "kilowatt-hours": "kWh", "kilowatt hours": "kWh", "kilowatthours": "kWh", "watt-hours": "Wh", "watt hours": "Wh",
    "megawatt hours": "MWh", "gallons": "gal", "us gallons": "gal", "gals": "gal", "thousand gallons": "kgal",
    "cubic feet": "ft3", "cu ft": "ft3", "cuft": "ft3", "cf": "ft3", "hundred cubic feet": "ccf", "cubic meters": "m3",
    "cubic metres": "m3", "cubic meter": "m3",
    "cbm": "m3", "liters": "L", "litres": "L", "kubikmeter": "m3", "m^3": "m3",
    "kiloliters": "m3", "kilolitres": "m3", "kl": "m3", "megalitres": "ML", "kvah": "kVAh", "gallon": "gal",
    "us gallon": "gal", "million gallons": "Mgal", "mgal/d": "MGD", "cubic foot": "ft3", "kilowatt hour": "kWh",
    "watt hour": "Wh", "m3": "m3", "m3/h": "m3/h",
    "watts": "W", "wattage": "W", "kilowatts": "kW", "thm": "therm", "mmbtu": "MMBtu",
}  # fmt: skip
# Units that stand in a name without brackets (`usage_kwh`, `kWh`): none of these is a word of its own.
_BARE = frozenset(
    [
        "kwh", "wh", "mwh", "gwh", "kw", "mw", "m3", "m3/h", "m³", "m³/h", "gal", "kgal", "mgal", "ccf", "hcf", "ft3",
        "kvarh", "kvar", "kvah", "kva", "l/s", "l/h", "l/min", "gpm", "degc", "°c", "degf", "bar", "therm", "therms",
        "mj", "gj", "%", "gallons", "liters", "litres", "cf", "cuft", "watts", "wattage", "m3h", "m³h", "cmh", "m3/hr",
        "m3/d", "m³/d", "m3/s", "m³/s", "cumecs", "lps", "lpm", "lph", "l/sec", "ml/d", "mld", "mgd", "gpd", "cfs",
        "mbar", "kpa", "psi",
    ]
)  # fmt: skip

_SEAM = re.compile(r"(?<=[a-z])(?=(?:[kKMG]W[hH]?|[kKM]var[hH]|M3)$)")  # consumptionKWh, volumeM3
# Thousands of a unit: `in 1.000 kWh`, `x100 l`, `Tsd. kWh`, `kWh in 1000`.
_TENS = r"1(?:0+|(?:[ .,']000)+|0\^\d)"
_SCALED = re.compile(
    rf"(?:\b(?:in|je|per|en)\s+|[x×*]\s*){_TENS}(?:\s*[^\W\d]\S*)?\s*$"
    r"|\b(?:tsd|tausend|thousands?|mio|millions?|milliers)\b\.?\s*(?:of\s+|de\s+)?[^\W\d]\S*\s*$",
    re.I,
)
_INSIDE = re.compile(rf"[(\[]\s*{_TENS}\s*[^\W\d][^()\[\]]*[)\]]")  # Gas (1000 m³)
_SQUARED = re.compile(r"\[\s*([^\[\]]+?)\s*\]\s*$")
_GAUGE = re.compile(r"\b(bar|psi)\s?\(g\)", re.I)  # above the air's pressure, as all pressures here
_ABSOLUTE = re.compile(r"\b(?:bar|psi)\s?\(a(?:bs\.?)?\)", re.I)
_BRACKETED = re.compile(r"\[[^\[\]]+\]|\([^()]+\)")
_BRACKETS = re.compile(r"[(\[]\s*([^()\[\]]+?)\s*[)\]]\s*$")


def phrase_unit(text: str) -> str | None:
    """The unit that a text means, in words as well; None where it means none."""
    plain = text.strip()
    plain = _PHRASES.get(plain.casefold(), plain)
    found = _unit(plain)
    if found is None and plain[-1:] == "s" and plain[:-1].casefold() in _BARE:
        several = _unit(plain[:-1])  # kWhs
        # kWs are kilowatt-seconds.
        return several.symbol if several and several.quantity != "power" else None
    return found.symbol if found else None


def _unit(text: str) -> Unit | None:
    try:
        return unit(text) if text else None
    except CityctlError:
        return None


def bracket_unit(column: str) -> str | None:
    """The unit in a column's name: `DMA 1 (L/s)`, `air_temperature [degC]`, `Usage (energy in kilowatt-hours)`."""
    found = _BRACKETS.search(column) if ")" in column or "]" in column else None
    if found is not None:
        return phrase_unit(found[1]) or phrase_unit(found[1].rpartition(" in ")[2])
    inside = _BRACKETED.findall(column)  # Load [MW] - Zone A
    alone = [text for text in inside if text[:1] == "[" or text[1:-1].strip().casefold() in _BARE]
    return phrase_unit(alone[0][1:-1]) if len(alone) == 1 else None


def said_in_brackets(column: str) -> str:
    """What stands in square brackets behind a column's name, be it a unit or not."""
    found = _SQUARED.search(column)
    return found[1] if found else ""


def column_unit(column: str, columns: Sequence[str] = ()) -> str | None:
    """The unit in a column's name, in brackets or as its last or first word: `usage_kwh`, `Consumption m3`, `kWh`.

    None where it counts thousands of them (`in 1000 kWh`). Beside columns `m1`, `m2` and `m4`, `m3` is a name.
    """
    plain = re.sub(r"\s#\d+$", "", column)  # told apart from a column of the same name
    if _ABSOLUTE.search(plain):
        return None
    plain = _GAUGE.sub(r"\1", plain)
    found = bracket_unit(plain)
    if found is not None:
        return found
    if _one_of_many(plain, columns):
        return None
    words = re.split(r"[\s_]+", _SEAM.sub(" ", plain.strip()))
    whole = _PHRASES.get(" ".join(words).casefold())
    if whole or _SCALED.search(plain):
        return whole
    return next((phrase_unit(word) for word in (words[-1], words[0]) if word.casefold() in _BARE), None)


def counts_thousands(column: str) -> bool:
    """Whether a column's name says thousands of a unit that is not known as one: `Verbrauch in 1000 kWh`."""
    inside = re.sub(r"[()\[\]]", " ", column)
    return column_unit(column) is None and bool(_SCALED.search(inside) or _INSIDE.search(column))


def _one_of_many(column: str, columns: Sequence[str]) -> bool:
    """Whether other columns have the same name with another number in place of the one that looks like a power."""
    found = re.search(r"(?<![^\W_])(m|ft)3(?![^\W_])", column, re.I)
    if found is None:
        return False
    before, after = re.escape(column[: found.end() - 1]), re.escape(column[found.end() :])
    family = re.compile(rf"{before}\d+{after}", re.I)
    return any(other != column and family.fullmatch(other) for other in columns)


def without_unit(column: str) -> str:
    """A column's name without the unit in brackets behind it."""
    return re.sub(r"\s*[(\[][^()\[\]]*[)\]]\s*$", "", column) if bracket_unit(column) else column


def without_word(column: str) -> str:
    """A column's name without the unit that is its last word: `12:30 AM kWh`."""
    words = column.split()
    return " ".join(words[:-1]) if len(words) > 1 and words[-1].strip("()[]").casefold() in _BARE else column


def match_column(columns: Sequence[str], wanted: str) -> int | None:
    """Index of the column of that name: as written, else without regard to case where one alone fits."""
    plain = wanted.strip()
    if plain in columns:
        return list(columns).index(plain)
    for form in (str.casefold, lambda text: without_unit(text).casefold()):
        fitting = [index for index, column in enumerate(columns) if form(column) == plain.casefold()]
        if len(fitting) == 1:
            return fitting[0]
    return None


def unknown_column(name: str, columns: Sequence[str], wanted: str, word: str) -> UsageProblem:
    """The error for a column that is named and not there."""
    match = near(wanted, columns)
    hint = f"did you mean `{match}`?" if match else f"columns: {listed(columns, 20)}"
    return UsageProblem(
        f"{name}: no column `{wanted}` (for the {word})", tried=[f"columns: {listed(columns, 40)}"], hint=hint
    )
