"""How likely a value is one that somebody measured: by its unit, its limits and its size. Pure.

For guessing: which connector fits a device, and in which order its words lie. A wrong order turns a float
into one of any magnitude, and an integer into one that is far too large.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cityctl.errors import UsageProblem
from cityctl.modbus.maps.codec import decode
from cityctl.modbus.maps.point import DevicePoint
from cityctl.modbus.maps.types import WORD_ORDERS, WordOrder

# What a city's meters show, by quantity, in its canonical unit: generous, since wrong orders are wild.
_USUAL: dict[str, tuple[float, float]] = {
    "voltage": (0.5, 400_000.0),
    "current": (1e-3, 20_000.0),
    "frequency": (0.5, 1_000.0),
    "temperature": (-60.0, 500.0),
    "power": (-1e6, 1e6),
    "reactive power": (-1e6, 1e6),
    "apparent power": (0.0, 1e6),
    "energy": (0.0, 1e10),
    "reactive energy": (-1e10, 1e10),
    "apparent energy": (0.0, 1e10),
    "flow": (-1e5, 1e5),
    "volume": (-1e9, 1e9),
    "pressure": (-2.0, 400.0),
    "length": (-1_000.0, 1e5),
    "share": (-200.0, 200.0),
    "speed": (-50.0, 50.0),
    "rotation": (-10_000.0, 10_000.0),
    "time": (0.0, 1e6),
    "turbidity": (0.0, 10_000.0),
    "acidity": (0.0, 14.0),
    "conductivity": (0.0, 1e6),
    "concentration": (0.0, 1e6),
}
_SMALLEST, _LARGEST = 1e-4, 1e9
"""A float beyond these, in no known unit, was hardly measured."""
ORDERED = 2
"""From so many registers on, a value has an order of words."""


def likelihood(point: DevicePoint, value: float | str | None) -> float | None:
    """0 to 1: how likely it is that the value is real; None where it says nothing (0, no value, a code)."""
    if value is None or value == 0:
        return None
    if isinstance(value, str):
        return 1.0 if value.isascii() and value.isprintable() and len(value) > 1 else 0.0
    if point.kind == "state":
        if not point.enum:
            return None
        return 0.9 if int(value) in point.enum else 0.0
    if not math.isfinite(value):
        return 0.0
    limits = (point.minimum, point.maximum)
    if (limits[0] is not None and value < limits[0]) or (limits[1] is not None and value > limits[1]):
        return 0.0
    usual = _usual(point.unit)
    if usual is not None:
        return 1.0 if usual[0] <= value <= usual[1] and abs(value) >= _SMALLEST else 0.0
    return 0.7 if _SMALLEST <= abs(value) <= _LARGEST else 0.0


def _usual(unit: str | None) -> tuple[float, float] | None:
    if unit is None:
        return None
    from cityctl.units import canonical, convert
    from cityctl.units import unit as known

    try:
        quantity = known(unit).quantity
    except UsageProblem:
        return None
    span = _USUAL.get(quantity)
    if span is None:
        return None
    symbol = canonical(quantity).symbol
    low, high = (convert(end, symbol, unit) for end in span)
    return low, high


@dataclass(frozen=True)
class OrderGuess:
    """The likeliest order of words, and how it compares with the connector's own.

    `telling` is how many values told anything; `share` and `own_share` are 0 to 1.
    """

    order: WordOrder
    share: float
    own: WordOrder
    own_share: float
    telling: int

    @property
    def differs(self) -> bool:
        """Whether another order than the connector's is clearly likelier."""
        return self.order != self.own and self.telling >= 2 and self.share - self.own_share >= 0.4


def guess_order(
    points: Sequence[DevicePoint], registers: Mapping[str, Sequence[int]], own: WordOrder
) -> OrderGuess | None:
    """The order of words in which most values look real; None where no value tells.

    `registers` by point name. Of orders that are alike the connector's own wins.
    """
    totals = dict.fromkeys(WORD_ORDERS, 0.0)
    telling = 0
    for point in points:
        read = registers.get(point.name)
        if (
            read is None
            or point.registers < ORDERED
            or point.is_text
            or point.scale_factor is not None
            or point.has_ratio
        ):
            continue
        chances = {order: likelihood(point, decode(point, read, order).value) for order in WORD_ORDERS}
        if all(chance is None for chance in chances.values()):
            continue
        telling += 1
        for order, chance in chances.items():
            totals[order] += chance or 0.0
    if not telling:
        return None
    best = max(WORD_ORDERS, key=lambda order: (totals[order], order == own))
    return OrderGuess(best, totals[best] / telling, own, totals[own] / telling, telling)
