"""`data gaps`: what is missing, by the city's days, and what is only not due yet."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cityctl.errors import ExitCode
from cityctl.store.asked.gaps import gaps
from tests.store.quarters import BERLIN, DAY1, local, quarters, rows_of


def _gaps(project, words=(), *, since, until, now):
    result = gaps(project, words, since=since, until=until, now=local(now))
    found = [
        (
            row["point"],
            f"{row['since'].astimezone(BERLIN):%d %H:%M}",
            f"{row['until'].astimezone(BERLIN):%d %H:%M}",
            row["missing"],
            row["due"],
        )
        for row in rows_of(result, "gaps")
    ]
    return result, found


def test_gaps_at_both_ends_and_in_the_middle(made):
    project = made(quarters("flow", "2026-11-10 01:00", 40, without=range(10, 14)))
    result, found = _gaps(
        project, ["flow"], since="2026-11-10T00:00", until="2026-11-10T12:00", now="2026-11-20 00:00"
    )
    # 01:00 + 10 quarters = 03:30; the last reading is at 10:45.
    assert found == [
        ("flow", "10 00:00", "10 01:00", 4, "missing"),
        ("flow", "10 03:30", "10 04:30", 4, "missing"),
        ("flow", "10 11:00", "10 12:00", 4, "missing"),
    ]
    (row,) = rows_of(result, "points")
    assert (row["wanted"], row["had"], row["missing"], row["not_due"]) == (48, 36, 12, 0)
    assert row["present"] == 0.75
    assert (result.completeness.wanted, result.completeness.had) == (48, 36)
    assert result.exit_code() is ExitCode.INCOMPLETE


def test_what_is_not_due_yet_is_not_missing(made):
    project = made(quarters("flow", "2026-11-10 00:00", 40))  # the last at 09:45
    result, found = _gaps(project, ["flow"], since="2026-11-10", until="2026-11-10", now="2026-11-10 10:35")
    # At 10:35 the readings of 10:00 and 10:15 are due, that of 10:30 will be at 10:45.
    assert found == [
        ("flow", "10 10:00", "10 10:30", 2, "missing"),
        ("flow", "10 10:30", "11 00:00", 54, "not due yet"),
    ]
    (row,) = rows_of(result, "points")
    assert (row["wanted"], row["had"], row["missing"], row["not_due"]) == (42, 40, 2, 54)


def test_complete_readings_have_no_gaps(made):
    project = made(quarters("flow", "2026-11-10 00:07", 96))  # polled seven minutes past, all day
    result, found = _gaps(project, ["flow"], since="2026-11-10", until="2026-11-10", now="2026-11-20 00:00")
    assert found == []
    assert result.summary == "no gaps in 1 point"
    assert result.exit_code() is ExitCode.DONE


def test_a_point_without_any_reading_misses_all_that_are_due(made):
    project = made(quarters("flow", "2026-11-10 00:00", 4))
    _, found = _gaps(project, ["other"], since="2026-11-10", until="2026-11-10", now="2026-11-20 00:00")
    assert found == [("other", "10 00:00", "11 00:00", 96, "missing")]
    _, found = _gaps(project, ["other"], since="2026-11-10", until="2026-11-10", now="2026-11-09 00:00")
    assert found == [("other", "10 00:00", "11 00:00", 96, "not due yet")]


@pytest.mark.parametrize(
    ("days", "missing"),
    [
        # Local midnights around the day of 23 hours and the one of 25: days 28 to 31 March, 24 to 27 October.
        (["2026-03-28", "2026-03-31"], ("03-29", "03-31", 2)),
        (["2026-10-24", "2026-10-27"], ("10-25", "10-27", 2)),
        (["2026-03-28", "2026-03-29", "2026-03-31"], ("03-30", "03-31", 1)),
        (["2026-10-24", "2026-10-26", "2026-10-27"], ("10-25", "10-26", 1)),
    ],
)
def test_daily_readings_are_counted_in_the_local_calendar(made, days, missing):
    project = made([("daily", local(f"{day} 00:00"), 1.0) for day in days])
    result = gaps(project, ["daily"], since=days[0], until=days[-1], now=DAY1)
    (row,) = rows_of(result, "gaps")
    since, until = (row[edge].astimezone(BERLIN) for edge in ("since", "until"))
    assert (f"{since:%m-%d}", f"{until:%m-%d}", row["missing"]) == missing
    assert (since.hour, until.hour) == (0, 0)


def test_daily_readings_missing_at_the_end_of_a_long_day(made):
    project = made([("daily", local("2026-10-24 00:00"), 1.0)])
    result = gaps(project, ["daily"], since="2026-10-24", until="2026-10-26", now=DAY1)
    (row,) = rows_of(result, "gaps")
    assert (row["since"], row["until"], row["missing"]) == (
        local("2026-10-25 00:00"),
        local("2026-10-27 00:00"),
        2,
    )


def test_a_reading_without_a_value_is_no_gap_but_not_had_either(made):
    rows = quarters("flow", "2026-11-10 00:00", 96, without=[5])
    project = made([*rows, ("flow", local("2026-11-10 01:15"), None, 3)])
    result, found = _gaps(project, ["flow"], since="2026-11-10", until="2026-11-10", now="2026-11-20 00:00")
    (row,) = rows_of(result, "points")
    assert found == []
    assert (row["wanted"], row["had"], row["no_value"], row["missing"]) == (96, 95, 1, 0)


def test_how_often_is_read_from_the_readings_where_city_yaml_is_silent(made):
    stored = [
        ("unlisted", local("2026-11-10 00:00") + timedelta(minutes=10 * n), 1.0) for n in range(144) if n != 7
    ]
    project = made(stored)
    result, found = _gaps(project, since="2026-11-10", until="2026-11-10", now="2026-11-20 00:00")
    assert ("unlisted", "10 01:10", "10 01:20", 1, "missing") in found
    assert any("read from the readings themselves" in note for note in result.notes)
    # Every measured point of city.yaml is looked at too; derived ones only where they are named.
    assert {row["point"] for row in rows_of(result, "points")} == {"flow", "other", "daily", "unlisted"}


def test_many_readings_are_taken_some_points_at_a_time(made, monkeypatch):
    """300 readings of three points, put in order 150 at a time, miss what they miss in one go."""
    rows = [
        row
        for n, point in enumerate(("zulu", "flow", "alfa"))
        for row in quarters(point, "2026-11-10 00:00", 100, without=range(10 * n, 10 * n + 3))
    ]
    project = made(rows)
    asked = {"since": "2026-11-10", "until": "2026-11-10", "now": "2026-11-20 00:00"}
    whole, at_once = _gaps(project, **asked)
    monkeypatch.setattr("cityctl.store.asked.gaps._AT_ONCE", 150)
    parted, found = _gaps(project, **asked)
    assert [gap[:4] for gap in found if gap[0] in ("alfa", "zulu")] == [
        ("alfa", "10 05:00", "10 05:45", 3),
        ("zulu", "10 00:00", "10 00:45", 3),
    ]
    assert found == at_once
    assert parted.tables == whole.tables
    assert parted.notes == whole.notes
