"""Which tariffs there are, and what one of them says: for `cityctl tariffs`."""

from __future__ import annotations

from dataclasses import replace

from cityctl import glossary
from cityctl.document import read
from cityctl.errors import ConfigInvalid
from cityctl.library import Library
from cityctl.result import Column, Completeness, Missing, Result, Table
from cityctl.tariff.model import TARIFFS, checked, load
from cityctl.tariff.terms import Demand, Energy, Version
from cityctl.tariff.when import DAYS, When
from cityctl.wording import percent

COLUMNS = (
    Column("tariff", "Tariff", None, "name of the tariff", priority=4),
    Column("called", "Called", None, "what people call it", priority=2),
    Column("prices_from", "Prices from", None, "first local day of its latest prices", "date", priority=3),
    Column("charges", "Charges", None, "how many charges its latest prices have", "integer", priority=4),
    Column("charge", "Charge", None, "name of the line in the tariff", priority=1),
    Column(
        "charge_kind",
        "Kind of charge",
        None,
        "standing, energy, demand, reactive, feed-in, minimum, tax ...",
        priority=4,
    ),
    Column("price", "Price", None, "price for each unit that is billed; of a tax its share", "number", 5, 2),
    Column("billed_in", "Billed in", None, "unit of what is billed", priority=2),
    Column("times", "Times", None, "months, hours and days in which a charge holds", priority=3),
)
_BY_KEY = {one.key: one for one in COLUMNS}


def listing(library: Library) -> Result:
    """Every tariff by name; one that is broken is named as missing, with the place of its error."""
    rows: list[tuple[object, ...]] = []
    broken: list[Missing] = []
    for name, path in library.list(TARIFFS).items():
        try:
            tariff = checked(read(path))
        except ConfigInvalid as problem:
            broken.append(Missing(name, problem.message))
            continue
        last = tariff.versions[-1]
        rows.append(
            (name, tariff.title, last.from_ if last.from_.year > 1900 else None, _count(last), str(path))
        )
    columns = [_BY_KEY[key] for key in ("tariff", "called", "prices_from", "charges")]
    columns[0] = replace(columns[0], priority=1)
    return Result(
        title="Tariffs",
        tables=[Table("tariffs", "Tariffs", [*columns, glossary.column("file", priority=9)], rows)],
        completeness=Completeness(len(rows) + len(broken), len(rows), broken, "tariffs"),
    )


def _count(version: Version) -> int:
    return len(_charges(version, ""))


def description(library: Library, name: str) -> Result:
    """Each charge of a tariff's versions. Raises ConfigInvalid."""
    found = load(library, name)
    tariff = found.tariff
    rows = [
        (version.from_ if version.from_.year > 1900 else None, *row)
        for version in tariff.versions
        for row in _charges(version, tariff.unit)
    ]
    keys = ("prices_from", "charge", "charge_kind", "price", "billed_in", "times")
    notes = [f"Source: {tariff.source}"] if tariff.source else []
    if tariff.example:
        notes.append("an example to copy: nobody pays these prices")
    given = f"tariffs: {{any-name: {{network: power, recipe: {name}, meters: [...]}}}}"
    notes.append(f"city.yaml gives it to meters: {given}")
    return Result(
        title=tariff.title or name,
        subtitle=f"in {tariff.currency}, from {found.path}",
        tables=[Table("charges", "Charges", [_BY_KEY[key] for key in keys], rows)],
        notes=notes,
    )


