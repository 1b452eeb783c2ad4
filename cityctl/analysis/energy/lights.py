"""Street lights against the sun: what burns by day, what stays dark, and hours and energy against what was needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from cityctl import arrow, glossary
from cityctl.analysis.energy.basis import subjects
from cityctl.analysis.energy.basis.network_balance import with_next
from cityctl.analysis.energy.basis.seldom import LEAST_METERED, NOTE, tells, unless_seldom
from cityctl.analysis.energy.basis.switched import is_on
from cityctl.analysis.energy.lighting.burning import held, shares, surely
from cityctl.analysis.energy.lighting.sun import CIVIL, GEOMETRIC, HORIZON, Crossing, Span, crossing
from cityctl.analysis.question import Parameter, Question
from cityctl.city.model import City
from cityctl.city.points import Point
from cityctl.clock import Interval, local_days
from cityctl.errors import UsageProblem
from cityctl.result import Column, Completeness, Finding, Missing, Result, Table
from cityctl.wording import counted, percent

TITLE = "Street lights"
SUMMARY = "burn hours of each lighting circuit against the sun; day burners and dark circuits"
ROLE = "lighting"
LEAST_MINUTES = 30.0  # on by day, or off in the dark, before a day counts
HOUR = 3.6e9  # microseconds
LONGEST_STEP = timedelta(hours=2)  # between two readings: beyond it nobody knows
# fmt: off
COLUMNS: tuple[Column, ...] = (
    Column("circuit", "Circuit", None, "the point of a lighting circuit", priority=1), glossary.column("zone"),
    Column("burnt_h", "Burnt", "h", "time that it was on", "number", 1, 1),
    Column("night_h", "Night", "h", "time from sunset to sunrise that was metered", "number", 1, 2),
    Column("by_day_h", "By day", "h", "time on while the centre of the sun was above the horizon", "number", 1, 2),
    Column("by_day_days", "Day burning", None, "days with more than 30 minutes of it", "integer", 0, 3),
    Column("dark_h", "Dark", "h", "time off while the sun was 6 degrees or more below the horizon", "number", 1, 2),
    Column("dark_nights", "Dark nights", None, "nights with more than 30 minutes of it", "integer", 0, 3),
    Column("burnt_kwh", "Used", "kWh", "energy used, where power or energy is metered", "number", 0, 3),
    Column("wasted_kwh", "Used by day", "kWh", "energy used in that time by day", "number", 0, 4),
    glossary.column("verdict"),
    glossary.column("date"),
    Column("civil_dawn", "Civil dawn", None, "the sun's centre rises above 6 degrees below the horizon", "time",
           priority=3),
    Column("sunrise", "Sunrise", None, "the sun's upper edge rises above the horizon", "time", priority=1),
    Column("sunset", "Sunset", None, "the sun's upper edge sinks below the horizon", "time", priority=1),
    Column("civil_dusk", "Civil dusk", None, "the sun's centre sinks below 6 degrees below the horizon", "time",
           priority=3),
    Column("night_length", "Night", "h", "time of the local day between sunset and sunrise", "number", 2, 2),
)
# fmt: on
_BY_KEY = {one.key: one for one in COLUMNS}
_CIRCUITS = ("circuit", "zone", "burnt_h", "night_h", "by_day_h", "by_day_days", "dark_h", "dark_nights", "burnt_kwh",
             "wasted_kwh", "verdict")  # fmt: skip
_SUN = ("date", "civil_dawn", "sunrise", "sunset", "civil_dusk", "night_length")
PARAMETERS: tuple[Parameter, ...] = ()


@dataclass(frozen=True)
class _Day:
    """The sun of a local day: [start, end) and its crossings."""

    day: date
    start: datetime
    end: datetime
    horizon: Crossing
    civil: Crossing
    centre: Crossing


def points(city: City, parameters: Mapping[str, Any]) -> list[str]:
    """The lighting circuits: points with `role: lighting` that tell a state, a power or an energy."""
    del parameters
    return [point.id for point in _circuits(city)]


def window(interval: Interval, parameters: Mapping[str, Any], city: City) -> Interval:
    """The interval and the first readings after it, which tell the last rise of registers."""
    del parameters, city
    return with_next(interval)


def _circuits(city: City) -> list[Point]:
    return sorted(
        (point for point in city.points().values() if point.role == ROLE), key=lambda point: point.id
    )


def answer(question: Question) -> Result:
    """Each circuit with its verdict, the worst first, and the sun of each day."""
    city = question.city
    if city.location is None:
        raise UsageProblem(
            "city.yaml does not say where the city is", hint="location: {latitude: 52.52, longitude: 13.40}"
        )
    sun = _sun(question)
    circuits, called = _circuits(city), subjects.of_points(city)
    rows: list[tuple[object, ...]] = []
    lacking: list[Missing] = []
    findings: list[Finding] = []
    for point in circuits:
        row = _judge(question, point, sun, lacking)
        if isinstance(row, str):
            lacking.append(Missing(point.id, row))
            continue
        rows.append(row)
        if tells(str(row[-1])):
            findings.append(
                Finding(
                    "street-light",
                    called[point.id],
                    question.interval.start,
                    str(row[-1]),
                    evidence={"point": point.id, "by_day_h": row[4], "dark_h": row[6], "wasted_kwh": row[9]},
                )
            )
    rows.sort(key=lambda row: (row[-1] == "normal", -(float(str(row[4])) + float(str(row[6]))), str(row[0])))
    night = sum(_night(day) for day in sun)
    return Result(
        title=TITLE,
        tables=[
            Table("circuits", TITLE, [_BY_KEY[key] for key in _CIRCUITS], rows),
            Table("sun", "The sun", [_BY_KEY[key] for key in _SUN], [_told(day) for day in sun]),
        ],
        interval=question.interval,
        findings=findings,
        completeness=Completeness(
            len(circuits), len(circuits) - len({one.what for one in lacking}), lacking, "circuits"
        ),
        notes=[*NOTES, NOTE],
        summary=f"{len(findings)} of {len(rows)} circuits burn by day or stay dark, {night:.1f} h of night",
    )


def _sun(question: Question) -> list[_Day]:
    place = question.city.location
    assert place is not None
    zone = question.interval.zone
    return [
        _Day(day, start, end,
             *(crossing(place.latitude, place.longitude, day, low, zone) for low in (HORIZON, CIVIL, GEOMETRIC)))
        for day, start, end in local_days(question.interval)
    ]  # fmt: skip


def _night(day: _Day) -> float:
    """Hours of the local day between sunset and sunrise."""
    return sum((end - start).total_seconds() for start, end in day.horizon.below) / 3600


def _told(day: _Day) -> tuple[object, ...]:
    moments = (day.civil.up, day.horizon.up, day.horizon.down, day.civil.down)
    return (day.day, *(_to_second(moment) for moment in moments), _night(day))


def _to_second(moment: datetime | None) -> datetime | None:
    """The nearest second: more than that the sun's algorithm does not tell."""
    return None if moment is None else (moment + timedelta(milliseconds=500)).replace(microsecond=0)


