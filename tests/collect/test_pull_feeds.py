"""Answers that hold several series: Green Button feeds and tables of all series."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from cityctl.city.project import Project
from cityctl.errors import ExitCode
from tests.collect.historian import (
    FLOW,
    NOW,
    Historian,
    city_yaml,
    counts,
    go,
    stored,
)
from tests.http_service import Service, send


def test_all_series_in_one_table(http: Service, make: Callable[..., Project]) -> None:
    http.answer = historian = Historian()
    project = make(city_yaml(http.url, FLOW, connector="csv_headend_all"))
    result = go(project, since="2026-11-22")
    assert counts(result) == {"HAFEN.FT01": (31, 31, 0, 0, 0, 0)}
    assert {name for name, _, _ in historian.asked} == {"export"}
    assert any("HAFEN.PT01" in note for note in result.notes)  # not asked for, and said so
    assert result.exit_code() == ExitCode.DONE


def test_green_button_by_usage_point_forward_and_reverse(http: Service, make: Callable[..., Project]) -> None:
    http.answer = historian = Historian()
    points = (
        "  used: {unit: kWh, kind: interval, every: 1h, service: historian/town-hall}\n"
        "  fed_in: {unit: kWh, kind: interval, every: 1h, service: historian/town-hall#reverse}\n"
        "  again: {unit: kWh, kind: interval, every: 1h, service: historian/school#2}\n"
        "  water: {unit: m3, kind: interval, every: 1h, service: historian/pool}\n"
    )
    project = make(city_yaml(http.url, points, connector="green_button"))
    result = go(project, since="2026-11-22")
    found = {(point, time): value for point, time, value in stored(project)}
    noon = datetime(2026, 11, 22, 12)
    value = historian.value(noon.replace(tzinfo=UTC))
    assert (found["used", noon], found["fed_in", noon], found["again", noon]) == (value, 2 * value, 2 * value)
    assert len(found) == 3 * 31
    ((missing),) = result.completeness.missing
    assert missing.what == "historian/pool"
    assert "none of its series fits" in missing.why
    assert {name for name, _, _ in historian.asked} == {"town-hall", "school", "pool"}


def test_a_feed_that_only_feeds_in_needs_no_word_for_it(http: Service, make: Callable[..., Project]) -> None:
    whole = Historian().feed("roof", NOW - timedelta(days=1), NOW)
    alone = whole.replace("<flowDirection>1<", "<flowDirection>19<").replace("<uom>72<", "<uom>29<", 1)
    http.answer = lambda handler: send(handler, alone.encode())
    points = "  fed_in: {unit: kWh, kind: interval, every: 1h, service: historian/roof}\n"
    result = go(make(city_yaml(http.url, points, connector="green_button")), since="2026-11-22")
    assert counts(result) == {"roof": (24, 24, 0, 0, 0, 0)}
    assert result.tables[0].rows[0][4] == "reverse"
    assert any("left out: `UsagePoint/roof/MeterReading/1`" in note for note in result.notes)  # volts


def test_a_cut_feed_is_refused_whole_though_its_length_is_right(
    http: Service, make: Callable[..., Project]
) -> None:
    whole = Historian().feed("town-hall", NOW - timedelta(days=1), NOW).encode()
    http.answer = lambda handler: send(handler, whole[:-200])
    points = "  used: {unit: kWh, kind: interval, every: 1h, service: historian/town-hall}\n"
    project = make(city_yaml(http.url, points, connector="green_button"))
    result = go(project, since="2026-11-22")
    assert stored(project) == []
    assert "cut short" in result.completeness.missing[0].why
    assert result.exit_code() == ExitCode.INCOMPLETE
    assert not (project.state / "pull" / "historian.json").exists()
