"""Night flow of zones that were made, from readings to verdict."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from cityctl.errors import ExitCode, UsageProblem
from cityctl.result import Result
from tests.analysis.conftest import local_hours, rows_of, slots, utc
from tests.analysis.water.made import BERLIN, CITY, Leak, inflow

Ask = Callable[..., Result]
SPAN = ("2026-07-15", "2026-11-23")  # readings, UTC
WEEK = ("2026-11-16", "2026-11-23")  # the report's interval, local days
BURST = Leak("2026-11-19T15:00", 12.6)


def town(**hafen: Any) -> dict[str, Any]:
    return {"hafen_inflow": inflow(*SPAN, **hafen), "altstadt_inflow": inflow(*SPAN, seed=2, night=8.0)}


def night_flow(
    ask: Ask, series: dict[str, Any], text: str = CITY, week: tuple[str, str] = WEEK, **more: Any
) -> Result:
    return ask("water/night_flow", text, series, *week, **more)


def zone(result: Result, name: str = "Hafen") -> dict[str, Any]:
    (row,) = [row for row in rows_of(result, "zones") if row["zone"] == name]
    return row


def test_a_burst_has_start_size_and_volume(ask: Ask) -> None:
    result = night_flow(ask, town(leaks=[BURST]))
    hafen, altstadt = zone(result), zone(result, "Altstadt")
    assert hafen["verdict"] == "LEAK since Thu 19 Nov"
    assert altstadt["verdict"] == "normal"
    assert hafen["excess"] == pytest.approx(12.6, rel=0.1)
    assert hafen["mnf"] - hafen["expected"] == pytest.approx(hafen["excess"])
    assert hafen["per_connection"] == pytest.approx(hafen["excess"] / 1280 * 1000)
    assert hafen["night_use"] == pytest.approx(1.86)  # 6 % of 3 100 people x 10 L/h
    assert len(hafen["last_nights"]) == 7
    (event,) = rows_of(result, "events")
    assert event["flow_low"] < 12.6 < event["flow_high"]
    assert event["flow_m3h"] == pytest.approx(12.6, rel=0.1)
    # The first night with it ends on the 20th at 03:00 UTC, and the evening before bears it out.
    assert event["detected_at"] == utc("2026-11-20T03:00")
    assert abs(event["started_at"] - utc("2026-11-19T15:00")) < timedelta(hours=13)
    # From the 19th, 15:00, to the end of the interval, 22 Nov 23:00 UTC: 80 h x 12.6 m³/h, told from nights.
    assert event["volume_m3"] == pytest.approx(80 * 12.6, rel=0.25)
    assert event["cost"] == pytest.approx(1.5 * event["volume_m3"])
    assert event["state"] == "new"
    (finding,) = result.findings
    assert (finding.subject, finding.severity, finding.id) == ("Hafen", "alarm", event["finding"])
    assert [plot.key for plot in result.plots] == ["hafen"]
    assert result.exit_code(on_findings=True) is ExitCode.FOUND
    assert result.exit_code() is ExitCode.DONE
    assert result.completeness.share == 1


def test_a_leak_that_creeps(ask: Ask) -> None:
    creeping = Leak("2026-10-05T00:00", 10.0, days=40)
    result = night_flow(ask, town(leaks=[creeping]))
    (event,) = rows_of(result, "events")
    assert zone(result)["verdict"].startswith("LEAK")
    assert event["flow_m3h"] == pytest.approx(10, rel=0.2)
    assert utc("2026-10-05") < event["detected_at"] < utc("2026-11-01")
    assert abs(event["started_at"] - utc("2026-10-05")) < timedelta(days=14)
    early = night_flow(ask, town(leaks=[creeping]), week=("2026-10-26", "2026-11-02"))
    assert rows_of(early, "events")[0]["state"] == "growing"
    assert zone(early)["verdict"].startswith("LEAK growing since")


def test_a_repair_is_told_from_the_flow(ask: Ask) -> None:
    mended = Leak("2026-10-20T10:00", 8.0, end="2026-11-17T12:00")
    result = night_flow(ask, town(leaks=[mended]))
    (event,) = rows_of(result, "events")
    assert event["state"] == "repaired"
    assert abs(event["repaired_at"] - utc("2026-11-17T12:00")) < timedelta(hours=13)
    assert event["volume_m3"] == pytest.approx(28 * 24 * 8, rel=0.1)  # four weeks of 8 m³/h
    assert zone(result)["verdict"] == "normal, flow fell back Tue 17 Nov"
    assert result.findings[0].severity == "note"
    later = night_flow(ask, town(leaks=[mended]), week=("2026-11-20", "2026-11-23"))
    assert rows_of(later, "events") == []
    assert zone(later)["verdict"] == "normal"


def test_what_is_left_after_a_repair_is_another_leak(ask: Ask) -> None:
    """The second leak creeps up behind the first; the flow falls back by 8 m³/h, not to where it was before."""
    both = [Leak("2026-10-20T10:00", 8.0, end="2026-11-09T12:00"), Leak("2026-10-22T12:00", 3.5, days=15)]
    result = night_flow(ask, town(leaks=both, noise=0.02), week=("2026-10-15", "2026-11-23"))
    first, second = rows_of(result, "events")
    assert first["state"] == "repaired"
    assert second["flow_m3h"] == pytest.approx(3.5, rel=0.35)
    assert zone(result)["verdict"].startswith("LEAK")


def drop(series: dict[str, Any], lost: Callable[[Any], Any], point: str = "hafen_inflow") -> dict[str, Any]:
    times, values = series[point]
    kept = ~lost(times)
    return {**series, point: (times[kept], values[kept])}


def between(since: str, until: str) -> Callable[[Any], Any]:
    return lambda times: (times >= np.datetime64(since)) & (times < np.datetime64(until))


def test_missing_nights_leave_the_zone_unjudged(ask: Ask) -> None:
    series = drop(town(leaks=[BURST]), between("2026-11-19T12:00", "2026-11-22T12:00"))
    result = night_flow(ask, series)
    row = zone(result)
    assert row["verdict"] == "UNKNOWN 3 of 7 nights missing"
    assert row["mnf"] is None
    assert row["excess"] is None
    assert row["last_nights"].count(None) == 3
    assert [one.what for one in result.completeness.missing] == ["Hafen"]
    assert (result.completeness.had, result.completeness.wanted) == (11, 14)
    assert result.exit_code() is ExitCode.INCOMPLETE
    two = night_flow(ask, drop(town(), between("2026-11-19T12:00", "2026-11-21T12:00")))
    assert zone(two)["verdict"] == "normal"


def test_a_night_needs_most_of_its_readings(ask: Ask) -> None:
    """Of the 8 readings of a window, 6 are 75 % and 5 are 62 %; 70 % are asked for."""
    six = drop(town(), between("2026-11-22T01:00", "2026-11-22T01:30"))
    five = drop(town(), between("2026-11-22T01:00", "2026-11-22T01:45"))
    assert zone(night_flow(ask, six))["nights"] == 7
    assert zone(night_flow(ask, five))["nights"] == 6


def test_a_frozen_sensor_is_named_with_its_hour(ask: Ask) -> None:
    text = CITY.replace(
        "unit: m3/h, every: 15m, zone: hafen}", "unit: m3/h, every: 15m, zone: hafen, role: inflow}"
    )
    times, flow = inflow(*SPAN, leaks=[BURST])
    stuck = times > np.datetime64("2026-11-17T02:15")
    flow = np.where(stuck, flow[~stuck][-1], flow)
    result = night_flow(ask, {**town(), "hafen_inflow": (times, flow)}, text)
    assert zone(result)["verdict"] == "SENSOR hafen_inflow frozen since Tue 17 Nov 03:15"
    assert zone(result)["excess"] is None
    assert rows_of(result, "events") == []  # data first: nothing is said of a leak
    (row,) = rows_of(result, "sensors")
    assert (row["sensor"], row["zone"], row["trouble"]) == ("hafen_inflow", "Hafen", "frozen")
    assert row["since"] == utc("2026-11-17T02:15")
    (finding,) = result.findings
    assert finding.kind == "sensor"
    assert result.exit_code() is ExitCode.INCOMPLETE
    assert zone(result, "Altstadt")["verdict"] == "normal"


def test_a_sensor_behind_a_formula_is_named_by_its_device(ask: Ask) -> None:
    """The zone's inflow is a formula: its sensors are judged, and named as people find them."""
    text = CITY.replace("inflow: hafen_inflow", "inflow: inlet_1 - export").replace(
        "points:",
        "devices:\n  inlet: {connector: siemens_mag6000, host: 10.0.0.1, zone: hafen, poll: [flow]}\n"
        "points:\n  inlet_1: {device: inlet/flow, unit: m3/h, every: 15m, zone: hafen}\n"
        "  export: {unit: m3/h, every: 15m, zone: hafen}",
    )
    times, flow = inflow(*SPAN)
    stuck = np.where(times > np.datetime64("2026-11-10T11:00"), 17.25, flow)
    _, export = inflow(*SPAN, seed=8, night=1, day=2)
    series = {
        **town(), "inlet_1": (times, stuck), "export": (times, export), "hafen/inflow": (times, stuck - export)
    }  # fmt: skip
    assert zone(night_flow(ask, series, text))["verdict"].startswith(
        "SENSOR inlet/flow frozen since Tue 10 Nov 12:15"
    )


