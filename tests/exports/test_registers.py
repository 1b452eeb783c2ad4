"""Registers among amounts: told series by series, by OBIS code, name and values. Figures by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.exports.conftest import Parsed

Read = Callable[..., Parsed]


def test_obis_codes_tell_registers_from_amounts_of_one_meter(table: Read) -> None:
    rows = "".join(
        f"EMH1;1-0:{code};{day:02}.03.2024 00:00;{value};kWh\n"
        for day in range(1, 4)
        for code, value in (("1.8.0", f"{10000 + day * 5},250"), ("2.8.0", f"{500 + day}"), ("1.29.0", "5,5"))
    )
    read = table(f"Zähler;OBIS;Zeitstempel;Wert;Einheit\n{rows}", time_zone="Europe/Berlin")
    kinds = {name: one.kind for name, one in read.series.items()}
    assert kinds == {"EMH1/1-0:1.8.0": "counter", "EMH1/1-0:2.8.0": "counter", "EMH1/1-0:1.29.0": "interval"}


def test_a_code_of_a_register_over_values_that_fall_is_not_believed(table: Read) -> None:
    rows = "".join(f"2024-03-01 {hour:02}:00;{hour * 7 % 11 + 1},5\n" for hour in range(24))
    read = table(f"Zeit;1-1:1.8.0 [kWh]\n{rows}", time_zone="UTC")
    assert read.series["1-1:1.8.0 [kWh]"].kind is None
    long = "".join(
        f"2024-03-01 {hour:02}:00;M1;{code};{hour * 7 % 11 + 1},5;kWh\n"
        for hour in range(24)
        for code in ("1.8.0", "2.8.0")
    )
    read = table(f"Zeit;Zähler;OBIS;Wert;Einheit\n{long}", time_zone="UTC")
    assert {one.kind for one in read.series.values()} == {None}
    assert any("but falls: taken as amounts" in note for note in read.notes)


def test_registers_of_many_meters_in_turn(table: Read) -> None:
    """The first hundred rows hold two readings of each of 60 meters: too few to tell."""
    rows = "".join(
        f"2024-03-{day:02},M{meter:02},{1000 + meter * 10 + day * 0.5},m3\n"
        for day in range(1, 21)
        for meter in range(60)
    )
    read = table(f"Time,Meter,Wert,Unit\n{rows}", time_zone="UTC")
    assert {one.kind for one in read.series.values()} == {"counter"}


def test_a_register_and_amounts_side_by_side_under_one_unit(table: Read) -> None:
    rows = "".join(
        f"2024-03-{day:02},{tag},{value},kWh\n"
        for day in range(1, 21)
        for tag, value in (("TOTAL", 9000 + day * 30), ("DAY", 30 + day % 3))
    )
    read = table(f"Time,Tag,Value,Unit\n{rows}", time_zone="UTC")
    assert {name: one.kind for name, one in read.series.items()} == {"TOTAL": "counter", "DAY": None}


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([45000 + day * 12 for day in range(28)], "counter"),  # never falls, rises by 0.7 % in all
        ([40 + day for day in range(28)], None),  # use may rise by two thirds
        ([500] * 20 + [501] * 8, None),  # nor is a step in flat use a register
        ([310 + day * 5 % 7 for day in range(28)], None),
    ],
)
def test_a_register_that_is_called_use(table: Read, values: list[int], kind: str | None) -> None:
    rows = "".join(f"{day:02}.03.2024;{value}\n" for day, value in enumerate(values, 1))
    read = table(f"Datum;Verbrauch (kWh)\n{rows}", time_zone="UTC")
    assert read.series["Verbrauch (kWh)"].kind == kind
