"""One sensor's series put to the tests: thresholds, stretches of flagged readings and what follows. Knows no SQL."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from cityctl import clock, units
from cityctl.analysis.quality import qartod
from cityctl.analysis.quality.qartod import FAIL, MISSING, SUSPECT, Flags, Series
from cityctl.analysis.question import Question
from cityctl.city.points import Point
from cityctl.wording import percent

POSSIBLE: dict[str, qartod.Span] = {
    "acidity": (0.0, 14.0),
    "concentration": (0.0, None),
    "conductivity": (0.0, None),
    "turbidity": (0.0, None),
    "humidity": (0.0, 100.0),
    "pressure": (-1.05, None),  # a vacuum lies 1.013 bar below the air
    "temperature": (-90.0, None),
    "irradiance": (-20.0, 2000.0),  # a cold dome reads a little below zero by night
    "frequency": (0.0, None),
    "voltage": (0.0, None),
}
"""Quantity -> what it can be at all, in its canonical unit."""
TRACE = 0.05  # mg/L: a concentration that probes do not tell from zero
SOUND, DOUBTED, FAILED = 0, 1, 2
TOGETHER = timedelta(hours=1)
_MOST_OF_IT = 0.5
_FIRST = {FAIL: 0, MISSING: 1, SUSPECT: 2}  # which stretches are told first


@dataclass(frozen=True)
class Stretch:
    """Readings of one sensor that bear a flag one after the other; `until` is the last one's time."""

    point: str
    test: str
    flag: int
    since: datetime
    until: datetime
    readings: int
    least: float | None = None
    most: float | None = None


@dataclass
class Tested:
    """What the tests tell of one sensor; `rank` 0 sound, 1 doubted, 2 failed; `passed` of the readings due."""

    point: Point
    readings: int
    passed: float | None
    counts: dict[str, int]
    stretches: list[Stretch]
    verdict: str
    rank: int
    since: datetime | None
    each: list[tuple[object, ...]] = field(default_factory=list)


def tested(
    point: Point,
    times: npt.NDArray[Any],
    values: Series,
    registers: Sequence[tuple[Any, ...]],
    question: Question,
) -> Tested:
    """A series in the unit that city.yaml speaks, in order of time.

    `registers`: (since, until, repair, before, after) of each thing that a counter did that is no counting.
    """
    asked, interval = question.parameters, question.interval
    seconds = times.astype("datetime64[us]").astype(np.int64) / 1e6
    every = point.every.total_seconds() if point.every else _usual_step(seconds)
    counting = point.kind == "counter"
    zero = _zero(point, asked)
    tests = {"range": qartod.gross_range(values, *_spans(point, asked))}
    if not counting:
        tests |= _shape(values, seconds, every, zero, asked)
        tests["flat"] = _flat(values, seconds, zero, asked)
    stretches = [
        one
        for test, flags in tests.items()
        for one in _stretches(point.id, test, flags, times, values, zero, asked)
    ]
    stretches += _gaps(point.id, seconds, every, asked, interval)
    for since, until, repair, before, after in registers:
        flag = SUSPECT if repair == "rollover" else FAIL
        stretches.append(Stretch(point.id, "counter", flag, _utc(since), _utc(until), 1, after, before))
    flags = qartod.worst(*tests.values())
    counts = {test: int(np.isin(own, (SUSPECT, FAIL)).sum()) for test, own in tests.items()}
    counts |= {"gap": sum(one.test == "gap" for one in stretches), "counter": len(registers)}
    due = max(len(values), round(interval.length.total_seconds() / every)) if every else len(values)
    passed = float((flags == qartod.PASS).sum()) / due if due else None
    rank, verdict, since = _verdict(values, flags, stretches, zero, question)
    told = Tested(point, len(values), passed, counts, stretches, verdict, rank, since)
    if asked["each_reading"]:
        none = np.full(len(values), qartod.NOT_EVALUATED, dtype=np.uint8)
        columns = [flags, *(tests.get(test, none) for test in ("range", "spike", "rate", "flat"))]
        stamps = [_utc(one) for one in times.astype("datetime64[us]").tolist()]
        shown = [None if value != value else value for value in values.tolist()]
        unit = [units.pretty(point.shown_unit)] * len(shown)
        told.each = [
            (point.id, *row)
            for row in zip(stamps, shown, unit, *(one.tolist() for one in columns), strict=True)
        ]
    return told


