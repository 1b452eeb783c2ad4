"""Analyses are found by being there, a project's own among them, and each keeps the rules of the house."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import pytest

from cityctl import glossary
from cityctl.analysis.catalog import HERE, Analysis, catalog, find, statements
from cityctl.errors import ConfigInvalid
from cityctl.result import Result
from tests.analysis.conftest import rows_of, slots

SHIPPED = list(catalog().values())

SQL = """
-- name: total
select point, sum(value) as total from readings group by point order by point
"""

PYTHON = '''
"""How much each point adds up to."""

from cityctl import glossary
from cityctl.analysis.question import Parameter
from cityctl.result import Column, Result, Table

TITLE = "Totals"
SUMMARY = "sums"
COLUMNS = (glossary.column("point"), Column("total", "Total", "kWh", "sum of the readings", "number"))
PARAMETERS = (Parameter("least", "number", 0.0, "kWh", "leave out what is below"),)


def points(city, parameters):
    return sorted(city.points())


def answer(question):
    rows = [row for row in question.engine.rows(question.sql("total")) if row[1] >= question.parameters["least"]]
    return Result(TITLE, [Table("totals", TITLE, list(COLUMNS), rows)])
'''

CITY = """
name: Small
time_zone: UTC
networks: {power: {kind: power}}
zones: {hall: {network: power}}
points:
  a: {unit: kWh, kind: interval, every: 1h, zone: hall}
  b: {unit: kWh, kind: interval, every: 1h, zone: hall}
"""


def add(folder: Path, name: str, python: str = PYTHON, sql: str = SQL) -> None:
    path = folder / "analysis" / f"{name}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(python, encoding="utf-8")
    path.with_suffix(".sql").write_text(sql, encoding="utf-8")


def test_a_new_analysis_is_two_files(ask: Callable[..., Result], project: Callable[[str], Path]) -> None:
    add(project(CITY), "own/totals")
    times = slots("2026-01-01", "2026-01-02", 60)
    series = {"a": (times, [1.0] * 24), "b": (times, [0.5] * 24)}
    result = ask("own/totals", CITY, series, "2026-01-01", "2026-01-02", least="20 kWh")
    assert rows_of(result, "totals") == [{"point": "a", "total": 24.0}]  # b comes to 12 kWh


def test_a_projects_own_hides_a_shipped_one(tmp_path: Path) -> None:
    add(tmp_path, "water/night_flow")
    assert find("water/night_flow", tmp_path).title == "Totals"
    assert find("water/night_flow").title == "Minimum night flow"


def test_python_without_sql_is_no_analysis(tmp_path: Path) -> None:
    add(tmp_path, "own/totals")
    (tmp_path / "analysis" / "own" / "totals.sql").unlink()
    assert "own/totals" not in catalog(tmp_path)


def test_an_unknown_name_gets_places_and_the_near_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        find("water/nightflow", tmp_path)
    assert caught.value.hint == "did you mean `water/night_flow`?"
    assert any(str(tmp_path) in place for place in caught.value.tried)


@pytest.mark.parametrize(
    ("python", "said"),
    [
        ("TITLE = 'x'\n", "the analysis has no SUMMARY, COLUMNS, PARAMETERS, points and answer"),
        ("x = (\n", "totals.py:1:1: SyntaxError"),
        ("import os\n\nraise ValueError('no')\n", "totals.py:3:1: ValueError: no"),
    ],
)
def test_a_broken_one_is_named_with_its_line(tmp_path: Path, python: str, said: str) -> None:
    add(tmp_path, "own/totals", python)
    with pytest.raises(ConfigInvalid) as caught:
        _ = find("own/totals", tmp_path).module
    assert said in caught.value.message.replace(", points, answer", ", points and answer")


def test_statements_stand_under_their_names() -> None:
    assert statements("select 1") == {"main": "select 1"}
    assert statements("-- about\n-- name: one\nselect 1\n\n-- name: two\nselect 2\n") == {
        "one": "select 1",
        "two": "select 2",
    }


FORBIDDEN = {
    "httpx",
    "socket",
    "subprocess",
    "urllib",
    "requests",
    "pymodbus",
    "duckdb",
    "time",
    "os",
    "pathlib",
}


@pytest.mark.parametrize("analysis", SHIPPED, ids=lambda one: one.name)
class TestEveryAnalysis:
    def test_says_what_it_is(self, analysis: Analysis) -> None:
        assert analysis.title
        assert analysis.summary
        assert analysis.module.__doc__

    def test_columns_have_meaning_and_figures_a_unit(self, analysis: Analysis) -> None:
        keys = [column.key for column in analysis.columns]
        assert len(keys) == len(set(keys))
        unitless = {"nmbe", "r2_adj", "days", "beyond_days", "meters", "proven", "nights", "fsu", "cvrmse"}
        unitless |= {"uncertainty", "criterion", "power_factor", "billed", "price", "worst_mean"}
        unitless |= {"indicator_value", "indicator_low", "indicator_high", "n1"}
        unitless |= {"value", "flagged_least", "flagged_most"}  # their unit stands in a column beside them
        for column in analysis.columns:
            assert column.meaning, column.key
            if column.kind in ("number", "spark") and column.key not in unitless:
                assert column.unit, column.key

    def test_a_word_of_the_glossary_means_the_same(self, analysis: Analysis) -> None:
        for column in analysis.columns:
            if column.key in glossary.GLOSSARY:
                assert column.meaning == glossary.GLOSSARY[column.key].meaning

    def test_parameters_have_meaning_and_a_default_that_passes(self, analysis: Analysis) -> None:
        for parameter in analysis.parameters:
            assert parameter.meaning, parameter.name
            assert parameter.settle(parameter.default) == parameter.default

    def test_its_sql_is_used_by_name(self, analysis: Analysis) -> None:
        folder = analysis.path.parent
        code = "\n".join(path.read_text(encoding="utf-8") for path in folder.rglob("*.py"))
        assert analysis.statements
        for name in analysis.statements:
            assert f'"{name}"' in code, f"{name} is never asked for"


@pytest.mark.parametrize("path", sorted(HERE.glob("*/**/*.py")), ids=lambda path: str(path.relative_to(HERE)))
def test_analyses_are_pure(path: Path) -> None:
    """No network, file, clock or printing: what an analysis needs comes with the question."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            assert not {name.name.split(".")[0] for name in node.names} & FORBIDDEN
        if isinstance(node, ast.ImportFrom):
            assert (node.module or "").split(".")[0] not in FORBIDDEN
            assert not (node.module or "").startswith(
                ("cityctl.store", "cityctl.engine", "cityctl.cli", "cityctl.report")
            )
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in ("print", "open", "input")
            assert not called.endswith((".now", ".today", ".utcnow"))


def test_every_sql_has_its_python() -> None:
    for sql in HERE.glob("*/*.sql"):
        used = any(
            f"-- use: {sql.stem}\n" in other.read_text(encoding="utf-8") for other in sql.parent.glob("*.sql")
        )
        assert sql.with_suffix(".py").is_file() or used
