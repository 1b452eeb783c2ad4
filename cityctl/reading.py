"""What a reading is: a point's value at an instant, with its quality.

The store keeps every value in the canonical unit of its quantity (units.canonical). Readings of kind
"interval" (kWh or m³ used within an interval) carry the START of their interval as their time.
"""

from __future__ import annotations

from datetime import datetime
from enum import IntEnum
from typing import Literal, NamedTuple

Kind = Literal["gauge", "counter", "interval", "state"]
"""gauge: an instant's value or an interval's mean · counter: an ever-rising register ·
interval: an amount within an interval · state: a code with a name (pump running, valve open)."""

COLUMNS = ("point", "time", "value", "quality", "received")


class Quality(IntEnum):
    """How far a reading can be trusted; the worst of several wins (the largest)."""

    GOOD = 0
    ESTIMATED = 1  # substituted, interpolated or forecast by the source
    SUSPECT = 2  # outside plausible limits, or flagged as questionable by the source
    BAD = 3  # the device says that it has no valid value; the value is None


class Reading(NamedTuple):
    """One reading: point id, instant (aware, UTC), value in the canonical unit, quality."""

    point: str
    time: datetime
    value: float | None
    quality: Quality = Quality.GOOD
