"""PV plants: yield, performance ratio, curtailment, and the days below what sun and other plants say."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from cityctl.analysis.energy.basis import subjects
from cityctl.analysis.energy.basis.early import from_early
from cityctl.analysis.energy.basis.network_balance import with_next
from cityctl.analysis.energy.basis.seldom import NOTE, tells, unless_seldom
from cityctl.analysis.energy.sunlight import words
from cityctl.analysis.energy.sunlight.plant import STANDBY, Judged, judge, plants_of, stamps
from cityctl.analysis.energy.sunlight.plots import day_plot
from cityctl.analysis.energy.sunlight.words import BY_KEY, DAYS, NOTES, PLANTS
from cityctl.analysis.energy.sunlight.yields import days_below
from cityctl.analysis.question import Parameter, Question
from cityctl.city.model import City
from cityctl.clock import Interval, local_days, midnight
from cityctl.errors import UsageProblem, listed
from cityctl.result import Completeness, Finding, Missing, Plot, Result, Table
from cityctl.wording import counted, grouped

TITLE = "PV plants"
SUMMARY = "yield, performance ratio and curtailment of each PV plant after IEC 61724, and its weak days"
NO_SUN = "no irradiance: yields only, no performance ratio"
LEAST_OTHERS = 2  # plants that it takes to judge a day by them
PLAUSIBLE = (0.3, 1.0)  # performance ratio
COLUMNS = words.COLUMNS
PARAMETERS: tuple[Parameter, ...] = ()


def points(city: City, parameters: Mapping[str, Any]) -> list[str]:
    """Production of the plants, and their irradiance, module temperature and limit."""
    del parameters
    return list(dict.fromkeys(point.id for plant in plants_of(city).values() for point in plant))


def window(interval: Interval, parameters: Mapping[str, Any], city: City) -> Interval:
    """The interval, readings of its first slot that are stamped early, and those that end a register's last rise."""
    del parameters, city
    return from_early(with_next(interval))


def answer(question: Question) -> Result:
    """Plants ranked by what they lost, and their days below."""
    known = [name for name, asset in question.city.assets.items() if asset.solar is not None]
    if not known:
        raise UsageProblem(
            "no PV plant in city.yaml",
            hint="assets: {roof: {kind: pv, solar: {peak: 120 kW, temperature_coefficient: -0.35}}} and a point of "
            "its energy or power with `role: generation`",
        )
    plants = plants_of(question.city)
    days = [(day, *stamps(start, end)) for day, start, end in local_days(question.interval)]
    judged: list[Judged] = []
    lacking = [
        Missing(name, "no point of its energy or power with `role: generation`")
        for name in known
        if name not in plants
    ]
    for name, own in sorted(plants.items()):
        found = judge(question, name, own, days)
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
        hours = question.interval.length.total_seconds() / 3600
        said = unless_seldom(_verdict(one, len(weak[one.asset]), hours), one.metered)
        rows.append(_row(question.city, one, said))
        if tells(said):
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
        notes=[*NOTES, NOTE, *([f"Limits: of {listed(sunless)} {NO_SUN}."] if told and sunless else [])],
        summary=f"{grouped(generated)} kWh from {counted(len(judged), 'plant')}, "
        f"{grouped(lost)} kWh curtailed, "
        f"{counted(len(below), 'day')} below",
    )


def _plot(one: Judged, called: str, times: list[datetime]) -> Plot:
    ratio = one.found.ratio
    if ratio is None:
        return day_plot(one.asset, called, times, one.energy, None)
    return day_plot(one.asset, called, times, one.counted, ratio * one.nominal)


def _weak(one: Judged, all_plants: list[Judged], city: City, days: list[Any]) -> list[tuple[object, ...]]:
    """The days of a plant that lie below what the others say, or, with too few others, its own sun.

    What an inverter clips is no fault: of sunny days it is added to what was given, here as at the others.
    """
    import numpy as np

    def rated(asset: str) -> float:
        solar = city.assets[asset].solar
        assert solar is not None
        return float(solar.peak)

    others = [
        (other.energy + other.cut_off) / rated(other.asset)
        for other in all_plants
        if other.asset != one.asset
    ]
    if len(others) >= LEAST_OTHERS:
        stacked = np.array(others)
        enough = np.isfinite(stacked).sum(axis=0) >= LEAST_OTHERS
        middle = np.full(stacked.shape[1], np.nan)
        middle[enough] = np.nanmedian(stacked[:, enough], axis=0)
        gave, found = one.energy, days_below(one.energy + one.cut_off, middle * rated(one.asset))
        by = "other plants"
    else:
        gave, found = one.counted, days_below(one.counted + one.cut_off, one.nominal)
        by = "its own sun"
    which: list[date] = [day for day, _, _ in days]
    return [(one.asset, which[each.day], float(gave[each.day]), each.expected, by) for each in found]


def _verdict(one: Judged, below: int, hours: float) -> str:
    said = []
    if one.found.final_yield < -STANDBY * hours:
        said.append("IMPLAUSIBLE: it took more than it gave: turned round?")
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


def _row(city: City, one: Judged, said: str) -> tuple[object, ...]:
    asset, found = city.assets[one.asset], one.found
    assert asset.solar is not None
    return (
        one.asset, asset.zone, asset.solar.peak, found.energy, found.final_yield, found.reference_yield, found.ratio,
        found.corrected, found.curtailed_hours, found.curtailed, found.clipped_hours, found.clipped, one.metered, said,
    )  # fmt: skip
