"""Reports of several parts: recipes of this test over the readings of `testville`, and every shipped one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cityctl.city.project import Project
from cityctl.errors import ConfigInvalid, ExitCode, UsageProblem
from cityctl.library import Library
from cityctl.reading import Reading
from cityctl.report.recipe import REPORTS, load
from cityctl.report.run import run
from cityctl.report.shelf import description
from cityctl.store import Store

NOW = datetime(2026, 11, 22, 11, tzinfo=UTC)
CITY = """\
name: Testville
time_zone: Europe/Berlin
networks: {water: {kind: water}}
zones: {hafen: {network: water, inflow: hafen-flow}}
points:
  hafen-flow: {unit: m3/h, every: 1h, zone: hafen}
  berg-flow: {unit: m3/h, every: 1h}
"""
SHEET = """\
report: sheet
title: Morning sheet
last: 1d
words: {intro: What to know in the morning.}
parts:
  - part: now
    title: Today
    analysis: quality/presence
    columns: [point, usable_share, verdict]
  - part: before
    title: All days
    analysis: quality/presence
    last: 2d
    parameters: {points: hafen*}
  - part: lamps
    title: Street lights
    analysis: energy/lights
    optional: true
"""


@pytest.fixture
def place(project) -> Project:
    """48 hours of Hafen's flow up to NOW; of Berg's the first 24, and of the last day none."""
    folder = project(CITY)
    (folder / "recipes" / "reports").mkdir(parents=True)
    (folder / "recipes" / "reports" / "sheet.yaml").write_text(SHEET, encoding="utf-8")
    found = Project(folder)
    hours = [NOW - timedelta(hours=48 - at) for at in range(48)]
    with Store.open(found.store_folder) as store:
        readings = [Reading("hafen-flow", hour, 5.0) for hour in hours]
        readings += [Reading("berg-flow", hour, 5.0) for hour in hours[:24]]
        store.land(readings, batch="b1", received=NOW)
    return found


def changed(place: Project, was: str, becomes: str) -> None:
    assert was in SHEET
    path = place.folder / "recipes" / "reports" / "sheet.yaml"
    path.write_text(SHEET.replace(was, becomes), encoding="utf-8")


def test_the_parts_stand_one_after_the_other_each_with_its_own_interval(place):
    result = run("sheet", place, now=NOW)
    assert [(table.key, table.title) for table in result.tables] == [
        ("now_points", "Today"),
        ("before_points", "All days"),
    ]
    # Of the last day Hafen said all 24, Berg none; Hafen alone is asked of the two days.
    assert result.tables[0].rows == [
        ("berg-flow", 0.0, "SILENT throughout"),
        ("hafen-flow", 1.0, "normal"),
    ]
    assert [row[0] for row in result.tables[1].rows] == ["hafen-flow"]
    assert "20 Nov 2026 12:00 to 22 Nov 2026 12:00" in result.tables[1].note
    assert "Street lights is left out: city.yaml does not say where the city is" in "\n".join(result.notes)
    assert result.exit_code() is ExitCode.INCOMPLETE  # Berg
    assert (result.completeness.wanted, result.completeness.had) == (24 + 24 + 48, 24 + 48)
    assert result.summary.startswith("Today: 1 of 2 points")


def test_an_interval_of_the_command_line_counts_for_every_part(place):
    result = run("sheet", place, now=NOW, last="2d")
    assert not any("Europe/Berlin" in table.note for table in result.tables)
    berg = next(row for row in result.tables[0].rows if row[0] == "berg-flow")
    assert berg[1] == 0.5
    assert berg[2] == "SILENT since Sat 21 Nov 11:00"  # the 24th reading, 10:00 UTC
    (finding,) = result.findings
    assert finding.subject == "berg-flow"
    assert finding.evidence["part"] == "now"


def test_a_part_that_is_not_optional_is_missing_and_the_others_are_there(place):
    changed(place, "    optional: true\n", "")
    result = run("sheet", place, now=NOW, last="2d")
    assert [one.what for one in result.completeness.missing] == ["Street lights"]
    assert len(result.tables) == 2


def test_settings_speak_to_one_part_or_to_each_that_knows_them(place):
    asked = run("sheet", place, now=NOW, settings=["before.points=berg*"])
    assert [row[0] for row in asked.tables[1].rows] == ["berg-flow"]
    assert len(asked.tables[0].rows) == 2
    both = run("sheet", place, now=NOW, settings=["points=hafen-flow"])
    assert [len(table.rows) for table in both.tables] == [1, 1]
    with pytest.raises(UsageProblem, match="no part of this report has a parameter `pionts`") as caught:
        run("sheet", place, now=NOW, settings=["pionts=x"])
    assert caught.value.hint == "did you mean `points`?"


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ("columns: [point, usable_share", "columns: [point, usable", r"sheet.yaml:9:22: no column `usable`"),
        ("{points: hafen*}", "{ponts: hafen*}", r"sheet.yaml:14:18: no parameter `ponts`"),
        ("energy/lights", "energy/light", r"sheet.yaml:17:5: no analysis named `energy/light`"),
        ("part: before", "part: now", "two parts are named `now`"),
        ("last: 2d", "last: 2 dogs", "sheet.yaml:13:5"),
        ("last: 1d\n", "last: 1d\nanalysis: quality/presence\n", "one of the two"),
    ],
)
def test_what_is_wrong_in_a_part_is_told_with_its_place(place, was, becomes, said):
    changed(place, was, becomes)
    with pytest.raises(ConfigInvalid, match=said):
        run("sheet", place, now=NOW)


def test_show_lists_the_parts_and_how_to_speak_to_each(place):
    result = description("sheet", place.library)
    topics = dict(result.tables[0].rows)
    assert topics["part before"] == "quality/presence: All days, 2d"
    assert "left out where the city has nothing" in topics["part lamps"]
    assert ("before.points", "hafen*") in [row[:2] for row in result.tables[1].rows]


@pytest.fixture(scope="module")
def demo_city(tmp_path_factory) -> Project:
    """The simulated city as the demo configures it, with two weeks of made hourly readings of every point."""
    from cityctl.project.demo import project_files
    from cityctl.sim.simulator import Installation
    from cityctl.sim.town.scenario import Scenario

    folder = tmp_path_factory.mktemp("demo")
    text, others = project_files(Installation.from_base(Scenario.at(NOW), 21000))
    for name, said in {"city.yaml": text, **others}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(said, encoding="utf-8")
    place = Project(folder)
    hours = [NOW - timedelta(hours=at) for at in range(14 * 24, 0, -1)]
    with Store.open(place.store_folder) as store:
        for name, point in place.city.points().items():
            if point.formula is None:
                # A counter rises; all else goes up and down with the day.
                level = (lambda at: 10.0 * at) if point.kind == "counter" else (lambda at: 5.0 + at % 24)
                readings = [Reading(name, hour, level(at)) for at, hour in enumerate(hours)]
                store.land(readings, batch=name, received=NOW)
    return place


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(Library(None).list(REPORTS)))
def test_every_shipped_report_runs_on_the_simulated_city_or_says_what_it_lacks(demo_city, name):
    recipe = load(demo_city.library, name).recipe
    try:
        result = run(name, demo_city, now=NOW)
    except UsageProblem as problem:  # what is lacking in city.yaml; any other error fails
        lacking = problem
    else:
        lacking = None
    if lacking is not None:
        assert lacking.hint, lacking.message
        return
    assert result.title == recipe.title
    assert result.tables
    for one in result.completeness.missing:
        assert one.what
        assert one.why
