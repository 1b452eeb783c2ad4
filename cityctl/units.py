"""Quantities and units: what may be converted into what, and by which factor.

The store and every analysis work in the canonical unit of a quantity; other units live at the edge. Factors
are exact by definition where one exists (NIST SP 811, appendix B.8; the SI brochure).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from cityctl.errors import UsageProblem, near
from cityctl.unit_table import ABOVE, ALIASES, BELOW, OFFSETS, PRETTY, TABLE


@dataclass(frozen=True)
class Unit:
    """A unit of a quantity: canonical value = value * factor + offset."""

    symbol: str
    quantity: str
    factor: float
    offset: float = 0.0


UNITS: dict[str, Unit] = {
    symbol: Unit(symbol, quantity, factor, OFFSETS.get(symbol, 0.0))
    for quantity, (_, symbols) in TABLE.items()
    for symbol, factor in symbols.items()
}
QUANTITIES: tuple[str, ...] = tuple(TABLE)


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
    if folded in ALIASES and not _is_mega(said):
        return UNITS[ALIASES[folded]]
    quotient = _quotient(said)
    if quotient in UNITS:
        return UNITS[quotient]
    folded = quotient.casefold()
    if folded in ALIASES and quotient != said:
        return UNITS[ALIASES[folded]]
    same = [symbol for symbol in UNITS if symbol.casefold() == folded and not _milli_or_mega(symbol, said)]
    if len(same) == 1:
        return UNITS[same[0]]
    match = near(said, [*UNITS, *ALIASES])
    raise UsageProblem(
        f"`{text}` is no unit that cityctl knows",
        hint=f"did you mean `{match}`?" if match else "`cityctl help units` lists them",
    )


_SURE = re.compile(r"m(?:[23]|/s|m$|in$|bar$)")  # metres and minutes; nobody means megabar or megametres


def _milli_or_mega(symbol: str, said: str) -> bool:
    """Whether reading `said` as `symbol` would take milli for mega, or the other way round."""
    return symbol[:1] in ("m", "M") and said[:1] != symbol[:1] and not _SURE.match(symbol)


def _is_mega(said: str) -> bool:
    """Whether the M of a text is surely mega: `MWs` are megawatt-seconds, `MWS` and `mws` metres of head."""
    return said.startswith("M") and said[1:2].isupper() and not said.isupper()


def _quotient(said: str) -> str:
    """`cbm/Std.` as m3/h: both sides of one stroke as units are written here, as far as they are known."""
    above, stroke, below = re.sub(r"\s+", "", said).partition("/")
    below = below.rstrip(".")
    above, below = ABOVE.get(above.casefold(), above), BELOW.get(below.casefold(), below)
    return f"{above}{stroke}{below}" if stroke and "/" not in below else said


def canonical(quantity: str) -> Unit:
    """The unit in which a quantity is kept. Raises UsageProblem for an unknown quantity."""
    if quantity not in TABLE:
        match = near(quantity, TABLE)
        raise UsageProblem(
            f"`{quantity}` is no quantity that cityctl knows",
            hint=f"did you mean `{match}`?" if match else "`cityctl help units` lists them",
        )
    return UNITS[TABLE[quantity][0]]


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
    if symbol in PRETTY:
        return PRETTY[symbol]
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
