"""Sunrise, sunset and twilight of a place, day by day. Knows no lamp.

The sun's place is astral's (NOAA's algorithm after Meeus, good to a minute below 72 degrees of latitude).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

HORIZON, CIVIL, GEOMETRIC = (
    0.833,
    6.0,
    0.0,
)  # degrees below the horizon: rise and set, civil twilight, the disc's centre


@dataclass(frozen=True)
class Crossing:
    """When the sun rises above and sinks below an elevation on a local day (UTC); None where it does not."""

    up: datetime | None
    down: datetime | None


def crossing(latitude: float, longitude: float, day: date, depression: float, zone: tzinfo) -> Crossing:
    """The sun's crossings of `depression` degrees below the horizon on a local day of a time zone (a tzinfo)."""
    from astral import Observer
    from astral.sun import dawn, dusk, sunrise, sunset

    place = Observer(latitude, longitude)
    found: list[datetime | None] = []
    for risen, twilight in ((sunrise, dawn), (sunset, dusk)):
        moment: datetime | None = None
        for shift in (0, 1, -1):  # astral names days by UTC: far east and west the local day is another
            near = day + timedelta(days=shift)
            try:
                told = (
                    risen(place, near, tzinfo=UTC)
                    if depression == HORIZON
                    else twilight(place, near, depression=depression, tzinfo=UTC)
                )
            except ValueError:
                continue
            if told.astimezone(zone).date() == day:
                moment = told
                break
        found.append(moment)
    return Crossing(found[0], found[1])
