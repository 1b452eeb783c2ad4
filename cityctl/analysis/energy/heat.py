"""District heat: substations ranked by excess flow, and the heat that the network loses."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from typing import Any

from cityctl import arrow, glossary
from cityctl.analysis.energy.basis import subjects
from cityctl.analysis.energy.basis.early import from_early
from cityctl.analysis.energy.basis.network_balance import (
    BALANCE_DAYS,
    UNEVEN_DAYS,
    balance,
    by_day,
    with_next,
)
from cityctl.analysis.energy.basis.seldom import LEAST_METERED, NOTE, tells, unless_seldom
from cityctl.analysis.energy.basis.twice import said_twice, told_twice
from cityctl.analysis.energy.heating.excess_flow import DISAGREE, Flow, excess_flow, register_difference
from cityctl.analysis.energy.heating.plots import Hours, cooling_plots
from cityctl.analysis.energy.heating.substations import Substation, fed_of, substations_of
from cityctl.analysis.question import Parameter, Question
from cityctl.city.model import City
from cityctl.clock import Interval
from cityctl.errors import UsageProblem, listed
from cityctl.result import Column, Completeness, Finding, Missing, Result, Table
from cityctl.wording import percent

TITLE = "District heat"
SUMMARY = "heat substations ranked by excess flow, and the losses of the heat networks"
LEAST_EXCESS = 0.1  # of the volume
WARMEST_DIFFERENCE = 120.0  # K: beyond it a unit is wrong
# fmt: off
COLUMNS: tuple[Column, ...] = (
    Column("substation", "Substation", None, "the asset or zone that a heat meter stands in", priority=1),
    glossary.column("zone", priority=4),
    Column("flow_m3", "Volume", "m3", "water that flowed through", "number", 0, 3),
    Column("heat_kwh", "Heat", "kWh", "heat that was taken from it", "number", 0, 3),
    Column("delta_t", "ΔT", "K", "mean difference of supply and return, by volume", "number", 1, 1),
    Column("return_c", "Return", "degC", "mean return temperature, by volume", "number", 1, 3),
    Column("excess_m3", "Excess", "m3", "volume beyond what the wanted difference needs; below 0: less", "number", 0,
           1),
    Column("excess_share", "Of volume", None, "excess over the whole volume", "share", 0, 2),
    Column("excess_of_all", "Of all", None, "its share of the excess of all substations", "share", 0, 4),
    Column("heat_check", "Check", None, "1.16 x volume x ΔT over the metered heat, less 1", "share", 1, 5),
    Column("heat_metered", "Metered", None, "share of the interval with volume and heat", "share", 1, 4),
    glossary.column("verdict"),
    BALANCE_DAYS, UNEVEN_DAYS,
    Column("heat_fed_kwh", "Fed in", "kWh", "heat fed into the network on the balanced days", "number", 0, 2),
    Column("heat_taken_kwh", "Taken", "kWh", "heat metered at the substations on the same days", "number", 0, 2),
    Column("heat_lost_kwh", "Lost", "kWh", "fed in less taken", "number", 0, 2),
    Column("heat_loss_share", "Losses", None, "lost over fed in", "share", 1, 1),
)
# fmt: on
_BY_KEY = {one.key: one for one in COLUMNS}
_SUBSTATIONS = ("substation", "zone", "flow_m3", "heat_kwh", "delta_t", "return_c", "excess_m3", "excess_share",
                "excess_of_all", "heat_check", "heat_metered", "verdict")  # fmt: skip
_NETWORKS = ("zone", "balance_days", "uneven_days", "heat_fed_kwh", "heat_taken_kwh", "heat_lost_kwh",
             "heat_loss_share", "verdict")  # fmt: skip
PARAMETERS = (
    Parameter(
        "wanted",
        "number",
        30.0,
        "K",
        "difference of supply and return that is asked for",
        least=1.0,
        most=100.0,
    ),
    Parameter("plots", "integer", 5, None, "how many substations to draw, the worst first", least=0),
)


def points(city: City, parameters: Mapping[str, Any]) -> list[str]:
    """Meters of the substations and of the heat that is fed in."""
    del parameters
    wanted = [point for one in substations_of(city) for point in one.every]
    return list(dict.fromkeys([*wanted, *(point for own in fed_of(city).values() for point in own)]))


def window(interval: Interval, parameters: Mapping[str, Any], city: City) -> Interval:
    """The interval and the first readings after it."""
    del parameters, city
    return from_early(with_next(interval))


def answer(question: Question) -> Result:
    """Substations by their excess flow, and the losses of each network that is metered where it is fed."""
    substations = substations_of(question.city)
    if not substations:
        raise UsageProblem(
            "no heat meter in city.yaml",
            hint="points: {school-heat: {unit: kWh, kind: counter, every: 1h, zone: school, role: consumption}, "
            "school-volume: {unit: m3, kind: counter, every: 1h, zone: school}} in a zone of a network of kind heat",
        )
    fed = fed_of(question.city)
    summed = [point for one in substations for point in (*one.heat, one.volume) if point is not None]
    every = list(dict.fromkeys([*summed, *(point for own in fed.values() for point in own)]))
    days = by_day(question, every).net
    known = question.city.points()
    heats = [known[name] for name in every if known[name].quantity in ("energy", "power")]
    twice = told_twice(question.city, heats, days)
    _keep_temperatures(question, substations)
    judged: list[tuple[Substation, Flow, float, Hours]] = []
    lacking = [Missing(one, said_twice(first)) for one, first in twice.items()]
    for one in substations:
        found = _flow(question, one)
        if isinstance(found, str):
            lacking.append(Missing(one.name, found))
        else:
            judged.append((one, *found))
            if found[1] < LEAST_METERED:
                lacking.append(
                    Missing(one.name, f"volume and heat are metered in {percent(found[1])} of the interval")
                )
    judged.sort(key=lambda found: (not _plausible(found[1]), -found[1].excess, found[0].name))
    beyond = sum(max(flow.excess, 0.0) for _, flow, *_ in judged if _plausible(flow))
    rows: list[tuple[object, ...]] = []
    findings = []
    for one, flow, metered, _ in judged:
        said = unless_seldom(_verdict(flow, question.parameters["wanted"]), metered)
        of_all = max(flow.excess, 0.0) / beyond if beyond > 0 and _plausible(flow) else None
        rows.append(
            (one.name, one.zone, flow.volume, flow.heat, flow.difference, flow.back, flow.excess, flow.share, of_all,
             flow.apart, metered, said)
        )  # fmt: skip
        if tells(said):
            place = "asset" if one.name in question.city.assets else "zone"
            evidence = {
                place: one.name,
                "meter": one.heat[0],
                "excess_m3": flow.excess,
                "delta_t": flow.difference,
            }
            findings.append(
                Finding("heat-substation", _said(question.city, one.name), question.interval.start, said,
                        evidence=evidence)
            )  # fmt: skip
    drawn = [found for found in judged if _plausible(found[1])][: question.parameters["plots"]]
    once = {name: used for name, used in days.items() if name not in twice}
    networks = [_network(question.city, zone, own, substations, once, lacking) for zone, own in fed.items()]
    return Result(
        title=TITLE,
        tables=[
            Table("substations", TITLE, [_BY_KEY[key] for key in _SUBSTATIONS], rows),
            Table("networks", "Losses of the networks", [_BY_KEY[key] for key in _NETWORKS], networks),
        ],
        interval=question.interval,
        findings=findings,
        completeness=Completeness(
            len(substations),
            len({one.name for one in substations} - {one.what for one in lacking}),
            lacking,
            "substations",
        ),
        plots=cooling_plots(
            question.interval,
            question.parameters["wanted"],
            {_said(question.city, one.name): hours for one, _, _, hours in drawn},
        ),
        notes=[*NOTES, NOTE],
        summary=f"{beyond:.0f} m³ of excess flow in "
        f"{sum(flow.excess > 0 and _plausible(flow) for _, flow, *_ in judged)} of {len(judged)} substations",
    )


def _said(city: City, name: str) -> str:
    """What the asset or zone of a substation is called."""
    if name in city.assets:
        return subjects.of_assets(city)[name]
    return subjects.of_zones(city).get(name, name)


def _keep_temperatures(question: Question, substations: list[Substation]) -> None:
    wanted = [point for one in substations for point in (one.warm, one.cold) if point is not None]
    question.engine.register("temperature_points", arrow.table(point=arrow.texts(wanted)))
    start = question.interval.start.astimezone(UTC).replace(tzinfo=None)
    question.engine.execute(question.sql("temperatures"), {"start": start})


def _flow(question: Question, one: Substation) -> tuple[Flow, float, Hours] | str:
    """(figures of a substation, share of the interval that was metered, its hours), or why there are none."""
    if len(one.heat) > 1:
        return f"{len(one.heat)} meters of heat in it: an asset for each tells which volume is whose"
    if one.volume is None:
        return "no point of its volume or flow"
    span = {
        "start": question.interval.start.replace(tzinfo=None),
        "until": question.interval.end.replace(tzinfo=None),
    }
    asked = {"volume": one.volume, "heat": one.heat[0], "warm": one.warm, "cold": one.cold, **span}
    table = question.engine.arrow(question.sql("substation"), asked)
    if not table.num_rows:
        return "no hour or day with both volume and heat"
    volume, heat, warm, cold = (
        arrow.array_of(table[name]).astype(float) for name in ("volume", "heat", "warm", "cold")
    )
    found = excess_flow(
        volume, heat, warm, cold, question.parameters["wanted"], _registers(question, one, span)
    )
    if found is None:
        return "nothing flowed through it"
    metered = float(arrow.array_of(table["held"]).sum()) / question.interval.length.total_seconds()
    start = arrow.array_of(table["at"]).astype("datetime64[s]").astype(float)
    return found, min(metered, 1.0), Hours(start, volume, heat, cold)


def _registers(question: Question, one: Substation, span: Mapping[str, Any]) -> float | None:
    """The difference that the registers of m³ x °C and of m³ tell [K]; None without all three."""
    counters = (one.volume, one.warm_register, one.cold_register)
    known = question.city.points()
    if any(point is None or known[point].kind != "counter" for point in counters):
        return None
    asked = {"volume": one.volume, "warm": one.warm_register, "cold": one.cold_register, **span}
    table = question.engine.arrow(question.sql("registers"), asked)
    if table.num_rows < 2:
        return None
    volume, warm, cold = (arrow.array_of(table[name]).astype(float) for name in ("volume", "warm", "cold"))
    return register_difference(volume, warm, cold)


def _plausible(flow: Flow) -> bool:
    """Whether its heat and volume can be those of one substation."""
    return 0 <= flow.told <= WARMEST_DIFFERENCE and not flow.uncounted


def _verdict(flow: Flow, wanted: float) -> str:
    if flow.uncounted and flow.difference < 0:
        return (
            f"IMPLAUSIBLE: its return is {-flow.difference:.1f} K warmer than its supply and it counts no heat: "
            "are the sensors swapped?"
        )
    if flow.uncounted:
        return f"IMPLAUSIBLE: it counts no heat where its water cools by {flow.difference:.1f} K: check the meter"
    if flow.told < 0:
        return (
            f"IMPLAUSIBLE: its heat means {flow.told:.0f} K: are the sensors swapped, or has it a wrong sign?"
        )
    if not _plausible(flow):
        return f"IMPLAUSIBLE: its heat and volume mean {flow.told:.0f} K: check their units"
    said = []
    if flow.apart is not None and abs(flow.apart) > DISAGREE:
        said.append(
            f"DOUBTFUL: volume and temperatures mean {100 * flow.apart:+.0f} % of its heat: check the sensors"
        )
    if flow.share > LEAST_EXCESS:
        said.append(
            f"EXCESS FLOW {flow.excess:.0f} m³, {100 * flow.share:.0f} % of its volume: {flow.told:.1f} K where "
            f"{wanted:g} K are wanted"
        )
    return "; ".join(said) or "normal"


def _network(
    city: City,
    zone: str,
    fed: list[str],
    substations: list[Substation],
    days: Mapping[str, Any],
    lacking: list[Missing],
) -> tuple[object, ...]:
    inside = city.zones_within(zone)
    heats = [meter for one in substations if one.zone in inside for meter in one.heat]
    into, out = ({meter: days[meter] for meter in these if meter in days} for these in (fed, heats))
    found = balance(into, out)
    why = None
    if not out:
        why = "no heat meters in it"
    elif found.silent:
        why = f"no whole day of {listed(found.silent[:3])}" + (" and others" if len(found.silent) > 3 else "")
    elif not found.days or found.into <= 0:
        why = "no day on which all its meters were metered whole and heat was fed in"
    if why is not None:
        lacking.append(Missing(zone, why))
        return (zone, found.days, found.uneven, None, None, None, None, f"NOT ASSESSABLE: {why}")
    share = found.share or 0.0
    said = "normal" if share >= 0 else f"IMPLAUSIBLE: {-100 * share:.1f} % more metered than fed in"
    return (zone, found.days, found.uneven, found.into, found.out, found.lost, found.share, said)


NOTES = (
    "Method: excess = V - Q / (1.16 kWh/(m³ K) x the wanted difference): what a substation sends back without cooling "
    "it enough. The mean difference is that of the meter's m³ x °C registers where they are read, else of its "
    "temperatures weighted by volume, else what its heat tells: of a volume that is read once a day nobody knows how "
    "warm it was. Of volume and heat the one that is read more often is summed over the other's readings.",
    "Method: network losses = (fed in - taken) / fed in, over the local days on which every meter was metered whole.",
    "Source: excess flow after Mansson et al., Energy 180 (2019) 163-174. Losses of 10 to 20 % are typical.",
    "Limits: 1.16 kWh/(m³ K) holds at 20 °C, 1.14 at 70 °C: excess is up to 2 % of the volume too large where the flow "
    "sensor sits in the supply. The wanted difference is the utility's to say; 30 K is a common aim. Hot water must "
    "stay warm enough against legionella (store 60 °C): never lower it for a better return.",
)
