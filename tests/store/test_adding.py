"""What becomes of readings that are handed in: classes, checks, files. Expected numbers are counted by hand."""

from __future__ import annotations

import hashlib
import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cityctl.city.points import Point
from cityctl.engine.duck import Engine
from cityctl.errors import InputRefused, LockHeld
from cityctl.store import Store, incoming

DAY1 = datetime(2026, 3, 1, tzinfo=UTC)
DAY2 = DAY1 + timedelta(days=1)
DAY3 = DAY1 + timedelta(days=2)


def _counts(balance):
    total = balance.total
    return (total.received, total.new, total.unchanged, total.revised, total.duplicate, total.rejected)


def test_new_unchanged_revised_and_duplicate_are_told_apart(store, table, rows, at):
    first = table([("a", at(hour), float(hour)) for hour in range(5)])
    assert _counts(store.add(first, source="x", received=DAY1)) == (5, 5, 0, 0, 0, 0)
    assert _counts(store.add(first, source="x", received=DAY2)) == (5, 0, 5, 0, 0, 0)
    later = table(
        [("a", at(1), 10.0), ("a", at(1), 10.0), ("a", at(2), 2.0), ("a", at(9), 9.0), ("b", at(1), 1.0)]
    )
    balance = store.add(later, source="x", received=DAY3)
    assert _counts(balance) == (5, 2, 1, 1, 1, 0)
    assert balance.closes
    assert (balance.series["b"].new, balance.series["a"].revised) == (1, 1)
    assert rows(store) == [
        ("a", at(0), 0.0, 0),
        ("a", at(1), 10.0, 0),
        ("a", at(2), 2.0, 0),
        ("a", at(3), 3.0, 0),
        ("a", at(4), 4.0, 0),
        ("a", at(9), 9.0, 0),
        ("b", at(1), 1.0, 0),
    ]


def test_what_is_stored_already_is_not_written_again(store, table, at):
    readings = table([("a", at(hour), float(hour)) for hour in range(100)])
    store.add(readings, source="x", received=DAY1)
    before = store.snapshot().segments
    store.add(readings, source="x", received=DAY1)
    assert store.snapshot().segments == before
    store.add(readings, source="x", received=DAY2)
    written = [segment for segment in store.snapshot().segments if segment not in before]
    assert {segment.kind for segment in written} == {"confirmed"}
    for segment in written:
        assert pq.read_schema(store.folder / segment.path).names == ["point", "time", "received"]


def test_an_earlier_version_never_replaces_a_later_one(store, table, rows, at):
    store.add(table([("a", at(0), 2.0)]), source="x", received=DAY2)
    assert _counts(store.add(table([("a", at(0), 1.0)]), source="x", received=DAY1)) == (1, 0, 1, 0, 0, 0)
    assert rows(store) == [("a", at(0), 2.0, 0)]


def test_a_version_that_was_confirmed_later_stays(store, table, rows, at):
    """A said 1, C said 1 again; then B arrives, received between them: C had the last word."""
    store.add(table([("a", at(0), 1.0)]), source="A", received=DAY1)
    store.add(table([("a", at(0), 1.0)]), source="C", received=DAY3)
    store.add(table([("a", at(0), 2.0)]), source="B", received=DAY2)
    assert rows(store) == [("a", at(0), 1.0, 0)]
    store.compact()
    store.add(table([("a", at(0), 2.0)]), source="B", received=DAY2)
    assert rows(store) == [("a", at(0), 1.0, 0)]
    store.add(table([("a", at(0), 2.0)]), source="D", received=DAY3 + timedelta(hours=1))
    assert rows(store) == [("a", at(0), 2.0, 0)]


def test_no_value_is_a_value_with_a_quality(store, table, rows, at):
    store.add(table([("a", at(0), None, 3), ("a", at(1), math.nan, 3)]), source="x", received=DAY1)
    assert rows(store) == [("a", at(0), None, 3), ("a", at(1), None, 3)]
    balance = store.add(table([("a", at(0), None, 3), ("a", at(1), 5.0, 0)]), source="x", received=DAY2)
    assert _counts(balance) == (2, 0, 1, 1, 0, 0)


def test_a_quality_alone_makes_a_revision(store, table, rows, at):
    store.add(table([("a", at(0), 1.0, 0)]), source="x", received=DAY1)
    assert _counts(store.add(table([("a", at(0), 1.0, 2)]), source="x", received=DAY2)) == (1, 0, 0, 1, 0, 0)
    assert rows(store) == [("a", at(0), 1.0, 2)]


