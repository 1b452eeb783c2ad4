"""A store of every earlier version is brought up to date as it is opened, whatever happens meanwhile."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta

import pyarrow.parquet as pq
import pytest

from cityctl.city.points import Point
from cityctl.errors import StoreProblem
from cityctl.reading import Reading
from cityctl.store import Store
from cityctl.store.care.checking import check
from cityctl.store.segments import list_file
from cityctl.store.segments.scan import micros

DAY1 = datetime(2026, 3, 1, tzinfo=UTC)

VERSION_1 = """
CREATE TABLE state (generation INTEGER NOT NULL);
INSERT INTO state VALUES (0);
CREATE TABLE segments (
    path TEXT PRIMARY KEY, month TEXT NOT NULL, kind TEXT NOT NULL,
    first_us INTEGER NOT NULL, last_us INTEGER NOT NULL, rows INTEGER NOT NULL, bytes INTEGER NOT NULL,
    sha256 TEXT NOT NULL, generation INTEGER NOT NULL, batch TEXT NOT NULL, source TEXT NOT NULL,
    received_us INTEGER NOT NULL, removed_at_us INTEGER
) WITHOUT ROWID;
CREATE INDEX live ON segments (month) WHERE removed_at_us IS NULL;
CREATE TABLE series (
    id INTEGER PRIMARY KEY, point TEXT NOT NULL UNIQUE, quantity TEXT, unit TEXT, first_seen_us INTEGER NOT NULL
);
CREATE TABLE batches (key TEXT PRIMARY KEY, received_us INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE landing (
    id INTEGER PRIMARY KEY, series INTEGER NOT NULL, time_us INTEGER NOT NULL, value REAL,
    quality INTEGER NOT NULL, received_us INTEGER NOT NULL
);
"""
"""The tables of the list as version 1 made them."""


def version_1(folder, made: Store, landed, at) -> None:
    """The store `made` as version 1 would have written it: segments without `source`, landing in the list."""
    snapshot = made.snapshot()
    series = made.series()
    made.close()
    for name in ("list.sqlite", "landing.sqlite"):
        for ending in ("", "-wal", "-shm"):
            (folder / f"{name}{ending}").unlink(missing_ok=True)
    connection = sqlite3.connect(folder / "list.sqlite", isolation_level=None)
    connection.executescript(VERSION_1 + "PRAGMA user_version = 1; PRAGMA journal_mode = WAL;")
    for segment in snapshot.segments:
        path = folder / segment.path
        rows = pq.ParquetFile(path).read()
        if "source" in rows.column_names:
            rows = rows.drop_columns(["source"])
        pq.write_table(rows, path, store_schema=False)
        from cityctl.disk import digest

        row = [getattr(segment, name) for name in type(segment).__slots__]
        row[6:8] = [path.stat().st_size, digest(path)]
        connection.execute(f"INSERT INTO segments VALUES ({','.join('?' * 12)}, NULL)", row)
    for number, entry in enumerate(series.values()):
        row = (number + 1, entry.point, entry.quantity, entry.unit, entry.first_seen_us)
        connection.execute("INSERT INTO series VALUES (?, ?, ?, ?, ?)", row)
    numbers = {point: number + 1 for number, point in enumerate(series)}
    for point, time, value in landed:
        connection.execute(
            "INSERT INTO landing (series, time_us, value, quality, received_us) VALUES (?, ?, ?, 0, ?)",
            (numbers[point], micros(time), value, micros(DAY1 + timedelta(days=5))),
        )
    connection.execute("INSERT INTO batches VALUES ('poll-1', ?)", (micros(datetime.now(UTC)),))
    connection.execute("UPDATE state SET generation = ?", (snapshot.generation,))
    connection.close()


@pytest.fixture
def old(folder, table, at):
    """A store of version 1: 10 readings of `a`, one revised, one confirmed, two landed (one of them over `a`)."""
    point = {"a": Point("a", "flow", "m3/h", "m3/h", "gauge")}
    with Store.open(folder) as made:
        rows = [("a", at(n), float(n)) for n in range(10)] + [("b", at(0), 1.0)]
        made.add(table(rows), source="one.csv", received=DAY1, points=point)
        made.add(table([("a", at(4), 40.0)]), source="two.csv", received=DAY1 + timedelta(days=1))
        made.add(table([("a", at(5), 5.0)]), source="two.csv", received=DAY1 + timedelta(days=2))
    version_1(folder, made, [("b", at(3), 3.0), ("a", at(6), 60.0)], at)
    return folder


def _expected(at):
    values = {n: float(n) for n in range(10)} | {4: 40.0, 6: 60.0}
    return [("a", at(n), value, 0) for n, value in values.items()] + [
        ("b", at(0), 1.0, 0),
        ("b", at(3), 3.0, 0),
    ]


def test_version_1_holds_the_same_readings_afterwards(old, rows, at, table):
    with Store.open(old) as store:
        assert rows(store) == _expected(at)
        assert store.list.landed_rows() == 2
        assert store.series()["a"].quantity == "flow"
        # A poll of before the change, tried again after it, is still known.
        assert store.land([Reading("b", at(9), 9.0)], batch="poll-1", received=DAY1) == 0
        assert check(store).damaged == {}
        # What it learned since then works on what it held before.
        store.add(table([("a", at(1), 11.0)]), source="three.csv", received=DAY1 + timedelta(days=9))
        store.compact()
        expected = {row[:2]: row for row in _expected(at)} | {("a", at(1)): ("a", at(1), 11.0, 0)}
        assert {row[:2]: row for row in rows(store)} == expected
        assert [month.month for month in store.list.dirty()] == ["2026-01", "2026-02"]
    with sqlite3.connect(old / "list.sqlite") as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (list_file.SCHEMA,)
    connection.close()


def test_sources_of_version_1_are_those_that_its_list_named(old, at):
    from cityctl.store.asked.history import _versions

    with Store.open(old) as store:
        store.compact()
        versions = _versions(store, ["a"], None, None, revised_only=True)
    assert [(row[1], row[2], row[6]) for row in versions] == [
        (at(4), 4.0, "one.csv"),
        (at(4), 40.0, "two.csv"),
        (at(6), 6.0, "one.csv"),
        (at(6), 60.0, "poll"),
    ]


def test_a_run_that_dies_on_the_way_has_doubled_nothing(old, rows, at, monkeypatch):
    """After the landing was taken over and before the list says so."""
    with monkeypatch.context() as patched:
        patched.setattr(list_file, "_SINCE_2", "SYNTAX ERROR; so the transaction is rolled back")
        with pytest.raises(StoreProblem):
            Store.open(old)
    with Store.open(old) as store:
        assert store.list.landed_rows() == 2
        assert rows(store) == _expected(at)


def test_an_old_store_that_cannot_be_written_says_what_to_do(old, monkeypatch):
    import cityctl.store.sqlite_file as sqlite_file

    monkeypatch.setattr(
        sqlite_file.os, "access", lambda path, mode: False
    )  # as for a user without permission
    with pytest.raises(StoreProblem, match="read-only") as problem:
        Store.open(old)
    assert "user who owns it" in (problem.value.hint or "")


def test_version_2_learns_words(folder, table, rows, at):
    """Version 2 is version 3 without the dictionary of words."""
    with Store.open(folder) as made:
        made.add(table([("a", at(0), 1.0)]), source="one.csv", received=DAY1)
    with sqlite3.connect(folder / "list.sqlite") as connection:
        connection.execute("DROP TABLE words")
        connection.execute("PRAGMA user_version = 2")
    connection.close()
    with Store.open(folder) as store:
        assert rows(store) == [("a", at(0), 1.0, 0)]
        assert store.list.words() == {}
        assert check(store).faults == []
    with sqlite3.connect(folder / "list.sqlite") as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (list_file.SCHEMA,)
    connection.close()
