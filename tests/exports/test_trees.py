"""JSON, NGSI, SensorThings and WaterML; figures by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from cityctl.errors import InputRefused, UsageProblem
from cityctl.exports import formats
from cityctl.exports.source import Source
from cityctl.exports.tree import jsons
from tests.exports.samples import NGSI, SENSORTHINGS, WATERML1, WATERML2, all_of_them

Read = Callable[..., Any]
T0, T1 = "2024-01-01 00:00:00Z", "2024-01-01 01:00:00Z"


@pytest.mark.parametrize("name", sorted(all_of_them()))
def test_each_format_is_recognised_by_its_content(name: str) -> None:
    for data in all_of_them()[name]:
        assert formats.recognise(Source("upload", data=data)) == name
        assert formats.recognise(Source("upload", data=b"\xef\xbb\xbf" + data)) == name


def test_rows_within_rows_see_those_around_them(read: Read) -> None:
    document = {
        "zone": "UTC",
        "meters": [
            {"id": "A", "unit": "Wh", "points": [{"t": "2024-01-01T00:00:00Z", "v": 5}]},
            {
                "id": "B",
                "unit": "m3",
                "points": [{"t": 1704067200, "v": "2.5"}, {"t": 1704070800000, "v": None}],
            },
        ],
    }
    words = {"rows": "meters > points", "time": "t", "value": "v", "point": "^.id", "unit_from": "^.unit"}
    told = read("json", json.dumps(document), **words)
    assert (told.of("A"), told.of("B"), told.blank) == ([(T0, 5.0)], [(T0, 2.5)], 1)
    assert (told.series["A"].unit, told.series["B"].unit) == ("Wh", "m3")


def test_lists_of_scalars_and_of_pairs(read: Read) -> None:
    counted = read("json", json.dumps({"from": "2024-01-01T00:00:00Z", "kwh": [1, 2]}), time='"from"', value="kwh",
                   every=timedelta(hours=1), unit="kWh", series="s")  # fmt: skip
    assert counted.of("s") == [(T0, 1.0), (T1, 2.0)]
    pairs = read("json", '[["2024-01-01T00:00:00Z", 1], ["2024-01-01T01:00:00Z", 2]]', rows="@", time="[0]",
                 value="[1]", series="s")  # fmt: skip
    assert pairs.of("s") == counted.of("s")
    both = read("json", '{"t": ["2024-01-01T00:00:00Z", "2024-01-01T01:00:00Z"], "v": [1, 2]}', time="t", value="v",
                series="s")  # fmt: skip
    assert both.of("s") == counted.of("s")


def test_directions_and_units_of_rows_keep_series_apart(read: Read) -> None:
    rows = [
        {"m": "A", "t": "2024-01-01T00:00:00Z", "v": 1, "u": "kWh", "d": "import"},
        {"m": "A", "t": "2024-01-01T00:00:00Z", "v": 2, "u": "kWh", "d": "export"},
        {"m": "A", "t": "2024-01-01T01:00:00Z", "v": 3, "u": "Wh", "d": "import"},
        {"m": "A", "t": "2024-01-01T01:00:00Z", "v": 4, "u": "zz", "d": "import"},
    ]
    told = read(
        "json", json.dumps(rows), rows="@", time="t", value="v", point="m", unit_from="u", direction="d"
    )
    found = {name: (one.unit, one.direction, one.said_unit) for name, one in told.series.items()}
    assert found == {
        "A": ("kWh", "forward", ""),
        "A/reverse": ("kWh", "reverse", ""),
        "A (Wh)": ("Wh", "forward", ""),
        "A (zz)": (None, "forward", "zz"),
    }


def test_a_document_about_which_nothing_is_said(read: Read) -> None:
    rows = [
        {
            "consumption": 0.25,
            "interval_start": "2024-01-01T00:00:00Z",
            "interval_end": "2024-01-01T00:30:00Z",
        }
    ]
    told = read("json", json.dumps({"count": 1, "results": rows}), file="octopus.json", unit="kWh")
    assert told.of("octopus") == [(T0, 0.25)]
    page = {
        "next": "https://x/?page=2",
        "intervals": [{"readings": [{"kwh": 1.5, "start": "2024-01-01T00:00:00Z"}]}],
    }
    told = read("json", json.dumps(page))
    assert [one.unit for one in told.series.values()] == ["kWh"]
    assert told.following == "https://x/?page=2"
    with pytest.raises(InputRefused, match="no list of rows"):
        read("json", '{"a": 1}')


def test_rows_within_objects_are_read_with_what_stands_around_them(read: Read) -> None:
    """The numbers of a meter (its total, its id) were taken for readings, and its readings for nothing."""
    meters = [
        {
            "id": name, "total": 12.5, "from": "2024-01-01",
            "readings": [{"at": f"2024-01-0{day}T00:00:00Z", "kwh": day * 1.5} for day in (1, 2, 3)],
        }
        for name in ("A", "B")
    ]  # fmt: skip
    told = read("json", json.dumps({"meters": meters}))
    assert {name: [value for _, value in told.of(name)] for name in told.series} == {
        "A": [1.5, 3, 4.5], "B": [1.5, 3, 4.5],
    }  # fmt: skip


def test_of_two_lists_of_readings_none_is_dropped(read: Read) -> None:
    rows = [{"at": f"2024-01-0{day}T00:00:00Z", "kwh": day} for day in (1, 2, 3)]
    with pytest.raises(InputRefused, match="several lists hold times and values: `electricity`, `gas`"):
        read("json", json.dumps({"electricity": rows, "gas": rows, "links": [{"rel": "self"}]}))


def test_a_day_and_a_clock_in_fields_of_their_own(read: Read) -> None:
    """As Datadis answers; read by the day alone, 24 values would stand at one instant."""
    rows = [
        {
            "cups": "ES1",
            "date": "2024/01/13",
            "time": f"{hour:02}:00",
            "consumptionKWh": hour + 0.5,
            "obtainMethod": "Real",
        }
        for hour in range(1, 25)
    ]
    told = read("json", json.dumps({"response": rows}), time_zone="Europe/Madrid")
    assert (told.series["ES1"].unit, len(told.of("ES1"))) == ("kWh", 24)
    assert told.of("ES1")[0] == ("2024-01-12 23:00:00Z", 1.5)  # labelled by its end


def test_rows_of_a_document_are_told_apart_by_channel_and_have_their_units(read: Read) -> None:
    rows = [
        {
            "meter": "m1",
            "register": register,
            "time": f"2024-01-13T0{hour}:00Z",
            "value": hour,
            "readUnit": unit,
        }
        for hour in range(4)
        for register, unit in (("in", "kWh"), ("flow", "m3/h"))
    ]
    told = read("json", json.dumps(rows))
    assert {name: (series.unit, len(told.of(name))) for name, series in told.series.items()} == {
        "m1/in": ("kWh", 4), "m1/flow": ("m3/h", 4),
    }  # fmt: skip


def test_days_and_numbers_of_intervals_are_refused(read: Read) -> None:
    rows = [
        {"date": f"2024-01-{day}", "period": number, "kwh": 1.5}
        for day in (13, 14)
        for number in range(1, 49)
    ]
    with pytest.raises(InputRefused, match="the number of an interval"):
        read("json", json.dumps(rows), time_zone="UTC")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"rows": [{"t": 1}', "cut short"),
        ('{"rows": NaN}', "NaN"),
        ("[" * 100 + "]" * 100, "nested deeper"),
        ('{"a" 1}', "no sound JSON"),
        ("", "empty"),
    ],
)
def test_unsound_json_is_refused_with_its_place(read: Read, text: str, why: str) -> None:
    with pytest.raises(InputRefused, match=why):
        read("json", text, value="v", time="t")


def test_a_wrong_expression_is_wrong_usage(read: Read) -> None:
    with pytest.raises(UsageProblem, match="JMESPath"):
        read("json", "{}", value="a[", time="t")


def test_ngsi_units_times_histories_and_parts(read: Read) -> None:
    told = read("ngsi", NGSI)
    entity = "urn:ngsi-ld:M:1"
    assert told.of(f"{entity}/flow") == [(T0, 12.5)]
    assert told.of(f"{entity}/level") == [(T0, 1.0), (T1, 2.0)]
    assert told.series[f"{entity}/flow"].unit == "L/h"  # E32
    parts = {"id": "e", "type": "T", "power": {"type": "Property", "value": {"L1": 1, "L2": 2}, "unitCode": "KWT",
             "observedAt": "2024-01-01T00:00:00Z"}}  # fmt: skip
    assert set(read("ngsi", json.dumps(parts)).series) == {"e/power.L1", "e/power.L2"}
    temporal = {"id": "e", "type": "T", "use": {"type": "Property", "values": [[5, "2024-01-01T00:00:00Z"],
                [6, "2024-01-01T01:00:00Z"]]}}  # fmt: skip
    assert read("ngsi", json.dumps(temporal)).of("e/use") == [(T0, 5.0), (T1, 6.0)]
    columns = {
        "entityId": "e",
        "index": ["2024-01-01T00:00:00Z"],
        "attributes": [{"attrName": "x", "values": [7]}],
    }
    assert read("ngsi", json.dumps(columns)).of("e/x") == [(T0, 7.0)]


def test_json_of_another_encoding_says_what_to_ask_for() -> None:
    with pytest.raises(InputRefused, match=r"no UTF-8.*\(byte 8\)"):
        jsons.parse("site.json", b'{"a": "\xf6"}')


def test_lines_that_end_in_an_error_are_not_whole(read: Read) -> None:
    rows = '{"t": "2024-01-01T00:00Z", "v": 1}\n{"t": "2024-01-01T01:00Z", "v": 2}\n'
    told = read("json", rows + '{"error": "timeout"}\n', time="t", value="v")
    assert told.of("a") == [(T0, 1.0), (T1, 2.0)]
    assert told.absent == ["its answer is not whole: it says `error: timeout`"]
    assert not read("json", rows, time="t", value="v").absent


def test_lines_behind_a_mark_of_their_encoding(read: Read) -> None:
    """Refused as `Extra data`."""
    rows = '\ufeff{"t": "2024-01-01T00:00Z", "v": 1}\n{"t": "2024-01-01T01:00Z", "v": 2}\n'
    for words in ({}, {"time": "t", "value": "v"}):
        assert [value for _, value in read("json", rows, time_zone="UTC", **words).of("a")] == [1.0, 2.0]


def test_lines_are_read_one_by_one_where_their_fields_are_named(
    read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than may be held at once; those of a file were all held, whatever their number."""
    rows = "".join(f'{{"t": "2024-01-01T{hour:02d}:00Z", "m": {{"v": {hour}}}}}\n' for hour in range(24))
    monkeypatch.setattr(jsons, "LARGEST", 400)
    monkeypatch.setattr(jsons, "WHOLE", 400)
    assert [value for _, value in read("json", rows, rows="@", time="t", value="m.v").of("a")] == [*range(24)]
    assert len(read("json", rows, rows="@ > m", time="^.t", value="v").of("a")) == 24
    with pytest.raises(InputRefused, match="its fields are not looked for"):
        read("json", rows, time_zone="UTC")


