"""MSCONS interchanges and DSMR telegrams; figures by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cityctl.errors import InputRefused
from cityctl.exports.formats import mscons, recognise
from cityctl.exports.shape import Shape
from cityctl.exports.source import Source
from cityctl.exports.table.clock.zone import ZoneNotSaid
from tests.exports.samples import DSMR, MSCONS, telegram

Read = Callable[..., Any]
SERIES = "DE0001/1-1:1.29.0"


def test_values_times_and_qualifiers(read: Read) -> None:
    told = read("mscons", MSCONS)
    assert told.readings[SERIES] == [
        ("2023-12-31 23:00:00Z", 1.5, 0, 12),
        ("2023-12-31 23:15:00Z", 2.0, 1, 15),
    ]
    assert (told.series[SERIES].unit, told.series[SERIES].direction) == ("kWh", "forward")


def test_a_message_that_goes_on_in_another_unit_makes_no_second_series(read: Read) -> None:
    """1.5 kWh, then 2000 Wh as `WHR`."""
    told = read("mscons", MSCONS.replace(b"QTY+67:2:KWH", b"QTY+67:2000:WHR"))
    (series,) = told.series.values()
    assert series.unit == "kWh"
    assert [value for _, value in told.of(series.id)] == pytest.approx([1.5, 2.0], rel=1e-12)


def test_released_signs_line_ends_and_both_decimal_signs(read: Read) -> None:
    text = MSCONS.replace(b"DE0001", b"DE?+00?'01??").replace(b"'", b"'\r\n").replace(b"?'\r\n01", b"?'01")
    told = read("mscons", text.replace(b"220:1,5", b"220:1.5"))
    assert [value for _, value in told.of("DE+00'01?/1-1:1.29.0")] == [1.5, 2.0]


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (b"UNZ+1+R1'", b"", "UNZ is missing"),
        (b"UNZ+1", b"UNZ+2", "says 2 messages"),
        (b"UNT+17+1'UNZ+1+R1'", b"", "UNT of message"),
        (b"UNZ+1+R1'", b"UNZ+1+R", "cut short within a segment"),
        (b"MSCONS:D", b"INVOIC:D", "INVOIC"),
    ],
)
def test_what_is_not_whole_is_refused(read: Read, old: bytes, new: bytes, why: str) -> None:
    with pytest.raises(InputRefused, match=why):
        read("mscons", MSCONS.replace(old, new))


def test_several_locations_registers_and_reverse_flow(read: Read) -> None:
    more = b"LOC+172+DE0002'LIN+1'PIA+5+1-1?:2.8.0:SRW'QTY+220:100:KWH'DTM+9:202401010000?+01:303'UNT+22+1'"
    told = read("mscons", MSCONS.replace(b"UNT+17+1'", more))
    assert told.of("DE0002/1-1:2.8.0") == [("2023-12-31 23:00:00Z", 100.0)]
    series = told.series["DE0002/1-1:2.8.0"]
    assert (series.kind, series.direction) == ("counter", "reverse")


def test_the_gas_day_begins_at_six(read: Read) -> None:
    gas = MSCONS.replace(b"1-1?:1.29.0", b"7-20?:99.33.17").replace(b"?+01:303'QTY", b"?+01:303'QTY")
    gas = gas.replace(b"DTM+163:202401010000?+01:303'DTM+164:202401010015?+01:303'", b"DTM+163:20240101:102'")
    with pytest.raises(ZoneNotSaid):
        read("mscons", gas.replace(b"UNT+17", b"UNT+16"))
    told = read("mscons", gas.replace(b"UNT+17", b"UNT+16"), time_zone="Europe/Berlin")
    assert told.of("DE0001/7-20:99.33.17")[0] == ("2024-01-01 05:00:00Z", 1.5)


def test_a_wrong_count_of_segments_is_told_and_values_stay(read: Read) -> None:
    told = read("mscons", MSCONS.replace(b"UNT+17", b"UNT+99"))
    assert len(told.of(SERIES)) == 2
    assert "says that it has 99 segments, and has 17" in told.absent[0]


def test_an_unknown_unit_and_a_missing_one(read: Read) -> None:
    assert read("mscons", MSCONS.replace(b":KWH", b":XYZ")).series[SERIES].said_unit == "XYZ"
    told = read("mscons", MSCONS.replace(b":KWH", b""))
    assert told.series[SERIES].unit == "kWh"
    assert "by its OBIS code" in told.notes[0]
    gas = read("mscons", MSCONS.replace(b":KWH", b"").replace(b"1-1?:1.29.0", b"7-1?:3.1.0"))
    assert {series.unit for series in gas.series.values()} == {None}


def test_a_telegram(read: Read) -> None:
    told = read("dsmr", DSMR)
    meter = "E0044007382246019"
    assert told.of(f"{meter}/1-0:1.8.1") == [("2024-01-01 11:00:00Z", 123.456)]
    assert told.of("G0039001936990619/0-1:24.2.1") == [("2024-01-01 10:55:00Z", 246.138)]
    kinds = {name.rsplit("/", 1)[-1]: (one.kind, one.direction) for name, one in told.series.items()}
    assert kinds["1-0:2.8.1"] == ("counter", "reverse")
    assert kinds["1-0:1.7.0"] == ("gauge", "forward")


def test_line_ends_that_were_changed_do_not_spoil_the_checksum(read: Read) -> None:
    assert not read("dsmr", DSMR.replace(b"\r\n", b"\n")).rejections


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (b"123.456", b"123.457", "does not match"),
        (b"(00.193*kW)\r\n", b"(00.193*kW)", "no object of a telegram|does not match"),
        (DSMR[DSMR.rindex(b"!") :], b"", "cut short"),
        (DSMR[DSMR.rindex(b"!") :], b"!\r\n", "checksum is missing"),
    ],
)
def test_a_telegram_that_is_not_proven_is_rejected_whole(
    read: Read, old: bytes, new: bytes, why: str
) -> None:
    told = read("dsmr", DSMR.replace(old, new) + DSMR)
    assert len(told.rejections) == 1
    assert told.rejections[0].count >= 3
    assert any(word in told.rejections[0].reason for word in why.split("|"))
    assert len(told.of("E0044007382246019/1-0:1.8.1")) == 1  # the second one


def test_the_doubled_hour_is_told_apart_by_its_mark(read: Read) -> None:
    hour = ["0-0:1.0.0(241027023000S)", "1-0:1.8.1(000001.000*kWh)"]
    assert read("dsmr", telegram(hour)).of("1-0:1.8.1")[0][0] == "2024-10-27 00:30:00Z"
    hour[0] = hour[0].replace("S", "W")
    assert read("dsmr", telegram(hour)).of("1-0:1.8.1")[0][0] == "2024-10-27 01:30:00Z"


def test_version_3_gas_and_registers_without_a_time(read: Read) -> None:
    text = (
        "/ISk5\\2MT382\r\n\r\n1-0:1.8.1(00001.001*kWh)\r\n0-1:24.1.0(3)\r\n0-1:96.1.0(3232)\r\n"
        "0-1:24.3.0(161107190000)(00)(60)(1)(0-1:24.2.1)(m3)\r\n(00001.001)\r\n!\r\n"
    )
    told = read("dsmr", text)
    assert told.of("3232/0-1:24.2.1") == [("2016-11-07 18:00:00Z", 1.001)]
    assert [(one.line, one.count) for one in told.rejections] == [(3, 1)]


def test_heat_in_gigajoule_and_a_meter_without_a_unit(read: Read) -> None:
    lines = ["0-0:1.0.0(240101120000W)", "0-2:24.1.0(012)", "0-2:24.2.1(240101120000W)(00012.5*GJ)"]
    lines += ["0-3:24.2.1(700101010000W)(00000000)"]
    told = read("dsmr", telegram(lines))
    assert [(one.unit, one.quantity) for one in told.series.values()] == [("GJ", "energy"), (None, None)]


def test_a_period_as_one_text(read: Read) -> None:
    own = b"DTM+163:202401010015?+01:303'DTM+164:202401010030?+01:303'UNT+17"
    told = read(
        "mscons",
        MSCONS.replace(own, b"DTM+324:202401010015202401010030:719'UNT+16"),
        time_zone="Europe/Berlin",
    )
    assert told.of(SERIES)[1] == ("2023-12-31 23:15:00Z", 2.0)


def _series_of(values: int, said: int) -> bytes:
    """A day of quarters at even steps, of which `values` stand there."""
    rows = b"".join(b"QTY+220:%d:KWH'" % (at + 1) for at in range(values))
    return (
        b"UNB+UNOC:3+A+B+261026:0000+R1'UNH+1+MSCONS:D:99A:UN'BGM+7+1+9'LOC+172+CH01'"
        b"DTM+163:202610242200?+00:303'DTM+164:202610252300?+00:303'LIN+1'PIA+5+1-1?:1.29.0:SRW'DTM+672:15:806'"
        + rows
        + b"UNT+%d+1'UNZ+1+R1'" % said
    )


@pytest.mark.parametrize("values", [100, 101])
def test_values_at_even_steps_fill_their_period(read: Read, values: int) -> None:
    """The day has 25 hours, 100 quarters; where the end is the last one's beginning, 101."""
    told = read("mscons", _series_of(values, values + 8))
    assert [value for _, value in told.of("CH01/1-1:1.29.0")] == list(range(1, values + 1))
    assert not told.rejections


