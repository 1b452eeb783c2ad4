"""Mains, connections and mean pressure of the zones that are balanced: given, as city.yaml says, or by their gauges."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC
from typing import Any

from cityctl import arrow
from cityctl.analysis.question import Question
from cityctl.analysis.water.balancing.indicators import Network
from cityctl.analysis.water.basis.zones import fed, zones_of
from cityctl.city.model import City
from cityctl.units import convert


def _outermost(city: City, parameters: Mapping[str, Any]) -> list[str]:
    """The zones that lie in no other one that is asked for: a zone's own figure holds for what lies within it."""
    names = zones_of(city, parameters)
    inside = {inner for name in names for inner in fed(city, name)[1:]}
    return [name for name in names if name not in inside]


def gauges_of(city: City, parameters: Mapping[str, Any]) -> dict[str, list[str]]:
    """Zone -> the pressure sensors within it, of the zones whose pressure nobody has given."""
    if parameters["pressure"] is not None:
        return {}
    found = {}
    for zone in _outermost(city, parameters):
        if city.zones[zone].pressure is None:
            within = set(fed(city, zone))
            own = [
                name for name, point in city.points().items()
                if point.quantity == "pressure" and point.zone in within
            ]  # fmt: skip
            if own:
                found[zone] = own
    return found


def network_of(question: Question, balanced: Collection[str]) -> Network:
    """What the indicators need of the network of the zones that are balanced, and where its pressure is from.

    A zone's own figures hold for the balanced zones within it.
    """
    asked_for, city = question.parameters, question.city
    entries = {
        name: city.zones[name] for name in _outermost(city, asked_for) if set(balanced) & set(fed(city, name))
    }
    mains, connections = asked_for["mains"], asked_for["connections"]
    if mains is None:
        mains = sum(one.mains or 0.0 for one in entries.values()) or None
    if connections is None:
        connections = float(sum(one.connections or 0 for one in entries.values())) or None
    private = asked_for["private_pipe"] / 1000
    if asked_for["pressure"] is not None:
        return Network(mains, connections, private, asked_for["pressure"], "given")
    heads = {name: one.pressure for name, one in entries.items() if one.pressure is not None}
    sources = ["city.yaml"] if heads else []
    measured, count = _measured(question, entries)
    if measured:
        sources.append(f"mean of {count} {'gauge' if count == 1 else 'gauges'}")
    heads |= measured
    weights = {name: entries[name].connections or 1 for name in heads}
    whole = sum(weights.values())
    pressure = sum(head * weights[name] for name, head in heads.items()) / whole if whole else None
    without = len(entries) - len(heads)
    if pressure is not None and without:
        sources.append(f"none known of {without} of {len(entries)} zones")
    return Network(mains, connections, private, pressure, ", ".join(sources))


def _measured(question: Question, zones: Collection[str]) -> tuple[dict[str, float], int]:
    """(zone -> mean pressure of its gauges over the interval [m of head], how many gauges told)."""
    told_by = gauges_of(question.city, question.parameters)
    by_zone = {zone: own for zone, own in told_by.items() if zone in zones}
    if not by_zone:
        return {}, 0
    names = [name for own in by_zone.values() for name in own]
    question.engine.register("head_points", arrow.table(point=arrow.texts(names)))
    since, until = (
        moment.astimezone(UTC).replace(tzinfo=None)
        for moment in (question.interval.start, question.interval.end)
    )
    rows = question.engine.rows(question.sql("mean_pressures"), {"since": since, "until": until})
    bars = {point: bar for point, bar in rows if bar is not None and bar > 0}
    head = convert(1.0, "bar", "mH2O")
    found = {}
    for zone, own in by_zone.items():
        told = [bars[name] for name in own if name in bars]
        if told:
            found[zone] = head * sum(told) / len(told)
    return found, len(bars)