def test_an_empty_list_of_entities_has_no_readings_and_another_document_is_refused(read: Read) -> None:
    assert not read("ngsi", "[]").series
    with pytest.raises(InputRefused, match="no NGSI entity"):
        read("ngsi", '{"title": "Bad Request"}')


def test_simplified_ngsi_has_no_unit_and_its_time_is_the_entitys(read: Read) -> None:
    told = read(
        "ngsi",
        '{"id": "e", "type": "T", "dateObserved": "2024-01-01T00:00:00Z/2024-01-01T01:00:00Z", "v": 3}',
    )
    assert told.of("e/v") == [(T0, 3.0)]
    assert told.series["e/v"].unit is None
    assert "no time is said" in read("ngsi", '{"id": "e", "type": "T", "v": 3}').rejections[0].reason


def test_sensorthings_nested_and_as_arrays(read: Read) -> None:
    told = read("sensorthings", SENSORTHINGS)
    assert told.of("Datastream(7)") == [(T0, 1.5), ("2024-01-01 00:15:00Z", 2.0)]
    assert (told.of("Datastream(8)"), told.blank) == ([(T0, 5.0)], 1)
    assert (told.series["Datastream(7)"].unit, told.series["Datastream(8)"].unit) == ("m3/h", "L")


def test_amounts_observed_over_periods_are_those_of_the_periods(read: Read) -> None:
    hours = [f"2024-03-01T{hour:02}:00:00Z" for hour in range(4)]
    streams = [
        {
            "@iot.id": number,
            "unitOfMeasurement": {"symbol": "kWh"},
            "Observations": [
                {"phenomenonTime": f"{start}/{end}" if number == 1 else start, "result": at + 0.5}
                for at, (start, end) in enumerate(pairwise(hours))
            ],
        }
        for number in (1, 2)
    ]
    told = read("sensorthings", json.dumps({"value": streams}))
    assert {name: one.kind for name, one in told.series.items()} == {
        "Datastream(1)": "interval",
        "Datastream(2)": "gauge",
    }
    assert told.of("Datastream(1)")[0] == ("2024-03-01 00:00:00Z", 0.5)


