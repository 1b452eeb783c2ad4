"""Tables as head-ends of meters write them: their heads, units, registers and directions. Figures by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

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
    names = ",".join(["1"] * 5000)
    told = table(f"time,{names}\n2024-01-01T00:00Z,{names}\n", unit="kWh")
    assert len(told.series) == 5000
