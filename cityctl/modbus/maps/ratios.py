"""Ratios of transformers, signs and parts of totals, which a meter keeps in registers of their own. Pure.

Many meters give what stands behind the transformers, and multiply nothing: the value on the line is that times the
ratios, or times a primary rating and over a secondary one. Others give the size of a value, and its sign beside it,
or a total whose high register lies apart from the low one.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from math import isfinite

from cityctl.modbus.maps.point import DevicePoint
from cityctl.reading import Quality


def ratio_of(times: Iterable[float | str | None], over: Iterable[float | str | None]) -> Decimal | None:
    """The product of some over the product of others; None where one of them is no number above 0, nor the sign -1.

    A ratio that nobody set is 0 in many devices, and what it multiplies is then not known.
    """
    product = Decimal(1)
    for numbers, is_divisor in ((times, False), (over, True)):
        for number in numbers:
            if not isinstance(number, int | float) or not (number > 0 or number == -1):
                return None
            each = Decimal(repr(number))
            product = product / each if is_divisor else product * each
    return product


def sum_of(numbers: Iterable[float | str | None]) -> Decimal | None:
    """The sum of some; None where one of them is no number."""
    total = Decimal(0)
    for number in numbers:
        if not isinstance(number, int | float) or not isfinite(number):
            return None
        total += Decimal(repr(number))
    return total


def multiplied(
    point: DevicePoint, value: float, quality: Quality, ratio: Decimal | None, plus: Decimal | None
) -> tuple[float | None, Quality]:
    """A point's value on the line, in its unit, with its quality: the limits are those of that value."""
    if ratio is None or plus is None:
        return None, Quality.BAD
    number = float(Decimal(repr(float(value))) * ratio + plus)
    low, high = point.minimum, point.maximum
    implausible = (low is not None and number < low) or (high is not None and number > high)
    return number, max(quality, Quality.SUSPECT) if implausible else quality
