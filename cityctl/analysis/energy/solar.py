"""PV plants: yield, performance ratio, curtailment, and the days below what sun and other plants say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from cityctl.analysis.energy import solar_words, subjects
from cityctl.analysis.energy.baseline import add_up
from cityctl.analysis.energy.pv_yield import Performance, Plant, Steps, days_below, perform
from cityctl.analysis.energy.solar_plots import day_plot
from cityctl.analysis.energy.solar_words import BY_KEY, DAYS, NOTES, PLANTS
from cityctl.analysis.question import Parameter, Question
from cityctl.city.model import City
from cityctl.city.points import Point
from cityctl.clock import local_days, midnight
from cityctl.errors import UsageProblem, listed
from cityctl.result import Completeness, Finding, Missing, Plot, Result, Table
from cityctl.wording import counted, grouped, percent

TITLE = "PV plants"
SUMMARY = "yield, performance ratio and curtailment of each PV plant after IEC 61724, and its weak days"
ROLE, MODULE, LIMIT = "generation", "module", "limit"
NO_SUN = "no irradiance: yields only, no performance ratio"
LEAST_HELD = 0.8  # of a step's readings
LEAST_OF_DAY = 0.9  # of a day's steps
LEAST_METERED = 0.9  # of the interval
STANDBY = 0.02  # of the rated power: what a plant takes at night
LEAST_OTHERS = 2  # plants that it takes to judge a day by them
PLAUSIBLE = (0.3, 1.0)  # performance ratio
COLUMNS = solar_words.COLUMNS
PARAMETERS: tuple[Parameter, ...] = ()


@dataclass(frozen=True)
class _Points:
    production: Point
    irradiance: Point | None
    module: Point | None
    limit: Point | None

    def __iter__(self) -> Any:
        return iter(
            one for one in (self.production, self.irradiance, self.module, self.limit) if one is not None
        )


@dataclass(frozen=True)
class _Judged:
    asset: str
    found: Performance
    metered: float
    energy: Any  # of each day [kWh]; nan where the day is not metered whole, or curtailed
    nominal: Any  # of each day at PR 1 [kWh]
    counted: Any  # energy of each day that makes the ratio [kWh]
    doubts: list[str]  # what makes its figures doubtful


def _plants(city: City) -> dict[str, _Points]:
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
            found[name] = _Points(
                production,
                first([*own, *near], ("irradiance",), None),
                first(own, ("temperature",), MODULE),
                first(own, ("share", "power", "state"), LIMIT),
            )
    return found


def points(city: City, parameters: Mapping[str, Any]) -> list[str]:
    """Production of the plants, and their irradiance, module temperature and limit."""
    del parameters
    return list(dict.fromkeys(point.id for plant in _plants(city).values() for point in plant))


def answer(question: Question) -> Result:
    """Plants ranked by what they lost, and their days below."""
    known = [name for name, asset in question.city.assets.items() if asset.solar is not None]
    if not known:
        raise UsageProblem(
            "no PV plant in city.yaml",
            hint="assets: {roof: {kind: pv, solar: {peak: 120 kW, temperature_coefficient: -0.35}}} and a point of "
            "its energy or power with `role: generation`",
        )
    plants = _plants(question.city)
    days = [(day, *_stamps(start, end)) for day, start, end in local_days(question.interval)]
    judged: list[_Judged] = []
    lacking = [
        Missing(name, "no point of its energy or power with `role: generation`")
        for name in known
        if name not in plants
    ]
    for name, own in sorted(plants.items()):
        found = _judge(question, name, own, days)
        if isinstance(found, str):
            lacking.append(Missing(name, found))
            continue
        judged.append(found)
        lacking += [Missing(name, doubt) for doubt in found.doubts]
    sunless = [one.asset for one in judged if plants[one.asset].irradiance is None]
    told = len(judged) > LEAST_OTHERS  # of a plant without a sun of its own the others tell its weak days
    lacking += [
        Missing(one.asset, NO_SUN)
        for one in judged
        if one.found.ratio is None and not (told and one.asset in sunless)
    ]
    weak = {one.asset: _weak(one, judged, question.city, days) for one in judged}
    called = subjects.of_assets(question.city)
    rows: list[tuple[object, ...]] = []
    findings = []
    for one in judged:
        said = _verdict(one, len(weak[one.asset]))
        rows.append(_row(question.city, one, said))
        if said != "normal":
            evidence = {
                "asset": one.asset,
                "generated_kwh": one.found.energy,
                "performance_ratio": one.found.ratio,
                "curtailed_kwh": one.found.curtailed,
                "days_below": len(weak[one.asset]),
            }
            findings.append(
                Finding("solar", called[one.asset], question.interval.start, said, evidence=evidence)
            )
    rows.sort(key=lambda row: (row[-1] == "normal", -float(str(row[9] or 0)), str(row[0])))
    below = [row for one in judged for row in weak[one.asset]]
    below.sort(key=lambda row: float(str(row[2])) - float(str(row[3])))
    generated = sum(one.found.energy for one in judged)
    lost = sum(one.found.curtailed or 0.0 for one in judged)
    times = [midnight(day, question.interval.zone) for day, _, _ in local_days(question.interval)]
    return Result(
        title=TITLE,
        tables=[
            Table("plants", TITLE, [BY_KEY[key] for key in PLANTS], rows),
            Table("below", "Days below", [BY_KEY[key] for key in DAYS], below),
        ],
        interval=question.interval,
        findings=findings,
        completeness=Completeness(
            len(known), len(known) - len({one.what for one in lacking}), lacking, "plants"
        ),
        plots=[_plot(one, called[one.asset], times) for one in judged],
        notes=[*NOTES, *([f"Limits: of {listed(sunless)} {NO_SUN}."] if told and sunless else [])],
        summary=f"{grouped(generated)} kWh from {counted(len(judged), 'plant')}, "
        f"{grouped(lost)} kWh curtailed, "
        f"{counted(len(below), 'day')} below",
    )


def _plot(one: _Judged, called: str, times: list[datetime]) -> Plot:
    ratio = one.found.ratio
    if ratio is None:
        return day_plot(one.asset, called, times, one.energy, None)
    return day_plot(one.asset, called, times, one.counted, ratio * one.nominal)


def _stamps(*moments: Any) -> tuple[int, ...]:
    return tuple(round(moment.timestamp() * 1e6) for moment in moments)


def _judge(question: Question, name: str, own: _Points, days: list[Any]) -> _Judged | str:
    import numpy as np

    solar = question.city.assets[name].solar
    assert solar is not None
    if own.production.every is None:
        return f"`{own.production.id}` has no `every` in city.yaml"
    longest = max(one.every.total_seconds() if one.every else 0.0 for one in own)
    width = 900 if longest <= 900 else 3600
    if longest > 3600:
        return "a reading each hour at least is needed, of its production and its sun"
    start, end = _stamps(question.interval.start, question.interval.end)
    count = -(-(end - start) // (width * 1_000_000))
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
    return _Judged(
        asset=name,
        found=found,
        metered=metered,
        doubts=_doubts(power, solar.peak, metered),
        energy=np.where(whole & (np.bincount(place, found.held_back, size) == 0), energy, np.nan),
        nominal=np.where(whole, np.bincount(place, np.where(use, found.nominal, 0.0), size), np.nan),
        counted=np.where(
            whole, np.bincount(place, np.where(use, np.nan_to_num(power) * step, 0.0), size), np.nan
        ),
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
    import pyarrow as pa

    assert point.every is not None
    each = point.every.total_seconds()
    handed: dict[str, Any] = {
        "meter": [point.id],
        "kind": [point.kind],
        "every_s": pa.array([each], pa.float64()),
    }
    question.engine.register("asked_meters", pa.table(handed))
    add_up(question, {point.kind})
    table = question.engine.arrow(question.sql("production"), {"meter": point.id})
    if not table.num_rows:
        return np.full(count, np.nan)
    at = table["at"].to_numpy().astype("datetime64[us]").astype(np.int64)
    total, readings = _binned(at, table["amount"].to_numpy().astype(float), start, width, count)
    held = readings * each
    return np.where(held >= LEAST_HELD * width, total / np.maximum(held, 1.0) * 3600, np.nan)


def _means(question: Question, point: Point, start: int, width: int, count: int) -> Any:
    """Mean of a point over each step; nan where it has no good reading."""
    import numpy as np

    table = question.engine.arrow(question.sql("one_point"), {"point": point.id})
    if not table.num_rows:
        return np.full(count, np.nan)
    good = table["quality"].to_numpy() < 3
    at = table["at"].to_numpy().astype("datetime64[us]").astype(np.int64)[good]
    total, readings = _binned(at, table["value"].to_numpy().astype(float)[good], start, width, count)
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


def _weak(one: _Judged, all_plants: list[_Judged], city: City, days: list[Any]) -> list[tuple[object, ...]]:
    """The days of a plant that lie below what the others say, or, with too few others, its own sun."""
    import numpy as np

    def rated(asset: str) -> float:
        solar = city.assets[asset].solar
        assert solar is not None
        return float(solar.peak)

    others = [other.energy / rated(other.asset) for other in all_plants if other.asset != one.asset]
    if len(others) >= LEAST_OTHERS:
        stacked = np.array(others)
        enough = np.isfinite(stacked).sum(axis=0) >= LEAST_OTHERS
        middle = np.full(stacked.shape[1], np.nan)
        middle[enough] = np.nanmedian(stacked[:, enough], axis=0)
        found, by = days_below(one.energy, middle * rated(one.asset)), "other plants"
    else:
        found, by = days_below(one.counted, one.nominal), "its own sun"
    which: list[date] = [day for day, _, _ in days]
    return [(one.asset, which[each.day], each.energy, each.expected, by) for each in found]


def _verdict(one: _Judged, below: int) -> str:
    said = []
    ratio = one.found.ratio
    if ratio is not None and not PLAUSIBLE[0] <= ratio <= PLAUSIBLE[1]:
        said.append(
            f"IMPLAUSIBLE: PR {100 * ratio:.0f} %: check rated power, units and the irradiance sensor"
        )
    if one.found.curtailed_hours:
        lost = "" if one.found.curtailed is None else f", {one.found.curtailed:.0f} kWh lost"
        said.append(f"CURTAILED {one.found.curtailed_hours:.1f} h{lost}")
    if below:
        said.append(f"BELOW on {counted(below, 'day')}")
    return "; ".join(said) or "normal"


def _row(city: City, one: _Judged, said: str) -> tuple[object, ...]:
    asset, found = city.assets[one.asset], one.found
    assert asset.solar is not None
    return (
        one.asset, asset.zone, asset.solar.peak, found.energy, found.final_yield, found.reference_yield, found.ratio,
        found.corrected, found.curtailed_hours, found.curtailed, found.clipped_hours, found.clipped, one.metered, said,
    )  # fmt: skip
