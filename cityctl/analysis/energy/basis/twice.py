"""Meters that are told twice: power beside energy, a register beside its load profile, both with one role."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations, product
from typing import Any

from cityctl.analysis.energy.basis.network_balance import zone_of
from cityctl.city.model import City
from cityctl.city.points import Point

SAME = 0.01  # of the use: two ways to tell one meter lie no further apart
ROUNDED = 1.0  # kWh
LEAST_DAYS = 3  # of which two meters are compared: a day may be alike by chance


def told_twice(city: City, points: Iterable[Point], days: Mapping[str, Any]) -> dict[str, str]:
    """Point -> the one before it that tells the same use of each day, in another way: counted, it would count twice.

    `days` holds the use of the same days of each point, nan where it was not metered. Compared are points of one zone
    and role and of different kinds (power, energy of an interval, a register), unless each has an asset of its own.
    """
    found: dict[str, str] = {}
    for kinds in _by_kind(city, points):
        for firsts, others in combinations(kinds, 2):
            for one, other in product(firsts, others):
                new = one.id not in found and other.id not in found
                if new and not _apart(one, other) and _same(days[one.id], days[other.id]):
                    found[other.id] = one.id
    return found


def may_tell_twice(city: City, points: Iterable[Point]) -> list[Point]:
    """The points that have others of their zone and role beside them, of another kind."""
    return [one for kinds in _by_kind(city, points) if len(kinds) > 1 for own in kinds for one in own]


def said_twice(first: str) -> str:
    """`tells what a-kw does: ...`"""
    return (
        f"it tells what {first} does: one meter told twice? it is counted once; leave `role` to one of them"
    )


def _by_kind(city: City, points: Iterable[Point]) -> list[list[list[Point]]]:
    """The points of each zone and role, kind by kind."""
    found: dict[tuple[object, ...], dict[tuple[object, ...], list[Point]]] = {}
    for one in points:
        zone = zone_of(city, one)
        if zone is not None:
            found.setdefault((zone, one.role), {}).setdefault((one.kind, one.quantity), []).append(one)
    return [list(kinds.values()) for kinds in found.values()]


def _apart(one: Point, other: Point) -> bool:
    return one.asset is not None and other.asset is not None and one.asset != other.asset


def by_same_days(told: Mapping[str, tuple[Any, Any]]) -> dict[str, Any]:
    """Meter -> its use of the same days, nan where it has none, from the days (datetime64[D]) and amounts of parts."""
    import numpy as np

    if not told:
        return {}
    days = np.unique(np.concatenate([day for day, _ in told.values()]))
    found = {}
    for meter, (day, amount) in told.items():
        place = np.searchsorted(days, day)
        sums = np.bincount(place, amount, len(days))
        found[meter] = np.where(np.bincount(place, minlength=len(days)) > 0, sums, np.nan)
    return found


def _same(one: Any, other: Any) -> bool:
    """Within 1 % in all, and on each day within 1 % or what a register that counts whole kWh rounds."""
    import numpy as np

    common = np.isfinite(one) & np.isfinite(other)
    used, apart = np.abs(one[common]), (one - other)[common]
    close = np.abs(apart) <= np.maximum(SAME * used, ROUNDED)
    total = float(used.sum())
    return len(used) >= LEAST_DAYS and total > 0 and bool(close.all()) and abs(apart.sum()) <= SAME * total
