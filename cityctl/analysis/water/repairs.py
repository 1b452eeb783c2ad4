"""Repairs verified: did night flow fall after a work order, by how much, and is it holding?"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from cityctl import glossary
from cityctl.analysis.question import Parameter, Question
from cityctl.analysis.water import night_flow, zone_nights
from cityctl.analysis.water.basis.prices import price_of
from cityctl.analysis.water.basis.small import flow_text, sized
from cityctl.analysis.water.basis.zones import asked
from cityctl.analysis.water.dropping import FEWEST, Drop, drop, fall
from cityctl.city.model import City
from cityctl.city.records import WorkOrder
from cityctl.clock import Interval, midnight
from cityctl.errors import UsageProblem
from cityctl.result import Column, Completeness, Finding, Missing, Result, Table
from cityctl.wording import counted

TITLE = "Repairs"
SUMMARY = "whether night flow fell after each work order, by how much, and whether it holds"
# fmt: off
COLUMNS: tuple[Column, ...] = (
    glossary.column("date"), glossary.column("zone"),
    Column("repair_what", "Work", None, "what the work order says", priority=5),
    Column("flow_before", "Before", "m3/h", "level of night flow in the last night before", "number", 2, 3),
    Column("flow_after", "After", "m3/h", "the same less what it fell by", "number", 2, 3),
    Column("fell_by", "Fell by", "m3/h", "how far the level fell", "number", 2, 1),
    Column("fell_half", "±", "m3/h", "half the 95 % interval of that", "number", 2, 2),
    Column("flow_now", "Now", "m3/h", "mean night flow of the last nights", "number", 2, 4),
    Column("saved_m3", "Saved", "m3", "what was not lost since, for as long as it holds", "number", 0, 3),
    Column("repair_worth", "Worth", "money", "that volume at the city's flat price of water", "number", 0, 5),
    glossary.column("verdict"),
)
# fmt: on
PARAMETERS = (
    *zone_nights.PARAMETERS,
    Parameter(
        "nights", "integer", 7, None, "how many nights before and after are compared", least=3, most=60
    ),
)

NEAR = 3  # times the nights to compare: where sensors failed, nights up to so far away stand in
ASIDE = 14  # days before and after an order on which the work may have been done instead
BEYOND = 2.0  # times its interval that a fall on one of them must be: of so many days one falls by chance


def points(city: City, parameters: Mapping[str, Any]) -> list[str]:
    """Inflows of the zones, and the sensors behind them."""
    return night_flow.points(city, parameters)


def window(interval: Interval, parameters: Mapping[str, Any], city: City) -> Interval:
    """The history before the interval too."""
    return night_flow.window(interval, parameters, city)


def answer(question: Question) -> Result:
    """One row a work order of the interval, the oldest first."""
    city = question.city
    if city.work_orders_file is None:
        raise UsageProblem(
            "city.yaml names no work orders",
            hint="work_orders_file: orders.csv, with the columns date, zone and what",
        )
    zone = question.interval.zone
    first = question.interval.start.astimezone(zone).date()
    last = question.interval.end.astimezone(zone).date()
    watched = {one.zone for one in asked(city, question.parameters)}
    orders = [one for one in city.work_orders() if first <= one.date <= last and one.zone in watched]
    read = zone_nights.read(question) if orders else []
    nights = {one.zone.zone: without_weekdays(one.mean, city.kinds_of(sorted(one.mean))) for one in read}
    known = [one for one in city.work_orders() if one.date <= last]
    rows, findings, missing = [], [], [Missing("work orders", fault) for fault in city.work_order_faults()]
    for order in orders:
        row, verdict = _row(question, order, known, nights.get(order.zone, {}))
        rows.append(row)
        name = city.zones[order.zone].name or order.zone
        if verdict.startswith("NOT ASSESSABLE"):
            missing.append(Missing(f"{name}, {order.date}", verdict.removeprefix("NOT ASSESSABLE ")))
        elif verdict.startswith(("DID NOT", "CAME")):
            since = midnight(order.date, zone)
            findings.append(Finding("repair", f"{name}, {order.date}", since, verdict))
    fell = sum(str(row[-1]).startswith(("fell", "CAME")) for row in rows)
    alone = sum(not str(row[-1]).startswith("told with") for row in rows)
    wanted = len(orders) + len(city.work_order_faults())
    columns = [replace(one, unit=city.currency) if one.key == "repair_worth" else one for one in COLUMNS]
    return Result(
        title=TITLE,
        tables=[sized(Table("repairs", TITLE, columns, rows))],
        interval=question.interval,
        findings=findings,
        completeness=Completeness(wanted, wanted - len(missing), missing, "work orders"),
        notes=[*NOTES, *_written(known)],
        summary=f"night flow fell after {fell} of {counted(alone, 'repair')}"
        if orders
        else "no repair to look at",
    )


def _written(orders: Sequence[WorkOrder]) -> list[str]:
    """How dates with strokes were read, where there are any."""
    told = Counter(one.written for one in orders if one.written)
    return [
        f"Limits: dates of {counted(count, 'order')} are read as {order}: the days of some leave no other way."
        for order, count in told.items()
    ]


def jobs(orders: Sequence[WorkOrder]) -> list[list[WorkOrder]]:
    """Orders of one zone with too few nights between them to be told apart, together; all in order of time."""
    found: dict[str, list[list[WorkOrder]]] = {}
    for order in sorted(orders, key=lambda one: one.date):
        own = found.setdefault(order.zone, [])
        if own and (order.date - own[-1][-1].date).days < FEWEST:
            own[-1].append(order)
        else:
            own.append([order])
    return [job for own in found.values() for job in own]


def without_weekdays(flows: Mapping[date, float], of_days: Sequence[int]) -> dict[date, float]:
    """Night flows less what their weekday usually has beyond the seven nights around it.

    `of_days`: the weekday that each night counts as, in order of time. Where fewer than two such weeks are known of
    any weekday, all stay as they are.
    """
    beyond: dict[int, list[float]] = {}
    kinds = dict(zip(sorted(flows), of_days, strict=True))
    for day, flow in flows.items():
        week = [flows.get(day + timedelta(days=step)) for step in range(-3, 4)]
        known = [one for one in week if one is not None]
        if len(known) == 7:
            beyond.setdefault(kinds[day], []).append(flow - sum(known) / 7)
    usual = {kind: statistics.median(values) for kind, values in beyond.items() if len(values) >= 2}
    if len(usual) < 7:
        return dict(flows)
    middle = sum(usual.values()) / 7
    return {day: flow - usual[kinds[day]] + middle for day, flow in flows.items()}


def stretches(
    order: WorkOrder,
    orders: Sequence[WorkOrder],
    flows: Mapping[date, float],
    count: int,
    done: date | None = None,
) -> tuple[dict[date, float], dict[date, float], dict[date, float]]:
    """(nights before, nights after, the last nights) of an order's job, up to the zone's jobs before and after it.

    A night bears the date on which it ends: that of the order's own day is still before the work. `done`: on another
    day than the order says.
    """
    first, last, begin, end = _place(order, orders)
    if done is not None:
        first = last = done
    days, near = sorted(flows), timedelta(days=NEAR * count)
    before = [day for day in days if max(begin, first - near) < day <= first][-count:]
    since = [day for day in days if last < day <= end]
    after = [day for day in since if day <= last + near][:count]
    now = since[len(after) :][-count:]
    return (
        {day: flows[day] for day in before},
        {day: flows[day] for day in after},
        {day: flows[day] for day in now},
    )


def _place(order: WorkOrder, orders: Sequence[WorkOrder]) -> tuple[date, date, date, date]:
    """(first and last day of an order's job, days of the zone's jobs before and after it)."""
    (job,) = [one for one in jobs(orders) if any(other is order for other in one)]
    first, last = job[0].date, job[-1].date
    others = [one.date for one in orders if one.zone == order.zone]
    begin = max([day for day in others if day < first], default=date.min)
    return first, last, begin, min([day for day in others if day > last], default=date.max)


def on_another_day(
    order: WorkOrder, orders: Sequence[WorkOrder], flows: Mapping[date, float], count: int
) -> date | None:
    """The day near an order's job, and between the jobs beside it, on which night flow fell beyond doubt."""
    first, last, begin, end = _place(order, orders)
    days = [first - timedelta(days=step) for step in range(1, ASIDE + 1)]
    days += [last + timedelta(days=step) for step in range(1, ASIDE + 1)]
    best, found = BEYOND, None
    for day in days:
        if not begin < day < end:
            continue
        fell = fall(*stretches(order, orders, flows, count, day)[:2])
        if fell is not None and fell.value > best * fell.half:
            best, found = fell.value / fell.half, day
    return found


