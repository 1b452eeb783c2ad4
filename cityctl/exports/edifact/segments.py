"""Segments of an interchange as a stream, and the proof that it is whole: UNT and UNZ and their counts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import BinaryIO

from cityctl.errors import InputRefused
from cityctl.exports.source import Source

_PIECE = 1 << 18
_LONGEST = 1 << 16  # signs of one segment
_TAG = re.compile(r"[A-Z][A-Z0-9]{2}")
_CONTROL = re.compile(r"[\x00-\x03]")


@dataclass(frozen=True)
class Signs:
    """The service string advice (UNA); as it is where there is none."""

    component: str = ":"
    element: str = "+"
    decimal: str = "."
    release: str = "?"
    end: str = "'"

    @cached_property
    def released(self) -> tuple[tuple[str, str], ...]:
        """(a released sign, a control character in its place); none where two of the signs are the same."""
        signs = (self.release, self.element, self.component, self.end)
        if not self.release.strip() or len(set(signs)) < len(signs):
            return ()
        return tuple((self.release + sign, chr(at)) for at, sign in enumerate(signs))

    @cached_property
    def restored(self) -> dict[int, str]:
        """The signs, by the control characters that stood for them."""
        return {ord(mark): pair[-1] for pair, mark in self.released}


@dataclass(frozen=True)
class Segment:
    """A segment: its tag, its elements as lists of components, its number in the file (from 1) and its line."""

    tag: str
    elements: list[list[str]]
    number: int
    line: int
    doubt: str = ""  # what the segment shows to be wrong with its message

    def part(self, element: int, component: int = 0) -> str:
        """A component, empty where there is none; element 0 is the first after the tag."""
        if element >= len(self.elements) or component >= len(self.elements[element]):
            return ""
        return self.elements[element][component].strip()


def begins(head: bytes) -> bool:
    """Whether a file begins as an interchange does."""
    return bool(re.match(rb"\s*(UNA.{6}\s*UN[BH]|UN[BH]\+)", head[:200].removeprefix(b"\xef\xbb\xbf"), re.S))


def segments(source: Source, message: str) -> Iterator[tuple[Segment, Signs]]:
    """The segments of an interchange of `message` messages. Raises InputRefused where it is not whole."""
    name = source.name
    opened = ""  # reference of the open message
    begun = count = messages = 0
    interchange: str | None = None
    last = None
    with source.stream() as stream:
        for segment, signs in _segments(name, stream):
            where = f"{name}:{segment.line}"
            last = segment
            count += 1
            match segment.tag:
                case "UNB":
                    if interchange is not None or opened:
                        raise _refused(f"{where}: a second UNB before the UNZ of the first")
                    interchange, messages = segment.part(4), 0
                case "UNH":
                    if opened:
                        raise _refused(f"{where}: a second UNH before the UNT of message `{opened}`")
                    if segment.part(1).upper() != message:
                        raise _refused(f"{where}: a message of type `{segment.part(1)[:12]}`, not {message}")
                    opened, begun = segment.part(0) or "?", count
                    messages += 1
                case "UNT":
                    said, held = segment.part(0), count - begun + 1
                    if not opened:
                        raise _refused(f"{where}: a UNT without UNH")
                    if said != str(held) and said.lstrip("0") != str(held):
                        why = f"message `{opened}` says that it has {said[:12]} segments, and has {held}"
                        segment = replace(
                            segment, doubt=f"line {segment.line}: {why}: is a part of it missing?"
                        )
                    opened = ""
                case "UNZ":
                    if interchange is None:
                        raise _refused(f"{where}: a UNZ without UNB")
                    if segment.part(0).lstrip("0") != str(messages):
                        raise _refused(
                            f"{where}: the interchange says {segment.part(0)[:12]} messages, and has {messages}"
                        )
                    interchange = None
                case tag if not opened and tag not in ("UNG", "UNE"):
                    raise _refused(f"{where}: a segment `{tag[:12]}` outside of a message")
            yield segment, signs
    if last is None:
        raise _refused(f"{name}: the file is empty")
    if opened or interchange is not None:
        proof = f"the UNT of message `{opened}`" if opened else "UNZ"
        raise InputRefused(
            f"{name}:{last.line}: cut short: {proof} is missing; nothing of it was taken",
            hint="fetch it again",
        )


def _refused(message: str) -> InputRefused:
    return InputRefused(f"{message}; nothing of it was taken", hint="ask the sender for a sound file")


def _segments(name: str, stream: BinaryIO) -> Iterator[tuple[Segment, Signs]]:
    start = _read(stream, 64).removeprefix(b"\xef\xbb\xbf").decode("latin-1").lstrip()
    signs = Signs()
    if start.startswith("UNA") and len(start) >= 9:
        signs = Signs(start[3], start[4], start[5], start[6], start[8])
        start = start[9:]
    number, line = 0, 1
    left = start
    while True:
        piece = stream.read(_PIECE).decode("latin-1")
        parts = (left + piece).split(signs.end)
        left = parts.pop()
        held = ""
        for part in parts:
            text = held + part
            if text.endswith(signs.release) and signs.release.strip() and _released(text, signs.release):
                held = text + signs.end
                continue
            held = ""
            plain = text.lstrip("\r\n\t ")
            line += text.count("\n", 0, len(text) - len(plain))
            if plain:
                number += 1
                yield _segment(name, plain, signs, number, line), signs
                line += plain.count("\n")
        left = held + left
        if len(left) > _LONGEST + _PIECE:
            raise _refused(f"{name}:{line}: a segment does not end")
        if not piece:
            break
    if left.strip("\r\n\t \x1a\x00"):
        raise InputRefused(
            f"{name}:{line}: cut short within a segment; nothing of it was taken", hint="fetch it again"
        )


def _read(stream: BinaryIO, size: int) -> bytes:
    read = b""
    while len(read) < size and (piece := stream.read(size - len(read))):
        read += piece
    return read


def _released(text: str, release: str) -> bool:
    """Whether the sign behind a text is released: an odd number of release signs stands before it."""
    return (len(text) - len(text.rstrip(release))) % 2 == 1


def _segment(name: str, text: str, signs: Signs, number: int, line: int) -> Segment:
    if len(text) > _LONGEST:
        raise _refused(f"{name}:{line}: a segment of {len(text)} signs")
    text = text.replace("\r", "").replace("\n", "")
    elements = _elements(text, signs)
    tag = elements[0][0].strip()
    if not _TAG.fullmatch(tag):
        raise _refused(f"{name}:{line}: `{tag[:20]}` is no segment")
    return Segment(tag, elements[1:], number, line)


def _elements(text: str, signs: Signs) -> list[list[str]]:
    """Elements as lists of components, with released signs as themselves."""
    if not signs.release.strip() or signs.release not in text:
        return [element.split(signs.component) for element in text.split(signs.element)]
    if signs.released and not _CONTROL.search(text):
        marked = text
        for pair, mark in signs.released:
            marked = marked.replace(pair, mark)
        if signs.release not in marked:
            back = signs.restored
            return [
                [
                    part if part.isprintable() else part.translate(back)
                    for part in element.split(signs.component)
                ]
                for element in marked.split(signs.element)
            ]
    return _carefully(text, signs)


def _carefully(text: str, signs: Signs) -> list[list[str]]:
    """The same, sign by sign: where other signs are released, or signs are the same."""
    elements: list[list[list[str]]] = [[[]]]
    signs_of_text = iter(text)
    for sign in signs_of_text:
        if sign == signs.release:
            elements[-1][-1].append(next(signs_of_text, sign))
        elif sign == signs.element:
            elements.append([[]])
        elif sign == signs.component:
            elements[-1].append([])
        else:
            elements[-1][-1].append(sign)
    return [["".join(part) for part in element] for element in elements]
