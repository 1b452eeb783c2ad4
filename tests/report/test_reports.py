"""A report from its YAML to its figures: a project with a recipe, an analysis and readings of its own.

No Python of cityctl is touched: the three files below are all that a new report needs.
"""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from jsonschema import Draft202012Validator

from cityctl import document
from cityctl.city.project import Project
from cityctl.errors import ConfigInvalid, ExitCode, StoreProblem, UsageProblem
from cityctl.library import Library
from cityctl.report.recipe import load, schema_text
from cityctl.report.run import run
from cityctl.report.shelf import description, listing
from cityctl.store.store import Store

ROOT = Path(__file__).resolve().parents[2]

CITY = """\
name: Testville
time_zone: Europe/Berlin
networks: {water: {kind: water}}
zones:
  hafen: {network: water, inflow: hafen_inflow}
  berg: {network: water, inflow: berg_inflow}
points:
  hafen_inflow: {unit: m3/h, every: 1h, zone: hafen}
  berg_inflow: {unit: m3/h, every: 1h, zone: berg}
"""

RECIPE = """\
report: peaks
title: Highest inflow of each zone
analysis: water/peaks
last: 2d
parameters:
  threshold: 2 L/s
columns:
  zones: [zone, peak, verdict]
plots: [inflow]
words:
  intro: Which zones draw more than they should.
  method: the largest reading of each zone.
  sources: made up for this test
  limits: [knows nothing of season]
"""

ANALYSIS = '''\
"""The largest reading of each zone's inflow."""

from cityctl.analysis.question import Parameter
from cityctl.result import Column, Completeness, Finding, Line, Missing, Plot, Result, Table
from datetime import UTC

TITLE = "Peaks"
SUMMARY = "the largest inflow of each zone"
COLUMNS = (
    Column("zone", "Zone", meaning="a zone", priority=1),
    Column("readings", "Readings", kind="integer"),
    Column("peak", "Peak", "m3/h", "largest reading", "number", 2, 1),
    Column("verdict", "Verdict", kind="verdict", priority=1),
)
PARAMETERS = (
    Parameter("threshold", "number", 5.0, "m3/h", "a peak above this is reported", least=0),
    Parameter("share", "share", 0.05, None, "not used"),
    Parameter("from_time", "time", 120, None, "not used"),
    Parameter("slot", "duration", None, None, "not used"),
)


def points(city, parameters):
    return [zone.inflow for zone in city.zones.values()]


def answer(question):
    limit = question.parameters["threshold"]
    rows, findings, plots, missing = [], [], [], []
    for zone, readings, peak in question.engine.rows(question.sql("peaks")):
        over = peak is not None and peak > limit
        rows.append((zone, readings, peak, "HIGH" if over else "normal" if peak is not None else "UNKNOWN"))
        if over:
            findings.append(Finding("peak", zone, question.interval.start, f"peak of {peak} over {limit}"))
        if peak is None:
            missing.append(Missing(zone, "no readings"))
        series = question.engine.rows(question.sql("series"), [zone + "_inflow"])
        line = Line("inflow", [time.replace(tzinfo=UTC) for time, _ in series], [value for _, value in series])
        plots.append(Plot(f"inflow:{zone}", zone, "m3/h", [line]))
    plots.append(Plot("other", "Other", "m3/h", []))
    return Result(
        TITLE,
        [Table("zones", "Zones", list(COLUMNS), rows)],
        findings=findings, plots=plots,
        completeness=Completeness(len(rows), len(rows) - len(missing), missing, "zones"),
        summary=f"{len(findings)} zones over {limit} m3/h",
    )
'''

SQL = """\
-- name: peaks
select z.zone, count(r.value), max(r.value)
from zones z left join readings r on r.point = z.inflow
group by z.zone order by z.zone desc

-- name: series
select time, value from readings where point = ? order by time
"""

NOW = datetime(2026, 11, 22, 11, tzinfo=UTC)
START = datetime(2026, 11, 20, 23, tzinfo=UTC)  # midnight of the 21st in Berlin


