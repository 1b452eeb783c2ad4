"""The same deliveries in any order, any number of times: every answer is equal, byte by byte.

Gauges, states, counters that fall and roll over, and revisions, some imported and some polled, with compaction
in between, asked through `data export`, `gaps`, `repairs`, `history` and the views of `data sql`.
"""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cityctl.city.project import Project
from cityctl.reading import Quality, Reading
from cityctl.store import Store
from cityctl.store.asked.export import stream
from cityctl.store.asked.gaps import gaps
from cityctl.store.asked.history import history
from cityctl.store.asked.repairs import repairs
from cityctl.store.asked.sql import sql

START = datetime(2026, 3, 29, tzinfo=UTC)
NOW = datetime(2026, 6, 1, tzinfo=UTC)
CITY = """
name: Test
time_zone: Europe/Berlin
networks: {water: {kind: water}}
zones: {hafen: {network: water, kind: dma}}
points:
  flow: {unit: L/s, every: 1h, zone: hafen}
  mode: {quantity: state, kind: state, every: 1h, zone: hafen}
  total: {unit: m3, kind: counter, every: 1h, zone: hafen, rollover: 1000}
  used_up: {formula: rate(total) + flow, unit: m3/h, zone: hafen}
"""
_VALUES = {
    "flow": st.sampled_from([None, 0.0, 1.25, 7.1]),
    "mode": st.sampled_from([0.0, 1.0, 7.0]),
    "total": st.sampled_from([0.0, 1.0, 2.5, 990.0, 998.0, 65535.0]),
}
row = st.sampled_from(list(_VALUES)).flatmap(
    lambda point: st.tuples(
        st.just(point), st.integers(0, 30), _VALUES[point], st.sampled_from([0, 0, 0, 1, 2, 3])
    )
)
delivery = st.lists(row, min_size=1, max_size=30)


Rows = list[tuple[str, int, float | None, int]]


def _answers(folder: Path, deliveries: list[Rows], polled: list[bool], turns: list[int]) -> bytes:
    folder.mkdir()
    (folder / "city.yaml").write_text(CITY, encoding="utf-8")
    project = Project(folder)
    with Store.open(project.store_folder) as store:
        for turn, which in enumerate(turns):
            received = datetime(2026, 5, 1, tzinfo=UTC) + timedelta(hours=which)
            points = project.city.points()
            if polled[which]:
                polls = [
                    Reading(p, START + timedelta(hours=h), v, Quality(q)) for p, h, v, q in deliveries[which]
                ]
                store.land(polls, batch=f"{turn}", received=received, points=points)
            else:
                store.add(_table(deliveries[which]), source="test", received=received, points=points)
            if turn % 3 == 2:
                store.compact()
    pieces: list[bytes] = []
    stream(project, [], form="csv", write=pieces.append, now=NOW)
    for view in ("water.hafen_wide", "used"):
        found = sql(project, f"select * from {view} order by all", now=NOW, form="csv")
        pieces.append(repr(found.tables[0].rows).encode())
    for ask in (gaps, repairs):
        result = ask(project, since="2026-03-28", until="2026-04-02", now=NOW)
        pieces += [repr(table.rows).encode() for table in result.tables]
    pieces.append(repr(history(project, ["*"], everything=True, now=NOW).tables[0].rows).encode())
    return b"\n".join(pieces)


def _table(rows: Rows) -> pa.Table:
    return pa.table(
        {
            "point": [row[0] for row in rows],
            "time": pa.array([START + timedelta(hours=row[1]) for row in rows], pa.timestamp("us", "UTC")),
            "value": pa.array([row[2] for row in rows], pa.float64()),
            "quality": pa.array([row[3] for row in rows], pa.uint8()),
        }
    )


@settings(max_examples=5, suppress_health_check=list(HealthCheck))
@given(data=st.data(), deliveries=st.lists(delivery, min_size=2, max_size=5))
def test_order_and_repetition_change_no_byte_of_an_answer(data, deliveries):
    """The deliveries once in their order, and in two other orders, some of them again."""
    count = len(deliveries)
    polled = data.draw(st.lists(st.booleans(), min_size=count, max_size=count))
    with tempfile.TemporaryDirectory() as name:
        once = _answers(Path(name) / "once", deliveries, polled, list(range(count)))
        for number in range(2):
            turns = data.draw(st.permutations(range(count)))
            again = data.draw(st.lists(st.integers(0, count - 1), max_size=4))
            assert _answers(Path(name) / f"{number}", deliveries, polled, [*turns, *again]) == once


