"""The nights of all zones as arrays: the readings reduced to nights, then sensors judged and nights cleaned."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

import numpy as np
import numpy.typing as npt

from cityctl.analysis.question import Memory, Question
from cityctl.analysis.water.basis.rows import Array, day_use, quantile
from cityctl.analysis.water.basis.zones import Asked
from cityctl.analysis.water.nights.digest import Beside, Digest
from cityctl.analysis.water.nights.dry import MANY as OF_MANY
from cityctl.analysis.water.nights.dry import Usual, nothing_flowed, usual_inflow
from cityctl.analysis.water.nights.grid import Grid
from cityctl.analysis.water.nights.seen import ROUND, Moved, Seen
from cityctl.analysis.water.nights.standing import mark, taken_up
from cityctl.analysis.water.sensors import verdicts
from cityctl.analysis.water.sensors.clocks import Clocks, Jump
from cityctl.analysis.water.sensors.drifts import Drift, Drifting
from cityctl.analysis.water.sensors.verdicts import Fault, Shown

COARSE = 1.5  # windows that a single reading stands for, from which it says nothing of this one
RARE, LEAST_NIGHT = 0.7, 0.1  # share of nights with few of them, and of the mean inflow that a night flow is
MANY = 8  # readings of a window of which a single one that stands alone is left out ...
SPIKES = 0.1  # ... or this share of more
PULSE, EVEN = 0.25, 0.02  # share of the mean inflow that a pulse makes, and of a pulse that readings are off


@dataclass
class Nights:
    """Arrays are (zones x nights); a night bears the date on which its window ends.

    `flow` [m³/h] is nan where the night cannot be judged and `measured` what was there all the same; `mean` is the
    window's, without spikes, and where these are many its median; `present` is the share of the window's readings
    (0 where there are none); `use`, `kinds`, `inflow`, `by_day`, `parts`, `shut` and `moved` are what seen.Seen takes;
    `digest` is what they were made from; `closed` rows have customer meters that close their balance. In nights that
    are `still` next to nothing flowed in, whether the zone was shut or its meter dead.
    """

    zones: list[Asked]
    dates: list[date]
    flow: Array
    measured: Array
    mean: Array
    present: Array
    use: Array
    kinds: npt.NDArray[np.int64]
    inflow: Array
    by_day: Array
    parts: Array
    shut: npt.NDArray[np.bool_]
    faults: dict[str, list[Fault]]
    digest: Digest
    still: npt.NDArray[np.bool_]
    moved: Moved
    closed: set[int] = field(default_factory=set)

    @property
    def seen(self) -> Seen:
        """What the watch takes."""
        phase = self.dates[0].toordinal() % ROUND
        shown = Seen(self.flow, self.use, self.kinds, self.inflow, self.by_day, self.parts, phase=phase)
        return replace(shown, moved=self.moved).without(self.shut)


def read(
    question: Question,
    zones: list[Asked],
    dates: list[date],
    extra: Sequence[str] = (),
    beside: Beside | None = None,
) -> Nights:
    """Nights of these zones on these dates, from the first that has readings on.

    `question.engine` holds a calendar, and readings unless the question's memory shows them; `extra` points are reduced
    to parts of nights beside the zones' own, and `beside` asks something of these.
    """
    inflows = sorted({zone.inflow for zone in zones if zone.inflow is not None})
    feeds = sorted({sensor for zone in zones for sensor in zone.sensors})
    names = sorted({*inflows, *feeds, *extra})
    digest = Digest(question, names, set(inflows), set(feeds), dates, beside or Beside())
    first = digest.first("sensors")
    dates = [day for day in dates if first is None or day >= first] or dates[-1:]
    inflow_of = [zone.inflow or "" for zone in zones]
    told = digest.grid("nights", inflow_of, dates).of
    mean, median, lowest = (told(key) for key in ("mean", "median", "lowest_hour"))
    error, by_day, whole = (told(key) for key in ("median_error", "by_day", "inflow"))
    covered = np.nan_to_num(told("present"))
    present = np.minimum(covered, 1.0)
    by_day[~(told("day_present") >= 0.75)] = np.nan
    faults = _faults(question, digest.grid("sensors", feeds, dates), feeds, dates)
    masked = np.zeros(whole.shape, dtype=np.bool_)
    wrong = [[fault for sensor in zone.sensors for fault in faults.get(sensor, ())] for zone in zones]
    for row, own in enumerate(wrong):
        masked[row] = verdicts.masked(own, len(dates))
    usual, shut = _usual(question.memory, zones, dates, np.where(masked, np.nan, whole))
    usual = np.nan_to_num(usual)
    still = shut | nothing_flowed(whole, usual)
    counted, spiked, spikes = (told(key) for key in ("counted", "spiked", "spikes"))
    smooth = np.array([not zone.stepped for zone in zones])[:, None]
    # In a hamlet a pulse is much of what flows, each stands alone and is no spike: all of them are the night's flow.
    pulses = (told("uneven") <= EVEN) & (told("pulse") >= PULSE * usual) & (usual < OF_MANY)
    smooth = smooth & ~pulses
    with np.errstate(invalid="ignore"):
        few_spikes = (counted >= MANY) & (spikes <= np.maximum(SPIKES * counted, 1))
        lone = (smooth | _switched(few_spikes, counted, median, usual)) & few_spikes & (spikes >= 1)
        mean = np.where(lone, (mean * counted - spiked) / np.maximum(counted - spikes, 1), mean)
        usual_gap = np.maximum(np.maximum(0.5 * np.abs(median), 0.1 * np.abs(usual)), 3 * error)
        spiky = np.abs(mean - median) > usual_gap
    spiky &= smooth
    least = told("least")
    # Of two or three readings the middle tells no spike: where they lie far apart, the lowest is believed.
    with np.errstate(invalid="ignore"):
        few = (counted <= 3) & (mean - least > np.maximum(np.abs(least), 0.1 * np.abs(usual)))
    median, spiky = np.where(few, least, median), spiky | few
    mean = np.where(spiky, median, mean)
    measured = lowest if question.parameters["method"] == "lowest_hour" else mean
    measured = np.where(present >= question.parameters["night_share"], measured, np.nan)
    # One reading of far more time than the window, such as a day's, happens to bear a stamp within it.
    measured = np.where((counted <= 1) & (covered >= COARSE), np.nan, measured)
    flow = np.where(masked, np.nan, measured)
    by_day = np.where(np.isnan(flow), np.nan, by_day)
    course = digest.grid("courses", inflow_of, dates).of("flow")
    parts = np.where(np.isnan(flow)[..., None], np.nan, course)
    kinds = np.array(question.city.kinds_of(dates), dtype=np.int64)
    use = day_use(np.where(shut, np.nan, by_day), np.where(shut, np.nan, flow))
    since = verdicts.turned(wrong, turns_of(dates, question.interval.zone), len(dates))
    return Nights(
        zones,
        dates,
        flow,
        measured,
        mean,
        present,
        use,
        kinds,
        usual,
        by_day,
        parts,
        shut,
        faults,
        digest,
        still,
        Moved(since, np.full(since.shape, np.nan)),
    )


def _switched(
    few: npt.NDArray[np.bool_], counted: Array, median: Array, usual: Array
) -> npt.NDArray[np.bool_]:
    """Where readings of an inflow that a level is part of stand alone as a pump was switched: (zones x nights).

    A pump's flow shows a reading before the level does. The last digit of a level makes such readings in most nights,
    or, where it hardly moves, leaves nothing beside them that could be a night flow.
    """
    known = np.cumsum(counted >= MANY, axis=1)
    rare = np.cumsum(few, axis=1) >= RARE * np.maximum(known, 1)
    told: npt.NDArray[np.bool_] = rare & (median > LEAST_NIGHT * usual) & (median < usual)
    return told


def _faults(
    question: Question, told: Grid, names: Sequence[str], dates: Sequence[date]
) -> dict[str, list[Fault]]:
    """sensor -> what is wrong with it, of the sensors that any zone's inflow needs."""
    if not names:
        return {}
    known, turns = question.city.points(), turns_of(dates, question.interval.zone)
    keys = ("readings", "mean", "least", "most", "negatives")
    shown = Shown(*(told.of(key, 0.0).reshape(len(names), -1) for key in keys))
    flows = np.array([known[name].quantity in ("flow", "volume") for name in names], dtype=np.bool_)
    halves = np.stack([told.of("early"), told.of("late")], axis=3)[flows]
    courses = _day_courses(shown.readings[flows].reshape(halves.shape[:3]), halves)
    measuring = [name for name, flow in zip(names, flows, strict=True) if flow]
    jumps = _jumps(question.memory, measuring, dates, courses)
    drifted = _drifts(question.memory, measuring, dates, courses)
    found = verdicts.faults(names, shown, flows, jumps=jumps, drifted=drifted, turns=turns)
    for fault in verdicts.seen_through(names, shown, found, flows):
        found[fault.sensor].append(fault)
    verdicts.of_all(found, int(flows.sum()))
    return {name: own for name, own in found.items() if own}


