"""Where in a JSON document rows and their fields are: JMESPath, with the rows around a row within reach."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError

from cityctl.errors import UsageProblem

_PLAIN = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*(?:\[\*?\])?|@|\[\*?\]|")


@cache
def compiled(text: str) -> Any:
    """A JMESPath expression. Raises UsageProblem with what is wrong with it."""
    try:
        return jmespath.compile(text)
    except JMESPathError as problem:
        said = str(problem).splitlines()[0]
        raise UsageProblem(
            f"`{text}` is no JMESPath expression: {said}", hint="https://jmespath.org"
        ) from None


def levels(rows: str | None) -> list[str]:
    """`meters[] > readings` as its levels; a `>` that compares stands in brackets."""
    if not rows:
        return ["@"]
    found, depth, begin = [], 0, 0
    for at, sign in enumerate(rows):
        depth += (sign in "[({") - (sign in "])}")
        if sign == ">" and depth == 0:
            found.append(rows[begin:at].strip())
            begin = at + 1
    return [*found, rows[begin:].strip()]


def streamed(rows: str | None, fields: Sequence[str]) -> str | None:
    """The ijson path of rows that can be read one by one; None where the document is needed whole."""
    parts = levels(rows)
    if rows is None or len(parts) > 1 or any(field[:1] in "^$" for field in fields if field):
        return None
    if not _PLAIN.fullmatch(parts[0]):
        return None
    plain = re.sub(r"\[\*?\]$", "", parts[0]).removeprefix("@")
    return f"{plain}.item" if plain else "item"


def walk(document: Any, rows: str | None) -> Iterator[tuple[Any, ...]]:
    """The rows, each with those around it: (document, outer row, ..., row)."""
    yield from _down((document,), levels(rows))


def _down(around: tuple[Any, ...], parts: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    if not parts:
        yield around
        return
    found = compiled(parts[0]).search(around[-1])
    if found is None:
        return
    for row in found if isinstance(found, list) else [found]:
        yield from _down((*around, row), parts[1:])


def unknown_level(document: Any, rows: str | None) -> str | None:
    """The part of `rows` that leads nowhere in a document, not even to an empty list or to null; None where none does.

    Of several rows around, one that has it is enough.
    """
    reached: list[tuple[Any, ...]] = [(document,)]
    for part in levels(rows):
        if reached and not any(_leads(part, around[-1]) for around in reached):
            return part
        reached = [inner for around in reached for inner in _down(around, [part])]
    return None


def _leads(part: str, node: Any) -> bool:
    if compiled(part).search(node) is not None or node == []:
        return True
    *outer, last = re.sub(r"\[\*?\]$", "", part).split(".")
    for key in outer:
        node = node.get(key) if isinstance(node, dict) else None
    return isinstance(node, dict) and last in node


def field(text: str, around: tuple[Any, ...]) -> Any:
    """A field of a row: `^` climbs to the row around it, `$` begins at the document."""
    at = len(around) - 1
    if text.startswith("$"):
        at, text = 0, text[1:].lstrip(".")
    else:
        while text.startswith("^"):
            at, text = max(0, at - 1), text[1:].lstrip(".")
    return compiled(text or "@").search(around[at])
