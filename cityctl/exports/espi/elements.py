"""What stands in the elements of an entry: links, ReadingTypes, and the readings of an IntervalBlock.

A block in which each reading has a start and a value, and nothing else that matters, is read as two lists of
text at once; any other block is read one reading after the other, so that a fault is named with its place.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from functools import cache
from math import isfinite
from typing import Any

import numpy as np
import numpy.typing as npt
from lxml import etree

from cityctl.exports.espi.codes import ReadingType, worse
from cityctl.exports.espi.links import Links, address, joined
from cityctl.exports.espi.spool import Readings
from cityctl.exports.tree.xmls import local, space

_BASE = "{http://www.w3.org/XML/1998/namespace}base"
_READING = "IntervalReading"
_ANY_READING = f"{{*}}{_READING}"
_STRAY = "it stands where no reading belongs"
_LONGEST = 1 << 31  # s
_LATEST = 7_258_118_400  # 2200-01-01, in epoch seconds


@dataclass(frozen=True)
class Fault:
    """A reading that cannot be taken: the line and the number of its element, and why."""

    line: int
    number: int
    reason: str


@dataclass
class Draft:
    """The readings of the entry that is being read; they are numbered through the whole feed."""

    count: int = 0
    faults: list[Fault] = field(default_factory=list)
    parts: list[Readings] = field(default_factory=list)
    held: int = 0
    costs: bool = False  # whether readings say what they cost

    def add(self, readings: Readings) -> None:
        """More readings."""
        if len(readings):
            self.parts.append(readings)
            self.held += len(readings)

    def add_fault(self, element: Any, reason: str) -> None:
        """A reading that cannot be taken."""
        self.count += 1
        self.faults.append(Fault(element.sourceline or 0, self.count, reason))

    def take(self) -> tuple[Readings | None, list[Fault]]:
        """All readings and faults since the last call."""
        faults, parts = self.faults, self.parts
        self.faults, self.parts, self.held = [], [], 0
        return (Readings.joined(parts) if parts else None), faults


def text(element: Any) -> str:
    """An element's text; empty where markup stands in it."""
    return (element.text or "").strip() if not len(element) else ""


class _Words:
    """The names of a reading's elements in one namespace, and the paths to all of a block's at once."""

    def __init__(self, space: str) -> None:
        def name(word: str) -> str:
            return f"{{{space}}}{word}" if space else word

        self.reading, self.period, self.start = name(_READING), name("timePeriod"), name("start")
        self.duration = name("duration")
        self.value, self.graded, self.quality = name("value"), name("ReadingQuality"), name("quality")
        known = {"e": space} if space else None
        mark = "e:" if space else ""

        def path(*steps: str) -> str:
            return "/".join(f"{mark}{step}" for step in (_READING, *steps))

        def asks(written: str) -> Any:
            return etree.XPath(written, namespaces=known, smart_strings=False)

        starts, values = path("timePeriod", "start"), path("value")
        self.starts, self.values = asks(f"{starts}/text()"), asks(f"{values}/text()")
        self.cost, self.tier = name("cost"), name("tou")
        first, last = (
            f"{path()}{which}/{mark}timePeriod/{mark}duration/text()" for which in ("[1]", "[last()]")
        )
        self.lengths = asks(f"{first} | {last}")
        # How many readings there are, where none has a quality, a second start or a second value; else -1.
        period, start, value = path("timePeriod"), f"{mark}start", f"{mark}value"
        odd = (
            f"{path('ReadingQuality')} or {period}/following-sibling::{mark}timePeriod"
            f" or {starts}/following-sibling::{start} or {values}/following-sibling::{value}"
        )
        self.even = asks(f"not({odd}) * (count({path()}) + 1) - 1")


_cached = cache(_Words)


def _words(block: Any) -> _Words:
    """The names that the readings of a block have: in their own namespace, where it is another than the block's."""
    return _cached(space(next((child for child in block if local(child) == _READING), block)))


def read_block(block: Any, draft: Draft) -> None:
    """The readings of a whole IntervalBlock."""
    words = _words(block)
    first = block.find(words.reading)
    plain = first is None or first.find(words.tier) is None
    draft.costs = draft.costs or (first is not None and first.find(words.cost) is not None)
    if not (plain and _read_at_once(block, words, draft)):
        _read_each(list(block), words, draft)


def _read_at_once(block: Any, words: _Words, draft: Draft) -> bool:
    count = int(words.even(block))
    starts, values = words.starts(block), words.values(block)
    if not len(starts) == len(values) == count:  # also where markup cuts a text in two
        return False
    if sum(1 for _ in block.iter(_ANY_READING)) != count:  # one stands within another
        return False
    plain = "".join(starts) + "".join(values)
    if not plain.isascii() or "_" in plain:
        return False
    try:
        seconds = np.fromiter(map(int, starts), np.int64, count)
        numbers = np.fromiter(map(float, values), np.float64, count)
    except (ValueError, OverflowError):
        return False
    if not np.isfinite(numbers).all() or (count and (seconds.max() > _LATEST or seconds.min() < -_LATEST)):
        return False
    lengths = _lengths(block, words, seconds)
    if lengths is None:
        return False
    places = np.arange(draft.count + 1, draft.count + count + 1)
    draft.count += count
    draft.add(Readings(seconds * 1_000_000, numbers, np.full(count, -1, np.int16), places, lengths))
    return True


