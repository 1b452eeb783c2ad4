"""Verify, quarantine, backup, restore, rebuild: what is damaged is named, and comes back; nothing is doubled."""

from __future__ import annotations

import shutil
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from cityctl.errors import StoreProblem
from cityctl.reading import Reading
from cityctl.result import left_out
from cityctl.store import Store
from cityctl.store.care.backup import backup, restore
from cityctl.store.care.checking import check
from cityctl.store.care.healing import rebuild
from cityctl.store.segments import compaction
from cityctl.store.segments.retain import Keep
from cityctl.store.views.rolled_views import attach_rollups

DAY1 = datetime(2026, 3, 1, tzinfo=UTC)


def _day(number: float) -> datetime:
    return DAY1 + timedelta(days=number)


@pytest.fixture
def filled(store, table, at):
    """Two points over two months, some revised, one reading landed."""
    for number, name in enumerate("ab"):
        store.add(
            table([(name, at(n), float(n)) for n in range(10)]), source=f"{name}.csv", received=_day(number)
        )
    store.add(table([("a", at(n), 50.0 + n) for n in (1, 4)]), source="again.csv", received=_day(3))
    store.land([Reading("c", at(0), 7.0)], batch="1", received=_day(4))
    return store


def _segment(store, kind="new", month="2026-02"):
    return next(found for found in store.snapshot().all if (found.kind, found.month) == (kind, month))