def _row(
    question: Question, order: WorkOrder, orders: Sequence[WorkOrder], flows: Mapping[date, float]
) -> tuple[tuple[object, ...], str]:
    count = question.parameters["nights"]
    (job,) = [one for one in jobs(orders) if any(other is order for other in one)]
    if order is not job[-1]:
        verdict = f"told with that of {job[-1].date}"
        name = question.city.zones[order.zone].name or order.zone
        return (order.date, name, order.what, *[None] * 7, verdict), verdict
    before, after, now = stretches(order, orders, flows, count)
    found = fall(before, after)
    name = question.city.zones[order.zone].name or order.zone
    if found is None:
        short = "before" if len(before) < 3 else "after"
        verdict = f"NOT ASSESSABLE fewer than 3 nights {short} it"
        return (order.date, name, order.what, *[None] * 7, verdict), verdict
    done = None if found.sure else on_another_day(order, orders, flows, count)
    if done is not None:
        before, after, now = stretches(order, orders, flows, count, done)
        found = fall(before, after) or found
    last = sum(now.values()) / len(now) if now else None
    again = drop([*after.values()], [*now.values()])
    _, _, _, end = _place(order, orders)
    verdict = _verdict(found, again, end)
    if done is not None:
        aside = (done - order.date).days
        verdict += f"; on {done}, {counted(abs(aside), 'day')} {'after' if aside > 0 else 'before'} the order"
    saved = worth = None
    if found.sure:
        day = [one for one in sorted(flows) if one > (done or order.date)]
        held = [flows[one] for one in day]
        # What later nights flow below the level before it; a later leak takes back what it takes.
        saved = 24 * sum(max(min(found.before - flow, found.value), 0.0) for flow in held)
        price = price_of(question.city)
        worth = None if price is None else saved * price
    row = (
        order.date,
        name,
        order.what,
        found.before,
        found.after,
        found.value,
        found.half,
        last,
        saved,
        worth,
        verdict,
    )
    return row, verdict


