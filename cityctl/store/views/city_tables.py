"""Shows what the city is to an engine: the tables points, zones, calendar and interventions.

Knows city.yaml's model and Arrow; knows no readings.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from cityctl.arrow import codes, dates, flags, floats, integers, table, texts, times
from cityctl.clock import Interval
from cityctl.engine.duck import Engine

if TYPE_CHECKING:
    import pyarrow as pa

    from cityctl.city.model import City


def attach_city(engine: Engine, city: City, interval: Interval) -> None:
    """Make these tables, replacing those of an earlier call:

    points(point, name, zone, network, quantity, unit, kind, every_s, role, asset);
    zones(zone, name, network, kind, parent, mains_km [km], connections, pressure_m [m of head], people,
    floor_area_m2 [m²], inflow (point), temperature (point), night_use [m³/h]);
    calendar(slot TIMESTAMP UTC every half-hour of the interval, local TIMESTAMP, day DATE, minute of the local
    day, weekday 1 = Monday, holiday); interventions(zone, point, date, what).
    """
    engine.keep("points", _points(city))
    engine.keep("zones", _zones(city))
    engine.keep("calendar", calendar(city, interval))
    engine.keep("interventions", _interventions(city))


def calendar(city: City, interval: Interval) -> pa.Table:
    """Half-hours of UTC that touch the interval, with their local time."""
    import numpy as np

    half = np.timedelta64(30, "m")
    start = np.datetime64(interval.start.astimezone(UTC).replace(tzinfo=None), "us")
    end = np.datetime64(interval.end.astimezone(UTC).replace(tzinfo=None), "us")
    first = start - (start - np.datetime64(0, "us")) % half
    slots = np.arange(first, end, half)
    local = slots + _offsets(slots, city.zone_info)
    days = local.astype("datetime64[D]")
    numbers = days.astype(np.int64)
    years = [int(str(day)[:4]) for day in (days[0], days[-1])] if len(days) else [1970, 1970]
    holidays = np.array(sorted(city.holidays(years[0], years[1])), dtype="datetime64[D]")
    since_1970 = np.datetime64(0, "us")
    return table(
        slot=times((slots - since_1970).astype(np.int64)),
        local=times((local - since_1970).astype(np.int64)),
        day=dates(days),
        minute=codes((local - days) // np.timedelta64(1, "m")),
        weekday=codes((numbers + 3) % 7 + 1),  # 1970-01-01 was a Thursday
        holiday=flags(np.isin(days, holidays)),
    )


def _offsets(slots: Any, zone: ZoneInfo) -> Any:
    """Local time minus UTC of each slot; only days in which the clocks change are looked at slot by slot."""
    import numpy as np

    def offset(slot: Any) -> int:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(slot.astype(np.int64)))
        shift = moment.astimezone(zone).utcoffset()
        assert shift is not None
        return shift // timedelta(microseconds=1)

    result = np.empty(len(slots), dtype="timedelta64[us]")
    slots = slots.astype("datetime64[us]")
    for at in range(0, len(slots), 48):
        part = slice(at, min(at + 48, len(slots)))
        first, last = offset(slots[part.start]), offset(slots[part.stop - 1])
        result[part] = first if first == last else [offset(slot) for slot in slots[part]]
    return result


def _points(city: City) -> pa.Table:
    rows = list(city.points().values())
    return table(
        point=texts([point.id for point in rows]),
        name=texts([point.name for point in rows]),
        zone=texts([point.zone for point in rows]),
        network=texts([point.network for point in rows]),
        quantity=texts([point.quantity for point in rows]),
        unit=texts([point.unit for point in rows]),
        kind=texts([point.kind for point in rows]),
        every_s=floats([point.every.total_seconds() if point.every else None for point in rows]),
        role=texts([point.role for point in rows]),
        asset=texts([point.asset for point in rows]),
    )


def _zones(city: City) -> pa.Table:
    names = list(city.zones)
    zones = list(city.zones.values())
    return table(
        zone=texts(names),
        name=texts([zone.name for zone in zones]),
        network=texts([zone.network for zone in zones]),
        kind=texts([zone.kind for zone in zones]),
        parent=texts([zone.parent for zone in zones]),
        mains_km=floats([zone.mains for zone in zones]),
        connections=integers([zone.connections for zone in zones]),
        pressure_m=floats([zone.pressure for zone in zones]),
        people=integers([zone.people for zone in zones]),
        floor_area_m2=floats([zone.floor_area for zone in zones]),
        inflow=texts([city.inflow_point(name) for name in names]),
        temperature=texts([zone.temperature for zone in zones]),
        night_use=floats([zone.night_use for zone in zones]),
    )


def _interventions(city: City) -> pa.Table:
    """One row a point that an intervention names, or one without a point where it names a zone alone."""
    rows: list[tuple[Any, ...]] = []
    for entry in city.interventions:
        matched = [name for name in city.points() for pattern in entry.meters if fnmatchcase(name, pattern)]
        rows += [(entry.zone, name, entry.date, entry.what) for name in dict.fromkeys(matched) or [None]]
    return table(
        zone=texts([row[0] for row in rows]),
        point=texts([row[1] for row in rows]),
        date=dates([row[2] for row in rows]),
        what=texts([row[3] for row in rows]),
    )
