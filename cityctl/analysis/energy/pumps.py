"""Pumps: what each m³ costs, how good they are and whether they wear, which to run, and in which hours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from cityctl.analysis.energy.basis import subjects
from cityctl.analysis.energy.basis.early import from_early
from cityctl.analysis.energy.basis.network_balance import with_next
from cityctl.analysis.energy.pumping import chosen, figures, wear
from cityctl.analysis.energy.pumping.plots import efficiency_plots
from cityctl.analysis.energy.pumping.series import PumpSeries, prices_of, takes, tariff_of
from cityctl.analysis.energy.pumping.station import pumps_of, tank_of
from cityctl.analysis.energy.pumping.windows import width_of, windows
from cityctl.analysis.energy.pumping.words import BEST, BY_KEY, FIRST_TIER, NOTES, PUMPS, SHIFT, TOGETHER
from cityctl.analysis.energy.pumping.words import COLUMNS as _COLUMNS
from cityctl.analysis.question import Parameter, Question
from cityctl.city.model import City
from cityctl.clock import Interval
from cityctl.errors import UsageProblem, listed
from cityctl.result import Column, Completeness, Finding, Missing, Result, Table
from cityctl.tariff.model import Tariff
from cityctl.wording import grouped, percent

TITLE = "Pumps"
COLUMNS = _COLUMNS
SUMMARY = "efficiency, wear and cost of each pump and combination, and the value of other hours"
_TOLD = ("asset", "ran_h", "pumped_m3", "pumping_kwh", "specific", "pump_efficiency")  # of a finding
WEARS = 0.03  # of efficiency lost in a year, from which on a pump wears
PARAMETERS = (
    Parameter(
        "tariff", "text", None, None, "recipe of recipes/tariffs; city.yaml's price of power where left out"
    ),
    Parameter(
        "worse",
        "share",
        0.2,
        None,
        "more energy for each m³ and m of head than the station's best: worn",
        least=0,
    ),
    Parameter("tank_low", "share", 0.3, None, "the tank is never to be emptier than this", least=0, most=1),
    Parameter("tank_high", "share", 0.95, None, "the tank is never to be fuller than this", least=0, most=1),
    Parameter(
        "good",
        "share",
        0.5,
        None,
        "wire-to-water efficiency below which a pump is worth a look",
        least=0,
        most=1,
    ),
)


def points(city: City, parameters: Mapping[str, Any]) -> list[str]:
    """Flow, head and power of pumps, and levels of their tanks."""
    del parameters
    pumps = pumps_of(city)
    tanks = [tank.level for zone in {one.zone for one in pumps} if (tank := tank_of(city, zone)) is not None]
    return sorted({point for one in pumps for point in one.all} | set(tanks))


def window(interval: Interval, parameters: Mapping[str, Any], city: City) -> Interval:
    """The interval and the first readings after it, which tell the last rise of counters."""
    del parameters, city
    return from_early(with_next(interval))


def answer(question: Question) -> Result:
    """Each pump with its verdict, the combinations, the cheapest for each duty, and the value of other hours."""
    pumps = pumps_of(question.city)
    if not pumps:
        raise UsageProblem(
            "no pump in city.yaml",
            hint="assets: {pump-1: {kind: pump}}, and points of its flow, head and power with `asset: pump-1`",
        )
    width = width_of(question, pumps)
    hours = width / 60
    at, values = windows(question, points(question.city, question.parameters), width)
    tariff = tariff_of(question)
    doubts = tariff.doubts() if tariff is not None else []
    first = question.interval.start.astimezone(question.interval.zone).date()
    if tariff is not None and tariff.on(first) is None:
        doubts.append(f"`{tariff.tariff}` has no prices before {tariff.versions[0].from_}: no costs are told")
        tariff = None
    peaks = tariff is not None and any(one.demand for one in tariff.versions)
    price = prices_of(question, tariff, at, hours) if tariff is not None and len(at) else None
    lacking = [Missing(one.asset, f"no {one.lacking} is metered") for one in pumps if one.lacking]
    lacking += [Missing("price", doubt) for doubt in doubts]
    for one in pumps:
        silent = [point for point in one.all if not one.lacking and point not in values]
        lacking += [Missing(one.asset, f"no readings of {listed(silent)}")] if silent else []
    pumps_read = [one for one in pumps if not one.lacking and all(point in values for point in one.all)]
    asked = question.interval.length.total_seconds() / 60 / width
    largest: dict[str | None, float] = {}
    for one in pumps_read:
        largest[one.zone] = max(largest.get(one.zone, 0.0), takes(values[str(one.power)]))
    arrays = {
        one.asset: PumpSeries(
            one, values, question.city, len(at), hours, asked=asked, largest=largest[one.zone]
        )
        for one in pumps_read
    }
    for series in arrays.values():
        series.share([other for other in arrays.values() if other.pump.zone == series.pump.zone])
    best = _best_specific(arrays)
    called = subjects.of_assets(question.city)
    rows, findings = [], []
    for name, series in arrays.items():
        row, verdict = _row(question, series, at, price, best.get(series.pump.zone))
        series.sound = not (series.turned or verdict.startswith("IMPLAUSIBLE"))
        lacking += [Missing(name, doubt) for doubt in series.doubts]
        rows.append(row)
        if verdict != "normal":
            evidence = {"asset": name, **dict(zip(PUMPS, row, strict=True))}
            findings.append(
                Finding(
                    "pump",
                    called[name],
                    question.interval.start,
                    verdict,
                    evidence={key: evidence[key] for key in _TOLD},
                )
            )
    rows.sort(key=lambda row: (row[-1] == "normal", str(row[0])))
    currency = question.city.currency if tariff is None else tariff.currency
    tables = [Table("pumps", TITLE, _columns(PUMPS, currency), rows)]
    stations = sorted({series.pump.zone or "" for series in arrays.values()})
    together, choice, shift = [], [], []
    for station in stations:
        members = [series for series in arrays.values() if (series.pump.zone or "") == station]
        together += chosen.together(station, members)
        choice += chosen.choice(station, members)
        shift += chosen.shift(question, station, members, values, price, peaks=peaks)
    for key, title, columns, found in (
        ("together", "Combinations, the cheapest first", TOGETHER, together),
        ("choice", "The cheapest combination for each duty", BEST, choice),
        ("shift", "The value of other hours", SHIFT, shift),
    ):
        if found:
            tables.append(Table(key, title, _columns(columns, currency), found))
    return Result(
        title=TITLE,
        tables=tables,
        interval=question.interval,
        findings=findings,
        completeness=Completeness(
            len(pumps), sum(not series.doubts for series in arrays.values()), lacking, "pumps"
        ),
        plots=efficiency_plots(arrays, at, called),
        notes=[*NOTES, *_of_tiers(tariff)],
        summary=f"{len(findings)} of {len(arrays)} pumps are worth a look{_in_all(arrays.values())}",
    )


def _of_tiers(tariff: Tariff | None) -> list[str]:
    tiers = tariff is not None and any(entry.above for version in tariff.versions for entry in version.energy)
    return [FIRST_TIER.format(tariff=tariff.tariff)] if tariff is not None and tiers else []


def _in_all(pumps: Iterable[PumpSeries]) -> str:
    """`; 152 362 m³ took 43 606 kWh, 0.286 kWh/m³`: of pumps whose figures can be right."""
    duties = [one.duty for one in pumps if one.sound]
    volume, energy = sum(one.volume for one in duties), sum(one.energy for one in duties)
    if volume <= 0:
        return ""
    return f"; {grouped(volume)} m³ took {grouped(energy)} kWh, {energy / volume:.3f} kWh/m³"


def _columns(keys: tuple[str, ...], currency: str) -> list[Column]:
    return [
        replace(BY_KEY[key], unit=str(BY_KEY[key].unit).replace("money", currency))
        if str(BY_KEY[key].unit).startswith("money")
        else BY_KEY[key]
        for key in keys
    ]


def _best_specific(arrays: dict[str, PumpSeries]) -> dict[str | None, float]:
    """Station -> the least energy for each m³ and m of head among its pumps."""
    found: dict[str | None, float] = {}
    for one in arrays.values():
        if one.duty.efficiency and figures.plausible(one.duty.efficiency):
            found[one.pump.zone] = max(found.get(one.pump.zone, 0.0), one.duty.efficiency)
    return found


def _row(
    question: Question, one: PumpSeries, at: Any, price: Any | None, best: float | None
) -> tuple[tuple[object, ...], str]:
    import numpy as np

    asked, asset, total = question.parameters, question.city.assets[one.pump.asset], one.duty
    change = wear.drift(at, one.flow, one.head, one.power, one.on)
    curve = asset.pump.curve if asset.pump is not None else []
    cost = paid = mean = None
    if price is not None:
        used = np.nan_to_num(one.power) * one.on * one.hours
        cost = float((used * price).sum())
        paid, mean = cost / float(used.sum()) if used.sum() > 0 else None, float(price.mean())
    verdict = _verdict(total.efficiency, change, best, asked["worse"], asked["good"], ran=bool(one.on.any()))
    if one.dry:
        verdict = f"NOT ASSESSABLE no flow at {takes(one.power):.3g} kW: it stands by, or its flow meter does"
    if one.turned:
        verdict = "NOT ASSESSABLE its power is below zero"
    elif one.blurred:
        verdict = f"NOT ASSESSABLE {one.blurred}"
    drifted = (None, None) if change is None else (change.change, change.error)
    row: tuple[object, ...] = (
        one.pump.asset, one.pump.zone, total.hours, figures.starts(one.power, one.on), total.volume, total.energy,
        total.specific, total.head, total.efficiency, *drifted,
        figures.off_curve(curve, one.flow, one.head, one.on), cost, paid, mean, verdict,
    )  # fmt: skip
    return row, verdict


def _verdict(
    efficiency: float | None,
    change: wear.Drift | None,
    best: float | None,
    worse: float,
    good: float,
    *,
    ran: bool,
) -> str:
    if efficiency is None:
        return (
            "did not run"
            if not ran
            else "NOT ASSESSABLE it never ran with flow, head and power metered together"
        )
    guess = figures.wrong_unit(efficiency, best)
    if guess is not None:
        return f"IMPLAUSIBLE efficiency {percent(efficiency)}: is its flow {guess}, not m³/h?"
    if not figures.plausible(efficiency):
        return f"IMPLAUSIBLE efficiency {percent(efficiency)}: check the units of flow, head and power"
    said = []
    if best is not None and best / efficiency - 1 > worse:
        said.append(f"WORN needs {percent(best / efficiency - 1)} more than the station's best")
    elif efficiency < good:
        said.append(f"POOR efficiency {percent(efficiency)}")
    if change is not None and change.sure and change.change < -WEARS:
        reach = wear.SURE * change.error
        said.append(f"WEARS {-100 * change.change:.1f} ± {100 * reach:.1f} points a year")
    return "; ".join(said) or "normal"
