"""Times as exports write them; expected instants by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityctl.errors import InputRefused, UsageProblem
from cityctl.exports.table.clock.patterns import StampFormat, said_format
from cityctl.exports.table.clock.stamps import find_format, read_stamp, read_stamps
from tests.exports.conftest import Parsed

EPOCH = datetime(1970, 1, 1)
ISO = StampFormat("ymd")


def at(text: str, form: StampFormat = ISO) -> tuple[str, bool]:
    micros, utc = read_stamp(text, form)
    return (EPOCH + timedelta(microseconds=micros)).isoformat(" "), utc


@pytest.mark.parametrize(
    ("text", "moment", "utc"),
    [
        ("2021-03-01", "2021-03-01 00:00:00", False),
        ("2021-03-01 00:15", "2021-03-01 00:15:00", False),
        ("2021-03-01T00:15:30.25", "2021-03-01 00:15:30.250000", False),
        ("2021-03-01T00:15:00Z", "2021-03-01 00:15:00", True),
        ("2021-03-01T00:15:00+01:00", "2021-02-28 23:15:00", True),
        ("2021-03-01 00:15 CET", "2021-02-28 23:15:00", True),
        ("2021-07-01 12:15 AM EDT", "2021-07-01 04:15:00", True),
        ("2021-03-01 00:15 -0530", "2021-03-01 05:45:00", True),
        ("2021-12-31 24:00", "2022-01-01 00:00:00", False),
        ("2021/3/1 7:05", "2021-03-01 07:05:00", False),
        ("2021-03-01 12:05 AM", "2021-03-01 00:05:00", False),
        ("2021-03-01 12:05 pm", "2021-03-01 12:05:00", False),
        ("202103010015", "2021-03-01 00:15:00", False),
        ("20210301T001500Z", "2021-03-01 00:15:00", True),
        ("202103012400", "2021-03-02 00:00:00", False),
        ("1614557700", "2021-03-01 00:15:00", True),
        ("1614557700000", "2021-03-01 00:15:00", True),
        ("1614557700.5", "2021-03-01 00:15:00.500000", True),
        ("01-MAR-21 00:15", "2021-03-01 00:15:00", False),
        ("Mon, 1 Mar 2021 00:15:30", "2021-03-01 00:15:30", False),
        ("March 1, 2021 1:05 PM", "2021-03-01 13:05:00", False),
        ("1. März 2021", "2021-03-01 00:00:00", False),
        ("15 août 2021", "2021-08-15 00:00:00", False),
        ("Mar 2021", "2021-03-01 00:00:00", False),
        ("2021-03", "2021-03-01 00:00:00", False),
        ("3/2021", "2021-03-01 00:00:00", False),
        ("2021-W09", "2021-03-01 00:00:00", False),  # Monday of ISO week 9
        ("2021-W09-7", "2021-03-07 00:00:00", False),
        ("20210301 00:15", "2021-03-01 00:15:00", False),
        ("2020-05-01 00:15:00\xa0to 2020-05-01 00:30:00", "2020-05-01 00:15:00", False),
    ],
)
def test_a_time_is_read(text: str, moment: str, utc: bool) -> None:
    assert at(text) == (moment, utc)


@pytest.mark.parametrize(
    "text",
    ["", "Total", "2021-02-30", "2021-13-01 00:00", "2021-03-01 25:00", "2021-03-01 24:15", "2021-03-01 10:60",
     "01/02/2021 00:00", "12.5", "2021-03-01 13:00 PM", "0000-01-01", "2021-03-01 00:15+25:00", "2021-13", "2021-W60",
     "2021-03-01 00:15 XYZ", "32 Mar 2021", "1 Foo 2021", "March"],
)  # fmt: skip
def test_what_is_no_time_is_not_read(text: str) -> None:
    with pytest.raises(ValueError):
        read_stamp(text, ISO)


def test_day_and_month_in_either_order() -> None:
    assert at("03/04/2021 05:06", said_format("DD/MM/YYYY HH:mm")) == ("2021-04-03 05:06:00", False)
    assert at("03/04/2021 05:06", said_format("%m/%d/%Y %H:%M")) == ("2021-03-04 05:06:00", False)
    assert at("3-Apr-2021 05:06", said_format("%d-%b-%Y %H:%M")) == ("2021-04-03 05:06:00", False)
    assert at("31.12.2021 24:00", said_format("dd.MM.yyyy HH:mm")) == ("2022-01-01 00:00:00", False)


def test_a_format_that_is_none_is_refused() -> None:
    with pytest.raises(UsageProblem):
        said_format("european")


@pytest.mark.parametrize(
    ("column", "texts", "order"),
    [
        ("time", ["2021-01-02 00:00"], "ymd"),
        ("time", ["01/02/2021", "13/02/2021"], "dmy"),
        ("time", ["01/02/2021", "01/13/2021"], "mdy"),
        ("time", ["01.02.2021 00:00"], "dmy"),
        ("Date-time CET-CEST (DD/MM/YYYY HH:mm)", ["01/02/2021 00:00"], "dmy"),
        ("When (MM/DD/YYYY)", ["01/02/2021 00:00"], "mdy"),
    ],
)
def test_the_order_of_day_and_month_is_found(column: str, texts: list[str], order: str) -> None:
    assert find_format("a.csv", column, texts).order == order


@pytest.mark.parametrize("texts", [["01/02/2021", "03/04/2021"], ["13/01/2021", "01/13/2021"]])
def test_where_it_cannot_be_told_the_file_is_refused(texts: list[str]) -> None:
    with pytest.raises(InputRefused, match=texts[0]) as refused:
        find_format("a.csv", "time", texts)
    assert "--time-format" in (refused.value.hint or "")


def _every(minutes: int, count: int, pattern: str, start: datetime) -> list[str]:
    return [(start + number * timedelta(minutes=minutes)).strftime(pattern) for number in range(count)]


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize(("pattern", "order"), [("%d/%m/%Y %H:%M", "dmy"), ("%m/%d/%Y %I:%M %p", "mdy")])
def test_the_steps_of_a_table_tell_the_order(pattern: str, order: str, backward: bool) -> None:
    texts = _every(30, 60, pattern, datetime(2021, 2, 3, 12))
    assert find_format("a.csv", "time", texts[::-1] if backward else texts).order == order


def test_steps_within_one_day_or_of_whole_days_tell_nothing() -> None:
    for texts in (
        _every(30, 20, "%d/%m/%Y %H:%M", datetime(2021, 2, 3)),
        _every(1440, 9, "%d/%m/%Y", datetime(2021, 2, 3)),
    ):
        with pytest.raises(InputRefused, match="day or the month"):
            find_format("a.csv", "time", texts)


def test_a_decimal_comma_in_the_table_puts_the_day_first() -> None:
    assert find_format("a.csv", "time", ["03/04/2021"], commas=True).order == "dmy"


def test_years_of_two_figures() -> None:
    assert at("03/04/21 05:06", StampFormat("dmy")) == ("2021-04-03 05:06:00", False)
    assert find_format("a.csv", "time", ["5/1/23 1:00 AM", "5/13/23 1:00 AM"]).order == "mdy"
    with pytest.raises(InputRefused, match="first or last"):
        find_format("a.csv", "time", ["21/04/03", "21/04/04"])


@given(
    st.lists(st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)), min_size=1, max_size=30),
    st.sampled_from(
        ["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%d.%m.%Y %H:%M"]
    ),
)
def test_a_column_reads_as_its_cells_do(moments: list[datetime], pattern: str) -> None:
    form = said_format(pattern)
    texts = [moment.strftime(pattern) for moment in moments]
    read = read_stamps(pa.array(texts), form)
    for text, micros, bad in zip(texts, read.micros.tolist(), read.bad.tolist(), strict=True):
        assert not bad
        assert EPOCH + timedelta(microseconds=micros) == datetime.strptime(text, pattern)


def test_a_column_marks_what_is_no_time() -> None:
    read = read_stamps(pa.array(["2021-01-01 00:00", "2021-02-30 00:00", None, "2021-01-01 24:00"]), ISO)
    assert read.bad.tolist() == [False, True, True, False]


@pytest.mark.parametrize(
    ("zone", "text", "order"),
    [
        ("America/Chicago", "03/09/2024 1:00 PM", "mdy"),
        ("Australia/Melbourne", "03/09/2024 1:00 PM", "dmy"),
        ("Europe/Berlin", "03/09/2024 13:00", "dmy"),
        ("Europe/Berlin", "03/09/2024 1:00 PM", None),  # the program speaks American
        ("America/Toronto", "03/09/2024 13:00", None),  # both are written in Canada
        ("UTC", "03/09/2024 13:00", None),
    ],
)
def test_where_nothing_else_tells_it_the_zone_does(zone: str, text: str, order: str | None) -> None:
    if order is None:
        with pytest.raises(InputRefused, match="day or the month"):
            find_format("a.csv", "time", [text], zone=zone)
    else:
        form = find_format("a.csv", "time", [text], zone=zone)
        assert (form.order, form.taken) == (order, text)


def test_an_order_that_the_zone_alone_tells_is_said(table: Callable[..., Parsed]) -> None:
    read = table("Date,kWh\n03/09/2024 00:00,1\n03/09/2024 01:00,2\n", time_zone="America/Chicago")
    assert read.of("kWh")[0] == ("2024-03-09 06:00:00Z", 1)
    assert "the month taken as first, as it is written in America/Chicago" in read.notes[0]


@pytest.mark.parametrize(
    "text",
    [
        "1. září 2024", "1 września 2024", "01/set/2024", "1. syyskuuta 2024", "1 Eylül 2024", "1 septembrie 2024",
        "2024. szeptember 1.", "2024. 09. 01.", "1 Σεπτεμβρίου 2024", "1 сентября 2024", "1 Sept. 2024",
    ],
)  # fmt: skip
def test_months_of_other_languages(text: str) -> None:
    assert at(text) == at("2024-09-01")


def test_months_that_begin_alike() -> None:
    told = (
        "1. června 2024",
        "1. července 2024",
        "1. marraskuuta 2024",
        "1 maart 2024",
        "1 out 2024",
        "1 listopada 2024",
    )
    assert [at(text)[0][5:7] for text in told] == ["06", "07", "11", "03", "10", "11"]


@pytest.mark.parametrize("text", ["13/03/2024 1:15 p. m.", "13/03/2024 1:15\u202fPM", "13/03/2024 13:15 Uhr"])
def test_clocks_of_other_countries(text: str) -> None:
    assert at(text, StampFormat("dmy")) == at("2024-03-13 13:15")
