"""Recipes of reports: what is wrong in one is named with its place, and the shipped ones fit schema and analysis."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from cityctl import document
from cityctl.errors import ConfigInvalid, ExitCode, UsageProblem
from cityctl.library import Library
from cityctl.report.recipe import load, schema_text
from cityctl.report.run import run
from cityctl.report.shelf import description, listing
from tests.report.peaks import NOW, RECIPE, recipe

ROOT = Path(__file__).resolve().parents[2]


def test_an_unknown_report_says_where_it_looked(testville) -> None:
    with pytest.raises(UsageProblem) as caught:
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


def test_a_flat_list_of_columns_means_the_first_table(testville) -> None:
    recipe(testville, "columns:\n  zones: [zone, peak, verdict]", "columns: [verdict, zone]")
    result = run("peaks", testville, now=NOW)
    assert result.tables[0].rows == [("HIGH", "hafen"), ("normal", "berg")]


def test_the_list_needs_no_project(cityctl, tmp_path) -> None:
    ended = cityctl("report", "list", "-o", "json", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    shipped = json.loads(ended.stdout)["rows"]
    assert {row["report"] for row in shipped} == set(Library().list("recipes/reports"))


def test_no_word_of_a_shipped_report_is_quoted_twice() -> None:
    """A sentence that stands folded in YAML keeps the quotes around it, and a page shows them."""
    words = [load(Library(), name).recipe.words for name in Library().list("recipes/reports")]
    said = [line for one in words for line in (one.intro, one.method, *one.sources, *one.limits) if line]
    assert len(said) > 50
    assert [line for line in said if line.startswith(('"', "'"))] == []