def _path(store, segment) -> Path:
    return store.folder / segment.path


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def _flip(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(bytes(raw))


@pytest.mark.parametrize("damage", [_truncate, _flip, Path.unlink, lambda path: path.write_bytes(b"")])
def test_a_damaged_segment_is_marked_named_and_left_out(filled, rows, at, damage):
    whole = rows(filled)
    assert check(filled).damaged == {}
    segment = _segment(filled)
    damage(_path(filled, segment))
    found = check(filled)
    assert list(found.damaged) == [segment]
    left_out()
    left = rows(filled)
    assert set(left) < set(whole)
    (named,) = left_out()
    assert Path(segment.path).name in named.what
    # A question about another time does not use it, and does not name it.
    from cityctl.clock import Interval

    rows(filled, interval=Interval(at(-10), at(1), UTC))
    assert left_out() == []
    assert list(check(filled).damaged) == [segment]  # still


def test_rows_and_order_are_checked_where_the_bytes_are_those_on_the_list(filled):
    """A program that wrote a wrong segment would have listed the wrong sha256 with it."""
    import hashlib

    segment = _segment(filled)
    path = _path(filled, segment)
    rows = pq.ParquetFile(path).read()
    for wrong, said in (
        (rows.slice(1), "rows where the list says"),
        (rows.take(list(range(len(rows)))[::-1]), "order"),
    ):
        pq.write_table(wrong, path)
        raw = path.read_bytes()
        with sqlite3.connect(filled.folder / "list.sqlite") as connection:
            connection.execute(
                "UPDATE segments SET sha256 = ?, bytes = ? WHERE path = ?",
                (hashlib.sha256(raw).hexdigest(), len(raw), segment.path),
            )
        connection.close()
        (reason,) = check(filled).damaged.values()
        assert said in reason


def test_a_file_that_is_whole_again_counts_again_and_nothing_is_doubled(filled, rows, table, at):
    whole = rows(filled)
    segment = _segment(filled)
    raw = _path(filled, segment).read_bytes()
    _path(filled, segment).unlink()
    check(filled)
    # Meanwhile a file is imported again, and one reading of it is another one by now.
    again = [("a", at(n), float(n)) for n in range(10) if n != 5] + [("a", at(5), 500.0)]
    filled.add(table(again), source="a.csv", received=_day(0.5))
    _path(filled, segment).write_bytes(raw)
    assert [healed.path for healed in check(filled).healed] == [segment.path]
    expected = {row[:2]: row for row in whole} | {("a", at(5)): ("a", at(5), 500.0, 0)}
    assert {row[:2]: row for row in rows(filled)} == expected
    filled.compact()
    assert {row[:2]: row for row in rows(filled)} == expected


def test_orphans_are_named_and_harmless(filled, rows):
    before = rows(filled)
    orphan = _path(filled, _segment(filled)).with_name(
        f"{filled.list.generation() + 1:012d}-00000-new-deadbeef.parquet"
    )
    orphan.write_bytes(b"left by a run that died")
    found = check(filled)
    assert (found.damaged, [Path(name).name for name in found.orphans]) == ({}, [orphan.name])
    assert rows(filled) == before


def test_a_backup_is_whole_and_the_next_one_copies_only_what_is_new(filled, tmp_path, rows, table, at):
    target = tmp_path / "backup"
    first = backup(filled, target)
    assert (first.copied, first.segments) == (
        6,
        6,
    )  # a and b in two months, the revisions of January and February
    with Store.open(target, create=False) as copy:
        assert rows(copy) == rows(filled)
    filled.add(table([("d", at(3), 1.0)]), source="d.csv", received=_day(6))
    assert backup(filled, target).copied == 1
    with Store.open(target, create=False) as copy:
        assert rows(copy) == rows(filled)
    filled.compact()
    third = backup(filled, target)
    assert third.pruned == 7
    assert len(list(target.rglob("*.parquet"))) == len(filled.snapshot().all)


def test_a_backup_does_not_copy_damage_over_what_is_whole(filled, tmp_path, rows):
    target = tmp_path / "backup"
    backup(filled, target)
    whole = rows(filled)
    segment = _segment(filled)
    _flip(_path(filled, segment))
    assert backup(filled, target).damaged == {}  # the whole one was there and stays
    with Store.open(target, create=False) as copy:
        assert rows(copy) == whole
    fresh = backup(filled, tmp_path / "another")
    assert list(fresh.damaged) == [segment.path]


def test_damaged_segments_come_back_from_a_backup(filled, tmp_path, rows):
    backup(filled, tmp_path / "backup")
    whole = rows(filled)
    for kind, month in (("new", "2026-01"), ("revised", "2026-02")):
        _truncate(_path(filled, _segment(filled, kind, month)))
    check(filled)
    assert rows(filled) != whole
    done = restore(filled.folder, tmp_path / "backup")
    assert (done.copied, done.damaged) == (2, {})
    assert rows(filled) == whole
    assert filled.snapshot().damaged == ()


def test_a_store_that_is_gone_comes_back(filled, tmp_path, rows):
    backup(filled, tmp_path / "backup")
    whole = rows(filled)
    filled.close()
    shutil.rmtree(filled.folder)
    restore(filled.folder, tmp_path / "backup")
    with Store.open(filled.folder, create=False) as store:
        assert rows(store) == whole
        assert check(store).damaged == {}


def test_replacing_keeps_the_old_store_and_open_writers_go_on_in_the_new_one(filled, tmp_path, rows, at):
    backup(filled, tmp_path / "backup")
    before = rows(filled)
    filled.land([Reading("e", at(0), 1.0)], batch="2", received=_day(9))
    done = restore(filled.folder, tmp_path / "backup", replace=True)
    assert rows(filled) == before  # the same object: it finds the restored files
    filled.land([Reading("e", at(1), 1.0)], batch="3", received=_day(9))
    assert len(rows(filled)) == len(before) + 1
    assert done.aside is not None
    with Store.open(done.aside, create=False) as aside:
        assert len(rows(aside)) == len(before) + 1


def test_a_backup_into_the_wrong_place_is_refused(filled, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "holiday.jpg").touch()
    for target, said in (
        (tmp_path / "photos", "something else"),
        (filled.folder / "inside", "cannot lie in"),
    ):
        with pytest.raises(StoreProblem, match=said):
            backup(filled, target)
    with pytest.raises(StoreProblem, match="no backup in"):
        restore(filled.folder, tmp_path / "photos")


@pytest.mark.parametrize("compacted", [False, True])
def test_a_deleted_list_is_rebuilt_from_the_segments(filled, folder, rows, table, at, compacted):
    if compacted:
        filled.compact()  # replaced files are still there: none of their readings may be doubled
    filled.add(table([("a", at(2), 3.5)]), source="x", received=_day(8))
    filled.add(table([("a", at(2), 2.0)]), source="outdated", received=_day(7))
    whole = rows(filled)
    filled.close()
    (folder / "list.sqlite").unlink()
    for ending in ("-wal", "-shm"):
        (folder / f"list.sqlite{ending}").unlink(missing_ok=True)
    with pytest.raises(StoreProblem, match="list of segments is gone") as problem:
        Store.open(folder)
    assert "cityctl data rebuild" in (problem.value.hint or "")
    done = rebuild(folder, None)
    assert done.unreadable == {}
    with Store.open(folder, create=False) as store:
        assert rows(store) == whole
        assert check(store).damaged == {}
        if not compacted:  # the landing, and with it the keys of what it took, is a file of its own
            assert store.land([Reading("c", at(0), 7.0)], batch="1", received=_day(4)) == 0
        store.compact()
        assert rows(store) == whole


def test_a_damaged_list_is_rebuilt_and_a_sound_one_is_not(filled, folder, rows):
    whole = rows(filled)
    done = rebuild(folder, None)
    assert (done.sound, done.aside, rows(filled)) == (True, None, whole)
    filled.close()
    path = folder / "list.sqlite"
    path.write_bytes(b"this is no database" * 100)
    done = rebuild(folder, None)
    assert done.aside is not None
    assert (done.aside / "list.sqlite").read_bytes() == b"this is no database" * 100
    with Store.open(folder) as store:
        assert rows(store) == whole


def test_rebuilding_moves_what_it_cannot_read_aside(filled, folder, rows):
    segment = _segment(filled)
    left = rows(filled, points=["c"])
    _truncate(_path(filled, segment))
    filled.close()
    (folder / "list.sqlite").unlink()
    done = rebuild(folder, None)
    assert list(done.unreadable) == [segment.path]
    assert (folder / "damaged" / "month=2026-02" / Path(segment.path).name).exists()
    with Store.open(folder) as store:
        compaction.sweep(store, 2**62)
        assert rows(store, points=["c"]) == left
        assert len(rows(store, points=["a"])) == 10 - 8 + 1  # two in January, the revision in February


def test_roll_ups_of_dropped_readings_survive_a_rebuild(store, folder, table):
    from zoneinfo import ZoneInfo

    from cityctl.engine.duck import Engine

    start = datetime(2024, 1, 10, tzinfo=UTC)
    store.add(
        table([("a", start + timedelta(hours=n), 1.0) for n in range(100)]), source="x", received=_day(0)
    )
    keep, zone = Keep(raw=timedelta(days=400)), ZoneInfo("Europe/Berlin")
    store.retain(keep, zone=zone, now=_day(1))
    store.compact()
    assert store.snapshot().segments == ()
    store.close()
    (folder / "list.sqlite").unlink()
    for path in folder.glob("segments/*/*-new-*"):
        path.unlink()  # as after the grace that replaced files have
    assert rebuild(folder, None).rollups == 3
    with Store.open(folder) as again, Engine(threads=1) as engine:
        again.add(table([("a", start + timedelta(hours=200), 1.0)]), source="late", received=_day(2))
        again.retain(keep, zone=zone, now=_day(3))
        attach_rollups(again, engine, zone)
        for level in ("hourly", "daily", "monthly"):
            assert engine.row(f"SELECT sum(readings), sum(sum) FROM {level}") == (101, 101.0)


def test_a_verified_store_is_only_read(filled, folder):
    """What checks must not change: no file but the list's own is written where nothing is damaged."""
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.parquet")}
    generation = filled.list.generation()
    check(filled)
    assert filled.list.generation() == generation
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.parquet")} == before