def _charges(version: Version, unit: str) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for one in version.standing:
        many = f"{one.times:g} {one.unit}".strip() if one.times != 1 or one.unit else None
        rows.append((one.name, "standing", one.price, one.per, many))
    rows += [
        (entry.name, "energy", entry.price, unit, f"{_above(entry, unit)}{times(entry)}")
        for entry in version.energy
    ]
    rows += [_demand(version, demand) for demand in version.demand]
    if version.reactive is not None:
        free = f"beyond {version.reactive.free:g} kvarh for each kWh"
        rows.append((version.reactive.name, "reactive", version.reactive.price, "kvarh", free))
    if version.power_factor is not None:
        wanted = version.power_factor
        said = [f"below {wanted.target:g}: demand is raised to kW x {wanted.target:g} / power factor"]
        if wanted.surcharge or wanted.discount:
            on = f"on {', '.join(wanted.on)}"
            said = [f"for each 0.01 below {wanted.target:g}, {on}"] * (wanted.surcharge > 0)
            said += [f"less {wanted.discount:g} for each 0.01 above it, {on}"] * (wanted.discount > 0)
        rows.append((wanted.name, "power factor", wanted.surcharge or None, "share", "; ".join(said)))
    rows += [(sell.name, "feed-in", -sell.price, unit, times(sell)) for sell in version.sell]
    if version.net_metering:
        rows.append(
            ("net metering", "feed-in", None, unit, "what is fed in is taken off what is used, each month")
        )
    rows += _carried(version, unit)
    if version.minimum:
        rows.append(("minimum bill", "minimum", version.minimum, version.minimum_per, "before taxes"))
    if version.annual_minimum:
        rows.append(
            ("minimum of the year", "minimum", version.annual_minimum, "year", "before taxes, in December")
        )
    rows += [(one.name, "tax", one.share, "share", f"on {', '.join(one.on)}") for one in version.taxes]
    return rows


def _carried(version: Version, unit: str) -> list[tuple[object, ...]]:
    if not version.carry:
        return []
    against = (
        "the next months' use in the same times" if version.carry == "kWh" else "energy of the next bills"
    )
    rows: list[tuple[object, ...]] = [
        ("carried", "credit", None, version.carry, f"what is left is taken off {against}")
    ]
    if version.true_up is not None:
        price = -version.true_up.price if version.carry == "kWh" else None
        left = "is paid" if version.carry == "kWh" or version.true_up.paid else "expires"
        rows.append(
            ("true-up", "credit", price, unit, f"what is left after month {version.true_up.month} {left}")
        )
    return rows


def _above(entry: Energy, unit: str) -> str:
    if not entry.above:
        return ""
    per = {
        "month": unit,
        "day": f"{unit} a day",
        "kW": "h of the highest demand",
        "kW day": "h a day of the highest demand",
    }
    of = "of the whole group, " if entry.group else ""
    return f"above {entry.above:g} {per[entry.above_per]} {of}".rstrip(" ,") + ", "


def _demand(version: Version, demand: Demand) -> tuple[object, ...]:
    slides = f", each {version.slide} min" if version.slide else ""
    said = f"above {demand.above:g} {demand.of}, " if demand.above else ""
    said += times(demand)
    if demand.at:
        stamps = ", ".join(f"{one:%Y-%m-%d %H:%M}" for one in sorted(demand.at))
        said = f"mean of the windows at {stamps}"
    if demand.ratchet:
        said += f", at least {percent(demand.ratchet.share)} of {demand.ratchet.months} months"
    if demand.least:
        said += f", at least {demand.least:g} {demand.of}"
    per = " and day" if demand.per == "day" else ""
    return (demand.name, "demand", demand.price, f"{demand.of} of {version.window} min{slides}{per}", said)


def times(when: When) -> str:
    """`months 11-3, 06:00-10:00, mon-fri`; `always` where it always holds."""
    said = []
    if len(when.months) < 12:
        said.append("months " + ",".join(map(str, sorted(when.months))))
    if when.hours != ((0, 1440),):
        said.append(", ".join(f"{_clock(low)}-{_clock(high)}" for low, high in when.hours))
    if len(when.days) < 7:
        said.append(" ".join(DAYS[day] for day in sorted(when.days)))
    if when.holidays != "as-weekday":
        said.append(f"holidays {when.holidays}")
    return ", ".join(said) or "always"


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"
