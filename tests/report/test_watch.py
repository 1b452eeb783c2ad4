"""The live view over a store, a polls' memory and a book of findings that this test has made."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from cityctl.city.project import Project
from cityctl.errors import ExitCode, UsageProblem
from cityctl.reading import Reading
from cityctl.report.findings.record import CLOSES_AFTER
from cityctl.report.recorded import keep
from cityctl.report.watch import frame, frames, interval_of
from cityctl.result import Completeness, Finding, Missing, Result
from cityctl.store import Store

NOW = datetime(2026, 11, 22, 11, tzinfo=UTC)
CITY = """\
name: Testville
time_zone: Europe/Berlin
networks: {water: {kind: water}}
zones: {hafen: {network: water, name: Hafen}, berg: {network: water}}
devices: {inlet: {connector: siemens_mag6000, host: 127.0.0.1}, far: {connector: siemens_mag6000, host: 127.0.0.1}}
points:
  hafen-flow: {unit: m3/h, every: 1h, zone: hafen}
  berg-flow: {unit: m3/h, every: 1h, zone: berg}
"""


@pytest.fixture
def place(project) -> Project:
    """Hafen was heard an hour ago, Berg five hours ago; `far` was silent in four polls."""
    found = Project(project(CITY))
    with Store.open(found.store_folder) as store:
        store.land(
            [
                Reading("hafen-flow", NOW - timedelta(hours=1), 5.0),
                Reading("berg-flow", NOW - timedelta(hours=5), 5.0),
            ],
            batch="b1",
            received=NOW,
        )
    held = {"devices": {"inlet": {"silent_runs": 0}, "far": {"silent_runs": 4}}}
    (found.state / "devices.json").write_text(json.dumps(held))
    return found


def test_a_frame_says_how_the_city_stands(place):
    shown = frame(place, NOW)
    assert [table.key for table in shown.tables] == ["zones", "devices"]
    assert shown.tables[0].rows == [
        ("berg", 1, 0, NOW - timedelta(hours=5), 0, "SILENT"),
        ("Hafen", 1, 1, NOW - timedelta(hours=1), 0, "normal"),
    ]
    assert shown.tables[1].rows == [("far", 4, "SILENT, given up")]
    points = len(place.city.points())  # two of city.yaml, and what the two devices' connector polls
    assert (shown.completeness.had, shown.completeness.wanted) == (1, points)
    assert points > 2
    assert shown.exit_code() is ExitCode.INCOMPLETE
    assert frame(place, NOW + timedelta(hours=3)).tables[0].cells("verdict") == ["SILENT", "SILENT"]


def test_what_a_recorded_report_found_is_seen_at_its_zone(place):
    keep("leaks", Result("L", findings=[Finding("leak", "Hafen", NOW, "a leak")]), place, now=NOW)
    shown = frame(place, NOW)
    assert set(shown.tables[0].cells("verdict")) == {"FINDING", "SILENT"}
    assert shown.tables[-1].cells("subject") == ["Hafen"]
    assert shown.summary.startswith("1 open finding, ")


def test_what_was_found_at_an_asset_is_seen_at_its_zone_and_stays_while_it_is_not_judged(place):
    """The finding bears the pump's name, the gap its id: a silent pump is not repaired."""
    text = CITY + "assets: {pump-1: {kind: pump, name: Well pump, zone: hafen}}\n"
    (place.folder / "city.yaml").write_text(text, encoding="utf-8")
    place = Project(place.folder)
    found = Finding("pump", "Well pump", NOW, "WORN", evidence={"asset": "pump-1"})
    keep("pumps", Result("P", findings=[found], completeness=Completeness(2, 2)), place, now=NOW)
    rows = dict(zip(*(frame(place, NOW).tables[0].cells(key) for key in ("zone", "verdict")), strict=True))
    assert rows == {"Hafen": "FINDING", "berg": "SILENT"}
    for days in range(1, CLOSES_AFTER + 2):
        gap = Completeness(2, 1, [Missing("pump-1", "no readings")])
        later = keep("pumps", Result("P", completeness=gap), place, now=NOW + timedelta(days=days))
        assert later.tables[-1].cells("change") == ["not judged"]


def test_rounds_come_one_after_the_other(place):
    shown = list(frames(place, 0.01, 3, NOW))
    assert len(shown) == 3
    assert shown[0].tables[0].rows == shown[2].tables[0].rows
    with pytest.raises(UsageProblem, match="1 s is the shortest"):
        interval_of("0s")


def test_a_pipe_gets_one_frame_and_the_end(place, cityctl):
    ended = cityctl("watch", "-o", "json", cwd=place.folder, CITYCTL_NOW=NOW.isoformat())
    assert ended.returncode == 4, ended.stderr
    assert [row["zone"] for row in json.loads(ended.stdout)["rows"]] == ["berg", "Hafen"]
    plain = cityctl("watch", cwd=place.folder, CITYCTL_NOW=NOW.isoformat())
    assert "\x1b" not in plain.stdout
    assert plain.stdout.count("Testville") == 1