def _jumps(
    memory: Memory | None, names: list[str], dates: Sequence[date], courses: Array
) -> dict[str, list[Jump]]:
    """sensor -> the jumps of its clock."""
    return _turned(memory, "clocks", names, dates, courses, Clocks)


def _drifts(
    memory: Memory | None, names: list[str], dates: Sequence[date], courses: Array
) -> dict[str, list[Drift]]:
    """sensor -> the drifts of its clock."""
    phase = dates[0].toordinal() % ROUND
    return _turned(memory, "drifts", names, dates, courses, lambda own: Drifting(own, phase))


def _turned(
    memory: Memory | None,
    name: str,
    names: list[str],
    dates: Sequence[date],
    courses: Array,
    judge: Callable[[Array], Any],
) -> dict[str, Any]:
    """sensor -> what a judge of many courses tells of its own."""
    told = taken_up(
        memory,
        name,
        names,
        dates,
        len(names),
        lambda nights: [mark(course[:nights]) for course in courses],
        lambda rows: judge(courses[rows]),
    )
    return {names[row]: one.of(at) for rows, one in told for at, row in enumerate(rows.tolist())}


def _usual(
    memory: Memory | None, zones: list[Asked], dates: Sequence[date], inflows: Array
) -> tuple[Array, npt.NDArray[np.bool_]]:
    """See usual_inflow."""
    usual = Usual(inflows)
    for rows, one in taken_up(
        memory,
        "inflows",
        [zone.zone for zone in zones],
        dates,
        len(zones),
        lambda nights: [mark(inflow[:nights]) for inflow in inflows],
        lambda rows: Usual(inflows[rows]),
    ):
        usual.long[rows], usual.short[rows] = one.long, one.short
    return usual_inflow(inflows, usual)


def _day_courses(readings: Array, halves: Array) -> Array:
    """(sensors x nights x parts of three hours), nan where much of six hours is missing."""
    sensors, nights, parts = readings.shape
    usual = quantile(np.where(readings > 0, readings, np.nan).reshape(sensors, -1), 0.5)
    whole = readings >= np.fmax(5 / 6 * usual, 1.0)[:, None, None]
    told: Array = np.where(whole[..., None], halves, np.nan).reshape(sensors, nights, 2 * parts)
    return told


def turns_of(dates: Sequence[date], zone: tzinfo) -> dict[int, float]:
    """Night -> hours by which the clocks were put forward in the day before it."""
    noons = [
        datetime(day.year, day.month, day.day, 12, tzinfo=zone).utcoffset() or timedelta() for day in dates
    ]
    return {
        at: (after - before) / timedelta(hours=1)
        for at, (before, after) in enumerate(itertools.pairwise(noons), 1)
        if after != before
    }


def dates_of(first: date, last: date) -> list[date]:
    """Each date from the first to the last, both included."""
    return [first + timedelta(days=day) for day in range((last - first).days + 1)]
