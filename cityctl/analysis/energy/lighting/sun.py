"""When the sun is above an elevation on a local day: sunrise, sunset, twilight, polar day and night. Knows no lamp.

The sun's declination and the equation of time are astral's (NOAA's algorithm after Meeus); its elevation follows the
local day by the minute, so that white nights, and days on which the sun sets twice, are what they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any

from cityctl.clock import midnight

HORIZON, CIVIL, GEOMETRIC = (
    0.833,
    6.0,
    0.0,
)  # degrees below the horizon: rise and set, civil twilight, the disc's centre
_KNOT = 360  # minutes between instants for which the slow parts are worked out
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class Crossing:
    """The sun and an elevation on a local day (UTC): the first time it rises above it and the last time it sinks below.

    `up` and `down` are None where it does not; `above` and `below` are the parts of the day on either side.
    """

    up: datetime | None
    down: datetime | None
    above: tuple[Span, ...]
    below: tuple[Span, ...]


def elevation(latitude: float, longitude: float, minutes: Any) -> Any:
    """Elevation of the sun's centre [degrees], without refraction, at minutes since 1970-01-01 UTC (ascending)."""
    import numpy as np
    from astral.sun import eq_of_time, sun_declination

    knots = np.arange(minutes[0] - _KNOT, minutes[-1] + 2 * _KNOT, _KNOT)
    centuries = [(2440587.5 + float(knot) / 1440 - 2451545.0) / 36525 for knot in knots]
    declination = np.radians(np.interp(minutes, knots, [sun_declination(one) for one in centuries]))
    equation = np.interp(minutes, knots, [eq_of_time(one) for one in centuries])
    angle = np.radians((minutes + equation + 4 * longitude) / 4 - 180)
    north = np.radians(latitude)
    height = np.sin(north) * np.sin(declination) + np.cos(north) * np.cos(declination) * np.cos(angle)
    return np.degrees(np.arcsin(np.clip(height, -1, 1)))


def crossing(latitude: float, longitude: float, day: date, depression: float, zone: tzinfo) -> Crossing:
    """The sun against `depression` degrees below the horizon on a local day of a time zone (a tzinfo)."""
    import numpy as np

    start, end = (midnight(day + timedelta(days=shift), zone).astimezone(UTC) for shift in (0, 1))
    first, last = ((moment - _EPOCH) / timedelta(minutes=1) for moment in (start, end))
    minutes = np.arange(first, last + 0.5)
    height = elevation(latitude, longitude, minutes) + depression
    high = height >= 0
    places = np.flatnonzero(high[1:] != high[:-1])
    share = height[places] / (height[places] - height[places + 1])
    moments = [start + timedelta(minutes=float(one)) for one in places + share]
    rises = high[places + 1].tolist()
    edges = [start, *moments, end]
    parts: dict[bool, list[Span]] = {True: [], False: []}
    for at, above in enumerate([bool(high[0]), *rises]):
        parts[above].append((edges[at], edges[at + 1]))
    ups = [moment for moment, rising in zip(moments, rises, strict=True) if rising]
    downs = [moment for moment, rising in zip(moments, rises, strict=True) if not rising]
    return Crossing(
        ups[0] if ups else None, downs[-1] if downs else None, tuple(parts[True]), tuple(parts[False])
    )
