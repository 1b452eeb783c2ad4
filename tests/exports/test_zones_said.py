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


BERLIN, CHICAGO, SYDNEY, DELHI, LONDON = (
    "Europe/Berlin", "America/Chicago", "Australia/Sydney", "Asia/Kolkata", "Europe/London",
)  # fmt: skip


@pytest.mark.parametrize(
    ("head", "city", "first"),
    [  # the first time is 2024-07-01 12:00 on that clock
        ("Zeit (MEZ)", BERLIN, "11:00"),
        ("Time (CET)", LONDON, "11:00"),
        ("Zeitstempel MESZ", BERLIN, "10:00"),
        ("read_time_cet", BERLIN, "11:00"),
        ("Date/Time (GMT+1)", BERLIN, "11:00"),
        ("Time (UTC+5:30)", BERLIN, "06:30"),
        ("Time [UTC-05:00]", BERLIN, "17:00"),
        ("Time (+0100)", BERLIN, "11:00"),
        ("Horodate CET (UTC+1)", BERLIN, "11:00"),
        ("Time [America/New_York]", BERLIN, "16:00"),
        ("Settlement Date (AEST)", SYDNEY, "02:00"),
        ("Timestamp (EST)", CHICAGO, "17:00"),  # as MISO's market time: Eastern Standard all year
        ("Timestamp (EST)", SYDNEY, "02:00"),  # Australia's own EST
        ("Time (CST)", CHICAGO, "18:00"),
        ("Time (IST)", DELHI, "06:30"),
        ("Time (BST)", LONDON, "11:00"),
        ("Zeit (Normalzeit)", BERLIN, "11:00"),
        ("Time (CET/CEST)", BERLIN, "10:00"),
        ("Time (CET/CEST)", CHICAGO, "10:00"),
        ("Zeit (ME(S)Z)", BERLIN, "10:00"),
        ("datetime_beginning_ept", CHICAGO, "16:00"),  # PJM: Eastern Prevailing Time
        ("Time (ET)", CHICAGO, "16:00"),
        ("Hora (PT)", BERLIN, "10:00"),  # Portugal's, say
        ("Zeit WEST", BERLIN, "10:00"),  # a place, no zone
        ("Est. time", CHICAGO, "17:00"),
    ],
)
def test_a_head_says_the_zone_of_its_times(table: Read, head: str, city: str, first: str) -> None:
    read = table(f"{head},flow\n2024-07-01 12:00,1\n2024-07-01 13:00,2\n", time_zone=city, unit="m3/h")
    assert read.of("flow")[0][0] == f"2024-07-01 {first}:00Z"


@pytest.mark.parametrize(
    ("above", "first"),
    [
        ("Zeitzone;MEZ\n", "11:00"),
        ("Alle Zeitangaben in MEZ (UTC+1)\n", "11:00"),
        ("Time zone: CET/CEST\n", "10:00"),
        (
            "Time zone: (UTC+01:00) Amsterdam, Berlin, Rome\n",
            "10:00",
        ),  # as Windows calls the clock on the wall
        ("Times in minutes\n", "10:00"),
    ],
)
def test_a_line_above_says_it_in_the_same_words(table: Read, above: str, first: str) -> None:
    read = table(
        f"{above}Zeit;Wert\n2024-07-01 12:00;1,5\n2024-07-01 13:00;2,5\n", time_zone=BERLIN, unit="kWh"
    )
    assert read.of("Wert")[0][0] == f"2024-07-01 {first}:00Z"


def test_a_clock_of_its_own_column_counts_as_well(table: Read) -> None:
    text = "Datum;Uhrzeit UTC;kWh\n01.07.2024;12:00;1,5\n01.07.2024;12:15;2,5\n"
    read = table(text, time_zone=BERLIN)
    assert read.of("kWh")[0][0] == "2024-07-01 12:00:00Z"
    assert read.notes == ["flows.csv: its times are in UTC, as `Datum` and `Uhrzeit UTC` says"]


def test_days_of_a_zone_that_the_head_says(table: Read) -> None:
    hours = [f"{hour:02}:00" for hour in range(24)]
    text = f"Datum (MEZ),{','.join(hours)}\n2024-07-01{',1' * 24}\n"
    ((_, rows),) = table(text, time_zone=BERLIN, unit="kWh").readings.items()
    assert rows[0][0] == "2024-06-30 23:00:00Z"


