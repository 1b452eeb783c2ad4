"""How night flow is said: a verdict for each zone, the state and volume of a leak, the days and hours of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from math import ceil, isnan
from typing import TYPE_CHECKING

import numpy as np

from cityctl import clock
from cityctl.analysis.question import Question
from cityctl.analysis.water.basis.rows import Array
from cityctl.analysis.water.basis.small import flow_text
from cityctl.analysis.water.basis.zones import fed, sensor_label
from cityctl.analysis.water.nights.dry import WHY, untold
from cityctl.analysis.water.watch.daytime import SHARE
from cityctl.clock import Interval
from cityctl.units import pretty
from cityctl.wording import counted

if TYPE_CHECKING:
    from cityctl.analysis.water.nights.judged import Nights
    from cityctl.analysis.water.sensors.verdicts import Fault
    from cityctl.analysis.water.watch.events import Event
    from cityctl.analysis.water.watch.resume import Watched

PARTS = 4  # of a night's 24 hours, see sensors/verdicts.py
COARSE = timedelta(hours=2)  # readings further apart say nothing of the night's window
FORTNIGHT, LEAST_DAYS = 14, 5  # days before and after that are compared, and how many have to be known
MISSING_NIGHTS = 3  # of the last seven: with so many no verdict is given
SHOWN = 7
ABOUT_THEN = 7  # nights between the begins of two leaks that may be one
LIMITS = {"full": "; a meter at the end of its scale?", "coarse": "; its meter counts in coarse steps"}
PULSES = (10.0, 100.0, 0.1, 0.01)  # factors that no units have between them
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
BACK = timedelta(days=3)  # before a sensor stood still, in which it last showed another value


def by_day_too(night_before: Array, day_before: Array, night: Array, day: Array) -> str:
    """Whether the day's flow rose by as much as the night's, as a leak's does, or in proportion to what it was [m³/h].

    Empty where too few days are known, or scatter hides it. One sensor alone tells no more.
    """
    known = [one[np.isfinite(one)] for one in (night_before, day_before, night, day)]
    if min(len(one) for one in known) < LEAST_DAYS:
        return ""
    was, was_by_day, now, now_by_day = (float(one.mean()) for one in known)
    rise, course = now - was, was_by_day / was if was > 0 else 0.0
    error = float(known[1].std()) * (1 / len(known[1]) + 1 / len(known[3])) ** 0.5
    if rise <= 0 or course < 1.5 or 1.96 * error > (course - 1) / 2 * rise:
        return ""
    times = (now_by_day - was_by_day) / rise
    if times < 0:
        return "; by day it fell"
    if times + 1.96 * error / rise < SHARE:
        return "; by day by less than half as much, as what only nights use does"
    if times < (1 + course) / 2:
        return "; by day by as much, as a leak does" if times > 1.96 * error / rise else ""
    return f"; by day by {times:.1f} times as much, in proportion: a meter that drifts or more demand does so"


def mornings(weekly: Sequence[float]) -> str:
    """`Tue, Wed and Fri`: the days on which the nights end that have a use of the week."""
    days = [name for name, use in zip(WEEKDAYS, weekly, strict=True) if use]
    return " and ".join([", ".join(days[:-1]), days[-1]] if len(days) > 1 else days)


def _unusual(text: str, more: str) -> str:
    """A verdict on a zone without a leak, with what its last night had more."""
    return f"UNUSUAL {more}{text.removeprefix('normal')}"


@dataclass
class Judged:
    """A zone's verdict; `kind` is leak, sensor, unknown, repaired or normal."""

    kind: str
    text: str

    @property
    def doubtful(self) -> bool:
        """Whether the data do not allow a verdict on leaks."""
        return self.kind in ("sensor", "unknown")