def _verdict(found: Drop, again: Drop | None, end: date) -> str:
    """`again`: what the last nights fell by beyond those after the work; `end`: of the zone's next job."""
    if not found.sure:
        if found.value < -found.half:
            return f"DID NOT FALL night flow rose by {flow_text(-found.value, 2)} m³/h"
        return f"DID NOT FALL beyond ± {flow_text(found.half, 2)} m³/h"
    if again is None:
        told = "too early to say whether it holds" if end == date.max else f"the next order came on {end}"
        return f"fell by {flow_text(found.value, 2)} m³/h, {told}"
    back = -again.value
    if back > again.half and back > 0.5 * found.value:
        return f"CAME BACK {flow_text(back, 2)} of {flow_text(found.value, 2)} m³/h"
    return f"fell by {flow_text(found.value, 2)} m³/h, holding"


NOTES = (
    "Method: night flow after a work order against that before it, up to the zone's orders before and after: a level "
    "that wanders from night to night, with the season and the weather, noise, and a fall with the work. What each "
    "weekday usually has more or less is taken out. A night bears the date on which it ends: that of the order's own "
    "day is before the work. Orders of a zone less than three nights apart are told as one job.",
    "Method: the interval is Student's t at 95 %, over all that those nights leave open of how far the level wanders. "
    "The fall holds while the last nights took back less than half of the fall.",
    "Method: where it did not fall with the order, but by twice the interval on another day within a fortnight of it, "
    "with no other order of the zone between, that day is told: orders may bear the day on which they were written.",
    "Source: Harvey and Durbin (1986), The effects of seat belt legislation, J. R. Statist. Soc. A 149(3), for a local "
    "level with an intervention.",
    "Limits: what else changed in those nights counts too: a second leak, a valve, a holiday, pressure.",
)
