"""Tables of days: slots by clock and by number, on days of 23, 24 and 25 hours; expected values by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.exports.conftest import Parsed

Read = Callable[..., Parsed]
BERLIN = "Europe/Berlin"
ENDS = [f"{minute // 60:02}:{minute % 60:02}" for minute in range(15, 1441, 15)]
STARTS = [f"{minute // 60:02}:{minute % 60:02}" for minute in range(0, 1440, 15)]


def day(date: str, cells: list[object], meter: str = "m1") -> str:
    return ",".join([meter, date, *map(str, cells)])


def test_labels_of_ends_and_of_starts(table: Read) -> None:
    for labels in (ENDS, STARTS):
        text = ",".join(["meter", "date", *labels]) + "\n" + day("2021-01-01", list(range(96))) + "\n"
        read = table(text, time_zone="UTC", unit="kWh")
        assert read.of("m1")[0] == ("2021-01-01 00:00:00Z", 0.0)
        assert read.of("m1")[95] == ("2021-01-01 23:45:00Z", 95.0)
        assert read.series["m1"].every == 900


def test_numbered_slots_and_blanks(table: Read) -> None:
    labels = [f"P{number:02}" for number in range(1, 97)]
    cells: list[object] = [1, "", *range(3, 97)]
    read = table(",".join(["meter", "date", *labels]) + "\n" + day("2021-01-01", cells), time_zone=BERLIN)
    assert len(read.of("m1")) == 95
    assert read.of("m1")[1] == ("2020-12-31 23:30:00Z", 3.0)
    assert read.blank == 1


def test_a_table_of_one_series_takes_the_files_name(table: Read) -> None:
    text = (
        ",".join(["Datum", *(f"H{hour}" for hour in range(1, 25))])
        + "\n01.02.2021,"
        + ",".join("1" * 24)
        + "\n"
    )
    read = table(text, name="station.csv", time_zone=BERLIN)
    assert read.of("station")[0] == ("2021-01-31 23:00:00Z", 1.0)


def test_a_day_of_23_hours_by_the_clock(table: Read) -> None:
    # 2021-03-28: 02:00 to 03:00 does not exist. The cells of that hour hold something all the same.
    text = ",".join(["meter", "date", *STARTS]) + "\n" + day("2021-03-28", list(range(96)))
    read = table(text, time_zone=BERLIN)
    assert len(read.of("m1")) == 92
    assert read.of("m1")[7:9] == [("2021-03-28 00:45:00Z", 7.0), ("2021-03-28 01:00:00Z", 12.0)]
    assert [one.line for one in read.rejections] == [2, 2, 2, 2]
    assert "clocks go from 02:00 to 03:00" in read.rejections[0].reason


def test_a_day_of_23_hours_by_number(table: Read) -> None:
    labels = [f"P{number:02}" for number in range(1, 97)]
    head = ",".join(["meter", "date", *labels]) + "\n"
    elapsed = table(head + day("2021-03-28", [*range(92), "", "", "", ""]), time_zone=BERLIN)
    assert len(elapsed.of("m1")) == 92
    assert elapsed.of("m1")[91] == ("2021-03-28 21:45:00Z", 91.0)
    wall = table(head + day("2021-03-28", [*range(8), "", "", "", "", *range(12, 96)]), time_zone=BERLIN)
    assert len(wall.of("m1")) == 92
    assert wall.of("m1")[8] == ("2021-03-28 01:00:00Z", 12.0)
    assert not elapsed.rejections
    assert not wall.rejections


def test_a_day_of_25_hours_with_24_columns_is_ambiguous_in_its_doubled_hour(table: Read) -> None:
    text = (
        ",".join(["meter", "date", *(f"{h:02}:00" for h in range(24))])
        + "\n"
        + day("2021-10-31", list(range(24)))
    )
    read = table(text, time_zone=BERLIN)
    assert len(read.of("m1")) == 23
    assert [one.reason for one in read.rejections] == [
        "column `02:00`: comes twice on this day and is written once: ambiguous"
    ]


def test_a_day_of_25_hours_with_a_column_for_each_pass(table: Read) -> None:
    labels = [f"{hour:02}:00" for hour in range(24)]
    labels.insert(3, "02:00")
    head = ",".join(["meter", "date", *labels]) + "\n"
    text = head + day("2021-10-30", [0, 1, 2, "", *range(4, 25)]) + "\n" + day("2021-10-31", list(range(25)))
    read = table(text, time_zone=BERLIN)
    assert not read.rejections
    assert len(read.of("m1")) == 24 + 25
    second = [entry for entry in read.of("m1") if entry[0].startswith("2021-10-31 0")]
    assert ("2021-10-31 00:00:00Z", 2.0) in second
    assert ("2021-10-31 01:00:00Z", 3.0) in second


def test_a_day_of_25_hours_with_100_numbers(table: Read) -> None:
    labels = [f"P{number}" for number in range(1, 101)]
    head = ",".join(["meter", "date", *labels]) + "\n"
    usual = day("2021-10-30", [*range(96), "", "", "", ""]) + "\n"
    read = table(head + usual + day("2021-10-31", list(range(100))), time_zone=BERLIN)
    assert not read.rejections
    assert len(read.of("m1")) == 196
    assert ("2021-10-31 22:45:00Z", 99.0) in read.of("m1")
    wrong = table(head + day("2021-10-30", list(range(100))), time_zone=BERLIN)
    assert [one.reason.split(":")[0] for one in wrong.rejections] == [
        f"column `P{n}`" for n in (97, 98, 99, 100)
    ]


def test_bad_days_and_cells_keep_their_line(table: Read) -> None:
    labels = [f"{hour:02}:00" for hour in range(24)]
    head = ",".join(["meter", "date", *labels]) + "\n"
    text = head + day("2021-02-30", [1] * 24) + "\n" + day("2021-02-01", ["x", *[1] * 23])
    read = table(text, time_zone="UTC")
    assert len(read.of("m1")) == 23
    by_line = [one.line for one in read.rejections]
    assert by_line.count(2) == 24
    assert by_line.count(3) == 1


def test_a_remark_below_the_names_moves_no_slot(table: Read) -> None:
    """Taken for columns without names, numbered 1 to 50, the slots of 48 half-hours lay two columns off."""
    labels = [f"P{number:02}" for number in range(1, 49)]
    head, row = ",".join(["meter", "date", *labels]), day("2021-01-01", list(range(48)))
    for above, remark in (("", "Total"), ("Export of a town\n\n", "# all times are local")):
        read = table(f"{above}{head}\n{remark}\n{row}\n", time_zone="UTC", unit="kWh")
        assert read.of("m1")[:2] == [("2021-01-01 00:00:00Z", 0.0), ("2021-01-01 00:30:00Z", 1.0)]
        assert len(read.of("m1")) == 48
    without = table(
        f"{row}\n", time_zone="UTC", unit="kWh"
    )  # without a head nothing says what its columns are
    assert not {"m1", "flows"} & set(without.series)


def test_lines_that_are_shorter_than_the_head_are_told(table: Read) -> None:
    """A cell that fell out of a row moves those behind it: nobody can see it, but that the row is short."""
    labels = [f"P{number:02}" for number in range(1, 49)]
    rows = [day(f"2021-01-0{number}", [1] * (47 if number == 2 else 48)) for number in (1, 2, 3)]
    read = table("\n".join([",".join(["meter", "date", *labels]), *rows]) + "\n", time_zone="UTC", unit="kWh")
    assert read.blank == 1
    assert (
        "flows.csv: lines with fewer cells than the head, their last columns taken as blank: 3" in read.notes
    )


@pytest.mark.parametrize("form", ["{:02}-{:02}", "{} - {}", "{}-{} h", "H {:02}-{:02}"])
def test_hours_that_are_called_by_their_two_ends(table: Read, form: str) -> None:
    """Read as columns of their own, all 24 would lie on the day's midnight."""
    labels = ";".join(form.format(hour, hour + 1) for hour in range(24))
    read = table(
        f"Datum;{labels}\n01.03.2024;{';'.join(str(n) for n in range(24))}\n", time_zone="UTC", unit="kWh"
    )
    ((_, rows),) = read.readings.items()
    assert [(time[11:13], value) for time, value, _, _ in rows] == [(f"{n:02}", n) for n in range(24)]
