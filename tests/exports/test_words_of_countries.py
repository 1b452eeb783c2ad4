"""Directions, days, slots and meters in the words of their countries. Figures by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.exports.conftest import Parsed

Read = Callable[..., Parsed]


@pytest.mark.parametrize(
    ("column", "first", "second"),
    [("Rodzaj", "pobór", "oddanie"), ("Type", "Consumption", "Production"), ("Smer", "odběr", "dodávka")],
)
@pytest.mark.parametrize("hours", [48, 144])
def test_directions_one_behind_the_other(
    table: Read, column: str, first: str, second: str, hours: int
) -> None:
    """The first rows are of one direction alone: of each hour the larger value was kept, whatever it was of."""
    rows = "".join(
        f"{1 + hour // 24:02}.06.2024 {hour % 24:02}:00;{hour % 5 + value},5;{word}\n"
        for word, value in ((first, 0), (second, 10))
        for hour in range(hours)
    )
    read = table(f"Data;kWh;{column}\n{rows}", time_zone="UTC")
    assert not read.rejections
    if column == "Smer":
        assert {one.direction for one in read.series.values()} == {"forward", "reverse"}
    sums = [sum(value or 0 for _, value in read.of(name)) for name in read.series]
    more = sum(hour % 5 + 0.5 for hour in range(hours))
    assert sums == [more, more + 10 * hours]


def test_spans_of_a_day_with_dots(table: Read) -> None:
    spans = [f"{at // 4:02}.{at % 4 * 15:02}-{(at + 1) // 4:02}.{(at + 1) % 4 * 15:02}" for at in range(96)]
    rows = "".join(f"IT001E1;{day:02}/06/2024;A;{';'.join(['0,25'] * 95 + ['1,5'])}\n" for day in (14, 15))
    read = table(f"CodPOD;Data;Energia;{';'.join(spans)}\n{rows}", time_zone="Europe/Rome", unit="kWh")
    assert len(read.of("IT001E1")) == 192
    assert min(read.of("IT001E1")) == ("2024-06-13 22:00:00Z", 0.25)
    assert max(read.of("IT001E1")) == ("2024-06-15 21:45:00Z", 1.5)


def test_the_second_pass_as_an_hour_of_its_own(table: Read) -> None:
    """Hours by their end: 3 and 3A are both between 2 and 3; the column 3A was left out."""
    hours = ["1", "2", "3", "3A", *map(str, range(4, 25))]
    usual = ["1,5", "1,5", "1,5", "", *["1,5"] * 21]
    text = f"PPE;Data;{';'.join(hours)}\n5903;2024-10-26;{';'.join(usual)}\n5903;2024-10-27;{';'.join(['2,5'] * 25)}\n"
    read = table(text, time_zone="Europe/Warsaw", unit="kWh")
    assert not read.rejections
    assert sum(value or 0 for _, value in read.of("5903")) == 24 * 1.5 + 25 * 2.5
    assert ("2024-10-27 00:00:00Z", 2.5) in read.of("5903")  # 2 o'clock in summer time
    assert ("2024-10-27 01:00:00Z", 2.5) in read.of("5903")  # and in winter time


@pytest.mark.parametrize("form", ["2024年06月{:02}日", "2024年6月{}日", "2024년 6월 {}일"])
def test_days_of_japan_and_korea(table: Read, form: str) -> None:
    rows = "".join(f"{form.format(day)},{hour:02}:30,{hour}.5\n" for day in (1, 2) for hour in range(24))
    read = table(f"日付,時刻,使用量(kWh)\n{rows}", time_zone="Asia/Tokyo")
    (name,) = read.readings
    assert read.of(name)[0] == ("2024-05-31 15:30:00Z", 0.5)
    assert len({time for time, _ in read.of(name)}) == 48


@pytest.mark.parametrize(("word", "grade"), [("rzeczywisty", 0), ("naměřená data OK", 0), ("szacowany", 1)])
def test_qualities_in_the_words_of_countries(table: Read, word: str, grade: int) -> None:
    rows = "".join(f"14.06.2024 {hour:02}:00;0,5;{word}\n" for hour in range(12))
    read = table(f"Datum;kWh;Status\n{rows}", time_zone="UTC")
    assert {quality for _, _, quality, _ in read.readings["kWh"]} == {grade}
    assert not read.notes
