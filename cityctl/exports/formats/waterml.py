"""WaterML 1.0, 1.1 and 2.0: series of measurements as water agencies publish them."""

from __future__ import annotations

from collections.abc import Iterator

from cityctl.errors import InputRefused
from cityctl.exports.gather import Gather
from cityctl.exports.meaning import Instants
from cityctl.exports.parsed import Chunk
from cityctl.exports.shape import Shape
from cityctl.exports.source import Source
from cityctl.exports.tree.xmls import events, local, space
from cityctl.exports.waterml.one import One
from cityctl.exports.waterml.two import Two

SUMMARY = "WaterML 1.1 and 2.0"
SUFFIXES: tuple[str, ...] = (".wml", ".wml2", ".waterml")

_ONE = ("http://www.cuahsi.org/waterML/1.1/", "http://www.cuahsi.org/waterML/1.0/")
_TWO = "http://www.opengis.net/waterml/2.0"
_DRAFTS = frozenset({"TimeValuePair", "TimeSeries", "WaterProcess", "timeValuePair"})


def recognises(head: bytes) -> bool:
    """Whether the file is XML and speaks of WaterML."""
    plain = head.replace(b"\x00", b"")
    begins = plain.lstrip(b"\xef\xbb\xbf\xff\xfe \r\n\t").startswith(b"<")
    return begins and (b"waterml" in plain.lower() and b"naesb.org" not in plain)


def parse(source: Source, shape: Shape) -> Iterator[Chunk]:
    """The values of a document. Raises InputRefused where it is none, unsafe, damaged or cut short."""
    gather = Gather(source.name)
    instants = Instants(source.name, shape.time_zone)
    reader: One | Two | None = None
    with source.stream() as stream:
        for event, element in events(source.name, stream):
            if reader is None:
                reader = _reader(source.name, element, gather, shape, instants)
            if local(element) in _DRAFTS and "waterml" in space(element).lower() and isinstance(reader, Two):
                raise InputRefused(
                    f"{source.name}:{element.sourceline or 0}: <{local(element)}> belongs to a draft older than the "
                    "standard WaterML 2.0: its points cannot be read safely; nothing of it was taken",
                    hint="ask the publisher for WaterML 2.0 (OGC 10-126) or 1.1",
                )
            reader.take(event, element)
            yield from gather.due()
    if reader is not None and not reader.points:
        gather.note(f"{source.name}: the document has no points")
    yield from gather.rest()


def _reader(name: str, root: object, gather: Gather, shape: Shape, instants: Instants) -> One | Two:
    where, what = space(root), local(root)
    if what in ("timeSeriesResponse", "TimeSeriesResponse", "timeSeries") and where in _ONE:
        return One(gather, shape, instants)
    if what == "Envelope" or where.startswith("http://schemas.xmlsoap.org"):
        return One(gather, shape, instants)
    if where == _TWO or what in (
        "OM_Observation",
        "Collection",
        "GetObservationResponse",
        "FeatureCollection",
    ):
        return Two(gather, shape, instants)
    raise InputRefused(
        f"{name}: its root element <{what}> of `{where[:60]}` is neither WaterML 1.1 nor 2.0",
        hint="a draft or another dialect? ask the publisher for WaterML 2.0 (OGC 10-126) or 1.1",
    )
