"""Amounts of one point that come in intervals of several lengths, in files of their own: they count once.

A day of 24 kWh, told as hours of 1 kWh and as quarters of 0.25 kWh; a February of 672 kWh in quarters of 0.25 kWh.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cityctl.city.project import Project
from cityctl.errors import ExitCode
from tests.collect.importing import closes, load, rejections, rows, stored

DAY = datetime(2026, 2, 1, tzinfo=UTC)


def table(path: Path, minutes: int, value: float, numbers: Sequence[int] | None = None) -> Path:
    """A day of amounts, or those with the given numbers."""
    told = range(1440 // minutes) if numbers is None else numbers
    lines = [f"{DAY + timedelta(minutes=minutes * n):%Y-%m-%dT%H:%MZ},{value}" for n in told]
    path.write_text("time,a [kWh]\n" + "\n".join(lines) + "\n")
    return path


def mscons(path: Path, minutes: int, count: int, value: float) -> Path:
    """Values of a load curve, each with its beginning and end."""
    parts = [
        "UNA:+.? '", "UNB+UNOC:3+A:500+B:500+260301:0000+1'", "UNH+1+MSCONS:D:04B:UN:2.4b'", "BGM+7+1+9'",
        "NAD+DP'", "LOC+172+DE0001'", "LIN+1'", "PIA+5+1-1?:1.29.0:SRW'",
    ]  # fmt: skip
    for number in range(count):
        begin, end = (DAY + timedelta(minutes=minutes * n) for n in (number, number + 1))
        parts += [
            f"QTY+220:{value}:KWH'",
            f"DTM+163:{begin:%Y%m%d%H%M}?+00:303'",
            f"DTM+164:{end:%Y%m%d%H%M}?+00:303'",
        ]
    parts += [f"UNT+{len(parts) - 1}+1'", "UNZ+1+1'"]
    path.write_text("".join(parts))
    return path


def total(project: Project) -> float:
    return sum(row[2] for row in stored(project) if row[2] is not None)


def test_hours_do_not_count_over_quarters_that_are_stored(city: Project, tmp_path: Path) -> None:
    """The first quarter of each hour became the hour's amount: 24 kWh were 42."""
    quarters, hours = table(tmp_path / "q.csv", 15, 0.25), table(tmp_path / "h.csv", 60, 1.0)
    load(city, [quarters], keep_all=True)
    for dry_run in (True, False):
        result = load(city, [hours], keep_all=True, later=1, dry_run=dry_run)
        ((line, series, why, count),) = rejections(result)
        assert (line, series, count) == (2, "a [kWh]", 24)
        assert "lies over stored ones of 900 s" in why
        assert rows(result)["a [kWh]"]["sum"] == 0.0
        assert closes(result)
        assert result.exit_code() == ExitCode.INCOMPLETE
    assert total(city) == 24.0


@pytest.mark.parametrize("first", ["q", "h"])
def test_hours_and_quarters_of_one_import_count_once(city: Project, tmp_path: Path, first: str) -> None:
    """Received together, the larger value won: 42 kWh in either order."""
    files = [table(tmp_path / "h.csv", 60, 1.0), table(tmp_path / "q.csv", 15, 0.25)]
    result = load(city, files if first == "h" else files[::-1], keep_all=True)
    assert total(city) == 24.0
    assert len(stored(city)) == 96
    assert closes(result)
    assert result.exit_code() == (ExitCode.DONE if first == "h" else ExitCode.INCOMPLETE)
    assert any("took the place of amounts of longer intervals" in note for note in result.notes) == (
        first == "h"
    )


def test_a_months_total_does_not_take_the_place_of_its_first_quarter(city: Project, tmp_path: Path) -> None:
    """It did, as `1 revised` and with exit 0: 672 kWh were 1343.75."""
    quarters, month = (
        mscons(tmp_path / "q.edi", 15, 96 * 28, 0.25),
        mscons(tmp_path / "m.edi", 1440 * 28, 1, 672),
    )
    load(city, [quarters], keep_all=True)
    result = load(city, [month], keep_all=True, later=1)
    assert [count for _, _, _, count in rejections(result)] == [1]
    assert result.exit_code() == ExitCode.INCOMPLETE
    assert total(city) == 672.0


