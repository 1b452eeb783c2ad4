"""What the watch over leaks promises on this city: leaks of known size put into its own nights, and what was found.

Steps and creeping leaks begin at random nights of the interval, one at a time, in zones that are watched from as long
before it on as in a report. What is raised without any is counted as false, so the false-alarm rate is an upper bound:
a real leak of the past counts as one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import exp, lgamma, log, sqrt
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from cityctl import glossary
from cityctl.analysis.question import Question
from cityctl.analysis.water import night_flow
from cityctl.analysis.water.basis.small import sized
from cityctl.analysis.water.words.columns import FLOW
from cityctl.result import Column, Completeness, Missing, Result, Table
from cityctl.wording import counted

if TYPE_CHECKING:
    from cityctl.analysis.water.nights.judged import Nights
    from cityctl.analysis.water.nights.seen import Seen
    from cityctl.analysis.water.watch.events import Event
    from cityctl.analysis.water.watch.watching import Watch

SHARES = (0.05, 0.10, 0.20)  # of a zone's mean inflow
CREEP = 60  # nights in which a creeping leak grows to its size
WITHIN = 14  # nights after a step, or after a creeping leak is full-grown, in which it has to be found
LEARNT = 60  # nights of history before a leak is put in
FREE = 28  # nights without a known leak that are enough to choose from
CHUNK = 64  # leaks that are watched at a time, which begin about together
BEFORE = 7  # nights before a leak up to which all stands as it does without it

# fmt: off
COLUMNS: tuple[Column, ...] = (
    glossary.column("zone"),
    Column("leak", "Leak", None, "step, or creeping: grown to its size in 60 days", priority=1),
    Column("leak_share", "Size", None, "size of the leak as a share of the mean inflow", "share", 0, 1),
    Column("leak_size", "Flow", FLOW, "size of the leak", "number", 1, 3),
    Column("put_in", "Put in", None, "how many were put in, at random nights", "integer", 0, 3),
    Column("detected", "Found", None, "how many were found in time", "integer", 0, 2),
    Column("detection", "Rate", None, "share that was found in time", "share", 0, 1),
    Column("detection_low", "Low", None, "lower end of the rate's 95 % interval (Wilson)", "share", 0, 2),
    Column("detection_high", "High", None, "upper end of the rate's 95 % interval (Wilson)", "share", 0, 2),
    Column("detection_delay", "Delay", "d", "median days from a found leak's begin to its detection", "number", 1, 2),
    Column("zone_years", "Years", "a", "zone-years of nights that could be judged, less those that are learnt from",
           "number", 1, 2),
    Column("alarms", "Alarms", None, "events raised without a leak put in: all count as false", "integer", 0, 1),
    Column("alarm_rate", "A year", None, "such events a zone-year", "number", 2, 1),
    Column("alarm_low", "Low", None, "lower end of their 95 % interval (Poisson)", "number", 2, 2),
    Column("alarm_high", "High", None, "upper end of their 95 % interval (Poisson)", "number", 2, 2),
)
# fmt: on
BY_KEY = {one.key: one for one in COLUMNS}
_PROMISE = ("zone", "leak", "leak_share", "leak_size", "put_in", "detected", "detection", "detection_low",
            "detection_high", "detection_delay")  # fmt: skip
_ALARMS = ("zone", "zone_years", "alarms", "alarm_rate", "alarm_low", "alarm_high")
ALL = "all zones"
NOTES = (
    "Method: each leak is added to the nights of one zone as they were measured, and the watch is run again as if it "
    "came day by day, with the history before the interval that a report learns from. It begins in a night in which no "
    "leak is known to run, where there are four weeks of them. A step is found if an event is raised within 14 days "
    "that is not raised without it; a creeping leak if one is raised until 14 days after it is full-grown.",
    "Method: intervals of rates are Wilson's (1927), with leaks that begin in the same 60 nights of a zone as one try: "
    "they are found or missed together, and another year has other nights. That of alarms a zone-year is the exact "
    "Poisson interval (Garwood 1936).",
    "Limits: an alarm without a leak put in counts as false, even where a real leak of the past raised it. Where a "
    "leak runs already, another one may be found later. It is the watch over night flow: what customer meters and "
    "pressure sensors add to `report run leaks` is not tried.",
)


@dataclass(frozen=True)
class Trial:
    """One leak put in: `row` of the nights, flow [m³/h], first night, nights in which it grows (0: at once)."""

    row: int
    share: float
    flow: float
    begin: int
    creep: int

    def shape(self, nights: int) -> Any:
        """Its flow in each night [m³/h]."""
        since = np.arange(nights) - self.begin + 1
        grown = np.clip(since / self.creep, 0, 1) if self.creep else (since > 0) * 1.0
        return self.flow * np.where(since > 0, grown, 0.0)


def wilson(share: float, tried: int) -> tuple[float, float]:
    """95 % interval of a share of so many independent tries (Wilson 1927); (0, 1) where nothing was tried."""
    if not tried:
        return 0.0, 1.0
    z = 1.959964
    middle = (share + z * z / (2 * tried)) / (1 + z * z / tried)
    half = z / (1 + z * z / tried) * sqrt(share * (1 - share) / tried + z * z / (4 * tried * tried))
    return max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half))


def lie_apart(trials: Sequence[Trial]) -> int:
    """How many tries these count as: leaks that begin in the same nights of a zone are found, or missed, together."""
    return len({(trial.row, trial.begin // LEARNT) for trial in trials})


def poisson(count: int) -> tuple[float, float]:
    """95 % interval of the expectation of a count (Garwood 1936)."""

    def at_most(most: int, mean: float) -> float:
        return (
            sum(exp(-mean + at * log(mean) - lgamma(at + 1)) for at in range(most + 1)) if mean > 0 else 1.0
        )

    def solved(most: int, chance: float) -> float:
        low, high = 0.0, 10.0 + 3.0 * count
        for _ in range(80):
            middle = (low + high) / 2
            low, high = (middle, high) if at_most(most, middle) > chance else (low, middle)
        return (low + high) / 2

    return (solved(count - 1, 0.975) if count else 0.0), solved(count, 0.025)


def tried(
    question: Question, *, trials: int, seed: int, advance: Callable[[int, int], None] | None = None
) -> Result:
    """The promise: `trials` leaks of each kind and size put into each zone; `advance(done, of)` as it goes on."""
    from cityctl.analysis.water.watch.expected import Assumptions
    from cityctl.analysis.water.watch.watching import watch

    read, closes = night_flow.nights_of(question)
    inside = np.array([close > question.interval.start for close in closes], dtype=np.bool_)[
        -len(read.dates) :
    ]
    base = watch(Assumptions(), night_flow.watchfulness(question), read.seen)
    plan = sorted(
        _plan(read, base, inside, trials, np.random.default_rng(seed)), key=lambda one: (one.creep, one.begin)
    )
    found: list[float | None] = []
    for trial, events in _watched_again(read.seen, plan, base):
        found.append(_delay(trial, events, base.events[trial.row]))
        if advance is not None:
            advance(len(found), len(plan))
    short = [zone.name for row, zone in enumerate(read.zones) if not any(one.row == row for one in plan)]
    return Result(
        title="What the watch over leaks promises here",
        tables=[_promise(read, plan, found), _alarms(read, base, inside)],
        interval=question.interval,
        completeness=Completeness(
            wanted=len(read.zones),
            had=len(read.zones) - len(short),
            missing=[
                Missing(name, f"fewer than {LEARNT + CREEP + WITHIN} nights that can be judged")
                for name in short
            ],
            unit="zones",
        ),
        notes=list(NOTES),
        summary=f"{counted(len(plan), 'leak')} put into {counted(len(read.zones) - len(short), 'zone')}",
    )


def _plan(
    read: Nights, base: Watch, inside: npt.NDArray[np.bool_], trials: int, rng: np.random.Generator
) -> Iterator[Trial]:
    """Random nights `inside`: of those in which no leak is known to run, where there are four weeks of them."""
    nights, start = len(read.dates), int(inside.argmax())
    for row in range(len(read.zones)):
        known = np.flatnonzero(np.isfinite(read.flow[row]))
        if len(known) < LEARNT + CREEP + WITHIN:
            continue
        inflow = float(np.nanmean(read.inflow[row]))
        for creep in (0, CREEP):
            first, last = (
                max(int(known[LEARNT - 1]) + 1, start),
                min(int(known[-1]), nights - 1) - creep - WITHIN,
            )
            if first > last or not inflow > 0:
                continue
            begins = np.arange(first, last + 1)
            free = begins[base.reference.free[row, begins]]
            begins = free if len(free) >= FREE else begins
            for share in SHARES:
                for begin in rng.choice(begins, trials).tolist():
                    yield Trial(row, share, share * inflow, begin, creep)


def _watched_again(seen: Seen, plan: Sequence[Trial], base: Watch) -> Iterator[tuple[Trial, list[Event]]]:
    """Each leak with what its zone raises with it, up to the night by which it has to be found.

    Up to shortly before a leak all is as it is without it: from there on the watch is taken up, as from a memory.
    """
    from cityctl.analysis.water.nights.standing import FIRST, put_back
    from cityctl.analysis.water.watch.resume import Standing

    def watching(seen: Seen) -> Standing:
        return Standing(seen, base.model.given, base.given)

    without, stood = watching(seen), 0
    for at in range(0, len(plan), CHUNK):
        part = plan[at : at + CHUNK]
        begin, rows = min(trial.begin for trial in part) - BEFORE, np.array([trial.row for trial in part])
        again = watching(_with(seen, part, max(trial.begin + trial.creep for trial in part) + WITHIN + 1))
        if begin < FIRST:
            begin = 0
        else:
            if begin < stood:
                without, stood = watching(seen), 0
            without.run(stood, begin)
            stood = begin
            put_back(again, begin, rows, without.standing(begin), without.noted())
        again.run(begin)
        yield from zip(part, again.events, strict=True)


def _with(seen: Seen, trials: Sequence[Trial], nights: int) -> Seen:
    """What the first nights show of these leaks' zones, a row each."""
    from cityctl.analysis.water.basis.rows import day_use

    leaks = np.array([trial.shape(seen.flow.shape[1]) for trial in trials])
    own = seen.of(np.array([trial.row for trial in trials]))
    flow, by_day = own.flow + leaks, own.by_day + leaks
    put = replace(
        own, flow=flow, by_day=by_day, use=day_use(by_day, flow), parts=own.parts + leaks[..., None]
    )
    return put.until(nights)


