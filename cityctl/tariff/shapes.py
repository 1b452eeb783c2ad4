"""Tariffs as others write them, as recipes: URDB-shaped JSON, and CSV with a row for each charge.

Nothing is left out in silence: a field that cannot be said in a recipe is an error that names it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from cityctl.errors import ConfigInvalid, InputRefused
from cityctl.tariff import charge_sheet, urdb
from cityctl.tariff.model import from_text

Entry = dict[str, Any]


def recipe_text(path: Path, name: str, *, utility: str = "electric") -> str:
    """The YAML of a tariff that a file holds. Raises InputRefused for what is neither, or cannot be said."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as problem:
        raise InputRefused(f"{path}: {problem.strerror}") from None
    except UnicodeDecodeError as problem:
        raise InputRefused(f"{path}: {problem.reason}", hint="save it as UTF-8") from None
    read: Callable[[str, str, Path], Entry] = urdb.read
    if text.lstrip()[:1] not in "{[":

        def read(text: str, name: str, path: Path) -> Entry:
            return charge_sheet.read(text, name, path, utility)

    tariff = {"tariff": name, **read(text, name, path)}
    import yaml

    said = yaml.safe_dump(tariff, sort_keys=False, allow_unicode=True, width=110)
    try:
        from_text(said, Path(f"{name}.yaml"))
    except ConfigInvalid as problem:
        raise InputRefused(f"{path}: makes no tariff: {problem.message}", hint=problem.hint) from None
    return said
