"""Stores that come back: from a backup made amid compaction, onto a disk of their own, from older or lost lists."""

from __future__ import annotations

import shutil
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cityctl.errors import StoreProblem
from cityctl.reading import Reading
from cityctl.store import Store
from cityctl.store.care.backup import backup, restore
from cityctl.store.care.checking import check
from cityctl.store.care.healing import rebuild
from cityctl.store.folder import ListDamaged

DAY1 = datetime(2026, 3, 1, tzinfo=UTC)


def _minute(number: float) -> datetime:
    return DAY1 + timedelta(minutes=number)


def _poll(store: Store, *minutes: int) -> None:
    for minute in minutes:
        taken = store.land([Reading("a", _minute(minute), 1.0)], batch=f"{minute}", received=_minute(minute))
        assert taken == 1


def _minutes(found) -> list[int]:
    return [int((time - DAY1).total_seconds() // 60) for _, time, _, _ in found]


def test_polls_into_a_restored_store_count_whatever_ran_beside_the_backup(store, tmp_path, rows, monkeypatch):
    """The landing is copied before the list: batches that are flushed in between bear numbers of the next ones."""
    _poll(store, 0, 1, 2)
    copy = store.list.copy

    def busy(target: Path) -> None:
        _poll(store, *range(3, 9))
        store.compact()
        copy(target)

    monkeypatch.setattr(store.list, "copy", busy)
    backup(store, tmp_path / "backup")
    restore(tmp_path / "new", tmp_path / "backup")
    with Store.open(tmp_path / "new", create=False) as new:
        _poll(new, 20, 21)
        assert _minutes(rows(new)) == [*range(9), 20, 21]
        new.compact()
        assert _minutes(rows(new)) == [*range(9), 20, 21]


def test_a_correction_is_not_undone_by_what_the_backup_holds_as_landed(store, tmp_path, rows, table):
    _poll(store, 0)
    backup(store, tmp_path / "backup")
    store.compact()
    store.add(table([("a", _minute(0), 5.0)]), source="corrected", received=_minute(10))
    landing = (tmp_path / "backup" / "landing.sqlite").read_bytes()
    backup(store, tmp_path / "backup")
    # As if it had died before it replaced the landing: the new list, and what had landed before.
    (tmp_path / "backup" / "landing.sqlite").write_bytes(landing)
    restore(tmp_path / "new", tmp_path / "backup")
    with Store.open(tmp_path / "new", create=False) as new:
        for _ in range(2):
            assert [row[2] for row in rows(new)] == [5.0]
            new.compact()


def test_what_lies_in_write_ahead_logs_is_restored_too(store, tmp_path, rows, table):
    """A folder that was copied after a crash: its lists are not whole without their logs."""
    store.add(table([("a", _minute(0), 1.0)]), source="x", received=_minute(0))
    _poll(store, 1)
    copied = tmp_path / "copied"
    shutil.copytree(store.folder, copied)
    assert (copied / "list.sqlite-wal").stat().st_size > 0
    restore(tmp_path / "new", copied)
    with Store.open(tmp_path / "new", create=False) as new:
        assert _minutes(rows(new)) == [0, 1]


def test_a_store_behind_a_link_is_restored_where_it_lies(tmp_path, rows):
    disk, link = tmp_path / "disk", tmp_path / "project" / "store"
    disk.mkdir()
    link.parent.mkdir()
    link.symlink_to(disk)
    with Store.open(link) as store:
        _poll(store, 0)
        backup(store, tmp_path / "backup")
        lock = (disk / "lock").stat().st_ino
        done = restore(link, tmp_path / "backup", replace=True)
        assert link.readlink() == disk
        assert (disk / "lock").stat().st_ino == lock  # who waits for it waits for the same one
        assert sorted(path.name for path in link.parent.iterdir()) == ["store"]
        assert done.aside is not None
        assert done.aside.parent.samefile(disk)
        _poll(store, 1)
        assert _minutes(rows(store)) == [0, 1]
    shutil.rmtree(disk)  # as after a new disk was put in
    disk.mkdir()
    restore(link, tmp_path / "backup")
    with Store.open(link, create=False) as store:
        assert _minutes(rows(store)) == [0]


def test_an_older_list_takes_no_segment_away(store, folder, tmp_path, rows, table):
    """A list of yesterday that was put back knows nothing of today's segments: they are no dead run's."""
    store.add(table([("a", _minute(0), 1.0)]), source="x", received=_minute(0))
    store.close()
    shutil.copy(folder / "list.sqlite", tmp_path)
    for minute in (1, 2, 3):
        store.add(table([("a", _minute(minute), 1.0)]), source="x", received=_minute(minute))
    store.close()
    shutil.copy(tmp_path / "list.sqlite", folder)
    with Store.open(folder) as older:
        assert check(older).faults[0].startswith("the store's list is older than 2 segments beside it")
        older.compact()
        with pytest.raises(ListDamaged, match="is older than 2 segments") as problem:
            older.add(table([("a", _minute(4), 1.0)]), source="x", received=_minute(4))
        assert "cityctl data rebuild" in (problem.value.hint or "")
    assert rebuild(folder, None).readings == 4
    with Store.open(folder) as rebuilt:
        rebuilt.add(table([("a", _minute(4), 1.0)]), source="x", received=_minute(4))
        assert check(rebuilt).faults == []
        assert rebuilt.compact().swept > 0  # the old files, whose readings are in the new ones
        assert _minutes(rows(rebuilt)) == [0, 1, 2, 3, 4]


def test_a_list_that_can_only_not_be_read_now_is_not_rebuilt(store, folder, table):
    """Sound lists know more than the segments do: which months were dropped, what was received when."""
    store.add(table([("a", _minute(0), 1.0)]), source="x", received=_minute(0))
    store.close()
    with sqlite3.connect(folder / "list.sqlite") as newer:
        newer.execute("PRAGMA user_version = 99")
    newer.close()
    before = (folder / "list.sqlite").read_bytes()
    with pytest.raises(StoreProblem, match="newer cityctl"):
        rebuild(folder, None)
    assert (folder / "list.sqlite").read_bytes() == before


def test_a_rebuild_that_fails_leaves_what_was_there(store, folder, table, monkeypatch):
    store.add(table([("a", _minute(0), 1.0)]), source="x", received=_minute(0))
    store.close()
    (folder / "list.sqlite").write_bytes(b"rubbish" * 999)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("cityctl.store.care.healing._rebuild", full)
        with pytest.raises(StoreProblem, match="the disk is full"):
            rebuild(folder, None)
    assert sorted(path.name for path in folder.glob("*.sqlite")) == ["landing.sqlite", "list.sqlite"]
    assert not (folder / "rebuilding").exists()
    assert rebuild(folder, None).readings == 1


def test_a_backup_that_finds_no_room_names_its_target(store, table, tmp_path, monkeypatch):
    store.add(table([("a", _minute(0), 1.0)]), source="x", received=_minute(0))

    def full(source: Path, target: Path) -> None:
        raise OSError(
            28, "No space left on device", str(source), None, str(target)
        )  # as shutil.copyfile does

    monkeypatch.setattr("cityctl.store.care.backup.shutil.copyfile", full)
    with pytest.raises(StoreProblem, match=f"the disk is full: {tmp_path / 'backup'}"):
        backup(store, tmp_path / "backup")


def test_who_may_not_read_a_segment_marks_nothing(store, table, monkeypatch, tmp_path):
    store.add(table([("a", _minute(0), 1.0)]), source="x", received=_minute(0))

    def closed(path: Path) -> str:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("cityctl.store.care.checking.digest", closed)
    with pytest.raises(StoreProblem, match="no permission"):
        check(store)
    assert store.snapshot().damaged == ()
    assert list(backup(store, tmp_path / "backup").damaged.values()) == ["no permission to read it"]
