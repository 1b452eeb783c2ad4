"""`cityctl help TOPIC`: the tables that README and the program share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from cityctl.cli.leaf import leaf
from cityctl.cli.run import Run
from cityctl.errors import ExitCode, UsageProblem, near
from cityctl.glossary import column
from cityctl.result import Column, Result, Table

COLUMNS: tuple[Column, ...] = (
    Column("code", "Code", meaning="exit code of the program", kind="integer", priority=1),
    Column("write", "Write", meaning="what may be written", priority=1),
    Column("means", "Means", meaning="what that means", priority=1),
    Column("kept_in", "Kept in", meaning="the unit of the store and of every analysis", priority=1),
    Column("also", "Also read", meaning="units that are converted", priority=2),
    Column("label", "Label", meaning="what stands above the column", priority=3),
    Column("folder", "Folder", meaning="where it is looked for", priority=1),
    Column("files", "Files", meaning="how many are there", kind="integer", priority=2),
    Column("about", "About", meaning="what it is about", priority=1),
    Column("topic", "Topic", meaning="what the line is about", priority=1),
)
_BY_KEY = {one.key: one for one in COLUMNS}


def _columns(*keys: str) -> list[Column]:
    return [_BY_KEY.get(key) or column(key) for key in keys]


def _exit_codes(_run: Run) -> Result:
    columns = _columns("code", "means")
    rows: list[tuple[object, ...]] = [(int(code), code.meaning) for code in ExitCode]
    return Result("Exit codes", [Table("exit_codes", "Exit codes", columns, rows)])


def _times(_run: Run) -> Result:
    columns = _columns("write", "means")
    rows: list[tuple[object, ...]] = [
        ("2026-11-15", "that local day; as --until, its end"),
        ("2026-11 or 2026", "that month or year"),
        ("2026-11-15T06:30", "that instant in the city's time zone; with Z or +02:00, there"),
        ("today, yesterday", "that local day"),
        ("this-week, last-week", "Monday to Monday"),
        ("this-month, last-month, this-year, last-year", "by the calendar"),
        ("90m, 36h, 7d, 2w", "so long before now; days and weeks by the local calendar"),
        ("now", "this instant"),
    ]
    note = (
        "--since and --until, or --last; half-open; the interval that it means is always printed. --since alone "
        "reaches until now: --since last-month holds this month too, --last last-month does not."
    )
    return Result("Times", [Table("times", "Times", columns, rows)], notes=[note])


def _units(_run: Run) -> Result:
    from cityctl import units

    columns = _columns("quantity", "kept_in", "also")
    rows: list[tuple[object, ...]] = []
    for quantity in units.QUANTITIES:
        kept = units.canonical(quantity).symbol
        others = [unit.symbol for unit in units.UNITS.values() if unit.quantity == quantity]
        rows.append((quantity, units.pretty(kept), ", ".join(symbol for symbol in others if symbol != kept)))
    return Result("Units", [Table("units", "Units", columns, rows)])


def _glossary(_run: Run) -> Result:
    from cityctl.report.words import glossary

    columns = _columns("key", "label", "unit", "meaning")
    rows: list[tuple[object, ...]] = [
        (word.key, word.label, word.unit or "", word.meaning) for word in glossary().values()
    ]
    return Result("Glossary", [Table("glossary", "Glossary", columns, rows)])


def _files(run: Run) -> Result:
    from cityctl.library import KINDS

    columns = _columns("kind", "origin", "folder", "files")
    rows: list[tuple[object, ...]] = [
        (kind, origin, str(folder), len(list(folder.glob("*.yaml"))) if folder.is_dir() else 0)
        for kind in KINDS
        for origin, folder in run.library.folders(kind)
    ]
    note = "The first folder that holds a name is used."
    return Result("Where cityctl looks", [Table("files", "Files", columns, rows)], notes=[note])


def _analysis(_run: Run) -> Result:
    from cityctl.analysis.catalog import HOLDS

    rows: list[tuple[object, ...]] = list(HOLDS.items())
    note = "A project's own: analysis/AREA/NAME.py, with NAME.sql beside it; a recipe says `analysis: AREA/NAME`."
    tables = [Table("analysis", "An analysis", _columns("write", "means"), rows)]
    return Result("What an analysis holds", tables, notes=[note])


def _city(_run: Run) -> Result:
    from cityctl.project.schemas import city_keys

    return city_keys()


def _roles(_run: Run) -> Result:
    from cityctl.city.sources import ROLES

    rows: list[tuple[object, ...]] = list(ROLES.items())
    note = (
        "`points: {school-kwh: {..., role: consumption}}`; an analysis of a project's own may ask for others."
    )
    return Result(
        "Roles of points", [Table("roles", "Roles", _columns("write", "means"), rows)], notes=[note]
    )


TOPICS: dict[str, tuple[str, Callable[[Run], Result]]] = {
    "exit-codes": ("what a run's ending means to scripts", _exit_codes),
    "times": ("what --since, --until and --last take", _times),
    "units": ("quantities, and the units they are read and kept in", _units),
    "glossary": ("every column of every report", _glossary),
    "files": ("where connectors and recipes are looked for", _files),
    "city": ("every key of city.yaml", _city),
    "roles": ("what a point's `role` may be, and what reports take it for", _roles),
    "analysis": ("what an analysis of a project's own holds", _analysis),
}
MAN = "man"
ABOUT = {
    **{name: about for name, (about, _) in TOPICS.items()},
    MAN: "the manual page: `cityctl help man | man -l -`",
}


def topics(incomplete: str) -> list[str]:
    """Topics that begin so."""
    return [topic for topic in ABOUT if topic.startswith(incomplete)]


def _meant(word: str) -> str:
    """What somebody may want who asks for help on a word that is no topic."""
    from cityctl.cli.root import COMMANDS

    if word in COMMANDS:
        return f"`cityctl {word} --help` shows the command"
    match = near(word, ABOUT)
    return f"did you mean `cityctl help {match}`?" if match else f"one of: {', '.join(ABOUT)}"


def register(app: typer.Typer) -> None:
    """Add `help` to the root."""

    @leaf(app, name="help", example="cityctl help exit-codes")
    def help_(
        run: Run,
        topic: Annotated[str | None, typer.Argument(help=", ".join(ABOUT), autocompletion=topics)] = None,
    ) -> ExitCode:
        """Topics: exit codes, times, units, glossary, files, city.yaml, roles, analyses, the manual page."""
        if topic is None:
            columns = _columns("topic", "about")
            rows: list[tuple[object, ...]] = list(ABOUT.items())
            note = "`cityctl COMMAND --help` shows a command with an example."
            return run.show(Result("Help topics", [Table("topics", "Topics", columns, rows)], notes=[note]))
        if topic == MAN:
            from cityctl.cli.man import page

            return run.show_text(page(), title="cityctl(1)")
        if topic not in TOPICS:
            raise UsageProblem(f"no help topic `{topic}`", hint=_meant(topic))
        return run.show(TOPICS[topic][1](run))
