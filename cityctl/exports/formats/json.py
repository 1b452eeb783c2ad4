"""JSON answers and files: rows found by JMESPath, or by themselves where the document leaves no doubt.

The rows are read as a table: times, numbers, clock changes and qualities as in delimited text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from typing import Any

from cityctl.errors import InputRefused
from cityctl.exports import complaint
from cityctl.exports.parsed import Chunk
from cityctl.exports.shape import Shape
from cityctl.exports.source import Source
from cityctl.exports.tree import jsons, paths
from cityctl.exports.tree.found import found_shape
from cityctl.exports.tree.known import partial
from cityctl.exports.tree.rows import JsonRows

SUMMARY = "JSON: rows, times and values by JMESPath"
SUFFIXES = (".json", ".jsonl", ".ndjson")
PLACE = "row"
GENERIC = True

_TOGETHER = 20_000  # rows
_MARK = b"\xef\xbb\xbf"  # of UTF-8


def recognises(head: bytes) -> bool:
    """Whether the file begins as a JSON object or list does."""
    begins = head.removeprefix(_MARK).lstrip()
    return bool(re.match(rb'\{\s*(?:"|\}|$)|\[\s*(?:[\[{"\d\-\]tfn]|$)', begins))


def parse(source: Source, shape: Shape) -> Iterator[Chunk]:
    """The readings of a document. Raises InputRefused and UsageProblem where it cannot be understood."""
    told = [shape.time, shape.point, shape.value, shape.quality, shape.unit_from, shape.direction]
    fields = [text for text in told if text]
    if shape.value is not None:
        for text in (*paths.levels(shape.rows), *fields):
            paths.compiled(text.lstrip("^$").lstrip(".") or "@")
    path = paths.streamed(shape.rows, fields)
    rows: Iterator[tuple[Any, ...]]
    document: Any = None
    following = said = ""
    shapes: tuple[Shape, ...] = ()
    left_out: tuple[str, ...] = ()
    lines = _Lines(source) if _has_lines(source) else None
    if lines is not None and shape.value is not None:
        rows = (row for line in lines for row in paths.walk([line], shape.rows))
    elif path is not None and shape.value is not None and not jsons.start(source)[1]:
        rows = ((None, item) for item in jsons.items(source, path))
    else:
        document = list(lines.bounded()) if lines is not None else jsons.document(source)
        following, said = _following(document), complaint.in_document(document, beside_rows=True)
        if shape.value is None:
            said = said or partial(document)
            found = found_shape(source.name, document, shape)
            document, shapes, left_out = found.rows, found.shapes, found.left_out
            shape = shapes[0]
        else:
            said = said or _last_line(document, shape)
        rows = paths.walk(document, shape.rows)
    readers = [JsonRows(source.name, source.stem, one) for one in shapes or (shape,)]
    count = 0
    for around in rows:
        count += 1
        for reader in readers:
            reader.add(around)
            if reader.held >= _TOGETHER:
                yield from reader.taken()
    noted: set[str] = set()
    for chunk in chain.from_iterable(chain(reader.taken(), reader.finish()) for reader in readers):
        yield replace(chunk, notes=tuple(note for note in chunk.notes if note not in noted))
        noted.update(chunk.notes)
    if left_out:
        names = ", ".join(f"`{name}`" for name in left_out)
        yield Chunk(notes=(f"{source.name}: fields left out: {names}",))
    if lines is not None and document is None:
        said = _last_line([lines.last], shape)
        document = [lines.last]
    if not count:
        _check_empty(source.name, document, shape.rows)
    elif said:
        yield Chunk(absent=(f"its answer is not whole: it says `{said}`",))
    if following:
        yield Chunk(following=following)


def _last_line(document: Any, shape: Shape) -> str:
    """What the last of many rows says went wrong, where it is none: neither time nor value."""
    last = document[-1] if isinstance(document, list) and document else None
    told = [paths.field(text, (document, last)) for text in (shape.time, shape.value) if text]
    return complaint.in_document(last) if all(one is None for one in told) else ""


def _check_empty(name: str, document: Any, rows: str | None) -> None:
    """Raises InputRefused where a document without rows is no list of none, but says why it has none."""
    if said := complaint.in_document(document):
        raise InputRefused(
            f"{name}: an error instead of readings: `{said}`", hint="ask the service's operator"
        )
    nowhere = paths.unknown_level(document, rows)
    if nowhere is not None:
        found = "" if document is None else f": {complaint.of_nothing(document)}"
        raise InputRefused(
            f"{name}: `{nowhere}` leads nowhere in it{found}",
            hint=f"check `rows`; where it may be left out if there is nothing: `{nowhere} || `[]``",
        )


def _following(document: Any) -> str:
    """The address of the next page, where a document names one as services do."""
    if not isinstance(document, dict):
        return ""
    links = document.get("links") or document.get("_links")
    for holder in (document, links if isinstance(links, dict) else {}):
        for key in ("next", "nextLink", "next_url", "@odata.nextLink", "@nextLink"):
            said = holder.get(key)
            said = said.get("href") if isinstance(said, dict) else said
            if isinstance(said, str) and said.strip():
                return said.strip()
    return ""


def _has_lines(source: Source) -> bool:
    """Whether each line is an object (JSON lines), as the first ones are."""
    head = source.head(1 << 16).removeprefix(_MARK)
    lines = [line for line in head.splitlines()[:3] if line.strip()]
    return len(lines) > 1 and all(re.fullmatch(rb"\s*\{.*\}\s*", line) for line in lines[:2])


class _Lines:
    """The objects of JSON lines, one after the other; `last` is the one that was read last."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.last: Any = None

    def __iter__(self) -> Iterator[Any]:
        with self._source.stream() as stream:
            for number, line in enumerate(stream, 1):
                text = line.removeprefix(_MARK) if number == 1 else line
                if text.strip():
                    self.last = jsons.parse(f"{self._source.name}, line {number}", text)
                    yield self.last

    def bounded(self) -> Iterator[Any]:
        """The same, to be held all at once. Raises InputRefused where they are more than a document may be."""
        if not jsons.start(self._source, jsons.LARGEST)[1]:
            raise InputRefused(
                f"{self._source.name}: larger than {jsons.LARGEST >> 20} MB: its fields are not looked for",
                hint="name them, and it is read line by line: --time and --value, --point where there are several",
            )
        yield from self