def test_sensorthings_that_goes_on_says_so(read: Read) -> None:
    page = json.loads(SENSORTHINGS)
    page["@iot.nextLink"] = "https://x/next"
    page["value"][0]["Observations@iot.nextLink"] = "https://x/more"
    told = read("sensorthings", json.dumps(page))
    assert told.following == "https://x/next"
    assert "go on at another address" in told.absent[0]
    assert not read("sensorthings", '{"value": [], "@iot.count": 0}').readings


def test_waterml_1_inherits_and_skips_what_is_no_data(read: Read) -> None:
    told = read("waterml", WATERML1)
    assert told.readings["S:1"] == [(T0, 1.5, 0, 1), ("2024-01-01 02:00:00Z", 2.5, 1, 1)]
    assert (told.series["S:1"].unit, told.blank) == ("ft3/s", 1)


def test_waterml_1_local_times_use_the_sites_offset(read: Read) -> None:
    zone = b'<timeZoneInfo><defaultTimeZone zoneOffset="-06:00"/></timeZoneInfo></sourceInfo>'
    told = read("waterml", WATERML1.replace(b"</sourceInfo>", zone).replace(b"00:00Z", b"00:00"))
    assert told.of("S:1")[0] == ("2024-01-01 06:00:00Z", 1.5)
    assert "standard time (UTC-06:00)" in told.notes[0]