@pytest.mark.parametrize(("factor", "said"), [(3.6, "x3.6"), (1 / 3.6, "x0.278"), (1000.0, "x1000")])
def test_another_unit_is_no_leak(ask: Ask, factor: float, said: str) -> None:
    times, flow = inflow(*SPAN)
    flow = np.where(times >= np.datetime64("2026-11-18T09:00"), flow * factor, flow)
    result = night_flow(ask, {**town(), "hafen_inflow": (times, flow)})
    assert zone(result)["verdict"].startswith(f"SENSOR hafen_inflow jumped by {said}")
    assert rows_of(result, "events") == []


def test_a_sensor_that_turns_negative_is_not_believed(ask: Ask) -> None:
    times, flow = inflow(*SPAN)
    flow = np.where(times >= np.datetime64("2026-11-18T09:00"), -flow, flow)
    result = night_flow(ask, {**town(), "hafen_inflow": (times, flow)})
    assert zone(result)["verdict"] == "SENSOR hafen_inflow negative since Wed 18 Nov"
    assert rows_of(result, "events") == []


def test_spikes_are_no_leak(ask: Ask) -> None:
    times, flow = inflow(*SPAN)
    rng = np.random.default_rng(4)
    flow = np.where((times >= np.datetime64("2026-11-10")) & (rng.random(len(times)) < 0.08), 900.0, flow)
    result = night_flow(ask, {**town(), "hafen_inflow": (times, flow)})
    assert rows_of(result, "events") == []
    assert zone(result)["mnf"] == pytest.approx(zone(night_flow(ask, town()))["mnf"], rel=0.1)