def _judge(
    question: Question, point: Point, sun: list[_Day], lacking: list[Missing]
) -> tuple[object, ...] | str:
    import numpy as np

    read = _read(question, point)
    if read is None:
        return "no readings"
    start, end, value, on, share = read
    step = (end - start).astype(float)
    metered = float(step.sum()) / 1e6 / question.interval.length.total_seconds()
    if metered < LEAST_METERED:
        lacking.append(Missing(point.id, f"read in {percent(metered)} of the interval"))
    if (value < 0).any():
        lacking.append(Missing(point.id, f"{counted(int((value < 0).sum()), 'reading')} below zero"))
    energy = value if point.quantity == "energy" else value * step / HOUR
    whole = np.maximum(share * step, 1.0)
    night = sum(
        float(part.sum())
        for _, part in held(start, end, [_us(span) for day in sun for span in day.horizon.below])
    )
    wasted = 0.0
    burning: dict[date, float] = {}  # microseconds of the light of a day
    light = [(day.day, _us(span)) for day in sun for span in day.centre.above]
    parts = surely(share, start, end, held(start, end, [span for _, span in light]))
    for (day, _), (touched, part) in zip(light, parts, strict=True):
        wasted += float((energy[touched] * part / whole[touched]).sum())
        burning[day] = burning.get(day, 0.0) + float(part.sum())
    dark: dict[date, float] = {}  # microseconds of the night that begins on a day
    gloom = [(_eve(day, span), _us(span)) for day in sun for span in day.civil.below]
    parts = surely(1 - share, start, end, held(start, end, [span for _, span in gloom]))
    for (eve, _), (_, part) in zip(gloom, parts, strict=True):
        dark[eve] = dark.get(eve, 0.0) + float(part.sum())
    days, nights = (sum(part > LEAST_MINUTES * 6e7 for part in each.values()) for each in (burning, dark))
    told = _tells_energy(point)
    said = [f"BURNS BY DAY on {counted(days, 'day')}"] * (days > 0) + [
        f"DARK on {counted(nights, 'night')}"
    ] * (nights > 0)
    return (
        point.id, point.zone, float((share * step).sum()) / HOUR, night / HOUR, sum(burning.values()) / HOUR, days,
        sum(dark.values()) / HOUR, nights,
        float(energy[on].sum()) if told else None, wasted if told else None,
        unless_seldom("; ".join(said) or "normal", metered),
    )  # fmt: skip


