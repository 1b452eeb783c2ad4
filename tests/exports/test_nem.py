"""NEM12 and NEM13, by the MDFF specification; figures by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cityctl.errors import InputRefused
from tests.exports.samples import NEM13, nem12

Read = Callable[..., Any]
HEAD = "100,NEM12,202401020000,MDP1,RET1\n"


def two_hundred(suffix: str = "E1", unit: str = "kWh", length: int = 30) -> str:
    return f"200,NMI0000001,E1B1,1,{suffix},N1,SER1,{unit},{length},\n"


def three_hundred(day: str, cells: str, method: str = "A", updated: str = "20240102000000") -> str:
    return f"300,{day},{cells},{method},,,{updated},\n"


DAY = ",".join(["0.5"] * 48)


@pytest.mark.parametrize(("length", "count"), [(5, 288), (15, 96), (30, 48)])
def test_intervals_begin_at_midnight_of_market_time(read: Read, length: int, count: int) -> None:
    told = read("nem12", nem12({"20240101": [0.25] * count}, length=length))
    found = told.of("NMI0000001/E1")
    assert len(found) == count
    assert found[0] == ("2023-12-31 14:00:00Z", 0.25)  # UTC+10, no daylight saving
    assert told.series["NMI0000001/E1"].every == length * 60


@pytest.mark.parametrize(
    ("suffix", "unit", "direction", "quantity", "known"),
    [
        ("E1", "KWH", "forward", "energy", "kWh"),
        ("B2", "MWh", "reverse", "energy", "MWh"),
        ("Q1", "kVArh", "forward", "reactive energy", "kvarh"),
        ("K1", "KVARH", "reverse", "reactive energy", "kvarh"),
        ("E1", "Wh", "forward", "energy", "Wh"),
        ("N1", "kWh", "net", "energy", "kWh"),
        ("E1", "kVAh", "forward", "apparent energy", "kVAh"),
    ],
)
def test_suffixes_and_units(
    read: Read, suffix: str, unit: str, direction: str, quantity: str, known: str
) -> None:
    (series,) = read("nem12", nem12({"20240101": [1] * 48}, suffix=suffix, unit=unit)).series.values()
    assert (series.direction, series.quantity, series.unit) == (direction, quantity, known)


def test_a_unit_that_changes_in_a_file_makes_no_second_series(read: Read) -> None:
    """600 Wh are 0.6 kWh; a day that comes again in Wh replaces the one in kWh; kvarh are another quantity."""
    kwh, wh = (three_hundred("20240101", DAY), three_hundred("20240102", ",".join(["600"] * 48)))
    told = read("nem12", f"{HEAD}{two_hundred()}{kwh}{two_hundred(unit='Wh')}{wh}900\n".encode())
    (series,) = told.series.values()
    assert (series.id, series.unit) == ("NMI0000001/E1", "kWh")
    assert [value for _, value in told.of(series.id)] == pytest.approx([0.5] * 48 + [0.6] * 48, rel=1e-12)

    again = three_hundred("20240101", DAY, updated="20240103000000")
    told = read("nem12", f"{HEAD}{two_hundred()}{kwh}{two_hundred(unit='Wh')}{again}900\n".encode())
    assert [value for _, value in told.of("NMI0000001/E1")] == pytest.approx([0.0005] * 48, rel=1e-12)

    told = read("nem12", f"{HEAD}{two_hundred()}{kwh}{two_hundred(unit='kvarh')}{wh}900\n".encode())
    assert list(told.series) == ["NMI0000001/E1", "NMI0000001/E1 (kvarh)"]


def test_an_unknown_unit_is_named_and_not_guessed(read: Read) -> None:
    (series,) = read("nem12", nem12({"20240101": [1] * 48}, unit="pizzas")).series.values()
    assert (series.unit, series.said_unit) == (None, "pizzas")


def test_qualities_of_a_day_and_of_its_ranges(read: Read) -> None:
    text = HEAD + two_hundred() + three_hundred("20240101", DAY, "V")
    text += "400,1,20,A,,\n400,21,40,S53,9,x\n400,41,46,F14,,\n400,47,48,N,,\n900\n"
    graded = [quality for _, _, quality, _ in read("nem12", text).readings["NMI0000001/E1"]]
    assert graded == [0] * 20 + [1] * 26 + [3] * 2
    null = read("nem12", text).of("NMI0000001/E1")[-1]
    assert null == ("2024-01-01 13:30:00Z", None)


def test_a_variable_day_that_is_not_covered_is_suspect_and_told(read: Read) -> None:
    told = read("nem12", HEAD + two_hundred() + three_hundred("20240101", DAY, "V") + "400,1,40,A,,\n900\n")
    assert [quality for _, _, quality, _ in told.readings["NMI0000001/E1"]] == [0] * 40 + [2] * 8
    assert "8 intervals of a variable day" in told.notes[0]


def test_a_stream_without_a_day_is_named(read: Read) -> None:
    """Two of three 200 records have no 300 record below them: nothing is lost, and somebody waits for them."""
    text = (
        HEAD
        + two_hundred()
        + two_hundred("B1")
        + three_hundred("20240101", DAY)
        + two_hundred("Q1")
        + "900\n"
    )
    told = read("nem12", text)
    assert list(told.series) == ["NMI0000001/B1"]
    assert [said.split(" is")[0] for said in told.absent] == [
        "NMI0000001/E1 (line 2)",
        "NMI0000001/Q1 (line 5)",
    ]


@pytest.mark.parametrize("at", [30, 80, 99, 100, 101])
def test_a_300_record_that_wraps_loses_nothing(read: Read, at: int) -> None:
    cells = ",".join(f"{number}.5" for number in range(48))
    record = three_hundred("20240101", cells)
    whole = read("nem12", HEAD + two_hundred() + record + "900\n")
    wrapped = read("nem12", HEAD + two_hundred() + record[:at] + "\r\n" + record[at:] + "900\n")
    assert wrapped.of("NMI0000001/E1") == whole.of("NMI0000001/E1")
    assert not wrapped.rejections


def test_a_day_that_comes_again_replaces_the_earlier_one(read: Read) -> None:
    again = ",".join(["2"] * 48)
    text = HEAD + two_hundred() + three_hundred("20240101", again, updated="20240105000000")
    text += three_hundred("20240101", DAY, updated="20240103000000") + "900\n"  # older, though it comes later
    told = read("nem12", text)
    assert {value for _, value in told.of("NMI0000001/E1")} == {2.0}
    (one,) = told.rejections
    assert (one.line, one.count) == (4, 48)
    assert "line 3" in one.reason


def test_cells_that_are_no_numbers_and_blank_ones(read: Read) -> None:
    cells = DAY.replace("0.5", "", 1).replace("0.5", "1..2", 1)
    told = read("nem12", HEAD + two_hundred() + three_hundred("20240101", cells) + "900\n")
    assert len(told.of("NMI0000001/E1")) == 46
    assert told.blank == 1
    assert told.refused == [(3, "`1..2` is no number")]


def test_several_parts_each_with_its_end(read: Read) -> None:
    one = nem12({"20240101": [1] * 48})
    assert len(read("nem12", one + b"\r\n" + nem12({"20240102": [2] * 48})).of("NMI0000001/E1")) == 96


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (two_hundred() + three_hundred("20240101", DAY) + "900\n", "no header"),
        (HEAD + two_hundred() + three_hundred("20240101", DAY), "only a record 900"),
        (HEAD + "900\n", "empty"),
        (HEAD + two_hundred(length=15) + three_hundred("20240101", DAY) + "900\n", "48 values"),
        (HEAD + two_hundred(length=7) + three_hundred("20240101", DAY) + "900\n", "interval length"),
        (HEAD + two_hundred() + three_hundred("20240101", DAY, "V") + "400,40,49,A,,\n900\n", "40 to 49"),
        (HEAD + two_hundred() + three_hundred("20240231", DAY) + "900\n", "day"),
        (HEAD + two_hundred() + "900\n" + three_hundred("20240101", DAY), "after the end"),
        (HEAD + three_hundred("20240101", DAY) + "900\n", "without a 200 record"),
    ],
)
def test_what_contradicts_itself_is_refused_with_its_line(read: Read, text: str, why: str) -> None:
    with pytest.raises(InputRefused, match=why):
        read("nem12", text)


def test_nem13_amounts_lie_between_two_reads(read: Read) -> None:
    told = read("nem13", NEM13)
    assert told.readings["NMI0000002/11"] == [("2023-09-30 14:00:00Z", 80.0, 1, 2)]
    assert told.series["NMI0000002/11"].direction == "forward"
    assert (
        read("nem13", NEM13.replace(b",E,000100", b",I,000100")).series["NMI0000002/11"].direction
        == "reverse"
    )


def test_amounts_of_one_register_in_two_units_are_one_series(read: Read) -> None:
    """80 kWh, then 90000 Wh of the quarter that follows."""
    first = NEM13.splitlines()[1]
    later = first.replace(b"20240101", b"20240401").replace(b"20231001", b"20240101")
    wh = later.replace(b",80,kWh", b",90000,Wh")
    told = read("nem13", NEM13.replace(first, first + b"\n" + wh))
    assert [value for _, value in told.of("NMI0000002/11")] == pytest.approx([80, 90], rel=1e-12)


def test_nem13_needs_its_end(read: Read) -> None:
    with pytest.raises(InputRefused, match="cut short"):
        read("nem13", NEM13.replace(b"900\n", b""))


@pytest.mark.parametrize(
    "joined",
    [
        three_hundred("20240101", DAY).strip() + three_hundred("20240102", DAY),  # a day behind a day
        three_hundred("20240101", DAY).strip() + two_hundred("B1") + three_hundred("20240101", DAY),
        three_hundred("20240101", DAY) + two_hundred("B1").strip() + three_hundred("20240101", DAY),
        three_hundred("20240101", DAY, "V") + "400,1,48,A,," + three_hundred("20240102", DAY),
    ],
)
def test_a_line_that_swallows_the_next_record_is_refused(read: Read, joined: str) -> None:
    """A line end that got lost: the record behind it would be lost too, or a day given to another stream."""
    with pytest.raises(InputRefused, match="cells, where"):
        read("nem12", HEAD + two_hundred() + joined + "900\n")
