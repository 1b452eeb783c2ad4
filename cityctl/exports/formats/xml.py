"""XML answers and files that are no format of their own: rows, times and values found by XPath.

Namespaces are left out of names: `//reading`, `@time`, `value/text()`, `../@meter`. A document is read whole, so that
a path can climb; its size is bounded.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from lxml import etree

from cityctl.errors import InputRefused, UsageProblem
from cityctl.exports import complaint
from cityctl.exports.parsed import Chunk
from cityctl.exports.shape import Shape
from cityctl.exports.source import Source
from cityctl.exports.tree import xmls
from cityctl.exports.tree.rows import JsonRows

SUMMARY = "XML: rows, times and values by XPath"
SUFFIXES = ()  # nothing is read as this format but by its name
PLACE = "row"
GENERIC = True

_TOGETHER = 20_000  # rows
_LARGEST = 64 << 20  # bytes of a document


def recognises(head: bytes) -> bool:
    """Never: a document has to be said to be read by paths."""
    del head
    return False


def parse(source: Source, shape: Shape) -> Iterator[Chunk]:
    """The readings of a document. Raises InputRefused and UsageProblem where it cannot be understood."""
    for word, path in (("rows", shape.rows), ("time", shape.time), ("value", shape.value)):
        if path is None:
            raise UsageProblem(
                f"{source.name}: XML is read by paths, and `{word}` is not said",
                hint="such as --rows //reading --time @time --value value",
            )
    told = (shape.rows, shape.time, shape.value, shape.point, shape.quality, shape.unit_from)
    for path in told:
        if path:
            _compiled(path)
    reader = JsonRows(source.name, source.stem, shape, field_of=_field)
    document = _document(source)
    rows = _compiled(shape.rows or "")(document)
    if not isinstance(rows, list) or not all(isinstance(row, etree._Element) for row in rows):
        raise InputRefused(f"{source.name}: `{shape.rows}` finds no elements", hint="check `rows`")
    if not rows and (said := complaint.in_elements(document)):
        raise InputRefused(
            f"{source.name}: an error instead of readings: `{said}`", hint="ask the service's operator"
        )
    for row in rows:
        reader.add((row,))
        if reader.held >= _TOGETHER:
            yield from reader.taken()
    yield from reader.taken()
    yield from reader.finish()


@cache
def _compiled(path: str) -> Any:
    try:
        return etree.XPath(path)
    except etree.XPathSyntaxError as problem:
        raise UsageProblem(
            f"`{path}` is no XPath: {problem}", hint="such as //reading, @time, value"
        ) from None


def _field(path: str, around: tuple[Any, ...]) -> Any:
    """A field of a row: text of an element or attribute, a number, or the list of several."""
    try:
        found = _compiled(path)(around[-1])
    except etree.XPathEvalError as problem:
        raise UsageProblem(f"`{path}` cannot be looked up: {problem}", hint="check the paths") from None
    if not isinstance(found, list):
        return found
    texts = [
        "".join(one.itertext()).strip() if isinstance(one, etree._Element) else str(one).strip()
        for one in found
    ]
    return texts[0] if len(texts) == 1 else texts or None


def _document(source: Source) -> Any:
    """The root with namespaces taken off. Raises InputRefused where it is unsafe, damaged, cut short or too large."""
    with source.stream() as stream:
        piece, _ = xmls.opening(source.name, stream)
        parser = xmls.pull_parser("end")
        size, ended, root = 0, False, None
        try:
            while piece:
                size += len(piece)
                if size > _LARGEST:
                    raise InputRefused(
                        f"{source.name}: more than {_LARGEST >> 20} MB of XML that has to be read at once",
                        hint="ask for a shorter window",
                    )
                parser.feed(piece)
                for _, element in parser.read_events():
                    element.tag = xmls.local(element) or element.tag
                    root = element
                piece = stream.read(1 << 18)
            ended = True
            parser.close()
        except etree.XMLSyntaxError as problem:
            raise xmls.refusal(source.name, problem, ended=ended) from None
    return root
