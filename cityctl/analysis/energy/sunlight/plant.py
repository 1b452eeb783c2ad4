"""One PV plant: its points, and its power, sun and limit by step and by day, as the engine has them. Knows no table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cityctl import arrow
from cityctl.analysis.energy.basis.amounts import add_up
from cityctl.analysis.energy.basis.early import keep_clocks
from cityctl.analysis.energy.basis.seldom import LEAST_METERED
from cityctl.analysis.energy.sunlight.yields import Performance, Plant, Steps, perform
from cityctl.analysis.question import Question
from cityctl.city.model import City
from cityctl.city.points import Point
from cityctl.errors import listed
from cityctl.wording import counted, percent

ROLE, MODULE, LIMIT = "generation", "module", "limit"
WIDTHS = (900, 1800, 3600)  # s: of a step
LEAST_HELD = 0.8  # of a step's readings
LEAST_OF_DAY = 0.9  # of a day's steps
STANDBY = 0.02  # of the rated power: what a plant takes at night


@dataclass(frozen=True)
class Points:
    """What is measured of a plant."""

    production: Point
    irradiance: Point | None
    module: Point | None
    limit: Point | None

    def __iter__(self) -> Iterator[Point]:
        return iter(
            one for one in (self.production, self.irradiance, self.module, self.limit) if one is not None
        )


@dataclass(frozen=True)
class Judged:
    """How a plant did: over the interval, and day by day."""

    asset: str
    found: Performance
    metered: float
    energy: Any  # of each day [kWh]; nan where the day is not metered whole, or curtailed
    nominal: Any  # of each day at PR 1 [kWh]
    counted: Any  # energy of each day that makes the ratio [kWh]
    cut_off: Any  # what the inverter's clipping took of each day [kWh]
    doubts: list[str]  # what makes its figures doubtful


def plants_of(city: City) -> dict[str, Points]:
    """Plants with a point of their production; an irradiance in their zone without an asset counts for them."""
    found = {}
    for name, asset in city.assets.items():
        if asset.solar is None:
            continue
        own = [point for point in city.points().values() if point.asset == name]
        near = [
            point
            for point in city.points().values()
            if point.asset is None and point.zone == asset.zone is not None
        ]

        def first(among: list[Point], quantities: tuple[str, ...], role: str | None) -> Point | None:
            fit = [one for one in among if one.quantity in quantities and role in (None, one.role)]
            return fit[0] if fit else None

        production = first(own, ("energy", "power"), ROLE)
        if production is not None:
            found[name] = Points(
                production,
                first([*own, *near], ("irradiance",), None),
                first(own, ("temperature",), MODULE),
                first(own, ("share", "power", "state"), LIMIT),
            )
    return found


def several(city: City, asset: str, production: Point) -> list[str]:
    """Other points of what a plant makes, told as the same quantity: of an inverter or a phase each, perhaps."""
    return [
        point.id
        for point in city.points().values()
        if point.asset == asset
        and point.role == ROLE
        and point.quantity == production.quantity
        and point.id != production.id
    ]


def stamps(*moments: Any) -> tuple[int, ...]:
    return tuple(round(moment.timestamp() * 1e6) for moment in moments)


def judge(question: Question, name: str, own: Points, days: list[Any]) -> Judged | str:
    import numpy as np

    solar = question.city.assets[name].solar
    assert solar is not None
    if others := several(question.city, name, own.production):
        these = listed([own.production.id, *others])
        return f"{these} all have `role: generation`: leave it to one, or to a point whose `formula` adds them up"
    if own.production.every is None:
        return f"`{own.production.id}` has no `every` in city.yaml"
    longest = max(one.every.total_seconds() if one.every else 0.0 for one in own)
    width = next((one for one in WIDTHS if longest <= one), 0)
    if not width:
        return "a reading each hour at least is needed, of its production and its sun"
    start, end = stamps(question.interval.start, question.interval.end)
    count = -(-(end - start) // (width * 1_000_000))
    keep_clocks(question, [point.id for point in own])
    power = _production(question, own.production, start, width, count)
    if not np.isfinite(power).any():
        return "no readings of its production"
    nothing = np.full(count, np.nan)

    def means(point: Point | None) -> Any:
        return nothing if point is None else _means(question, point, start, width, count)

    gamma = solar.temperature_coefficient
    plant = Plant(solar.peak, solar.inverter, None if gamma is None else gamma / 100)
    limit = _limit(own.limit, means(own.limit), solar.inverter or solar.peak)
    steps = Steps(width / 3600, power, means(own.irradiance), means(own.module), limit)
    found = perform(plant, steps)
    at = start + np.arange(count) * width * 1_000_000
    place = np.searchsorted([begin for _, begin, _ in days], at, side="right") - 1
    size = len(days)
    step = width / 3600
    energy = np.bincount(place, np.nan_to_num(power) * step, size)
    held = np.bincount(place, np.isfinite(power), size)
    whole = held >= LEAST_OF_DAY * np.array([(last - first) / 1e6 / width for _, first, last in days])
    use = found.counted & np.isfinite(found.nominal)
    metered = float((np.isfinite(power) & (np.isfinite(steps.irradiance) | (own.irradiance is None))).mean())
    return Judged(
        asset=name,
        found=found,
        metered=metered,
        doubts=_doubts(power, solar.peak, metered),
        energy=np.where(whole & (np.bincount(place, found.held_back, size) == 0), energy, np.nan),
        nominal=np.where(whole, np.bincount(place, np.where(use, found.nominal, 0.0), size), np.nan),
        counted=np.where(
            whole, np.bincount(place, np.where(use, np.nan_to_num(power) * step, 0.0), size), np.nan
        ),
        cut_off=np.bincount(place, found.cut_off, size),
    )


def _doubts(power: Any, peak: float, metered: float) -> list[str]:
    """What makes a plant's figures doubtful: gaps, and production below zero that no inverter's standby is."""
    import numpy as np

    said = []
    if metered < LEAST_METERED:
        said.append(f"production and sun are metered in {percent(metered)} of the interval")
    below = int((np.nan_to_num(power) < -STANDBY * peak).sum())
    if below:
        said.append(
            f"production below zero in {counted(below, 'step')}: turned round, or does the meter see the site's use?"
        )
    return said


def _production(question: Question, point: Point, start: int, width: int, count: int) -> Any:
    """Mean power of each step [kW]; nan where less than 80 % of it was metered."""
    import numpy as np

    assert point.every is not None
    each = point.every.total_seconds()
    handed = arrow.table(
        meter=arrow.texts([point.id]),
        kind=arrow.texts([point.kind]),
        every_s=arrow.floats([each]),
    )
    question.engine.register("asked_meters", handed)
    add_up(question, {point.kind})
    table = question.engine.arrow(question.sql("production"), {"meter": point.id})
    if not table.num_rows:
        return np.full(count, np.nan)
    at = arrow.array_of(table["at"]).astype("datetime64[us]").astype(np.int64)
    total, readings = _binned(at, arrow.array_of(table["amount"]).astype(float), start, width, count)
    held = readings * each
    return np.where(held >= LEAST_HELD * width, total / np.maximum(held, 1.0) * 3600, np.nan)


def _means(question: Question, point: Point, start: int, width: int, count: int) -> Any:
    """Mean of a point over each step; nan where it has no good reading."""
    import numpy as np

    table = question.engine.arrow(question.sql("one_point"), {"point": point.id})
    if not table.num_rows:
        return np.full(count, np.nan)
    good = arrow.array_of(table["quality"]) < 3
    at = arrow.array_of(table["at"]).astype("datetime64[us]").astype(np.int64)[good]
    total, readings = _binned(at, arrow.array_of(table["value"]).astype(float)[good], start, width, count)
    return np.where(readings > 0, total / np.maximum(readings, 1), np.nan)


def _binned(at: Any, value: Any, start: int, width: int, count: int) -> tuple[Any, Any]:
    import numpy as np

    place = (at - start) // (width * 1_000_000)
    inside = (place >= 0) & (place < count)
    return np.bincount(place[inside], value[inside], count), np.bincount(place[inside], minlength=count)


def _limit(point: Point | None, values: Any, rated: float) -> Any:
    """The limit of the power of each step [kW]; nan without one, 0 for a mark that tells no level."""
    import numpy as np

    if point is None:
        return values
    if point.quantity == "state":
        return np.where(values > 0, 0.0, np.nan)
    level = values / 100 * rated if point.quantity == "share" else values
    return np.where(level < 0.999 * rated, np.maximum(level, 1e-6), np.nan)
