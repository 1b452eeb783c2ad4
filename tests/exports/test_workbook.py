"""Workbooks, written by xlsxwriter as other programs write them; times and figures by hand."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter

from cityctl.errors import InputRefused
from cityctl.exports import formats
from cityctl.exports.shape import Shape
from cityctl.exports.source import Source
from cityctl.exports.workbook.book import open_sheet
from tests.exports.conftest import Parsed, parse
from tests.exports.test_archive import look, packed

FIRST = datetime(2024, 3, 1)
DAY = 45352  # 2024-03-01 in days since 1899-12-30


def book(path: Path, fill: Callable[[Any], None], **words: Any) -> Path:
    with xlsxwriter.Workbook(path, words) as made:
        fill(made)
    return path


def sheet(
    made: Any, name: str, code: str, rows: list[tuple[Any, ...]], head: tuple[str, ...] = ("Time", "kWh")
) -> None:
    """A sheet with a head, whose first cells are moments in a format."""
    page, form = made.add_worksheet(name), made.add_format({"num_format": code})
    page.write_row(0, 0, head)
    for at, (when, *cells) in enumerate(rows, 1):
        page.write_datetime(at, 0, when, form)
        page.write_row(at, 1, cells)


def quarters(count: int = 96) -> list[tuple[Any, ...]]:
    return [(FIRST + timedelta(minutes=15 * at), at % 7 + 0.125) for at in range(count)]


def edited(path: Path, change: Callable[[bytes], bytes]) -> Path:
    """The workbook with the text of its first sheet changed."""
    with zipfile.ZipFile(path) as found:
        parts = {name: found.read(name) for name in found.namelist()}
    parts["xl/worksheets/sheet1.xml"] = change(parts["xl/worksheets/sheet1.xml"])
    return packed(path.with_name(f"edited-{path.name}"), parts)


def read(path: Path, **words: Any) -> Parsed:
    (source,), refused = Source.file(path).parts()
    assert not refused
    return parse(source, formats.recognise(source), Shape(**words))


@pytest.mark.parametrize(
    "code", ["dd.mm.yyyy hh:mm", "m/d/yy h:mm AM/PM", 'yyyy-mm-dd"T"hh:mm:ss', "[$-407]d. mmm yy hh:mm"]
)
@pytest.mark.parametrize("since_1904", [False, True])
def test_moments_in_any_format_of_either_calendar(tmp_path: Path, code: str, since_1904: bool) -> None:
    path = book(tmp_path / "a.xlsx", lambda made: sheet(made, "Data", code, quarters()), date_1904=since_1904)
    told = read(path, time_zone="Europe/Berlin").of("kWh")
    assert (told[0], told[95]) == (("2024-02-29 23:00:00Z", 0.125), ("2024-03-01 22:45:00Z", 95 % 7 + 0.125))


@pytest.mark.parametrize("since_1904", [False, True])
def test_days_as_bare_numbers_count_from_where_the_workbook_says(tmp_path: Path, since_1904: bool) -> None:
    path = book(
        tmp_path / "a.xlsx", lambda made: sheet(made, "Data", "General", quarters()), date_1904=since_1904
    )
    told = read(path, time_zone="UTC", time_format="Excel").of("kWh")
    assert (told[0][0], told[95][0]) == ("2024-03-01 00:00:00Z", "2024-03-01 23:45:00Z")


def test_a_day_a_clock_up_to_24_and_a_meter_with_zeros_in_front(tmp_path: Path) -> None:
    def fill(made: Any) -> None:
        page = made.add_worksheet()
        zeros, day, clock = (
            made.add_format({"num_format": code}) for code in ("00000000", "d/m/yyyy", "[h]:mm")
        )
        page.write_row(0, 0, ("Meter", "Datum", "Uhrzeit", "kW"))
        for at in range(1, 97):
            for column, (value, form) in enumerate(
                ((1234567, zeros), (DAY, day), (at / 96, clock), (at / 4, None))
            ):
                page.write_number(at, column, value, form)

    told = read(book(tmp_path / "a.xlsx", fill), time_zone="Europe/Berlin").of("01234567")
    assert (told[0], told[95]) == (("2024-02-29 23:00:00Z", 0.25), ("2024-03-01 22:45:00Z", 24.0))


def test_each_sheet_that_is_shown_and_holds_times_is_a_table_of_its_own(tmp_path: Path) -> None:
    def fill(made: Any) -> None:
        cover = made.add_worksheet("Cover")
        cover.write_row(0, 0, ("Generated", "02-03-2024"))
        cover.write_row(1, 0, ("By", "portal"))
        for name in ("Hall 1", "Hall 2", "Old"):
            sheet(made, name, "yyyy-mm-dd hh:mm", quarters(8), ("Time", f"{name} kWh"))
        made.get_worksheet_by_name("Old").hide()

    result = look(book(tmp_path / "halls.xlsx", fill))
    assert [(row[-1].rpartition("/")[2], row[5]) for row in result.tables[0].rows] == [
        ("Hall 1", 8),
        ("Hall 2", 8),
    ]
    left_out = "sheets hidden or without a table of times, left out: `Cover`, `Old` (hidden)"
    assert any(left_out in note for note in result.notes)
    assert result.completeness.missing == []


def test_texts_formulas_errors_units_and_blanks_are_what_a_person_sees(tmp_path: Path) -> None:
    def fill(made: Any) -> None:
        page, unit = made.add_worksheet(), made.add_format({"num_format": '0.0" kWh"'})
        form = made.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        page.write_row(0, 0, ("When", "Use", "Note"))
        for at in range(12):
            page.write_datetime(at + 1, 0, FIRST + timedelta(hours=at), form)
            page.write_number(at + 1, 1, at + 1.234, unit)
        page.write_string(4, 1, "-")
        page.write_formula(5, 1, "=NA()", None, "#N/A")
        page.write_formula(6, 1, "=1+1", unit, 2)
        page.write_string(7, 2, 'a "quoted"\nnote\twith tab')

    told = read(book(tmp_path / "a.xlsx", fill), time_zone="UTC")
    (name,) = told.series
    assert (told.series[name].unit, told.blank, told.refused) == ("kWh", 2, [])
    assert [value for _, value in told.of(name)][:5] == [1.234, 2.234, 3.234, 2.0, 7.234]


def test_formulas_that_no_spreadsheet_has_worked_out_are_no_blanks(tmp_path: Path) -> None:
    # As openpyxl and other programs write them: the formula alone. An empty text is what Excel itself worked out.
    made = openpyxl.Workbook()
    made.active.append(["Time", "In kWh", "Out kWh"])
    for at in range(8):
        made.active.append([FIRST + timedelta(hours=at), at, at + 0.5 if at else "=B2+0.5"])
    made.active.append([FIRST + timedelta(hours=8), 8, '=IF(B9>0,"","")'])
    made.save(tmp_path / "a.xlsx")
    path = edited(tmp_path / "a.xlsx", lambda xml: xml.replace(b'<c r="C10">', b'<c r="C10" t="str">'))
    told = read(path, time_zone="UTC")
    assert [value for _, value in told.of("Out kWh")] == [at + 0.5 for at in range(1, 8)]
    assert told.refused == [(2, "`=B2+0.5` is no number")]
    assert told.blank == 1


def test_days_that_were_added_up_fall_on_their_second(tmp_path: Path) -> None:
    # 0.0104166667 days a quarter of an hour, as people fill a column down: 0.5 ms off after 192 rows.
    def fill(made: Any) -> None:
        page, form = made.add_worksheet(), made.add_format({"num_format": "dd.mm.yyyy hh:mm"})
        page.write_row(0, 0, ("Time", "kWh"))
        for at in range(960):
            page.write_number(at + 1, 0, DAY + at * 0.0104166667, form)
            page.write_number(at + 1, 1, at)

    told = read(book(tmp_path / "a.xlsx", fill), time_zone="UTC").of("kWh")
    assert told[-1] == ("2024-03-10 23:45:00Z", 959.0)


def test_heads_that_are_merged_over_their_columns_name_them(tmp_path: Path) -> None:
    def fill(made: Any) -> None:
        page, form = made.add_worksheet(), made.add_format({"num_format": "dd.mm.yyyy hh:mm"})
        page.merge_range(0, 0, 1, 0, "Time")
        for column, name in ((1, "North"), (3, "South")):
            page.merge_range(0, column, 0, column + 1, name)
            page.write_row(1, column, ("Flow [m3/h]", "Level [m]"))
        for at in range(8):
            page.write_datetime(at + 2, 0, FIRST + timedelta(hours=at), form)
            page.write_row(at + 2, 1, (at, at + 10, at + 20, at + 30))

    told = read(book(tmp_path / "a.xlsx", fill), time_zone="UTC")
    assert {name: rows[0][1] for name, rows in told.readings.items()} == {
        "North/Flow [m3/h]": 0,
        "North/Level [m]": 10,
        "South/Flow [m3/h]": 20,
        "South/Level [m]": 30,
    }


def test_days_in_rows_below_clocks(tmp_path: Path) -> None:
    def fill(made: Any) -> None:
        page = made.add_worksheet()
        day, clock = made.add_format({"num_format": 14}), made.add_format({"num_format": "hh:mm"})
        page.write_row(0, 0, ("Lastgang", "Zähler 1"))
        page.write(2, 0, "Tag")
        for at in range(96):
            page.write_number(2, at + 1, at / 96, clock)
            page.write_number(3, at + 1, 0.25)
        page.write_number(3, 0, DAY, day)
        page.write_row(2, 97, ("Summe",))
        page.write_formula(3, 97, "=SUM(B4:CS4)", None, 24)

    ((_, rows),) = read(book(tmp_path / "a.xlsx", fill), time_zone="UTC", unit="kWh").readings.items()
    assert (len(rows), rows[95][0]) == (96, "2024-03-01 23:45:00Z")


@pytest.mark.parametrize(
    ("code", "stored", "text"),
    [
        ("General", 1.234, "1.2340"),  # no thousand for anyone
        ("General", 0.1234567890123456, "0.1234567890123456"),
        ("General", 1e-3, "0.0010"),
        ("General", 123456789012, "123456789012"),
        ("0.00", 1250, "1250"),
        ("0%", 0.25, "25 %"),
        ('"h"0.0', 5, "5"),  # quoted letters are no clock
        ("[Red]0.0;[Blue]-0.0", 5.5, "5.5"),
        ("00000000", 1234567, "01234567"),
        ('0.0" kWh"', 5.25, "5.25 kWh"),
        ("hh:mm", 45352.0104166667, "2024-03-01 00:15:00"),
        ("hh:mm", 0.0104166667, "00:15:00"),
        ("hh:mm", 1, "24:00:00"),
        ("[h]:mm", 1, "24:00:00"),
        ("mm:ss.0", 0.000011574, "00:00:01"),
        ("mmm yy", 45352, "2024-03-01"),
        ("dd.mm.yyyy hh:mm", 45351.9999999999, "2024-03-01 00:00:00"),
    ],
)
def test_a_number_as_it_is_shown(tmp_path: Path, code: str, stored: float, text: str) -> None:
    def fill(made: Any) -> None:
        page = made.add_worksheet("A")
        page.write_number(1, 0, stored, made.add_format({"num_format": code}))

    with open_sheet(book(tmp_path / "a.xlsx", fill), "a.xlsx", "A") as lines:
        assert lines.read().decode() == f"\n{text}\n"


def test_rows_and_cells_that_do_not_say_where_they_are(tmp_path: Path) -> None:
    """As some programs leave the places out, and write texts into their cells."""
    path = book(tmp_path / "a.xlsx", lambda made: sheet(made, "Data", "yyyy-mm-dd hh:mm", quarters(24)))

    def without_places(xml: bytes) -> bytes:
        bare = re.sub(rb'(<(?:row|c))\b([^>]*?) r="[A-Z0-9]+"', rb"\1\2", xml)
        bare = re.sub(
            rb'<c t="s"><v>(\d)</v></c>',
            lambda one: b'<c t="inlineStr"><is><t>%s</t></is></c>' % (b"Time", b"kWh")[int(one[1])],
            bare,
        )
        assert b'r="A' not in bare
        assert b"inlineStr" in bare
        return bare

    assert len(read(edited(path, without_places), time_zone="UTC").of("kWh")) == 24


def test_what_is_no_workbook_or_unsafe_is_refused(tmp_path: Path) -> None:
    for parts, why in (
        ({"[Content_Types].xml": b"<x/>", "word/document.xml": b"<x/>"}, "cannot be read"),
        (
            {"mimetype": b"application/vnd.oasis.opendocument.spreadsheet", "content.xml": b"<x/>"},
            "OpenDocument",
        ),
        ({"[Content_Types].xml": b"<x/>", "xl/workbook.xml": b"<!DOCTYPE a><workbook/>"}, "cannot be read"),
    ):
        with pytest.raises(InputRefused, match=why):
            Source.file(packed(tmp_path / "a.xlsx", parts)).parts()
    path = book(tmp_path / "cut.xlsx", lambda made: sheet(made, "Data", "yyyy-mm-dd hh:mm", quarters(24)))
    result = look(edited(path, lambda xml: xml[:-200]))
    assert "a workbook that cannot be read" in result.completeness.missing[0].why
    data = io.BytesIO(path.read_bytes()[:-300]).getvalue()
    path.write_bytes(data)
    assert "damaged zip" in look(path).completeness.missing[0].why


@pytest.mark.parametrize("order", ["%d/%m/%Y", "%m-%d-%Y 00:00"])
def test_days_that_a_spreadsheet_exchanged_are_refused(tmp_path: Path, order: str) -> None:
    """The first twelve days of February came in as the 2nd of each month, with exit 0."""
    days = [datetime(2026, 2, number) for number in range(1, 29)]

    def rows(exchanged: bool) -> list[tuple[Any, ...]]:
        taken = [one.replace(month=one.day, day=2) if exchanged else one for one in days[:12]]
        return [*((one, 1.0) for one in taken), *((one.strftime(order), 1.0) for one in days[12:])]

    def saved(name: str, told: list[tuple[Any, ...]]) -> Path:
        def fill(made: Any) -> None:
            page, form = made.add_worksheet("a"), made.add_format({"num_format": "dd.mm.yyyy"})
            page.write_row(0, 0, ("Time", "kWh"))
            for at, (when, value) in enumerate(told, 1):
                page.write(at, 0, when, *([form] if isinstance(when, datetime) else []))
                page.write(at, 1, value)

        return book(tmp_path / name, fill)

    with pytest.raises(InputRefused, match="column A holds days up to the 12th as dates"):
        read(saved("a.xlsx", rows(exchanged=True)), time_zone="UTC")
    told = read(saved("b.xlsx", rows(exchanged=False)), time_zone="UTC").of("kWh")
    assert [time[:10] for time, _ in told] == [f"2026-02-{number:02}" for number in range(1, 29)]


def test_rows_and_columns_that_nobody_sees_are_read_and_named(tmp_path: Path) -> None:
    """Rows 3, 4 and 8 and column B are hidden; columns beyond the table hold nothing, nor does row 99."""

    def fill(made: Any) -> None:
        rows = [(when, value, -value) for when, value in quarters(10)]
        sheet(made, "Data", "yyyy-mm-dd hh:mm", rows, ("Time", "kWh", "kvarh"))
        page = made.get_worksheet_by_name("Data")
        for row in (2, 3, 7, 98):
            page.set_row(row, None, None, {"hidden": True})
        page.set_column(1, 1, None, None, {"hidden": True})
        page.set_column(9, 16383, None, None, {"hidden": True})

    (source,), _ = Source.file(book(tmp_path / "a.xlsx", fill)).parts()
    said = "hidden in the sheet, and read like the rest: rows 3 to 4, row 8, column B"
    assert source.remarks() == [f"{source.name}: {said}"]
    assert len(read(tmp_path / "a.xlsx", time_zone="UTC").of("kWh")) == 10
