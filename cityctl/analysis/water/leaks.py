"""Leaks by zone: since when, how much, how sure, what they cost, whether they are mended, and where to look.

Inflow net of known demand and tank change is watched night after night (watch/watching.py). Customer meters that see
most of a zone close its balance; pressure sensors say near which of them a leak lies. This file asks and hands over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cityctl import arrow
from cityctl.analysis.question import Parameter, Question
from cityctl.analysis.water import night_flow
from cityctl.analysis.water.basis.zones import Asked, asked, by_zone, customers, gauges
from cityctl.analysis.water.nights.digest import Beside
from cityctl.analysis.water.words import columns
from cityctl.city.model import City
from cityctl.result import Result

TITLE = columns.LEAKS
SUMMARY = "leaks of each zone with start, size, cost and state, hidden leakage day by day, sensors not to be trusted"
COLUMNS = columns.COLUMNS
REMEMBERS = True
PARAMETERS = (
    *night_flow.PARAMETERS,
    Parameter(
        "customers", "flag", True, None, "read customer meters too, to close the balance of zones they see"
    ),
    Parameter("daily", "flag", True, None, "the table of hidden leakage by day and zone"),
)
window = night_flow.window


def points(city: City, parameters: Mapping[str, Any]) -> list[str]:
    """Inflows and the sensors behind them, customer meters of the zones, pressure sensors of the network."""
    zones = asked(city, parameters)
    own = night_flow.points(city, parameters)
    return list(dict.fromkeys([*own, *_beside(city, zones, parameters)]))


def _beside(city: City, zones: list[Asked], parameters: Mapping[str, Any]) -> list[str]:
    """Customer meters, where they are wanted, and pressure sensors."""
    return [*(customers(city, zones) if parameters["customers"] else ()), *gauges(city, zones)]


def _asked_beside(city: City, zones: list[Asked], parameters: Mapping[str, Any]) -> Beside:
    """What is asked of them: leaks.sql's statements, and the tables that these name."""
    statements, tables = [], {}
    if parameters["customers"] and (inside := customers(city, zones)):
        statements.append("metered")
        tables["customers"] = by_zone(inside)
    if names := gauges(city, zones):
        statements.append("heads")
        tables["gauges"] = arrow.table(point=arrow.texts(names))
    return Beside(tuple(statements), tables)


def answer(question: Question) -> Result:
    """Events first; then a verdict on each zone, the daily estimate, and sensors' faults."""
    from cityctl.analysis.catalog import find
    from cityctl.analysis.water.watch.metered import closed
    from cityctl.analysis.water.watch.pressure_drops import fallen, heads_of, nearest
    from cityctl.analysis.water.watch.valves import set_anew
    from cityctl.analysis.water.words import tables

    city, given = question.city, question.parameters
    statements = {**find("water/night_flow").statements, **question.statements}
    question = replace(question, statements=statements)
    zones = asked(city, given)
    beside = _asked_beside(city, zones, given)
    read, closes = night_flow.nights_of(question, _beside(city, zones, given), beside)
    heads = heads_of(question, read)
    anew = set_anew(heads.heads, *read.flow.shape)
    watched = night_flow.watched(question, read, fallen(heads, read.seen), anew)
    if given["customers"]:
        closed(question, read, watched)
    return tables.leaks(question, read, watched, closes, nearest(question, heads, read, watched))