@pytest.mark.parametrize(
    ("text", "city", "named"),
    [
        ("Time (EST),flow\n2024-07-01 12:00,1\n", BERLIN, "America/New_York (-05:00) or Australia/Brisbane"),
        ("Time (CST),flow\n2024-07-01 12:00,1\n", BERLIN, "Asia/Shanghai (+08:00)"),
        ("Time (IST),flow\n2024-07-01 12:00,1\n", BERLIN, "Asia/Kolkata (+05:30) or Europe/Dublin (+01:00)"),
        ("Time (BST),flow\n2024-07-01 12:00,1\n", BERLIN, "Europe/London (+01:00) or Asia/Dhaka (+06:00)"),
        ("Time zone: IST\ntime,flow\n2024-07-01 12:00,1\n", BERLIN, "Asia/Kolkata"),
        ("time,flow\n2024-07-01 12:00 IST,1\n", BERLIN, "Asia/Kolkata"),
        ("time,zone,flow\n2024-07-01 12:00,IST,1\n", BERLIN, "Asia/Kolkata"),
        ("Time (UTC+1/UTC+2),flow\n2024-07-01 12:00,1\n", CHICAGO, "--time-zone"),
    ],
)
def test_letters_that_several_zones_share_are_asked_for(
    table: Read, text: str, city: str, named: str
) -> None:
    with pytest.raises(InputRefused, match="several") as refused:
        table(text, time_zone=city, unit="m3/h")
    assert named in (refused.value.hint or "")
    assert "--time-zone" in (refused.value.hint or "")
    assert refused.value.message.startswith("flows.csv: ")


def test_letters_of_rows_are_read_as_the_city_uses_them(table: Read) -> None:
    text = "time,flow\n2024-07-01 12:00 IST,1\n2024-07-01 13:00 IST,2\n"
    assert table(text, time_zone=DELHI, unit="m3/h").of("flow")[0][0] == "2024-07-01 06:30:00Z"


@pytest.mark.parametrize(
    "hours", [(0, 1, 3, 4), (0, 1, 2, 2, 3, 4)], ids=["the hour is skipped", "the hour comes twice"]
)
def test_a_clock_that_is_said_never_to_change_and_does_is_refused(
    table: Read, hours: tuple[int, ...]
) -> None:
    day = "2024-03-31" if len(hours) == 4 else "2024-10-27"
    text = "Time (CET),flow\n" + "".join(f"{day} {hour:02}:00,1\n" for hour in hours)
    with pytest.raises(InputRefused, match=f"all year, but {day} 02:00 to 03:00 (is skipped|comes twice)"):
        table(text, time_zone=BERLIN, unit="m3/h")
    assert table(text.replace("CET", "CET/CEST"), time_zone=BERLIN, unit="m3/h").readings


def test_a_file_that_begins_or_ends_within_the_hour_says_nothing_of_its_clock(table: Read) -> None:
    quarters = [f"2024-10-27 {hour:02}:{minute:02}" for hour in range(1, 5) for minute in (0, 15, 30, 45)]
    for some in (quarters[3:], quarters[:6]):
        text = "Time (CET),flow\n" + "".join(f"{at},1\n" for at in some)
        assert len(table(text, time_zone=BERLIN, unit="m3/h").of("flow")) == len(some)


@pytest.mark.parametrize("day", ["2024-03-31", "2024-10-27"])
def test_a_clock_that_never_changes_has_every_hour_once(table: Read, day: str) -> None:
    text = "Time (CET),flow\n" + "".join(f"{day} {hour:02}:00,1\n" for hour in range(24))
    read = table(text, time_zone=BERLIN, unit="m3/h")
    assert not read.rejections
    assert len(read.of("flow")) == 24


def test_columns_of_a_unit_each_beside_one_of_units(table: Read) -> None:
    text = "Datum;Zeitzone;von;bis;Einheit;North (MW);South (MW)\n" + "".join(
        f"13.07.2024;UTC;{hour:02}:00;{hour + 1:02}:00;MW;{hour},5;{hour},25\n" for hour in range(9)
    )
    read = table(text, time_zone="Europe/Berlin")
    assert read.of("South (MW)")[1] == ("2024-07-13 01:00:00Z", 1.25)
