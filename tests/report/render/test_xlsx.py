"""The workbook, read back by openpyxl: full numbers, texts that stay texts, a sheet a table."""

from __future__ import annotations

import io
import math
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityctl.report.render import render
from cityctl.result import Code, Column, Result, Table

BERLIN = ZoneInfo("Europe/Berlin")


def book(result: Result, zone=BERLIN) -> openpyxl.Workbook:
    data = render(result, "xlsx", zone=zone, exit_code=result.exit_code())
    assert isinstance(data, bytes)
    return openpyxl.load_workbook(io.BytesIO(data))


def table(*cells: object, columns: list[Column]) -> Result:
    return Result("T", [Table("t", "Cells", columns, [cells])])


def test_each_table_is_a_sheet_with_units_in_its_head(night_flow):
    made = book(night_flow)
    assert made.sheetnames == ["Report", "Findings", "Zones"]
    sheet = made["Zones"]
    assert [cell.value for cell in sheet[1]] == [
        "Zone",
        "MNF [m³/h]",
        "Expected [m³/h]",
        "Excess [m³/h]",
        "Per connection [L/h]",
        "Last 7 nights [m³/h]",
        "Verdict",
    ]
    assert [cell.value for cell in sheet[2]][:3] == ["Hafen", 18.7, 6.1]
    assert sheet["F2"].value == "▂▂▂▃▆▇█"
    assert sheet["B4"].value is None  # missing is empty, never a dash that sums would stumble on
    assert sheet["B1"].comment.text == "mean inflow from 02:00 to 04:00"
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:G4"
    front = "\n".join(str(cell.value) for row in made["Report"] for cell in row if cell.value)
    for said in (
        "Minimum night flow",
        "15 to 21 Nov 2026",
        "99.4 % of readings present",
        "3 of 7 nights missing",
    ):
        assert said in front
    assert "WRc report 26" in front


@pytest.mark.parametrize(
    "text", ["=1+1", "=cmd|'/c calc'!A0", "+1", "-1+1", "@SUM(A1)", "{=1}", "http://x.example", "12"]
)
def test_no_text_becomes_a_formula_a_link_or_a_number(text):
    cell = book(table(text, columns=[Column("n", "N")]))["Cells"]["A2"]
    assert (cell.value, cell.data_type, cell.hyperlink) == (text, "s", None)


def test_every_name_is_a_sheet_once(nasty):
    names = ["A", "a", "x" * 40, "x" * 41, "[b]:*?/\\'", "", "History", "Report"]
    tables = [Table(f"t{at}", name, [Column("n", "N")], [(at,)]) for at, name in enumerate(names)]
    made = book(Result("T", tables)).sheetnames
    assert len({name.lower() for name in made}) == len(made) == 1 + len(names)
    assert max(map(len, made)) <= 31
    assert len(book(nasty).sheetnames) == 1 + 1 + len(nasty.tables)  # nothing in it breaks the workbook


def test_times_are_the_citys_own_and_shares_per_cent():
    columns = [
        Column("t", "T", kind="time"),
        Column("d", "D", kind="date"),
        Column("s", "S", kind="share", digits=1),
        Column("c", "C", kind="integer"),
        Column("b", "B"),
        Column("i", "I", kind="integer"),
    ]
    moment = datetime(2026, 7, 1, 22, 15, tzinfo=UTC)  # 00:15 of 2 July in Berlin
    sheet = book(table(moment, date(2026, 7, 1), 0.1234, Code(43123), True, 2**60, columns=columns))["Cells"]
    assert sheet["A2"].value == datetime(2026, 7, 2, 0, 15)
    assert sheet["B2"].value == datetime(2026, 7, 1)
    assert (sheet["C2"].value, sheet["C2"].number_format) == (0.1234, "0.0%")
    assert sheet["C1"].value == "S [%]"
    assert (sheet["D2"].value, sheet["D2"].number_format) == (43123, "0")
    assert sheet["E2"].value is True
    assert sheet["F2"].value == str(2**60)  # a spreadsheet would round it


@given(value=st.floats(-9e307, 9e307) | st.sampled_from([math.nan, math.inf]))
def test_numbers_keep_the_digits_that_a_spreadsheet_holds(value):
    cell = book(table(value, columns=[Column("n", "N", "kWh", kind="number")]))["Cells"]["A2"].value
    if not math.isfinite(value):
        assert cell is None
    else:
        assert cell == pytest.approx(value, rel=1e-15, abs=1e-307)


def test_it_goes_to_a_file_and_never_to_a_terminal(cityctl, tmp_path):
    ended = cityctl("help", "exit-codes", "--output-file", tmp_path / "codes.xlsx")
    assert ended.returncode == 0, ended.stderr
    sheet = openpyxl.load_workbook(tmp_path / "codes.xlsx")["Exit codes"]
    assert [cell.value for cell in sheet[2]] == [0, "done"]


def test_no_name_steers_anything_and_nothing_is_a_workbook_too(nasty, empty):
    for sheet in book(nasty):
        for row in sheet:
            for cell in row:
                text = str(cell.value or "")
                assert not any(ord(sign) < 32 or sign in "\x9b\u202e" for sign in text), text
    assert book(empty).sheetnames == ["Report"]