def _delay(trial: Trial, events: Sequence[Event], base: Sequence[Event]) -> float | None:
    """Days from the begin to the first event in time that would not have been raised without the leak."""
    raised = {event.detected for event in base}
    for event in sorted(events, key=lambda one: one.detected):
        late = event.detected - trial.begin
        if 0 <= late <= trial.creep + WITHIN and not raised & {
            event.detected - 1,
            event.detected,
            event.detected + 1,
        }:
            return late + 0.5  # a leak begins at any hour of the day before its first night
    return None


def _promise(read: Nights, plan: Sequence[Trial], found: Sequence[float | None]) -> Table:
    rows: list[tuple[object, ...]] = []
    zones: list[int | None] = [None, *sorted({trial.row for trial in plan})]
    for zone in zones:
        for creep in (0, CREEP):
            for share in SHARES:
                chosen = [
                    (trial, delay) for trial, delay in zip(plan, found, strict=True)
                    if zone in (None, trial.row) and (trial.share, trial.creep) == (share, creep)
                ]  # fmt: skip
                if not chosen:
                    continue
                delays = [delay for _, delay in chosen if delay is not None]
                rate = len(delays) / len(chosen)
                apart = lie_apart([trial for trial, _ in chosen])
                name = ALL if zone is None else read.zones[zone].name
                rows.append(
                    (name, "creeping" if creep else "step", share, None if zone is None else chosen[0][0].flow,
                     len(chosen), len(delays), rate, *wilson(rate, apart),
                     median(delays) if delays else None)
                )  # fmt: skip
    return sized(Table("promise", "Leaks put in, and found in time", [BY_KEY[key] for key in _PROMISE], rows))


def _alarms(read: Nights, base: Watch, inside: npt.NDArray[np.bool_]) -> Table:
    rows: list[tuple[object, ...]] = []
    total, years = 0, 0.0
    for row, zone in enumerate(read.zones):
        known = np.isfinite(read.flow[row])
        known[np.flatnonzero(known)[: base.given.learning]] = False
        own = float((known & inside).sum()) / 365.25
        count = sum(bool(inside[event.detected]) for event in base.events[row])
        total, years = total + count, years + own
        rows.append((zone.name, *_rate(count, own)))
    return Table("alarms", "Alarms without a leak put in", [BY_KEY[key] for key in _ALARMS],
                 [(ALL, *_rate(total, years)), *rows])  # fmt: skip


def _rate(count: int, years: float) -> tuple[object, ...]:
    if years <= 0:
        return years, count, None, None, None
    low, high = poisson(count)
    return years, count, count / years, low / years, high / years