def stretches_together(told: Sequence[Tested]) -> list[tuple[Stretch, int]]:
    """Every stretch, the worst and the longest first, with how many sensors had the same trouble within the hour."""
    every = [one for sensor in told for one in sensor.stretches]
    by_hour: dict[tuple[str, int], set[str]] = defaultdict(set)
    for one in every:
        by_hour[one.test, int(one.since.timestamp() // TOGETHER.total_seconds())].add(one.point)
    found = []
    for one in every:
        hour = int(one.since.timestamp() // TOGETHER.total_seconds())
        near = {name for step in (-1, 0, 1) for name in by_hour.get((one.test, hour + step), ())}
        found.append((one, len(near)))
    return sorted(
        found, key=lambda pair: (_FIRST[pair[0].flag], pair[0].since - pair[0].until, pair[0].point)
    )


def _usual_step(seconds: Series) -> float | None:
    return float(np.median(np.diff(seconds))) if len(seconds) > 2 else None


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC)


def _spans(point: Point, asked: Mapping[str, Any]) -> tuple[qartod.Span, qartod.Span]:
    """(range beyond which a reading fails, beyond which it is suspect), in the point's own unit."""
    factor, offset = units.linear(point.unit, point.shown_unit)
    low, high = (
        None if end is None else end * factor + offset for end in POSSIBLE.get(point.quantity, (None, None))
    )
    given = asked["low"], asked["high"]
    fail = (low if given[0] is None else given[0], high if given[1] is None else given[1])
    return fail, (asked["suspect_low"], asked["suspect_high"])


def _zero(point: Point, asked: Mapping[str, Any]) -> float:
    if asked["zero"] is not None:
        return float(asked["zero"])
    return units.convert(TRACE, point.unit, point.shown_unit) if point.quantity == "concentration" else 0.0


def _shape(
    values: Series, seconds: Series, every: float | None, zero: float, asked: Mapping[str, Any]
) -> dict[str, Flags]:
    """Spikes and rates of change: as far as limits are given, or the sensor's own way tells them."""
    differential = asked["spike_method"] == "differential"
    told = {}
    limit = asked["spike"]
    if limit is None:
        limit = _learnt(qartod.prominence(values, differential=False), asked["usual_times"])
    if limit is not None or asked["spike_fail"] is not None:
        least = np.inf if limit is None else limit
        told["spike"] = qartod.spike(values, least, asked["spike_fail"], differential=differential)
    limit, switched = asked["rate"], np.zeros(len(values), dtype=bool)
    if limit is None:
        steps = np.concatenate([[np.nan], np.diff(seconds)])
        rates = qartod.steepness(values, seconds) * 3600
        # What is switched on or off jumps by its nature, and what changed across a gap is no way of the sensor.
        with np.errstate(invalid="ignore"):
            resting = np.abs(values) <= zero
        switched = resting | np.concatenate([[False], resting[:-1]])
        limit = _learnt(rates[(steps <= 1.5 * (every or np.inf)) & ~switched], asked["usual_times"])
    if limit is not None or asked["rate_fail"] is not None:
        fail = None if asked["rate_fail"] is None else asked["rate_fail"] / 3600
        least = np.inf if limit is None else limit / 3600
        told["rate"] = qartod.rate_of_change(values, seconds, least, fail)
        told["rate"][switched & (told["rate"] == SUSPECT)] = qartod.PASS
    return told


def _learnt(figures: Series, times: float) -> float | None:
    """So many times what 95 % stay below; None of fewer than a hundred, or where most do not move."""
    known = figures[np.isfinite(figures)]
    if len(known) < 100 or not times:
        return None
    usual = float(np.quantile(known, 0.95))
    return times * usual if usual > 0 else None


def _flat(values: Series, seconds: Series, zero: float, asked: Mapping[str, Any]) -> Flags:
    """Flat lines; at zero only those that are longer than a rest."""
    spans = tuple(asked[key].total_seconds() for key in ("flat_suspect", "flat_fail"))
    with np.errstate(invalid="ignore"):
        resting = np.abs(values) <= zero
    level = np.where(resting, 0.0, values)
    rest, tolerance = asked["rest"].total_seconds(), asked["tolerance"]
    flags = qartod.flat_line(level, seconds, spans[0], spans[1], tolerance)
    # Zero may be the truth for as long as it likes: it is suspect, and no failure.
    longer = qartod.flat_line(level, seconds, max(spans[1], rest), None, tolerance)
    told: Flags = np.where(resting, longer, flags)
    return told


def _stretches(
    point: str,
    test: str,
    flags: Flags,
    times: npt.NDArray[Any],
    values: Series,
    zero: float,
    asked: Mapping[str, Any],
) -> list[Stretch]:
    """Runs of suspect and failed readings; a flat line began when the value was first shown."""
    marked = np.isin(flags, (SUSPECT, FAIL))
    with np.errstate(invalid="ignore"):
        level = np.where(np.abs(values) <= zero, 0.0, values)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], marked.view(np.int8), [0]])))
    found = []
    for first, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        begin = first
        while test == "flat" and begin and abs(level[begin - 1] - level[first]) <= asked["tolerance"]:
            begin -= 1
        since, until = (_utc(times[at].astype("datetime64[us]").item()) for at in (begin, end - 1))
        known = values[first:end][np.isfinite(values[first:end])]
        found.append(
            Stretch(point, test, int(flags[first:end].max()), since, until, end - begin, float(known.min()),
                    float(known.max()))
        )  # fmt: skip
    return found