def test_bad_readings_count_for_nothing(ask: Ask) -> None:
    times, flow = inflow(*SPAN)
    flags = np.where(np.arange(len(times)) % 7 == 0, 3, 0)
    spoilt = np.where(flags == 3, 500.0, flow)
    result = night_flow(ask, {**town(), "hafen_inflow": (times, spoilt)}, quality={"hafen_inflow": flags})
    assert zone(result)["verdict"] == "normal"
    assert zone(result)["mnf"] < 10


def stepped(since: str, until: str, place: ZoneInfo = BERLIN) -> tuple[Any, Any]:
    """10 m³/h from 02:00 to 04:00 by local clocks, 12 at any other time: too little to be left out as spikes."""
    times = slots(since, until, 15)
    _, hour = local_hours(times, place)
    return times, np.where((hour >= 2) & (hour < 4), 10.0, 12.0)


@pytest.mark.parametrize("week", [("2026-03-27", "2026-03-31"), ("2026-10-23", "2026-10-27")])
def test_the_window_keeps_to_local_time_when_clocks_change(ask: Ask, week: tuple[str, str]) -> None:
    """One hour of window on 29 March, three on 25 October: every night is whole and has 10 m³/h."""
    series = {
        "hafen_inflow": stepped("2026-03-01", "2026-11-02"),
        "altstadt_inflow": stepped("2026-03-01", "2026-11-02"),
    }
    result = night_flow(ask, series, week=week, each_night=True)
    nights = rows_of(result, "nights")
    assert len(nights) == 8
    assert [row["mnf"] for row in nights] == [10.0] * 8
    assert result.completeness.share == 1


