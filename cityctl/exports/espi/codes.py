"""The codes of ESPI 4.0 (NAESB REQ.21, espi.xsd): units, flow directions, accumulation, quality.

Only what cityctl can keep is listed; any other unit of measure is named in the rejection.
"""

from __future__ import annotations

from dataclasses import dataclass

from cityctl.exports.parsed import Direction
from cityctl.reading import Kind, Quality

# UomType -> unit. 42, 166 and 167 are m³ plain, uncompensated and compensated; 119 and 120 ft³ likewise.
UNITS: dict[int, str] = {
    2: "m", 5: "A", 6: "K", 9: "deg", 10: "rad", 23: "degC", 29: "V", 31: "J", 33: "Hz", 38: "W", 39: "Pa",
    41: "m2", 42: "m3", 43: "m/s", 45: "m3/s", 61: "VA", 63: "var", 71: "VAh", 72: "Wh", 73: "varh",
    82: "L/s", 119: "ft3", 120: "ft3", 123: "ft3/h", 125: "m3/h", 126: "m3/h", 127: "m3/h", 128: "gal",
    129: "gal/h", 130: "Impgal", 132: "Btu", 133: "Btu/h", 134: "L", 137: "L/h", 138: "L/h", 139: "L/h",
    156: "L", 157: "L", 166: "m3", 167: "m3", 169: "therm",
}  # fmt: skip

UNIT_NOTES: dict[int, str] = {
    120: "ft³ compensated for temperature and pressure",
    123: "ft³/h compensated",
    126: "m³/h compensated",
    127: "m³/h uncompensated",
    166: "m³ uncompensated",
    167: "m³ compensated for temperature and pressure",
    169: "therm (US), 105 480 400 J",
}

# Quantities of which an amount belongs to an interval; of the others a reading is an instant's or a mean.
AMOUNTS = frozenset({"energy", "volume", "reactive energy", "apparent energy"})

_DIRECTIONS: dict[int, Direction] = {1: "forward", 4: "net", 19: "reverse", 20: "total"}

# AccumulationBehaviourType; only 4 (delta data) are amounts that may be summed.
_KINDS: dict[int, Kind] = {1: "counter", 2: "counter", 3: "counter", 4: "interval", 6: "gauge", 9: "counter",
                           12: "gauge"}  # fmt: skip

# QualityOfReading: 0 valid, 7 edited by hand, 8 estimated, 9 interpolated, 10 questionable, 11 derived,
# 12 projected, 13 mixed, 14 raw, 15 normalised for weather, 16 other, 17 validated, 18 failed a check and
# was found to be right all the same, 19 revenue grade.
_QUALITIES: dict[int, Quality] = {
    0: Quality.GOOD, 7: Quality.ESTIMATED, 8: Quality.ESTIMATED, 9: Quality.ESTIMATED, 10: Quality.SUSPECT,
    11: Quality.ESTIMATED, 12: Quality.ESTIMATED, 13: Quality.SUSPECT, 14: Quality.GOOD,
    15: Quality.ESTIMATED, 16: Quality.SUSPECT, 17: Quality.GOOD, 18: Quality.SUSPECT, 19: Quality.GOOD,
}  # fmt: skip


@dataclass(frozen=True)
class ReadingType:
    """What a ReadingType entry says; None where it is silent."""

    uom: int | None = None
    power: int | None = 0  # None: one is said that is no number
    direction: int | None = None
    accumulation: int | None = None
    interval: int | None = None  # seconds
    quality: int | None = None

    @property
    def measured(self) -> tuple[int | None, ...]:
        """What its values are; of two types of one MeterReading it has to be the same."""
        return self.uom, self.power, self.direction, self.accumulation


def direction(code: int | None) -> Direction:
    """The direction of flow; values stay positive whatever it is."""
    return _DIRECTIONS.get(code, "") if code is not None else ""


def kind(accumulation: int | None, quantity: str) -> Kind:
    """What the values are. Where nothing is said, amounts of energy and volume are taken as interval data."""
    if accumulation in _KINDS:
        return _KINDS[accumulation]
    return "interval" if quantity in AMOUNTS else "gauge"


def quality(code: int | None) -> Quality:
    """The quality of a reading; a code that the standard does not know makes it suspect."""
    return Quality.GOOD if code is None else _QUALITIES.get(code, Quality.SUSPECT)


def worse(one: int, other: int) -> int:
    """Of two codes of one reading (-1: none), the one of the worse quality."""
    if one < 0 or other < 0:
        return max(one, other)
    return max(one, other, key=lambda code: int(quality(code)))
