"""Zones that a table says itself: in the name of a column, in a column, above the table. Times by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cityctl.errors import InputRefused
from tests.exports.conftest import Parsed

Read = Callable[..., Parsed]


@pytest.mark.parametrize(
    "column", ["HourUTC", "timestampUTC", "utcTime", "UTCTimestamp", "timestamputc", "MTU (UTC)"]
)
def test_a_name_that_runs_words_together_says_utc(table: Read, column: str) -> None:
    read = table(
        f"{column},flow\n2024-07-01 00:00,1\n2024-07-01 01:00,2\n", time_zone="Europe/Berlin", unit="m3/h"
    )
    assert read.of("flow")[0][0] == "2024-07-01 00:00:00Z"


def test_no_other_word_says_utc(table: Read) -> None:
    read = table(
        "outcome time,flow\n2024-07-01 00:00,1\n2024-07-01 01:00,2\n", time_zone="Europe/Berlin", unit="m3/h"
    )
    assert read.of("flow")[0][0] == "2024-06-30 22:00:00Z"


def test_of_two_columns_of_times_the_one_in_utc_is_read(table: Read) -> None:
    text = "HourDK;HourUTC;use (kWh)\n2023-10-29 02:00;2023-10-29 01:00;1,5\n2023-10-29 03:00;2023-10-29 02:00;2,5\n"
    assert table(text, time_zone="Europe/Copenhagen").of("use (kWh)") == [
        ("2023-10-29 01:00:00Z", 1.5), ("2023-10-29 02:00:00Z", 2.5),
    ]  # fmt: skip
    other = text.replace("HourDK", "Read").replace("HourUTC", "Uploaded UTC")
    assert table(other, time_zone="Europe/Copenhagen").of("use (kWh)") == [("2023-10-29 02:00:00Z", 2.5)]


@pytest.mark.parametrize(
    ("column", "zones"),
    [("Zeitzone", ("CEST", "CEST", "CET")), ("UTC offset", ("+02:00", "+0200", "+01"))],
)
def test_each_row_may_say_its_zone(table: Read, column: str, zones: tuple[str, ...]) -> None:
    hours = ("01", "02", "02")
    rows = [
        f"29.10.2023 {hour}:00;{zone};{at},5\n"
        for at, (hour, zone) in enumerate(zip(hours, zones, strict=True))
    ]
    read = table(f"Zeit;{column};kWh\n" + "".join(rows), time_zone="Europe/Berlin")
    assert not read.rejections
    assert [time for time, _ in read.of("kWh")] == [
        f"2023-10-{day}:00:00Z" for day in ("28 23", "29 00", "29 01")
    ]


@pytest.mark.parametrize(
    ("zone", "first"), [("UTC", "07-01 00"), ("America/New_York", "07-01 04"), ("Europe/Berlin", "06-30 22")]
)
@pytest.mark.parametrize("days", [False, True])
def test_a_zone_of_all_rows(table: Read, zone: str, first: str, days: bool) -> None:
    text = f"time,time zone,flow\n2024-07-01 00:00,{zone},1\n2024-07-01 01:00,{zone},2\n"
    if days:
        text = f"day,time zone,{','.join(f'H{n}' for n in range(1, 25))}\n2024-07-01,{zone}{',1' * 24}\n"
    read = table(text, time_zone="Europe/Berlin", unit="m3/h")
    ((name, rows),) = read.readings.items()
    assert (name, rows[0][0]) == ("flows" if days else "flow", f"2024-{first}:00:00Z")


def test_rows_of_several_places_are_refused(table: Read) -> None:
    text = "time,zone,flow\n2024-07-01 00:00,Europe/Berlin,1\n2024-07-01 01:00,America/New_York,2\n"
    with pytest.raises(InputRefused, match="several time zones: Europe/Berlin, America/New_York"):
        table(text, time_zone="Europe/Berlin", unit="m3/h")


@pytest.mark.parametrize(
    "above", ["Time zone: UTC\n", "# all times in UTC\n", "Timezone,UTC\nSite,North\n", "Zeitzone:,UTC\n"]
)
def test_what_stands_above_the_table_holds_and_is_told(table: Read, above: str) -> None:
    read = table(
        f"{above}time,flow\n2024-07-01 00:00,1\n2024-07-01 01:00,2\n", time_zone="Europe/Berlin", unit="m3/h"
    )
    assert read.of("flow")[0][0] == "2024-07-01 00:00:00Z"
    assert "flows.csv: its times are in UTC, as it says above the table" in read.notes


def test_columns_of_a_unit_each_beside_one_of_units(table: Read) -> None:
    text = "Datum;Zeitzone;von;bis;Einheit;North (MW);South (MW)\n" + "".join(
        f"13.07.2024;UTC;{hour:02}:00;{hour + 1:02}:00;MW;{hour},5;{hour},25\n" for hour in range(9)
    )
    read = table(text, time_zone="Europe/Berlin")
    assert read.of("South (MW)")[1] == ("2024-07-13 01:00:00Z", 1.25)
