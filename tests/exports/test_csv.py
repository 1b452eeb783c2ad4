"""Delimited text as head-ends write it: layouts, traps and bad input; expected values by hand."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from cityctl.errors import InputRefused, UsageProblem
from cityctl.exports.formats import csv
from cityctl.exports.parsed import LISTED
from cityctl.exports.shape import Shape
from cityctl.exports.source import Source
from tests.exports.conftest import Parsed, parse

Read = Callable[..., Parsed]
BERLIN = "Europe/Berlin"


def test_long(table: Read) -> None:
    text = "meter,time,value\nm1,2021-01-01 00:00,1.5\nm2,2021-01-01 00:00,2\nm1,2021-01-01 00:15,\n"
    read = table(text, time_zone="UTC", unit="kWh")
    assert read.of("m1") == [("2021-01-01 00:00:00Z", 1.5)]
    assert read.of("m2") == [("2021-01-01 00:00:00Z", 2.0)]
    assert read.blank == 1
    assert not read.rejections
    assert (read.series["m1"].unit, read.series["m1"].quantity) == ("kWh", "energy")


def test_wide_by_series(table: Read) -> None:
    text = "Timestamp,p227,p235,note\n2021-01-01 00:00,1.5,2.5,cold\n2021-01-01 00:05,,3,\n"
    read = table(text, time_zone="UTC", unit="m3/h")
    assert read.of("p227") == [("2021-01-01 00:00:00Z", 1.5)]
    assert read.of("p235") == [("2021-01-01 00:00:00Z", 2.5), ("2021-01-01 00:05:00Z", 3.0)]
    assert any("`note`" in note for note in read.notes)


def test_only_the_columns_of_a_map_are_read(table: Read) -> None:
    text = "Timestamp,p227,p235\n2021-01-01 00:00,1.5,oops\n"
    read = table(text, time_zone="UTC", columns=("P227",))
    assert list(read.readings) == ["p227"]
    assert not read.rejections


def test_a_column_that_is_not_there_lists_those_that_are(table: Read) -> None:
    text = "Timestamp,p227,p235\n2021-01-01 00:00,1.5,2\n"
    with pytest.raises(UsageProblem, match="p277") as wrong:
        table(text, time_zone="UTC", columns=("p277",))
    assert wrong.value.hint == "did you mean `p227`?"
    assert "Timestamp, p227, p235" in wrong.value.tried[0]
    with pytest.raises(UsageProblem, match="`When`"):
        table(text, time_zone="UTC", time="When")


def test_a_meter_called_m3_beside_its_neighbours_says_no_unit(table: Read) -> None:
    cells = "2021-01-01 00:00,1,2,3\n"
    read = table(f"time,m1,m2,m3\n{cells}", time_zone="UTC", unit="kWh")
    assert [series.unit for series in read.series.values()] == ["kWh", "kWh", "kWh"]
    read = table(f"time,Hafen_m1,Hafen_m3,Usage 1 m3\n{cells}", time_zone="UTC", unit="kWh")
    assert [series.unit for series in read.series.values()] == ["kWh", "kWh", "m3"]


def test_units_stand_in_brackets_or_in_a_row_of_their_own(table: Read) -> None:
    read = table("time,flow (L/s),air [degC]\n2021-01-01 00:00,1,2\n", time_zone="UTC")
    assert [series.unit for series in read.series.values()] == ["L/s", "degC"]
    read = table("time;flow;level\n;m³/h;m\n2021-01-01 00:00;1;2\n", time_zone="UTC")
    assert [series.unit for series in read.series.values()] == ["m3/h", "m"]
    assert read.of("level") == [("2021-01-01 00:00:00Z", 2.0)]


def test_byte_order_mark_semicolon_decimal_comma_thousands_and_preamble(table: Read) -> None:
    text = (
        "\ufeffExport of 2021-02-01;;\nMeter:;12345;\n\nZeit;Durchfluss (m³/h);Druck (bar)\n"
        "01.01.2021 00:00;1.234,5;4,2\n01.01.2021 00:15;0,5;\n"
    )
    read = table(text, time_zone=BERLIN)
    assert read.of("Durchfluss (m³/h)") == [("2020-12-31 23:00:00Z", 1234.5), ("2020-12-31 23:15:00Z", 0.5)]
    assert read.of("Druck (bar)") == [("2020-12-31 23:00:00Z", 4.2)]
    assert not read.rejections


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_encodings_and_ends_of_lines(table: Read, encoding: str, ending: str) -> None:
    text = ending.join(["time;Zähler;", "2021-01-01 00:00;1,5;", "2021-01-01 00:15;2,5;", ""])
    read = table(text.encode(encoding), time_zone="UTC")
    assert read.of("Zähler") == [("2021-01-01 00:00:00Z", 1.5), ("2021-01-01 00:15:00Z", 2.5)]
    assert not read.rejections


@pytest.mark.parametrize(
    ("encoding", "meter"),
    [("cp1250", "ŁÓDŹ"), ("cp1251", "Счётчик"), ("gb18030", "水表"), ("utf-16-be", "ŁÓDŹ")],
)
def test_letters_of_an_encoding_that_is_named(table: Read, encoding: str, meter: str) -> None:
    rows = "".join(f"{meter};2021-01-01 {hour:02d}:00;{hour},5\n" for hour in range(24)) * 4000  # some blocks
    read = table(f"Licznik;Czas;Stan [m3]\n{rows}".encode(encoding), time_zone="UTC", encoding=encoding)
    assert read.of(meter)[:2] == [("2021-01-01 00:00:00Z", 0.5), ("2021-01-01 01:00:00Z", 1.5)]
    assert not read.rejections
    assert not read.notes


def test_letters_that_are_no_utf_8_are_a_guess_and_that_is_said(table: Read) -> None:
    read = table("time;Zähler\n2021-01-01 00:00;1,5\n".encode("cp1252"), time_zone="UTC")
    assert [note.partition(": ")[2] for note in read.notes] == [
        "it is no UTF-8, and read as Windows-1252 (--encoding)"
    ]


def test_every_rejected_row_has_its_line_and_the_others_are_kept(table: Read) -> None:
    text = (
        "meter,time,value\n"  # 1
        "m1,2021-01-01 00:00,1\n"
        "\n"  # 3: empty
        "m1,yesterday,2\n"  # 4
        'm1,2021-01-01 00:30,"12,5"\n'  # 5: quoted, so the decimal comma is not an extra cell
        "m1,2021-01-01 00:45,12,5\n"  # 6: not quoted
        "# a remark, with a comma\n"
        ",2021-01-01 01:00,4\n"  # 8
        "m1,,5\n"  # 9
        "m1,2021-01-01 01:30,x\n"  # 10
        "m1,2021-01-01 01:45,6\n"
        "Total,,\n"
    )
    read = table(text, time_zone="UTC", decimal=".")
    assert read.of("m1") == [("2021-01-01 00:00:00Z", 1.0), ("2021-01-01 01:45:00Z", 6.0)]
    assert [line for line, _ in sorted(read.refused)] == [4, 5, 6, 8, 9, 10]
    reasons = dict(read.refused)
    assert reasons[4] == "`yesterday` is no time"
    assert "--decimal ," in reasons[5]
    assert "decimal comma" in reasons[6]
    assert "names no series" in reasons[8]
    assert "blank" in reasons[9]
    assert reasons[10] == "`x` is no number"


def test_cells_over_several_lines_keep_the_numbers_of_the_lines(table: Read) -> None:
    text = 'time,flow,"re\nmark"\n2021-01-01 00:00,1,"two\nlines"\n2021-01-01 00:15,bad,\n'
    read = table(text, time_zone="UTC", time="time", columns=("flow",))
    assert read.of("flow") == [("2021-01-01 00:00:00Z", 1.0)]
    assert read.refused == [(5, "`bad` is no number")]


def test_many_rejections_are_counted_and_not_all_listed(table: Read) -> None:
    count = LISTED + 50
    text = "meter,time,value\n" + "m1,2021-01-01 00:00,x\n" * count + "m1,2021-01-01 00:00,1\n"
    read = table(text, time_zone="UTC")
    assert sum(one.count for one in read.rejections) == count
    assert len(read.rejections) == LISTED + 1
    assert (read.rejections[-1].line, read.rejections[-1].count) == (LISTED + 2, 50)


def test_24_00_is_the_next_days_midnight(table: Read) -> None:
    read = table("time,flow\n2021-12-31 23:45,1\n2021-12-31 24:00,2\n", time_zone="UTC")
    assert read.of("flow") == [("2021-12-31 23:45:00Z", 1.0), ("2022-01-01 00:00:00Z", 2.0)]


def test_the_hour_that_the_clocks_skip_is_rejected(table: Read) -> None:
    text = "time,flow\n2021-03-28 01:30,1\n2021-03-28 02:30,2\n2021-03-28 03:30,3\n"
    read = table(text, time_zone=BERLIN)
    assert read.of("flow") == [("2021-03-28 00:30:00Z", 1.0), ("2021-03-28 01:30:00Z", 3.0)]
    assert read.refused == [
        (3, "`2021-03-28 02:30` does not exist in Europe/Berlin: the clocks go from 02:00 to 03:00")
    ]


@pytest.mark.parametrize("backward", [False, True])
def test_the_hour_that_comes_twice_is_told_by_the_order_of_rows(table: Read, backward: bool) -> None:
    # 2021-10-31 in Berlin: 02:00 comes at 00:00Z (summer time) and again at 01:00Z.
    walls = ["01:00", "02:00", "02:30", "02:00", "02:30", "03:00"]
    rows = [f"2021-10-31 {wall},{value}" for value, wall in enumerate(walls)]
    text = "time,flow\n" + "\n".join(rows[::-1] if backward else rows) + "\n"
    read = table(text, time_zone=BERLIN)
    assert not read.rejections
    assert sorted(read.of("flow")) == [
        ("2021-10-30 23:00:00Z", 0.0), ("2021-10-31 00:00:00Z", 1.0), ("2021-10-31 00:30:00Z", 2.0),
        ("2021-10-31 01:00:00Z", 3.0), ("2021-10-31 01:30:00Z", 4.0), ("2021-10-31 02:00:00Z", 5.0),
    ]  # fmt: skip


def test_a_doubled_hour_that_is_written_once_is_ambiguous(table: Read) -> None:
    text = "time,flow\n2021-10-31 01:00,1\n2021-10-31 02:00,2\n2021-10-31 03:00,3\n"
    read = table(text, time_zone=BERLIN)
    assert [value for _, value in read.of("flow")] == [1.0, 3.0]
    ((line, reason),) = read.refused
    assert line == 3
    assert "ambiguous" in reason


def test_each_meter_of_a_long_table_has_its_own_doubled_hour(table: Read) -> None:
    rows = [
        f"{meter},2021-10-31 {wall},1"
        for wall in ("01:00", "02:00", "02:00", "03:00")
        for meter in ("a", "b")
    ]
    read = table("meter,time,value\n" + "\n".join(rows), time_zone=BERLIN)
    assert not read.rejections
    for meter in ("a", "b"):
        assert sorted(time for time, _ in read.of(meter)) == [
            f"2021-10-3{0 if hour == 23 else 1} {hour:02}:00:00Z" for hour in (23, 0, 1, 2)
        ] or sorted(time[11:13] for time, _ in read.of(meter)) == ["00", "01", "02", "23"]


def test_offsets_in_the_times_need_no_time_zone(table: Read) -> None:
    read = table("time,flow\n2021-10-31T02:30:00+02:00,1\n2021-10-31T02:30:00+01:00,2\n")
    assert read.of("flow") == [("2021-10-31 00:30:00Z", 1.0), ("2021-10-31 01:30:00Z", 2.0)]


def test_without_offset_and_time_zone_the_table_is_refused(table: Read) -> None:
    with pytest.raises(InputRefused, match="time zone") as refused:
        table("time,flow\n2021-10-31 02:30,1\n")
    assert "--time-zone" in (refused.value.hint or "")


def test_times_that_label_the_end_are_shifted_to_the_start(table: Read) -> None:
    rows = ["2021-03-28 01:00,1", "2021-03-28 03:00,2", "2021-03-28 04:00,3"]
    read = table("time,use\n" + "\n".join(rows), time_zone=BERLIN, stamp="end")
    # The interval that ends at 03:00 began at 01:00: the clocks jumped.
    assert [time for time, _ in read.of("use")] == [
        "2021-03-27 23:00:00Z",
        "2021-03-28 00:00:00Z",
        "2021-03-28 01:00:00Z",
    ]
    with pytest.raises(InputRefused, match="unknown length") as refused:
        table("time,use\n2021-03-28 01:00,1\n", time_zone=BERLIN, stamp="end")
    assert "--every" in (refused.value.hint or "")


def test_local_days_that_label_their_end_keep_their_midnights(table: Read) -> None:
    text = "time,use\n2021-03-28,1\n2021-03-29,2\n2021-03-30,3\n"
    read = table(text, time_zone=BERLIN, stamp="end", every=timedelta(days=1))
    assert [time for time, _ in read.of("use")] == [
        "2021-03-26 23:00:00Z",
        "2021-03-27 23:00:00Z",
        "2021-03-28 22:00:00Z",
    ]


def test_date_and_time_in_two_columns(table: Read) -> None:
    text = "TYPE,DATE,START TIME,END TIME,USAGE\nElectric,2021-01-02,00:15,00:29,1.5\n"
    read = table(text, time_zone="UTC", value="USAGE", unit="kWh")
    assert read.of("flows") == [("2021-01-02 00:15:00Z", 1.5)]
    same = table(text, time_zone="UTC", time="DATE + END TIME", value="USAGE")
    assert same.of("flows") == [("2021-01-02 00:29:00Z", 1.5)]


def test_quality_words(table: Read) -> None:
    words = ["", "A", "estimated", "questionable", "invalid", "missing", "odd", "X9"]
    rows = [f"m,2021-01-01 00:{i:02},{i},{word}" for i, word in enumerate(words)]
    read = table(
        "meter,time,value,quality\n" + "\n".join(rows), time_zone="UTC", qualities={"X9": "estimated"}
    )
    assert [quality for _, _, quality, _ in read.readings["m"]] == [0, 0, 1, 2, 3, 2, 1]
    assert read.readings["m"][4][1] is None  # bad: no value
    assert read.blank == 1
    assert any("`odd`" in note for note in read.notes)


def test_a_table_without_names_is_addressed_by_number(table: Read) -> None:
    read = table("2021-01-01 00:00;1,5\n2021-01-01 00:15;2,5\n", time_zone="UTC")
    assert read.of("2") == [("2021-01-01 00:00:00Z", 1.5), ("2021-01-01 00:15:00Z", 2.5)]


def test_what_cannot_be_understood_says_what_to_say(table: Read) -> None:
    with pytest.raises(InputRefused, match="several columns") as refused:
        table("meter,time,level,depth\na,2021-01-01,1,2\na,2021-01-02,1,2\n", time_zone="UTC")
    assert "--value" in (refused.value.hint or "")
    with pytest.raises(InputRefused, match="no column holds times"):
        table("a,b\n1,2\n3,4\n", time_zone="UTC")
    with pytest.raises(InputRefused, match="empty"):
        table("", time_zone="UTC")
    with pytest.raises(InputRefused, match="no text"):
        table(b"a,b\n\x00\x01,2\n", time_zone="UTC")


def test_a_last_line_that_is_cut_is_rejected(table: Read) -> None:
    read = table("time,a,b\n2021-01-01 00:00,1,2\n2021-01-01 00:15,1", time_zone="UTC")
    assert read.of("a") == [("2021-01-01 00:00:00Z", 1.0)]
    ((line, reason),) = read.refused
    assert line == 3
    assert "cut" in reason


def test_blocks_join_without_a_seam(table: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        f"m{i % 3},2021-01-01 {i // 60 % 24:02}:{i % 60:02},{i}" + (",extra" if i % 97 == 96 else "")
        for i in range(1440)
    ]
    text = "meter,time,value\n" + "\n".join(rows) + "\n"
    whole = table(text, time_zone="UTC")
    monkeypatch.setattr(csv, "_BLOCK", 1000)
    pieces = table(text, time_zone="UTC")
    assert pieces.readings == whole.readings
    assert pieces.refused == whole.refused
    assert [line for line, _ in whole.refused] == [i + 2 for i in range(1440) if i % 97 == 96]


def test_a_day_behind_the_twelfth_far_down_tells_the_order_of_all(
    table: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four thousand meters a day: thirteen days do not stand in one block, and the first twelve may be months."""
    rows = [f"m{meter},{day:02}/04/2026,1.5\n" for day in range(1, 15) for meter in range(40)]
    text = "meter,time,kWh\n" + "".join(rows)
    monkeypatch.setattr(csv, "_BLOCK", 1000)
    with pytest.raises(InputRefused, match=r"`13/04/2026` .* has the day first") as caught:
        table(text, time_zone="America/New_York")
    assert caught.value.hint == 'where all have the day first: --time-format "DD/MM/YYYY"'
    read = table(text, time_zone="America/New_York", time_format="DD/MM/YYYY")
    assert len(read.of("m7")) == 14
    assert read.of("m7")[13][0] == "2026-04-14 04:00:00Z"


