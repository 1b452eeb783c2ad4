"""Night flow as tables, findings and plots. Computes little."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cityctl.analysis.question import Question
from cityctl.analysis.water.basis.prices import price_of
from cityctl.analysis.water.basis.small import digits_of, flow_text, sized
from cityctl.analysis.water.basis.zones import sensor_label
from cityctl.analysis.water.words.columns import BY_KEY, FLOW, LEAKS, NOTES, TITLE
from cityctl.analysis.water.words.telling import PARTS, SHOWN, Judged, Telling, mornings
from cityctl.result import Completeness, Finding, Line, Missing, Plot, Result, Table
from cityctl.units import pretty
from cityctl.wording import counted

if TYPE_CHECKING:
    from cityctl.analysis.water.nights.judged import Nights
    from cityctl.analysis.water.watch.events import Event
    from cityctl.analysis.water.watch.resume import Watched


def night_flow(question: Question, nights: Nights, watch: Watched, closes: list[datetime]) -> Result:
    """Verdicts first, with the night flow of each zone."""
    telling = Telling(question, nights, watch, closes)
    judged = [telling.judged(zone) for zone in range(len(nights.zones))]
    findings, events = _events(telling, judged, {})
    tables = [_zones(telling, judged), events, *_sensors(telling)]
    if question.parameters["each_night"]:
        tables.append(_nights(telling))
    return _result(telling, judged, findings, tables, TITLE)


def leaks(
    question: Question, nights: Nights, watch: Watched, closes: list[datetime], near: Mapping[int, str]
) -> Result:
    """Events first; `near` (by the event's identity) says at which pressure sensors a leak shows most."""
    telling = Telling(question, nights, watch, closes)
    judged = [telling.judged(zone) for zone in range(len(nights.zones))]
    findings, events = _events(telling, judged, near)
    tables = [events, _zones(telling, judged), *_sensors(telling)]
    if question.parameters["daily"]:
        tables.append(_daily(telling))
    if question.parameters["each_night"]:
        tables.append(_nights(telling))
    return _result(telling, judged, findings, tables, LEAKS)


def _result(
    telling: Telling, judged: list[Judged], findings: list[Finding], tables: list[Table], title: str
) -> Result:
    question, nights = telling.question, telling.nights
    begin, end = (question.parameters[key] for key in ("window_start", "window_end"))
    leaking = sum(
        any(event.repaired is None for event in telling.watch.events[zone]) for zone in range(len(judged))
    )
    unknown = sum(one.doubtful for one in judged)
    wanted = len(telling.inside) * len(nights.zones)
    had = int((nights.flow[:, telling.inside] == nights.flow[:, telling.inside]).sum())
    return Result(
        title=title,
        subtitle=f"{begin // 60:02d}:{begin % 60:02d} to {end // 60:02d}:{end % 60:02d}",
        tables=[sized(one) for one in tables],
        interval=question.interval,
        findings=[*findings, *_night_findings(telling, judged), *_sensor_findings(telling)],
        completeness=Completeness(
            wanted=wanted,
            had=had,
            missing=[
                Missing(zone.name, one.text)
                for zone, one in zip(nights.zones, judged, strict=True)
                if one.doubtful
            ],
            unit="nights",
        ),
        plots=_plots(telling),
        notes=list(NOTES),
        summary=f"{leaking or 'no'} {'zone leaks' if leaking < 2 else 'zones leak'}, "
        f"{unknown or 'none'} cannot be judged",
    )


_ZONES = ("zone", "mnf", "expected", "excess", "per_connection", "night_use", "last_nights", "verdict", "nights",
          "inflow")  # fmt: skip
_EVENTS = ("finding", "zone", "state", "started_at", "detected_at", "repaired_at", "flow_m3h", "flow_low",
           "flow_high", "volume_m3", "cost", "near", "evidence")  # fmt: skip
_DAILY = ("date", "zone", "leakage_m3h", "low", "high")
_SENSORS = ("sensor", "zone", "trouble", "since", "until", "note")
_NIGHTS = ("date", "zone", "mnf", "expected", "excess", "leakage_m3h")
_TROUBLES = {
    "frozen": "shows {:g} all the time",
    "unit": "values x{:.4g}",
    "negative": "{:.0%} of a day's readings below zero",
    "gaps": "{:.0f} h without readings",
    "spikes": "readings that stand out, in {:.0f} parts of six hours",
    "full": "one and the same highest reading in {:.0f} parts of six hours: the end of its scale?",
    "coarse": "flows in steps of {:.4g} m³/h",
    "clock": "{:+g} h against the days before",
    "drift": "{:+.1f} min a day against the days before",
}


def _zones(telling: Telling, judged: list[Judged]) -> Table:
    nights = telling.nights
    rows: list[tuple[object, ...]] = []
    for at, (zone, one) in enumerate(zip(nights.zones, judged, strict=True)):
        flow, expected = nights.flow[at], telling.watch.baseline[at]
        valid = [night for night in telling.inside if flow[night] == flow[night]]  # nan is not itself
        last = valid[-3:]
        mnf = None if one.doubtful else _mean(flow[night] for night in last)
        usual = _mean(expected[night] for night in last or telling.inside[-1:])
        excess = None if mnf is None or usual is None else mnf - usual
        connections = zone.entry.connections
        share = excess / connections * 1000 if excess is not None and connections else None
        spark = [_number(value) for value in flow[-SHOWN:]]
        rows.append(
            (zone.name, mnf, usual, excess, share, zone.night_use, spark, one.text, len(valid), zone.inflow)
        )
    return Table("zones", "Zones", [BY_KEY[key] for key in _ZONES], rows)


def _mean(values: Iterable[float]) -> float | None:
    known = [float(value) for value in values if value == value]
    return sum(known) / len(known) if known else None


def _number(value: Any) -> float | None:
    return float(value) if value == value else None


def _events(telling: Telling, judged: list[Judged], near: Mapping[int, str]) -> tuple[list[Finding], Table]:
    price = price_of(telling.question.city)
    money = replace(BY_KEY["cost"], unit=telling.question.city.currency)
    columns = [money if key == "cost" else BY_KEY[key] for key in _EVENTS]
    findings: list[Finding] = []
    rows: list[tuple[object, ...]] = []
    for at in _most_first(telling):
        zone = telling.nights.zones[at]
        for event in sorted(telling.told(at), key=lambda one: one.detected):
            flow, low, high = telling.size(event)
            volume, started, ended = (
                telling.volume(at, event),
                telling.started(event),
                telling.repaired(event),
            )
            doubt = "; its sensor cannot be trusted now" if judged[at].kind == "sensor" else ""
            if days := telling.still_days(at, event):
                doubt = f", {counted(days, 'day')} without inflow left out" + doubt
            finding = Finding(
                kind="leak",
                subject=zone.name,
                since=started,
                text=_said(telling, event, volume) + doubt,
                severity="note" if ended is not None else "alarm",
                evidence={"zone": zone.zone, "flow_m3h": flow, "flow_low": low, "flow_high": high,
                          "volume_m3": volume, "near": near.get(id(event))},
                nth=telling.nth(at, event),
            )  # fmt: skip
            findings.append(finding)
            cost = None if price is None else volume * price
            detected = telling.closes[event.detected]
            rows.append(
                (finding.id, zone.name, telling.state(event), started, detected, ended, flow, low, high, volume, cost,
                 near.get(id(event)), telling.evidence(at, event))
            )  # fmt: skip
    return findings, Table("events", "Leaks", columns, rows)


def _most_first(telling: Telling) -> list[int]:
    """The zones in the order in which somebody should go there: by all that runs on in each, then as they are asked."""
    runs = [
        sum(event.flow for event in telling.told(at) if event.repaired is None)
        for at in range(len(telling.nights.zones))
    ]
    return sorted(range(len(runs)), key=lambda at: -runs[at])


def _said(telling: Telling, event: Event, volume: float) -> str:
    flow, low, high = telling.size(event)
    lost = f"{volume:,.0f} m³".replace(",", " ")
    digits = max(1, digits_of(flow))
    span = f"{low:.{digits}f} to {high:.{digits}f}"
    leak = f"a leak of {flow_text(flow)} {pretty(FLOW)} ({span}) since {telling.day(telling.started(event))}"
    ended = telling.repaired(event)
    if event.weekly:
        use = sum(event.weekly) / sum(one > 0 for one in event.weekly)
        return (
            f"no leak: since {telling.day(telling.started(event))} nights that end on {mornings(event.weekly)} take "
            f"{flow_text(use)} {pretty(FLOW)} more, the others what they took: night use that comes with the week"
        )
    if ended is not None and event.unseen:
        return f"{leak} was last seen {telling.day(ended)}, {lost} lost until then"
    if ended is not None:
        return f"{leak} is over: the flow fell back {telling.day(ended)}, {lost} lost"
    way = {"growing": "grows", "new": "is new", "steady": "runs on"}[telling.state(event)]
    return f"{leak} {way}, {lost} lost so far"


def _fed(telling: Telling) -> dict[str, str]:
    """sensor -> names of the zones whose inflow needs it."""
    names: dict[str, list[str]] = {}
    for zone in telling.nights.zones:
        for sensor in zone.sensors:
            names.setdefault(sensor, []).append(zone.name)
    return {sensor: ", ".join(own) for sensor, own in names.items()}


def _night_findings(telling: Telling, judged: list[Judged]) -> list[Finding]:
    """Zones that took far more in the last night: a burst shows there a night before it is told."""
    return [
        Finding(
            kind="night",
            subject=zone.name,
            since=telling.closes[telling.last],
            text=f"{said}: a burst in the small hours, or use of this night; the next one tells",
            severity="warning",
            evidence={"zone": zone.zone, "beyond_m3h": float(telling.watch.beyond[at])},
        )
        for at, (zone, one) in enumerate(zip(telling.nights.zones, judged, strict=True))
        if not one.doubtful and (said := telling.last_night(at))
    ]


def _sensor_findings(telling: Telling) -> list[Finding]:
    fed = _fed(telling)
    return [
        Finding(
            kind="sensor",
            subject=sensor_label(telling.question.city, sensor),
            since=telling.since(fault),
            text=f"{telling.trouble(fault)}; {fed[sensor]} cannot be judged",
            severity="warning",
            evidence={"point": sensor, "trouble": fault.trouble, "value": fault.value},
        )
        for sensor, faults in telling.nights.faults.items()
        for fault in faults
        if fault.covers(telling.last)
    ]


def _sensors(telling: Telling) -> list[Table]:
    """The table of sensors' faults, where there are any."""
    rows: list[tuple[object, ...]] = []
    first, fed = telling.inside[0] * PARTS, _fed(telling)
    for sensor, faults in telling.nights.faults.items():
        label = sensor_label(telling.question.city, sensor)
        for fault in faults:
            if fault.end is None or fault.end > first:
                until = None if fault.end is None else telling.part_start(fault.end)
                note = _TROUBLES[fault.trouble].format(fault.value)
                note += f": {fault.why}" if fault.why else ""
                note += ": shut, or dead?" if telling.at_nothing(fault) else ""
                rows.append((label, fed[sensor], fault.trouble, telling.since(fault), until, note))
    columns = [BY_KEY[key] for key in _SENSORS]
    return [Table("sensors", "Sensors that could not be trusted", columns, rows)] if rows else []


def _daily(telling: Telling) -> Table:
    """Hidden leakage of each zone and day, with its 95 % interval; empty cells where a day cannot be judged."""
    rows: list[tuple[object, ...]] = []
    for at, zone in enumerate(telling.nights.zones):
        if zone.inflow is not None:
            rows += [
                (telling.nights.dates[night], zone.name, *telling.leakage(at, night))
                for night in telling.inside
            ]
    return Table("daily", "Hidden leakage by day", [BY_KEY[key] for key in _DAILY], rows)


def _nights(telling: Telling) -> Table:
    rows: list[tuple[object, ...]] = []
    for at, zone in enumerate(telling.nights.zones):
        if zone.inflow is None:
            continue
        for night in telling.inside:
            flow = _number(telling.nights.flow[at, night])
            expected = _number(telling.watch.baseline[at, night])
            excess = None if flow is None or expected is None else flow - expected
            leakage, _, _ = telling.leakage(at, night)
            rows.append((telling.nights.dates[night], zone.name, flow, expected, excess, leakage))
    columns = [BY_KEY[key] for key in _NIGHTS]
    columns[2] = replace(columns[2], meaning="minimum night flow of the night")
    return Table("nights", "Nights", columns, rows)


def _plots(telling: Telling) -> list[Plot]:
    found = [(at, events) for at in range(len(telling.nights.zones)) if (events := telling.told(at))]
    found.sort(key=lambda one: -max(event.flow for event in one[1]))
    return [_plot(telling, at, events) for at, events in found[: telling.question.parameters["plots"]]]


def _plot(telling: Telling, at: int, events: list[Event]) -> Plot:
    """From four weeks before the first leak on."""
    zone = telling.nights.zones[at]
    first = min(telling.inside[0], *(max(0, event.started - 28) for event in events))
    shown = range(first, telling.last + 1)
    times = [telling.closes[night] for night in shown]
    marks = [(telling.closes[one.detected], f"leak {flow_text(one.flow)} {pretty(FLOW)}") for one in events]
    marks += [
        (ended, "night use" if one.weekly else "fell back")
        for one in events
        if (ended := telling.repaired(one)) is not None
    ]
    return Plot(
        key=zone.zone,
        title=f"Night flow of {zone.name}",
        unit=FLOW,
        lines=[
            Line("night flow", times, [_number(telling.nights.flow[at, night]) for night in shown]),
            Line("expected", times, [_number(telling.watch.baseline[at, night]) for night in shown]),
        ],
        marks=sorted(marks),
    )
