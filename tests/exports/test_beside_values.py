"""Beside the values of a table: units within names, codes, numbers of meters, times again. Figures by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cityctl.errors import InputRefused
from cityctl.exports.table.names import column_unit
from tests.exports.conftest import Parsed

Read = Callable[..., Parsed]
HOURS = [f"2024-03-13 {hour:02}:00" for hour in range(12)]


@pytest.mark.parametrize(
    ("column", "unit"),
    [
        ("Netzlast [MWh] Originalauflösungen", "MWh"),
        ("Actual Total Load [MW] - Zone A", "MW"),
        ("Mains (kWhs)", "kWh"),
        ("Creek (cfs)", "ft3/s"),
        ("Level (mws)", "mH2O"),
        ("Charge (kWs)", None),
        ("load_mw", "MW"),
        ("Inlet bar(g)", "bar"),
        ("Inlet bar (a)", None),
        ("Use (kWh) of phase A", "kWh"),
        ("Phase (A) power", None),
        ("Price [EUR]/[kWh] net", None),
        ("Preis ct/kWh", None),
    ],
)
def test_units_within_names(column: str, unit: str | None) -> None:
    assert column_unit(column) == unit


def test_a_unit_that_is_not_known_is_named(table: Read) -> None:
    read = table(
        "Time,Gas [Nm3]\n" + "".join(f"{when},{at}.5\n" for at, when in enumerate(HOURS)), time_zone="UTC"
    )
    assert [(one.unit, one.said_unit) for one in read.series.values()] == [(None, "Nm3")]


def test_units_and_states_below_meters(table: Read) -> None:
    rows = "".join(f"{when};{at},25;0;{at},5;0\n" for at, when in enumerate(HOURS))
    read = table(
        f";000123;;000124;;\nZeit;kWh;Status;kWh;Status\n{rows}".replace(";;\n", ";\n"), time_zone="UTC"
    )
    assert {name: one.unit for name, one in read.series.items()} == {"000123/kWh": "kWh", "000124/kWh": "kWh"}
    assert sum(value or 0 for _, value in read.of("000124/kWh")) == 66 + 6
    assert any("columns left out: `000123/Status`, `000124/Status`" in note for note in read.notes)


def test_a_row_of_widths_below_the_names(table: Read) -> None:
    """As the USGS writes its tables (RDB); the code of each value stands behind it."""
    head = "# Data\nagency_cd\tdatetime\ttz_cd\t69928_00060\t69928_00060_cd\t69929_00065\t69929_00065_cd\n"
    rows = "".join(f"USGS\t{when}\tUTC\t{at + 900}.5\tA\t{at % 3}.25\tP\n" for at, when in enumerate(HOURS))
    read = table(f"{head}5s\t20d\t6s\t14n\t10s\t14n\t10s\n{rows}")
    assert read.of("69928_00060")[0] == ("2024-03-13 00:00:00Z", 900.5)
    assert {quality for _, _, quality, _ in read.readings["69929_00065"]} == {1}  # provisional


def test_a_number_of_each_meter_is_no_value(table: Read) -> None:
    rows = "".join(
        f"{when},{name},{number},{at}.5\n"
        for at, when in enumerate(HOURS)
        for name, number in (("A", 617), ("B", 618))
    )
    read = table(f"Time,Name,PTID,Load\n{rows}", time_zone="UTC", unit="MW")
    assert read.of("B")[1] == ("2024-03-13 01:00:00Z", 1.5)


def test_times_again_and_codes_are_no_values(table: Read) -> None:
    rows = "".join(f'"Hafen";"{when}";{at},5;1;{45352000 + at * 41666}\n' for at, when in enumerate(HOURS))
    read = table(
        f'"VarName";"TimeString";"VarValue";"Validity";"Time_ms"\n{rows}', time_zone="UTC", unit="m3/h"
    )
    assert [name for name, told in read.readings.items() if told] == ["Hafen"]
    rows = "".join(f"{when};{at},5;7;{45352000 + at * 41666}\n" for at, when in enumerate(HOURS))
    read = table(f"Zeit;Durchfluss;Info code;Time_ms\n{rows}", time_zone="UTC", unit="m3/h")
    assert list(read.series) == ["Durchfluss"]


def test_use_and_feed_in_side_by_side_with_one_unit_above(table: Read) -> None:
    rows = "".join(f"5678901,{when},{at}.5,0.25,{at}.25\n" for at, when in enumerate(HOURS))
    read = table(
        f"Title,Electric\nUOM,kWh\n\nMeter Number,Time,Consumption,Generation,Net\n{rows}", time_zone="UTC"
    )
    assert {name: one.unit for name, one in read.series.items()} == {
        f"5678901/{name}": "kWh" for name in ("Consumption", "Generation", "Net")
    }
    assert sum(value or 0 for _, value in read.of("5678901/Generation")) == 3


def test_the_unit_above_several_registers_of_one_name(table: Read) -> None:
    head = "PRM;Type;Unite\n12345678901234;Index;Wh\nHorodate;Releve;EAS F1;EAS F2\n"
    rows = "".join(
        f"2024-03-{day:02}T00:00:00+01:00;Quotidien;{100000 + day * 50};{200000 + day * 30}\n"
        for day in range(1, 13)
    )
    assert [(one.unit, one.kind) for one in table(head + rows).series.values()] == [("Wh", "counter")] * 2


def test_a_register_that_stands_still_beside_its_like_is_one(table: Read) -> None:
    rows = "".join(
        f"{when};{3000 + at * 0.25:.3f};{4000 + at * 0.5:.3f};100.000;7.5\n" for at, when in enumerate(HOURS)
    )
    read = table(f"time;Import T1 kWh;Import T2 kWh;Import T3 kWh;Lamp kWh\n{rows}", time_zone="UTC")
    assert [one.kind for one in read.series.values()] == ["counter", "counter", "counter", None]


def test_a_table_without_names_that_says_its_unit_in_each_row(table: Read) -> None:
    read = table("".join(f"{when},00123,{at}.5,kWh\n" for at, when in enumerate(HOURS)), time_zone="UTC")
    assert (read.series["00123"].unit, read.of("00123")[1][1]) == ("kWh", 1.5)


def test_days_and_clocks_in_figures(table: Read) -> None:
    rows = "".join(
        f"{meter}|20240313|{hour:02}0000|{hour}.5|kWh|\n" for hour in range(24) for meter in ("001", "002")
    )
    read = table(f"METER_ID|READ_DT|READ_TM|USAGE|UOM|\n{rows}", time_zone="UTC")
    assert read.of("002")[23] == ("2024-03-13 23:00:00Z", 23.5)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "Monat;" + ";".join(map(str, range(1, 32))) + "\nJan 2024;" + ";".join(["1"] * 31) + "\n",
            "days of a month",
        ),
        ("Meter;2024-03-01;2024-03-02\nA;1;2\nB;3;4\n", "called by days"),
    ],
)
def test_tables_that_lie_across_are_refused_with_what_to_do(table: Read, text: str, said: str) -> None:
    with pytest.raises(InputRefused, match=said) as refused:
        table(text, time_zone="UTC", unit="kWh")
    assert "turn the table" in (refused.value.hint or "")
