"""An Atom feed of ESPI resources as a stream of entries, in constant memory, with what is unsafe refused.

A DOCTYPE is refused before any content is read: with entities off, lxml drops text without a word. Depth and
the size of one text are bounded by libxml2 (256 levels, 10 MB).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from lxml import etree

from cityctl.errors import InputRefused
from cityctl.exports.espi.codes import ReadingType
from cityctl.exports.espi.elements import (
    Draft,
    Fault,
    read_block,
    read_links,
    read_open_block,
    read_strays,
    read_type,
    text,
)
from cityctl.exports.espi.links import Links
from cityctl.exports.espi.spool import Readings
from cityctl.exports.tree.xmls import local, opening, pull_parser, refusal

_PIECE = 1 << 18
_OPEN = 10_000  # readings of a block that has not ended, from which on it is read in parts
_FLUSH = 100_000  # readings of one entry that are held at a time
_ROOTS = ("feed", "entry")


@dataclass
class Entry:
    """One entry, or a part of a large one: its links and what it holds."""

    number: int
    line: int
    links: Links
    title: str = ""
    id: str = ""
    resource: str = ""
    reading_type: ReadingType | None = None
    readings: Readings | None = None
    faults: list[Fault] = field(default_factory=list)
    costs: bool = False  # whether its readings, or those before them, say what they cost


def read_entries(name: str, stream: BinaryIO) -> Iterator[Entry]:
    """The entries of a feed. Raises InputRefused where it is no feed, is unsafe, damaged or cut short."""
    piece, root = opening(name, stream)
    if local(root) not in _ROOTS:
        raise InputRefused(
            f"{name}: no Green Button feed: its root element is <{local(root)}>, not <feed>",
            hint="name the format with --format",
        )
    parser = pull_parser("start", "end", tag=("{*}IntervalBlock", "{*}entry"))
    draft = Draft()
    entries = 0
    entry = block = None
    try:
        while piece:
            parser.feed(piece)
            for event, element in parser.read_events():
                is_entry = element.tag.endswith("entry")
                if event == "start":
                    if is_entry and draft.parts:  # a block that stands in no entry
                        yield _stray(entries, draft)
                    entry, block = (element, None) if is_entry else (entry, element)
                elif is_entry:
                    entries += 1
                    yield _read_entry(element, entries, draft)
                    _forget(element)
                    entry = None
                else:
                    read_block(element, draft)
                    _forget(element)
                    block = None
            if block is not None and len(block) > _OPEN:
                read_open_block(block, draft)
            if entry is not None and draft.held >= _FLUSH and (part := _part(entry, entries + 1, draft)):
                yield part
            piece = stream.read(_PIECE)
        root = parser.close()
        read_strays(root, draft)
        if draft.parts or draft.faults:
            yield _stray(entries, draft)
    except etree.XMLSyntaxError as problem:
        tried = [f"read {entries} entries with {draft.count} readings"]
        raise refusal(name, problem, what="the feed", tried=tried) from None


def _forget(element: Any) -> None:
    """Give the memory of an element, and of those like it before it, back."""
    element.clear()
    parent = element.getparent()
    before = element.getprevious()
    while parent is not None and before is not None and before.tag in (element.tag, etree.Comment):
        parent.remove(before)
        before = element.getprevious()


def _part(entry: Any, number: int, draft: Draft) -> Entry | None:
    """The readings so far of a large entry, where its links stand before its content."""
    links = read_links(entry)
    if not links.own and not links.up:
        return None
    readings, faults = draft.take()
    return Entry(
        number, entry.sourceline or 0, links, resource="IntervalBlock", readings=readings, faults=faults
    )


def _stray(entries: int, draft: Draft) -> Entry:
    readings, faults = draft.take()
    return Entry(entries, 0, Links(), resource="IntervalBlock", readings=readings, faults=faults)


def _read_entry(element: Any, number: int, draft: Draft) -> Entry:
    read_strays(element, draft)
    readings, faults = draft.take()
    entry = Entry(
        number,
        element.sourceline or 0,
        read_links(element),
        readings=readings,
        faults=faults,
        costs=draft.costs,
    )
    for child in element:
        name = local(child)
        if name == "title":
            entry.title = text(child)
        elif name == "id":
            entry.id = text(child)
        elif name == "content":
            for resource in child:
                found = local(resource)
                entry.resource = entry.resource or found
                if found == "ReadingType":
                    entry.reading_type = read_type(resource)
    return entry
