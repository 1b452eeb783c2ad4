"""Compaction changes files and never an answer; it may lose its files to nobody who still reads them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cityctl.disk import Lock
from cityctl.engine.duck import Engine
from cityctl.errors import LockHeld
from cityctl.reading import Reading
from cityctl.store import Store
from cityctl.store.segments import compaction

DAY1 = datetime(2026, 3, 1, tzinfo=UTC)


def _day(number: int) -> datetime:
    return DAY1 + timedelta(days=number)


def _kinds(store):
    return [(segment.month, segment.kind, segment.rows) for segment in store.snapshot().segments]


@pytest.fixture
def filled(store, table, at):
    """Two months; 60 readings, of which 3 were revised and 2 landed (one of them over a stored one)."""
    for part in range(6):
        store.add(
            table([("a", at(part * 10 + hour), float(hour)) for hour in range(10)]),
            source="x",
            received=_day(part),
        )
    store.add(table([("a", at(hour), 99.0) for hour in (0, 1, 30)]), source="x", received=_day(7))
    store.add(
        table([("a", at(hour), float(hour)) for hour in (2, 3)]), source="x", received=_day(8)
    )  # confirmed
    store.land([Reading("a", at(0), 100.0), Reading("a", at(60), 60.0)], batch="1", received=_day(9))
    return store


def test_answers_are_the_same_and_the_files_are_few(filled, rows):
    before = rows(filled)
    assert len(before) == 61
    assert before[0][2] == 100.0
    done = filled.compact()
    assert rows(filled) == before
    assert _kinds(filled) == [("2026-01", "new", 2), ("2026-02", "new", 59)]
    # Of each month its readings, and the versions that gave way.
    assert (done.flushed, done.months, done.after) == (2, ["2026-01", "2026-02"], 4)
    again = filled.compact()
    assert (again.months, again.before) == ([], 0)


def test_replaced_files_stay_for_those_who_still_read_them(filled, monkeypatch):
    with Engine(threads=1) as engine:
        filled.attach(engine, None)
        count = "SELECT count(*), sum(value) FROM readings"
        before = engine.row(count)
        filled.compact()
        assert engine.row(count) == before
        files = list((filled.folder / "segments").rglob("*.parquet"))
        assert len(files) > len(filled.snapshot().segments)
        monkeypatch.setattr(compaction, "GRACE", 0.0)
        filled.compact()
        files = list((filled.folder / "segments").rglob("*.parquet"))
        assert len(files) == len(filled.snapshot().all)
        # The files below the reader are gone: it follows the list and sees the same readings.
        assert engine.row(count) == before
        assert engine.arrow("SELECT * FROM readings").num_rows == before[0]


def test_orphans_of_a_killed_run_are_never_read_and_are_swept(filled, rows):
    before = rows(filled)
    segment = filled.folder / filled.snapshot().segments[0].path
    orphan = segment.with_name(f"{filled.list.generation() + 1:012d}-00000-new-deadbeef.parquet")
    orphan.write_bytes(segment.read_bytes())
    draft = segment.with_name("999999999999-00001-new-deadbeef.tmp")
    draft.write_bytes(b"half a file")
    assert rows(filled) == before
    assert filled.compact().swept == 2
    assert not orphan.exists()
    assert not draft.exists()


def test_when_it_pays_leaves_little_things_alone(filled):
    before = _kinds(filled)
    done = filled.compact(when_it_pays=True)
    assert (done.flushed, done.months, _kinds(filled)) == (0, [], before)


def test_when_it_pays_flushes_and_merges_what_has_piled_up(filled, rows, monkeypatch):
    monkeypatch.setattr(compaction, "LANDED_ENOUGH", 2)
    monkeypatch.setattr(compaction, "PIECES_ENOUGH", 4)
    before = rows(filled)
    done = filled.compact(when_it_pays=True)
    assert (done.flushed, done.months) == (2, ["2026-02"])
    assert rows(filled) == before
    # Revisions stay laid over the merged segment; only a full compaction settles them.
    assert ("2026-02", "revised", 1) in _kinds(filled)
    filled.compact()
    assert rows(filled) == before


def test_a_held_lock_is_an_error_only_for_those_who_asked(filled, monkeypatch):
    monkeypatch.setattr(compaction, "LANDED_ENOUGH", 1)
    with Lock(filled.folder / "lock", purpose="an import"):
        assert filled.compact(when_it_pays=True).flushed == 0
        with pytest.raises(LockHeld, match="an import"):
            filled.compact(wait=0.0)


def test_a_month_larger_than_a_segment_becomes_several_without_overlap(store, table, rows, at, monkeypatch):
    monkeypatch.setattr(compaction, "LARGEST", 25)
    for part in range(8):
        store.add(
            table([(f"p{n}", at(3 + part * 2 + hour), float(hour)) for n in range(4) for hour in range(2)]),
            source="x",
            received=_day(part),
        )
    before = rows(store)
    store.compact()
    # 4 points of 16 readings: no two of them fit into 25, so each has a segment of its own.
    assert _kinds(store) == [("2026-02", "new", 16)] * 4
    assert rows(store) == before


def test_batch_keys_are_remembered_as_long_as_retries_may_come(store, at):
    old = datetime.now(UTC) - timedelta(days=3)
    store.land([Reading("a", at(0), 1.0)], batch="old", received=old)
    store.land([Reading("a", at(1), 1.0)], batch="young", received=datetime.now(UTC))
    store.compact()
    assert store.land([Reading("a", at(1), 1.0)], batch="young", received=datetime.now(UTC)) == 0
    assert store.land([Reading("a", at(0), 1.0)], batch="old", received=old) == 1


def test_what_is_added_meanwhile_is_kept(folder, table, rows, at):
    """Compaction gives the lock back between months, so an add of another process gets its turn."""
    import threading

    with Store.open(folder) as store:
        for part in range(4):
            store.add(
                table([("a", at(part * 10 + hour), 1.0) for hour in range(10)]),
                source="x",
                received=_day(part),
            )
        stop = threading.Event()
        added = []

        def adding() -> None:
            with Store.open(folder) as other:
                while not stop.is_set():
                    number = len(added)
                    other.add(table([("b", at(number), 1.0)]), source="y", received=_day(9))
                    added.append(number)

        thread = threading.Thread(target=adding)
        thread.start()
        while len(added) < 3 and thread.is_alive():
            store.compact()
        stop.set()
        thread.join()
        assert len(added) >= 3
        assert len(rows(store)) == 40 + len(added)