class Telling:
    """One result in the making: the interval's nights and how instants are said."""

    def __init__(self, question: Question, nights: Nights, watch: Watched, closes: list[datetime]) -> None:
        self.question, self.nights, self.watch, self.closes = question, nights, watch, closes
        self.zone: tzinfo = question.interval.zone
        self.inside = [at for at, close in enumerate(closes) if close > question.interval.start]
        self.last = len(closes) - 1
        self._by_night: dict[int, tuple[list[int], list[float], list[float]]] = {}
        self._none = [0] * len(closes), [0.0] * len(closes), [0.0] * len(closes)  # of a zone without a leak
        self._untold: dict[int, str] = {}

    def day(self, moment: datetime) -> str:
        """`Thu 19 Nov`, with the year where it is another than the interval's."""
        local = moment.astimezone(self.zone)
        far = local.year != self.closes[-1].astimezone(self.zone).year
        return f"{local:%a} {local.day} {local:%b}" + (f" {local.year}" if far else "")

    def started(self, event: Event) -> datetime:
        """Between the last night without it and the first one with it."""
        return self.closes[event.started] - timedelta(hours=12)

    def repaired(self, event: Event) -> datetime | None:
        """Between the last night with it and the first one without it."""
        return None if event.repaired is None else self.closes[event.repaired] - timedelta(hours=12)

    def told(self, zone: int) -> list[Event]:
        """The events of a zone that ran within the interval."""
        start = self.question.interval.start
        return [
            event
            for event in self.watch.events[zone]
            if (end := self.repaired(event)) is None or end >= start
        ]

    def nth(self, zone: int, event: Event) -> int:
        """How many leaks of the zone that began in the same night were told before this one."""
        alike = [one for one in self.watch.events[zone] if one.started == event.started]
        alike.sort(key=lambda one: one.detected)
        return next(at for at, one in enumerate(alike) if one is event)

    def state(self, event: Event) -> str:
        """new, growing, steady, repaired, unseen, or weekly: night use and no leak."""
        if event.weekly:
            return "weekly"
        if event.repaired is not None:
            return "unseen" if event.unseen else "repaired"
        if event.creeping and self.last - event.grown <= 7:
            return "growing"
        return "new" if self.last - event.detected <= 3 else "steady"

    def volume(self, zone: int, event: Event) -> float:
        """Lost water [m³]: the flow told from night to night, for whole days but those without any inflow.

        What was night use is not lost.
        """
        if event.weekly:
            return 0.0
        end = self.last + 0.5 if event.repaired is None else event.repaired - 0.5
        begin = event.started - 0.5
        edges = [begin, *(at for at in range(event.started, self.last + 1) if begin < at < end), end]
        sizes = event.sizes_at([min(max(round(at), event.started), self.last) for at in edges])
        still = self.nights.still[zone]
        pieces = zip(edges, edges[1:], sizes, sizes[1:], strict=False)
        return sum(
            (b - a) * 24 * (low + high) / 2
            for a, b, low, high in pieces
            if b > a and not still[min(ceil(b), self.last)]
        )

    def still_days(self, zone: int, event: Event) -> int:
        """Days of a leak in which next to nothing flowed into its zone."""
        end = self.last + 1 if event.repaired is None else event.repaired
        return int(self.nights.still[zone, event.started : end].sum())

    def size(self, event: Event) -> tuple[float, float, float]:
        """(flow, low, high) [m³/h], 95 %."""
        flow, half = float(event.flow), 1.96 * float(event.doubt)
        return flow, max(0.0, flow - half), flow + half

    def leakage(self, zone: int, night: int) -> tuple[float | None, float | None, float | None]:
        """(flow, low, high) [m³/h] of the leaks that run in a night, as they are known at the end, 95 %.

        None where the night cannot be judged and no leak is known to run, as in a zone whose nights are dry, or where
        nothing flowed in.
        """
        runs, flows, variances = self._leakages(zone)
        untold = isnan(self.nights.flow[zone, night]) or bool(self.untold(zone))
        if self.nights.still[zone, night] or (untold and not runs[night]):
            return None, None, None
        flow = flows[night]
        half = 1.96 * (variances[night] + float(self.watch.doubt[zone, night]) ** 2) ** 0.5
        return flow, max(0.0, flow - half), flow + half

    def _leakages(self, zone: int) -> tuple[list[int], list[float], list[float]]:
        """(leaks that run, their flow [m³/h], its variance) in each night of a zone."""
        if zone not in self._by_night:
            count = self.last + 1
            if not self.watch.events[zone]:
                return self._none
            runs, flows, variances = [0] * count, [0.0] * count, [0.0] * count
            for event in (one for one in self.watch.events[zone] if not one.weekly):
                nights = range(event.started, count if event.repaired is None else min(event.repaired, count))
                for night, size in zip(nights, event.sizes_at(nights), strict=True):
                    runs[night] += 1
                    flows[night] += size
                    variances[night] += event.doubt**2
            self._by_night[zone] = runs, flows, variances
        return self._by_night[zone]

    def evidence(self, zone: int, event: Event) -> str:
        """What a leak was told from, in a sentence."""
        what = "inflow less metered use" if zone in self.nights.closed else "night flow"
        unit = pretty("m3/h")
        sure = f", {counted(round(event.told / event.sd), 'standard error')}" if event.sd > 0 else ""
        said = f"{what} rose by {flow_text(event.told)} {unit}{sure}, {event.how}"
        said += self.within(zone, event)
        if zone in self.nights.closed:
            return said
        before = slice(max(0, event.started - FORTNIGHT), event.started)
        end = self.last + 1 if event.repaired is None else event.repaired
        # One that creeps shows most in its last days.
        begin = max(event.started + 1, end - FORTNIGHT) if event.creeping else event.started + 1
        now = slice(begin, min(end, begin + FORTNIGHT))
        flow, day = self.nights.flow[zone], self.nights.by_day[zone]
        return said + by_day_too(flow[before], day[before], flow[now], day[now])

    def within(self, zone: int, event: Event) -> str:
        """Leaks that began about then in zones that lie in this one: the water of both may well be the same."""
        inner = set(fed(self.question.city, self.nights.zones[zone].zone)[1:])
        alike = [
            f"{other.name}, which lies in it, has one since {self.day(self.started(one))}"
            for at, other in enumerate(self.nights.zones)
            if other.zone in inner
            for one in self.told(at)
            if abs(one.started - event.started) <= ABOUT_THEN
        ]
        return "".join(f"; {said}" for said in alike)

    def untold(self, zone: int) -> str:
        """Why a zone that is judged by its nights cannot be; empty where it can."""
        if zone not in self._untold:
            nights = self.nights
            self._untold[zone] = (
                ""
                if zone in nights.closed
                else untold(nights.flow[zone], nights.by_day[zone], nights.parts[zone])
            )
        return self._untold[zone]

    def faults(self, zone: int) -> list[Fault]:
        """What is wrong with a zone's sensors at the end."""
        return sorted((one for one in self._own(zone) if one.covers(self.last)), key=lambda one: one.begin)

    def _own(self, zone: int) -> list[Fault]:
        """All that is or was wrong with a zone's sensors."""
        nights = self.nights
        return [one for sensor in nights.zones[zone].sensors for one in nights.faults.get(sensor, ())]

    def judged(self, zone: int) -> Judged:
        """A zone's verdict, and what of its meters may hide more."""
        told = self._judged(zone)
        first = self.inside[0] * PARTS
        limits = {one.trouble for one in self._own(zone) if one.end is None or one.end > first}
        if not told.doubtful:
            if more := self.last_night(zone):
                told.text = f"{told.text}; {more}" if told.kind == "leak" else _unusual(told.text, more)
            told.text += "".join(said for trouble, said in LIMITS.items() if trouble in limits)
            told.text += self.pressed(zone)
        return told

    def last_night(self, zone: int) -> str:
        """What the last night took far beyond the expected, of which nobody knows yet whether it stays; else empty."""
        beyond = float(self.watch.beyond[zone])
        return f"last night {flow_text(beyond)} {pretty('m3/h')} above the expected" if beyond else ""

    def pressed(self, zone: int) -> str:
        """That a zone's flow has moved with its pressure within the interval; else empty."""
        nights = [one for one in self.watch.pressed.get(zone, ()) if one[0] in self.inside]
        return "".join(
            f"; night flow moved with the pressure, x{ratio:.2f} since {self.day(self.closes[night])}"
            for night, ratio in nights
        )

    def _judged(self, zone: int) -> Judged:
        """Data first: what cannot be judged is not called normal, nor a leak."""
        nights = self.nights
        if nights.zones[zone].inflow is None:
            return Judged("unknown", "UNKNOWN no `inflow:` in city.yaml")
        for fault in self.faults(zone):
            label = sensor_label(self.question.city, fault.sensor)
            return Judged("sensor", f"SENSOR {label} {self.trouble(fault)}")
        known = ~np.isnan(nights.flow[zone])
        recent = known[-SHOWN:]
        lacking = len(recent) - int(recent.sum())
        if not known.any():
            every = self.question.city.points()[str(nights.zones[zone].inflow)].every
            if every is not None and every > COARSE:
                return Judged("unknown", f"UNKNOWN a reading in {clock.short(every)} tells no night flow")
            return Judged("unknown", "UNKNOWN no valid night")
        if lacking >= min(MISSING_NIGHTS, len(recent)):
            return Judged("unknown", f"UNKNOWN {lacking} of {len(recent)} nights missing")
        learnt = int(known.sum() - nights.shut[zone].sum())
        if learnt < self.watch.given.learning:
            needed = self.watch.given.learning
            return Judged("unknown", f"UNKNOWN {learnt} nights of history, {needed} are needed")
        if why := self.untold(zone):
            steps = [fault.value for fault in self._own(zone) if fault.trouble == "coarse"]
            if why == WHY and steps:
                why = f"its inflow comes in steps of {max(steps):.4g} m³/h, too coarse for a night"
            return Judged("unknown", f"UNKNOWN {why}")
        running = [event for event in self.watch.events[zone] if event.repaired is None]
        if running:
            newest = max(running, key=lambda event: event.started)
            growing = "growing " if self.state(newest) == "growing" else ""
            more = f", {len(running)} in all" if len(running) > 1 else ""
            return Judged("leak", f"LEAK {growing}since {self.day(self.started(newest))}{more}")
        told = [event for event in self.told(zone) if not event.weekly]
        ended = [when for event in told if (when := self.repaired(event)) is not None]
        if ended:
            return Judged("repaired", f"normal, flow fell back {self.day(max(ended))}")
        if used := [event for event in self.told(zone) if event.weekly]:
            return Judged("normal", f"normal, night use on {mornings(used[-1].weekly)}")
        return Judged("normal", "normal")

    def trouble(self, fault: Fault) -> str:
        """`frozen since Tue 17 Nov 03:15`, of whatever is wrong with a sensor."""
        since = self.since(fault)
        if fault.trouble == "frozen":
            when = f"since {self.day(since)} {since.astimezone(self.zone):%H:%M}"
            return f"at 0 {when}: shut, or dead?" if self.at_nothing(fault) else f"frozen {when}"
        if fault.trouble == "unit":
            factor = f"{fault.value:.3g}" if fault.value < 1 else f"{fault.value:g}"
            what = "pulses of another weight" if fault.value in PULSES else "another unit"
            return f"jumped by x{factor} on {self.day(since)}: {what}?"
        if fault.trouble == "clock":
            way = "ahead" if fault.value > 0 else "behind"
            return f"clock {abs(fault.value):g} h {way} since {self.day(since)}"
        if fault.trouble == "drift":
            way = "gains" if fault.value > 0 else "loses"
            return f"clock {way} {abs(fault.value):.1f} min a day since {self.day(since)}"
        return f"negative since {self.day(since)}"

    def at_nothing(self, fault: Fault) -> bool:
        """Whether a flow stands at zero: its pipe may be shut, as well as its meter dead."""
        point = self.question.city.points()[fault.sensor]
        return fault.trouble == "frozen" and fault.value == 0 and point.quantity in ("flow", "volume")

    def since(self, fault: Fault) -> datetime:
        """Start of a fault; of a frozen sensor the first reading of the value that it keeps."""
        begin = self.part_start(fault.begin)
        if fault.trouble != "frozen":
            return begin
        after = begin + timedelta(hours=6)
        self.nights.digest.show(Interval(begin - BACK, after, self.question.interval.zone))
        asked = {"point": fault.sensor, "value": fault.value, "before": after.replace(tzinfo=None)}
        found = self.question.engine.rows(self.question.sql("still_since"), asked)
        return begin if not found or found[0][0] is None else found[0][0].replace(tzinfo=UTC)

    def part_start(self, part: int) -> datetime:
        """When a part of six hours begins, hours of a change of clocks left aside; after the last the end."""
        if part >= len(self.closes) * PARTS:
            return self.closes[-1]
        return self.closes[part // PARTS] - timedelta(hours=24 - 6 * (part % PARTS))
