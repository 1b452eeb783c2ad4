"""What columns of qualities say of readings, by their words and by the question that their name asks."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cityctl.reading import Quality
from tests.exports.conftest import Parsed

Read = Callable[..., Parsed]
GOOD, ESTIMATED, SUSPECT, BAD = Quality.GOOD, Quality.ESTIMATED, Quality.SUSPECT, Quality.BAD


def graded(table: Read, column: str, *words: str, **more: object) -> list[int]:
    rows = [f"m1,2024-01-01T0{hour}:00Z,{hour + 1}.5,{word}\n" for hour, word in enumerate(words)]
    read = table(f"meter,time,usage (gal),{column}\n" + "".join(rows), **more)
    assert not read.rejections
    return [quality for _, _, quality, _ in read.readings["m1"]]


@pytest.mark.parametrize(
    ("column", "no", "yes"),
    [("Estimated", "N", "Y"), ("Estimated", "No", "Yes"), ("Estimated", "false", "true"), ("Estimated", "0", "1"),
     ("Is Estimated", "0", "1"), ("Estimated_Flag", "N", "Y"), ("Estimated Indicator", "N", "E"), ("Est", "n", "x")],
)  # fmt: skip
def test_a_reading_that_is_not_estimated_is_a_reading(table: Read, column: str, no: str, yes: str) -> None:
    """`N` stands for no reading in AEMO's words: in a column `Estimated` it is the answer no."""
    assert graded(table, column, no, no, yes, no) == [GOOD, GOOD, ESTIMATED, GOOD]


@pytest.mark.parametrize(
    ("column", "yes", "no"), [("Valid", "1", "0"), ("Is valid", "Y", "N"), ("Invalid", "no", "yes")]
)
def test_a_reading_that_is_not_valid_is_bad(table: Read, column: str, yes: str, no: str) -> None:
    assert graded(table, column, yes, no, yes) == [GOOD, BAD, GOOD]


def test_an_answer_to_a_question_that_is_not_known_is_told(table: Read) -> None:
    assert graded(table, "Flag", "N", "N", "Y") == [SUSPECT] * 3
    assert graded(table, "Flag", "N", "N", "Y", qualities={"N": "good", "Y": "bad"}) == [GOOD, GOOD, BAD]


def test_no_reading_among_other_words_stays_none(table: Read) -> None:
    read = table("meter,time,usage (gal),quality\nm1,2024-01-01T00:00Z,0,N\nm1,2024-01-01T01:00Z,5.5,A\n")
    assert (read.blank, read.of("m1")) == (1, [("2024-01-01 01:00:00Z", 5.5)])


@pytest.mark.parametrize("column", ["Read Type", "Type", "Origin"])
def test_a_column_of_grades_parts_no_meter_in_two(table: Read, column: str) -> None:
    assert graded(table, column, "Actual", "Estimated", "Actual", "Actual") == [GOOD, ESTIMATED, GOOD, GOOD]


def test_amounts_that_are_estimated_are_no_grades(table: Read) -> None:
    text = "time,actual (kWh),estimated (kWh)\n" + "".join(
        f"2024-01-01T{hour:02}:00Z,{hour}.5,{hour}.25\n" for hour in range(4)
    )
    read = table(text)
    assert [value for _, value in read.of("estimated (kWh)")] == [0.25, 1.25, 2.25, 3.25]


@pytest.mark.parametrize("names", [("A", "A Status", "B", "B Status"), ("Wert", "Status", "Wert", "Status")])
def test_each_column_may_have_its_status_beside_it(table: Read, names: tuple[str, ...]) -> None:
    """They were left out: what its meter calls bad was kept as good."""
    text = f"Zeit;{';'.join(names)}\n15.01.2024 00:00;1,5;OK;2,5;bad\n15.01.2024 00:15;1,5;geschätzt;2,5;missing\n"
    told = table(text, time_zone="UTC", unit="m3/h")
    first, second = told.readings.values()
    assert [quality for _, _, quality, _ in first] == [0, 1]
    assert [quality for _, _, quality, _ in second] == [3]
    assert told.blank == 1
    assert not told.notes


@pytest.mark.parametrize("column", ["Quality", "OPCQuality"])
def test_quality_bytes_of_a_historian(table: Read, column: str) -> None:
    """OPC Data Access 3.0, 6.8: 192 good, 216 overridden by hand, 64 and 68 uncertain, 0, 24 (no link) and 28 bad."""
    codes = ("192", "0", "24", "28", "64", "68", "216", "195")
    wanted = [GOOD, BAD, BAD, BAD, SUSPECT, SUSPECT, SUSPECT, GOOD]
    assert graded(table, column, *codes) == wanted


@pytest.mark.parametrize("called", [".Q", ".QualityDetail", "_quality"])
@pytest.mark.parametrize(("good", "bad"), [("192", "24"), ("100", "0")])
def test_bytes_that_are_called_after_their_values(table: Read, called: str, good: str, bad: str) -> None:
    """As iFIX and Wonderware write them; they were kept as flows, and what they call bad as good."""
    codes = [good, bad, good, good]
    rows = "".join(f"2024-01-15 00:{at:02},{at}.5,{code},3.5,{good}\n" for at, code in enumerate(codes))
    told = table(f"Time,FT1.F_CV,FT1.F_CV{called},FT2,FT2{called}\n{rows}", time_zone="UTC", unit="m3/h")
    assert {name: [grade for _, _, grade, _ in rows] for name, rows in told.readings.items()} == {
        "FT1.F_CV": [GOOD, BAD, GOOD, GOOD],
        "FT2": [GOOD] * 4,
    }
    assert not told.notes


def test_bytes_of_which_none_is_good_are_left_out(table: Read) -> None:
    rows = "".join(f"2024-01-15 00:{at:02},{at}.5,7\n" for at in range(4))
    told = table(f"Time,FT1,FT1.Q\n{rows}", time_zone="UTC", unit="m3/h")
    assert list(told.readings) == ["FT1"]
    assert told.notes == ["flows.csv: columns left out: `FT1.Q`"]


def test_a_flow_that_is_called_q_is_a_flow(table: Read) -> None:
    rows = "".join(f"2024-01-15 00:{at:02},{at}.5,{at}.25\n" for at in range(4))
    told = table(f"Time,P101,P101.Q\n{rows}", time_zone="UTC", unit="m3/h")
    assert [len(rows) for rows in told.readings.values()] == [4, 4]


def test_the_byte_goes_before_the_state_of_a_historian(table: Read) -> None:
    """Of Wonderware's `Quality` 0 is good; all were suspect."""
    rows = "".join(
        f"2024-01-15 00:{at:02},FT1,{at}.5,{state},{byte}\n"
        for at, (state, byte) in enumerate(((0, 192), (1, 24), (0, 192)))
    )
    told = table(f"DateTime,TagName,Value,Quality,QualityDetail\n{rows}", time_zone="UTC", unit="m3/h")
    assert [grade for _, _, grade, _ in told.readings["FT1"]] == [GOOD, BAD, GOOD]


def test_numbers_that_are_no_quality_bytes_stay_suspect(table: Read) -> None:
    assert graded(table, "Quality", "0", "64", "0") == [SUSPECT] * 3