@pytest.mark.parametrize("values", [99, 102])
def test_of_values_at_even_steps_one_lacks_and_none_is_taken(read: Read, values: int) -> None:
    """Each behind the missing one would lie a quarter early, and nothing says where that is."""
    told = read("mscons", _series_of(values, values + 8))
    assert not told.of("CH01/1-1:1.29.0")
    assert [(one.count, one.place) for one in told.rejections] == [(values, "segment 10")]
    assert f"{values} values, where steps of 900 s make 100 of their period" in told.rejections[0].reason


@pytest.mark.parametrize("sum_first", [True, False])
def test_a_sum_over_the_quarters_of_its_time_counts_once(read: Read, sum_first: bool) -> None:
    """A day of 48 kWh stands in the same register as two of its quarters: these are finer, and hold."""
    day = b"QTY+220:48:KWH'DTM+163:202401010000?+01:303'DTM+164:202401020000?+01:303'"
    before, after = (day, b"") if sum_first else (b"", day)
    text = MSCONS.replace(b"QTY+220:1,5", before + b"QTY+220:1,5").replace(b"UNT+17", after + b"UNT+20")
    told = read("mscons", text)
    assert told.of(SERIES) == [("2023-12-31 23:00:00Z", 1.5), ("2023-12-31 23:15:00Z", 2.0)]
    assert [(one.place, one.reason) for one in told.rejections] == [
        (
            f"segment {12 if sum_first else 18}",
            "its interval of 86400 s lies over others of 900 s: not counted twice",
        )
    ]


def test_another_edifact_message_is_refused_by_its_name() -> None:
    other = Source("m.txt", data=MSCONS.replace(b"MSCONS:D", b"UTILMD:D"))
    assert recognise(other) == "mscons"
    with pytest.raises(InputRefused, match="a message of type `UTILMD`, not MSCONS"):
        list(mscons.parse(other, Shape(time_zone="UTC")))