def test_waterml_2_inherits_its_default_metadata(read: Read) -> None:
    told = read("waterml", WATERML2)
    assert (told.of("T1"), told.blank, told.series["T1"].unit) == ([(T0, 3.0)], 1, "m3/s")
    own = (
        b'<w:metadata><w:TVPMeasurementMetadata><w:quality x:href="http://q/suspect"/>'
        b"</w:TVPMeasurementMetadata></w:metadata>"
    )
    suspect = WATERML2.replace(b"<w:time>2024-01-01T00", own + b"<w:time>2024-01-01T00")
    assert read("waterml", suspect).readings["T1"][0][2] == 2


def test_equidistant_waterml_2_without_times(read: Read) -> None:
    base = b"<w:baseTime>2024-01-01T00:00:00Z</w:baseTime><w:spacing>PT1H</w:spacing><w:defaultPointMetadata>"
    text = WATERML2.replace(b"<w:defaultPointMetadata>", base).replace(b"<w:value/>", b"<w:value>4</w:value>")
    text = text.replace(b"<w:time>2024-01-01T00:00:00Z</w:time>", b"").replace(
        b"<w:time>2024-01-01T01:00:00Z</w:time>", b""
    )
    assert read("waterml", text).of("T1") == [(T0, 3.0), (T1, 4.0)]
    assert "no time" in read("waterml", text.replace(base, b"<w:defaultPointMetadata>")).rejections[0].reason


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"<!DOCTYPE a [<!ENTITY b 'c'>]>" + WATERML1, "DOCTYPE"),
        (WATERML1[:-20], "cut short"),
        (WATERML1.replace(b"</timeSeries>", b"</timeSerie>"), "no sound XML"),
        (WATERML2.replace(b"w:MeasurementTVP", b"w:TimeValuePair"), "older than the standard"),
        (b"<TimeSeries xmlns='http://www.wron.net.au/waterml2'/>", "neither WaterML 1.1 nor 2.0"),
        (
            b"<timeSeriesResponse xmlns='http://www.cuahsi.org/waterML/1.1/'>" + b"<a>" * 300,
            "depth|cut|sound",
        ),
    ],
)
def test_unsafe_cut_and_foreign_waterml_is_refused(read: Read, data: bytes, why: str) -> None:
    with pytest.raises(InputRefused, match=why):
        read("waterml", data)