@pytest.fixture
def testville(project) -> Project:
    """48 hours of Hafen's inflow 0, 1, ... 9.5 m³/h by 0.25 and 10 readings of 4.5 to 9 m³/h in Berg."""
    folder = project(CITY)
    for name, text in {
        "recipes/reports/peaks.yaml": RECIPE,
        "analysis/water/peaks.py": ANALYSIS,
        "analysis/water/peaks.sql": SQL,
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    place = Project(folder)
    with Store.open(place.store_folder) as store:
        hours = [START + timedelta(hours=at) for at in range(36)]
        flows = [("hafen_inflow", hour, 0.25 * at) for at, hour in enumerate(hours)]
        flows += [("berg_inflow", hour, 4.5 + 0.25 * at) for at, hour in enumerate(hours[:10])]
        table = pa.table(
            {
                "point": [point for point, _, _ in flows],
                "time": pa.array([time for _, time, _ in flows], pa.timestamp("us", tz="UTC")),
                "value": [value for _, _, value in flows],
            }
        )
        store.add(table, source="test", received=NOW, points=place.city.points())
    return place


def recipe(place: Project, change: str, to: str) -> None:
    """Change the recipe's text."""
    assert change in RECIPE
    path = place.folder / "recipes/reports/peaks.yaml"
    path.write_text(RECIPE.replace(change, to), encoding="utf-8")


def test_a_report_of_three_new_files_runs(testville) -> None:
    result = run("peaks", testville, now=NOW)
    assert result.title == "Highest inflow of each zone"
    assert str(result.interval) == "2026-11-20 12:00 to 2026-11-22 12:00, Europe/Berlin"  # last: 2d
    (table,) = result.tables
    assert [column.key for column in table.columns] == ["zone", "peak", "verdict"]
    # 2 L/s are 7.2 m³/h. Hafen's last of 36 readings is 35 x 0.25, Berg's last of ten 4.5 + 9 x 0.25.
    assert table.rows == [("hafen", 8.75, "HIGH"), ("berg", 6.75, "normal")]
    assert [plot.key for plot in result.plots] == ["inflow:hafen", "inflow:berg"]
    assert result.notes == [
        "About: Which zones draw more than they should.",
        "Method: the largest reading of each zone.",
        "Source: made up for this test",
        "Limit: knows nothing of season",
        "Parameters: threshold 7.2 m³/h, share 5 %, from time 02:00",
    ]


def test_the_command_line_goes_before_the_recipe_and_the_recipe_before_the_analysis(testville) -> None:
    result = run(
        "peaks", testville, now=NOW, settings=["threshold=6 m3/h"], since="2026-11-21", until="2026-11-21"
    )
    assert result.summary == "1 zones over 6.0 m3/h"
    # The 21st has 24 hours: Hafen reaches 23 x 0.25 = 5.75, Berg 6.75.
    assert result.tables[0].rows == [("hafen", 5.75, "normal"), ("berg", 6.75, "HIGH")]
    assert "threshold 6 m³/h" in result.notes[-1]
    recipe(testville, "parameters:\n  threshold: 2 L/s\n", "")
    assert "threshold 5 m³/h" in run("peaks", testville, now=NOW).notes[-1]


def test_findings_alone_are_rows(testville) -> None:
    result = run("peaks", testville, now=NOW, findings_alone=True)
    assert [row[1] for row in result.tables[0].rows] == ["hafen"]
    assert result.plots == []
    assert result.exit_code(on_findings=True) is ExitCode.FOUND


def test_an_interval_without_readings_says_where_they_are(testville) -> None:
    result = run("peaks", testville, now=NOW, since="2025-01-01", until="2025-01-07")
    assert result.exit_code() is ExitCode.INCOMPLETE
    assert (
        "no readings in this interval: the store's run from 2026-11-21 to 2026-11-22 "
        "(try --since 2026-11-21 --until 2026-11-22)" in result.notes
    )


def test_an_empty_store_says_how_readings_come_in(testville, monkeypatch, tmp_path) -> None:
    for folder in (tmp_path / "none", tmp_path / "empty"):
        if folder.name == "empty":
            Store.open(folder).close()
        monkeypatch.setenv("CITYCTL_STORE", str(folder))
        with pytest.raises(StoreProblem, match="no readings yet") as caught:
            run("peaks", testville, now=NOW)
        assert "cityctl poll" in str(caught.value.hint)


def test_an_unknown_report_says_where_it_looked(testville) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        run("peeks", testville, now=NOW)
    assert caught.value.message == "no report named `peeks`"
    assert caught.value.hint == "did you mean `peaks`?"
    assert [line.split(":")[0] for line in caught.value.tried] == ["project", "user", "shipped"]


@pytest.mark.parametrize(
    ("change", "to", "place", "says", "hint"),
    [
        ("last: 2d", "lasts: 2d", "4:1", "unknown key `lasts`", "did you mean `last`?"),
        ("last: 2d", "last: 2 fortnights", "4:1", "no duration", "write"),
        ("title: Highest inflow of each zone\n", "", "1:1", "`title` is missing", None),
        ("report: peaks", "report: tops", "1:1", "stands in peaks.yaml", "write `report: peaks`"),
        (
            "water/peaks",
            "water/peeks",
            "3:1",
            "no analysis named `water/peeks`",
            "did you mean `water/peaks`?",
        ),
        ("threshold: 2", "treshold: 2", "6:3", "no parameter `treshold`", "did you mean `threshold`?"),
        ("2 L/s", "-1 L/s", "6:3", "below 0", None),
        ("2 L/s", "2 kWh", "6:3", "parameter `threshold`", None),
        ("zones: [zone, peak", "zone: [zone, peak", "8:3", "no table `zone`", "did you mean `zones`?"),
        ("peak, verdict", "paek, verdict", "8:17", "no column `paek`", "did you mean `peak`?"),
        ("plots: [inflow]", "plots: [inflows]", "9:9", "no plot `inflows`", "did you mean `inflow`?"),
        ("intro:", "intor:", "11:3", "unknown key `words.intor`", "did you mean `intro`?"),
    ],
)
def test_a_wrong_recipe_is_named_with_its_place(testville, change, to, place, says, hint) -> None:
    recipe(testville, change, to)
    with pytest.raises(ConfigInvalid) as caught:
        run("peaks", testville, now=NOW)
    assert f"peaks.yaml:{place}: " in caught.value.message
    assert says in caught.value.message
    assert (hint or "") in (caught.value.hint or "")


@pytest.mark.parametrize(
    "said", ["treshold=2", "threshold", "=2", "threshold=high", "threshold=-1", "share=5 bar"]
)
def test_a_wrong_setting_of_the_command_is_a_usage_problem(testville, said) -> None:
    with pytest.raises(UsageProblem):
        run("peaks", testville, now=NOW, settings=[said])


def test_a_flat_list_of_columns_means_the_first_table(testville) -> None:
    recipe(testville, "columns:\n  zones: [zone, peak, verdict]", "columns: [verdict, zone]")
    result = run("peaks", testville, now=NOW)
    assert result.tables[0].rows == [("HIGH", "hafen"), ("normal", "berg")]


def test_the_list_names_each_report_and_what_is_broken(testville) -> None:
    (testville.folder / "recipes/reports/broken.yaml").write_text("report: broken\n", encoding="utf-8")
    result = listing(testville.library)
    rows = {row[0]: row for row in result.tables[0].rows}
    assert rows["peaks"][1:5] == ("Highest inflow of each zone", "water/peaks", "2d", "project")
    assert [missing.what for missing in result.completeness.missing] == ["broken"]
    assert "broken.yaml:1:1" in result.completeness.missing[0].why
    assert result.exit_code() is ExitCode.INCOMPLETE


def test_show_says_what_a_report_asks(testville) -> None:
    result = description("peaks", testville.library)
    report, parameters, columns = result.tables
    topics = {row[0]: row[1] for row in report.rows}
    assert topics["asks"] == "Which zones draw more than they should."
    assert topics["method"] == "the largest reading of each zone."
    assert topics["limit"] == "knows nothing of season"
    assert str(topics["found"]).startswith("project: ")
    settings = {row[0]: row[1:4] for row in parameters.rows}
    assert settings["threshold"] == ("7.2", "m³/h", "recipe")
    assert settings["share"] == ("5 %", None, "default")
    assert settings["from_time"] == ("02:00", None, "default")
    assert settings["slot"] == ("-", None, "default")
    assert [row[0] for row in columns.rows] == ["zone", "readings", "peak", "verdict"]


def test_the_commands_speak_every_format(testville, capsys, monkeypatch, tmp_path) -> None:
    from cityctl.cli import command

    monkeypatch.setenv("CITYCTL_NOW", NOW.isoformat())

    def ask(*words: str) -> tuple[int, str, str]:
        code = command().main(["report", *words, "--project", str(testville.folder)], standalone_mode=False)
        said = capsys.readouterr()
        return code, said.out, said.err

    code, plain, problems = ask("run", "peaks")
    assert code == 0, problems
    assert "Highest inflow of each zone   20 Nov 2026 12:00 to 22 Nov 2026 12:00, Europe/Berlin" in plain
    assert "(exit 0, or 3 with --exit-code)" in plain
    assert ask("run", "peaks", "--exit-code")[0] == 3

    document_of = json.loads(ask("run", "peaks", "-o", "json")[1])
    rows = list(csv.DictReader(io.StringIO(ask("run", "peaks", "-o", "csv")[1])))
    assert (
        [float(row["peak [m3/h]"]) for row in rows]
        == [row["peak"] for row in document_of["rows"]]
        == [8.75, 6.75]
    )

    assert ask("run", "peaks", "--only-findings", "--set", "threshold=100")[:2] == (0, "")
    loud = ask("run", "peaks", "--only-findings")[1]
    assert "hafen" in loud
    assert "berg" not in loud

    page = tmp_path / "peaks.html"
    assert ask("run", "peaks", "--output-file", str(page))[0] == 0
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")

    code, said, problems = ask("run", "peeks")
    assert (code, said) == (10, "")
    assert "did you mean `peaks`?" in problems
    assert "Traceback" not in problems
    assert "peaks" in ask("list")[1]
    assert "threshold" in ask("show", "peaks")[1]


def test_the_list_needs_no_project(cityctl, tmp_path) -> None:
    ended = cityctl("report", "list", "-o", "json", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    shipped = json.loads(ended.stdout)["rows"]
    assert {row["report"] for row in shipped} == set(Library().list("recipes/reports"))


def test_the_schema_takes_a_recipe() -> None:
    from cityctl.document import parse

    Draft202012Validator(json.loads(schema_text())).validate(parse(RECIPE, Path("peaks.yaml")).data)


def test_the_published_schema_is_current() -> None:
    path = ROOT / "recipes" / "report.schema.json"
    command = "python -c 'from cityctl.report.recipe import schema_text; print(schema_text(), end=\"\")'"
    assert path.read_text(encoding="utf-8") == schema_text(), f"run {command} > recipes/report.schema.json"


@pytest.mark.parametrize(
    "path", sorted((ROOT / "recipes/reports").glob("*.yaml")), ids=lambda path: path.stem
)
def test_shipped_recipes_fit_schema_and_analysis(path) -> None:
    data = json.loads(json.dumps(document.read(path).data, default=str))
    Draft202012Validator(json.loads(schema_text())).validate(data)
    library = Library()
    loaded = load(library, path.stem)
    assert loaded.recipe.words.intro
    assert loaded.recipe.words.limits

    result = description(path.stem, Library())
    known = [row[0] for row in result.tables[2].rows]
    for one in loaded.parts:
        chosen = one.recipe.columns or []
        for keys in chosen.values() if isinstance(chosen, dict) else [chosen]:
            assert set(keys) <= set(known)


def test_a_report_over_a_file_alone_needs_no_store(project) -> None:
    """30 of 2000 customers without supply for 90 min: SAIDI 30 x 90 / 2000 min."""
    folder = project(
        "name: T\ntime_zone: Europe/Berlin\nnetworks: {power: {kind: power}}\n"
        "zones: {town: {network: power, connections: 2000}}\ninterruptions_file: interruptions.csv\n"
    )
    (folder / "interruptions.csv").write_text(
        "start,end,customers,zone,cause\n2025-04-17 10:30,2025-04-17 12:00,30,town,cable\n", encoding="utf-8"
    )
    place = Project(folder)
    result = run("reliability", place, now=NOW, since="2025", until="2025")
    indices = result.tables[0]
    keys = [column.key for column in indices.columns]
    assert indices.rows[0][keys.index("saidi")] == pytest.approx(30 * 90 / 2000)
    assert not place.store_folder.exists()


def test_no_word_of_a_shipped_report_is_quoted_twice() -> None:
    """A sentence that stands folded in YAML keeps the quotes around it, and a page shows them."""
    words = [load(Library(), name).recipe.words for name in Library().list("recipes/reports")]
    said = [line for one in words for line in (one.intro, one.method, *one.sources, *one.limits) if line]
    assert len(said) > 50
    assert [line for line in said if line.startswith(('"', "'"))] == []
