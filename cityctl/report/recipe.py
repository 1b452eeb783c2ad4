"""A report as a recipe: which analysis it asks, or which several, with parameters, columns, plots and words.

A utility copies one YAML file and changes it; no Python is needed. Knows no analysis by name.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from cityctl.checked import validate
from cityctl.document import Document, read
from cityctl.errors import ConfigInvalid, UsageProblem, near
from cityctl.library import Kind, Library

REPORTS: Kind = "recipes/reports"

ParameterValue = bool | int | float | date | str | list[str] | None
ColumnChoice = list[str] | dict[str, list[str]]
_ANALYSIS = r"^[a-z0-9_]+(/[a-z0-9_]+)+$"
OneOrMany = Annotated[
    list[str],
    BeforeValidator(lambda given: [given] if isinstance(given, str) else given),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]


class Words(BaseModel):
    """What a reader must know beside the figures."""

    model_config = ConfigDict(extra="forbid")

    intro: str = Field("", description="What the report asks, in one or two sentences.")
    method: str = Field("", description="How the figures are made.")
    sources: OneOrMany = Field(default_factory=list, description="Standards and papers that it rests on.")
    limits: OneOrMany = Field(default_factory=list, description="What it cannot tell, and what misleads it.")


class Question(BaseModel):
    """How an analysis is asked, and what of its answer is shown."""

    model_config = ConfigDict(extra="forbid")

    parameters: dict[str, ParameterValue] = Field(
        default_factory=dict,
        description="Values in place of the analysis' own defaults; text may carry a unit, such as `2 L/s`.",
    )
    columns: ColumnChoice | None = Field(
        None,
        description="Columns to show and their order: a list for the first table, or table -> list. "
        "All where it is not said.",
    )
    tables: list[str] | None = Field(
        None, description="Tables to show, by key and in this order; all where it is not said."
    )
    plots: list[str] | None = Field(
        None, description="Plots to draw, by key; `[]` for none, all where it is not said."
    )
    rows: dict[str, Annotated[int, Field(ge=1)]] = Field(
        default_factory=dict,
        description="Table -> how many of its rows a terminal shows; the others are counted, and pipes, pages and "
        "files hold all.",
    )
    words: Words = Field(default_factory=Words, description="What a reader must know beside the figures.")


class Part(Question):
    """One question of a report that asks several."""

    part: str = Field(
        description="The part's name within the report: `--set leaks.certainty=5` speaks to `leaks`.",
        pattern=r"^[a-z][a-z0-9_]*$",
    )
    title: str = Field(
        "", description="What stands above the part; the analysis' own title where it is not said."
    )
    analysis: str = Field(
        description="The analysis that is asked, such as water/night_flow.", pattern=_ANALYSIS
    )
    last: str = Field("", description="An interval of its own, where none is given on the command line.")
    optional: bool = Field(
        False, description="A city that has nothing of the kind is no gap: the part is left out with a note."
    )

    _last = field_validator("last")(lambda said: _interval(said) if said else said)


class Recipe(Question):
    """recipes/reports/NAME.yaml."""

    report: str = Field(description="The report's name: that of its file.", pattern=r"^[a-z0-9][a-z0-9_-]*$")
    title: str = Field(description="What stands above the report.", min_length=1)
    last: str = Field(
        "7d", description="The interval where none is given: 7d, 4w, last-week, last-month, last-year ..."
    )
    analysis: str = Field("", description="The one analysis that is asked.", pattern=rf"^$|{_ANALYSIS}")
    parts: list[Part] = Field(
        default_factory=list, description="In place of `analysis`: several, one after the other on one page."
    )

    _last = field_validator("last")(lambda said: _interval(said))

    @model_validator(mode="after")
    def _asks_something(self) -> Recipe:
        if bool(self.analysis) == bool(self.parts):
            raise ValueError("a report names an `analysis`, or several under `parts`: one of the two")
        if self.parts and (self.parameters or self.columns or self.tables or self.plots or self.rows):
            raise ValueError(
                "with `parts`, each part has its own parameters, columns, tables, rows and plots"
            )
        names = [part.part for part in self.parts]
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"two parts are named `{twice[0]}`")
        return self


def _interval(said: str) -> str:
    """The words of an interval, as they are. Raises ValueError."""
    from datetime import UTC, datetime

    from cityctl import clock

    try:
        clock.interval(None, None, None, zone=UTC, now=datetime(2026, 1, 15, tzinfo=UTC), default=said)
    except UsageProblem as problem:
        raise ValueError(f"{problem.message} hint: {problem.hint}") from None
    return said


@dataclass(frozen=True)
class Loaded:
    """A recipe, the document that it was read from, and whose file that is (project, user or shipped).

    Of a report of several parts, each is asked as a report of its own (`parts`): `part` names it, and `trail`
    leads to it in the document.
    """

    recipe: Recipe
    document: Document
    origin: str
    trail: tuple[str | int, ...] = ()
    part: Part | None = None

    @property
    def parts(self) -> list[Loaded]:
        """Every question of the report: itself, where it asks one."""
        if not self.recipe.parts:
            return [self]
        return [
            replace(self, recipe=self._alone(part), trail=("parts", at), part=part)
            for at, part in enumerate(self.recipe.parts)
        ]

    def asked_as(self, name: object) -> Loaded:
        """The part of that name, as a finding's evidence keeps it; the first question where it names none."""
        return next((one for one in self.parts if one.part and one.part.part == name), self.parts[0])

    def _alone(self, part: Part) -> Recipe:
        said = part.model_dump(include=set(Question.model_fields))
        return Recipe(
            report=self.recipe.report,
            title=part.title or self.recipe.title,
            last=part.last or self.recipe.last,
            analysis=part.analysis,
            **said,
        )

    def place(self, *trail: str | int) -> str:
        """`file:line:column` of something within this question."""
        return str(self.document.place(*self.trail, *trail))


def load(library: Library, name: str) -> Loaded:
    """The recipe of that name. Raises UsageProblem: where it looked; or ConfigInvalid: file:line:column."""
    return read_recipe(library.asked_for(REPORTS, name), library)


def read_recipe(path: Path, library: Library) -> Loaded:
    """The recipe of a file. Raises ConfigInvalid."""
    document = read(path)
    recipe = validate(Recipe, document)
    if recipe.report != path.stem:
        raise ConfigInvalid(
            f"{document.place('report')}: `report: {recipe.report}` stands in {path.name}",
            hint=f"write `report: {path.stem}`: a report is asked for by the name of its file",
        )
    return Loaded(recipe, document, library.origin(path))


def schema_text() -> str:
    """The JSON Schema of a report recipe, as recipes/report.schema.json holds it."""
    schema = Recipe.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "cityctl report recipe"
    return json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def unknown(
    loaded: Loaded, trail: tuple[str | int, ...], what: str, word: str, known: list[str]
) -> ConfigInvalid:
    """The error for a name in a recipe that its analysis does not have: place, near match, what there is."""
    match = near(word, known)
    there = f"there are: {', '.join(known)}" if known else f"it has no {what}s"
    return ConfigInvalid(
        f"{loaded.place(*trail)}: no {what} `{word}`", hint=f"did you mean `{match}`?" if match else there
    )
