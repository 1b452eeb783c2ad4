"""Tables as head-ends of meters write them: their heads, units, registers and directions. Figures by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from cityctl.errors import InputRefused

Read = Callable[..., Any]


def test_semicolons_decimal_commas_and_a_unit_in_the_name(table: Read) -> None:
    text = "\ufeffMeter No.;Reading time;Volume V1 [m³];Info code\r\n67890123;01.03.2024 00:00;1.234,5;0\r\n67890123;01.03.2024 01:00;;0\r\n"  # noqa: E501 - a file as it is
    told = table(text, time_zone="UTC")
    assert told.of("67890123") == [("2024-03-01 00:00:00Z", 1234.5)]
    assert (told.series["67890123"].unit, told.blank) == ("m3", 1)
    assert any("Info code" in note for note in told.notes)


def test_a_column_of_units_and_thousands_separators(table: Read) -> None:
    text = 'Interval data\n\nMeterNumber,ReadDateTime,Consumption,UOM,Status\nA-1,3/31/2024 1:00 AM,"1,250.5",kWh,A\n'
    told = table(text + 'B-1,3/31/2024 2:00 AM,"2",CCF,E\nB-1,3/31/2024 3:00 AM,,CCF,M\n', time_zone="UTC")
    assert told.of("A-1") == [("2024-03-31 01:00:00Z", 1250.5)]
    assert (told.series["A-1"].unit, told.series["B-1"].unit) == ("kWh", "ccf")
    assert told.blank == 1


def test_a_register_is_no_use_and_is_not_summed(table: Read) -> None:
    text = "Endpoint_SN,Read,Read_Time,Read_Unit\n300001,1234.5,2024-03-01 00:00:00,GAL\n300001,1235.5,2024-03-01 01:00:00,GAL\n"  # noqa: E501 - a file as it is
    assert table(text, time_zone="UTC").series["300001"].kind == "counter"
    rising = "".join(f"2024-03-01 {hour:02}:00,{5000 + hour * 3}\n" for hour in range(20))
    told = table("time,kWh\n" + rising, time_zone="UTC")
    assert told.series["kWh"].kind == "counter"
    assert "register" in told.notes[0]
    assert table("time,kWh\n" + rising, time_zone="UTC", kind="interval").series["kWh"].kind == "interval"


def test_channels_and_directions_keep_series_apart(table: Read) -> None:
    text = (
        "meter,channel,time,value,unit\nM,import,2024-01-01T00:00Z,1,kWh\nM,export,2024-01-01T00:00Z,2,kWh\n"
    )
    assert set(table(text).readings) == {"M/import", "M/export"}
    text = "meter,time,value,unit,direction\nM,2024-01-01T00:00Z,1,kWh,Delivered\nM,2024-01-01T00:00Z,2,kWh,Received\n"
    told = table(text)
    assert {name: one.direction for name, one in told.series.items()} == {
        "M": "forward",
        "M/reverse": "reverse",
    }


def test_days_with_a_column_of_units(table: Read) -> None:
    slots = ",".join(f"P{number:02}" for number in range(1, 25))
    told = table(f"Meter ID,Date,{slots},Units\nM1,2024-03-01,{','.join(['1'] * 23)},,kWh\n", time_zone="UTC")
    assert (len(told.of("M1")), told.blank, told.series["M1"].unit) == (23, 1, "kWh")


@pytest.mark.parametrize(
    ("column", "hours"), [("Hour Ending", range(1, 25)), ("Hour", range(24)), ("HE", range(1, 25))]
)
def test_hours_of_the_day_in_a_column_of_their_own(table: Read, column: str, hours: range) -> None:
    rows = "".join(f"2024-01-01,{hour},{hour}\n" for hour in hours)
    found = table(f"Date,{column},kWh\n{rows}", time_zone="UTC", kind="interval").of("kWh")
    assert [time for time, _ in found] == [f"2024-01-01 {hour:02}:00:00Z" for hour in range(24)]


def test_times_that_their_column_calls_ends(table: Read) -> None:
    text = "Interval End,kWh\n2024-01-01 00:15,1\n2024-01-01 00:30,2\n2024-01-01 24:00,3\n"
    told = table(text, time_zone="UTC")
    assert told.of("kWh")[0] == ("2024-01-01 00:00:00Z", 1.0)
    assert told.of("kWh")[2] == ("2024-01-01 23:45:00Z", 3.0)
    assert any("ends of intervals" in note for note in told.notes)


@pytest.mark.parametrize(
    ("column", "unit"),
    [
        ("Usage(Real energy in kilowatt-hours)", "kWh"), ("usage_kwh", "kWh"), ("Consumption (gallons)", "gal"),
        ("Volume (cu ft)", "ft3"), ("Flow [L/s]", "L/s"), ("kWh", "kWh"), ("amount", None), ("column A", None),
    ],
)  # fmt: skip
def test_units_in_the_names_of_columns(table: Read, column: str, unit: str | None) -> None:
    (series,) = table(f"time,{column}\n2024-01-01T00:00Z,1.5\n2024-01-01T01:00Z,1.2\n").series.values()
    assert series.unit == unit


def test_very_many_columns_of_one_name_take_no_time(table: Read) -> None:
    names = ",".join(["1"] * 2000)
    told = table(f"time,{names}\n2024-01-01T00:00Z,{names}\n", unit="kWh")
    assert len(told.series) == 2000


def test_a_quote_that_nobody_closed_swallows_no_rows(table: Read) -> None:
    notes = {3: '"5 pipe', 40: '"', 41: "pumps"}
    lines = [f"2024-01-01 {n // 60:02}:{n % 60:02},{n % 7},{notes.get(n, '')}" for n in range(600)]
    told = table("time,flow [m3/h],note\n" + "\n".join(lines) + "\n", time_zone="UTC")
    assert [value for _, value in told.of("flow [m3/h]")] == [n % 7 for n in range(600)]
    assert not told.rejections


@pytest.mark.parametrize("tail", ["ERROR: query timed out", "ERROR: query timed out,,", "Export aborted;"])
def test_a_table_that_ends_in_a_cry_is_not_whole(table: Read, tail: str) -> None:
    """A head-end that breaks off writes so below the rows that it had sent by then, with status 200."""
    told = table(f"time,a,b\n2024-01-01T00:00Z,1,2\n{tail}\n", unit="kWh")
    assert told.of("a") == [("2024-01-01 00:00:00Z", 1.0)]
    assert told.absent == [f"it says that it is not whole: line 3 `{tail.split(',')[0]}`"]


def test_a_remark_below_the_rows_is_named(table: Read) -> None:
    told = table("time,a\n2024-01-01T00:00Z,1\n\nRows: 1\n", unit="kWh")
    assert told.notes == ["flows.csv: lines without readings, left out: line 4 `Rows: 1`"]
    assert not told.absent
    gap = table("time,a\n2024-03-31 01:00,1\n2024-03-31 02:30,\n", unit="kWh", time_zone="Europe/Berlin")
    assert not gap.notes  # an hour that the clocks skip, without a value, is no remark


def test_a_quoted_cell_of_several_lines_above_all_others(table: Read) -> None:
    text = (
        'time,meter,note,value,unit\n2024-05-01T00:00Z,0001,"a\nb",1.5,m3\n2024-05-01T01:00Z,0001,x,2.5,m3\n'
    )
    told = table(text + "time,meter,note,value,unit\n2024-05-01T02:00Z,0002,x,bad,m3\n")
    assert told.of("0001") == [("2024-05-01 00:00:00Z", 1.5), ("2024-05-01 01:00:00Z", 2.5)]
    assert told.refused == [(6, "`bad` is no number")]


def test_several_measured_columns_of_many_meters(table: Read) -> None:
    text = (
        "Meter ID;Timestamp;Volume 1 [m³];Temp. water [°C];Info codes\n0012;2024-05-01 00:00;123,456;10,5;0\n"
    )
    told = table(
        text + "0013;2024-05-01 00:00;23,456;9,5;0\n0012;2024-05-02 00:00;124,456;10,6;0\n", time_zone="UTC"
    )
    assert [value for _, value in told.of("0012/Volume 1 [m³]")] == [123.456, 124.456]
    assert told.of("0013/Temp. water [°C]") == [("2024-05-01 00:00:00Z", 9.5)]
    assert {name: one.unit for name, one in told.series.items()}["0013/Volume 1 [m³]"] == "m3"


def test_rows_of_one_time_are_told_apart_by_a_column_of_words(table: Read) -> None:
    rows = [f"PRM-{n},2024-05-01 {hour:02}:00,{hour + n},0" for hour in range(4) for n in (1, 2)]
    told = table("Kode;Tid;inn kWh;ut kWh\n".replace(";", ",") + "\n".join(rows) + "\n", time_zone="UTC")
    assert [value for _, value in told.of("PRM-2/inn kWh")] == [2.0, 3.0, 4.0, 5.0]
    assert told.of("PRM-1/ut kWh")[0] == ("2024-05-01 00:00:00Z", 0.0)


def test_a_direction_that_comes_late_begins_a_series_of_its_own(table: Read) -> None:
    head = "ESIID,USAGE_DATE,USAGE_START_TIME,USAGE_KWH,KIND\n"
    rows = [f"'1044,05/13/2024,{n // 60:02}:{n % 60:02},{n},Consumption" for n in range(150)]
    told = table(
        head + "\n".join([*rows, "'1044,05/13/2024,00:00,7,Surplus Generation"]) + "\n", time_zone="UTC"
    )
    assert {name: (len(told.of(name)), one.direction) for name, one in told.series.items()} == {
        "1044": (150, "forward"),
        "1044/reverse": (1, "reverse"),
    }


def test_a_kind_of_reading_that_comes_late_begins_a_series_of_its_own(table: Read) -> None:
    head = "MPRN,Read Value,Read Type,Read Date and End Time\n"
    begin = datetime(2024, 1, 3)
    rows = [
        f"1001,0.{n:03},Active Import Interval (kWh),{begin - n * timedelta(minutes=30):%d-%m-%Y %H:%M}"
        for n in range(96)
    ]
    late = "1001,0.500,Active Export Interval (kWh),01-01-2024 00:30"
    told = table(head + "\n".join([*rows, *rows[:10], late]) + "\n", time_zone="UTC")
    assert {name: (len(told.of(name)), one.direction, one.unit) for name, one in told.series.items()} == {
        "1001": (106, "forward", "kWh"),
        "1001/Active Export Interval (kWh)": (1, "reverse", "kWh"),
    }
    assert told.of("1001/Active Export Interval (kWh)") == [("2024-01-01 00:00:00Z", 0.5)]


@pytest.mark.parametrize(
    ("count", "day", "first", "last"),
    [
        (48, "2024-06-01", "2024-05-31 23:00:00Z", "2024-06-01 22:30:00Z"),
        (46, "2024-03-31", "2024-03-31 00:00:00Z", "2024-03-31 22:30:00Z"),
        (50, "2024-10-27", "2024-10-26 23:00:00Z", "2024-10-27 23:30:00Z"),
    ],
)
def test_numbered_half_hours_count_from_midnight(
    table: Read, count: int, day: str, first: str, last: str
) -> None:
    # London: midnight is 23:00Z in summer time, 00:00Z else; the days of the change have 46 and 50 half hours.
    rows = [f"2024-02-01,{n},1" for n in range(1, 49)] + [f"{day},{n},{n}" for n in range(1, count + 1)]
    told = table("Date,Settlement Period,kWh\n" + "\n".join(rows) + "\n", time_zone="Europe/London")
    assert not told.rejections
    assert told.of("kWh")[48] == (first, 1.0)
    assert told.of("kWh")[-1] == (last, float(count))


def test_the_number_of_an_interval_that_says_no_length_is_asked_for(table: Read) -> None:
    text = "Date,Interval,kWh\n" + "".join(f"2024-06-01,{n},1\n" for n in range(1, 11))
    with pytest.raises(InputRefused, match="how long") as refused:
        table(text, time_zone="UTC")
    assert "--every" in (refused.value.hint or "")
    assert table(text, time_zone="UTC", every=timedelta(minutes=5)).of("kWh")[-1][0] == "2024-06-01 00:45:00Z"


@pytest.mark.parametrize("hours", [range(1, 26), range(1, 25)])
def test_hours_numbered_through_a_day_of_25(table: Read, hours: range) -> None:
    rows = [f"26/10/2024;{n};1" for n in range(1, 25)]
    rows += [f"27/10/2024;{n};{n}" for n in hours]
    told = table("Fecha;Hora;kWh\n" + "\n".join(rows) + "\n", time_zone="Europe/Madrid")
    found = {value: time for time, value in told.of("kWh")[24:]}
    assert found[1.0] == "2024-10-26 22:00:00Z"
    if len(hours) == 25:  # numbered through: the fourth hour is the second pass of 02:00
        assert (found[4.0], found[25.0]) == ("2024-10-27 01:00:00Z", "2024-10-27 22:00:00Z")
    else:  # hours of the wall: which 02:00 is meant is not said
        assert 3.0 not in found
        assert found[24.0] == "2024-10-27 22:00:00Z"
        assert [line for line, _ in told.refused] == [28]


def test_rows_of_totals_are_no_readings(table: Read) -> None:
    told = table("time,flow [m3/h]\n2024-01-01 00:00,1\nTotal,1\nAverage:,1\nnever,1\n", time_zone="UTC")
    assert (len(told.of("flow [m3/h]")), told.refused) == (1, [(5, "`never` is no time")])
    assert any("totals, left out: line 3, 4" in note for note in told.notes)


def test_money_and_remarks_are_no_readings(table: Read) -> None:
    told = table(
        "Consumption (kWh),Estimated Cost Inc. Tax (p),Start\n0.1,3.2,2024-01-01T00:00Z\n0.2,3.2,2024-01-01T00:30Z\n"
    )
    assert list(told.series) == ["Consumption (kWh)"]
    assert any("Estimated Cost" in note for note in told.notes)
    assert list(table("Start,Spot price\n2024-01-01T00:00Z,3.2\n").series) == ["Spot price"]
    assert (
        len(table("Start,kWh,Spot price\n2024-01-01T00:00Z,1,3.2\n", units={"Spot price": "%"}).series) == 2
    )


def test_a_small_table_above_the_table(table: Read) -> None:
    text = (
        "Identifiant PRM;Date de debut;Date de fin;Grandeur;Unite\n123;20/01/2023;21/01/2023;Energie;Wh\n"
        "Horodate;Valeur\n2023-01-20T00:30:00+01:00;500\n2023-01-20T01:00:00+01:00;400\n2023-01-20T01:30:00+01:00;410\n"
    )
    told = table(text)
    assert told.of("Valeur")[0] == ("2023-01-19 23:30:00Z", 500.0)
    assert told.series["Valeur"].unit == "Wh"


def test_hours_through_to_24_00_are_ends(table: Read) -> None:
    rows = [f"ES1;2024/03/13;{n:02}:00;0,{n:02}" for n in range(1, 25)]
    told = table("cups;fecha;hora;consumo_kWh\n" + "\n".join(rows) + "\n", time_zone="UTC")
    assert [time[11:13] for time, _ in told.of("ES1")] == [f"{hour:02}" for hour in range(24)]


def test_half_hours_with_flags_beside_them(table: Read) -> None:
    head = ",".join(f"HH{n:02},A{n:02}" for n in range(1, 49))
    told = table(
        f"MPAN,Date,{head}\n001,2024-04-01,{','.join(f'{n},A' for n in range(48))}\n",
        time_zone="UTC",
        unit="kWh",
    )
    assert told.of("001")[-1] == ("2024-04-01 23:30:00Z", 47.0)
    assert any("A01" in note for note in told.notes)


@pytest.mark.parametrize(
    "clocks", [("0000", "0015", "1300"), ("0", "15", "1300"), ("000000", "001500", "130000")]
)
def test_a_clock_in_figures(table: Read, clocks: tuple[str, ...]) -> None:
    rows = "".join(f"0001|20240101|{clock}|1.5|CF\n" for clock in clocks)
    found = table(f"METER|READ_DATE|READ_TIME|CONSUMPTION|UOM\n{rows}", time_zone="UTC").of("0001")
    assert [time[11:16] for time, _ in found] == ["00:00", "00:15", "13:00"]


@pytest.mark.parametrize(
    ("column", "hour"),
    [("read_time_utc", "12"), ("Time (UTC)", "12"), ("Time UTC+10:00", "02"), ("time", "11")],
)
def test_a_column_may_say_its_zone(table: Read, column: str, hour: str) -> None:
    told = table(f"{column},kWh\n2024-01-01 12:00,1\n2024-01-01 13:00,2\n", time_zone="Europe/Berlin")
    assert told.of("kWh")[0][0] == f"2024-01-01 {hour}:00:00Z"


def test_names_that_are_the_same_have_their_groups_before_them(table: Read) -> None:
    text = (
        "Station,Hafen,,Altstadt\nTime,Flow [m3/h],Pressure [bar],Flow [m3/h]\n2024-03-26T01:30:00Z,1,2,3\n"
    )
    told = table(text)
    assert {name: one.unit for name, one in told.series.items()} == {
        "Hafen/Flow [m3/h]": "m3/h",
        "Pressure [bar]": "bar",
        "Altstadt/Flow [m3/h]": "m3/h",
    }


def test_numbers_that_begin_with_0_name_meters_without_a_head_too(table: Read) -> None:
    told = table("0001234;01.02.2024 00:15;1,5\n0001235;01.02.2024 00:15;2,5\n", time_zone="UTC", unit="kWh")
    assert told.of("0001235") == [("2024-02-01 00:15:00Z", 2.5)]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_wide_characters_without_a_mark(table: Read, encoding: str) -> None:
    told = table("time,Zähler kWh\n2024-01-01T00:00Z,1.5\n".encode(encoding))
    assert told.of("Zähler kWh") == [("2024-01-01 00:00:00Z", 1.5)]


def test_facts_above_the_head_are_no_rows(table: Read) -> None:
    told = table(
        "Meter,0012\nUnit,m3\nPeriod,2024-01\n\nDate,Use\n2024-01-01,1.5\n2024-01-02,2.5\n", time_zone="UTC"
    )
    assert told.of("Use") == [("2024-01-01 00:00:00Z", 1.5), ("2024-01-02 00:00:00Z", 2.5)]
    assert not told.rejections


def test_rows_that_leave_out_their_last_cells(table: Read) -> None:
    told = table("time,kWh,note\n2024-01-01T00:00Z,1\n2024-01-01T01:00Z,2\n2024-01-01T02:00Z,2,3,4\n")
    assert [value for _, value in told.of("kWh")] == [1.0, 2.0]
    assert [line for line, _ in told.refused] == [4]


def test_a_channel_of_registers_beside_one_of_amounts(table: Read) -> None:
    rows = [
        f"A,{kind},2024-01-01T{hour:02}:00Z,{value},kWh"
        for hour in range(9)
        for kind, value in (("register", 1000 + hour * 2), ("interval", 2 + hour % 3))
    ]
    told = table("meter,type,time,value,unit\n" + "\n".join(rows) + "\n")
    assert {name: one.kind for name, one in told.series.items()} == {
        "A/register": "counter",
        "A/interval": None,
    }


def test_a_name_over_several_units_goes_with_each(table: Read) -> None:
    """Merged cells of a workbook leave the name in the first column alone; all rows were rejected as too long."""
    rows = "".join(f"2026-03-01 {hour:02d}:00,1.5,3,2,4\n" for hour in range(24))
    told = table(f"Time,North,,South,\n,kWh,kW,[kWh],[kW]\n{rows}", time_zone="UTC")
    assert not told.rejections
    assert {name: (told.series[name].unit, len(told.of(name))) for name in told.series} == {
        "North/kWh": ("kWh", 24), "North/kW": ("kW", 24), "South/kWh": ("kWh", 24), "South/kW": ("kW", 24),
    }  # fmt: skip
    assert [value for _, value in told.of("South/kW")] == [4.0] * 24