def _lengths(block: Any, words: _Words, seconds: npt.NDArray[np.int64]) -> npt.NDArray[np.int64] | None:
    """How long the intervals are, as the first and the last one say; None where others are shorter or longer."""
    said = {whole(one, 0) for one in words.lengths(block)}
    length = max(said, default=0)
    if len(said) > 1 or (0 < length < _LONGEST and (np.abs(np.diff(seconds)) < length).any()):
        return None
    return np.full(len(seconds), min(length, _LONGEST), np.int64)


def read_open_block(block: Any, draft: Draft) -> None:
    """The readings so far of a block that has not ended; they are taken out of it."""
    _read_each(block[:-1], _words(block), draft)
    del block[:-1]


def read_strays(element: Any, draft: Draft) -> None:
    """The readings in an element whose blocks have gone by already."""
    for stray in element.iter(_ANY_READING):
        draft.add_fault(stray, _STRAY)


def _read_each(children: Iterable[Any], words: _Words, draft: Draft) -> None:
    """Readings of a block one after the other; a reading that cannot be taken becomes a fault."""
    times: list[int] = []
    values: list[float] = []
    codes: list[int] = []
    places: list[int] = []
    lengths: list[int] = []
    tiers: dict[str, str] = {}
    for child, element in ((one, found) for one in children for found in one.iter(_ANY_READING)):
        if element is not child or element.tag != words.reading:
            draft.add_fault(element, _STRAY)
            continue
        start = value = tier = length = ""
        code = -1
        for said in element:
            if said.tag == words.value:
                value = _also(value, text(said))
            elif said.tag == words.period:
                for part in said:
                    if part.tag == words.start:
                        start = _also(start, text(part))
                    elif part.tag == words.duration:
                        length = text(part)
            elif said.tag == words.graded:
                graded = next((text(part) for part in said if part.tag == words.quality), "")
                code = worse(code, max(-1, min(whole(graded, -1), 32767)))
            elif said.tag == words.tier:
                tier = text(said)
        why = _why_not(start, value)
        first = tiers.setdefault(start, tier) if tier else ""
        if first != tier and not why:
            why = f"it is tier {tier} of an interval of which tier {first} is taken, which is a series of its own"
        if why:
            draft.add_fault(element, why)
            continue
        draft.count += 1
        times.append(micros(start))
        values.append(float(value))
        codes.append(code)
        places.append(draft.count)
        lengths.append(max(0, min(whole(length, 0), _LONGEST)))
    draft.add(
        Readings(
            np.array(times, np.int64),
            np.array(values, np.float64),
            np.array(codes, np.int16),
            np.array(places, np.int64),
            np.array(lengths, np.int64),
        )
    )


def _also(before: str, said: str) -> str:
    """Two values of one reading are none, unless they are the same."""
    return said if before in ("", said) else f"{before}, {said}"


def _why_not(start: str, value: str) -> str:
    """Why a reading cannot be taken; empty where it can."""
    if not start:
        return "it has no start"
    try:
        micros(start)
    except (ValueError, InvalidOperation, OverflowError):
        return f"its start `{start[:40]}` is no time"
    if not value:
        return "it has no value"
    try:
        if "_" not in value and isfinite(float(value)):
            return ""
    except (ValueError, OverflowError):
        pass
    return f"its value `{value[:40]}` is no number"


def micros(said: str) -> int:
    """Epoch seconds, also fractional ones, as µs. Raises ValueError and InvalidOperation."""
    number = Decimal(said)
    if "_" in said or not number.is_finite() or not -_LATEST <= number <= _LATEST:
        raise ValueError("no time between 1739 and 2200")
    return int((number * 1_000_000).to_integral_value())


def whole(said: str, otherwise: Any = None) -> Any:
    """An integer, or `otherwise` where the text is none."""
    try:
        return int(said)
    except ValueError:
        return otherwise


def read_links(entry: Any) -> Links:
    """The links of an entry."""
    base = ""
    for around in reversed([entry, *entry.iterancestors()]):
        base = joined(base, around.get(_BASE, ""))
    href = own = up = ""
    related: list[str] = []
    for child in entry:  # links stand in the entry itself, never deeper
        if local(child) != "link":
            continue
        target, rel = child.get("href"), child.get("rel", "").strip().lower()
        if not target:
            continue
        if rel == "self":
            href, own = target.strip(), address(base, target)
        elif rel == "up":
            up = address(base, target)
        elif rel == "related":
            related.append(address(base, target))
    return Links(href, own, up, tuple(related))


def read_type(element: Any) -> ReadingType:
    """A ReadingType."""
    said = {local(child): text(child) for child in element}
    return ReadingType(
        uom=whole(said.get("uom", "")),
        power=whole(said.get("powerOfTenMultiplier") or "0"),
        direction=whole(said.get("flowDirection", "")),
        accumulation=whole(said.get("accumulationBehaviour", "")),
        interval=whole(said.get("intervalLength", "")),
        quality=whole(said.get("defaultQuality", "")),
    )