def test_quarters_take_the_place_of_a_months_total(city: Project, tmp_path: Path) -> None:
    month, quarters = (
        mscons(tmp_path / "m.edi", 1440 * 28, 1, 672),
        mscons(tmp_path / "q.edi", 15, 96 * 28, 0.25),
    )
    assert load(city, [month, quarters], keep_all=True).exit_code() == ExitCode.DONE
    assert (len(stored(city)), total(city)) == (2688, 672.0)


def test_a_bill_does_not_count_over_quarters(city: Project, tmp_path: Path) -> None:
    """24 kWh of a day's quarters and a bill of the whole month, which were 696 kWh."""
    load(city, [table(tmp_path / "q.csv", 15, 0.25)], keep_all=True)
    bill = tmp_path / "bill.csv"
    bill.write_text("from,to,a [kWh]\n2026-02-01 00:00,2026-03-01 00:00,672\n")
    result = load(city, [bill], keep_all=True, later=1)
    assert closes(result)
    assert result.exit_code() == ExitCode.INCOMPLETE
    assert (len(stored(city)), total(city)) == (96, 24.0)


def test_single_readings_are_corrected_and_gaps_are_filled(city: Project, tmp_path: Path) -> None:
    """Three quarters that lie hours apart are no amounts of hours; nor do the readings around a gap tell hours."""
    load(
        city, [table(tmp_path / "a.csv", 15, 0.25, [n for n in range(96) if not 40 < n < 60])], keep_all=True
    )
    corrected = load(city, [table(tmp_path / "b.csv", 15, 0.5, [3, 38, 77])], keep_all=True, later=1)
    assert (rows(corrected)["a [kWh]"]["revised"], corrected.exit_code()) == (3, ExitCode.DONE)
    filled = load(city, [table(tmp_path / "c.csv", 15, 0.25, range(40, 61))], keep_all=True, later=2)
    assert (rows(filled)["a [kWh]"]["new"], filled.exit_code()) == (19, ExitCode.DONE)
    assert total(city) == 24.75


def test_one_quarter_of_every_hour_is_corrected(city: Project, tmp_path: Path) -> None:
    """24 readings at even steps of an hour, each of a quarter's size: no hours, which are four times as large."""
    load(city, [table(tmp_path / "a.csv", 15, 0.25)], keep_all=True)
    corrected = load(city, [table(tmp_path / "b.csv", 15, 0.3, range(0, 96, 4))], keep_all=True, later=1)
    assert (rows(corrected)["a [kWh]"]["revised"], corrected.exit_code()) == (24, ExitCode.DONE)
    assert total(city) == pytest.approx(24 * (0.3 + 3 * 0.25))


def test_a_day_of_hours_replaces_nothing_of_another_point(city: Project, tmp_path: Path) -> None:
    load(city, [table(tmp_path / "q.csv", 15, 0.25)], keep_all=True)
    other = table(tmp_path / "h.csv", 60, 1.0)
    other.write_text(other.read_text().replace("a [", "b ["))
    assert load(city, [other], keep_all=True, later=1).exit_code() == ExitCode.DONE
    assert total(city) == 48.0


def test_a_reissued_day_of_one_import_counts_whole(city: Project, tmp_path: Path) -> None:
    """Half-hours of 0.5 kWh stayed among the quarters of 0.1 that replace them, as the larger: 28.8 for 9.6 kWh."""
    for name, minutes, value in (("a", 30, 0.5), ("b", 15, 0.1)):
        cells = ",".join([str(value)] * (1440 // minutes))
        (tmp_path / f"{name}.csv").write_text(
            f"100,NEM12,202602020000,A,B\n200,7,E1,E1,E1,,M,kWh,{minutes},\n300,20260201,{cells},A,,,20260202,\n900\n"
        )
    result = load(city, [tmp_path / "a.csv", tmp_path / "b.csv"], keep_all=True)
    assert closes(result)
    assert total(city) == pytest.approx(9.6)


def test_sheets_that_disagree_end_incomplete(city: Project, tmp_path: Path) -> None:
    """Two meters under one name: five readings of one were lost to the other with exit 0."""
    low, high = table(tmp_path / "a.csv", 15, 1.5, range(5)), table(tmp_path / "b.csv", 15, 9.0, range(5))
    for later, files in enumerate(([low, high], [high, low])):
        result = load(city, files, keep_all=True, later=later)
        assert result.exit_code() == ExitCode.INCOMPLETE
        assert result.completeness.had == 5
        assert any("5 readings of `a [kWh]`" in missing.why for missing in result.completeness.missing)
        assert closes(result)
