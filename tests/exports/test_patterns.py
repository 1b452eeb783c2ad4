"""Formats of times in the letters of spreadsheets, Java and moment.js; expected times by hand."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityctl.errors import InputRefused, UsageProblem
from cityctl.exports.table.clock.patterns import said_format, spelled
from cityctl.exports.table.clock.stamps import read_stamp
from tests.exports.conftest import Parsed

Read = Callable[..., Parsed]
EPOCH = datetime(1970, 1, 1)


def at(text: str, pattern: str) -> str:
    return str(EPOCH + timedelta(microseconds=read_stamp(text, said_format(pattern))[0]))


@pytest.mark.parametrize(
    ("pattern", "text", "moment"),
    [
        ("M/D/YYYY H:mm", "1/2/2026 0:15", "2026-01-02 00:15:00"),
        ("d/M/yyyy H:mm", "1/2/2026 0:15", "2026-02-01 00:15:00"),
        ("dd/mm/yyyy hh:mm", "01/02/2026 13:15", "2026-02-01 13:15:00"),
        ("DD/MM/YYYY HH:MM:SS", "01/02/2026 13:15:30", "2026-02-01 13:15:30"),
        ("m/d/yy h:mm AM/PM", "1/2/26 1:15 PM", "2026-01-02 13:15:00"),
        ("MM/DD/YYYY hh:mm:ss tt", "01/02/2026 12:15:00 AM", "2026-01-02 00:15:00"),
        ("DD.MM.YYYY HH:mm", "31.12.2025 24:00", "2026-01-01 00:00:00"),
        ("dd-MMM-yy HH:mm", "02-Mai-26 01:15", "2026-05-02 01:15:00"),
        ("EEE dd MMM yyyy HH:mm", "Fri 02 Jan 2026 01:15", "2026-01-02 01:15:00"),
        ("yyyy-MM-dd'T'HH:mm:ssXXX", "2026-01-02T01:15:00+01:00", "2026-01-02 00:15:00"),
        ("yyyy-MM-dd HH:mm:ss.SSS", "2026-01-02 01:15:00.250", "2026-01-02 01:15:00.250000"),
        ("YYYYMMDDHHmm", "202601020115", "2026-01-02 01:15:00"),
        ("YYYYMMDD HHmmss", "20260102 011530", "2026-01-02 01:15:30"),
        ("HH:mm dd.MM.yy", "01:15 02.01.26", "2026-01-02 01:15:00"),
        ("%Y-%j %H:%M", "2026-002 01:15", "2026-01-02 01:15:00"),
        ("excel", "46024.0520833333", "2026-01-02 01:15:00"),
        ("excel", "46024,5", "2026-01-02 12:00:00"),
        ("excel1904", "44562.5", "2026-01-02 12:00:00"),
        ("unix", "1767312900", "2026-01-02 00:15:00"),
    ],
)
def test_a_format_means_what_its_letters_mean_where_they_stand(pattern: str, text: str, moment: str) -> None:
    assert at(text, pattern) == moment


@pytest.mark.parametrize("pattern", ["european", "HH:mm", "%H:%M", "DD/MM", "%Q/%m/%Y", "DD/MM/YYYY DD", ""])
def test_what_says_no_day_is_no_format(pattern: str) -> None:
    with pytest.raises(UsageProblem) as refused:
        said_format(pattern)
    assert "DD/MM/YYYY" in (refused.value.hint or "")


@given(st.text("yMmdDhHsSaAtTfXZ/.-: ,'%", max_size=16))
def test_any_text_is_a_format_or_refused(text: str) -> None:
    try:
        form = said_format(text)
    except UsageProblem:
        return
    with suppress(ValueError):
        read_stamp("31.01.2026 13:15", form)


@pytest.mark.parametrize("text", ["31.01.2026 13:15", "31/1/2026 1:15", "2026-01-31T13:15:30", "31.01.2026"])
def test_the_format_of_a_time_reads_it(text: str) -> None:
    order = "ymd" if text.startswith("2026") else "dmy"
    assert read_stamp(text, said_format(spelled(text, order)))[0] > 0  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "said", [pytest.param("13h15", id="French"), pytest.param("13.15", id="Finnish"), "13:15 Uhr", "1:15 PM"]
)
def test_clocks_of_other_countries_behind_a_date(said: str) -> None:
    assert at(f"31.01.2026 {said}", "DD.MM.YYYY") == "2026-01-31 13:15:00"


def test_a_format_that_fits_no_row_names_the_one_that_does(table: Read) -> None:
    text = "Time;North [m3/h]\n13/01/2026 00:15;1\n14/01/2026 00:15;2\n"
    with pytest.raises(InputRefused, match="13/01/2026 00:15") as refused:
        table(text, time_zone="UTC", time_format="MM/DD/YYYY HH:mm")
    assert '--time-format "DD/MM/YYYY HH:mm"' in (refused.value.hint or "")


def test_days_of_a_spreadsheet_are_read_where_they_are_said_to_be(table: Read) -> None:
    text = "Time;North [m3/h]\n46024,0104166667;1\n46024,0208333333;2\n"
    with pytest.raises(InputRefused) as refused:
        table(text, time_zone="UTC")
    assert "--time-format excel" in (refused.value.hint or "")
    read = table(text, time_zone="UTC", time_format="excel")
    assert [when for when, _ in read.of("North [m3/h]")] == ["2026-01-02 00:15:00Z", "2026-01-02 00:30:00Z"]
