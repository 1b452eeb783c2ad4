"""Which reports there are, and what one of them asks: `report list` and `report show`.

Reads recipes and the words of analyses; opens no store.
"""

from __future__ import annotations

from dataclasses import replace

from cityctl.analysis.catalog import Analysis
from cityctl.errors import ConfigInvalid
from cityctl.glossary import column
from cityctl.library import Library
from cityctl.report.asking import analysis_of, from_recipe, said
from cityctl.report.recipe import REPORTS, Loaded, Recipe, load, read_recipe
from cityctl.result import Column, Completeness, Missing, Result, Table
from cityctl.units import pretty

COLUMNS: tuple[Column, ...] = (
    Column("report", "Report", meaning="the name that `cityctl report run` takes", priority=1),
    Column("title", "Title", meaning="what stands above it", priority=2),
    Column("analysis", "Analysis", meaning="the analysis that it asks", priority=4),
    Column("interval", "Interval", meaning="the interval where none is given", priority=5),
    column("origin", priority=3),
    Column("topic", "Topic", meaning="what the line is about", priority=1),
    Column("said", "What it says", meaning="what is said about it", priority=1),
    Column("parameter", "Parameter", meaning="the name that `--set` takes", priority=1),
    Column("setting", "Value", meaning="the value where none is given", priority=1),
    Column("set_by", "Set by", meaning="recipe, or default: the analysis' own value", priority=4),
    column("meaning"),
    Column("column", "Column", meaning="the key of a column, in recipes and files", priority=1),
    Column("label", "Label", meaning="what stands above the column", priority=3),
)
_BY_KEY = {one.key: one for one in COLUMNS}


def _columns(*keys: str) -> list[Column]:
    return [_BY_KEY.get(key) or column(key) for key in keys]


def listing(library: Library) -> Result:
    """Every report by name; a recipe that is broken is named as missing, with the place of its error."""
    rows: list[tuple[object, ...]] = []
    broken: list[Missing] = []
    paths = library.list(REPORTS)
    for name, path in paths.items():
        try:
            loaded = read_recipe(path, library)
        except ConfigInvalid as problem:
            broken.append(Missing(name, problem.message))
            continue
        recipe = loaded.recipe
        rows.append((name, recipe.title, _asks(recipe), recipe.last, loaded.origin, str(path)))
    return Result(
        title="Reports",
        tables=[
            Table(
                "reports", "Reports",
                [*_columns("report", "title", "analysis", "interval", "origin"), column("file", priority=9)], rows,
            )
        ],
        completeness=Completeness(len(paths), len(rows), broken, "recipes") if broken else Completeness(),
        summary="`cityctl report show NAME` says what one asks" if rows else "",
    )  # fmt: skip


def description(name: str, library: Library) -> Result:
    """What a report asks: its words, parameters with values and units, columns, and where it was found.

    Raises ConfigInvalid: where it looked and the near match, or file:line:column of what is wrong.
    """
    loaded = load(library, name)
    asked = [(one, analysis_of(one, library.project)) for one in loaded.parts]
    columns = {one.key: one for _, analysis in asked for one in analysis.columns}
    tables = [
        Table("report", "Report", _columns("topic", "said"), _topics(loaded, asked)),
        Table(
            "parameters", "Parameters", _columns("parameter", "setting", "unit", "set_by", "meaning"),
            [row for one, analysis in asked for row in _parameters(one, analysis)],
        ),
        Table(
            "columns", "Columns", _columns("column", "label", "unit", "meaning"),
            [(one.key, one.label, _unit(one), one.meaning) for one in columns.values()],
        ),
    ]  # fmt: skip
    return Result(title=loaded.recipe.title, tables=tables)


def _asks(recipe: Recipe) -> str:
    return recipe.analysis or ", ".join(dict.fromkeys(part.analysis for part in recipe.parts))


def _topics(loaded: Loaded, asked: list[tuple[Loaded, Analysis]]) -> list[tuple[object, ...]]:
    recipe, words = loaded.recipe, loaded.recipe.words
    lines: list[tuple[object, ...]] = [
        ("report", recipe.report),
        ("asks", words.intro or asked[0][1].summary),
        *(_asked(one, analysis) for one, analysis in asked),
        ("interval", f"{recipe.last}, where none is given"),
        ("method", words.method),
        *(("source", source) for source in words.sources),
        *(("limit", limit) for limit in words.limits),
        ("found", f"{loaded.origin}: {loaded.document.path}"),
    ]
    return [line for line in lines if line[1]]


def _asked(one: Loaded, analysis: Analysis) -> tuple[object, ...]:
    said = f"{analysis.name}: {one.recipe.title if one.part and one.part.title else analysis.title}"
    if one.part is None:
        return ("analysis", said)
    more = [one.part.last] if one.part.last else []
    more += ["left out where the city has nothing of the kind"] if one.part.optional else []
    return (f"part {one.part.part}", ", ".join([said, *more]))


def _parameters(loaded: Loaded, analysis: Analysis) -> list[tuple[object, ...]]:
    given = from_recipe(loaded, analysis)
    values = analysis.settle(given)
    return [
        (
            f"{loaded.part.part}.{one.name}" if loaded.part else one.name,
            said(replace(one, unit=None), values[one.name]),
            pretty(one.unit) if one.unit else None,
            "recipe" if one.name in given else "default",
            one.meaning + (f" ({', '.join(one.choices)})" if one.choices else ""),
        )
        for one in analysis.parameters
    ]


def _unit(one: Column) -> str | None:
    if one.kind == "share":
        return "%"
    return pretty(one.unit) if one.unit else None
