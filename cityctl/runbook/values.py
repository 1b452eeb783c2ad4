"""What conditions and steps work with: amounts with a quantity, states with a name, truths, texts, and the unknown.

Numbers are kept in the canonical unit of their quantity. Pure; knows no device.
"""

from __future__ import annotations

from dataclasses import dataclass

from cityctl import units
from cityctl.errors import UsageProblem


@dataclass(frozen=True)
class Amount:
    """A number in the canonical unit of its quantity; "ratio" is a bare number."""

    number: float
    quantity: str = "ratio"
    shown_unit: str | None = None

    def __str__(self) -> str:
        symbol = self.shown_unit or units.canonical(self.quantity).symbol
        number = units.convert(self.number, units.canonical(self.quantity).symbol, symbol)
        # 7 digits are what a float32 has; totals show their decimals all the same.
        text = f"{number:.7g}" if abs(number) < 1e5 else f"{number:.3f}".rstrip("0").rstrip(".")
        return f"{text} {units.pretty(symbol)}".strip()

    def in_unit(self, symbol: str) -> float:
        """The number in a unit of the same quantity. Raises UsageProblem for another quantity."""
        number = units.convert(self.number, units.canonical(self.quantity).symbol, symbol)
        return float(f"{number:.13g}")


@dataclass(frozen=True)
class State:
    """A state by its name, with the code that the device has for it."""

    name: str
    code: float | None = None

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Unknown:
    """A value that nobody can tell now, and why."""

    why: str

    def __str__(self) -> str:
        return "unknown"


Value = Amount | State | bool | str
Told = Value | Unknown

ON = frozenset({"on", "true", "yes"})
OFF = frozenset({"off", "false", "no"})


def amount(number: float, unit: str | None) -> Amount:
    """A number in a unit, as an amount. Raises UsageProblem for an unknown unit."""
    symbol = units.unit(unit).symbol if unit else ""
    quantity = units.unit(symbol).quantity
    return Amount(units.convert(number, symbol, units.canonical(quantity).symbol), quantity, symbol or None)


def truth(value: Told) -> bool | Unknown:
    """Whether a value counts as true: a truth itself, or a state with a code or name of on and off."""
    if isinstance(value, bool | Unknown):
        return value
    if isinstance(value, State):
        if value.name.casefold() in ON:
            return True
        if value.name.casefold() in OFF:
            return False
        if value.code is not None and value.code in (0, 1):
            return bool(value.code)
    raise UsageProblem(f"`{value}` is neither true nor false")


def shown(value: object) -> str:
    """A value as people read it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return "" if value is None else str(value)


def as_json(value: Value | None) -> object:
    """A value for a journal; `from_json` reads it back."""
    if isinstance(value, Amount):
        return {"number": value.number, "quantity": value.quantity, "unit": value.shown_unit}
    if isinstance(value, State):
        return {"state": value.name, "code": value.code}
    return value


def from_json(held: object) -> Value | None:
    """What `as_json` wrote."""
    if isinstance(held, dict):
        if "state" in held:
            return State(str(held["state"]), held.get("code"))
        return Amount(float(held["number"]), str(held["quantity"]), held.get("unit"))
    return held if isinstance(held, bool | str) else None
