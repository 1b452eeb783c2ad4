"""What a recipe asks: its analysis, and with which parameters (defaults, then the recipe's, then `--set`).

The analysis' own parameters read the values; this file says where a wrong one was written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

from cityctl import clock
from cityctl.analysis.catalog import Analysis, find
from cityctl.analysis.question import Parameter
from cityctl.errors import ConfigInvalid, UsageProblem, near
from cityctl.report.recipe import Loaded, unknown
from cityctl.units import pretty


def analysis_of(loaded: Loaded, project: Path | None) -> Analysis:
    """The analysis that a recipe asks. Raises ConfigInvalid at the recipe's line where there is none."""
    try:
        return find(loaded.recipe.analysis, project)
    except ConfigInvalid as problem:
        place = loaded.place("analysis")
        raise ConfigInvalid(
            f"{place}: {problem.message}", tried=problem.tried, hint=problem.hint
        ) from problem


def from_recipe(loaded: Loaded, analysis: Analysis) -> dict[str, object]:
    """What the recipe says, read and checked. Raises ConfigInvalid with file:line:column."""
    known = {parameter.name: parameter for parameter in analysis.parameters}
    given: dict[str, object] = {}
    for name, value in loaded.recipe.parameters.items():
        trail = ("parameters", name)
        if name not in known:
            raise unknown(loaded, trail, "parameter", name, list(known))
        try:
            given[name] = known[name].settle(value)
        except UsageProblem as problem:
            place = loaded.place(*trail)
            raise ConfigInvalid(f"{place}: {problem.message}", hint=problem.hint) from None
    return given


def from_options(words: Sequence[str]) -> list[str]:
    """`--method split --plots=0` as `method=split`, `plots=0`; a dash in a name is an underscore.

    Raises UsageProblem for words that are no option with a value.
    """
    settings = []
    given = list(words)
    while given:
        word = given.pop(0)
        name, equals, value = word.partition("=")
        if not name.startswith("--") or len(name) < 3:
            raise UsageProblem(
                f"`{word}` means nothing here", hint="`cityctl report run --help` shows what it takes"
            )
        if not equals:
            if not given or given[0].startswith("--"):
                raise UsageProblem(
                    f"no option `{name}` without a value",
                    hint="`cityctl report show NAME` lists the parameters",
                )
            value = given.pop(0)
        settings.append(f"{name[2:].replace('-', '_')}={value}")
    return settings


def from_words(settings: Sequence[str]) -> dict[str, str]:
    """`threshold=2 m3/h` of the command line, as name -> text. Raises UsageProblem."""
    given: dict[str, str] = {}
    for said in settings:
        name, equals, value = said.partition("=")
        if not equals or not name.strip():
            raise UsageProblem(f"`--set {said}` names no value", hint="write `--set name=value`")
        given[name.strip()] = value.strip()
    return given


def settled(loaded: Loaded, analysis: Analysis, settings: Sequence[str]) -> dict[str, object]:
    """Every parameter of the analysis with its value. Raises ConfigInvalid (recipe) or UsageProblem (--set)."""
    given = from_words(settings)
    if loaded.part is not None:
        given = _for_part(loaded.part.part, given, {parameter.name for parameter in analysis.parameters})
    return analysis.settle({**from_recipe(loaded, analysis), **given})


def _for_part(name: str, given: Mapping[str, str], known: set[str]) -> dict[str, str]:
    """What is said to one part: `leaks.certainty` to `leaks` alone, `certainty` to each part that knows it."""
    own = {word: value for word, value in given.items() if word in known}
    begin = f"{name}."
    return own | {word.removeprefix(begin): value for word, value in given.items() if word.startswith(begin)}


def check_words(asked: Mapping[str, Analysis], settings: Sequence[str]) -> None:
    """That every setting speaks to a part of a report of several (name -> analysis). Raises UsageProblem."""
    known = [f"{name}.{one.name}" for name, analysis in asked.items() for one in analysis.parameters]
    short = {word.partition(".")[2] for word in known}
    for word in from_words(settings):
        if word not in known and word not in short:
            match = near(word, [*known, *sorted(short)])
            hint = f"did you mean `{match}`?" if match else "`cityctl report show NAME` lists the parameters"
            raise UsageProblem(f"no part of this report has a parameter `{word}`", hint=hint)


def said(parameter: Parameter, value: object) -> str:
    """A parameter's value as people write it: `02:00`, `5 %`, `7d`, `2 m³/h`; `-` where it is not given."""
    if value is None:
        return "-"
    if parameter.kind == "time" and isinstance(value, int):
        return f"{value // 60:02d}:{value % 60:02d}"
    if parameter.kind == "share" and isinstance(value, int | float):
        return f"{value * 100:g} %"
    if isinstance(value, timedelta):
        return clock.short(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, date):
        return value.isoformat()
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return f"{text} {pretty(parameter.unit)}" if parameter.unit else text


def sentence(analysis: Analysis, values: Mapping[str, object]) -> str:
    """All parameters in one line, for the foot of a report."""
    named = (
        (parameter.name.replace("_", " "), said(parameter, values[parameter.name]))
        for parameter in analysis.parameters
    )
    return ", ".join(f"{name} {text}" for name, text in named if text != "-")