def test_who_brought_a_reading_first_is_kept_whatever_comes_after(tmp_path):
    """Polled at 1 and imported at 2, in either order, and then merged: it came from the poll."""
    deliveries: list[Rows] = [[("flow", 0, None, 0)], [("mode", 0, 1.0, 0)], [("mode", 0, 1.0, 0)]]
    polled = [False, True, False]
    answers = {_answers(tmp_path / f"{turns}", deliveries, polled, turns) for turns in ([0, 1, 2], [0, 2, 1])}
    (told,) = answers
    assert b"'poll'" in told


def test_a_correction_came_when_it_came(tmp_path):
    """What was received again before it confirmed the version that it replaced; merged, it came an hour early."""
    deliveries: list[Rows] = [[("mode", 0, 7.0, 0)], [("mode", 0, 7.0, 0)], [("mode", 0, 1.0, 0)]]
    orders = ([0, 1, 2], [1, 0, 2], [0, 2, 1], [2, 1, 0])
    answers = {_answers(tmp_path / f"{turns}", deliveries, [False] * 3, turns) for turns in orders}
    (told,) = answers
    assert b"1.0, '', 'good', 2, datetime.datetime(2026, 5, 1, 2, 0" in told


def test_an_answer_that_was_confirmed_between_others_is_one_of_them(tmp_path):
    """7 o'clock said 7.0, 8 o'clock 1.0, then 7.0 again, again, and 0.0 last; whatever was merged when."""
    said = [7.0, 1.0, 7.0, 7.0, 0.0]
    deliveries: list[Rows] = [[("mode", 0, value, 0)] for value in said]
    orders = ([0, 1, 2, 3, 4], [0, 2, 1, 3, 4], [4, 3, 2, 1, 0], [3, 0, 4, 2, 1])
    answers = {_answers(tmp_path / f"{turns}", deliveries, [False] * 5, turns) for turns in orders}
    (told,) = answers
    rows = history(Project(tmp_path / f"{orders[0]}"), ["mode"], everything=True, now=NOW).tables[0].rows
    assert [row[2] for row in rows] == [7.0, 1.0, 7.0, 0.0]
    assert told


def test_what_is_exported_and_imported_again_is_the_same(project, cityctl, tmp_path):
    """States, counters and qualities through `data export` and `data import`, without loss."""
    folder = project(CITY)
    at = [START + timedelta(hours=n) for n in range(6)]
    rows = [("flow", at[n], 1.25 * n, n % 3) for n in range(6)]
    rows += [("mode", at[n], float(n % 2 * 7), 0) for n in range(6)]
    rows += [("total", at[n], value, 0) for n, value in enumerate([990.0, 998.0, 0.0, 1.5, 0.1, 1 / 3])]
    readings = pa.table(
        {
            "point": [row[0] for row in rows],
            "time": pa.array([row[1] for row in rows], pa.timestamp("us", "UTC")),
            "value": [row[2] for row in rows],
            "quality": pa.array([row[3] for row in rows], pa.uint8()),
        }
    )
    first = Project(folder)
    with Store.open(first.store_folder) as store:
        store.add(readings, source="test", received=NOW, points=first.city.points())
    measured = ["flow", "mode", "total"]
    for form in ("csv", "parquet"):
        written = tmp_path / f"out.{form}"
        cityctl("data", "export", *measured, "--project", folder, "--output-file", written)
        again = project(CITY, f"again-{form}")
        ended = cityctl("data", "import", written, "--project", again)
        assert ended.returncode == 0, ended.stderr + ended.stdout
        found, expected = [], []
        stream(Project(again), measured, form="csv", write=found.append, now=NOW)
        stream(first, measured, form="csv", write=expected.append, now=NOW)
        assert b"".join(found) == b"".join(expected)