def _gaps(
    point: str, seconds: Series, every: float | None, asked: Mapping[str, Any], interval: clock.Interval
) -> list[Stretch]:
    """Times without a reading, those at the interval's ends among them; none where nobody knows when one is due."""
    if not every:
        return []
    ends = np.concatenate([[interval.start.timestamp() - every], seconds, [interval.end.timestamp()]])
    long = np.flatnonzero(np.diff(ends) > asked["gap"] * every)
    return [
        Stretch(
            point, "gap", MISSING,
            datetime.fromtimestamp(max(ends[at] + every, interval.start.timestamp()), UTC),
            datetime.fromtimestamp(ends[at + 1], UTC), 0,
        )
        for at in long.tolist()
    ]  # fmt: skip


def _verdict(
    values: Series, flags: Flags, stretches: Sequence[Stretch], zero: float, question: Question
) -> tuple[int, str, datetime | None]:
    """(rank, words, since when): what cannot be judged goes before what fails, and that before what is doubted."""
    asked, zone = question.parameters, question.interval.zone
    known = np.isfinite(values)
    if not known.any():
        return DOUBTED, "NOT ASSESSABLE no reading has a value", None
    flat = [one for one in stretches if one.test == "flat" and one.most is not None]
    for one in sorted(flat, key=lambda one: one.since - one.until):
        long, most = one.until - one.since, one.most or 0.0
        since = one.since.astimezone(zone)
        if max(abs(most), abs(one.least or 0.0)) <= zero:
            if long > _MOST_OF_IT * question.interval.length:
                text = f"NOT ASSESSABLE at zero for {clock.short(long)}: dead, or an emergency; look, take a sample"
                return DOUBTED, text, one.since
        elif one.flag == FAIL:
            text = (
                f"FROZEN at {most:.4g} for {clock.short(long)} since {since:%a} {since.day} {since:%b %H:%M}"
            )
            return FAILED, text, one.since
    failed = float((flags == FAIL).sum()) / int(known.sum())
    by_test = {
        test: [one for one in stretches if one.test == test]
        for test in ("range", "spike", "rate", "flat", "counter", "gap")
    }
    said = ", ".join(f"{test} {len(found)}" for test, found in by_test.items() if found)
    if failed > asked["most_failed"]:
        first = min(one.since for one in stretches if one.flag == FAIL)
        return FAILED, f"FAILS {percent(failed, 1)} of its readings: {said}", first
    if said:
        return DOUBTED, f"SUSPECT {said}", None
    return SOUND, "normal", None