def _tells_energy(point: Point) -> bool:
    return point.quantity in ("energy", "power") and point.kind != "state"


def _read(question: Question, point: Point) -> tuple[Any, Any, Any, Any, Any] | None:
    """Readings [start, end) in microseconds since 1970: value, whether it was on, and for which share of it."""
    import numpy as np

    register = point.kind == "counter"
    table = question.engine.arrow(question.sql("register" if register else "circuit"), {"circuit": point.id})
    if table.num_rows < 2:
        return None
    start = arrow.array_of(table["at"]).astype("datetime64[us]")
    value = arrow.array_of(table["value"]).astype(float)
    if register:
        step = arrow.array_of(table["until"]).astype("datetime64[us]") - start
    else:
        step = np.append(np.diff(start), np.timedelta64(0, "us"))
        step[-1] = np.median(step[:-1])
    asked = start < _utc(question.interval.end)
    if not asked.any():
        return None
    start, value, step = (one[asked] for one in (start.astype(np.int64), value, step.astype(np.int64)))
    if _tells_energy(point):
        of = step if register else np.median(step)  # what an amount is of
        power = value if point.quantity == "power" else value / np.maximum(of, 1) * HOUR
        on = is_on(power)
        share = shares(power, on)
    else:
        on = value > 0.5 if point.kind == "state" else is_on(value)
        share = on.astype(float)
    return start, start + np.where(step > LONGEST_STEP / timedelta(microseconds=1), 0, step), value, on, share


def _eve(day: _Day, dark: Span) -> date:
    """The day on which the night began that a dark part of a day belongs to."""
    return day.day - timedelta(days=1) if dark[0] == day.start and dark[1] != day.end else day.day


def _us(span: Span) -> tuple[int, int]:
    """A span in microseconds since 1970."""
    low, high = (round(moment.timestamp() * 1e6) for moment in span)
    return low, high


def _utc(moment: datetime) -> Any:
    import numpy as np

    return np.datetime64(moment.astimezone(UTC).replace(tzinfo=None), "us")


NOTES = (
    "Method: sunrise and sunset are those of the sun's upper edge at 0.833 degrees below the horizon, civil twilight "
    "ends at 6 degrees. On by day counts while the sun's centre is above the horizon, off in the dark while it is 6 "
    "degrees or more below; a day or a night counts from 30 minutes. A reading holds until the next, at most 2 hours. "
    "Where lamps are switched within one, its mean power says for how long; of one longer than 15 minutes that the sun "
    "cuts in two, only what must lie on that side counts.",
    "Source: NOAA solar calculator (after Meeus), for a flat horizon; white nights are good to minutes.",
    "Limits: a circuit is on above a tenth of its usual power; part-night switching that is wanted shows as dark.",
)
