"""Views for people's SQL: `water.hafen`, `water.hafen_wide`, `used`, `repairs`, in the city's units and local time.

A view costs nothing until it is asked. Local time is a sum of the reading's time and the zone's offset, found
among the few instants at which the clocks change: no row is converted on its own. Knows SQL and city.yaml.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from cityctl import units
from cityctl.arrow import floats, integers, table, texts
from cityctl.clock import Interval
from cityctl.engine.duck import Engine, name_literal, text_literal
from cityctl.reading import Quality
from cityctl.store.segments.scan import INNER, Filter, instant, micros
from cityctl.store.segments.words import keep as keep_words
from cityctl.store.views import counters

if TYPE_CHECKING:
    from cityctl.city.model import City
    from cityctl.store.register import Series

_HOUR = timedelta(hours=1)
_WIDEST = 200  # columns of a wide view
_TAKEN = {"main", "temp", "pg_catalog", "information_schema", "system", INNER}
_SHOWN = f"{INNER}.shown"
_STATES = f"{INNER}.states"
_COUNTERS = f"{INNER}.{counters.COUNTERS}"


@dataclass(frozen=True)
class View:
    """A table or view that people may ask, and what it holds."""

    name: str
    what: str


BASE: tuple[View, ...] = (
    View("readings", "every reading once: UTC, canonical units, quality 0 good to 3 bad"),
    View("points", "the points of city.yaml"),
    View("zones", "the zones, with what is known of them"),
    View("calendar", "half-hours of UTC with local time, day, weekday and holiday"),
    View("interventions", "what was done to save, and when"),
    View("used", "what each counter counted between two readings, repaired"),
    View("words", "texts of alarms and modes, by the code that stands in `readings` for each"),
    View("repairs", "what was left out or put right in counters, and why"),
)


def attach_people(
    engine: Engine, city: City, series: dict[str, Series], interval: Interval, words: Mapping[int, str]
) -> list[View]:
    """Make the views over the engine's view `readings`, and say which there are.

    A schema for each network with `readings` and, for each zone, its readings one a row and, as `ZONE_wide`,
    one column a point.
    """
    _keep(engine, city, series)
    keep_words(engine, words)
    local = local_time(city.zone_info, interval)
    grades = " ".join(f"WHEN {int(grade)} THEN '{grade.name.lower()}'" for grade in Quality)
    shown = (
        f"SELECT r.point, r.time, {local.format('r.time')} AS local, "
        "CASE WHEN w.code IS NULL THEN r.value * u.scale + u.shift END AS value, u.unit, "
        f"CASE r.quality {grades} END AS quality, coalesce(w.word, s.name) AS state, u.zone, u.network "
        f"FROM main.readings AS r JOIN {_SHOWN} AS u ON u.point = r.point "
        f"LEFT JOIN {_STATES} AS s ON s.point = r.point AND s.code = r.value "
        "LEFT JOIN main.words AS w ON w.code = r.value"
    )
    views = list(BASE)
    points = city.points()
    for network, schema in _names(city.networks, _TAKEN).items():
        engine.execute(f"CREATE SCHEMA IF NOT EXISTS {name_literal(schema)}")
        zones = [name for name, zone in city.zones.items() if zone.network == network]
        of_network = [name for name, point in points.items() if point.network == network]
        views.append(
            View(f"{_said(schema)}.readings", f"readings of {network}: local time, the city's units")
        )
        _view(
            engine,
            f"{name_literal(schema)}.readings",
            f"SELECT local, time, zone, point, value, unit, quality, state FROM ({shown}) WHERE {_among(of_network)}",
        )
        for zone, said in _names(zones, {"readings"}).items():
            names = [name for name in of_network if points[name].zone == zone]
            title = city.zones[zone].name or zone
            views.append(View(f"{_said(schema)}.{_said(said)}", f"readings of {title}, one a row"))
            _view(
                engine,
                f"{name_literal(schema)}.{name_literal(said)}",
                f"SELECT local, time, point, value, unit, quality, state FROM ({shown}) WHERE {_among(names)}",
            )
            if 0 < len(names) <= _WIDEST:
                wide = f"{said}_wide"
                views.append(
                    View(f"{_said(schema)}.{_said(wide)}", f"readings of {title}, one column a point")
                )
                _view(
                    engine,
                    f"{name_literal(schema)}.{name_literal(wide)}",
                    _wide(names, city, local, bool(words)),
                )
    _counter_views(engine, local)
    return views


def _view(engine: Engine, name: str, query: str) -> None:
    engine.execute(f"CREATE OR REPLACE VIEW {name} AS {query}")


def _wide(names: Sequence[str], city: City, local: str, words: bool) -> str:
    points = city.points()
    cells = []
    for name, column in _names(names, {"local", "time"}, plain=False).items():
        if words and points[name].kind == "state":
            cells.append(
                f"max(coalesce(w.word, value::VARCHAR)) FILTER (WHERE point = {text_literal(name)}) "
                f"AS {name_literal(column)}"
            )
            continue
        scale, shift = units.linear(points[name].unit, points[name].shown_unit)
        cells.append(
            f"max(value) FILTER (WHERE point = {text_literal(name)}) * {scale!r} + {shift!r} AS {name_literal(column)}"
        )
    return (
        f"SELECT {local.format('time')} AS local, time, {', '.join(cells)} FROM main.readings "
        f"{'LEFT JOIN main.words AS w ON w.code = value ' if words else ''}WHERE {_among(names)} "
        "GROUP BY time"
    )


def _counter_views(engine: Engine, local: str) -> None:
    counting = f"SELECT * FROM main.readings WHERE point IN (SELECT point FROM {_COUNTERS})"
    scaled = ", ".join(f"{name} * u.scale AS {name}" for name in ("amount", "before", "after"))
    for name, query, time in (
        ("used", counters.steps(counting, _COUNTERS), "q.since, q.until"),
        ("repairs", counters.repairs(counting, _COUNTERS), "q.time"),
    ):
        first = time.split(", ", maxsplit=1)[0]
        quality = "q.quality, " if name == "used" else ""
        _view(
            engine,
            name,
            f"SELECT q.point, {local.format(first)} AS local, {time}, {scaled}, u.unit, {quality}q.repair "
            f"FROM ({query}) AS q JOIN {_SHOWN} AS u ON u.point = q.point",
        )


def _keep(engine: Engine, city: City, series: dict[str, Series]) -> None:
    known = city.points()
    rows: list[tuple[str, float, float, str | None, str | None, str | None]] = [
        (name, *units.linear(point.unit, point.shown_unit), point.shown_unit, point.zone, point.network)
        for name, point in known.items()
    ]
    rows += [(name, 1.0, 0.0, entry.unit, None, None) for name, entry in series.items() if name not in known]
    named, scales, shifts, spoken, zones, networks = (
        [list(column) for column in zip(*rows, strict=True)] if rows else [[], [], [], [], [], []]
    )
    engine.execute(f"CREATE SCHEMA IF NOT EXISTS {INNER}")
    engine.keep(
        _SHOWN,
        table(
            point=texts(named), scale=floats(scales), shift=floats(shifts), unit=texts(spoken), zone=texts(zones),
            network=texts(networks),
        ),
    )  # fmt: skip
    states = [(name, code, word) for name, point in known.items() for code, word in point.states]
    engine.keep(
        _STATES,
        table(
            point=texts([row[0] for row in states]),
            code=integers([row[1] for row in states]),
            name=texts([row[2] for row in states]),
        ),
    )
    counters.keep_counters(engine, known, _COUNTERS)


def local_time(zone: ZoneInfo, interval: Interval) -> str:
    """SQL of the local time of an instant `{0}` (timestamps, UTC), for instants in the interval and a day about it."""
    start, end = interval.start - timedelta(days=2), interval.end + timedelta(days=2)
    begin = _offset(start, zone)
    return f"({{0}} + to_microseconds({_choice(begin, changes(zone, start, end))}))"


def changes(zone: ZoneInfo, start: datetime, end: datetime) -> list[tuple[int, int]]:
    """(instant, offset from then on) at which local clocks change their offset from UTC, both in µs."""
    found = []
    at, offset = start.astimezone(UTC), _offset(start, zone)
    while at < end:
        after = at + timedelta(days=7)
        if (then := _offset(after, zone)) != offset:
            low, high = at, after
            while high - low > timedelta(seconds=1):
                middle = low + (high - low) / 2
                low, high = (middle, high) if _offset(middle, zone) == offset else (low, middle)
            change = high.replace(microsecond=0)
            # Another change within the week is found from here on.
            offset = _offset(change, zone)
            found.append((micros(change), offset))
            after = change if offset != then else after
        at = after
    return found


def _choice(before: int, after: Sequence[tuple[int, int]]) -> str:
    """CASE over the changes, halved again and again: a century of them is seven comparisons deep."""
    if not after:
        return f"{before}::BIGINT"
    middle = len(after) // 2
    at, offset = after[middle]
    early, late = _choice(before, after[:middle]), _choice(offset, after[middle + 1 :])
    return f"CASE WHEN {{0}} < {instant(at)} THEN {early} ELSE {late} END"


def _offset(moment: datetime, zone: ZoneInfo) -> int:
    shift = moment.astimezone(zone).utcoffset()
    assert shift is not None
    return shift // timedelta(microseconds=1)


def _names(keys: Iterable[str], taken: set[str], *, plain: bool = True) -> dict[str, str]:
    """key -> the name that SQL knows it by: `town-hall` is town_hall, so that nobody has to quote it."""
    used = {name.casefold() for name in taken}
    names: dict[str, str] = {}
    for key in keys:
        name = re.sub(r"\W", "_", key) if plain else key
        while name.casefold() in used:
            name += "_"
        used.add(name.casefold())
        names[key] = name
    return names


def _said(name: str) -> str:
    """How a name is written in SQL."""
    return name if re.fullmatch(r"[A-Za-z_]\w*", name) else name_literal(name)


def _among(points: Sequence[str]) -> str:
    return Filter(points=tuple(points)).sql