@pytest.mark.parametrize(
    ("place", "week"),
    [
        ("Asia/Kolkata", ("2026-06-01", "2026-06-05")),
        ("Asia/Kathmandu", ("2026-06-01", "2026-06-05")),
        ("Australia/Eucla", ("2026-06-01", "2026-06-05")),
        ("Pacific/Chatham", ("2026-04-03", "2026-04-07")),  # back at 03:45 on the 5th
        ("Pacific/Chatham", ("2026-09-25", "2026-09-29")),  # forward at 02:45 on the 27th
        ("Australia/Lord_Howe", ("2026-04-03", "2026-04-07")),  # half an hour back at 02:00 on the 5th
        ("Australia/Lord_Howe", ("2026-10-02", "2026-10-06")),  # half an hour forward at 02:00 on the 4th
    ],
)
def test_the_window_is_right_to_the_reading_a_quarter_of_an_hour_off(
    ask: Ask, place: str, week: tuple[str, str]
) -> None:
    """No reading of 12 m³/h gets into a window and none of 10 is missed, whatever the city's clocks do."""
    series = dict.fromkeys(
        ("hafen_inflow", "altstadt_inflow"), stepped("2026-03-01", "2026-11-02", ZoneInfo(place))
    )
    text = CITY.replace("Europe/Berlin", place).replace("country: DE\n", "")
    result = night_flow(ask, series, text, week, each_night=True, history="30d", night_share=1)
    assert [row["mnf"] for row in rows_of(result, "nights")] == [10.0] * 8
    assert result.completeness.share == 1


def test_nights_of_changing_clocks_raise_nothing(ask: Ask) -> None:
    series = {
        "hafen_inflow": inflow("2026-01-15", "2026-11-05"),
        "altstadt_inflow": inflow("2026-01-15", "2026-11-05", seed=3),
    }
    for week in (("2026-03-20", "2026-04-10"), ("2026-10-20", "2026-11-05")):
        assert not night_flow(ask, series, week=week).findings


def test_holidays_go_by_the_ways_of_sundays(ask: Ask) -> None:
    """Sunday nights have 40 % more; so have the nights of 1 May, 14 May and 25 May 2026, German holidays."""
    times = slots("2026-01-01", "2026-06-05", 15)
    local, _ = local_hours(times, BERLIN)
    special = np.isin(local, np.array(["2026-05-01", "2026-05-14", "2026-05-25"], "datetime64[D]"))
    sunday = (local.astype(int) + 3) % 7 == 6
    rng = np.random.default_rng(6)
    flow = 10 * np.where(sunday | special, 1.4, 1.0) * (1 + 0.03 * rng.normal(0, 1, len(times)))
    series = {"hafen_inflow": (times, flow), "altstadt_inflow": inflow("2026-01-01", "2026-06-05")}
    result = night_flow(ask, series, week=("2026-04-27", "2026-06-01"), each_night=True)
    assert not result.findings
    rows = {str(row["date"]): row for row in rows_of(result, "nights") if row["zone"] == "Hafen"}
    assert rows["2026-05-14"]["expected"] == pytest.approx(14, rel=0.05)
    assert rows["2026-05-13"]["expected"] == pytest.approx(10, rel=0.05)


def test_the_lowest_hour_of_a_window(ask: Ask) -> None:
    """12 m³/h but for the 60 minutes from 02:30 on, which have 6: the mean is 9, the lowest hour 6."""
    times = slots("2026-10-01", "2026-11-23", 15)
    _, hour = local_hours(times, BERLIN)
    series = {
        "hafen_inflow": (times, np.where((hour >= 2.5) & (hour < 3.5), 6.0, 12.0)),
        "altstadt_inflow": inflow(*SPAN),
    }
    assert zone(night_flow(ask, series))["mnf"] == pytest.approx(9)
    assert zone(night_flow(ask, series, method="lowest_hour"))["mnf"] == pytest.approx(6)


