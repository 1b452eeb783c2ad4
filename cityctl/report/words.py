"""The glossary of a whole installation: every column that any table may show, from every room.

A column is a module's own constant; each key has one meaning wherever it stands, which a test holds.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from importlib import import_module

import cityctl
from cityctl.analysis.catalog import catalog
from cityctl.glossary import GLOSSARY
from cityctl.result import Column

_ROOMS = (
    "analysis",
    "collect",
    "modbus",
    "project",
    "report",
    "sim",
    "store",
    "exports",
    "engine",
    "city",
    "cli",
)


def declared() -> Iterator[tuple[str, Column]]:
    """(module, column) of every column that a module of cityctl declares, the glossary's own first."""
    for column in GLOSSARY.values():
        yield "cityctl.glossary", column
    for found in pkgutil.walk_packages(cityctl.__path__, "cityctl."):
        if found.name.split(".")[1] not in _ROOMS:
            continue
        module = import_module(found.name)
        for value in vars(module).values():
            columns = value if isinstance(value, tuple | list) else (value,)
            yield from ((found.name, column) for column in columns if isinstance(column, Column))
    for name, analysis in catalog(None).items():
        yield from ((name, column) for column in analysis.columns)


def glossary() -> dict[str, Column]:
    """Key -> column, sorted by key."""
    words: dict[str, Column] = {}
    for _, column in declared():
        words.setdefault(column.key, column)
    return dict(sorted(words.items()))
