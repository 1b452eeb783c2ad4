"""InfluxDB's line protocol and annotated CSV. Figures by hand; escapes are those of its documentation."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cityctl.errors import InputRefused
from cityctl.exports.formats import recognise
from cityctl.exports.source import Source
from tests.exports.conftest import Parsed

Read = Callable[..., Parsed]
BEGIN = 1_717_200_000  # 2024-06-01T00:00:00Z
HEAD = (
    "#group,false,false,true,true,false,false,true,true,true\r\n"
    "#datatype,string,long,dateTime:RFC3339,dateTime:RFC3339,dateTime:RFC3339,double,string,string,string\r\n"
    "#default,_result,,,,,,,,\r\n"
    ",result,table,_start,_stop,_time,_value,_field,_measurement,zone\r\n"
)


def row(at: int, value: object, *, field: str = "flow_m3h", zone: str = "north", table: int = 0) -> str:
    span = "2024-06-01T00:00:00Z,2024-06-02T00:00:00Z"
    return f",,{table},{span},2024-06-01T00:{at:02}:00Z,{value},{field},water,{zone}\r\n"


@pytest.mark.parametrize("digits", [0, 3, 6, 9])
def test_lines_of_readings(read: Read, digits: int) -> None:
    fields = 'pressure_bar=3i,on=t,note="a, b=c"'
    text = "".join(
        f"water,zone=north,meter=m1 flow_m3h={at}.5,{fields} {BEGIN + 60 * at}{'0' * digits}\n"
        for at in range(5)
    )
    assert recognise(Source("a.txt", data=text.encode())) == "influx"
    told = read("influx", "# from a backup\n" + text)
    assert {name: one.unit for name, one in told.series.items()} == {
        "water,meter=m1,zone=north/flow_m3h": "m3/h",
        "water,meter=m1,zone=north/pressure_bar": "bar",
    }
    assert told.of("water,meter=m1,zone=north/flow_m3h")[4] == ("2024-06-01 00:04:00Z", 4.5)
    assert told.readings["water,meter=m1,zone=north/pressure_bar"][0] == ("2024-06-01 00:00:00Z", 3.0, 0, 2)
    assert told.notes == ["a.txt: fields of words left out: `note`, `on`"]


def test_signs_that_are_escaped(read: Read) -> None:
    told = read("influx", rf"my\ meter,a\,b=c\=d value=-1.5e-3 {BEGIN}" + "\n", unit="m3/h")
    assert told.of("my meter,a,b=c=d") == [("2024-06-01 00:00:00Z", -0.0015)]


def test_a_register_is_none_of_its_amounts(read: Read) -> None:
    text = "".join(f"m energy_kwh={5000 + at}.25 {BEGIN + 900 * at}\n" for at in range(20))
    assert read("influx", text).series["m/energy_kwh"].kind == "counter"


def test_lines_that_are_cut_are_refused(read: Read) -> None:
    """`17172` would be a time in January 1970."""
    whole = "".join(f"m value={at}.5 {BEGIN + at}\n" for at in range(3))
    told = read("influx", f"{whole}m value=1.5\nm val\nm value=7.5 17172", unit="kW")
    assert len(told.of("m")) == 3
    assert told.refused == [
        (4, "it has no time: the database would take that of its arrival"),
        (5, "`m val` is no line of line protocol: cut?"),
        (6, "`17172` has not the 10 figures of the times above: cut?"),
    ]


def test_tables_of_flux(read: Read) -> None:
    """The column `table` was kept as a flow, and of each instant one series' value alone."""
    text = HEAD + "".join(row(at, f"{at}.5") + row(at, at * 2, zone="south", table=1) for at in range(4))
    assert recognise(Source("a.csv", data=text.encode())) == "influx"
    second = HEAD + row(0, 3.25, field="pressure_bar", table=2) + row(1, "", field="pressure_bar", table=2)
    told = read("influx", f"{text}\r\n{second}\r\n")
    assert {name: [value for _, value in told.of(name)] for name in told.readings} == {
        "water,zone=north/flow_m3h": [0.5, 1.5, 2.5, 3.5],
        "water,zone=south/flow_m3h": [0, 2, 4, 6],
        "water,zone=north/pressure_bar": [3.25],
    }
    assert told.blank == 1
    assert (
        told.readings["water,zone=north/pressure_bar"][0][3] == 18
    )  # 4 + 8 rows, an empty one, 4 more of a head


def test_fields_as_columns(read: Read) -> None:
    text = (
        "#datatype,string,long,dateTime:RFC3339,string,string,double,double\n"
        ",result,table,_time,_measurement,zone,flow_m3h,pressure_bar\n"
        ",,0,2024-06-01T00:00:00Z,water,north,1.5,3.25\n"
    )
    told = read("influx", text)
    assert told.of("water,zone=north/pressure_bar") == [("2024-06-01 00:00:00Z", 3.25)]
    assert told.of("water,zone=north/flow_m3h") == [("2024-06-01 00:00:00Z", 1.5)]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (HEAD + row(0, 1) + row(1, 2).removesuffix("th\r\n"), "6: the last line has no end: cut"),
        (HEAD + row(0, 1) + ",,0,2024-06-01T00\n", "6: 4 cells under 10 columns: cut"),
        (
            HEAD + row(0, 1) + "\r\nerror,reference\r\nout of memory,897\r\n",
            "7: an error in place of a table",
        ),
        (HEAD.replace("_time", "time") + row(0, 1), "4: a table without the column `_time`"),
    ],
)
def test_what_is_no_table_is_refused(read: Read, text: str, why: str) -> None:
    with pytest.raises(InputRefused, match=why):
        read("influx", text)