@pytest.mark.parametrize("kind", ["interval", "counter"])
def test_volumes_and_registers_tell_the_same_as_flows(ask: Ask, kind: str) -> None:
    times, flow = inflow(*SPAN, leaks=[BURST])
    volume = flow / 4
    values = volume if kind == "interval" else 5000 + np.concatenate([[0], np.cumsum(volume)[:-1]])
    text = CITY.replace("hafen_inflow: {unit: m3/h,", f"hafen_inflow: {{unit: m3, kind: {kind},")
    told = zone(night_flow(ask, {**town(), "hafen_inflow": (times, values)}, text))
    plain = zone(night_flow(ask, {**town(), "hafen_inflow": (times, flow)}))
    assert told["mnf"] == pytest.approx(plain["mnf"], rel=1e-6)
    assert told["verdict"] == plain["verdict"] == "LEAK since Thu 19 Nov"


def test_a_short_history_and_a_zone_without_inflow_are_said(ask: Ask) -> None:
    text = CITY.replace("zones:", "zones:\n  neu: {name: Neustadt, network: water, kind: dma}")
    short = drop(town(), lambda times: times < np.datetime64("2026-11-13T12:00"))
    result = night_flow(ask, short, text)
    assert zone(result)["verdict"] == "UNKNOWN 9 nights of history, 14 are needed"
    assert zone(result, "Neustadt")["verdict"] == "UNKNOWN no `inflow:` in city.yaml"
    assert {one.what for one in result.completeness.missing} == {"Hafen", "Neustadt"}


def test_a_city_of_zones_without_any_inflow(ask: Ask) -> None:
    text = (
        "name: T\ntime_zone: Europe/Berlin\nnetworks: {water: {kind: water}}\n"
        "zones: {neu: {network: water, kind: dma}}\npoints: {hafen_inflow: {unit: m3/h, every: 15m}}\n"
    )
    result = night_flow(ask, {"hafen_inflow": inflow(*SPAN)}, text)
    assert zone(result, "neu")["verdict"] == "UNKNOWN no `inflow:` in city.yaml"
    assert result.exit_code() is ExitCode.INCOMPLETE


def test_no_readings_at_all(ask: Ask) -> None:
    result = night_flow(ask, {"altstadt_inflow": inflow(*SPAN, seed=2)})
    assert zone(result)["verdict"] == "UNKNOWN no valid night"
    assert zone(result, "Altstadt")["verdict"] == "normal"


def test_verdicts_use_readings_up_to_their_night_only(ask: Ask) -> None:
    """What was found by a day is found the same way when later readings are there."""
    leaks = [Leak("2026-08-23T10:00", 7.0, end="2026-09-20T10:00"), Leak("2026-10-10T00:00", 9.0, days=20)]
    series = town(leaks=leaks)
    whole = rows_of(night_flow(ask, series, week=("2026-07-20", "2026-11-23")), "events")
    for until in ("2026-08-30", "2026-11-01"):
        known = drop(series, lambda times, until=until: times >= np.datetime64(until))
        part = rows_of(night_flow(ask, known, week=("2026-07-20", until)), "events")
        found = [row for row in whole if row["detected_at"] < utc(until)]
        assert [row["detected_at"] for row in part] == [row["detected_at"] for row in found]
        assert [row["started_at"] for row in part] == [row["started_at"] for row in found]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"window_start": "04:00", "window_end": "02:00"}, "begin before it ends"),
        ({"window_start": "02:10"}, "full or half hours"),
        ({"zones": "nowhere"}, "no water zone matches"),
    ],
)
def test_questions_that_make_no_sense(ask: Ask, given: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageProblem, match=said):
        night_flow(ask, town(), **given)


def test_a_leak_of_a_zone_that_nobody_sees_any_more_is_no_alarm(ask: Ask) -> None:
    """Its readings end in August, two weeks into a leak; two months later nothing runs on that anybody could know."""
    leak = Leak("2026-08-01T10:00", 8.0)
    series = drop(town(leaks=[leak]), between("2026-08-15", "2026-12-31"))
    soon = night_flow(ask, series, week=("2026-09-01", "2026-09-08"))
    assert [one.severity for one in soon.findings if one.kind == "leak"] == ["alarm"]
    late = night_flow(ask, series, week=("2026-07-01", "2026-11-23"))
    (event,) = rows_of(late, "events")
    assert event["state"] == "unseen"
    assert event["volume_m3"] == pytest.approx(8 * 24 * 13.7, rel=0.1)
    (finding,) = [one for one in late.findings if one.kind == "leak"]
    assert finding.severity == "note"
    assert "was last seen" in finding.text
    assert rows_of(night_flow(ask, series), "events") == []
