"""Bills in tables: with beginning and end, with ends alone, with beginnings and an empty last row. All by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cityctl.reading import Quality
from tests.exports.conftest import Parsed

Read = Callable[..., Parsed]
ZONE = {"time_zone": "Europe/Berlin"}
# Local midnights of 5 Jan, 3 Feb, 6 Mar and, with summer time, 4 Apr.
JAN, FEB, MAR = (
    ("2024-01-04 23:00:00Z", 100.0),
    ("2024-02-02 23:00:00Z", 110.0),
    ("2024-03-05 23:00:00Z", 90.0),
)
END = ("2024-04-03 21:59:59Z", None)  # a second before the end that nothing else tells


def told(read: Parsed, series: str) -> list[tuple[str, float | None]]:
    return sorted(read.of(series), key=lambda one: one[0])


@pytest.mark.parametrize(
    "text",
    [
        "start,end,hall [kWh]\n2024-01-05,2024-02-03,100\n2024-02-03,2024-03-06,110\n2024-03-06,2024-04-04,90\n",
        "Beginn;Rechnungsende;hall [kWh]\n05.01.2024;02.02.2024;100,0\n03.02.2024;05.03.2024;110,0\n"
        "06.03.2024;03.04.2024;90,0\n",
        "start,hall [kWh]\n2024-01-05,100\n2024-02-03,110\n2024-03-06,90\n2024-04-04,\n",
        "meter,from,to,kWh\nhall,2024-03-06,2024-04-04,90\nhall,2024-01-05,2024-02-03,100\n"
        "hall,2024-02-03,2024-03-06,110\n",
    ],
    ids=["periods", "the last day belongs to it", "beginnings", "out of order"],
)
def test_each_bill_has_its_beginning_and_the_last_one_its_end(table: Read, text: str) -> None:
    read = table(text, **ZONE)
    (series,) = read.readings
    assert told(read, series) == [JAN, FEB, MAR, END]
    assert [quality for *_, quality, _ in read.readings[series]].count(Quality.BAD) == 1
    assert not read.rejections


def test_ends_alone_tell_all_but_where_the_first_begins(table: Read) -> None:
    text = "end,hall [kWh]\n2024-01-05,80\n2024-02-03,100\n2024-03-06,110\n2024-04-04,90\n"
    read = table(text, **ZONE)
    assert told(read, "hall [kWh]") == [JAN, FEB, MAR, END]
    assert read.refused == [(2, "no row before it says when its period begins")]


def test_meters_that_are_read_on_other_days_keep_theirs(table: Read) -> None:
    """29 and 32 days of one meter, 31 of the other: not the days from one row of the table to the next."""
    text = "meter,end,kWh\na,2024-01-05,1\nb,2024-01-20,1\na,2024-02-03,2\nb,2024-02-20,2\na,2024-03-06,3\n"
    read = table(text, **ZONE)
    assert told(read, "a")[:2] == [("2024-01-04 23:00:00Z", 2.0), ("2024-02-02 23:00:00Z", 3.0)]
    assert told(read, "b") == [("2024-01-19 23:00:00Z", 2.0), ("2024-02-19 22:59:59Z", None)]


def test_a_gap_between_two_bills_is_no_part_of_the_first(table: Read) -> None:
    text = "start,end,kWh\n2024-01-01,2024-02-01,10\n2024-02-01,2024-03-01,20\n2024-04-01,2024-05-01,30\n"
    read = table(text, time_zone="UTC", unit="kWh")
    (series,) = read.readings
    assert [time for time, value in told(read, series) if value is None] == [
        "2024-02-29 23:59:59Z",
        "2024-04-30 23:59:59Z",
    ]


def test_a_bill_that_ends_before_it_begins_is_refused(table: Read) -> None:
    text = "start,end,kWh\n2024-01-01,2024-02-01,10\n2024-02-01,2024-01-01,20\n2024-03-01,2024-04-01,30\n"
    assert table(text, time_zone="UTC", unit="kWh").refused == [(3, "its period ends before it begins")]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (
            "start,end,hall [kWh]\n2024-01-01 00:00,2024-01-01 01:00,1\n2024-01-01 01:00,2024-01-01 02:00,\n",
            None,
        ),
        ("time,tank [m]\n2024-01-01,1\n2024-02-01,\n2024-03-01,2\n", None),
        ("time,meter [kWh]\n2024-01-01,5000\n2024-02-01,\n2024-03-01,5100\n", "counter"),
    ],
    ids=["hours", "levels", "registers"],
)
def test_what_are_no_bills_stay_as_they_are(table: Read, text: str, kind: str | None) -> None:
    read = table(text, time_zone="UTC", kind=kind)
    assert all(value is not None for series in read.readings for _, value in read.of(series))
    assert read.blank == 1
