"""The register of series: which points have readings, and in which quantity and unit they are kept.

A point keeps the quantity of its first reading; who changes it in city.yaml is told so. Knows rows of the list.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from cityctl.city.points import Point


class Series(NamedTuple):
    """A point as the store knows it: the quantity and the unit that its readings are kept in."""

    point: str
    quantity: str | None
    unit: str | None
    first_seen_us: int


def series_of(name: str, points: Mapping[str, Point] | None, first_seen_us: int) -> Series:
    """What the register is to know of a point."""
    point = points.get(name) if points else None
    return Series(name, point.quantity if point else None, point.unit if point else None, first_seen_us)


def conflicts(known: Mapping[str, Series], points: Mapping[str, Point]) -> dict[str, str]:
    """Points that are stored in another quantity than the city now gives them: point -> what is wrong."""
    return {
        name: f"`{name}` is stored as {stored.quantity} [{stored.unit}] "
        f"and cannot become {points[name].quantity} [{points[name].unit}]"
        for name, stored in known.items()
        if stored.quantity is not None and stored.quantity != points[name].quantity
    }


def registered(connection: sqlite3.Connection, points: Iterable[str] | None) -> dict[str, Series]:
    """All series, or those of the given points that exist."""
    query = "SELECT point, quantity, unit, first_seen_us FROM series"
    if points is None:
        rows = connection.execute(f"{query} ORDER BY point").fetchall()
    else:
        rows = [row for part in _parts(points) for row in connection.execute(*_among(query, part))]
    return {row[0]: Series._make(row) for row in rows}


def enrolled(connection: sqlite3.Connection, series: Iterable[Series]) -> dict[str, int]:
    """The numbers of series by point; those that are not in the register yet are put there."""
    entries = {entry.point: entry for entry in series}
    known = _numbers(connection, entries)
    news = [
        entry
        for point, entry in entries.items()
        if point not in known or (entry.quantity is not None and not known[point][1])
    ]
    if news:
        enrol(connection, news)
        known = _numbers(connection, entries)
    return {point: number for point, (number, _) in known.items()}


def enrol(connection: sqlite3.Connection, series: Iterable[Series]) -> None:
    """Put series into the register; what is known of a series already stays."""
    connection.executemany(
        "INSERT INTO series (point, quantity, unit, first_seen_us) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (point) DO UPDATE SET quantity = excluded.quantity, unit = excluded.unit "
        "WHERE series.quantity IS NULL AND excluded.quantity IS NOT NULL",
        [(entry.point, entry.quantity, entry.unit, entry.first_seen_us) for entry in series],
    )


def _numbers(connection: sqlite3.Connection, points: Iterable[str]) -> dict[str, tuple[int, bool]]:
    """Number by point, and whether its quantity is known."""
    query = "SELECT point, id, quantity IS NOT NULL FROM series"
    return {
        point: (number, bool(known))
        for part in _parts(points)
        for point, number, known in connection.execute(*_among(query, part))
    }


def _among(query: str, points: list[str]) -> tuple[str, list[str]]:
    marks = ",".join("?" * len(points))
    return f"{query} WHERE point IN ({marks})", points


def _parts(points: Iterable[str]) -> Iterator[list[str]]:
    """A few hundred at a time: SQLite takes no endless lists of parameters."""
    every = sorted(points)  # neighbours in the index are found together
    for at in range(0, len(every), 500):
        yield every[at : at + 500]
