"""Readings of the supply's quality: what each point tells, and which instants are no evidence (IEC 61000-4-30)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from cityctl import arrow
from cityctl.analysis.energy.grid.voltage_quality import INTERRUPTED, LOW_VOLTAGE
from cityctl.analysis.question import Question
from cityctl.city.points import Point
from cityctl.wording import grouped

BLOCK = timedelta(minutes=10)
_QUANTITIES = {"voltage": "voltage", "unbalance": "share", "thd": "share", "plt": "ratio", "pst": "ratio"}


@dataclass(frozen=True)
class SupplyReadings:
    """A point's readings: instants [us], values (voltages per unit), seconds apart, instants of which are no evidence.

    `interrupted` are those at which there was no supply, `doubtful` these and those of doubtful readings.
    """

    at: Any
    value: Any
    each: float
    doubtful: Any
    interrupted: Any


def _series(question: Question, name: str) -> tuple[Any, Any, Any]:
    """Instants [us], values and qualities of a point."""
    import numpy as np

    table = question.engine.arrow(question.sql("one_point"), {"point": name})
    at = arrow.array_of(table["at"]).astype("datetime64[us]").astype(np.int64)
    return at, arrow.array_of(table["value"]).astype(float), arrow.array_of(table["quality"])


def marks_of(question: Question, name: str) -> Any:
    """Instants [us], one in each block, at which a state says that something happened.

    A state that is told now and then, without `every`, holds until it is told anew, or until the interval's end.
    """
    import numpy as np

    at, state, _ = _series(question, name)
    every = question.city.points()[name].every
    until = round(question.interval.end.timestamp() * 1e6)
    if every is None:
        ends = np.append(at[1:], max(until, int(at[-1]) + 1)) if len(at) else at
    else:
        ends = at + every // timedelta(microseconds=1)
    on = state > 0
    if every is not None and every <= BLOCK:
        return at[on]
    step = BLOCK // timedelta(microseconds=1)
    spans = [
        np.append(np.arange(begin, end, step), end - 1) for begin, end in zip(at[on], ends[on], strict=True)
    ]
    return np.concatenate(spans) if spans else at[on]


def read_supply(question: Question, point: Point) -> SupplyReadings | str:
    """A point's readings, or why they cannot be used."""
    import numpy as np

    asked = _QUANTITIES[str(point.role)]
    of_one = asked == "ratio" and point.quantity == "share"  # P_st in the unit `1` is kept in per cent
    if point.quantity != asked and not of_one:
        unit = point.shown_unit or "1"
        return f"`role: {point.role}` is about {asked}, and its unit {unit} is one of {point.quantity}"
    volts = nominal_voltage(question, point)
    if point.role == "voltage" and volts > LOW_VOLTAGE:
        return f"{grouped(volts)} V nominal: the rules here are those of low voltage, up to {grouped(LOW_VOLTAGE)} V"
    at, value, quality = _series(question, point.id)
    if point.role != "voltage":  # an unbalance or a distortion below zero, such as -1, stands for no value
        at, value, quality = (one[value >= 0] for one in (at, value, quality))
    if len(at) < 2:
        return "no readings"
    value = value / (100 if of_one else 1)
    marked = quality >= 2
    each = point.every.total_seconds() if point.every else float(np.median(np.diff(at))) / 1e6
    longest = 7200 if point.role == "plt" else 600
    if each > longest:
        return f"a reading each {each / 60:g} min; the rule is about means of {longest // 60} min"
    without = np.zeros(len(at), bool)
    if point.role == "voltage":
        value = value / volts
        without = value < INTERRUPTED
        marked |= without
        usual = float(np.median(value[~marked])) if not marked.all() else 1.0
        if abs(usual - 1) > 0.25:
            return f"median of {usual * volts:.0f} V against {volts:.0f} V nominal: is `voltage` in city.yaml right?"
    return SupplyReadings(at, value, each, at[marked], at[without])


def nominal_voltage(question: Question, point: Point) -> float:
    city = question.city
    if point.asset is not None and city.assets[point.asset].voltage:
        return float(city.assets[point.asset].voltage or 0)
    zone = point.zone
    while zone is not None:
        if city.zones[zone].voltage:
            return float(city.zones[zone].voltage or 0)
        zone = city.zones[zone].parent
    return float(question.parameters["nominal"])
