"""Lines of delimited text: LF, CR LF, and CR alone, in each encoding; figures by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cityctl.errors import InputRefused
from cityctl.exports.table.head import read_head

TEXT = 'Export of meters\nmeter;time;value\nä;2021-03-28 00:00;1,5\nä;2021-03-28 01:00;x\n"č";2021-03-28 02:00;3\n'


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_every_end_of_line_reads_the_same(read: Callable[..., Any], ending: str, encoding: str) -> None:
    text = TEXT.replace("č", "c") if encoding == "cp1252" else TEXT
    data = text.replace("\n", ending).encode(encoding)
    told = read("csv", data, time_zone="UTC", unit="kWh")
    assert told.of("ä") == [("2021-03-28 00:00:00Z", 1.5)]
    assert told.of("c" if encoding == "cp1252" else "č") == [("2021-03-28 02:00:00Z", 3.0)]
    assert [(one.line, one.reason) for one in told.rejections] == [(4, "`x` is no number")]


def test_long_text_of_lone_returns_loses_nothing(read: Callable[..., Any]) -> None:
    rows = [f"m,2021-01-{day:02d} {hour:02d}:{minute:02d},{day}.5" for day in range(1, 29) for hour in range(24)
            for minute in range(60)]  # fmt: skip
    told = read("csv", "\r".join(["meter,time,value", *rows]).encode(), time_zone="UTC", unit="kWh")
    assert len(told.of("m")) == 28 * 24 * 60
    assert sum(value for _, value in told.of("m")) == sum(range(1, 29)) * 1440 + 28 * 720


def test_a_text_without_lines_is_named_as_that() -> None:
    with pytest.raises(InputRefused, match="its first line has more than 64 kB"):
        read_head("zeros.csv", b"0" * (1 << 16), (), None)


@pytest.mark.parametrize("kept", [1, 2])
def test_a_value_that_the_end_of_the_file_cuts_is_not_taken(read: Callable[..., Any], kept: int) -> None:
    """104.5 was taken as 1 or 10, with exit 0; whole, also without an end of its line, it is taken."""
    rows = [f"2021-03-01 {hour:02d}:00,{100 + hour / 2}" for hour in range(10)]
    text = "\n".join(["time,a [kWh]", *rows])
    assert len(read("csv", text.encode(), time_zone="UTC").of("a [kWh]")) == 10
    cut = read("csv", text[: kept - len("104.5")].encode(), time_zone="UTC")
    assert len(cut.of("a [kWh]")) == 9
    said = f"the last line has no end, and its `{'104.5'[:kept]}` is shorter than what stands above: cut?"
    assert [(one.line, one.reason) for one in cut.rejections] == [(11, said)]
    total = read("csv", f"{text}\nTotal,9".encode(), time_zone="UTC")
    assert (len(total.of("a [kWh]")), total.rejections) == (10, [])


@pytest.mark.parametrize(
    ("values", "last"), [("10.1", "9.8"), ("104", "95"), ("12.25", "0.5"), ("0.75", "1.5")]
)
def test_a_short_last_value_without_an_end_of_its_line_is_whole(
    read: Callable[..., Any], values: str, last: str
) -> None:
    """Many programs write no end behind the last line."""
    cells = [values] * 9 + (["1"] if last in ("0.5", "1.5") else []) + [last]
    rows = [f"2021-03-01 {hour:02d}:00,{cell}" for hour, cell in enumerate(cells)]
    found = read("csv", "\n".join(["time,a [kWh]", *rows]).encode(), time_zone="UTC")
    assert (len(found.of("a [kWh]")), found.rejections) == (len(cells), [])
