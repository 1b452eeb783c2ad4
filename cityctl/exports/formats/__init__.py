"""The file formats, each a module of this folder, found by being there.

A format module has
    SUMMARY: str                                         one line
    SUFFIXES: tuple[str, ...]                            endings of its files' names
    def recognises(head: bytes) -> bool                  whether a file that begins so is one of its files
    def parse(source, shape) -> Iterator[Chunk]          bytes to readings; no store, no network
    PLACE: str = "line"                                  what `place` of a reading counts
and where other formats are dialects of it (JSON, delimited text)
    GENERIC = True                                       it is asked after the others
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Protocol, cast

from cityctl.errors import InputRefused, UsageProblem, near
from cityctl.exports.complaint import web_page
from cityctl.exports.parsed import Chunk
from cityctl.exports.shape import Shape
from cityctl.exports.source import Source

# What people take for an export, by its first bytes.
_OTHERS = {
    b"%PDF": "a PDF",
    b"\xd0\xcf\x11\xe0": "an Office document",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
}
_SAVE = "ask for its table as CSV, or save it so"
_AGAIN = "log in and fetch the export itself; a link that leads to a page is none to a file"


class Format(Protocol):
    """What a format module offers."""

    SUMMARY: str
    SUFFIXES: tuple[str, ...]

    def recognises(self, head: bytes) -> bool: ...

    def parse(self, source: Source, shape: Shape) -> Iterator[Chunk]: ...


@cache
def names() -> tuple[str, ...]:
    """Every format, by name."""
    return tuple(sorted(found.name for found in iter_modules(__path__) if not found.name.startswith("_")))


def find(name: str) -> Format:
    """The format of that name. Raises UsageProblem with the near match."""
    plain = re.sub(r"[\s-]+", "_", name.strip().lower())
    plain = "csv" if plain in ("xlsx", "excel") else plain  # a sheet is read as delimited text
    joined = {known.replace("_", ""): known for known in names()}
    known = plain if plain in names() else joined.get(plain.replace("_", ""))
    if known is None:
        match = near(plain, names())
        hint = f"did you mean `{match}`?" if match else f"there are: {', '.join(names())}"
        raise UsageProblem(f"no format named `{name}`", hint=hint)
    return cast(Format, import_module(f"{__name__}.{known}"))


def recognise(source: Source) -> str:
    """The name of the format that a file is written in, by its content first and its ending second.

    Raises InputRefused where no format knows it.
    """
    head = source.head()
    if not head:
        raise InputRefused(f"{source.name}: the file is empty", hint="fetch it again")
    if source.sheet:
        return "csv"
    for name in sorted(names(), key=lambda name: getattr(find(name), "GENERIC", False)):
        if find(name).recognises(head):
            return name
    lower = source.name.lower().removesuffix(".gz")
    for name in names():
        if head.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] != b"<" and lower.endswith(find(name).SUFFIXES):
            return name
    kind = next((kind for mark, kind in _OTHERS.items() if head.startswith(mark)), None)
    page = web_page(head)
    if page is not None:
        kind = f"a web page (`{page}`)" if page else "a web page"
    if kind is not None:
        raise InputRefused(f"{source.name}: {kind}, no export", hint=_AGAIN if page is not None else _SAVE)
    root = re.search(rb"<([A-Za-z_][\w:.-]*)", re.sub(rb"<!--.*?-->|<\?.*?\?>", b"", head, flags=re.S))
    found = f"its root element is <{root[1].decode('ascii', 'replace')}>" if root else "its bytes fit none"
    raise InputRefused(
        f"{source.name}: no format reads it: {found}",
        hint=f"name one with --format: {', '.join(names())}",
    )
