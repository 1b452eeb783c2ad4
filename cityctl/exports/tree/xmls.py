"""XML documents as a stream of elements: safe, in bounded memory, refused where they are unsafe or cut.

A DOCTYPE is refused before any content is read: with entities off, lxml drops text without a word. libxml2
bounds the depth (256) and the size of one text (10 MB).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

from lxml import etree

from cityctl.errors import InputRefused

_PIECE = 1 << 18
_PROLOGUE = 1 << 20
_SAFE: dict[str, Any] = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}


def local(element: Any) -> str:
    """An element's name without its namespace; empty for comments."""
    tag = element.tag
    return tag[tag.rfind("}") + 1 :] if isinstance(tag, str) else ""


def space(element: Any) -> str:
    """An element's namespace."""
    tag = element.tag
    return tag[1 : tag.rfind("}")] if isinstance(tag, str) and tag.startswith("{") else ""


def text(element: Any) -> str:
    """An element's own text; empty where there is no element."""
    return (element.text or "").strip() if element is not None else ""


def attribute(element: Any, name: str) -> str:
    """An attribute, whatever its namespace."""
    if element is None:
        return ""
    return next(
        (str(value).strip() for key, value in element.attrib.items() if key.rsplit("}", 1)[-1] == name), ""
    )


def child(element: Any, *path: str) -> Any:
    """The first element at a path of local names below an element, or None."""
    for name in path:
        if element is None:
            return None
        element = next((one for one in element if local(one) == name), None)
    return element


def pull_parser(*events: str, **more: Any) -> Any:
    """A parser that is fed piece by piece, with nothing in it that reads files, the network or entities."""
    return etree.XMLPullParser(events=events, **more, **_SAFE)


def opening(name: str, stream: BinaryIO) -> tuple[bytes, Any]:
    """(what was read, the root element as far as it was read). Raises InputRefused where it is unsafe or no XML."""
    parser = pull_parser("start")
    read = b""
    try:
        while len(read) < _PROLOGUE and (piece := stream.read(1 << 12)):
            read += piece
            if b"<!DOCTYPE" in read.replace(b"\x00", b"").upper():
                raise InputRefused(
                    f"{name}: a DOCTYPE is refused: it may define entities that blow up or read files",
                    hint="ask the publisher for a document without DOCTYPE",
                )
            parser.feed(piece)
            root = next((element for _, element in parser.read_events()), None)
            if root is not None:
                if root.getroottree().docinfo.doctype:
                    raise InputRefused(f"{name}: a DOCTYPE is refused", hint="ask for one without DOCTYPE")
                return read, root
    except etree.XMLSyntaxError as problem:
        raise refusal(name, problem, hint="fetch it again, or name the format with --format") from None
    raise InputRefused(f"{name}: no element in its first {len(read)} bytes", hint="fetch it again")


def refusal(
    name: str,
    problem: etree.XMLSyntaxError,
    *,
    what: str = "the document",
    ended: bool = False,
    tried: Sequence[str] = (),
    hint: str = "fetch it again",
) -> InputRefused:
    """What is wrong with a document: cut short, or no sound XML; `ended`: the parser was told that it is over."""
    said = (problem.msg or "damaged").split(", line ")[0]
    words = (
        "Premature end",
        "EndTag: '</' not found",
        "no element found",
        "end of data",
        "Couldn't find end of",
    )
    cut = ended or any(word in said for word in words)
    why = f"{what} is cut short" if cut else f"no sound XML: {said}"
    where = f"{name}:{problem.lineno or 0}"
    return InputRefused(f"{where}: {why}; nothing of it was taken", tried=list(tried), hint=hint)


def events(name: str, stream: BinaryIO, tag: str | None = None) -> Iterator[tuple[str, Any]]:
    """(start or end, element) of a document, or the ends of elements of one `tag` alone.

    Raises InputRefused where it is unsafe, damaged or cut short.
    """
    piece, _ = opening(name, stream)
    parser = pull_parser("end", tag=tag) if tag else pull_parser("start", "end")
    ended = False
    try:
        while piece:
            parser.feed(piece)
            yield from parser.read_events()
            piece = stream.read(_PIECE)
        ended = True
        parser.close()
    except etree.XMLSyntaxError as problem:
        raise refusal(name, problem, ended=ended) from None


def forget(element: Any) -> None:
    """Give the memory of an element, and of those like it before it, back."""
    element.clear(keep_tail=False)
    parent = element.getparent()
    before = element.getprevious()
    while parent is not None and before is not None and before.tag == element.tag:
        parent.remove(before)
        before = element.getprevious()
