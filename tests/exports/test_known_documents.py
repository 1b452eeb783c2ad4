"""JSON documents of published layouts, and rows with several measured values. Figures by hand."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from cityctl.errors import InputRefused
from tests.exports.conftest import Parsed

Read = Callable[..., Parsed]
BEGIN = 1_717_200_000  # 2024-06-01T00:00:00Z


def result(values: list[list[object]], **labels: str) -> dict[str, object]:
    return {"metric": {"__name__": "flow_m3h", **labels}, "values": values}


def test_what_prometheus_answers(read: Read) -> None:
    values: list[list[object]] = [[BEGIN + 300 * at, f"{at}.5"] for at in range(4)]
    document = {
        "status": "success",
        "data": {
            "resultType": "matrix",
            "result": [
                result(values, zone="north", job="ami"),
                result([[BEGIN + 0.781, "NaN"], [BEGIN + 300, "7"]]),
            ],
        },
    }
    told = read("json", json.dumps(document))
    assert {name: one.unit for name, one in told.series.items()} == {
        'flow_m3h{job="ami",zone="north"}': "m3/h",
        "flow_m3h": "m3/h",
    }
    assert told.of('flow_m3h{job="ami",zone="north"}')[3] == ("2024-06-01 00:15:00Z", 3.5)
    assert told.of("flow_m3h") == [("2024-06-01 00:05:00Z", 7.0)]
    assert told.blank == 1
    document["warnings"] = ["PromQL: some blocks were not read"]
    assert "some blocks were not read" in read("json", json.dumps(document)).absent[0]


def test_no_series_of_prometheus(read: Read) -> None:
    with pytest.raises(InputRefused, match="a result of type `scalar`"):
        read("json", json.dumps({"data": {"resultType": "scalar", "result": [BEGIN, "1"]}}))
    histogram = {"metric": {"__name__": "h"}, "histograms": [[BEGIN, {}]]}
    with pytest.raises(InputRefused, match="`h` is a histogram"):
        read("json", json.dumps({"data": {"resultType": "matrix", "result": [histogram]}}))


def test_what_influx_answers(read: Read) -> None:
    values = [["2024-06-01T00:00:00Z", 1.5, 2.25, "ok"], ["2024-06-01T00:05:00Z", None, 2.5, "ok"]]
    table = {
        "name": "water",
        "tags": {"zone": "north"},
        "columns": ["time", "flow_m3h", "pressure_bar", "state"],
        "values": values,
    }
    document = {"results": [{"statement_id": 0, "series": [table]}]}
    told = read("json", json.dumps(document))
    assert told.of("water,zone=north/flow_m3h") == [("2024-06-01 00:00:00Z", 1.5)]
    assert [value for _, value in told.of("water,zone=north/pressure_bar")] == [2.25, 2.5]
    table["partial"] = True
    assert "partial" in read("json", json.dumps(document)).absent[0]


def market_document(**period: object) -> dict[str, object]:
    series = {
        "businessType": "A04",
        "measurement_Unit.name": "KWH",
        "MarketEvaluationPoint": {"mRID": {"codingScheme": "A10", "name": "571313"}},
        "Period": [{"timeInterval": {"start": "2024-05-31T22:00:00Z"}, **period}],
    }
    return {
        "MyEnergyData_MarketDocument": {"createdDateTime": "2024-06-10T10:00:00Z", "TimeSeries": [series]}
    }


def test_what_eloverblik_answers(read: Read) -> None:
    """The number of its error stood for a reading at the time of the document."""
    points = [
        {"position": f"{at + 1}", "out_Quantity.quantity": f"{at}.25", "out_Quantity.quality": code}
        for at, code in enumerate(("A04", "A03", "A02", "A04"))
    ]
    one = {**market_document(resolution="PT15M", Point=points), "success": True, "errorCode": 10000}
    told = read("json", json.dumps({"result": [one]}))
    assert [(name, one.unit, one.direction) for name, one in told.series.items()] == [
        ("571313", "kWh", "forward")
    ]
    assert [(time, value, quality) for time, value, quality, _ in told.readings["571313"]] == [
        ("2024-05-31 22:00:00Z", 0.25, 0),
        ("2024-05-31 22:15:00Z", 1.25, 1),
        ("2024-05-31 22:45:00Z", 3.25, 0),  # nothing was available at 22:30
    ]
    refused = {"success": False, "errorCode": 20008, "errorText": "RelationNotFound"}
    assert "RelationNotFound" in read("json", json.dumps({"result": [one, refused]})).absent[0]


def test_several_months_in_one_period_are_refused(read: Read) -> None:
    points = [
        {"position": "1", "out_Quantity.quantity": "1"},
        {"position": "2", "out_Quantity.quantity": "2"},
    ]
    with pytest.raises(InputRefused, match="2 values of `P1M`"):
        read("json", json.dumps(market_document(resolution="P1M", Point=points)))


@pytest.mark.parametrize("device", [{"device": "m1"}, {}])
@pytest.mark.parametrize("lines", [True, False])
def test_each_measured_field_is_a_series(read: Read, device: dict[str, str], lines: bool) -> None:
    """The pressures were dropped without a word."""
    rows = [
        {
            "ts": f"2024-06-01T0{hour}:00:00Z",
            **device,
            "flow_m3h": hour + 0.5,
            "pressure_bar": 3.25,
            "n": hour,
        }
        for hour in range(6)
    ]
    told = read("json", "\n".join(map(json.dumps, rows)) if lines else json.dumps(rows))
    before = "m1/" if device else ""
    assert {name: one.unit for name, one in told.series.items()} == {
        f"{before}flow_m3h": "m3/h",
        f"{before}pressure_bar": "bar",
    }
    assert told.of(f"{before}flow_m3h")[2] == ("2024-06-01 02:00:00Z", 2.5)
    assert sum(value or 0 for _, value in told.of(f"{before}pressure_bar")) == 6 * 3.25
    assert [note for note in told.notes if "fields left out: `n`" in note]


def test_fields_that_begin_far_down(read: Read) -> None:
    first = [{"ts": BEGIN + 60 * at, "device": "a", "flow_m3h": at % 7 + 0.5} for at in range(150)]
    later = [{"ts": BEGIN + 60 * at, "device": "b", "pressure_bar": at % 5 + 0.5} for at in range(150)]
    told = read("json", "\n".join(map(json.dumps, [*first, *later])))
    assert {name: len(told.of(name)) for name in told.readings} == {"a/flow_m3h": 150, "b/pressure_bar": 150}
    assert not told.rejections


def test_lists_by_name_of_the_measurand_are_none_dropped(read: Read) -> None:
    """As ThingsBoard answers: the first list was read, and the second one dropped."""
    rows = [{"ts": BEGIN * 1000 + 60_000 * at, "value": f"{at}.5"} for at in range(4)]
    with pytest.raises(InputRefused, match="several lists hold times and values: `flow`, `pressure`"):
        read("json", json.dumps({"flow": rows, "pressure": rows}), unit="m3/h")
