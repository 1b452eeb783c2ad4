"""`cityctl init`: the folder of a new city, with a city.yaml that can be read and filled in."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from cityctl import clock
from cityctl.city.load import FILE_NAME, load
from cityctl.disk import write_atomic
from cityctl.errors import UsageProblem
from cityctl.glossary import column
from cityctl.project.schemas import city_schema
from cityctl.result import Result, Table

_IGNORED = "# what cityctl keeps for itself: readings, raw exports, state\n.cityctl/\n"
_FOLDERS = {
    "connectors/devices": "YAML of device models that only this city has",
    "connectors/services": "YAML of exports that only this city has",
    "recipes/reports": "reports of this city; a file of a shipped report's name takes its place",
    "analysis": "analyses of this city: AREA/NAME.py with NAME.sql beside it",
}


def city_text(*, name: str, time_zone: str, country: str | None, currency: str) -> str:
    """city.yaml of a city that has nothing yet. Raises UsageProblem for an unknown time zone."""
    clock.zone_named(time_zone)
    if country is not None and (len(country) != 2 or not country.isascii() or not country.isalpha()):
        raise UsageProblem(f"`{country}` is no country code", hint="write two letters, such as DE or GB")
    if len(currency) != 3 or not currency.isascii() or not currency.isalpha():
        raise UsageProblem(f"`{currency}` is no currency code", hint="write three letters, such as EUR")
    said = f"country: {country.upper():<25} # public holidays: ISO 3166\n" if country else ""
    template = (files("cityctl.project") / "city_template.yaml").read_text(encoding="utf-8")
    return template.format(
        name=json.dumps(name, ensure_ascii=False),
        time_zone=time_zone,
        country=said,
        currency=currency.upper(),
    )


def make(
    folder: Path, *, text: str, extra: dict[str, str] | None = None, replace: bool = False
) -> list[tuple[str, str]]:
    """Make a project folder around a city.yaml; (path, what it is for) of everything in it.

    Raises UsageProblem where a city.yaml is there already and `replace` is not asked for, or where the
    folder cannot be made.
    """
    target = folder / FILE_NAME
    if target.exists() and not replace:
        raise UsageProblem(
            f"{target} is there already; nothing was changed",
            hint=f"`cityctl doctor --project {folder}` checks it, or name another folder",
        )
    made: list[tuple[str, str]] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, purpose in _FOLDERS.items():
            (folder / name).mkdir(parents=True, exist_ok=True)
            made.append((f"{name}/", purpose))
        write_atomic(folder / ".cityctl" / "city.schema.json", city_schema().encode())
        if not (folder / ".gitignore").exists():
            write_atomic(folder / ".gitignore", _IGNORED.encode())
        for name, content in (extra or {}).items():
            write_atomic(folder / name, content.encode())
        write_atomic(target, text.encode())
    except OSError as problem:
        raise UsageProblem(f"cannot make {folder}: {problem.strerror or problem}") from None
    load(folder)
    return [(FILE_NAME, "what the city is: fill it in"), *made]


def filled(text: str, **parts: str) -> str:
    """city.yaml with lines under `zones`, `points` and so on in place of nothing; a new part comes at its end."""
    for name, lines in parts.items():
        if not lines:
            continue
        empty = f"\n{name}: {{}}\n"
        if empty in text:
            text = text.replace(empty, f"\n{name}:\n{lines}\n", 1)
        else:
            text += f"\n{name}:\n{lines}\n"
    return text


def describe(
    folder: Path, made: list[tuple[str, str]], steps: Sequence[str] = (), assumed: Sequence[str] = ()
) -> Result:
    """What was made, what it says that nobody had said, and what to do next."""
    columns = [column("path"), column("purpose")]
    table = Table("made", f"Made in {folder}", columns, [*made])
    said = [*steps] or [
        f"Next: edit {folder / FILE_NAME}, then `cityctl doctor --project {folder}`.",
        "`cityctl demo` shows a city that is filled in.",
    ]
    if assumed:
        said.insert(0, f"Assumed: {' and '.join(assumed)}; city.yaml says so, and may say otherwise.")
    return Result(f"A project in {folder}", [table], notes=said)
