"""The water balance of the zones: what went in, what was billed, what was lost, and how it compares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from cityctl.analysis.question import Question
from cityctl.analysis.water.balance_words import BY_KEY, INDICATORS, NOTES, TABLE
from cityctl.analysis.water.balance_words import COLUMNS as _COLUMNS
from cityctl.analysis.water.balance_words import PARAMETERS as _PARAMETERS
from cityctl.analysis.water.balancing import CELLS, Inputs, Volume, balance, given, unread
from cityctl.analysis.water.indicators import Network, indicators
from cityctl.analysis.water.prices import price_of
from cityctl.analysis.water.volumes import Metered, volumes
from cityctl.analysis.water.zones import Asked, asked
from cityctl.city.model import City
from cityctl.clock import Interval
from cityctl.errors import UsageProblem
from cityctl.result import Completeness, Finding, Missing, Result, Table
from cityctl.units import convert

TITLE = "Water balance"
SUMMARY = "the table of IWA and AWWA with 95 % intervals, non-revenue water, leakage index and its band"
COLUMNS = _COLUMNS
PARAMETERS = _PARAMETERS
WHOLE = 0.98  # share of the interval from which a meter counts as metered


def _tops(city: City, parameters: Mapping[str, Any]) -> list[Asked]:
    """The zones that are asked for, without those that lie within another of them."""
    found = [zone for zone in asked(city, parameters) if zone.inflow is not None]
    inside = {inner for zone in found for inner in city.zones_within(zone.zone)[1:]}
    return [zone for zone in found if zone.zone not in inside]


def customers(city: City, zones: list[str]) -> list[str]:
    """Customer meters within these zones, and in none: every `role: consumption` of a water network."""
    within = {inner for zone in zones for inner in city.zones_within(zone)}
    return [
        name
        for name, point in city.points().items()
        if point.role == "consumption" and point.quantity in ("flow", "volume") and point.zone in within
    ]  # fmt: skip


def _zones(city: City, parameters: Mapping[str, Any]) -> list[str]:
    """Every water zone that the patterns match."""
    patterns = [word.strip() for word in str(parameters["zones"]).split(",")]
    return [
        name
        for name in city.zones
        if city.network_kind(name) == "water" and any(fnmatchcase(name, one) for one in patterns)
    ]


def points(city: City, parameters: Mapping[str, Any]) -> list[str]:
    """Inflows and customer meters, as far as their volumes are not given."""
    names: dict[str, None] = {}
    if parameters["system_input"] is None:
        names.update(dict.fromkeys(str(zone.inflow) for zone in _tops(city, parameters)))
    if parameters["billed_metered"] is None:
        names.update(dict.fromkeys(customers(city, _zones(city, parameters))))
    return list(names)


def window(interval: Interval, parameters: Mapping[str, Any], city: City) -> Interval:
    """A register is read before and after the interval too."""
    known = city.points()
    if not any(known[name].kind == "counter" for name in points(city, parameters)):
        return interval
    reach = parameters["reach"]
    return Interval(interval.start - reach, interval.end + reach, interval.zone)


@dataclass
class _Read:
    """Volumes of meters, what is missing of them, and where each input came from."""

    volumes: dict[str, Metered]
    missing: list[Missing]
    sources: dict[str, str]

    def sum(self, key: str, names: list[str], what: str) -> float:
        """The volume of these meters; what was not metered is raised by the mean, and named."""
        had = [self.volumes[name] for name in names if name in self.volumes]
        for name in names:
            known = self.volumes[name].known if name in self.volumes else 0.0
            if known < WHOLE:
                why = f"{known:.0%} of the interval metered, raised to all of it" if known else "no readings"
                self.missing.append(Missing(name, why))
        self.sources[key] = f"{len(had)} {what}"
        return sum(one.raised for one in had)


def answer(question: Question) -> Result:
    """The balance, the indicators, and findings where figures cannot be right."""
    read = _Read({}, [], {})
    inputs = _inputs(question, read)
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
        completeness=Completeness(wanted, wanted - len(read.missing), read.missing, "meters"),
        notes=notes,
        summary=_summary(cells),
    )


def _summary(cells: dict[str, Volume]) -> str:
    supplied, lost = cells["supplied"].value, cells["non_revenue"]
    if supplied <= 0:
        return "nothing was supplied"
    return f"{lost.value / supplied:.1%} of the water supplied brings no revenue".replace("%", " %")


def _inputs(question: Question, read: _Read) -> Inputs:
    city, asked_for = question.city, question.parameters
    tops = [str(zone.inflow) for zone in _tops(city, asked_for)]
    meters = customers(city, _zones(city, asked_for))
    if asked_for["system_input"] is None and not tops:
        raise UsageProblem(
            f"no water zone with an inflow matches `{asked_for['zones']}`",
            hint="give `inflow:` to the zones in city.yaml, or --set system_input='120000 m3'",
        )
    if asked_for["billed_metered"] is None and not meters:
        raise UsageProblem(
            "no customer meter in these zones",
            hint="a customer meter has `role: consumption`; or give --set billed_metered='100000 m3'",
        )
    wanted = points(city, asked_for)
    read.volumes = volumes(question, wanted) if wanted else {}
    if wanted and not read.volumes:
        raise UsageProblem(
            f"no readings in {question.interval}", hint="`cityctl data status` lists the points"
        )

    def volume(key: str) -> Volume:
        value = asked_for[key]
        read.sources[key] = "not given" if value is None else "given"
        return given(value or 0.0, asked_for[f"{key}_error"])

    def share(key: str, of: float, parameter: str) -> Volume:
        part = asked_for[parameter]
        read.sources[key] = "not given" if part is None else f"{100 * part:g} %"
        return given((part or 0.0) * of, asked_for[f"{key}_error"])

    supplied, used = volume("system_input"), volume("billed_metered")
    if asked_for["system_input"] is None:
        supplied = given(read.sum("system_input", tops, "inflow meters"), asked_for["system_input_error"])
    if asked_for["billed_metered"] is None:
        used = given(read.sum("billed_metered", meters, "customer meters"), asked_for["billed_metered_error"])
    unmetered = volume("billed_unmetered")
    flushed = volume("unbilled_unmetered")
    if asked_for["unbilled_unmetered"] is None:
        flushed = share("unbilled_unmetered", used.value + unmetered.value, "unbilled_unmetered_share")
    under = asked_for["under_registration"]
    read.sources["meter_inaccuracy"] = (
        "not given" if under is None else f"meters read {100 * under:g} % too little"
    )
    unbilled = volume("unbilled_metered")
    metered = Volume(used.value + unbilled.value)
    return Inputs(
        system_input=supplied,
        exported=volume("exported"),
        billed_metered=used,
        billed_unmetered=unmetered,
        unbilled_metered=unbilled,
        unbilled_unmetered=flushed,
        unauthorised=share("unauthorised", used.value, "unauthorised_share"),
        meter_inaccuracy=unread(metered, under or 0.0, asked_for["under_registration_error"]),
        data_handling=share("data_handling", used.value, "data_handling_share"),
    )


def _network(question: Question) -> Network:
    """Mains, connections and pressure: as they are given, else those of the zones that have any."""
    asked_for, city = question.parameters, question.city
    names = _zones(city, asked_for)
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
