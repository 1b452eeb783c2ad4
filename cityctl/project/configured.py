"""What a project's configuration says: a census, and each setting with its place."""

from __future__ import annotations

import json
import os
from typing import Any

from cityctl.city.load import FILE_NAME, load_profiles
from cityctl.city.project import Project
from cityctl.document import Document, Key, read
from cityctl.glossary import column
from cityctl.result import Result, Table

_ENVIRONMENT = ("CITYCTL_PROJECT", "CITYCTL_STORE", "CITYCTL_PROFILE", "CITYCTL_OUTPUT", "CITYCTL_NOW")


def census(project: Project) -> Result:
    """How much of each kind city.yaml holds. Raises ConfigInvalid where it, or one of its profiles, is wrong."""
    city = project.city
    points = city.points()
    profiles = load_profiles(project.folder)
    counted: list[tuple[object, ...]] = [
        ("networks", len(city.networks)),
        ("zones", len(city.zones)),
        ("assets", len(city.assets)),
        ("devices", len(city.devices)),
        ("services", len(city.services)),
        ("files", len(city.files)),
        ("points", len(points)),
        ("derived points", sum(point.formula is not None for point in points.values())),
        ("interventions", len(city.interventions)),
        ("profiles", len(profiles)),
    ]
    columns = [column("what"), column("count")]
    title = f"{city.name}: {project.folder / FILE_NAME} is valid"
    return Result(title, [Table("census", "What city.yaml holds", columns, counted)])


def settings(project: Project) -> Result:
    """Every setting: its key, its value, and file:line:column or the variable that it comes from."""
    _ = project.city  # refuse what is invalid before showing it
    document = read(project.folder / FILE_NAME)
    rows = [(name, os.environ[name], "environment") for name in _ENVIRONMENT if name in os.environ]
    rows += _leaves(document, document.data, ())
    columns = [column("key"), column("value", kind="text"), column("written_at")]
    return Result("Settings", [Table("settings", "Settings", columns, list(rows))])


def _leaves(document: Document, data: Any, keys: tuple[Key, ...]) -> list[tuple[str, str, str]]:
    if isinstance(data, dict) and data:
        return [row for key, inner in data.items() for row in _leaves(document, inner, (*keys, str(key)))]
    if isinstance(data, list) and data:
        return [row for index, inner in enumerate(data) for row in _leaves(document, inner, (*keys, index))]
    word = document.words.get(keys)
    shown = word or (data if isinstance(data, str) else json.dumps(data, ensure_ascii=False, default=str))
    return [(".".join(str(key) for key in keys), shown, document.place(*keys))]
