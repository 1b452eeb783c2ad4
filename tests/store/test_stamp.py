"""The word for what a store holds of an interval: it changes with that interval's readings, and with no others."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cityctl.reading import Quality, Reading
from cityctl.store import Store
from cityctl.store.care.checking import check
from cityctl.store.segments.scan import micros
from cityctl.store.stamp import holds, stamp

MONTHS = [datetime(2026, month, 1, tzinfo=UTC) for month in (1, 2, 3, 4)]
Table = Callable[[list[tuple[Any, ...]]], Any]


def stamps(store: Store) -> list[str | None]:
    """Of January, February and March."""
    snapshot = store.snapshot()
    edges = [micros(month) for month in MONTHS]
    return [stamp(snapshot, *span) for span in itertools.pairwise(edges)]


def held(store: Store) -> list[bool]:
    snapshot = store.snapshot()
    edges = [micros(month) for month in MONTHS]
    return [holds(snapshot, *span) for span in itertools.pairwise(edges)]


def add(store: Store, table: Table, month: int, value: float, day: int) -> None:
    rows = [("flow", MONTHS[month] + timedelta(days=2, hours=hour), value + hour) for hour in range(24)]
    store.add(table(rows), source="test", received=datetime(2026, 5, day, tzinfo=UTC))


def changed(before: list[str | None], after: list[str | None]) -> list[bool]:
    return [one != other for one, other in zip(before, after, strict=True)]


def test_only_the_month_that_readings_come_to_changes(store: Store, table: Table) -> None:
    assert held(store) == [False, False, False]
    add(store, table, 0, 1.0, 1)
    first = stamps(store)
    assert held(store) == [True, False, False]
    assert stamps(store) == first
    add(store, table, 1, 1.0, 2)
    second = stamps(store)
    assert changed(first, second) == [False, True, False]
    add(store, table, 0, 2.0, 3)  # another version of the same readings
    assert changed(second, stamps(store)) == [True, False, False]


def test_readings_that_have_only_landed_count(store: Store, table: Table) -> None:
    add(store, table, 0, 1.0, 1)
    before = stamps(store)
    polled = [Reading("flow", MONTHS[2] + timedelta(hours=1), 4.0, Quality.GOOD)]
    store.land(polled, batch="a", received=datetime(2026, 5, 2, tzinfo=UTC))
    after = stamps(store)
    assert changed(before, after) == [False, False, True]
    assert held(store) == [True, False, True]
    store.compact()
    assert held(store) == [True, False, True]
    assert changed(after, stamps(store))[1:] == [False, True]


def test_a_damaged_month_has_no_word(store: Store, table: Table, folder: Path) -> None:
    add(store, table, 0, 1.0, 1)
    add(store, table, 1, 1.0, 2)
    segment = next(one for one in store.snapshot().segments if one.month == "2026-02")
    (folder / segment.path).write_bytes(b"no parquet")
    check(store)
    january, february, _ = stamps(store)
    assert january is not None
    assert february is None
    assert held(store) == [True, True, False]
