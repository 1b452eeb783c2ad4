"""Laws that hold whatever is added, in whatever order: checked against a model of a few lines."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cityctl.engine.duck import Engine
from cityctl.reading import Quality, Reading
from cityctl.store import Store

Rows = list[tuple[str, int, float | None, int]]
START = datetime(2026, 1, 31, 22, tzinfo=UTC)
RECEIVED = datetime(2026, 3, 1, tzinfo=UTC)

reading = st.tuples(
    st.sampled_from(["a", "b"]),
    st.integers(0, 4),  # hours: the first two lie in January, the others in February
    st.sampled_from([None, -1.0, 0.0, -0.0, 2.5]),
    st.sampled_from([0, 0, 0, 1, 3]),
)
batch = st.lists(reading, min_size=1, max_size=8)


def _rank(received: int, value: float | None, quality: int) -> tuple[object, ...]:
    """The later received wins; then better quality, any value, the larger value."""
    return received, -quality, value is not None, value or 0.0


def _expected(batches: list[Rows], received: list[int]) -> list[tuple[object, ...]]:
    """With `received`: the earliest instant at which the present version came."""
    best: dict[tuple[str, int], tuple[object, Any]] = {}
    first: dict[tuple[object, ...], int] = {}
    for rows, at in zip(batches, received, strict=True):
        told = {row[:2]: row for row in sorted(rows, key=lambda row: _rank(at, *row[2:]))}
        for point, hour, value, quality in told.values():
            rank = _rank(at, value, quality)
            version = (point, hour, value, quality)
            first[version] = min(at, first.get(version, at))
            if (point, hour) not in best or rank > best[point, hour][0]:  # type: ignore[operator]
                best[point, hour] = (rank, version)
    won = [version for _, version in best.values()]
    return sorted(
        (point, hour, None if value is None else value + 0.0, quality, first[point, hour, value, quality])
        for point, hour, value, quality in won
    )


def _seen(store: Store) -> list[tuple[object, ...]]:
    with Engine(threads=1) as engine:
        store.attach(engine, None)
        rows = engine.rows("SELECT point, time, value, quality, received FROM readings ORDER BY point, time")
    begin, came = START.replace(tzinfo=None), RECEIVED.replace(tzinfo=None)
    return [
        (
            point,
            int((time - begin) / timedelta(hours=1)),
            value,
            quality,
            int((received - came) / timedelta(minutes=1)),
        )
        for point, time, value, quality, received in rows
    ]


def _add(store: Store, rows: Rows, received: int, way: str, key: str) -> None:
    moment = RECEIVED + timedelta(minutes=received)
    if way == "land":
        readings = [Reading(p, START + timedelta(hours=h), v, Quality(q)) for p, h, v, q in rows]
        store.land(readings, batch=key, received=moment)
        return
    table = pa.table(
        {
            "point": [row[0] for row in rows],
            "time": pa.array([START + timedelta(hours=row[1]) for row in rows], pa.timestamp("us", "UTC")),
            "value": pa.array([row[2] for row in rows], pa.float64()),
            "quality": pa.array([row[3] for row in rows], pa.uint8()),
        }
    )
    balance = store.add(table, source="test", received=moment)
    assert balance.closes
    assert balance.total.received == len(rows)


@settings(max_examples=20, suppress_health_check=list(HealthCheck))
@given(data=st.data(), batches=st.lists(batch, min_size=2, max_size=5))
def test_any_order_any_number_of_times_gives_the_same_readings(
    data: st.DataObject, batches: list[Rows]
) -> None:
    count = len(batches)
    received = data.draw(st.lists(st.integers(0, 3), min_size=count, max_size=count))
    # Of two deliveries of one instant nobody knows which was first: there `received` is not looked at.
    told = 5 if len(set(received)) == count else 4
    # Every batch at least once, in any order, some of them again.
    turns = data.draw(st.permutations(range(count))) + data.draw(
        st.lists(st.integers(0, count - 1), max_size=3)
    )
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "store") as store:
        for turn, which in enumerate(turns):
            way = data.draw(st.sampled_from(["add", "add", "land"]))
            _add(store, batches[which], received[which], way, f"{turn}")
            if data.draw(st.integers(0, 3)) == 0:
                store.compact()
        expected = [row[:told] for row in _expected(batches, received)]
        assert [row[:told] for row in _seen(store)] == expected
        store.compact()
        assert [row[:told] for row in _seen(store)] == expected
        assert store.list.landed_rows() == 0
