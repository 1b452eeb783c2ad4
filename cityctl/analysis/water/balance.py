"""The water balance of the zones: what went in, what was billed, what was lost, and how it compares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cityctl.analysis.question import Question
from cityctl.analysis.water.balance_inputs import Read, left_out, meters_of, read_inputs, zones_of
from cityctl.analysis.water.balance_words import BY_KEY, INDICATORS, NOTES, TABLE
from cityctl.analysis.water.balance_words import COLUMNS as _COLUMNS
from cityctl.analysis.water.balance_words import PARAMETERS as _PARAMETERS
from cityctl.analysis.water.balancing import CELLS, Volume, balance
from cityctl.analysis.water.indicators import Network, indicators
from cityctl.analysis.water.prices import price_of
from cityctl.city.model import City
from cityctl.clock import Interval
from cityctl.result import Completeness, Finding, Missing, Result, Table
from cityctl.units import convert

TITLE = "Water balance"
SUMMARY = "the table of IWA and AWWA with 95 % intervals, non-revenue water, leakage index and its band"
COLUMNS = _COLUMNS
PARAMETERS = _PARAMETERS


def points(city: City, parameters: Mapping[str, Any]) -> list[str]:
    """Inflows and meters of use, as far as their volumes are not given."""
    return list(dict.fromkeys(name for names in meters_of(city, parameters).values() for name in names))


def window(interval: Interval, parameters: Mapping[str, Any], city: City) -> Interval:
    """A register is read before and after the interval too."""
    known = city.points()
    if not any(known[name].kind == "counter" for name in points(city, parameters)):
        return interval
    reach = parameters["reach"]
    return Interval(interval.start - reach, interval.end + reach, interval.zone)


def answer(question: Question) -> Result:
    """The balance, the indicators, and findings where figures cannot be right."""
    read = Read({}, [], {})
    inputs = read_inputs(question, read)
    if inputs is None:
        return _nothing(question)
    read.missing += left_out(question.city, question.parameters)
    cells = balance(inputs)
    network = _network(question)
    asked_for = question.parameters
    us = asked_for["units"] == "us"
    days = question.interval.length.total_seconds() / 86400
    told, doubtful = indicators(cells, network, days, asked_for, question.city.currency)
    findings = []
    if cells["real"].value < 0:
        text = "real losses are below zero: more is used than goes in; look at the meters of the system input"
        findings.append(Finding("balance", question.city.name, None, text))
    currency = question.city.currency
    columns = [replace(BY_KEY[key], unit=_unit(BY_KEY[key].unit, us, currency)) for key in TABLE]
    absent = [CELLS[key][0].lower() for key, source in read.sources.items() if source == "not given"]
    notes = list(NOTES)
    if absent:
        notes.append(f"Limits: not given, so taken for nothing: {', '.join(absent)}.")
    notes += [f"Limits: {one}: UARL and ILI are outside what they were made for." for one in doubtful]
    wanted = len(points(question.city, asked_for))
    return Result(
        title=TITLE,
        tables=[
            Table("balance", TITLE, columns, _rows(question, cells, read.sources, us)),
            Table("indicators", "Indicators", [BY_KEY[key] for key in INDICATORS], told),
        ],
        interval=question.interval,
        findings=findings,
        completeness=Completeness(wanted, max(0, wanted - len(read.missing)), read.missing, "meters"),
        notes=notes,
        summary=_summary(cells),
    )


def _nothing(question: Question) -> Result:
    """No meter was read in the interval, and not all volumes are given: nothing can be balanced."""
    wanted = points(question.city, question.parameters)
    currency = question.city.currency
    columns = [replace(BY_KEY[key], unit=_unit(BY_KEY[key].unit, False, currency)) for key in TABLE]
    return Result(
        title=TITLE,
        tables=[Table("balance", TITLE, columns, [])],
        interval=question.interval,
        completeness=Completeness(
            len(wanted), 0, [Missing(name, "no readings") for name in wanted], "meters"
        ),
        notes=list(NOTES),
        summary="no meter was read: nothing to balance",
    )


def _summary(cells: dict[str, Volume]) -> str:
    supplied, lost = cells["supplied"].value, cells["non_revenue"]
    if supplied <= 0:
        return "nothing was supplied"
    return f"{lost.value / supplied:.1%} of the water supplied brings no revenue".replace("%", " %")


def _network(question: Question) -> Network:
    """Mains, connections and pressure: as they are given, else those of the zones that have any."""
    asked_for, city = question.parameters, question.city
    names = zones_of(city, asked_for)
    inside = {inner for name in names for inner in city.zones_within(name)[1:]}
    # A zone's own figure holds for what lies within it.
    entries = [city.zones[name] for name in names if name not in inside]
    mains, connections = asked_for["mains"], asked_for["connections"]
    if mains is None:
        mains = sum(one.mains or 0.0 for one in entries) or None
    if connections is None:
        connections = float(sum(one.connections or 0 for one in entries)) or None
    pressure = asked_for["pressure"]
    if pressure is None:
        weighed = [(one.pressure, one.connections or 1) for one in entries if one.pressure is not None]
        whole = sum(weight for _, weight in weighed)
        pressure = sum(head * weight for head, weight in weighed) / whole if whole else None
    return Network(mains, connections, asked_for["private_pipe"] / 1000, pressure)


def _unit(unit: str | None, us: bool, currency: str) -> str | None:
    return {"m3": "kgal" if us else "m3", "money": currency}.get(str(unit), unit)


_AT_PRICE = ("unauthorised", "meter_inaccuracy", "data_handling", "apparent")
_AT_COST = ("unbilled_metered", "unbilled_unmetered", "unbilled", "real")


def _rows(
    question: Question, cells: dict[str, Volume], sources: dict[str, str], us: bool
) -> list[tuple[object, ...]]:
    factor = convert(1.0, "m3", "kgal") if us else 1.0
    price, cost = price_of(question.city), question.parameters["production_cost"]
    whole = cells["system_input"].value
    rows: list[tuple[object, ...]] = []
    for key, (name, _) in CELLS.items():
        cell = cells[key]
        worth = None
        if key in _AT_PRICE and price is not None:
            worth = cell.value * price
        elif key in _AT_COST and cost is not None:
            worth = cell.value * cost
        elif key == "non_revenue" and price is not None and cost is not None:
            worth = cells["apparent"].value * price + (cells["real"].value + cells["unbilled"].value) * cost
        share = cell.value / whole if whole > 0 else None
        rows.append(
            (name, cell.value * factor, cell.low * factor, cell.high * factor, share, worth,
             sources.get(key, "worked out"))
        )  # fmt: skip
    return rows
