"""The water balance of the zones: what went in, what was billed, what was lost, and how it compares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cityctl.analysis.question import Question
from cityctl.analysis.water.balancing.cells import CELLS, Volume, balance
from cityctl.analysis.water.balancing.doubted import doubted
from cityctl.analysis.water.balancing.indicators import indicators
from cityctl.analysis.water.balancing.inputs import Read, balanced, left_out, meters_of, read_inputs
from cityctl.analysis.water.balancing.network import gauges_of, network_of
from cityctl.analysis.water.balancing.volumes import reach_of
from cityctl.analysis.water.balancing.words import BY_KEY, INDICATORS, NOTES, TABLE
from cityctl.analysis.water.balancing.words import COLUMNS as _COLUMNS
from cityctl.analysis.water.balancing.words import PARAMETERS as _PARAMETERS
from cityctl.analysis.water.basis.prices import price_of
from cityctl.city.model import City
from cityctl.clock import Interval
from cityctl.result import Completeness, Finding, Missing, Result, Table
from cityctl.units import convert
from cityctl.wording import percent

TITLE = "Water balance"
SUMMARY = "the table of IWA and AWWA with 95 % intervals, non-revenue water, leakage index and its band"
COLUMNS = _COLUMNS
PARAMETERS = _PARAMETERS


def points(city: City, parameters: Mapping[str, Any]) -> list[str]:
    """Inflows and meters of use, as far as their volumes are not given; gauges of zones whose pressure is not."""
    gauges = [name for names in gauges_of(city, parameters).values() for name in names]
    return list(dict.fromkeys([*_meters(city, parameters), *gauges]))


def _meters(city: City, parameters: Mapping[str, Any]) -> list[str]:
    return list(dict.fromkeys(name for names in meters_of(city, parameters).values() for name in names))


def window(interval: Interval, parameters: Mapping[str, Any], city: City) -> Interval:
    """Registers are read, and bills begin and end, before and after the interval too."""
    known = city.points()
    reach = reach_of((known[name] for name in points(city, parameters)), parameters["reach"])
    return Interval(interval.start - reach, interval.end + reach, interval.zone)


def answer(question: Question) -> Result:
    """The balance, the indicators, and findings where figures cannot be right."""
    read = Read()
    inputs = read_inputs(question, read)
    if inputs is None:
        return _nothing(question, read)
    meters = meters_of(question.city, question.parameters)
    read.missing += doubted(question, [*meters.get("system_input", ()), *meters.get("exported", ())])
    read.missing += left_out(question.city, question.parameters)
    cells = balance(inputs)
    asked_for = question.parameters
    network = network_of(question, balanced(question.city, asked_for, read.silent))
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
    wanted, lacking = len(_meters(question.city, asked_for)), len({one.what for one in read.missing})
    return Result(
        title=TITLE,
        tables=[
            Table("balance", TITLE, columns, _rows(question, cells, read.sources, us)),
            Table("indicators", "Indicators", [BY_KEY[key] for key in INDICATORS], told),
        ],
        interval=question.interval,
        findings=findings,
        completeness=Completeness(wanted, max(0, wanted - lacking), read.missing, "meters"),
        notes=notes,
        summary=_summary(cells),
    )


def _nothing(question: Question, read: Read) -> Result:
    """No inflow, or no customer meter, was read in the interval, and its volume is not given: nothing to balance."""
    wanted = _meters(question.city, question.parameters)
    silent = [name for name in wanted if name not in read.volumes]
    currency = question.city.currency
    columns = [replace(BY_KEY[key], unit=_unit(BY_KEY[key].unit, False, currency)) for key in TABLE]
    lacking = "meter"
    if read.volumes:
        asked_for = meters_of(question.city, question.parameters).get("system_input", [])
        lacking = "inflow" if asked_for and set(asked_for) <= set(silent) else "customer meter"
    return Result(
        title=TITLE,
        tables=[Table("balance", TITLE, columns, [])],
        interval=question.interval,
        completeness=Completeness(
            len(wanted),
            len(wanted) - len(silent),
            [Missing(name, "no readings") for name in silent],
            "meters",
        ),
        notes=list(NOTES),
        summary=f"no {lacking} was read: nothing to balance",
    )


def _summary(cells: dict[str, Volume]) -> str:
    supplied, lost = cells["supplied"].value, cells["non_revenue"]
    if supplied <= 0:
        return "nothing was supplied"
    return f"{percent(lost.value / supplied, 1)} of the water supplied brings no revenue"


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
