"""Green Button / NAESB ESPI feeds: value = integer x 10^powerOfTenMultiplier x unit of measure.

Streams in constant memory. Times are epoch seconds in UTC, so the feed's own time parameters are not needed.
Costs are not read: the multiplier does not hold for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from cityctl.errors import InputRefused
from cityctl.exports.espi.codes import UNIT_NOTES, UNITS, ReadingType, direction, kind, quality
from cityctl.exports.espi.feed import Entry, read_entries
from cityctl.exports.espi.links import Links, MeterReading, Web
from cityctl.exports.espi.spool import Readings, Spool
from cityctl.exports.overlap import Covered
from cityctl.exports.parsed import Chunk, Rejections, Series, readings_table
from cityctl.exports.shape import Shape
from cityctl.exports.source import Source
from cityctl.units import unit

SUMMARY = "Green Button (NAESB ESPI) Atom feeds"
SUFFIXES = (".xml",)
PLACE = "reading"

_TOGETHER = 65_536  # readings that are handed on together
_MARKS = (b"naesb.org/espi", b"IntervalBlock", b"<feed", b":feed")


def recognises(head: bytes) -> bool:
    """Whether the file is XML and speaks of a feed or of ESPI."""
    plain = head.replace(b"\x00", b"")  # UTF-16
    begins = plain.lstrip(b"\xef\xbb\xbf\xff\xfe \r\n\t").startswith(b"<")
    return begins and any(mark in plain for mark in _MARKS)


def parse(source: Source, shape: Shape) -> Iterator[Chunk]:
    """The readings of a feed, a chunk an entry or more. Raises InputRefused for what is no whole, safe feed."""
    with source.stream() as stream, Spool() as spool:
        feed = _Feed(source.name, shape, spool)
        for entry in read_entries(source.name, stream):
            yield from feed.take(entry)
        yield from feed.finish()


@dataclass
class _Held:
    """Readings of one series that are handed on together."""

    meter: MeterReading
    said: ReadingType
    parts: list[Readings] = field(default_factory=list)


class _Feed:
    """What is known of a feed while it goes by."""

    def __init__(self, name: str, shape: Shape, spool: Spool) -> None:
        self.name = name
        self.shape = shape
        self.spool = spool
        self.web = Web()
        self.rejections = Rejections(name, "entry")
        self._announced: set[str] = set()
        self._notes: dict[str, None] = {}
        self._entries = 0
        self._held: dict[tuple[MeterReading, ReadingType], _Held] = {}
        self._point = ""  # the UsagePoint that was read last: its id, or else its title
        self._begun: set[str] = set()  # addresses of MeterReadings whose readings came
        self._flushed: set[str] = set()  # and whose readings were handed on
        self._typed: set[MeterReading] = set()  # whose readings were read by a type
        self._measured: dict[str, tuple[int | None, ...]] = {}
        self._waiting = 0
        self._covered: dict[str, Covered] = {}

    def take(self, entry: Entry) -> Iterator[Chunk]:
        """One entry."""
        self._entries = entry.number
        if entry.resource == "UsagePoint":
            self._point = entry.id or entry.title
            self.web.add_usage_point(entry.links, self._point)
        elif entry.resource == "MeterReading":
            self._take_meter(entry)
        elif entry.reading_type is not None:
            self._take_type(entry, entry.reading_type)
        if entry.costs:
            self._notes[f"{self.name}: what readings cost (`cost`) is left out"] = None
        if entry.faults:
            meter = self.web.meter_of(entry.links)
            for fault in entry.faults:
                place = f"entry {entry.number}, reading {fault.number}"
                series = meter.links.href if meter else None
                self.rejections.add(
                    fault.line, series, "the reading cannot be taken", f"{fault.reason}:", place
                )
        if entry.readings is not None:
            found = self._type_of(entry.links)
            if found is None:
                self.spool.keep(entry.links, self._meter_of(entry.links), entry.line, entry.readings)
            else:
                yield from self._readings(*found, entry.line, entry.readings)
        refused = self.rejections.taken()
        if refused:
            yield Chunk(rejections=refused)

    def _take_meter(self, entry: Entry) -> None:
        """A MeterReading; another one of the same address has series of its own. Raises InputRefused."""
        own = entry.links.own
        known = own in self.web.shared
        self.web.add_meter(MeterReading(entry.links, entry.title, entry.id or self._point))
        if own not in self.web.shared:
            return
        if own not in self._begun:
            raise InputRefused(
                f"{self.name}: two MeterReadings stand before their readings and have the address "
                f"`{entry.links.href}` (entry {entry.number}): whose the readings are cannot be told",
                hint="ask the publisher for a feed of each UsagePoint",
            )
        if not known and own in self._flushed:
            raise InputRefused(
                f"{self.name}: another MeterReading has the address `{entry.links.href}` (entry {entry.number}): "
                "a name for two series",
                hint="ask the publisher for a feed of each UsagePoint",
            )
        self._begun.discard(own)

    def _take_type(self, entry: Entry, said: ReadingType) -> None:
        """A ReadingType. Raises InputRefused where it contradicts one of the same address and readings wait for it."""
        if self.web.types.get(entry.links.own, said) != said:
            if self.spool.waits_for(entry.links.own):
                raise InputRefused(
                    f"{self.name}: ReadingType `{entry.links.href}` is declared in two ways (entry {entry.number}), "
                    "and readings stand before it: which of both holds cannot be told",
                    hint="ask the publisher",
                )
            self._notes[
                f"{self.name}: ReadingType `{entry.links.href}` is declared anew in another way (entry "
                f"{entry.number}): blocks are read by the one that stands before them"
            ] = None
        self.web.add_type(entry.links, said)
        for meter in self._typed:
            if entry.links.own in meter.links.related and (why := self._contradiction(meter)):
                raise InputRefused(
                    f"{self.name}: `{meter.links.href or meter.title}` links {why} (entry {entry.number}), and "
                    "readings stand before it: which of both holds cannot be told",
                    hint="ask the publisher",
                )

    def _contradiction(self, meter: MeterReading) -> str:
        """What two ReadingTypes of a MeterReading say otherwise; they may differ in the length of intervals."""
        types = self.web.types_of(meter)
        other = next((one for one in types if one.measured != types[0].measured), None)
        if other is None:
            return ""
        told = [f"(uom {one.uom}, power of ten {one.power}, flow {one.direction}, accumulation {one.accumulation})"
                for one in (types[0], other)]  # fmt: skip
        return f"two ReadingTypes that contradict each other, {' and '.join(told)}"

    def _meter_of(self, links: Links) -> MeterReading | None:
        """The MeterReading that stands before a block."""
        meter = self.web.meter_of(links)
        if meter is not None:
            self._begun.add(meter.links.own)
        return meter

    def finish(self) -> Iterator[Chunk]:
        """The readings whose types came after them, and those that nothing links."""
        for links, before, line, readings in self.spool.drain():
            found = self._type_of(links, before)
            if found is None:
                self._orphan(links, line, readings)
            else:
                yield from self._readings(*found, line, readings)
        yield from self._flush()
        if not self._entries:
            self._notes[f"{self.name}: the feed has no entries"] = None
        yield Chunk(rejections=self.rejections.taken() + self.rejections.rest(), notes=tuple(self._notes))

    def _type_of(
        self, links: Links, before: MeterReading | None = None
    ) -> tuple[MeterReading, ReadingType] | None:
        meter = before or self._meter_of(links)
        types = self.web.types_of(meter) if meter is not None else []
        if meter is None or not types:
            return None
        alike = len({one.interval for one in types}) == 1
        return meter, types[0] if alike else replace(types[0], interval=None)

    def _orphan(self, links: Links, line: int, readings: Readings) -> None:
        meter = self.web.meter_of(links)
        why = "no MeterReading links this block" if meter is None else "no ReadingType is linked"
        self.rejections.add_many(
            [line],
            meter.links.href if meter else links.href or None,
            f"{why}: the unit of its readings is unknown",
            len(readings),
            f"the entry at line {line}",
        )

    def _readings(
        self, meter: MeterReading, said: ReadingType, line: int, readings: Readings
    ) -> Iterator[Chunk]:
        """Readings whose type is known; small entries are handed on together."""
        name = self._name(meter, said)
        why = f"its ReadingType has {reason}" if (reason := _why_not(said)) else ""
        if contradiction := self._contradiction(meter):
            why = f"it links {contradiction}"
        if why:
            self.rejections.add_many([line], name, why, len(readings), f"the entry at line {line}")
            return
        self._typed.add(meter)
        held = self._held.setdefault((meter, said), _Held(meter, said))
        held.parts.append(readings)
        self._waiting += len(readings)
        if self._waiting >= _TOGETHER:
            yield from self._flush()

    def _name(self, meter: MeterReading, said: ReadingType) -> str:
        """The series' name: its address; with what it measures, where one address is declared in two ways."""
        name = meter.links.href or meter.title or "MeterReading"
        if meter.links.own in self.web.shared:
            name = f"{name} ({meter.id or meter.title})"
        measured = (said.uom, said.direction, said.accumulation)
        if self._measured.setdefault(name, measured) == measured:
            return name
        return f"{name} (uom {said.uom}, flow {said.direction}, accumulation {said.accumulation})"

    def _flush(self) -> Iterator[Chunk]:
        for held in self._held.values():
            name = self._name(held.meter, held.said)
            self._flushed.add(held.meter.links.own)
            series = self._announce(name, held.meter, held.said)
            found = Readings.joined(held.parts)
            if kind(held.said.accumulation, unit(UNITS[held.said.uom or 0]).quantity) == "interval":
                found = self._once(name, found)
            values = scaled(found.values, held.said.power or 0)
            graded = np.zeros(len(found), np.uint8)
            for code in np.unique(found.codes).tolist():
                graded[found.codes == code] = quality(held.said.quality if code < 0 else code)
            yield Chunk(readings_table(name, found.times, values, graded, found.places), series)
        self._held = {}
        self._waiting = 0

    def _once(self, name: str, found: Readings) -> Readings:
        """Readings without those that lie over others of another length, which are named."""
        over = self._covered.setdefault(name, Covered()).again(found.times, found.lengths)
        if not over.any():
            return found
        for length, other in sorted(
            {*zip(found.lengths[over > 0].tolist(), over[over > 0].tolist(), strict=True)}
        ):
            which = (found.lengths == length) & (over == other)
            why = f"its interval of {length} s lies over others of {other} s that were given first: not counted twice"
            place = f"reading {found.places[which][0]}"
            self.rejections.add_many([], name, why, int(which.sum()), place)
        return found.where(over == 0)

    def _announce(self, name: str, meter: MeterReading, said: ReadingType) -> tuple[Series, ...]:
        if name in self._announced:
            return ()
        self._announced.add(name)
        assert said.uom is not None
        known = unit(UNITS[said.uom])
        if said.uom in UNIT_NOTES:
            self._notes[f"{self.name}: `{name}` is in {UNIT_NOTES[said.uom]}"] = None
        if said.accumulation is None and kind(None, known.quantity) == "interval":
            self._notes[
                f"{self.name}: `{name}` does not say how it accumulates; taken as amounts of its intervals"
            ] = None
        every = said.interval if said.interval and said.interval > 0 else None
        told = Series(
            name,
            unit=known.symbol,
            quantity=known.quantity,
            direction=direction(said.direction),
            kind=kind(said.accumulation, known.quantity),
            every=every,
            title=meter.title,
            usage_point=self.web.usage_point_of(meter),
        )
        return (told,)


def _why_not(said: ReadingType) -> str:
    """What keeps the values of a ReadingType from being taken; empty where nothing does."""
    if said.uom is None:
        return "no unit of measure"
    if said.uom not in UNITS:
        return f"unit of measure {said.uom}, which cityctl cannot keep"
    if said.power is None:
        return "a power of ten that is no number"
    return "" if -30 <= said.power <= 30 else f"a power of ten of {said.power}"


def scaled(values: npt.NDArray[np.float64], power: int) -> npt.NDArray[np.float64]:
    """Integers x 10^power, each rounded once: a division where the power is negative."""
    return values / 10.0**-power if power < 0 else values * 10.0**power