def test_what_cannot_be_taken_is_rejected_with_the_reason_and_the_rest_is_kept(store, rows, at):
    readings = pa.table(
        {
            "point": ["a", None, "", "a", "a", "a", "a"],
            "time": pa.array(
                [at(0), at(1), at(2), None, at(4), at(5), datetime(1, 1, 1, tzinfo=UTC)],
                pa.timestamp("us", "UTC"),
            ),
            "value": [1.0, 1.0, 1.0, 1.0, math.inf, 1.0, 1.0],
            "quality": [0, 0, 0, 0, 0, 9, 0],
        }
    )
    balance = store.add(readings, source="flows.csv", received=DAY1)
    assert _counts(balance) == (7, 1, 0, 0, 0, 6)
    assert balance.closes
    assert sorted((r.series, r.reason.split(",")[0].split(" (")[0], r.count) for r in balance.rejections) == [
        ("(no point)", "no point", 2),
        ("a", "no finite number", 1),
        ("a", "no known quality", 1),
        ("a", "no time", 2),
    ]
    assert rows(store) == [("a", at(0), 1.0, 0)]


@pytest.mark.parametrize(
    ("point", "time"),
    [
        (pa.large_string(), pa.timestamp("us")),
        (pa.dictionary(pa.int8(), pa.string()), pa.timestamp("ns", "UTC")),
        (pa.string_view(), pa.timestamp("ms", "Europe/Berlin")),
        (pa.string(), pa.timestamp("s")),
    ],
)
def test_columns_may_come_in_other_types(store, rows, at, point, time):
    naive = [at(hour).replace(tzinfo=None) for hour in range(3)]
    readings = pa.table(
        {
            "time": pa.array([at(hour) for hour in range(3)] if time.tz else naive, time),
            "value": pa.array([1, 2, 3], pa.int32()),
            "point": pa.array(["b", "a", "b"]).cast(point),
        }
    )
    store.add(readings, source="x", received=DAY1)
    assert rows(store) == [("a", at(1), 2.0, 0), ("b", at(0), 1.0, 0), ("b", at(2), 3.0, 0)]


def test_a_missing_column_is_named_with_the_near_match(store):
    readings = pa.table({"points": ["a"], "time": pa.array([0], pa.timestamp("us")), "value": [1.0]})
    with pytest.raises(InputRefused, match="without a column `point`") as refused:
        store.add(readings, source="x", received=DAY1)
    assert refused.value.hint == "rename `points` to `point`"


@pytest.mark.parametrize(("name", "column"), [("time", ["2026-01-01"]), ("value", ["1,5"])])
def test_texts_are_no_times_and_no_numbers(store, name, column):
    columns = {"point": ["a"], "time": pa.array([0], pa.timestamp("us")), "value": [1.0]} | {name: column}
    with pytest.raises(InputRefused, match=f"column `{name}` holds string"):
        store.add(pa.table(columns), source="x", received=DAY1)
    assert store.snapshot().segments == ()


def test_an_empty_table_changes_nothing(store, table):
    assert _counts(store.add(table([]), source="x", received=DAY1)) == (0, 0, 0, 0, 0, 0)
    assert store.snapshot().generation == 0


def test_files_lie_within_a_month_sorted_and_with_their_sum(store, table, at):
    rows_of_two_months = [(point, at(hour), 1.0) for hour in range(4) for point in ("b", "a")]
    store.add(table(rows_of_two_months), source="x", received=DAY1)
    segments = store.snapshot().segments
    assert [(segment.month, segment.rows) for segment in segments] == [("2026-01", 4), ("2026-02", 4)]
    for segment in segments:
        path = store.folder / segment.path
        assert path.parent.name == f"month={segment.month}"
        assert hashlib.sha256(path.read_bytes()).hexdigest() == segment.sha256
        assert path.stat().st_size == segment.bytes
        held = pq.read_table(path, partitioning=None).to_pydict()
        assert {f"{time:%Y-%m}" for time in held["time"]} == {segment.month}
        keys = list(zip(held["point"], held["time"], strict=True))
        assert keys == sorted(set(keys))
    # One add, one generation: both months appeared together.
    assert {segment.generation for segment in segments} == {1}
    assert len({segment.batch for segment in segments}) == 1


