"""Which MeterReading, ReadingType and UsagePoint an IntervalBlock belongs to: by Atom links, never by nesting.

Publishers link in different ways: the block's `up` is the collection that the MeterReading names as `related`
(the standard), the MeterReading names the block itself, the block names the MeterReading, or its own address lies
below it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

from cityctl.exports.espi.codes import ReadingType


@dataclass(frozen=True)
class Links:
    """The links of one entry, as addresses that can be compared; `href` is `self` as it was written."""

    href: str = ""
    own: str = ""
    up: str = ""
    related: tuple[str, ...] = ()


@dataclass(frozen=True)
class MeterReading:
    """A MeterReading entry; `id` tells it from another one of the same address."""

    links: Links
    title: str
    id: str = ""


def address(base: str, href: str) -> str:
    """A link as a path that can be compared: resolved, without host, query and the slash at its end."""
    whole = joined(base, href.strip())
    try:
        return urlsplit(whole).path.strip("/")
    except ValueError:  # no address at all, such as http://[
        return whole


def joined(base: str, href: str) -> str:
    """A link as seen from an address; as it is written, where that is no address."""
    try:
        return urljoin(base, href)
    except ValueError:
        return href


@dataclass
class Web:
    """The entries of a feed that blocks are linked to."""

    meters: dict[str, MeterReading] = field(default_factory=dict)
    types: dict[str, ReadingType] = field(default_factory=dict)
    usage_points: dict[str, Links] = field(default_factory=dict)
    shared: set[str] = field(default_factory=set)  # addresses that several resources have
    _ids: dict[str, str] = field(default_factory=dict)
    _by_related: dict[str, MeterReading] = field(default_factory=dict)
    _points_by_related: dict[str, Links] = field(default_factory=dict)

    def add_meter(self, meter: MeterReading) -> None:
        """A MeterReading entry was read."""
        before = self.meters.get(meter.links.own)
        if before is not None and before.id != meter.id:
            self.shared.add(meter.links.own)
        self.meters[meter.links.own] = meter
        for target in meter.links.related:
            if self._by_related.setdefault(target, meter) is before:
                self._by_related[target] = meter

    def add_type(self, links: Links, said: ReadingType) -> None:
        """A ReadingType entry was read."""
        self.types[links.own] = said

    def add_usage_point(self, links: Links, ident: str) -> None:
        """A UsagePoint entry was read; one of another id is another one, whatever its address."""
        if self._ids.setdefault(links.own, ident) != ident:
            self.shared.add(links.own)
        self.usage_points[links.own] = links
        for target in links.related:
            self._points_by_related.setdefault(target, links)

    def meter_of(self, block: Links) -> MeterReading | None:
        """The MeterReading of an entry of blocks, or None while (or because) nothing links them."""
        for target in (block.up, block.own):
            if target and target in self._by_related:
                return self._by_related[target]
        named = (block.up, *block.related, *_above(block.up), *_above(block.own))
        return next((self.meters[target] for target in named if target in self.meters), None)

    def types_of(self, meter: MeterReading) -> list[ReadingType]:
        """The ReadingTypes of a MeterReading, one as a rule; none while (or because) nothing links them."""
        known = filter(
            self.types.__contains__, meter.links.related
        )  # it may link each of ten thousand blocks
        return [self.types[target] for target in known]

    def usage_point_of(self, meter: MeterReading) -> str:
        """The address of a MeterReading's UsagePoint; empty where nothing links them, or several are meant."""
        linked = (
            self._points_by_related.get(target) for target in (meter.links.up, meter.links.own) if target
        )
        above = (self.usage_points.get(target) for target in _above(meter.links.own))
        point = next((found for found in (*linked, *above) if found is not None), None)
        if point is None or {point.own, meter.links.own} & self.shared:
            return ""
        return point.href


def _above(target: str) -> Iterable[str]:
    """a/b/c -> a/b, a."""
    while "/" in target:
        target = target.rpartition("/")[0]
        yield target
