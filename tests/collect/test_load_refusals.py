"""What an import cannot take: the good part is kept, and the words say what to do."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from cityctl.city.project import Project
from cityctl.errors import ExitCode, InputRefused, UsageProblem
from tests.collect.importing import closes, load, rejections, rows, stored


@pytest.mark.parametrize(
    ("text", "words", "kind", "why", "hint"),
    [
        ("time,flow\n2021-01-01,1\n", {"value": "flwo"}, UsageProblem, "`flwo`", "`flow`"),
        ("time,flow\n2021-01-01,1\n", {"mapping": {"flwo": "p227"}}, UsageProblem, "`flwo`", "`flow`"),
        ("time,flow\n2021-01-01,1\n", {"mapping": {"flow": "p272"}}, UsageProblem, "`p272`", "`p227`"),
        (
            "time,flow\n2021-01-01,1\n",
            {"mapping": {"flow": "net"}},
            UsageProblem,
            "formula",
            "without formula",
        ),
        (
            "time,flow\n1/2/2021 1:00 PM,1\n",
            {"unit": "m3/h"},
            InputRefused,
            "1/2/2021 1:00 PM",
            "--time-format",
        ),
        ('time,flow\n2021-01-01,"1,234"\n', {"unit": "m3/h"}, InputRefused, "1,234", "--decimal"),
        ("", {}, InputRefused, "empty", "again"),
        ("<xyz/>", {}, InputRefused, "<xyz>", "--format"),
        ("time,flow\n2021-01-01,1\n", {"format": "cvs"}, UsageProblem, "cvs", "csv"),
    ],
)
def test_bad_input_says_what_and_what_to_do(
    city: Project,
    tmp_path: Path,
    text: str,
    words: dict[str, Any],
    kind: type[Exception],
    why: str,
    hint: str,
) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text)
    if kind is UsageProblem:
        with pytest.raises(UsageProblem) as wrong:
            load(city, [path], **words)
        said = f"{wrong.value} hint: {wrong.value.hint}"
    else:
        result = load(city, [path], **words)
        assert result.exit_code() == ExitCode.INCOMPLETE
        ((missing),) = result.completeness.missing
        said = missing.why
        assert rejections(result) == [(None, "", said, 0)]
    assert why in said
    assert hint in said.partition("hint: ")[2]
    assert stored(city) == []


def test_readings_without_a_unit_are_not_imported_and_said_so(city: Project, tmp_path: Path) -> None:
    path = tmp_path / "bare.csv"
    path.write_text("time,flow,level [ell]\n2021-01-01,1,2\n2021-01-02,3,\n")
    result = load(city, [path], keep_all=True)
    assert stored(city) == []
    assert closes(result)
    assert [(series, count) for _, series, _, count in rejections(result)] == [
        ("flow", 2),
        ("level [ell]", 1),
    ]
    reasons = [reason for _, _, reason, _ in rejections(result)]
    assert all("--unit" in reason for reason in reasons)
    assert reasons[0].startswith("no unit is said")
    assert "`ell` is none that cityctl knows" in reasons[1]
    assert result.exit_code() == ExitCode.INCOMPLETE


def test_one_bad_file_of_several_is_named_and_the_others_come_in(city: Project, tmp_path: Path) -> None:
    good, bad, absent = tmp_path / "good.csv", tmp_path / "bad.csv", tmp_path / "absent.csv"
    good.write_text("time,p227\n2021-01-01,1\n")
    bad.write_text("no,times\nin,here\n")
    result = load(city, [bad, good, absent], unit="m3/h")
    assert len(stored(city)) == 1
    assert {missing.what for missing in result.completeness.missing} == {str(bad), str(absent)}
    assert result.exit_code() == ExitCode.INCOMPLETE


def test_a_unit_of_another_quantity_is_rejected_with_the_reason(city: Project, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("time,p227 (m³),level (m)\n2021-01-01,1,2\n")
    result = load(city, [path])
    assert stored(city) == [
        ("level", datetime(2020, 12, 31, 23), pytest.approx(0.196133), 0)
    ]  # 2 m of head in bar
    assert rejections(result) == [(None, "p227 (m³)", "it is volume in m3, and `p227` measures flow", 1)]


def test_a_file_that_brings_nothing_is_incomplete(city: Project, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("time,p227\n")
    result = load(city, [path], unit="m3/h")
    assert [missing.why for missing in result.completeness.missing] == ["no readings in it"]


def test_repeats_before_a_last_line_that_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = ["A,2023-01-01T00:00Z,1", "A,2023-01-01T00:00Z,1", "A,2023-01-01T01:00Z,2", "A,2023-01-01T01:0"]
    path.write_text("meter,time,kwh\n" + "\n".join(rows))
    result = load(None, [path], dry_run=True)
    assert [tuple(row[5:7]) + tuple(row[9:11]) for row in result.tables[0].rows] == [
        (3, 2, 1, 0),
        (1, 0, 0, 1),
    ]
    assert "cut" in result.tables[1].rows[0][4]


def test_files_of_one_import_that_disagree_are_told_of(city, tmp_path):
    """Received at one instant, the larger value counts whatever the order; the one that gave way is named."""
    head = "point,time,value,unit\n"
    high, low = tmp_path / "high.csv", tmp_path / "low.csv"
    high.write_text(f"{head}p227,2021-01-01T00:00Z,99,m3/h\np227,2021-01-01T00:05Z,3,m3/h\n")
    low.write_text(f"{head}p227,2021-01-01T00:00Z,2,m3/h\n")
    notes = load(city, [high, low]).notes
    assert len(notes) == 1
    assert "low.csv: 1 reading of `p227` gave way to another value for their instant" in notes[0]
    assert load(city, [low], later=1).notes == []  # a later one is the later word


def test_a_correction_that_a_clock_set_back_makes_the_earlier_word_is_no_unchanged_reading(city, tmp_path):
    """The clock was a day ahead when the first file came: the second one counts as received before it."""
    path = tmp_path / "a.csv"
    path.write_text("point,time,value,unit\np227,2021-01-01T00:00Z,2,m3/h\np227,2021-01-01T00:05Z,3,m3/h\n")
    assert load(city, [path], later=24).exit_code() == 0
    path.write_text("point,time,value,unit\np227,2021-01-01T00:00Z,9,m3/h\np227,2021-01-01T00:05Z,3,m3/h\n")
    result = load(city, [path])
    (missing,) = result.completeness.missing
    assert missing.why.startswith(
        "1 reading of `p227` gave way to other values that the store received later"
    )
    assert (result.completeness.had, result.exit_code()) == (1, ExitCode.INCOMPLETE)


def test_good_rows_stay_when_others_are_rejected(city: Project, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        "meter,time,value\n"
        "METER.7,2021-03-28 01:00,1\n"
        "METER.7,2021-03-28 02:00,2\n"  # 3: the clocks skip it
        'METER.7,2021-03-28 03:00,"3,5"\n'  # 4: decimal comma
        "METER.7,2021-03-28 24:00,4\n"
        "METER.7,soon,5\n"  # 6
        "METER.7,2021-03-28 01:00,1\n"  # a duplicate
        "METER.7,2021-03-29 00:00,9\n"  # 8: differs from line 5
        "METER.8,2021-03-29 00:00,9\n"  # nobody takes it
    )
    result = load(city, [path], unit="kWh", decimal=".")
    assert stored(city) == [
        ("use", datetime(2021, 3, 28), 1.0, 0),
        ("use", datetime(2021, 3, 28, 22), 9.0, 0),
    ]
    told = rows(result)
    kinds = ("received", "new", "duplicate", "rejected", "sum")
    assert [told["METER.7"][kind] for kind in kinds] == [7, 2, 1, 4, 10.0]
    assert [told["METER.8"][kind] for kind in kinds] == [1, 0, 0, 1, None]
    assert closes(result)
    by_line = {line: reason for line, _, reason, _ in rejections(result)}
    assert set(by_line) == {3, 4, 5, 6, None}
    assert "does not exist in Europe/Berlin" in by_line[3]
    assert "--decimal ," in by_line[4]
    assert "where line 8 gives 9 for the same instant" in by_line[5]
    assert by_line[6] == "`soon` is no time"
    assert "no point of the city takes `METER.8`" in by_line[None]
    assert "near: `" in by_line[None] or "data import --map" in by_line[None]
    assert result.exit_code() == ExitCode.INCOMPLETE


_NEVER = {
    "times": "time;p227 [m3/h]\n"
    + "".join(f"20.10.2026 {hour:02d}:00;{hour}\n" for hour in range(1, 24))
    + "31.12.9999 23:59;1\n",
    "days": f"Date,{','.join(f'{hour:02d}:00' for hour in range(24))}\n"
    + "".join(f"{day},{','.join(['1'] * 24)}\n" for day in ("2026-10-20", "9999-12-31", "0001-01-01")),
    "nem12": "100,NEM12,202610280000,A,B\n200,7,E1,E1,E1,,M,kWh,30,\n"
    + "".join(f"300,{day},{','.join(['0.5'] * 48)},A,,,20261022,\n" for day in ("20261020", "99991231"))
    + "900\n",
}


@pytest.mark.parametrize(
    ("kind", "taken", "refused"), [("times", 23, 1), ("days", 24, 48), ("nem12", 48, 48)]
)
def test_dates_that_mean_never_are_no_times_of_readings(
    city: Project, tmp_path: Path, kind: str, taken: int, refused: int
) -> None:
    """9999-12-31 and 0001-01-01 are what databases write where there is no date; by hand: a day has 24 or 48."""
    path = tmp_path / "a.csv"
    path.write_text(_NEVER[kind])
    result = load(city, [path], keep_all=True, **({} if kind == "nem12" else {"unit": "m3/h"}))
    closes(result)
    assert len(stored(city)) == taken
    assert sum(count for *_, count in rejections(result)) == refused
    assert {reason.partition(" (")[0] for _, _, reason, _ in rejections(result)} == {
        "its time is outside of 1900 to 2199"
    }