def test_a_reader_of_batches_gives_the_same_as_one_table(tmp_path, table, rows, at, monkeypatch):
    rng = np.random.default_rng(5)
    # 3 000 rows of 1 000 different (point, time): most of them are duplicates, in other parts of the stream too.
    picked = rng.integers(0, 1000, 3000)
    whole = table([(f"p{n % 7}", at(n // 7), float(rng.integers(0, 3))) for n in picked.tolist()])
    with Store.open(tmp_path / "one") as one, Store.open(tmp_path / "parts") as parts:
        balance = one.add(whole, source="x", received=DAY1)
        monkeypatch.setattr(incoming, "CHUNK", 250)
        monkeypatch.setattr(incoming, "STREAMED", 250)
        stream = pa.RecordBatchReader.from_batches(whole.schema, whole.to_batches(max_chunksize=100))
        in_parts = parts.add(stream, source="x", received=DAY1)
        assert rows(one) == rows(parts)
        different = len(set(picked.tolist()))
        for counted in (balance, in_parts):
            assert counted.closes
            assert _counts(counted) == (3000, different, 0, 0, 3000 - different, 0)
        assert _counts(parts.add(whole, source="x", received=DAY1)) == (
            3000,
            0,
            3000 - 0 - parts_duplicates(whole),
            0,
            parts_duplicates(whole),
            0,
        )


def parts_duplicates(whole: pa.Table) -> int:
    """Rows that stand again within one part of 250: only those are counted as duplicates when all is stored."""
    keys = list(zip(whole["point"].to_pylist(), whole["time"].to_pylist(), strict=True))
    return sum(len(part) - len(set(part)) for part in (keys[i : i + 250] for i in range(0, len(keys), 250)))


def test_a_failing_stream_leaves_nothing_behind(store, table, at):
    def batches():
        yield from table([("a", at(0), 1.0)]).to_batches()
        raise ValueError("the source broke off")

    stream = pa.RecordBatchReader.from_batches(table([]).schema, batches())
    with pytest.raises(Exception, match="broke off"):
        store.add(stream, source="x", received=DAY1)
    assert store.snapshot().segments == ()
    assert list((store.folder / "segments").rglob("*.parquet")) == []


def test_a_point_keeps_the_quantity_of_its_first_reading(store, table, rows, at):
    flow = {"a": Point("a", "flow", "m3/h", "m3/h", "gauge")}
    volume = {
        "a": Point("a", "volume", "m3", "m3", "counter"),
        "b": Point("b", "volume", "m3", "m3", "counter"),
    }
    store.add(table([("a", at(0), 1.0)]), source="x", received=DAY1, points=flow)
    assert (store.series()["a"].quantity, store.series()["a"].unit) == ("flow", "m3/h")
    balance = store.add(
        table([("a", at(1), 1.0), ("b", at(1), 2.0)]), source="x", received=DAY2, points=volume
    )
    assert _counts(balance) == (2, 1, 0, 0, 0, 1)
    assert balance.rejections[0].reason == "`a` is stored as flow [m3/h] and cannot become volume [m3]"
    assert rows(store) == [("a", at(0), 1.0, 0), ("b", at(1), 2.0, 0)]


def test_a_second_add_waits_and_then_names_the_holder(store, table, at):
    from cityctl.disk import Lock

    with Lock(store.folder / "lock", purpose="a long import"), pytest.raises(LockHeld, match="a long import"):
        store.add(table([("a", at(0), 1.0)]), source="x", received=DAY1, wait=0.1)


def test_values_that_repeat_and_values_that_do_not_take_little_room(store):
    count = 200_000
    times = np.datetime64("2026-02-01T00:00", "us") + np.arange(count // 100) * np.timedelta64(15, "m")
    rng = np.random.default_rng(1)
    measured = np.round(20 + rng.normal(0, 1, count), 2)
    for name, values in (("measured", measured), ("computed", rng.normal(0, 1, count))):
        readings = pa.table(
            {
                "point": np.repeat([f"{name}{n:03d}" for n in range(100)], count // 100),
                "time": np.tile(times, 100),
                "value": values,
            }
        )
        store.add(readings, source=name, received=DAY1)
    size = {segment.source: 0 for segment in store.snapshot().segments}
    for segment in store.snapshot().segments:
        size[segment.source] += segment.bytes
    assert size["measured"] / count < 2.0  # the aim: at most 2 bytes a reading
    assert size["computed"] / count < 8.0  # a random double has about 7 bytes of news


def test_a_million_readings_in_no_order_are_all_there(store):
    count, points = 1_000_000, 100
    rng = np.random.default_rng(7)
    order = rng.permutation(count)
    start = np.datetime64("2026-01-15T00:00", "us")
    names = np.array([f"p{n:02d}" for n in range(points)])
    readings = pa.table(
        {
            "point": names[order % points],
            "time": start + (order // points) * np.timedelta64(5, "m"),  # 10 000 of 5 minutes: 35 days
            "value": (order % 1000) / 10,
        }
    )
    balance = store.add(readings, source="x", received=DAY1)
    assert _counts(balance) == (count, count, 0, 0, 0, 0)
    assert {entry.new for entry in balance.series.values()} == {count // points}
    with Engine() as engine:
        store.attach(engine, None)
        # The sum of 0.0, 0.1 ... 99.9 is 49 950; there are a thousand of each.
        assert engine.row("SELECT count(*), count(DISTINCT point), round(sum(value), 3) FROM readings") == (
            count,
            points,
            49_950_000.0,
        )
    assert _counts(store.add(readings, source="x", received=DAY1)) == (count, 0, count, 0, 0, 0)


def test_readings_around_1970_are_like_all_others(store, table, rows):
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    moments = [epoch + timedelta(microseconds=step) for step in (-1, 0, 1, 2)]
    readings = table([("a", moment, 1.0) for moment in moments])
    for day in (DAY1, DAY2):
        store.add(readings, source="x", received=day)
    store.add(table([("a", moments[1], 5.0)]), source="x", received=DAY3)
    assert [row[2] for row in rows(store)] == [1.0, 5.0, 1.0, 1.0]
    assert [segment.month for segment in store.snapshot().segments if segment.kind == "new"] == [
        "1969-12",
        "1970-01",
    ]
