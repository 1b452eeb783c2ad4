"""FIWARE context data: NGSI-LD and NGSIv2, normalized and simplified, one moment or a history.

The simplified form leaves units and times out: ask a broker for the normalized one. Unit codes are those of
UN/CEFACT Recommendation 20. Nothing in NGSI says how a value accumulates, so that none is summed unless told.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from cityctl.errors import InputRefused
from cityctl.exports.gather import Gather
from cityctl.exports.meaning import Instants, epoch_micros, known_unit
from cityctl.exports.ngsi import Instance, entity_time, instances, is_entity
from cityctl.exports.parsed import Chunk, Direction, Series
from cityctl.exports.shape import Shape
from cityctl.exports.source import Source
from cityctl.exports.tree import jsons
from cityctl.reading import Quality

SUMMARY = "FIWARE NGSI-LD and NGSIv2 entities"
SUFFIXES: tuple[str, ...] = (".jsonld",)
PLACE = "entity"

_HEAD = re.compile(rb'"(?:@context|observedAt|unitCode|dateObserved|entityId|attrName|TimeInstant)"')
_IMPORT, _EXPORT = (
    re.compile(r"import|consum|delivered", re.I),
    re.compile(r"export|produc|generat|injected", re.I),
)


def recognises(head: bytes) -> bool:
    """Whether the file is JSON whose entities have an id and a type, or a history of one."""
    plain = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if plain[:1] not in (b"{", b"["):
        return False
    keyed = re.search(rb'"id"\s*:\s*"', plain) and re.search(rb'"type"\s*:\s*[\["]', plain)
    typed = re.search(
        rb'"type"\s*:\s*"(?:Property|Number|Text|DateTime|GeoProperty|StructuredValue|geo:json)"', plain
    )
    urn = re.search(rb'"(?:@?id|entityId)"\s*:\s*"urn:ngsi', plain)
    named = re.match(rb'[\[\s]*\{[^{}\[\]]{0,200}?"type"\s*:\s*"[A-Z]\w+"', plain) and b'"@iot.' not in plain
    history = (b'"attrName"' in plain and b'"index"' in plain) or (
        b'"entityId"' in plain and b'"attributes"' in plain
    )
    feature = b'"FeatureCollection"' in plain
    return bool(not feature and (history or (keyed and (typed or urn or named or _HEAD.search(plain)))))


def parse(source: Source, shape: Shape) -> Iterator[Chunk]:
    """The numbers of entities; an empty list has none. Raises InputRefused where something else stands there."""
    reader = _Reader(Gather(source.name, PLACE), Instants(source.name, shape.time_zone), shape)
    for entity in _entities(source):
        reader.take(entity)
        yield from reader.gather.due()
    if not reader.count and reader.others:
        raise InputRefused(f"{source.name}: no NGSI entity in it", hint="name the format with --format")
    yield from reader.gather.rest()


def _entities(source: Source) -> Iterator[Any]:
    """Entities one by one: a document of one, a list, or a subscription's notification (`data`)."""
    start = source.head(64).removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"[") and not jsons.start(source)[1]:
        yield from jsons.items(source, "item")
        return
    document = jsons.document(source)
    if isinstance(document, dict) and isinstance(document.get("data"), list) and not is_entity(document):
        document = document["data"]
    yield from document if isinstance(document, list) else [document]


class _Reader:
    def __init__(self, gather: Gather, instants: Instants, shape: Shape) -> None:
        self.gather = gather
        self.instants = instants
        self.shape = shape
        self.count = 0
        self.others = False  # whether what is no entity stands there

    def take(self, entity: Any) -> None:
        """One entity; what is none is refused with its number."""
        number = self.count + 1
        if not is_entity(entity):
            self.others = True
            if self.count or isinstance(entity, list):
                self.gather.refuse(
                    None, None, f"{PLACE} {number} is no NGSI entity: it has no id", "", f"{PLACE} {number}"
                )
            return
        self.count = number
        name = str(entity.get("id") or entity.get("@id") or entity.get("entityId"))
        whole = entity_time(entity)
        for one in instances(entity):
            self._add(name, one, whole, number)

    def _add(self, entity: str, one: Instance, whole: Any, number: int) -> None:
        series = self._series(f"{entity}/{one.name}", one)
        place = f"{PLACE} {number}, {one.name}"
        said = one.time if one.time is not None else whole
        if one.value is None:
            self.gather.blank()
            return
        if said is None:
            self.gather.refuse(
                None, series.id, "no time is said: observedAt, TimeInstant or dateObserved", "", place
            )
            return
        try:
            micros = self._micros(said)
        except ValueError as problem:
            self.gather.refuse(None, series.id, str(problem), "", place)
            return
        self.gather.add(series.id, micros, one.value, int(Quality.GOOD), number)

    def _micros(self, said: Any) -> int:
        if isinstance(said, int | float) and not isinstance(said, bool):
            return epoch_micros(said)
        return self.instants.of(str(said).split("/")[0])  # the start, where it is an interval

    def _series(self, name: str, one: Instance) -> Series:
        word = one.unit or self.shape.units.get(one.name) or self.shape.unit or ""
        unit = known_unit(word, code_first=True)
        symbol = unit.symbol if unit else None
        known = self.gather.known(name)
        if known is not None and (known.unit, known.said_unit) != (symbol, "" if unit else word):
            name = f"{name} ({word or 'no unit'})"
            known = self.gather.known(name)
        if known is not None:
            return known
        way: Direction = (
            "forward" if _IMPORT.search(one.name) else "reverse" if _EXPORT.search(one.name) else ""
        )
        return self.gather.declare(
            Series(
                name,
                unit=symbol,
                quantity=unit.quantity if unit else None,
                direction=way,
                kind=self.shape.kind or "gauge",
                said_unit="" if unit else json.dumps(word)[1:-1],
            )
        )
