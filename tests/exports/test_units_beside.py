"""Columns of units, one beside each column of values. Figures by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.exports.conftest import Parsed

Read = Callable[..., Parsed]
HOURS = [f"2024-03-13 {hour:02}:00" for hour in range(12)]


@pytest.mark.parametrize(
    ("head", "row"),
    [
        ("Meter;Time;Volume;Unit;Flow;Unit", "{meter};{when};{volume};L;{flow};m3/h"),
        ("Meter;Time;Unit;Volume;Unit;Flow", "{meter};{when};L;{volume};m3/h;{flow}"),
        ("Meter;Time;Volume;Flow;Volume Unit;Flow Unit", "{meter};{when};{volume};{flow};L;m3/h"),
    ],
)
def test_each_value_has_the_unit_beside_it(table: Read, head: str, row: str) -> None:
    """As head-ends of ultrasonic meters write it; the flow was taken for a volume of the first column of units."""
    rows = (
        row.format(meter=meter, when=when, volume=5000 - at % 3, flow=f"0.{at + 1:02}")
        for at, when in enumerate(HOURS)
        for meter in "AB"
    )
    read = table("\n".join((head, *rows)) + "\n", time_zone="UTC")
    units = {name: one.unit for name, one in read.series.items()}
    assert units == {"A/Volume": "L", "B/Volume": "L", "A/Flow": "m3/h", "B/Flow": "m3/h"}
    assert sum(value or 0 for _, value in read.of("B/Flow")) == pytest.approx(0.78)  # 0.01 + ... + 0.12
    assert read.of("A/Volume")[4] == ("2024-03-13 04:00:00Z", 4999.0)
    assert not read.rejections


def test_the_units_of_one_table_without_meters(table: Read) -> None:
    rows = "".join(f"{when},{at}.25,MWh,{at}.5,kW\n" for at, when in enumerate(HOURS))
    read = table(f"Time,Energy,Energy Unit,Power,Power Unit\n{rows}", time_zone="UTC")
    assert {name: one.unit for name, one in read.series.items()} == {"Energy": "MWh", "Power": "kW"}


def test_rows_of_another_unit_are_a_series_of_their_own(table: Read) -> None:
    rows = "".join(
        f"{when},{at % 5}.25,{'kWh' if at < 6 else 'MWh'},{at}.5,kW\n" for at, when in enumerate(HOURS)
    )
    read = table(f"Time,Energy,Unit,Power,Unit\n{rows}", time_zone="UTC")
    assert {name: one.unit for name, one in read.series.items()} == {
        "Energy": "kWh",
        "Energy (MWh)": "MWh",
        "Power": "kW",
    }
    assert [len(read.of(name)) for name in read.series] == [6, 6, 12]


def test_a_value_that_is_named_has_its_own_unit(table: Read) -> None:
    rows = "".join(f"A;{when};{5000 - at % 3};L;0.{at + 1:02};m3/h\n" for at, when in enumerate(HOURS))
    read = table(f"Meter;Time;Volume;Unit;Flow;Unit\n{rows}", time_zone="UTC", value="Flow")
    assert {name: one.unit for name, one in read.series.items()} == {"A": "m3/h"}
