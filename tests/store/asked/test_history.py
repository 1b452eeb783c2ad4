"""Versions of readings are kept: what was known when, who received it, and that questions never pay for them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cityctl.city.project import Project
from cityctl.engine.duck import Engine
from cityctl.reading import Reading
from cityctl.store import Store
from cityctl.store.asked.history import history

DAY1 = datetime(2026, 3, 1, tzinfo=UTC)
NOW = datetime(2026, 4, 1, tzinfo=UTC)


def _day(number: float) -> datetime:
    return DAY1 + timedelta(days=number)


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.delenv("CITYCTL_STORE", raising=False)
    (tmp_path / "city.yaml").write_text("name: Test\ntime_zone: UTC\n")
    return Project(tmp_path)


@pytest.fixture
def revised(project, table, at):
    """Point a: 10 readings of file one, of which two were revised by file two and one of these by a poll."""
    with Store.open(project.store_folder) as store:
        store.add(table([("a", at(n), float(n)) for n in range(10)]), source="one.csv", received=_day(0))
        store.add(table([("a", at(0), 100.0), ("a", at(5), 105.0)]), source="two.csv", received=_day(1))
        store.land([Reading("a", at(5), 205.0)], batch="1", received=_day(2))
        yield store


def _rows(project, **how):
    result = history(project, ["a"], now=NOW, **how)
    versions = result.tables[0]
    keys = ("time", "value", "version", "received_at", "received_by", "replaced_at")
    return list(zip(*(versions.cells(key) for key in keys), strict=True))


def _expected(at):
    return [
        (at(0), 0.0, 1, _day(0), "one.csv", _day(1)),
        (at(0), 100.0, 2, _day(1), "two.csv", None),
        (at(5), 5.0, 1, _day(0), "one.csv", _day(1)),
        (at(5), 105.0, 2, _day(1), "two.csv", _day(2)),
        (at(5), 205.0, 3, _day(2), "poll", None),
    ]


def test_values_are_in_the_unit_that_the_city_speaks(tmp_path, table, at, monkeypatch):
    """L/s for a flow that is stored in m³/h: 3.6 m³/h are 1 L/s; a point that city.yaml does not know as stored."""
    monkeypatch.delenv("CITYCTL_STORE", raising=False)
    (tmp_path / "city.yaml").write_text("name: T\ntime_zone: UTC\npoints: {a: {unit: L/s}}\n")
    project = Project(tmp_path)
    with Store.open(project.store_folder) as store:
        rows = table([("a", at(0), 36.0), ("b", at(0), 36.0)])
        store.add(rows, source="x", received=_day(0), points=project.city.points())
    found = history(project, ["*"], everything=True, now=NOW).tables[0]
    assert list(zip(found.cells("point"), found.cells("value"), found.cells("unit"), strict=True)) == [
        ("a", 10.0, "L/s"),
        ("b", 36.0, None),
    ]


def test_every_version_is_there_with_who_and_when(project, revised, at):
    assert _rows(project) == _expected(at)
    assert len(_rows(project, everything=True)) == 10 + 3


def test_compaction_keeps_them_and_the_scan_never_reads_them(project, revised, at, table):
    for number in range(3):
        revised.compact()
        assert _rows(project) == _expected(at)
        # More comes, so that the next compaction has history to merge with history.
        revised.add(table([("b", at(number), float(number))]), source="x", received=_day(4))
        revised.add(table([("b", at(number), 50.0)]), source="x", received=_day(5))
    snapshot = revised.snapshot()
    assert snapshot.replaced
    with Engine(threads=1) as engine:
        revised.attach(engine, None)
        plan = str(engine.rows("EXPLAIN ANALYZE SELECT sum(value) FROM readings"))
    assert not any(segment.path in plan for segment in snapshot.replaced)
    assert all(segment.kind in ("new", "revised", "confirmed") for segment in snapshot.segments)


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ("2026-03-01T12:00", (10, 0.0, 5.0)),
        ("2026-03-02T12:00", (10, 100.0, 105.0)),
        ("2026-03-04", (10, 100.0, 205.0)),
    ],
)
@pytest.mark.parametrize("compacted", [False, True])
def test_what_was_known_then(project, revised, at, known, expected, compacted):
    if compacted:
        revised.compact()
    rows = _rows(project, at=known)
    values = {time: value for time, value, *_ in rows}
    assert (len(rows), values[at(0)], values[at(5)]) == expected


def test_before_anything_was_received_nothing_was_known(project, revised):
    assert _rows(project, at="2026-02-20") == []


def test_a_version_that_came_late_but_was_received_earlier_is_no_loss(project, revised, table, at):
    """A file that another run received first and stored last: what it says was known in between."""
    revised.add(table([("a", at(7), 77.0)]), source="late.csv", received=_day(-1))
    expected = [
        (at(7), 77.0, 1, _day(-1), "late.csv", _day(0)),
        (at(7), 7.0, 2, _day(0), "one.csv", None),
    ]
    assert [row for row in _rows(project) if row[0] == at(7)] == expected
    revised.compact()
    assert [row for row in _rows(project) if row[0] == at(7)] == expected


def test_a_version_that_returns_is_a_version_of_its_own(project, revised, table, at):
    """one.csv says 0, two.csv says 100, and a third file says 0 again."""
    revised.add(table([("a", at(0), 0.0)]), source="three.csv", received=_day(3))
    revised.compact()
    values = [(value, source) for time, value, _, _, source, _ in _rows(project) if time == at(0)]
    assert values == [(0.0, "one.csv"), (100.0, "two.csv"), (0.0, "three.csv")]


def test_versions_that_landed_together_are_told_apart(project, at):
    """Two polls of the same instant of a meter's own clock, before anything was flushed."""
    with Store.open(project.store_folder) as store:
        store.land([Reading("a", at(0), 1.0)], batch="1", received=_day(0))
        store.land([Reading("a", at(0), 2.0)], batch="2", received=_day(1))
        before = _rows(project)
        assert [(row[1], row[3]) for row in before] == [(1.0, _day(0)), (2.0, _day(1))]
        store.compact()
        assert _rows(project) == before


def test_an_interval_narrows(project, revised, at):
    assert {row[0] for row in _rows(project, since="2026-02-01T02:00", until="2026-02-01T04:00")} == {at(5)}


def test_of_two_values_in_one_poll_the_better_one_was_received(project, at):
    """Whether the poll is still in the landing or in a segment by now."""
    with Store.open(project.store_folder) as store:
        store.land([Reading("a", at(0), None), Reading("a", at(0), 7.0)], batch="1", received=_day(0))
        once = [(at(0), 7.0, 1, _day(0), "poll", None)]
        assert _rows(project, everything=True) == once
        store.compact()
        assert _rows(project, everything=True) == once


def test_files_of_one_import_that_disagree(project, table, at):
    """The larger value was received, also where both come again; the other one is told of and stays in the history."""
    with Store.open(project.store_folder) as store:
        for day in (0, 1):
            for source, value in (("a.csv", 9.0), ("b.csv", 2.0)):
                balance = store.add(table([("a", at(0), value)]), source=source, received=_day(day))
            assert (balance.total.unchanged, balance.total.gave_way, balance.closes) == (1, 1, True)
        told = [
            (at(0), 2.0, 1, _day(0), "b.csv", _day(0)),
            (at(0), 9.0, 2, _day(0), "a.csv", _day(1)),
            (at(0), 2.0, 3, _day(1), "b.csv", _day(1)),
            (at(0), 9.0, 4, _day(1), "a.csv", None),
        ]
        assert _rows(project) == told
        store.compact()
        assert _rows(project) == told