def test_gzip_is_unpacked_and_a_cut_one_is_refused(table: Read) -> None:
    packed = gzip.compress(b"time,flow\n" + b"2021-01-01 00:00,1\n" * 5000)
    assert len(table(packed, name="a.csv.gz", time_zone="UTC").of("flow")) == 5000
    with pytest.raises(InputRefused, match="cut short"):
        table(packed[:-20], name="a.csv.gz", time_zone="UTC")


def test_two_real_utility_layouts(shared: Path) -> None:
    folder = shared / "data" / "exports" / "csv"
    shape = Shape(time_zone="America/Los_Angeles", unit="kWh", kind="interval")
    counts = {}
    for path in sorted(folder.glob("sce_*.csv")):
        read = parse(Source.file(path), "csv", shape)
        assert not read.rejections
        counts[path.stem] = [len(rows) for rows in read.readings.values()]
        # 0.25 kWh in every quarter hour, as the files' names say.
        assert all(value == 0.25 for rows in read.readings.values() for _, value, _, _ in rows)
    assert counts == {
        "sce_header_only": [],
        "sce_one_day_constant_power": [96],
        "sce_two_days_constant_power": [192],
    }
    sense = parse(
        Source.file(folder / "sense_sample.csv"), "csv", Shape(time_zone="America/Los_Angeles", value="kWh")
    )
    assert not sense.rejections
    assert len(sense.series) == 14
    assert sense.of("mains")[0] == ("2020-01-01 08:00:00Z", 0.962)


def test_real_district_inflows_with_local_time(shared: Path) -> None:
    path = shared / "data" / "water" / "bwdf_inflow.csv"
    read = parse(Source.file(path), "csv", Shape(time_zone="Europe/Rome"))
    # Counted in the file by awk: cells that are not blank, and lines after the head times five.
    lines = path.read_text().splitlines()[1:]
    filled = sum(cell != "" for line in lines for cell in line.split(",")[1:])
    assert sum(len(rows) for rows in read.readings.values()) == filled
    assert filled + read.blank == 5 * len(lines)
    assert {series.unit for series in read.series.values()} == {"L/s"}
    assert not read.rejections
